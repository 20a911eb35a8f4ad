; $ dojo-ld main.o other.o
; foreign other.o
; file main.s
.global _start
_start: halti 0
; file other.s
nop
