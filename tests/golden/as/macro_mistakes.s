; Mistakes within macros, repetitions and includes, each with the way to it. The whole output is in
; macro_mistakes.txt.
        .macro  load register, place, offset=0
        lw      \register, [\place + \offset]
        .endm
        .macro  load_all place, registers:vararg
at = 0
        .irp    r, \registers
        load    \r, \place, at
at = at + 4
        .endr
        .endm

        .macro  step register
        addi    \register, \registr, 1
        .endm

        .text
        .global _start
_start:
        load    a0, sp, 5000
        load_all sp, a1, v1
        step    a0
        load    a0
        load    a0, sp, 0, 1
        load    a0, plce=sp
        laod    a0, sp
        .rept   2
        bogus   a0
        .endr
        .irp    x, 1, 70000
        addi    a0, a0, \x
        .endr
        .include "lib/broken.inc"
        broken  x9
        .if     _start
        .endif
        .if     1
        .else   1
        .endif
        .macro  load
        .endm
        .purgem lode
        .endr
        .assert 1 + 1 == 3, "arithmetic holds"
        .macro  open
        .if     1
        .endm
        open
        .rept   2
        load    a0, sp
