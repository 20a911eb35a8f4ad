; $ dojo-ld lib.a main.o
; archive lib.a = scale.o shift.o
; file main.s
.extern scale
.global _start
_start: call scale
    halti 0
; file scale.s
.global scale
scale: ret
; file shift.s
.global shift
shift: ret
