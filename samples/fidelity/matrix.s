; The matrix unit: a product of 8x4 by 4x8 a cycle, each with a load beside it. FORMAT 0 is bfloat16,
; 1 is CFloat8_1_4_3.

        .ifndef FORMAT
        .equ    FORMAT, 0
        .endif
        .equ    TURNS, 500
        .biasreg bias

        .macro  product n, loaded
        .if     FORMAT
        mmul.cfloat8_1_4_3.cfloat8_1_4_3 acc\n, v0, 0, bias, v1, 1, bias
        .else
        mmul.bf16 acc\n, v0, v1
        .endif
        vld     \loaded, [a0]
        .endm

        .text
        .global _start
_start:
        la      a0, operand
        li      t0, TURNS
        ctl.read s0, cycle
1:
        .irp    n, 0, 1, 2, 3
        product \n, v1\n
        .endr
        .irp    n, 0, 1, 2, 3
        product \n, v2\n
        .endr
        loop.next t0, 1b
        ctl.read s1, cycle
        sub     s1, s1, s0
        la      t0, cycles
        sd      s1, [t0]
        li      t1, TURNS * 8 * (8 * 8 * 4 * 2)
        la      t0, work
        sd      t1, [t0]
        halti   0

        .bss
operand: .tensor f32, 16
cycles: .tensor i64, 1
work:   .tensor i64, 1                          ; floating-point operations
