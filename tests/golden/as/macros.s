; Macros and repetitions: at each use stands everything that it makes.
        .data
        .macro  pair first, second=7
        .byte   \first, \second
        .endm
        pair    1                       ; = 01 07
        pair    1, 2                    ; = 01 02
        pair    second=3, first=4       ; = 04 03
        pair    1 + 2, (4 * 2)          ; = 03 08
        pair    5 ,                     ; = 05 07

        .macro  count name:req, rest:vararg
n = n + 1
        .ifnb   \rest
        count   \rest
        .endif
        .endm
n = 0
        count   a, b, c, d
        .byte   n                       ; = 04

        .macro  words text, kind=word
here\@: .\kind  \text
here\@_end:
        .byte   here\@_end - here\@
        .endm
        words   1                       ; = 01 00 00 00 04
        words   "a,b", ascii            ; = 61 2c 62 03
        words   'c', kind=half          ; = 63 00 02

        .macro  outer value
        .macro  inner by
        .byte   \value * \by
        .endm
        inner   1
        inner   2
        .purgem inner
        .endm
        outer   3                       ; = 03 06
        outer   4                       ; = 04 08

        .macro  down n
        .if     \n == 0
        .exitm
        .endif
        .byte   \n
        down    \n - 1
        .endm
        down    4                       ; = 04 03 02 01
        down    0

        .rept   3
        .byte   n                       ; = 04 05 06
n = n + 1
        .endr
        .irp    a, 1, 2, (3 + 4)
        .irp    b, 1, 2
        .byte   \a * \b                 ; = 01 02 02 04 07 0e
        .endr
        .endr
        .irpc   digit, 3141
        .byte   \digit, 1\digit\()0     ; = 03 82 01 6e 04 8c 01 6e
        .endr
        .rept   0
        this is not read
        .endr

        .text
        .macro  twice reg, body:req, operands:vararg
        li      \reg, 2
\%again:
        \body   \operands
        addi    \reg, \reg, -1
        bnez    \reg, \%again
        .endm
        twice   t0, addi, a0, a0, 1     ; = 0x08a0_0002 0x214a_0001 0x20a5_ffff 0x43e5_07f1
        twice   t1, lw, a1, [a2], 4     ; = 0x08c0_0002 0x496c_004a 0x20c6_ffff 0x43e6_07f1
pair = 8
        addi    a0, a0, pair            ; = 0x214a_0008
down:   pair    1                       ; = 0x0000_0701
