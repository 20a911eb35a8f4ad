; Heat spreads over a plane: a 5-point stencil on a rectangle of nodes, ITERATIONS times.
;
;     new = u + RATE * ((west + east) + (north + south) - 4 u)        rounded as written, 4 u is exact
;
;     dojo-run samples/halo/run.toml, or full.toml
;
; Each node holds ROWS x COLUMNS points of the plane in `field`, and works on two grids that have a halo
; of points of the neighbours around them; outside the plane it is 0 all the time. After each iteration
; a node pushes its edges into the halos of its neighbours' new grids, and waits for theirs.
;
; Nothing else keeps neighbours in step, and nothing else is needed: who pushes into a halo for the
; next iteration has my edges of this one, so I have left that grid. But one neighbour may be an
; iteration ahead of another, so each side has a semaphore of its own.

        .ifndef ROWS
        .equ    ROWS, 8                         ; of a node
        .equ    COLUMNS, 64
        .equ    ITERATIONS, 5
        .endif
        .if     COLUMNS % 64
        .error  "COLUMNS is a multiple of 64: four vectors are computed at a time"
        .endif

        .equ    PITCH, (COLUMNS + 32) * 4       ; bytes of a row: 16 points of margin on either side
        .equ    GRID, (ROWS + 2) * PITCH
        .equ    INSIDE, PITCH + 64              ; offset of the first point that is not of the halo
        .equ    LAST_ROW, INSIDE + (ROWS - 1) * PITCH
        .equ    PAIR, 8                         ; bytes of two points: transfers have no less

        .semaphore ready                        ; something local is done
        .semaphore west, east, north, south     ; the edge of that neighbour has arrived

        .text
        .global _start
_start:
        ctl.read t0, node_x                     ; s0-s3: whether there is a neighbour
        ctl.read t1, program_x                  ; west, east, north, south
        ctl.read t2, program_width
        sub     s0, t0, t1
        sub     s1, t2, s0
        addi    s1, s1, -1
        ctl.read t3, node_y
        ctl.read t1, program_y
        ctl.read t2, program_height
        sub     s2, t3, t1
        sub     s3, t2, s2
        addi    s3, s3, -1

        slli    t0, t0, 32                      ; s4: my address
        slli    t3, t3, 44
        or      s4, t0, t3
        li      t1, 1 << 60
        or      s4, s4, t1
        li      s5, 1 << 32                     ; s5: one column further
        li      s6, 1 << 44                     ; s6: one row further
        li      s7, COLUMNS * 4                 ; s7: bytes of a row
        li      s8, ROWS << 32 | PAIR           ; s8: shape of a column

        la      a2, grids                       ; a2: this grid, a3: the next one
        la      a3, grids + GRID
        li      t0, COLUMNS * 4
        ctl.write source_pitch, t0
        li      t0, PITCH
        ctl.write destination_pitch, t0
        li      t0, ROWS << 32 | COLUMNS * 4
        la      t1, field
        addi    t2, a2, INSIDE
        copy.2d.post t2, t1, t0, ready
        sem.wait ready
        li      t0, PITCH
        ctl.write source_pitch, t0              ; grid to grid

        li.f32  t0, 0.1
        vbroadcast.f32 v30, t0                  ; the rate
        li.f32  t0, 4
        vbroadcast.f32 v31, t0
        li      s9, ITERATIONS
iteration:
        call    exchange
        call    compute
        mov     t0, a2
        mov     a2, a3
        mov     a3, t0
        loop.next s9, iteration

        li      t0, PITCH
        ctl.write source_pitch, t0
        li      t0, COLUMNS * 4
        ctl.write destination_pitch, t0
        li      t0, ROWS << 32 | COLUMNS * 4
        la      t1, field
        addi    t2, a2, INSIDE
        copy.2d.post t1, t2, t0, ready
        sem.wait ready
        halti   0

; Push my edges of the grid at a2 into the halos of the neighbours; wait for theirs.
exchange:
        add     t4, s4, a2                      ; the same grid of the neighbours
        beqz    s0, 1f
        sub     t1, t4, s5
        addi    t1, t1, INSIDE + COLUMNS * 4
        addi    t2, a2, INSIDE
        push.2d.post t1, t2, s8, east
1:      beqz    s1, 1f
        add     t1, t4, s5
        addi    t1, t1, INSIDE - PAIR
        addi    t2, a2, INSIDE + COLUMNS * 4 - PAIR
        push.2d.post t1, t2, s8, west
1:      beqz    s2, 1f
        sub     t1, t4, s6
        li      t2, LAST_ROW + PITCH
        add     t1, t1, t2
        addi    t2, a2, INSIDE
        push.post t1, t2, s7, south
1:      beqz    s3, 1f
        add     t1, t4, s6
        addi    t1, t1, INSIDE - PITCH
        li      t2, LAST_ROW
        add     t2, t2, a2
        push.post t1, t2, s7, north
1:
        .macro  await exists, side
        beqz    \exists, \%none
        sem.wait \side
\%none:
        .endm
        await   s0, west
        await   s1, east
        await   s2, north
        await   s3, south
        ret

; Compute the grid at a3 from that at a2. Changes t0-t5, a4, a5.
compute:
        addi    t0, a2, INSIDE                  ; the point itself, and north and south of it
        addi    t1, a2, INSIDE - PITCH
        addi    t2, a2, INSIDE + PITCH
        addi    t3, a3, INSIDE
        li      t4, ROWS
1:      li      t5, COLUMNS / 64
2:
        .irp    n, 0, 1, 2, 3
        vldu.f32 v1\n, [t0 + 64 * \n - 4]
        vldu.f32 v2\n, [t0 + 64 * \n + 4]
        .endr
        .irp    n, 4, 5, 6, 7
        vld     v1\n, [t1 + 64 * (\n - 4)]
        vld     v2\n, [t2 + 64 * (\n - 4)]
        .endr
        .irp    n, 0, 1, 2, 3
        vld     v\n, [t0 + 64 * \n]
        .endr
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7
        vadd.f32 v1\n, v1\n, v2\n              ; west + east, north + south
        .endr
        vadd.f32 v10, v10, v14
        vadd.f32 v11, v11, v15
        vadd.f32 v12, v12, v16
        vadd.f32 v13, v13, v17
        .irp    n, 0, 1, 2, 3
        vfnma.f32 v1\n, v\n, v31
        .endr
        .irp    n, 0, 1, 2, 3
        vmul.f32 v1\n, v1\n, v30
        .endr
        .irp    n, 0, 1, 2, 3
        vadd.f32 v1\n, v\n, v1\n
        .endr
        .irp    n, 0, 1, 2, 3
        vst     v1\n, [t3 + 64 * \n]
        .endr
        addi    t0, t0, 256
        addi    t1, t1, 256
        addi    t2, t2, 256
        addi    t3, t3, 256
        loop.next t5, 2b
        addi    t0, t0, 128                     ; the margins
        addi    t1, t1, 128
        addi    t2, t2, 128
        addi    t3, t3, 128
        loop.next t4, 1b
        ret

        .bss
field:  .tensor f32, ROWS, COLUMNS
        .balign 64
grids:  .space  2 * GRID
