; A layer of a network in 8 bits, with two formats and three biases:
;
;     result (M x N)  =  ReLU(activations (M x K)  x  weights (K x N)  +  offsets (N))
;
;     dojo-run samples/cfloat8-gemm/run.toml, or full.toml
;
; Activations are 1-5-2, weights and result 1-4-3, each with a bias register of its own that sets its
; range: training moves it, and a kernel follows by writing one register. Sums are float32.
;
; The matrix unit does 8x4 by 4x8 a cycle and takes each operand from half a register. Rows of a
; matrix lie too far apart for that, and a 2D load of 64 bytes takes 8 cycles, so everything is packed
; first: the weights once, the activations 16 rows at a time. The 2D loads give zeros beyond the
; edges, so that M and K may be anything.

        .ifndef M
        .equ    M, 50
        .equ    K, 75
        .equ    N, 32
        .endif
        .if     N % 16
        .error  "N is a multiple of 16"
        .endif

        .equ    ACTIVATION_BIAS, 15             ; up to 114,688
        .equ    WEIGHT_BIAS, 12                 ; up to 15
        .equ    RESULT_BIAS, 11                 ; up to 30: some results saturate
        .biasreg activation_bias, weight_bias, result_bias

        .equ    TURNS, (K + 15) / 16            ; of the innermost loop
        .equ    PANEL, TURNS * 256              ; bytes: 16 rows of activations, or columns of weights
        .equ    DOWN, 1 << 32                   ; one row further, in an origin

        .text
        .global _start
_start:
        li      t0, ACTIVATION_BIAS
        bias.write activation_bias, t0
        li      t0, WEIGHT_BIAS
        bias.write weight_bias, t0
        li      t0, RESULT_BIAS
        bias.write result_bias, t0
        call    pack_weights

        la      s0, result
        li      s1, N                           ; bytes from a row of the result to the next
        li      s2, M                           ; rows left
        li      s3, 0                           ; origin of the rows
        li      s4, 16 * DOWN
rows:
        call    pack_rows
        mask.firstn m1, s2                      ; of eight rows, those that exist
        addi    t0, s2, -8                      ; none if negative
        mask.firstn m2, t0                      ; and of the next eight
        la      s5, weight_panels
        la      s6, offsets
        mov     s7, s0
        li      s8, N / 16
columns:
        call    multiply

; acc0 acc1
; acc2 acc3 hold 16x16 sums; the 16 offsets are a row vector in each half of v16. Eight codes of a row
; are one lane of 64 bits, so a strided store writes 8x8 of the result.
        vld     v16, [s6], 64
        acc.add.row.f32 acc0, v16, 0
        acc.add.row.f32 acc1, v16, 1
        acc.add.row.f32 acc2, v16, 0
        acc.add.row.f32 acc3, v16, 1
        addi    a0, s7, 8
        addi    a1, s7, 8 * N
        addi    a2, s7, 8 * N + 8
        .irp    n, 0, 1, 2, 3
        acc.relu.f32 acc\n
        .endr
        .irp    n, 0, 1, 2, 3
        acc.cvt.cfloat8_1_4_3 v1\n, acc\n, result_bias
        .endr
        vsts.i64 v10, [s7], s1, m1
        vsts.i64 v11, [a0], s1, m1
        vsts.i64 v12, [a1], s1, m2
        vsts.i64 v13, [a2], s1, m2
        addi    s7, s7, 16
        loop.next s8, columns

        add     s3, s3, s4
        addi    s0, s0, 16 * N
        addi    s2, s2, -16
        bgt     s2, zero, rows

        ctl.read t0, flags                      ; sticky: what ever happened in the conversions
        la      t1, raised
        sw      t0, [t1]
        halti   0

; acc0..acc3 = the panel of rows x the panel of columns at s5, which is advanced. A turn is 16 steps of
; k in two sets of registers; while the 8 products of one set run, the other is loaded.
; Neighbouring products go to different accumulators, since each is ready after 4 cycles.
        .macro  multiply_and_load a, b, c, d, e, f, g, h
        mmul.cfloat8_1_5_2.cfloat8_1_4_3 acc0, \a, 0, activation_bias, \c, 0, weight_bias
        vld     \e, [a0], 64                    ; rows 0-7 and 8-15 of k..k+3
        mmul.cfloat8_1_5_2.cfloat8_1_4_3 acc1, \a, 0, activation_bias, \d, 0, weight_bias
        vld     \f, [a0], 64                    ; of k+4..k+7
        mmul.cfloat8_1_5_2.cfloat8_1_4_3 acc2, \a, 1, activation_bias, \c, 0, weight_bias
        vld     \g, [s5], 64                    ; columns 0-7 of k..k+3 and k+4..k+7
        mmul.cfloat8_1_5_2.cfloat8_1_4_3 acc3, \a, 1, activation_bias, \d, 0, weight_bias
        vld     \h, [s5], 64                    ; columns 8-15
        mmul.cfloat8_1_5_2.cfloat8_1_4_3 acc0, \b, 0, activation_bias, \c, 1, weight_bias
        mmul.cfloat8_1_5_2.cfloat8_1_4_3 acc1, \b, 0, activation_bias, \d, 1, weight_bias
        mmul.cfloat8_1_5_2.cfloat8_1_4_3 acc2, \b, 1, activation_bias, \c, 1, weight_bias
        mmul.cfloat8_1_5_2.cfloat8_1_4_3 acc3, \b, 1, activation_bias, \d, 1, weight_bias
        .endm

multiply:
        la      a0, row_panel
        vld     v0, [a0], 64
        vld     v1, [a0], 64
        vld     v2, [s5], 64
        vld     v3, [s5], 64
        .irp    n, 0, 1, 2, 3
        acc.zero acc\n
        .endr
        li      t0, TURNS
1:
        multiply_and_load v0, v1, v2, v3, v4, v5, v6, v7
        multiply_and_load v4, v5, v6, v7, v0, v1, v2, v3
        loop.next t0, 1b
        addi    s5, s5, -128                    ; the last loads were beyond the panel
        ret

; Copy 16 rows of activations, from the origin s3 on, as left operands. A block of 8x8 codes has in its
; even words what half a register takes, k..k+3 of eight rows, and k+4..k+7 in its odd ones.
pack_rows:
        la      a0, activations
        li      a1, K << 40 | M << 20 | K       ; bytes a row, rows, columns
        mov     a2, s3
        li      a3, 8 * DOWN
        add     a3, a3, s3
        la      a4, row_panel
        li      t0, TURNS * 2
1:
        vld2d.8x8.b8 v0, [a0], a1, a2
        vld2d.8x8.b8 v1, [a0], a1, a3
        addi    a2, a2, 8
        addi    a3, a3, 8
        vunzip.even.i32 v2, v0, v1
        vunzip.odd.i32 v3, v0, v1
        vst     v2, [a4], 64
        vst     v3, [a4], 64
        loop.next t0, 1b
        ret

; Copy the weights as right operands: panels of 16 columns, whose blocks of 8x8 codes are two each.
pack_weights:
        la      a0, weights
        li      a1, N << 40 | K << 20 | N
        li      a2, 8 * DOWN
        la      a3, weight_panels
        li      a4, 0                           ; column
        li      t0, N / 16
1:
        mov     t1, a4
        addi    t2, a4, 8
        li      t3, TURNS * 2
2:
        vld2d.8x8.b8 v0, [a0], a1, t1
        vld2d.8x8.b8 v1, [a0], a1, t2
        add     t1, t1, a2
        add     t2, t2, a2
        vst     v0, [a3], 64
        vst     v1, [a3], 64
        loop.next t3, 2b
        addi    a4, a4, 16
        loop.next t0, 1b
        ret

        .bss
activations: .tensor cfloat8_1_5_2(ACTIVATION_BIAS), M, K
weights: .tensor cfloat8_1_4_3(WEIGHT_BIAS), K, N
offsets: .tensor f32, N
result: .tensor cfloat8_1_4_3(RESULT_BIAS), M, N
raised: .tensor u32, 1

        .balign 64
row_panel:
        .space  PANEL + 128                     ; the products load one step ahead
weight_panels:
        .space  N / 16 * PANEL + 128
