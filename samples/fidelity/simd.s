; The SIMD unit: a fused multiply-add of 16 float32 a cycle, into eight registers in turn.

        .equ    TURNS, 500

        .text
        .global _start
_start:
        li      t0, TURNS
        ctl.read s0, cycle
1:
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7
        vfma.f32 v1\n, v0, v1
        .endr
        loop.next t0, 1b
        ctl.read s1, cycle
        sub     s1, s1, s0
        la      t0, cycles
        sd      s1, [t0]
        li      t1, TURNS * 8 * 16 * 2
        la      t0, work
        sd      t1, [t0]
        halti   0

        .bss
cycles: .tensor i64, 1
work:   .tensor i64, 1                          ; floating-point operations
