; $ dojo-ld main.o far.o
; file main.s
.extern far, value
.macro skip name
    beqz a0, \name
.endm
.macro twice name
    skip \name
.endm
.global _start
_start: twice far
    addi a0, a0, value
    loop.next a0, far + 2
    halti 0
.section .data
.byte value
.half value
; file far.s
.space 0x5000
.global far, value
far: nop
.equ value, 0x12345
