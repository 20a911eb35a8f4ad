# Two threads a node compute; each 1,000 cycles thread 0 sends its neighbour a packet and takes one.
        .ifndef ROUNDS
        .equ    ROUNDS, 1500
        .endif
        .text
        .global _start
        .threads 2
        .semaphore here
_start: la      t0, other
        li      t1, 1
        la      t2, stack
        thread.start t1, t0, x0, t2
        ctl.read s0, node_x
        ctl.read s1, node_y
        ctl.read s2, partition_width
        addi    s0, s0, 1
        bne     s0, s2, 1f
        li      s0, 0
1:      slli    t0, s1, 44
        slli    t1, s0, 32
        add     s3, t0, t1
        li      t0, 1
        slli    t0, t0, 60
        add     s3, s3, t0
        la      s4, out
        la      s5, in
        add     s3, s3, s5
        li      s6, 64
        li      s7, ROUNDS
rounds: li      t0, 249
        la      a2, buffer
1:      ld      a0, [a2]
        add     a1, a1, a0
        xor     a3, a3, a1
        sd      a1, [a2 + 8]
        addi    a4, a4, 3
        mul     a5, a4, a1
        loop.next t0, 1b
        push.post s3, s4, s6, here
        sem.wait here
        loop.next s7, rounds
        halti   0
other:  li      s7, ROUNDS
2:      li      t0, 249
        la      a2, buffer2
1:      ld      a0, [a2]
        add     a1, a1, a0
        xor     a3, a3, a1
        sd      a1, [a2 + 8]
        addi    a4, a4, 3
        mul     a5, a4, a1
        loop.next t0, 1b
        thread.yield
        loop.next s7, 2b
        halti   0
        .bss
        .balign 64
buffer: .space 64
buffer2: .space 64
in:     .space 64
out:    .space 64
        .space 1024
stack:
