; The boundary of a node: of 3 x 3 nodes the four in the middle of a side push to the one on the other
; side, so that the middle one passes a packet on in each of four directions in each cycle.

        .equ    SIZE, 1 << 19                   ; bytes of a push

        .semaphore done
        .barrier start

        .text
        .global _start
_start:
        ctl.read t0, node_x
        ctl.read t1, node_y
        xor     t2, t0, t1
        andi    t2, t2, 1
        beqz    t2, idle                        ; a corner, or the middle
        li      t2, 2
        sub     t0, t2, t0
        sub     t1, t2, t1
        slli    t0, t0, 32
        slli    t1, t1, 44
        or      t0, t0, t1
        li      t1, 1 << 60
        or      t0, t0, t1
        la      a0, block
        or      a1, a0, t0
        li      a2, SIZE
        barrier.all start
        ctl.read s0, cycle
        push.ack a1, a0, a2, done
        sem.wait done
        ctl.read s1, cycle
        sub     s1, s1, s0
        la      t0, cycles
        sd      s1, [t0]
        li      t1, SIZE * 2
        la      t0, work
        sd      t1, [t0]
        halti   0
idle:   barrier.all start
        halti   0

        .bss
cycles: .tensor i64, 1
work:   .tensor i64, 1                          ; bytes, once on their way in and once out
        .balign 64
block:  .space  SIZE
