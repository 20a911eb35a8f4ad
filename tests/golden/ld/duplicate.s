; $ dojo-ld main.o first.o second.o
; file main.s
.global _start
_start: halti 0
; file first.s
.global scale
scale: ret
; file second.s
nop
.global scale, __stack_top
scale: ret
__stack_top: nop
