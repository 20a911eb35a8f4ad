; $ dojo-ld main.o lib.o
; file main.s
.global _start
_start: halti 0
.irpc n, 0123456789
.barrier main_\n
.endr
; file lib.s
.irpc n, 0123456
.barrier lib_\n
.endr
