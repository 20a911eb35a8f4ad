; Links: each node of the first column pushes to the one east of it.

        .equ    SIZE, 1 << 19                   ; bytes of a push
        .ifndef PUSHES
        .equ    PUSHES, 1
        .endif

        .semaphore done

        .text
        .global _start
_start:
        ctl.read t0, node_x
        bnez    t0, 2f
        ctl.read t1, node_y
        slli    t1, t1, 44
        li      t0, 1 << 60 | 1 << 32
        or      t0, t0, t1
        la      a0, block
        or      a1, a0, t0
        li      a2, SIZE
        li      t0, PUSHES
        ctl.read s0, cycle
1:      push.ack a1, a0, a2, done
        loop.next t0, 1b
        sem.waiti done, PUSHES
        ctl.read s1, cycle
        sub     s1, s1, s0
        la      t0, cycles
        sd      s1, [t0]
        li      t1, SIZE * PUSHES
        la      t0, work
        sd      t1, [t0]
2:      halti   0

        .bss
cycles: .tensor i64, 1
work:   .tensor i64, 1                          ; bytes
        .balign 64
block:  .space  SIZE
