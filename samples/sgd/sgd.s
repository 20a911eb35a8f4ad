; Gradient descent on weights that are kept in bf16 alone, rounded to nearest and stochastically.
;
;     dojo-run samples/sgd/run.toml, or full.toml
;
; A linear model learns the 32 numbers of `teacher` from SAMPLES inputs and the teacher's answers, one
; sample a step, all of it in float32 but for the weights between steps. Where they lie, between 1 and
; 3, bf16 numbers are 1/128 or 1/64 apart, and once the error is small a step moves a weight by less than
; half of that: to nearest it does not move at all, ever. Stochastically it moves by a whole distance
; with a chance that makes the mean right, so the steps add up as if the weights had all their digits.
;
; Both trainings see the same numbers in the same order; the program prints the mean squared error of
; each epoch. Each step needs the weights of the one before, so its latencies add up: nothing here
; can hide them, short of averaging several samples.

        .ifndef SAMPLES
        .equ    SAMPLES, 64
        .equ    EPOCHS, 32
        .endif
        .ifndef SEED
        .equ    SEED, 1
        .endif

        .text
        .global _start
_start:
        li.f32  s0, 0.00390625                  ; the rate: 1/256
        vbroadcast.f32 v31, s0
        li      t0, SAMPLES
        vbroadcast.i32 v30, t0
        vcvt.f32.i32 v30, v30
        vrecip.f32 v30, v30                     ; 1 / SAMPLES

; What the teacher says to each sample.
        la      t0, teacher
        vld     v0, [t0]
        vld     v1, [t0 + 64]
        la      a0, inputs
        la      a1, answers
        li      t1, SAMPLES
1:
        vld     v2, [a0], 64
        vld     v3, [a0], 64
        vmul.f32 v2, v2, v0
        vfma.f32 v2, v3, v1
        vredsum.f32 v2, v2
        vextract.f32 t0, v2, 0
        sw      t0, [a1], 4
        loop.next t1, 1b

        la      a2, nearest
        la      a3, nearest_weights
        call    train_to_nearest
        li      t0, SEED
        ctl.write seed, t0
        la      a2, stochastic
        la      a3, stochastic_weights
        call    train_stochastically

        la      a0, nearest
        la      a1, stochastic
        li      s0, EPOCHS
        li      s1, 1
        li      s2, ' '
        li      s3, '\n'
2:
        lw      t0, [a0], 4
        lw      t1, [a1], 4
        print.int s1
        print.char s2
        print.f32 t0
        print.char s2
        print.f32 t1
        print.char s3
        addi    s1, s1, 1
        loop.next s0, 2b
        la      a0, final_nearest
        sw      t0, [a0]
        la      a1, final_stochastic
        sw      t1, [a1]
        halti   0

; Train EPOCHS epochs from weights of 2, and write the mean squared error of each to a2, the weights at
; the end to a3. Weights are in v0: lanes 0-15 become v3, 16-31 v4.
        .macro  train rounding
        vli.bf16 v0, 2
        li      t0, EPOCHS
\%epoch:
        la      a0, inputs
        la      a1, answers
        li      t1, SAMPLES
        vmovi.i32 v7, 0                         ; sum of the squared errors
\%step:
        lw      t2, [a1], 4
        vld     v1, [a0], 64
        vld     v2, [a0], 64
        vcvt.f32.bf16 v3, v0, 0
        vcvt.f32.bf16 v4, v0, 1
        vmul.f32 v5, v3, v1
        vbroadcast.f32 v6, t2
        vfma.f32 v5, v4, v2
        vredsum.f32 v5, v5
        vsub.f32 v5, v5, v6                     ; the error, in each lane
        vmul.f32 v6, v5, v31
        vfma.f32 v7, v5, v5
        vfnma.f32 v3, v6, v1                    ; weights - rate * error * inputs
        vfnma.f32 v4, v6, v2
        vcvt.bf16.f32\rounding v0, v3, 0
        vcvt.bf16.f32\rounding v0, v4, 1
        loop.next t1, \%step
        vmul.f32 v7, v7, v30
        vextract.f32 t2, v7, 0
        sw      t2, [a2], 4
        loop.next t0, \%epoch
        vst     v0, [a3]
        ret
        .endm

train_to_nearest:
        train
train_stochastically:
        train   .sr

        .bss
inputs: .tensor f32, SAMPLES, 32
answers:
        .tensor f32, SAMPLES
teacher:
        .tensor f32, 32
nearest_weights:
        .tensor bf16, 32
stochastic_weights:
        .tensor bf16, 32
nearest:
        .tensor f32, EPOCHS
stochastic:
        .tensor f32, EPOCHS
final_nearest:
        .tensor f32, 1
final_stochastic:
        .tensor f32, 1
