; $ dojo-ld shared.o a.o b.o
; file shared.s
.extern nowhere
.global f
f: call nowhere
; file a.s
.program a
.place 0, 0
.extern f
.global _start
_start: call f
; file b.s
.program b
.place 1, 0
.extern f
.global _start
_start: call f
