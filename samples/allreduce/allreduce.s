; All-reduce: every node of a rectangle holds a float32 vector `x`, and every node gets the sum of all.
;
;     dojo-run samples/allreduce/run.toml, or full.toml
;
; Two ways, one after the other, timed: around a ring, in `ring`, and up a tree and down by a multicast,
; in `tree`. A ring moves little at a time, in many steps; a tree moves all of it in few.
;
; The nodes are numbered as the machine numbers them: those that work, row by row. Where each one is
; they tell each other at the start, so the program runs on any rectangle, with dead nodes too.

        .ifndef LENGTH
        .equ    LENGTH, 1024                    ; elements of the vector
        .equ    NODES, 16                       ; nodes there may be
        .endif
        .equ    GRAIN, 256                      ; bytes: `add_block` takes four vectors a turn
        .equ    BYTES, (LENGTH * 4 + GRAIN - 1) / GRAIN * GRAIN

        .semaphore ready                        ; something local is done
        .semaphore full0, full1                 ; what goes to inbox 0 and 1 has arrived
        .semaphore room                         ; times that I may send
        .semaphore result, first_result         ; the tree's result has arrived: from my row, in it
        .barrier start, middle

        .text
        .global _start
_start:
        ctl.read s0, live_nodes                 ; s0: nodes, s1: my number
        ctl.read s1, node_number
        li      t0, NODES
        bgtu    s0, t0, too_many

; Tell all where I am.
        ctl.read t0, node_x
        ctl.read t1, node_y
        slli    t0, t0, 32
        slli    t1, t1, 44
        or      s2, t0, t1                      ; s2: my address
        li      t0, 1 << 60
        or      s2, s2, t0
        la      s3, address_of                  ; s3: where node n is, at 8 n
        slli    t0, s1, 3
        add     t0, t0, s3
        push.x.rect.post t0, s2, ready
        sem.wait ready, s0

        la      t0, ring
        la      t1, x
        li      t2, LENGTH * 4
        copy.post t0, t1, t2, ready
        la      t0, tree
        copy.post t0, t1, t2, ready
        sem.waiti ready, 2

        barrier.all start
        ctl.read s11, cycle
        call    reduce_in_ring
        ctl.read t0, cycle
        sub     t0, t0, s11
        la      t1, cycles
        sd      t0, [t1]

        barrier.all start
        ctl.read s11, cycle
        call    reduce_in_tree
        ctl.read t0, cycle
        sub     t0, t0, s11
        la      t1, cycles
        sd      t0, [t1 + 8]
        halti   0
too_many:
        trap    1

; ---- ring: a vector is n chunks. In n - 1 steps each node adds its part to the chunk that comes in and
; sends it on; then it holds one whole sum. In n - 1 more the sums go round.

reduce_in_ring:
        addi    s4, s0, -1                      ; s4: steps of a round
        beqz    s4, 9f
        mov     s10, ra
        li      t0, BYTES / GRAIN               ; s5: bytes of a chunk, s6: of all
        add     t0, t0, s4
        divu    t0, t0, s0
        slli    s5, t0, 8
        mul     s6, s5, s0
        la      s7, ring
        mul     s8, s5, s1                      ; s8: offset of the chunk to send: first my own
        addi    t0, s1, 1                       ; a6: next node, a7: the one before
        remu    t0, t0, s0
        slli    t0, t0, 3
        add     t0, t0, s3
        ld      a6, [t0]
        add     t0, s1, s4
        remu    t0, t0, s0
        slli    t0, t0, 3
        add     t0, t0, s3
        ld      a7, [t0]
        sem.posti room, 2                       ; the next one has two inboxes
        li      a5, 0                           ; a5: inbox of this step

        mov     s9, s4
1:      la      t0, inbox
        mul     t1, a5, s5
        add     a4, t0, t1                      ; a4: the inbox, here as there
        or      t2, a4, a6
        call    step
        mov     a1, a4
        srli    a2, s5, 8
        call    add_block
        sem.posti.at a7, room, 1
        loop.next s9, 1b

; Some are ahead of others by now; without the barrier they would begin to send while their last chunk is
; still on its way, and two chunks that share a link both come late, at each node a little later.
        barrier.all middle
        mov     s9, s4
2:      add     t2, s7, s8
        or      t2, t2, a6
        call    step
        sem.posti.at a7, room, 1
        loop.next s9, 2b
        sem.waiti room, 2
        mov     ra, s10
9:      ret

; Send the chunk at s8 to t2 on the next node; wait for the one before it, which then is at s8, and in
; memory at a0. Changes t0, t1, a5.
step:
        add     t0, s7, s8
        sem.waiti room, 1
        bnez    a5, 1f
        push.post t2, t0, s5, full0
        sem.waiti full0, 1
        jump    2f
1:      push.post t2, t0, s5, full1
        sem.waiti full1, 1
2:      xori    a5, a5, 1
        sub     s8, s8, s5
        bgez    s8, 3f
        add     s8, s8, s6
3:      add     a0, s7, s8
        ret

; ---- tree: at distance d = 1, 2, 4, ... nodes whose number is odd times d send all they have to the
; one at distance d before them. Node 0 has the sum in the end and multicasts it.

reduce_in_tree:
        mov     s10, ra
        la      s7, tree
        li      s4, 1                           ; distance
        li      a5, 0                           ; inbox of this distance
        li      t6, 2                           ; children that may send: those at distances 1, 2
1:      call    grant
        slli    s4, s4, 1
        addi    t6, t6, -1
        bnez    t6, 1b
        li      s4, 1

climb:  bgeu    s4, s0, top
        and     t0, s1, s4
        bnez    t0, hand_over
        add     t0, s1, s4
        bgeu    t0, s0, 3f                      ; nobody there
        bnez    a5, 1f
        sem.waiti full0, 1
        jump    2f
1:      sem.waiti full1, 1
2:      mov     a0, s7
        la      a1, inbox
        li      t0, BYTES
        mul     t0, t0, a5
        add     a1, a1, t0
        li      a2, BYTES / GRAIN
        call    add_block
        slli    s4, s4, 2                       ; the inbox is free for a child two levels up
        call    grant
        srli    s4, s4, 2
3:      slli    s4, s4, 1
        xori    a5, a5, 1
        jump    climb

hand_over:
        sub     t0, s1, s4
        slli    t0, t0, 3
        add     t0, t0, s3
        ld      t0, [t0]
        la      t1, inbox
        li      t2, BYTES
        mul     t3, t2, a5
        add     t1, t1, t3
        or      t0, t0, t1
        sem.waiti room, 1
        bnez    a5, 1f
        push.post t0, s7, t2, full0
        jump    handed_over
1:      push.post t0, s7, t2, full1
        jump    handed_over

; One multicast for all, if all nodes work; with dead ones it would become a push to each node. Then only
; the first node of each row gets the sum, and multicasts it along the row.
top:    li      t2, BYTES
        ctl.read t0, program_width
        ctl.read t1, program_height
        mul     t0, t0, t1
        bne     t0, s0, rows
        push.rect.post s7, s7, t2, result
        jump    3f
rows:   mov     t0, s3                          ; each node, whether it is the first of its row
        mov     t1, s0
        li      t3, -1                          ; row of the one before
1:      ld      t4, [t0], 8
        srli    t5, t4, 44
        beq     t5, t3, 2f
        mov     t3, t5
        or      t4, t4, s7
        push.post t4, s7, t2, first_result
2:      loop.next t1, 1b
handed_over:
        srli    t3, s2, 44                      ; my row, and that of the one before me
        beqz    s1, 1f
        slli    t0, s1, 3
        add     t0, t0, s3
        ld      t0, [t0 - 8]
        srli    t0, t0, 44
        beq     t0, t3, 3f
1:      ctl.read t0, program_width
        ctl.read t1, program_height
        mul     t0, t0, t1
        beq     t0, s0, 3f
        sem.wait first_result
        li      t2, BYTES
        push.row.post s7, s7, t2, result
3:      sem.wait result
        mov     ra, s10
        ret

; Let the child at distance s4 send, if I have one there: the distances below s4 are not mine otherwise.
; Changes t0-t2.
grant:
        slli    t0, s4, 1
        addi    t0, t0, -1
        and     t0, t0, s1
        bnez    t0, 1f
        add     t0, s1, s4
        bgeu    t0, s0, 1f
        slli    t0, t0, 3
        add     t0, t0, s3
        ld      t0, [t0]
        sem.posti.at t0, room, 1
1:      ret

; ---- Add a2 blocks of 256 bytes at a1 to those at a0. Loads a block more at the end, of no use.

add_block:
        mov     t0, a0
        .macro  fetch
        .irp    n, 0, 1, 2, 3
        vld     v\n, [a0 + 64 * \n]
        vld     v1\n, [a1 + 64 * \n]
        .endr
        addi    a0, a0, GRAIN
        addi    a1, a1, GRAIN
        .endm
        fetch
1:
        .irp    n, 0, 1, 2, 3
        vadd.f32 v2\n, v\n, v1\n
        .endr
        fetch
        .irp    n, 0, 1, 2, 3
        vst     v2\n, [t0], 64
        .endr
        loop.next a2, 1b
        ret

        .bss
x:      .tensor f32, 1, LENGTH
ring:   .tensor f32, LENGTH
        .space  GRAIN * NODES + GRAIN           ; the last chunks may be beyond the vector
tree:   .tensor f32, LENGTH
        .space  2 * GRAIN
cycles: .tensor i64, 2                          ; that the ring and the tree took
address_of:
        .tensor i64, NODES
        .balign 64
inbox:  .space  2 * BYTES + 3 * GRAIN
