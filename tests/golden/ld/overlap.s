; $ dojo-ld left.o right.o --place right=1,1,2x2
; file left.s
.program left
.place 0, 0, 2, 2
.global _start
_start: halti 0
; file right.s
.program right
.place 5, 5
.global _start
_start: halti 0
