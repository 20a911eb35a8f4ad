; A 3x3 convolution of 8 channels to 8 in bf16, with zeros around the image that nobody stores:
;
;     result[y, c, x]  =  ReLU(offset[c] + sum of weight[c, i, dy, dx] * image[y + dy, i, x + dx])
;
;     dojo-run samples/conv3x3/run.toml, or full.toml
;
; The rows of all channels of a line of pixels stand together, so that the image is one matrix of
; HEIGHT * 8 rows. A block of 4 rows by 8 columns of it, 4 channels of 8 pixels, is a right operand of
; the matrix unit; a tap for 4 input channels, 8 output channels by 4, is a left one, and their
; product 8 channels of 8 pixels of the result. Beyond all edges 2D loads give zeros (isa/window.isa):
; above and below the image too, since whole lines of channels lie there.
;
; A block takes 4 cycles to load, a product one. So four lines of the result are made at once, one in
; each accumulator: six lines of the image serve them, and a block is used for up to three. The
; blocks of the next line are loaded while those of this one are multiplied. The weights stay in
; registers: v0-v5 are those of dy = 0, v10-v15 and v20-v25 of dy = 1 and 2.

        .ifndef HEIGHT
        .equ    HEIGHT, 12
        .equ    WIDTH, 24
        .endif
        .if     HEIGHT % 4 || WIDTH % 8
        .error  "HEIGHT is a multiple of 4 and WIDTH of 8"
        .endif

        .equ    CHANNELS, 8
        .equ    DOWN, 1 << 32                   ; one row of the matrix further, in an origin
        .equ    PITCH, WIDTH * 4                ; bytes a row of the result
        .equ    LINE, CHANNELS * PITCH          ; bytes a line of pixels of the result

; Multiply a block of line `y` of the image, counted from above the four of the result, and load one of
; the next line instead: line n of the result meets it as its dy = y - n.
        .macro  step y, k, block, next, origin
        vld2d.4x8.b16 \next, [s0], s1, \origin
        add     \origin, \origin, s3
        .irp    n, 0, 1, 2, 3
        .if     \y - \n == 0
        mmul.bf16 acc\n, v\k, \block
        .elseif \y - \n == 1
        mmul.bf16 acc\n, v1\k, \block
        .elseif \y - \n == 2
        mmul.bf16 acc\n, v2\k, \block
        .endif
        .endr
        .endm

; All blocks of a line. The line of the result that is done meanwhile, if one is, goes out in the
; cycles that the loads leave; its store holds the store port for 16.
        .macro  line y, done, a, b, c, d, e, f, next_a, next_b, next_c, next_d, next_e, next_f
        step    \y, 0, \a, \next_a, a0         ; channels 0-3, dx = 0, 1, 2
        step    \y, 1, \b, \next_b, a1
        .ifnb   \done
        acc.add.column.f32 \done, v18, 0
        .endif
        step    \y, 2, \c, \next_c, a2
        step    \y, 3, \d, \next_d, a0         ; channels 4-7
        .ifnb   \done
        acc.relu.f32 \done
        .endif
        step    \y, 4, \e, \next_e, a1
        step    \y, 5, \f, \next_f, a2
        .ifnb   \done
        acc.store.rows \done, [t0], s6
        addi    t0, t0, LINE
        .endif
        .endm

        .macro  even_line y, done               ; blocks in v6-v9, v16, v17
        line    \y, \done, v6, v7, v8, v9, v16, v17, v26, v27, v28, v29, v30, v31
        .endm

        .macro  odd_line y, done                ; blocks in v26-v31
        line    \y, \done, v26, v27, v28, v29, v30, v31, v6, v7, v8, v9, v16, v17
        .endm

        .macro  start_at origin                 ; of the three columns of the window
        mov     a0, \origin
        addi    a1, \origin, 1
        addi    a2, \origin, 2
        .endm

        .text
        .global _start
_start:
        la      t0, weights
        .irp    dy, , 1, 2
        .irp    k, 0, 1, 2, 3, 4, 5
        vld     v\dy\k, [t0], 64
        .endr
        .endr
        la      t0, offsets
        vldu.f32 v18, [t0]                      ; a column vector in its first half

        la      s0, image
        li      s1, WIDTH * 2 << 40 | HEIGHT * CHANNELS << 20 | WIDTH
        li      s2, -CHANNELS * DOWN - 1        ; origin: one line above, one pixel to the left
        li      s3, 4 * DOWN                    ; to the other half of the channels, or the next line
        li      s4, 4 * CHANNELS * DOWN         ; four lines
        la      s5, result
        li      s6, PITCH
        li      s7, HEIGHT / 4
lines:
        mov     s8, s2
        mov     s9, s5
        li      s10, WIDTH / 8
        start_at s8
        odd_line -1                             ; multiplies nothing, loads the first line
pixels:
        mov     t0, s9
        acc.zero acc0
        even_line 0
        acc.zero acc1
        odd_line 1
        acc.zero acc2
        even_line 2
        acc.zero acc3
        odd_line 3, acc0
        even_line 4, acc1
        addi    s8, s8, 8
        start_at s8                             ; from here on the next pixels are loaded
        odd_line 5, acc2
        acc.add.column.f32 acc3, v18, 0
        acc.relu.f32 acc3
        acc.store.rows acc3, [t0], s6
        addi    s9, s9, 32
        loop.next s10, pixels

        add     s2, s2, s4
        addi    s5, s9, LINE * 4 - PITCH
        loop.next s7, lines
        halti   0

        .bss
image:  .tensor bf16, HEIGHT, CHANNELS, WIDTH
weights:                                        ; dy, half of the input channels, dx, output, input
        .tensor bf16, 3, 2, 3, CHANNELS, 4
result: .tensor f32, HEIGHT, CHANNELS, WIDTH
offsets:
        .tensor f32, CHANNELS
        .space  32                              ; a load takes 16 numbers
