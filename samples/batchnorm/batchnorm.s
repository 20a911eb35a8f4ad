; Statistics of a batch normalisation: mean and variance of 16 channels, over values that are
; distributed over all nodes of a rectangle of whole dies. Every node gets them.
;
;     dojo-run samples/batchnorm/run.toml, or full.toml
;
; Each node sums its values and their squares: two vectors, two packets. They go up a tree as the wires
; do: along the row of a die to its row leader, down the column of row leaders to the die's leader, and
; from the dies' leaders to one of them. Its result goes the same way back, on the last stretch by
; multicast. Every leader sums slots of an inbox in their order, so the result never depends on who
; comes first; slots of dead nodes stay zero.

        .ifndef VALUES
        .equ    VALUES, 8                       ; of a channel, on a node
        .equ    DIE_WIDTH, 2                    ; nodes of a die
        .equ    DIE_HEIGHT, 2
        .equ    DIES, 4
        .endif
        .ifndef LEADER_X
        .equ    LEADER_X, DIE_WIDTH / 2         ; leaders, in their die: this column of each row,
        .equ    LEADER_Y, DIE_HEIGHT / 2        ; and in it this row; they have to work
        .endif
        .equ    SLOT, 128                       ; bytes: sums, sums of squares
        .equ    ROW_SLOTS, (DIE_WIDTH + 3) / 4 * 4      ; four are summed at a time
        .equ    DIE_SLOTS, (DIE_HEIGHT + 3) / 4 * 4
        .equ    TOP_SLOTS, (DIES + 3) / 4 * 4

        .semaphore local                        ; something of this node is done
        .semaphore row_full, die_full, top_full ; slots of the inboxes that have arrived
        .semaphore die_result, row_result, result       ; from the top, from the die, from the row
        .barrier begin, start

        .text
        .global _start
_start:
        ctl.read t0, node_x                     ; s0, s1: my place in the die
        ctl.read t1, program_x
        sub     t1, t0, t1
        li      t3, DIE_WIDTH
        remu    s0, t1, t3
        divu    s2, t1, t3                      ; s2, s3: column and row of the die
        ctl.read t2, node_y
        ctl.read t1, program_y
        sub     t1, t2, t1
        li      t4, DIE_HEIGHT
        remu    s1, t1, t4
        divu    s3, t1, t4

        slli    t0, t0, 32                      ; s4: my address, s5: that of the row's leader,
        slli    t2, t2, 44                      ; s6: of the die's leader, s7: of the top
        or      s4, t0, t2
        li      t5, 1 << 60
        or      s4, s4, t5
        addi    t0, s0, -LEADER_X
        slli    t0, t0, 32
        sub     s5, s4, t0
        addi    t0, s1, -LEADER_Y
        slli    t0, t0, 44
        sub     s6, s5, t0
        ctl.read t5, program_width
        divu    t5, t5, t3                      ; columns of dies
        ctl.read t6, program_height
        divu    t6, t6, t4
        mul     s9, t5, t6                      ; s9: dies
        mul     s8, s3, t5
        add     s8, s8, s2                      ; s8: number of the die
        srli    t5, t5, 1
        srli    t6, t6, 1
        sub     t5, s2, t5
        mul     t5, t5, t3
        slli    t5, t5, 32
        sub     s7, s6, t5
        sub     t6, s3, t6
        mul     t6, t6, t4
        slli    t6, t6, 44
        sub     s7, s7, t6

        li      t0, DIES
        bne     t0, s9, wrong_dies
        call    count
        barrier.all start
        ctl.read s11, cycle
        call    sum_up
        call    reduce
        sem.wait result
        ctl.read t0, cycle
        sub     t0, t0, s11
        la      t1, cycles
        sd      t0, [t1]
        halti   0
wrong_dies:
        trap    1

; ---- who is there: each node sets a flag at its row's leader, and row leaders one at their die's, before
; all meet at a barrier. a6: live nodes of my row, a7: live rows of my die, for leaders.

count:
        li      t2, 1
        la      t3, one
        sd      t2, [t3]
        li      t2, 8
        la      t0, row_flags
        slli    t1, s0, 3
        add     t0, t0, t1
        or      t0, t0, s5
        push.ack t0, t3, t2, local
        la      t0, die_flags
        slli    t1, s1, 3
        add     t0, t0, t1
        or      t0, t0, s6
        push.ack t0, t3, t2, local              ; each of the row does it
        sem.waiti local, 2
        barrier.all begin
        .macro  flags result, table, slots
        la      t0, \table
        li      t1, \slots
        li      \result, 0
\%next: ld      t2, [t0], 8
        add     \result, \result, t2
        loop.next t1, \%next
        .endm
        flags   a6, row_flags, DIE_WIDTH
        flags   a7, die_flags, DIE_HEIGHT
        ret

; ---- sums of my values: v0, of their squares: v1

sum_up:
        la      a0, x
        li      t0, VALUES / 4
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7
        vmovi.i32 v\n, 0
        .endr
1:
        .irp    n, 0, 1, 2, 3
        vld     v1\n, [a0 + 64 * \n]
        .endr
        addi    a0, a0, 256
        .irp    n, 0, 1, 2, 3
        vadd.f32 v\n, v\n, v1\n
        .endr
        vfma.f32 v4, v10, v10
        vfma.f32 v5, v11, v11
        vfma.f32 v6, v12, v12
        vfma.f32 v7, v13, v13
        loop.next t0, 1b
        jump    join

; The same of a0 slots of four at a1.
sum_slots:
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7
        vmovi.i32 v\n, 0
        .endr
1:
        .irp    n, 0, 1, 2, 3
        vld     v1\n, [a1 + 128 * \n]
        vld     v2\n, [a1 + 128 * \n + 64]
        .endr
        addi    a1, a1, 4 * SLOT
        .irp    n, 0, 1, 2, 3
        vadd.f32 v\n, v\n, v1\n
        .endr
        vadd.f32 v4, v4, v20
        vadd.f32 v5, v5, v21
        vadd.f32 v6, v6, v22
        vadd.f32 v7, v7, v23
        loop.next a0, 1b
; Join four parts of each sum; leave both at `sums` too.
join:
        vadd.f32 v0, v0, v1
        vadd.f32 v2, v2, v3
        vadd.f32 v4, v4, v5
        vadd.f32 v6, v6, v7
        vadd.f32 v0, v0, v2
        vadd.f32 v1, v4, v6
        la      a1, sums
        vst     v0, [a1]
        vst     v1, [a1 + 64]
        ret

; ---- up and down the tree

reduce:
        mov     s10, ra
        li      t3, SLOT
        .macro  send inbox, slot, leader, semaphore
        la      t0, \inbox
        slli    t1, \slot, 7
        add     t0, t0, t1
        or      t0, t0, \leader
        push.post t0, a1, t3, \semaphore
        .endm
        .macro  receive inbox, slots, semaphore, count
        sem.wait \semaphore, \count
        la      a1, \inbox
        li      a0, \slots / 4
        call    sum_slots
        .endm
        send    row_inbox, s0, s5, row_full
        bne     s4, s5, done
        receive row_inbox, ROW_SLOTS, row_full, a6
        send    die_inbox, s1, s6, die_full
        bne     s4, s6, from_die
        receive die_inbox, DIE_SLOTS, die_full, a7
        send    top_inbox, s8, s7, top_full
        bne     s4, s7, from_top
        receive top_inbox, TOP_SLOTS, top_full, s9
        call    statistics

        li      t0, LEADER_Y << 44 | LEADER_X << 32 | 1 << 60
        ctl.read t1, program_x
        slli    t1, t1, 32
        add     t0, t0, t1
        ctl.read t1, program_y
        slli    t1, t1, 44
        add     t0, t0, t1                      ; leader of the first die
        la      a1, stats
        or      t0, t0, a1
        ctl.read t4, program_height
        li      t5, DIE_HEIGHT
        divu    t4, t4, t5
1:      mov     t1, t0
        ctl.read t5, program_width
        li      t6, DIE_WIDTH
        divu    t5, t5, t6
2:      push.post t1, a1, t3, die_result
        li      t6, DIE_WIDTH << 32
        add     t1, t1, t6
        loop.next t5, 2b
        li      t6, DIE_HEIGHT << 44
        add     t0, t0, t6
        loop.next t4, 1b

from_top:
        sem.wait die_result
        la      a1, stats                       ; to the leaders of my die's rows
        slli    t0, s1, 44
        sub     t0, s4, t0
        or      t0, t0, a1
        la      t1, die_flags
        li      t4, DIE_HEIGHT
        li      t6, 1 << 44
1:      ld      t2, [t1], 8
        beqz    t2, 2f                          ; all of that row are dead
        push.post t0, a1, t3, row_result
2:      add     t0, t0, t6
        loop.next t4, 1b

from_die:
        sem.wait row_result
        ctl.read t0, node_x                     ; to my row of the die
        sub     t0, t0, s0
        ctl.read t1, node_y
        slli    t1, t1, 12
        or      t0, t0, t1
        li      t1, 1 << 36 | DIE_WIDTH << 24
        or      t0, t0, t1
        ctl.write rectangle, t0
        la      a1, stats
        push.rect.post a1, a1, t3, result
done:   mov     ra, s10
        ret

; Mean and variance, from the sums v0 and v1, to `stats`.
statistics:
        ctl.read t0, live_nodes
        li      t1, VALUES
        mul     t0, t0, t1
        vbroadcast.i32 v2, t0
        vcvt.f32.i32 v2, v2
        vdiv.f32 v0, v0, v2
        vdiv.f32 v1, v1, v2
        vfnma.f32 v1, v0, v0                    ; mean of squares, minus square of the mean
        la      a1, stats
        vst     v0, [a1]
        vst     v1, [a1 + 64]
        ret

        .if     VALUES % 4
        .error  "VALUES is a multiple of 4"
        .endif

        .bss
x:      .tensor f32, VALUES, 16
stats:
mean:   .tensor f32, 16
variance: .tensor f32, 16
cycles: .tensor i64, 1
one:    .tensor i64, 1
row_flags: .tensor i64, DIE_WIDTH
die_flags: .tensor i64, DIE_HEIGHT
        .balign 64
sums:   .space  SLOT
row_inbox: .space ROW_SLOTS * SLOT
die_inbox: .space DIE_SLOTS * SLOT
top_inbox: .space TOP_SLOTS * SLOT
