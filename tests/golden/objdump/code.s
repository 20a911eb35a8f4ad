; Everything a listing can show: labels, branches, relocations, data, several sections.
    .global _start
    .weak spare
    .hidden inner
    .extern far_away, low

_start:
    la x10, message
    la x11, message + 6
    li x12, 0x123456789
    li.f32 x13, 1.5
    call print_it
    call far_away
    la x5, far_away - 8
    addi x5, x5, low
    ld x6, [x5 + low + 8]
    ld x6, [x5 + field]
    vld v1, [x5 + 64]
    vadd.f32 v1, v1, v2, m1.z
    vadd.f32 v1, v1, v2
1:  loop.next x7, 1b
    beqz x6, spare
    bgt x6, x7, 2f
    halti 0
2:  trap 0x1234

print_it:
.Lhidden:
    print.text x10, x11
    jump .Lhidden + 4
    ret
inner:
    .word 0, far_away, inner
    .half 1, 2
    .byte 1, 2, 3
odd:
    .byte 4
    .dword message + 1
    .align 4
spare:
    ctl.read x1, cycle
    nop
    jump spare
    jump 3f
3:

    .section .text.more, "ax"
second:
    call print_it
    la x1, second
    jump second

    .data
message:
    .ascii "hello\n"
    .set field, 16
