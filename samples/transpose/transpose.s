; Transposes square matrices of 8x8 and 16x16 elements of every width, each within its registers.
;
;     dojo-run samples/transpose/run.toml
;
; The steps are macros of transpose.inc; `dojo-as transpose.s --listing -` shows what they stand for.

        .include "transpose.inc"

; move instruction, place, register, ...: load or store registers from consecutive 64-byte lines.
        .macro  move instruction:req, place:req, rest:vararg
        la      a0, \place
        .irp    register, \rest
        \instruction \register, [a0], 64
        .endr
        .endm

; square size, element, register, ...: a matrix, its transpose, and the code from one to the other.
        .macro  square size:req, element:req, rest:vararg
        .bss
        .balign 64
m\size\()_\element:
        .tensor \element, \size, \size
        .balign 64
t\size\()_\element:
        .tensor \element, \size, \size
        .text
        move    vld, m\size\()_\element, \rest
        transpose\size\()x\size\().\element \rest
        move    vst, t\size\()_\element, \rest
        .endm

        .global _start
_start:
        square  8, i8, v0
        square  8, i16, v0, v1
        square  8, i32, v0, v1, v2, v3
        square  8, i64, v0, v1, v2, v3, v4, v5, v6, v7
        square  16, i8, v0, v1, v2, v3
        square  16, i16, v0, v1, v2, v3, v4, v5, v6, v7
        square  16, i32, v0, v1, v2, v3, v4, v5, v6, v7, v8, v9, v10, v11, v12, v13, v14, v15
        halti   0
