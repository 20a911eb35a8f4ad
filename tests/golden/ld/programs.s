; $ dojo-ld a.o b.o --place a=0,0 --place d=1,1
; file a.s
.program a
.global _start
_start: halti 0
; file b.s
.program b
