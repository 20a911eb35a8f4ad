; Twelve mistakes, each reported where it stands. The whole output is in mistakes.txt.
        .global _start
_start:
        addi    x1, x2, 40000
        Addd    x1, x2, x3
        add     x1, v2, x3
        call    strat
start:  ld      x1, x2
        add     x1, x2
        .include "mistakes.s"
_start: ret
        .wrod   1
        .align  3
        .data
        .word   1, 4 / (2 - 2)
        .ascii  "never closed
