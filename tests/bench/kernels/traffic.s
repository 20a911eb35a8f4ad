# Each node pushes a packet to a pseudo-random node every few cycles.
        .text
        .global _start
_start: ctl.read s0, node_number
        li      s1, 88172645463325252
        slli    t0, s0, 20
        add     s1, s1, t0
        addi    s2, s0, 1
        mul     s1, s1, s2
        la      s3, block
        la      s7, target
        li      s4, 2000
        li      s5, 20
        li      s6, 17
        li      s8, 1
        slli    s8, s8, 60
        li      t4, 64
again:  
slli    t0, s1, 13
        xor     s1, s1, t0
        srli    t0, s1, 7
        xor     s1, s1, t0
        slli    t0, s1, 17
        xor     s1, s1, t0
        srli    t1, s1, 40
        mul     t2, t1, s5
        srli    t2, t2, 24      # x
        slli    t1, s1, 40
        srli    t1, t1, 40
        mul     t3, t1, s6
        srli    t3, t3, 24
        addi    t3, t3, 1       # y
        slli    t3, t3, 44
        slli    t2, t2, 32
        add     t2, t2, t3
        add     t2, t2, s8
        add     t2, t2, s7
        push    t2, s3, t4
        loop.next s4, again
        halti   0
        .bss
        .balign 64
block:  .space 64
target: .space 64
