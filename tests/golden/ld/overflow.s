; $ dojo-ld main.o tables.o
; file main.s
.global _start
_start: halti 0
.data
matrix: .space 0x80000
; file tables.s
.data
.global weights
weights: .space 0x90000
.size weights, 0x90000
.bss
scratch: .space 0x40000
