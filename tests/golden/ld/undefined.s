; $ dojo-ld main.o print.o
; file main.s
.extern print_lin, print_line_hidden, other
.macro say
    call print_lin
.endm
.global _start
_start: say
    call print_lin
    call local
    la a0, other
    halti 0
.extern local
; file print.s
.global print_line
print_line: ret
local: ret
