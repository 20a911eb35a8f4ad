; $ dojo-ld shared.o left.o right.o --map -
; file shared.s
.extern own
.global helper
helper: la a0, own
    ret
.common room, 64, 64
; file left.s
.program left
.place 0, 0, 2, 2
.place 3, 0
.extern helper, room
.global _start, own
_start: call helper
    la a1, room
    halti 0
.data
own: .dword 7
; file right.s
.program right
.place 2, 0
.extern helper
.global _start, own
_start: nop
    call helper
    halti 0
.data
own: .dword own@(0, 0)
