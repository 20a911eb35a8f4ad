; Conditions: what is read, and what is not.
        .data
limit = 3
        .if     limit > 2
        .byte   1                       ; = 01
        .else
        .bite   0
        .endif
        .if     limit == 0
        .bite   0
        .elseif limit == 3 && !0
        .byte   2                       ; = 02
        .elseif nothing + here
        .bite   0
        .else
        .bite   0
        .endif
        .if     0
        .if     1
        .bite   0
        .else
        .endif
        .elseif 0
        .else
        .byte   3                       ; = 03
        .endif
start:
        .ifdef  start
        .byte   4                       ; = 04
        .endif
        .ifdef  later
        .bite   0
        .endif
        .ifndef later
        .byte   5                       ; = 05
        .endif
later:
        .ifb
        .byte   6                       ; = 06
        .endif
        .ifnb   anything, at all
        .byte   7                       ; = 07
        .endif
        .ifc    a b, a b
        .byte   8                       ; = 08
        .endif
        .ifnc   a b, a  b
        .byte   9                       ; = 09
        .endif
        .ifc    "x, y", "x, y"
        .byte   10                      ; = 0a
        .endif
label:  .if     1
        .byte   . - label               ; = 00
        .endif
        .if     -1
        .byte   11                      ; = 0b
        .endif
        .rept   3
        .ifndef seen
seen = 1
        .byte   12                      ; = 0c
        .else
        .byte   13                      ; = 0d 0d
        .endif
        .endr
        .if     0
        .macro  never
        .endm
        .rept   never
        .endr
        .struct never
        .endstruct
        .endif
