; A layer of a network in 8 bits: result = ReLU(activations @ weights + bias), sizes 24 x 27 x 24.
;
;     dojo-run samples/gemm/run.toml
;
; Activations, weights and result are CFloat8, each with a format and a bias of its own; sums are
; float32. Two-dimensional loads take the operands of the matrix unit straight from row-major arrays:
; a block of 16x4 is two left operands, one of 8x8 two right ones. Beyond the 27th column or row they
; give zeros, so no size has to be a multiple of anything (isa/window.isa). Bias, ReLU and the
; conversion are one instruction each (isa/accumulator.isa).

        .equ    M, 24
        .equ    K, 27
        .equ    N, 24
        .equ    DOWN, 1 << 32                   ; one row further, in an origin

        .biasreg activation_bias, weight_bias, result_bias

        .text
        .global _start
_start:
        li      t0, 7
        bias.write activation_bias, t0
        li      t0, 18
        bias.write weight_bias, t0
        li      t0, 6
        bias.write result_bias, t0

        la      a0, activations
        li      a1, K << 40 | M << 20 | K       ; shapes: bytes a row, rows, columns
        la      a2, weights
        li      a3, N << 40 | K << 20 | N
        la      a4, bias
        li      a5, 1 << 20 | N
        li      s4, DOWN
        li      s0, M                           ; rows left
        la      s1, result
        li      s2, 0                           ; origin of the activations: the row
rows:
        li      s3, 0                           ; the column
columns:
        acc.zero acc0
        acc.zero acc1
        mov     t0, s2
        mov     t1, s3
        li      t2, (K + 7) / 8
step:
        vld2d.16x4.b8 v0, [a0], a1, t0          ; rows 0-7 and 8-15, columns k..k+3
        addi    t0, t0, 4
        vld2d.16x4.b8 v1, [a0], a1, t0          ; the same of columns k+4..k+7
        addi    t0, t0, 4
        vld2d.8x8.b8 v2, [a2], a3, t1           ; rows k..k+3 and k+4..k+7
        slli    t3, s4, 3
        add     t1, t1, t3
        mmul.cfloat8_1_4_3.cfloat8_1_5_2 acc0, v0, 0, activation_bias, v2, 0, weight_bias
        mmul.cfloat8_1_4_3.cfloat8_1_5_2 acc1, v0, 1, activation_bias, v2, 0, weight_bias
        mmul.cfloat8_1_4_3.cfloat8_1_5_2 acc0, v1, 0, activation_bias, v2, 1, weight_bias
        mmul.cfloat8_1_4_3.cfloat8_1_5_2 acc1, v1, 1, activation_bias, v2, 1, weight_bias
        loop.next t2, step

        vld2d.b32 v3, [a4], a5, s3, 0, 0        ; the bias of these columns
        li      t2, N
        add     t0, s1, s3
        mov     t1, s0
        .irp    n, 0, 1
        acc.add.row.f32 acc\n, v3, 0
        acc.relu.f32 acc\n
        acc.cvt.cfloat8_1_4_3 v4, acc\n, result_bias
        mask.firstn m1, t1                      ; eight rows of eight codes, as far as there are
        vsts.i64 v4, [t0], t2, m1
        addi    t0, t0, 8 * N
        addi    t1, t1, -8
        .endr

        addi    s3, s3, 8
        li      t0, N
        blt     s3, t0, columns

        slli    t0, s4, 4
        add     s2, s2, t0
        addi    s1, s1, 16 * N
        addi    s0, s0, -16
        bgt     s0, zero, rows
        halti   0

        .bss
activations: .tensor cfloat8_1_4_3(7), M, K
weights: .tensor cfloat8_1_5_2(18), K, N
bias:   .tensor f32, N
result: .tensor cfloat8_1_4_3(6), M, N
