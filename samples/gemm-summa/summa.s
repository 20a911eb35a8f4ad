; C (M x N, float32) = A (M x K) x B (K x N), both bfloat16, on a rectangle of HEIGHT x WIDTH nodes.
;
;     dojo-run samples/gemm-summa/run.toml, or full.toml
;
; Every matrix is distributed by blocks: the node in column x and row y of the rectangle holds and
; computes block (y, x) of C, and holds block (y, x) of A and of B. SUMMA goes through K in panels: the
; nodes of a row that hold the columns of a panel of A multicast them along their row, those of a
; column that hold its rows of B along their column; then every node adds the product of the two
; panels to its block of C. Panels have two buffers: the next one travels while one is multiplied.
;
; A step is four of k, what the matrix unit takes at once. Blocks are packed by steps, so a range of
; k is a range of bytes: step of A: M_BLOCK / 8 blocks of 8x4, step of B: N_BLOCK / 8 blocks of 4x8.
; C is written in tiles of 16x16, as four of 8x8.

        .ifndef WIDTH
        .equ    WIDTH, 4                        ; nodes of the rectangle
        .equ    HEIGHT, 4
        .equ    M_BLOCK, 32                     ; rows of A and C a node
        .equ    N_BLOCK, 32                     ; columns of B and C a node
        .equ    K, 180
        .equ    PANEL, 48                       ; of k
        .endif
        .if     M_BLOCK % 16 || N_BLOCK % 16
        .error  "M_BLOCK and N_BLOCK are multiples of 16"
        .endif
        .if     K % 12 || PANEL % 12
        .error  "K and PANEL are multiples of 12: the inner loop takes three steps a turn"
        .endif

        .equ    STEPS, K / 4
        .equ    PANEL_STEPS, PANEL / 4
        .equ    PANELS, (STEPS + PANEL_STEPS - 1) / PANEL_STEPS
        .equ    A_STEPS, (STEPS + WIDTH - 1) / WIDTH    ; of a block; the last ones may have fewer
        .equ    B_STEPS, (STEPS + HEIGHT - 1) / HEIGHT
        .equ    A_STEP, M_BLOCK * 8             ; bytes of a step
        .equ    B_STEP, N_BLOCK * 8
        .equ    ROWS, M_BLOCK / 16              ; tiles
        .equ    COLUMNS, N_BLOCK / 16
        .equ    TILE, 16 * 16 * 4

        .semaphore a_arrived, b_arrived         ; parts of the next panel
        .barrier free                           ; all have multiplied the panel before

        .text
        .global _start
_start:
        ctl.read t0, program_width
        ctl.read t1, program_height
        li      t2, WIDTH
        li      t3, HEIGHT
        bne     t0, t2, wrong_rectangle
        bne     t1, t3, wrong_rectangle
        ctl.read t0, node_x                     ; s0, s1: first steps of my blocks of A and B
        ctl.read t1, program_x
        sub     t0, t0, t1
        li      t2, A_STEPS
        mul     s0, t0, t2
        ctl.read t0, node_y
        ctl.read t1, program_y
        sub     t0, t0, t1
        li      t2, B_STEPS
        mul     s1, t0, t2

        la      s2, panels                      ; buffers: of the next panel to send,
        la      s3, panels + BUFFER             ; of the other one
        li      s4, 0                           ; first step of the next panel to send
        call    send
        li      s5, 0                           ; first step of the panel to multiply
1:
        call    await
        barrier.all free
        addi    s4, s4, PANEL_STEPS
        mov     t0, s2
        mov     s2, s3
        mov     s3, t0
        call    send
        call    multiply
        addi    s5, s5, PANEL_STEPS
        li      t0, STEPS
        blt     s5, t0, 1b
        halti   0
wrong_rectangle:
        trap    1

; ---- panels: A at the beginning of a buffer, B behind it

; Multicast what I have of the panel that begins at step s4 to the buffer at s2; wait for nothing.
send:
        addi    t0, s4, PANEL_STEPS             ; its end; none is left if it begins at STEPS
        li      t1, STEPS
        min     t0, t0, t1
        .macro  part block, block_step, block_steps, step_bytes, offset, multicast, semaphore
        max     t1, s4, \block_step             ; from step t1 to t2
        addi    t2, \block_step, \block_steps
        min     t2, t2, t0
        bge     t1, t2, \%none
        li      t3, \step_bytes
        sub     t2, t2, t1
        mul     t2, t2, t3
        sub     t4, t1, s4
        mul     t4, t4, t3
        li      t5, \offset
        add     t4, t4, t5
        add     t4, t4, s2
        sub     t1, t1, \block_step
        mul     t1, t1, t3
        la      t3, \block
        add     t1, t1, t3
        \multicast t4, t1, t2, \semaphore
\%none:
        .endm
        part    a, s0, A_STEPS, A_STEP, 0, push.row.post, a_arrived
        part    b, s1, B_STEPS, B_STEP, A_PANEL, push.col.post, b_arrived
        ret

; Wait until all parts of the panel that begins at step s5 have arrived: one from each block of its range.
await:
        addi    t0, s5, PANEL_STEPS
        li      t1, STEPS
        min     t0, t0, t1
        addi    t0, t0, -1                      ; its last step
        .macro  parts block_steps, semaphore
        li      t1, \block_steps
        divu    t2, s5, t1
        divu    t3, t0, t1
        sub     t3, t3, t2
        addi    t3, t3, 1
        sem.wait \semaphore, t3
        .endm
        parts   A_STEPS, a_arrived
        parts   B_STEPS, b_arrived
        ret

; ---- product

; Add the product of the panels at s3, from step s5 on, to C. Changes a0-a7, t0, v0-v11, acc0-acc3.
;
; Four accumulators hold a tile of 16x16, so that each register that is loaded is used twice. Three sets
; of registers take turns: A in v0 v1, v4 v5, v8 v9, B in v2 v3, v6 v7, v10 v11; each is loaded anew three
; steps ahead, at the end of a tile for the next tile.
multiply:
        li      a6, STEPS
        sub     a6, a6, s5
        li      t0, PANEL_STEPS
        min     a6, a6, t0
        li      t0, 3
        divu    a6, a6, t0
        addi    a6, a6, -1                      ; turns of the inner loop
        la      a2, c
        mov     a4, s3                          ; first step of A for the present rows
        li      t0, A_PANEL
        add     a7, s3, t0
        mov     a5, a7                          ; first step of B for the present columns
        li      a3, COLUMNS                     ; columns left in these rows
        li      s6, ROWS * COLUMNS              ; tiles left

        .macro  fetch x0, x1, y0, y1
        vld     \x0, [a0], 64
        vld     \y0, [a1], 64
        vld     \y1, [a1], B_STEP - 64
        vld     \x1, [a0], A_STEP - 64
        .endm
        .macro  step x0, x1, y0, y1
        mmul.bf16 acc0, \x0, \y0
        mmul.bf16 acc1, \x0, \y1
        vld     \x0, [a0], 64
        mmul.bf16 acc2, \x1, \y0
        vld     \y0, [a1], 64
        mmul.bf16 acc3, \x1, \y1
        vld     \y1, [a1], B_STEP - 64
        vld     \x1, [a0], A_STEP - 64
        .endm

        mov     a0, a4
        mov     a1, a5
        fetch   v0, v1, v2, v3
        fetch   v4, v5, v6, v7
        fetch   v8, v9, v10, v11
        .irp    n, 0, 1, 2, 3
        acc.load acc\n, [a2 + 256 * \n]
        .endr
tile:
        mov     t0, a6
        beqz    t0, 2f
1:
        step    v0, v1, v2, v3
        step    v4, v5, v6, v7
        step    v8, v9, v10, v11
        loop.next t0, 1b
2:
        addi    a5, a5, 128                     ; the next columns
        addi    a3, a3, -1
        beqz    a3, next_rows
3:
        mov     a0, a4
        mov     a1, a5
        step    v0, v1, v2, v3
        step    v4, v5, v6, v7
        step    v8, v9, v10, v11
        .irp    n, 0, 1, 2, 3
        acc.store acc\n, [a2 + 256 * \n]
        acc.load acc\n, [a2 + 256 * \n + TILE]
        .endr
        addi    a2, a2, TILE
        loop.next s6, tile
        ret
next_rows:
        addi    a4, a4, 128
        mov     a5, a7
        li      a3, COLUMNS
        jump    3b

        .bss
a:      .tensor bf16, 1, A_STEPS, M_BLOCK / 8, 8, 4
b:      .tensor bf16, B_STEPS, N_BLOCK / 8, 4, 8
c:      .tensor f32, ROWS, COLUMNS, 2, 2, 8, 8
        .space  TILE                            ; loaded behind the last tile, and never used
        .equ    A_PANEL, PANEL_STEPS * A_STEP
        .equ    BUFFER, PANEL_STEPS * (A_STEP + B_STEP)
        .balign 64
panels: .space  2 * BUFFER
        .space  128                             ; loaded behind the last step
