; Macros, structures and an include: a table of steps, and the kernels that the steps name.
;
;     dojo-run samples/pipeline/run.toml
;
; Each kernel is one line, made into an unrolled loop by a macro of kernels.inc. Each step is one
; line, made into a record of the table; the program reads the records through the structure's
; offsets. `dojo-as pipeline.s --listing -` shows what the macros stand for.

        .equ    COUNT, 512

        .include "kernels.inc"

        .struct step
        .field  kernel, u32
        .field  result, u32
        .field  left, u32
        .field  right, u32
        .field  factor, f32
        .endstruct

; run kernel, result, left, right, factor: one step of the table.
        .macro  run kernel:req, result:req, left:req, right:req, factor=1.0
\%step: .word   \kernel, \result, \left, \right
        .float  \factor
        .assert . - \%step == step.size, "this record is not a step"
        .endm

        .text
        .global _start
_start:
        la      s0, steps
        li      s1, (steps_end - steps) / step.size
1:
        lw      a0, [s0 + step.result]
        lw      a1, [s0 + step.left]
        lw      a2, [s0 + step.right]
        lw      t0, [s0 + step.factor]
        lw      t1, [s0 + step.kernel]
        vbroadcast.f32 v31, t0
        jalr    ra, [t1]
        addi    s0, s0, step.size
        loop.next s1, 1b
        halti   0

        kernel  add, vadd.f32
        kernel  add_scaled, vadd.f32, scaled
        kernel  multiply, vmul.f32
        kernel  larger, vmax.f32

        .rodata
        .balign step.align
steps:
        run     multiply, gated, x, gate
        run     add_scaled, gated, gated, bias, factor=0.5
        run     larger, gated, gated, zeros
        run     add, total, x, gated
        run     add_scaled, total, total, bias, -2
steps_end:

        .bss
        .irp    name, x, gate, bias, zeros, gated, total
\name:  .tensor f32, COUNT
        .endr
