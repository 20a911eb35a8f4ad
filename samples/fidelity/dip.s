; The DIP card at the west edge: the nodes of the first column pull from it.

        .equ    SIZE, 1 << 20                   ; bytes

        .semaphore done

        .text
        .global _start
_start:
        ctl.read t1, node_y                     ; each its own part
        slli    t1, t1, 20
        li      t0, 2 << 60
        or      a0, t0, t1
        la      a1, block
        li      a2, SIZE
        ctl.read s0, cycle
        pull.post a1, a0, a2, done
        sem.wait done
        ctl.read s1, cycle
        sub     s1, s1, s0
        la      t0, cycles
        sd      s1, [t0]
        la      t0, work
        sd      a2, [t0]
        halti   0

        .bss
cycles: .tensor i64, 1
work:   .tensor i64, 1                          ; bytes
        .balign 64
block:  .space  SIZE
