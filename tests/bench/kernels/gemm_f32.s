; C = A x B with matrices of 256 x 256 float32, row-major.
;
; Two rows by 64 columns of C are made at a time. A register holds eight columns, each twice: the even
; lanes add up the products of even k, the odd lanes those of odd k, and at the end one is added to the
; other. So a pair of neighbours in a row of A is a factor for all lanes, which a strided load of
; distance 0 brings: no SIMD cycle goes to it. Rows k and k + 1 of B are interleaved beforehand. Each
; register of B is used for both rows, so loads have room beside a product a cycle.
        .equ    SIZE, 256
        .equ    ROW, 4 * SIZE
        .equ    PAIRS, SIZE / 2
        .equ    COLUMNS, 64
        .equ    BLOCKS, SIZE / COLUMNS

; load_factor factor, place: the next two elements of a row of A, in all pairs of lanes.
        .macro  load_factor factor, place
        vlds.i64 \factor, [\place], zero
        addi    \place, \place, 8
        .endm

; step upper, lower, next_upper, next_lower: two k of both rows. What is loaded is for the next step:
; a factor takes both load ports for four cycles, which come first.
        .macro  step upper, lower, next_upper, next_lower
        vfma.f32 v0, v16, \upper
        load_factor \next_upper, a2
        vfma.f32 v8, v16, \lower
        vfma.f32 v1, v17, \upper
        vfma.f32 v9, v17, \lower
        vfma.f32 v2, v18, \upper
        load_factor \next_lower, a3
        vfma.f32 v10, v18, \lower
        vfma.f32 v3, v19, \upper
        vfma.f32 v11, v19, \lower
        vfma.f32 v4, v20, \upper
        vld     v16, [a1], 64
        vfma.f32 v12, v20, \lower
        vld     v17, [a1], 64
        vfma.f32 v5, v21, \upper
        vld     v18, [a1], 64
        vfma.f32 v13, v21, \lower
        vld     v19, [a1], 64
        vfma.f32 v6, v22, \upper
        vld     v20, [a1], 64
        vfma.f32 v14, v22, \lower
        vld     v21, [a1], 64
        vfma.f32 v7, v23, \upper
        vld     v22, [a1], 64
        vfma.f32 v15, v23, \lower
        vld     v23, [a1], 64
        .endm

; store_row place, first, ...: add odd lanes to even ones, and store 64 columns.
        .macro  store_row place, one, two, three, four, five, six, seven, eight
        vunzip.even.f32 v28, \one, \two
        vunzip.even.f32 v29, \three, \four
        vunzip.even.f32 v30, \five, \six
        vunzip.even.f32 v31, \seven, \eight
        vunzip.odd.f32 \one, \one, \two
        vunzip.odd.f32 \three, \three, \four
        vunzip.odd.f32 \five, \five, \six
        vunzip.odd.f32 \seven, \seven, \eight
        vadd.f32 v28, v28, \one
        vadd.f32 v29, v29, \three
        vadd.f32 v30, v30, \five
        vadd.f32 v31, v31, \seven
        vst     v28, [\place], 64
        vst     v29, [\place], 64
        vst     v30, [\place], 64
        vst     v31, [\place], 64
        .endm

        .text
        .global _start
_start: la      a2, b
        la      a1, b_pairs
        li      t1, BLOCKS
interleave:
        mov     a3, a2
        li      t0, PAIRS
1:      .irp    n, 0, 1, 2, 3
        vld     v\n, [a3 + 64 * \n]
        vld     v1\n, [a3 + ROW + 64 * \n]
        .endr
        .irp    n, 0, 1, 2, 3
        vzip.lo.f32 v2\n, v\n, v1\n
        vzip.hi.f32 v\n, v\n, v1\n
        .endr
        .irp    n, 0, 1, 2, 3
        vst     v2\n, [a1], 64
        vst     v\n, [a1], 64
        .endr
        addi    a3, a3, 2 * ROW
        loop.next t0, 1b
        addi    a2, a2, 4 * COLUMNS
        loop.next t1, interleave

        la      s0, a
        la      s2, c
        li      s3, SIZE / 2
rows:   la      a1, b_pairs
        addi    s4, s2, ROW
        .irp    n, 16, 17, 18, 19, 20, 21, 22, 23
        vld     v\n, [a1], 64
        .endr
        li      t1, BLOCKS
columns:
        mov     a2, s0
        addi    a3, s0, ROW
        load_factor v24, a2
        load_factor v25, a3
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        vxor.i32 v\n, v\n, v\n
        .endr
        li      t0, PAIRS / 2
1:      step    v24, v25, v26, v27
        step    v26, v27, v24, v25
        loop.next t0, 1b
        store_row s2, v0, v1, v2, v3, v4, v5, v6, v7
        store_row s4, v8, v9, v10, v11, v12, v13, v14, v15
        loop.next t1, columns
        addi    s0, s0, 2 * ROW
        mov     s2, s4
        loop.next s3, rows
        loop.next s11, _start
        halti   0
        jump    _start

        .bss
        .balign 64
a:      .space  SIZE * ROW
b:      .space  SIZE * ROW
c:      .space  SIZE * ROW
b_pairs: .space SIZE * ROW
        .space  8 * 64          ; the last loads of B, for a step that does not come
