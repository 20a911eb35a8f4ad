; Data of every type, strings, space, alignment, expressions.
        .data
start:
        .byte   1, -1, 255, -128, 'a', '\'', '\x41', '\u{e9}' ; = 01 ff ff 80 61 27 41 e9
        .half   0x1234, -1              ; = 34 12 ff ff
        .word   0b1010_1010, 0o17, 10_000 ; = aa 00 00 00 0f 00 00 00 10 27 00 00
        .dword  -1, 0xffff_ffff_ffff_ffff ; = ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff
        .float  1, -1.5, 1e-3, 0x1.8p3, inf, -inf, nan, -0, .5 ; = 00 00 80 3f 00 00 c0 bf 6f 12 83 3a 00 00 40 41 00 00 80 7f 00 00 80 ff 00 00 c0 7f 00 00 00 80 00 00 00 3f
        .float  16777217, 3.4e38, 1e39, 1e-45 ; = 00 00 80 4b 9e c9 7f 7f 00 00 80 7f 01 00 00 00
        .bf16   1, 1.00390625, 1.01171875, nan ; = 80 3f 80 3f 82 3f c0 7f
        .ascii  "a\n\t\\\"\0\x7f\u{e9}", "b" ; = 61 0a 09 5c 22 00 7f c3 a9 62
        .asciz  "// no ; comment # here /* */" ; = 2f 2f 20 6e 6f 20 3b 20 63 6f 6d 6d 65 6e 74 20 23 20 68 65 72 65 20 2f 2a 20 2a 2f 00
        .string ""                      ; = 00
        .space  3                       ; = 00 00 00
        .zero   2, 0xff                 ; = ff ff
        .skip   1                       ; = 00
        .fill   2, 3, 0x010203          ; = 03 02 01 03 02 01
        .word   . - start, . - . , end - start ; = 98 00 00 00 00 00 00 00 07 01 00 00
        .byte   (end - start) / 2, end > start, start == start ; = 83 01 01
        .word   second, second + 1 ; = 07 00 00 00 08 00 00 00
first = 1
        .word   first                   ; = 01 00 00 00
first = first + 1
        .word   first                   ; = 02 00 00 00
        .equ    second, 7
        .byte   1 /* inside */ , 2      // the other comment
        .byte   3                       # and another
        .p2align 3
        .byte   1 + 2 * 3               ; = 07
        .align  16, 0xaa
        .byte   0x11                    ; = 11
BIAS = 7
        .values cfloat8_1_4_3(7), 1, 1.1, -0.5, 480, 0x1p-10, -0 ; = 38 39 b0 7f 01 80
        .values cfloat8_1_4_3(BIAS + 1), 1, 1.0625, 1.1875 ; = 40 40 42
        .values cfloat8_1_5_2(15), 1, 114688, 0.75e-5 ; = 3c 7f 01
        .align  2
        .values shp(15), 1, -65504, 1.00048828125, 1.000488281250000000000000000001 ; = 00 3c ff fb 00 3c 01 3c
        .values uhp, 1, 4292870144, inf, nan ; = 00 7c ff fb 00 fc 00 fe
        .values bf16, 1, 1.01171875, nan ; = 80 3f 82 3f c0 7f
        .align  4
        .values f32, 1, 16777217.000000000000000000001 ; = 00 00 80 3f 01 00 80 4b
        .values cfloat8_1_4_3(7), 500       ; warning: 500 becomes 480 as cfloat8_1_4_3(7)
        .values cfloat8_1_4_3(7), -inf      ; warning: -inf becomes -480 as
        .values cfloat8_1_4_3(7), nan       ; warning: nan becomes 480 as
        .values cfloat8_1_4_3(7), 1e-9      ; warning: 1e-9 becomes zero as
        .values cfloat8_1_4_3(60), 1        ; warning: 1 becomes
        .align  2
        .values uhp, -1                     ; warning: -1 becomes zero as uhp
        .values uhp, 1e10                   ; warning: 1e10 becomes infinity as uhp
        .rodata
        .byte   1                       ; = 01
        .section .mine, "aw", @progbits, 32
        .byte   2                       ; = 02
        .data
        .byte   4                       ; = 04
end:
