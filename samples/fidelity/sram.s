; SRAM of the node at (0, 0): core ports and router at once. LOADS 1: each cycle two vectors and a
; scalar are loaded, while the router reads what is pushed to the node at (1, 0). LOADS 0: each cycle a
; vector and a scalar are stored, while the router writes what that node pushes.

        .ifndef LOADS
        .equ    LOADS, 1
        .endif
        .equ    SIZE, 1 << 18                   ; bytes that go through the router
        .equ    CYCLES, SIZE / 64               ; that take these cycles
        .if     LOADS
        .equ    CORE, 2 * 64 + 8                ; bytes a cycle of the core
        .else
        .equ    CORE, 64 + 8
        .endif
        .equ    NODE, 1 << 60                   ; address of the node at (0, 0)
        .equ    EAST, 1 << 32                   ; one column further

        .semaphore start, done

        .text
        .global _start
_start:
        ctl.read t0, node_x
        la      a0, here
        la      a1, there
        li      a2, SIZE
        li      a3, NODE
        li      a4, EAST
        bnez    t0, neighbour

        ctl.read a5, cycle
        .if     LOADS
        or      t1, a1, a3
        or      t1, t1, a4
        push.ack t1, a0, a2, done
        .else
        or      t1, a3, a4
        sem.post.at t1, start
        .endif
        li      t0, CYCLES / 8
1:
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7
        .if     LOADS
        vld     v1\n, [a0]                      ; a register that is not loaded already
        vld     v2\n, [a0 + 64]
        ld      x2\n, [a0]
        .else
        vst     v1, [a0]
        sd      x0, [a0 + 64]
        .endif
        .endr
        loop.next t0, 1b
        sem.wait done
        ctl.read a6, cycle
        sub     a6, a6, a5
        la      t0, cycles
        sd      a6, [t0]
        li      t1, SIZE + CYCLES * CORE
        la      t0, work
        sd      t1, [t0]
        halti   0

neighbour:
        .if     LOADS == 0
        sem.wait start
        or      t1, a1, a3
        push.post t1, a0, a2, done
        .endif
        halti   0

        .bss
cycles: .tensor i64, 1
work:   .tensor i64, 1                          ; bytes
        .balign 64
here:   .space  SIZE
there:  .space  SIZE
