; $ dojo-ld main.o --machine small.toml
; file small.toml
base = "node"
[node]
sram_bytes = 0x10000
reserved_bytes = 0x100
clock_hz = 1_000
[grid]
width = 4
height = 4
dead = [[2, 1]]
; file main.s
.program main
.place 0, 0, 2, 4
.place 2, 1
.global _start
_start: halti 0
