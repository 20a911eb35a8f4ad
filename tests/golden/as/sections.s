; Sections, structures and what reserves memory.
        .struct vector
        .field  x, f32
        .field  y, f32
        .endstruct
        .struct record
        .field  kind, u8
        .field  place, vector, 2
        .field  links, u16, 3
        .field  end, u64
        .endstruct
        .assert record.end % 8 == 0 && record.size == record.end + 8
        .data
        .byte   vector.y, vector.size, vector.align ; = 04 08 04
        .byte   record.kind, record.place, record.links, record.end ; = 00 04 14 20
        .byte   record.size, record.align ; = 28 08
        .pushsection .rodata.strings, "a"
text:   .asciz  "hi"                    ; = 68 69 00
        .pushsection .rodata
        .byte   1                       ; = 01
        .popsection
        .byte   2                       ; = 02
        .popsection
        .byte   3                       ; = 03
        .section .rodata.strings
        .byte   4, . - text             ; = 04 04
        .section ".odd name", 0x3, @progbits, 16
        .byte   5                       ; = 05
        .org    4                       ; = 00 00 00
        .byte   6                       ; = 06
        .section .scratch, "aw", @nobits, 64
        .space  8
room:   .tensor bf16, 4, 4
        .data
        .word   room, text              ; = 00 00 00 00 00 00 00 00
        .common shared, 16, 8
        .dword  shared + 8              ; = 00 00 00 00 00 00 00 00
        .semaphore ready, done
        .byte   0                       ; = 00
array:  .tensor i16, 3                  ; = 00 00 00 00 00 00
        .byte   7                       ; = 07
        .p2align 2, 0xff
        .set    size, . - array
        .word   size                    ; = 08 00 00 00
        .text
        nop                             ; = 0x2000_0000
        .word   . - 4                   ; = 0x0000_0000
        .balign 16
        ret                             ; = 0x5001_0000
