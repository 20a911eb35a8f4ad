; Reductions: the dot product of two bfloat16 vectors of 512 numbers, two ways.
;
;     dojo-run samples/dot/run.toml
;
; `narrow` adds products in bfloat16: 8 bits of significand, so small addends are lost. `wide` uses
; the matrix unit as 8x4 by 4x8, whose sums are float32, and adds the diagonal blocks it needs.

        .equ    COUNT, 512

        .text
        .global _start
_start:
        la      a0, x
        la      a1, y
        li      a2, COUNT / 32
        vli.bf16 v2, 0.0
1:
        vld     v0, [a0], 64
        vld     v1, [a1], 64
        vfma.bf16 v2, v0, v1            ; 32 lanes, each rounded to bfloat16
        loop.next a2, 1b
        vredsum.bf16 v2, v2             ; the sum, in every lane
        la      a3, narrow
        vextract.bf16 t0, v2, 0
        sh      t0, [a3]

; Rows of the left tile are 4 numbers of x; columns of the right tile are 4 numbers of y, so the
; right tile holds y transposed. Diagonal element i of the product is x[4i..4i+3] . y[4i..4i+3].
        acc.zero acc0
        la      a0, x
        la      a1, y
        li      a2, COUNT / 32
2:
        la      a4, tile
        li      a5, 8                   ; column
3:
        lhu     t0, [a1], 2
        lhu     t1, [a1], 2
        lhu     t2, [a1], 2
        lhu     t3, [a1], 2
        sh      t0, [a4]
        sh      t1, [a4 + 16]
        sh      t2, [a4 + 32]
        sh      t3, [a4 + 48]
        addi    a4, a4, 2
        loop.next a5, 3b
        la      a4, tile
        vld     v0, [a0], 64
        vld     v1, [a4]
        mmul.bf16 acc0, v0, v1          ; float32 sums
        loop.next a2, 2b

        la      a0, sums
        acc.store acc0, [a0]
        li      a2, 8                   ; gather the diagonal into lanes 0-7
        la      a1, diagonal
4:
        lw      t0, [a0], 36
        sw      t0, [a1], 4
        loop.next a2, 4b
        la      a1, diagonal
        vld     v0, [a1]
        vredsum.f32 v0, v0
        la      a3, wide
        vextract.f32 t0, v0, 0
        sw      t0, [a3]
        halti   0

        .bss
        .balign 64
x:      .tensor bf16, COUNT
y:      .tensor bf16, COUNT
narrow: .tensor bf16, 1
wide:   .tensor f32, 1
        .balign 64
tile:   .space  64
sums:   .space  256
diagonal:
        .space  64
