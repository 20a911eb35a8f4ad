; A loop that goes through a table of four targets, in an order that depends on data.
        .text
        .global _start
_start: la      s0, table
        li      a0, 1
next:   addi    s11, s11, -1
        beqz    s11, end
        slli    t1, a0, 13
        xor     a0, a0, t1
        srli    t1, a0, 7
        xor     a0, a0, t1
        slli    t1, a0, 17
        xor     a0, a0, t1
        srli    t2, a0, 30
        andi    t2, t2, 12
        add     t2, s0, t2
        lw      t3, [t2]
        jumpr   t3
plus:   add     a1, a1, a0
        jump    next
minus:  sub     a1, a1, a0
        jump    next
both:   xor     a1, a1, a0
        add     a2, a2, a1
        jump    next
turn:   rori    a1, a1, 3
        jump    next
end:    halti   0
        jump    _start
        .rodata
        .balign 4
table:  .word   plus, minus, both, turn
