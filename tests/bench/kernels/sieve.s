; The primes below 2^17 by a sieve of bytes. loops.c has the same algorithm.
        .equ    LIMIT, 1 << 17
        .text
        .global _start
_start: la      s0, flags
        li      s1, LIMIT
        add     s2, s0, s1
again:  mov     t0, s0
        li      t1, LIMIT / 64
1:      vst     v0, [t0], 64
        loop.next t1, 1b
        li      t0, 2
        li      a1, 0
        li      t5, 1
2:      add     t1, s0, t0
        lbu     t2, [t1]
        bne     t2, zero, 4f
        addi    a1, a1, 1
        mul     t3, t0, t0
        add     t3, t3, s0
        bgeu    t3, s2, 4f
3:      sb      t5, [t3]
        add     t3, t3, t0
        bltu    t3, s2, 3b
4:      addi    t0, t0, 1
        bltu    t0, s1, 2b
        mov     a0, a1
        loop.next s11, again
        halti   0
        jump    _start
        .bss
        .balign 64
flags:  .space  LIMIT
