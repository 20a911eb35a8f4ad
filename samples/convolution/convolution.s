; A 3x3 convolution of a 20x40 image with zeros around it, which no code has to put there.
;
;     dojo-run samples/convolution/run.toml
;
; Nine loads share one origin: each gives 16 pixels of one of the nine shifted images, with zeros
; where the window leaves the image (isa/window.isa). Moving the window is one addition.

        .equ    HEIGHT, 20
        .equ    WIDTH, 40
        .equ    LANES, 16
        .equ    SHAPE, (WIDTH * 4) << 40 | HEIGHT << 20 | WIDTH
        .equ    DOWN, 1 << 32

        .text
        .global _start
_start:
        la      a0, image
        li      a1, SHAPE
        li      a2, -DOWN - 1                   ; the window starts one row up and one column left
        la      a3, result
        li      a4, 4
        li      a5, DOWN
        la      t0, weights
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8
        lw      t1, [t0 + \n * 4]
        vbroadcast.f32 v1\n, t1
        .endr

        li      s0, HEIGHT
row:
        mov     s2, a2
        li      s1, WIDTH                       ; pixels left in this row
pixels:
        vmovi.i32 v0, 0
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8
        vld2d.b32 v1, [a0], a1, s2, \n / 3, \n % 3
        vfma.f32 v0, v1, v1\n
        .endr
        mask.firstn m1, s1
        vsts.f32 v0, [a3], a4, m1
        addi    s2, s2, LANES
        addi    a3, a3, LANES * 4
        addi    s1, s1, -LANES
        bgt     s1, zero, pixels

        slli    t0, s1, 2                       ; back to the end of the row
        add     a3, a3, t0
        add     a2, a2, a5
        loop.next s0, row
        halti   0

        .rodata
        .shape  weights, f32, 3, 3
weights:
        .values f32, 1, 2, -1, 0, 3, -2, 4, -3, 5

        .bss
image:  .tensor f32, HEIGHT, WIDTH
result: .tensor f32, HEIGHT, WIDTH
