; Mistakes in operands, expressions and directives, a part of each message.
        .text
        frobnicate x1                   ; error: unknown instruction `frobnicate`
        slli    x1, x2, 64              ; error: immediate 64 does not fit in 6 unsigned bits (0..63)
        slli.w  x1, x2, 32              ; error: immediate 32 does not fit in the range 0..31
        ld      x1, [x2 + 2048]         ; error: immediate 2048 does not fit in 12 signed bits (-2048..2047)
        vld     v1, [x2 + 65]           ; error: immediate 65 is not a multiple of 64
        vld     v1, [x2 + 131072]       ; error: immediate 131072 does not fit in (-131072..131008, multiples of 64)
        beq     x1, x2, 512             ; error: expected a target, found the number 512
        beq     x1, x2, . + 2           ; error: the distance 2 is not a multiple of 4
        jump    . + 0x400000            ; error: the distance 4194304 does not fit in (-4194304..4194300, multiples of 4)
        add     x1, x2, 5               ; error: expected a scalar register (x0..x31), found the number `5`
        addi    x1, x2, x3              ; error: expected an immediate, found scalar register `x3`
        addi    x1, x2, 1.5             ; error: expected an immediate, found the number `1.5`
        addi    x1, x2, "a"             ; error: expected an immediate, found a string
        add     x1, x32, x3             ; error: expected a scalar register (x0..x31), found `x32`
        acc.zero v1                     ; error: expected an accumulator (acc0..acc3), found vector register `v1`
        vadd.f32 v1, v2, v3, m0         ; error: expected a predicate (m1..m7 or m1.z..m7.z), found lane mask `m0`
        ctl.write cycle, x1             ; error: control register `cycle` is read-only
        ctl.read x1, cycl               ; error: expected a control register, found `cycl`
        ld      x1, [x2 + 1 << 3]       ; error: expected `[base]`, `[base + offset]` or `[base - offset]`
        ld      x1, [x2 + 4], 8         ; error: this form takes no offset
        ld      x1, [8]                 ; error: expected a scalar register (x0..x31), found the number `8`
        ld      x1                      ; error: `ld` takes 2 or 3 operands, found 1
        ret     x1                      ; error: `ret` takes no operands, found 1
        add     x1, x2, [x3]            ; error: expected an operand without brackets, found memory operand `[x3]`
        ld      x1, [x2], [x3]          ; error: expected an operand without brackets, found memory operand `[x3]`
        add     x1, x2 x3               ; error: found `x3`, expected `,` or the end of the line
        add     x1, x2,                 ; error: found the end of the line, expected an operand
        add     x1, (x2                 ; error: found the end of the line, expected `)`
        ld      x1, [x2                 ; error: found the end of the line, expected `]`
        add     x1, é                   ; error: found `é`, expected an operand
        = 5                             ; error: found `=`, expected a label, an instruction or a directive
        a =                             ; error: found the end of the line, expected an expression
        li      x1, undefined           ; error: undefined symbol `undefined`
        li      x1, here                ; error: expected a number known when assembling, found the address of `here`
        li      x1, 1 << 64             ; error: value 18446744073709551616 does not fit in 64 bits
        li.f32  x1, x2                  ; error: expected a number to store as f32, found `x2`
        addi    x1, x2, 1b              ; error: no numeric label `1:` above
        addi    x1, x2, 1f              ; error: no numeric label `1:` below
0x:     nop                             ; error: `0x` can't be a label
x5:     nop                             ; error: `x5` is a register and can't name anything else
sp = 4                                  ; error: `sp` is a register and can't name anything else
.:      nop                             ; error: `.` is the current address and can't be defined
here:   nop
here:   nop                             ; error: symbol `here` is already defined
here = 5                                ; error: symbol `here` is already defined
five = 5
five:   nop                             ; error: symbol `five` is already defined
        .word   twice                   ; error: `twice` is assigned 2 times, all of them later
twice = 1
twice = 2
circle = circle_too                     ; error: the value of this name depends on itself
circle_too = circle
        .data
        nop                             ; error: instructions can't stand in `.data`, which is not executable
        nop
        .byte   256                     ; error: value 256 does not fit in 8 bits (-128..255)
        .byte   -129                    ; error: value -129 does not fit in 8 bits (-128..255)
        .float  abc                     ; error: expected a number to store as f32, found `abc`
        .float  1 + 1                   ; error: expected a number to store as f32, found `1 + 1`
        .word   "a"                     ; error: expected an expression, found a string
        .word   1.5                     ; error: expected an integer, found `1.5`
        .word   x5                      ; error: expected a number or an address, found register `x5`
        .word   1 / 0                   ; error: division by zero
        .word   1 % 0                   ; error: division by zero
        .word   1 << -1                 ; error: shift count -1 is negative
        .word   1 << 10000000000000     ; error: the result has more than 128 bits
        .word   here * 2                ; error: `*` needs a number, found the address of `here`
        .word   -here                   ; error: `-` needs a number, found the address of `here`
        .word   here + here             ; error: `+` needs a number
        .word   here - datum            ; error: `-` needs two addresses in one section
        .word   010                     ; error: `010` starts with a zero
        .word   0x                      ; error: `0x` is not a number
        .word   1__0                    ; error: `1__0` is not a number
        .word   99999999999999999999999999999999999999999 ; error: numbers have at most 128 bits
        .byte   'ab'                    ; error: a character constant holds one character, found 2
        .ascii  "\q"                    ; error: unknown escape `\q`
        .ascii  "\u{d800}"              ; error: U+D800 is not a character
        .ascii  5                       ; error: expected a string, found the number `5`
        .ascii                          ; error: `.ascii` takes at least 1 operand, found none
        .text   5                       ; error: `.text` takes no operands, found 1
        .align  0                       ; error: alignment 0 is not a power of two
        .align  131072                  ; error: alignment 131072 is above 65536
        .p2align 63                     ; error: exponent 63 does not fit in the range 0..16
        .space  -1                      ; error: the count is negative: -1
        .space  1 << 47                 ; error: 140737488355328 bytes are more than a section can hold (16 MiB)
        .space  later                   ; error: `later` is defined only later
        .space  4, 256                  ; error: value 256 does not fit in 8 bits
        .fill   1, 9, 0                 ; error: size 9 does not fit in the range 1..8
        .tensor f32, 4                  ; error: this array has no name
bad:    .tensor f33, 4                  ; error: expected an element type, found `f33`
bare:   .tensor shp, 4                  ; error: element type `shp` needs a bias
wide:   .tensor shp(64), 4              ; error: bias 64 does not fit: 0..63
fixed:  .tensor uhp(31), 4              ; error: element type `uhp` takes no bias
early:  .tensor shp(later_bias), 4      ; error: undefined symbol `later_bias`
none:   .tensor , 4                     ; error: found `,`
        .values i8, 1                   ; error: `.values` stores floats, not i8
        .values uhp                     ; error: `.values` takes at least 2 operands
        .values uhp, bad                ; error: expected a number to store as uhp, found `bad`
        .word   shp(7)                  ; error: expected an expression, found `shp(7)`
        addi    x1, x2, shp(7)          ; error: expected an immediate, found `shp(7)`
        add     x1, x2, shp(7)          ; error: expected a scalar register (x0..x31), found `shp(7)`
empty:  .tensor f32, 0                  ; error: a dimension is at least 1, found 0
huge:   .tensor f32, 65536, 65536       ; error: this array is larger than a section can be
        .shape  datum, f32, 1000        ; error: this array takes 4000 bytes, but its section ends
        .shape  nothing, f32, 1         ; error: `nothing` is not a label of this file
        .global shared
        .global x5                      ; error: `x5` is a register, not a symbol
        .local  shared                  ; error: `shared` is already declared global
        .type   datum, @thing           ; error: expected @function or @object, found `@thing`
        .size   datum, -1               ; error: the size of `datum` is negative
        .section .odd, "q"              ; error: unknown section flag `q`
        .section .data, "ax"            ; error: section `.data` began with other flags
        .section .odd, @thing           ; error: unknown section type `@thing`
        .section .odd, 3                ; error: expected an alignment, found the number `3`
        .data
        .wodr   5                       ; error: unknown directive `.wodr`
        .include "nowhere.s"            ; error: can't find `nowhere.s`
        .include 5                      ; error: expected a string, found the number `5`
datum:  .word   1
later = 8
        .bss
        .word   1                       ; error: `.bss` takes space only, no values
        .space  4, 1                    ; error: `.bss` takes space only, its bytes are zero
