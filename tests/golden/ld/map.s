; $ dojo-ld main.o lib.a --map - --gc-sections --print-memory --section-start .rodata=0x2000 --defsym limit=table+8 --heap-size 256
; archive lib.a = scale.o shift.o
; file main.s
.extern scale, table
.global _start
_start: call scale
    la a0, table
    la a1, buffer
    halti 0
.common buffer, 256, 64
.common unused, 64, 8
.semaphore ready
.barrier phase
.section .text.dead, "ax"
dead: ret
; file scale.s
.extern shift
.global scale, table
scale: call shift
    ret
.section .rodata
table: .dword 1, 2
.semaphore done
.weak maybe
maybe: .byte 1
; file shift.s
.global shift
shift: ret
.data
left_alone: .dword 5
