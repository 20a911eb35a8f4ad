; $ dojo-ld --layout grid.toml edges.o --machine small.toml
; $ dojo-objdump --programs a.img
; $ dojo-objdump -j .data -s a.img
; archive lib.a = relay.o
; file grid.toml
files = ["shared.o", "lib.a"]

[programs.stencil]
files = ["stencil.o"]
nodes = ["1,1 2x2"]

[programs.corner]
files = ["corner.o"]
nodes = ["0,0", "3,0", "0,3", "3,3"]
entry = "turn"
; file small.toml
base = "node"
[node]
sram_bytes = 0x10000
reserved_bytes = 0x100
clock_hz = 1_000
[grid]
width = 4
height = 4
; file shared.s
.global stop
stop: halti 0
; file relay.s
.global relay
relay: ret
; file stencil.s
.extern stop, halo
.global _start, tile
_start: call stop
.bss
.align 64
.common tile, 256, 64
.data
.align 8
neighbours: .dword tile@(1, 2), halo@(0, 1), halo@(3, 2) + 8
; file corner.s
.extern stop, relay
.global turn
turn: call relay
    call stop
; file edges.s
.program edges
.place 1, 0, 2, 1
.place 1, 3, 2, 1
.place 0, 1, 1, 2
.place 3, 1, 1, 2
.extern stop
.global _start, halo
_start: call stop
.data
.align 64
halo: .space 64
