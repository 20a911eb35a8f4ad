; Vector code: y = a * x + y over 1,000 float32 numbers, 16 lanes an instruction.
;
;     dojo-run samples/saxpy/run.toml
;
; 1,000 is not a multiple of 16, so the last step works on 8 lanes: a mask of the first n lanes
; predicates the arithmetic, and the loads and stores stay within the padded arrays.

        .equ    COUNT, 1000
        .equ    LANES, 16

        .text
        .global _start
_start:
        la      a0, x
        la      a1, y
        la      a2, a
        lw      a2, [a2]
        vbroadcast.f32 v0, a2           ; a in every lane
        li      a3, COUNT
1:
        mask.firstn m1, a3              ; all lanes, or what is left
        vld     v1, [a0], 64
        vld     v2, [a1]
        vfma.f32 v2, v0, v1, m1         ; v2 = v0 * v1 + v2 where m1 is set, rounded once
        vst     v2, [a1], 64
        addi    a3, a3, -LANES
        bgtz    a3, 1b
        halti   0

        .data
        .balign 64
a:      .tensor f32, 1
        .bss
        .balign 64
x:      .tensor f32, COUNT
        .balign 64
y:      .tensor f32, COUNT
        .balign 64
