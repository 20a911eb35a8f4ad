; C (M x N, float32) = A (M x K) x B (K x N), both bfloat16, on any rectangle of nodes, as a systolic array.
;
;     dojo-run samples/gemm-systolic/run.toml, or full.toml
;
; A node holds and computes a block of C. A comes in from the west, rows at the nodes of the first
; column, B from the north, columns at the nodes of the first row. Panels of PANEL of k go from
; neighbour to neighbour: each node passes a panel on, multiplies it, and lets the one before it send
; another. Each way has two buffers, so that a panel arrives while the one before it is multiplied.
; Nobody waits for anybody but its neighbours: no barrier, no multicast, no transfer of more than a hop.
;
; A step is four of k, what the matrix unit takes at once: M_BLOCK / 8 blocks of 8x4 of A, N_BLOCK / 8
; blocks of 4x8 of B. C is written in tiles of 16x16, as four of 8x8.

        .ifndef M_BLOCK
        .equ    M_BLOCK, 32                     ; rows of A and C a node
        .equ    N_BLOCK, 32                     ; columns of B and C a node
        .equ    K, 192
        .equ    PANEL, 48                       ; of k
        .endif
        .if     M_BLOCK % 16 || N_BLOCK % 16
        .error  "M_BLOCK and N_BLOCK are multiples of 16"
        .endif
        .if     PANEL % 12 || K % PANEL
        .error  "PANEL is a multiple of 12, as the inner loop takes three steps a turn, and K one of PANEL"
        .endif

        .equ    STEPS, K / 4
        .equ    PANEL_STEPS, PANEL / 4
        .equ    A_STEP, M_BLOCK * 8             ; bytes of a step
        .equ    B_STEP, N_BLOCK * 8
        .equ    A_PANEL, PANEL_STEPS * A_STEP
        .equ    B_PANEL, PANEL_STEPS * B_STEP
        .equ    ROWS, M_BLOCK / 16              ; tiles
        .equ    COLUMNS, N_BLOCK / 16
        .equ    EAST, 1 << 32                   ; in an address: the next column
        .equ    SOUTH, 1 << 44                  ; and the next row

        .semaphore a_full0, a_full1, b_full0, b_full1   ; a panel is in the buffer
        .semaphore a_room, b_room               ; panels that the next node has room for

        .text
        .global _start
_start:
        ctl.read s0, node_x                     ; s0: nodes before me in this row, s1: behind me
        ctl.read t0, program_x
        ctl.read t1, program_width
        sub     s0, s0, t0
        sub     s1, t1, s0
        addi    s1, s1, -1
        ctl.read s2, node_y                     ; s2, s3: in this column
        ctl.read t0, program_y
        ctl.read t1, program_height
        sub     s2, s2, t0
        sub     s3, t1, s2
        addi    s3, s3, -1

        ctl.read t0, node_x                     ; my address
        ctl.read t1, node_y
        slli    t0, t0, 32
        slli    t1, t1, 44
        or      t0, t0, t1
        li      t1, 1 << 60
        or      t0, t0, t1
        li      t1, EAST                        ; s4-s7: west, east, north, south of it
        li      t2, SOUTH
        sub     s4, t0, t1
        add     s5, t0, t1
        sub     s6, t0, t2
        add     s7, t0, t2

        la      s8, a                           ; strips of the first column and row
        la      s9, b
        beqz    s1, 1f
        sem.posti a_room, 2
1:      beqz    s3, 1f
        sem.posti b_room, 2
1:      li      s10, K / PANEL                  ; panels left

; One panel of one matrix: leave its address in \panel, after passing it on.
        .macro  take panel, strip, bytes, before, behind, next, buffers, room, full, parity
        mov     \panel, \strip
        beqz    \before, \%mine
        la      \panel, \buffers + \parity * \bytes
        sem.waiti \full\parity, 1
\%mine: li      t0, \bytes
        add     \strip, \strip, t0
        beqz    \behind, \%last
        la      t1, \buffers + \parity * \bytes
        or      t1, t1, \next
        sem.waiti \room, 1
        push.post t1, \panel, t0, \full\parity
\%last:
        .endm
        .macro  turn parity
        take    a6, s8, A_PANEL, s0, s1, s5, a_buffers, a_room, a_full, \parity
        take    a7, s9, B_PANEL, s2, s3, s7, b_buffers, b_room, b_full, \parity
        call    multiply
        beqz    s0, \%first
        sem.posti.at s4, a_room, 1
\%first:
        beqz    s2, \%top
        sem.posti.at s6, b_room, 1
\%top:  addi    s10, s10, -1
        .endm

loop:   turn    0
        beqz    s10, done
        turn    1
        bnez    s10, loop
done:   beqz    s1, 1f                          ; until the neighbours have taken the last ones
        sem.waiti a_room, 2
1:      beqz    s3, 1f
        sem.waiti b_room, 2
1:      halti   0

; Add the product of the panels at a6 and a7 to C. Changes a0-a5, t0, v0-v11, acc0-acc3.
;
; Four accumulators hold a tile of 16x16, so that each register that is loaded is used twice. Three
; sets of registers take turns; each is loaded anew three steps ahead, between products: two vector
; instructions issue in a cycle.
multiply:
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
        la      a2, c
        li      a4, ROWS
1:      mov     a5, a7
        li      a3, COLUMNS
2:      mov     a0, a6
        mov     a1, a5
        fetch   v0, v1, v2, v3
        fetch   v4, v5, v6, v7
        fetch   v8, v9, v10, v11
        .irp    n, 0, 1, 2, 3
        acc.load acc\n, [a2 + 256 * \n]
        .endr
        li      t0, PANEL_STEPS / 3
3:      step    v0, v1, v2, v3
        step    v4, v5, v6, v7
        step    v8, v9, v10, v11
        loop.next t0, 3b
        .irp    n, 0, 1, 2, 3
        acc.store acc\n, [a2], 256
        .endr
        addi    a5, a5, 128
        loop.next a3, 2b
        addi    a6, a6, 128
        loop.next a4, 1b
        ret

        .bss
a:      .tensor bf16, 1, STEPS, M_BLOCK / 8, 8, 4
b:      .tensor bf16, STEPS, N_BLOCK / 8, 4, 8
c:      .tensor f32, ROWS, COLUMNS, 2, 2, 8, 8
        .balign 64
a_buffers: .space 2 * A_PANEL
b_buffers: .space 2 * B_PANEL
        .space  3 * (A_STEP + B_STEP)           ; loaded behind the last step, and never used
