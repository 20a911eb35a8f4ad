; Latency: the node in column HOME and one in column NEAR, then one in column FAR, post to each other in
; turn. What the far one takes longer is divided by HOPS, those that a round has more.

        .ifndef HOME
        .equ    HOME, 0
        .equ    NEAR, 1
        .equ    FAR, 3
        .equ    HOPS, 4
        .endif
        .equ    ROUNDS, 50
        .equ    NODE, 1 << 60                   ; address of the node at (0, 0)

        .semaphore ball

        .text
        .global _start
_start:
        ctl.read t0, node_x
        li      t1, HOME
        bne     t0, t1, answer

        .macro  rally column, result
        li      a0, NODE | \column << 32
        sem.post.at a0, ball                    ; until the other one waits for the next ball
        sem.wait ball
        li      t0, ROUNDS
        ctl.read s0, cycle
\%loop: sem.post.at a0, ball
        sem.wait ball
        loop.next t0, \%loop
        ctl.read \result, cycle
        sub     \result, \result, s0
        .endm
        rally   NEAR, s1
        rally   FAR, s2
        sub     s2, s2, s1
        la      t0, cycles
        sd      s2, [t0]
        li      t1, ROUNDS * HOPS
        la      t0, work
        sd      t1, [t0]
        halti   0

answer: li      t1, NEAR
        beq     t0, t1, 1f
        li      t1, FAR
        bne     t0, t1, 2f
1:      li      a0, NODE | HOME << 32
        li      t0, ROUNDS + 1
3:      sem.wait ball
        sem.post.at a0, ball
        loop.next t0, 3b
2:      halti   0

        .bss
cycles: .tensor i64, 1
work:   .tensor i64, 1                          ; hops
