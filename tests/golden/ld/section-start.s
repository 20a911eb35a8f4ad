; $ dojo-ld main.o --section-start .data=0x104 --section-start .txt=0x1000 --section-start .bss=0x100
; file main.s
.global _start
_start: halti 0
.data
.space 64
.bss
.space 64
