; $ dojo-ld left.o right.o --machine small.toml
; file small.toml
base = "node"
[node]
sram_bytes = 0x10000
reserved_bytes = 0x100
clock_hz = 1_000
[grid]
width = 8
height = 8
dead = [[3, 2]]
; file left.s
.program left
.place 2, 2, 2, 2
.extern theirs, nowhere, secret
.global _start, mine
_start: halti 0
.data
mine: .dword mine@(0, 0), mine@(2, 0), mine@(1, 0)
.dword theirs@(2, 1), theirs@(0, 1), nowhere@(2, 1), secret@(2, 1), mine@(9, 9)
; file right.s
.program right
.place 4, 3
.global _start, theirs, secret
.hidden secret
_start: halti 0
.data
theirs: .dword 0
secret: .dword 0
