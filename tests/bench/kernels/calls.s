; A loop around two calls, one of which saves its return address on the stack.
        .text
        .global _start
_start: mov     a1, s11
        call    step
        xor     s2, s2, a1
        call    outer
        add     s3, s3, a1
        loop.next s11, _start
        halti   0
        jump    _start

step:   slli    t1, a1, 13
        xor     a1, a1, t1
        srli    t1, a1, 7
        xor     a1, a1, t1
        ret

outer:  addi    sp, sp, -16
        sd      ra, [sp]
        addi    a1, a1, 3
        call    step
        ld      ra, [sp]
        addi    sp, sp, 16
        ret
