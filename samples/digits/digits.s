; Scores 1,797 handwritten digits with the matrix unit, from SRAM:
;
;     scores (1797 x 16)  =  pixels (1797 x 64)  x  weights (64 x 16)  +  bias (16)
;
;     dojo-run samples/digits/run.toml
;
; The matrix unit multiplies an 8x4 by a 4x8 matrix of bfloat16 and adds the 8x8 product to float32
; sums. So the images are taken eight at a time; a block of eight is 16 tiles of 8x4, the weights
; are 16 x 2 tiles of 4x8, and two accumulators hold the sums of classes 0-7 and 8-15. Tiles are
; contiguous and rows are not, so both operands are first copied into tiles.

        .equ    IMAGES, 1797
        .equ    PIXELS, 64
        .equ    CLASSES, 16
        .equ    BLOCKS, (IMAGES + 7) / 8        ; the last block is padded with zeros
        .equ    PADDING, BLOCKS * 8 - IMAGES
        .equ    STEPS, PIXELS / 4               ; matrix steps a block
        .equ    IMAGE_BYTES, PIXELS * 2
        .equ    SCORE_BYTES, CLASSES * 4

        .text
        .global _start
_start:
        call    tile_weights
        call    tile_bias
        mask.firstni m1, 8                      ; lanes of classes 0-7
        la      s0, pixels
        la      s1, scores
        li      s2, BLOCKS
block:
        call    tile_images

        la      t0, bias_tiles                  ; the sums start with the bias
        acc.load acc0, [t0]
        acc.load acc1, [t0 + 256]
        la      t1, image_tiles
        la      t2, weight_tiles
        li      t3, STEPS
step:
        vld     v0, [t1], 64
        vld     v1, [t2], 64
        vld     v2, [t2], 64
        mmul.bf16 acc0, v0, v1
        mmul.bf16 acc1, v0, v2
        loop.next t3, step

        la      t0, sum_tiles
        acc.store acc0, [t0]
        acc.store acc1, [t0 + 256]
        li      t3, 8                           ; a row of scores: half a row of each tile
row:
        vldu.f32 v0, [t0]                       ; lanes 0-7: classes 0-7
        vldu.f32 v1, [t0 + 256 - 32]            ; lanes 8-15: classes 8-15
        vsel.f32 v0, v0, v1, m1
        vst     v0, [s1], SCORE_BYTES
        addi    t0, t0, 32
        loop.next t3, row

        addi    s0, s0, 8 * IMAGE_BYTES
        loop.next s2, block
        halti   0

; Copy eight images at s0 into 16 tiles of 8x4: tile t takes pixels 4t..4t+3 of each image.
tile_images:
        mov     a0, s0
        la      a1, image_tiles
        li      a2, STEPS
1:
        ld      t0, [a0]
        ld      t1, [a0 + 1 * IMAGE_BYTES]
        ld      t2, [a0 + 2 * IMAGE_BYTES]
        ld      t3, [a0 + 3 * IMAGE_BYTES]
        ld      t4, [a0 + 4 * IMAGE_BYTES]
        ld      t5, [a0 + 5 * IMAGE_BYTES]
        ld      t6, [a0 + 6 * IMAGE_BYTES]
        ld      a3, [a0 + 7 * IMAGE_BYTES]
        sd      t0, [a1], 8
        sd      t1, [a1], 8
        sd      t2, [a1], 8
        sd      t3, [a1], 8
        sd      t4, [a1], 8
        sd      t5, [a1], 8
        sd      t6, [a1], 8
        sd      a3, [a1], 8
        addi    a0, a0, 8
        loop.next a2, 1b
        ret

; Copy the weights, rows of 16 classes, into pairs of 4x8 tiles: four rows make one pair.
tile_weights:
        la      a0, weights
        la      a1, weight_tiles
        li      a2, STEPS
1:
        li      a3, 4
2:
        ld      t0, [a0], 8
        ld      t1, [a0], 8
        ld      t2, [a0], 8
        ld      t3, [a0], 8
        sd      t2, [a1 + 64]
        sd      t3, [a1 + 72]
        sd      t0, [a1], 8
        sd      t1, [a1], 8
        loop.next a3, 2b
        addi    a1, a1, 64
        loop.next a2, 1b
        ret

; Copy the bias into two 8x8 tiles whose rows are all alike.
tile_bias:
        la      a0, bias
        la      a1, bias_tiles
        li      a2, 2
1:
        ld      t0, [a0], 8
        ld      t1, [a0], 8
        ld      t2, [a0], 8
        ld      t3, [a0], 8
        li      a3, 8
2:
        sd      t0, [a1], 8
        sd      t1, [a1], 8
        sd      t2, [a1], 8
        sd      t3, [a1], 8
        loop.next a3, 2b
        loop.next a2, 1b
        ret

        .bss
        .balign 64
pixels:
        .tensor bf16, IMAGES, PIXELS
        .space  PADDING * IMAGE_BYTES
weights:
        .tensor bf16, PIXELS, CLASSES
bias:
        .tensor f32, CLASSES
scores:
        .tensor f32, IMAGES, CLASSES
        .space  PADDING * SCORE_BYTES

        .balign 64
image_tiles:
        .space  STEPS * 64
weight_tiles:
        .space  STEPS * 2 * 64
bias_tiles:
        .space  2 * 256
sum_tiles:
        .space  2 * 256
