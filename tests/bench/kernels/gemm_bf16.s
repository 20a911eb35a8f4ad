; C (256 x 256, float32) = A (256 x 512) x B (512 x 256) in bfloat16.
;
; Operands are packed: 16 rows of A as blocks of 8x4, two for each four of k; 16 columns of B as blocks
; of 4x8. C is written in tiles of 8x8. Four accumulators hold a tile of 16x16, so each register that is
; loaded is used twice, and neighbouring products go to different accumulators.
        .equ    M, 256
        .equ    N, 256
        .equ    K, 512
        .equ    PANEL, 16 * 2 * K
        .text
        .global _start
_start: la      s0, a_panels
        la      s2, c_tiles
        li      s3, M / 16
rows:   la      s1, b_panels
        li      s4, N / 16
columns:
        mov     a0, s0
        vld     v0, [a0], 64
        vld     v1, [a0], 64
        vld     v2, [s1], 64
        vld     v3, [s1], 64
        vld     v4, [a0], 64
        vld     v5, [a0], 64
        vld     v6, [s1], 64
        vld     v7, [s1], 64
        .irp    n, 0, 1, 2, 3
        acc.zero acc\n
        .endr
        li      t0, K / 4 / 4
        ; four of k: rows a and b, columns c and d; load those two steps ahead
        .macro  products a, b, c, d, e, f, g, h
        mmul.bf16 acc0, \a, \c
        vld     \e, [a0], 64
        mmul.bf16 acc1, \a, \d
        vld     \f, [a0], 64
        mmul.bf16 acc2, \b, \c
        vld     \g, [s1], 64
        mmul.bf16 acc3, \b, \d
        vld     \h, [s1], 64
        .endm
1:      products v0, v1, v2, v3, v8, v9, v10, v11
        products v4, v5, v6, v7, v12, v13, v14, v15
        products v8, v9, v10, v11, v0, v1, v2, v3
        products v12, v13, v14, v15, v4, v5, v6, v7
        loop.next t0, 1b
        addi    s1, s1, -256                    ; the last loads were beyond the panel
        .irp    n, 0, 1, 2, 3
        acc.store acc\n, [s2], 256
        .endr
        loop.next s4, columns
        li      t1, PANEL
        add     s0, s0, t1
        loop.next s3, rows
        loop.next s11, _start
        halti   0
        jump    _start
        .bss
        .balign 64
a_panels: .space M / 16 * PANEL + 256
b_panels: .space N / 16 * PANEL + 256
c_tiles: .space M * N * 4
