; A mix of loads, stores and integer arithmetic over 16 KiB. loops.c has the same loop.
        .text
        .global _start
_start: la      a0, buffer
        li      t0, 0
1:      add     t1, a0, t0
        ld      t2, [t1]
        xor     t3, t3, t2
        rori    t3, t3, 7
        add     t4, t4, t3
        sub     t5, t5, t2
        srli    t6, t4, 3
        and     a3, t6, t5
        add     a4, a4, a3
        sd      a4, [t1]
        addi    t0, t0, 8
        andi    t0, t0, 0x3ff8
        loop.next s11, 1b
        halti   0
        jump    _start
        .bss
        .balign 64
buffer: .space  0x4000
