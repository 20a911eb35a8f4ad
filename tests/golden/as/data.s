; Data of every type, strings, space, alignment, expressions.
        .data
start:
        .byte   1, -1, 255, -128, 'a', '\'', '\x41', '\u{e9}' ; =
        .half   0x1234, -1              ; =
        .word   0b1010_1010, 0o17, 10_000 ; =
        .dword  -1, 0xffff_ffff_ffff_ffff ; =
        .float  1, -1.5, 1e-3, 0x1.8p3, inf, -inf, nan, -0, .5 ; =
        .float  16777217, 3.4e38, 1e39, 1e-45 ; =
        .bf16   1, 1.00390625, 1.01171875, nan ; =
        .ascii  "a\n\t\\\"\0\x7f\u{e9}", "b" ; =
        .asciz  "// no ; comment # here /* */" ; =
        .string ""                      ; =
        .space  3                       ; =
        .zero   2, 0xff                 ; =
        .skip   1                       ; =
        .fill   2, 3, 0x010203          ; =
        .word   . - start, . - . , end - start ; =
        .byte   (end - start) / 2, end > start, start == start ; =
        .word   first, second, second + 1 ; =
first = 1
        .word   first                   ; =
first = first + 1
        .word   first                   ; =
        .equ    second, 7
        .byte   1 /* inside */ , 2      // the other comment
        .byte   3                       # and another
        .p2align 3
        .byte   1 + 2 * 3 ; = 07
        .align  16, 0xaa
        .byte   0x11                    ; =
        .rodata
        .byte   1                       ; =
        .section .mine, "aw", @progbits, 32
        .byte   2                       ; =
        .data
        .byte   4                       ; =
end:
