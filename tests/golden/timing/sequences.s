; Hand-computed: behind each instruction the cycles it issues in, one for each time it runs; then why.
; A case says how many cycles it takes in all, and for some what they go to. Registers are zero, sp
; is the end of SRAM. `docs/timing.md` has the rule; here L is a latency, U a unit, P a port.

; ---- the scalar side

; case a halt alone: 1 = issued 1
    halti 0                     ; 0

; case two additions a cycle: 3 = issued 3
    addi a0, a0, 1              ; 0
    addi a1, a1, 1              ; 0
    addi a2, a2, 1              ; 1     both ALUs are taken in 0
    addi a3, a3, 1              ; 1
    halti 0                     ; 2     a3 at 1 + L1

; case a chain of additions: 4 = issued 4
    addi a0, a0, 1              ; 0
    addi a0, a0, 1              ; 1     a0 at 0 + L1
    addi a0, a0, 1              ; 2
    halti 0                     ; 3

; case x0 is always ready: 2
    addi x0, x0, 1              ; 0
    addi x0, x0, 1              ; 0
    halti 0                     ; 1     the ALUs are free at 1

; case a product is late: 5 = issued 3, operand wait 2
    mul a0, a1, a2              ; 0
    addi a3, a0, 1              ; 3     a0 at 0 + L3
    halti 0                     ; 4

; case products are pipelined: 5 = issued 3, drain 2
    mul a0, a6, a7              ; 0
    mul a1, a6, a7              ; 0
    mul a2, a6, a7              ; 1
    mul a3, a6, a7              ; 1
    halti 0                     ; 4     a3 at 1 + L3

; case a quotient is very late: 22 = issued 3, operand wait 19
    div a0, a1, a2              ; 0
    addi a3, a0, 1              ; 20    a0 at 0 + L20
    halti 0                     ; 21

; case a division holds its unit: 41 = issued 3, unit busy 19, drain 19
    div a0, a1, a2              ; 0
    div a3, a4, a5              ; 20    U divide is held for L20
    halti 0                     ; 40

; case a short division holds it for less: 33
    div.w a0, a1, a2            ; 0
    div a3, a4, a5              ; 12    U divide is held for L12
    halti 0                     ; 32    a3 at 12 + L20

; case others go on beside a division: 21
    div a0, a1, a2              ; 0
    addi a3, a3, 1              ; 0
    addi a4, a4, 1              ; 0
    addi a5, a5, 1              ; 1     both ALUs are taken in 0
    halti 0                     ; 20    a0 at 0 + L20

; case four scalar instructions a cycle: 22
    addi a0, a0, 1              ; 0
    addi a1, a1, 1              ; 0
    ld a2, [sp + -8]            ; 0
    sd a3, [sp + -16]           ; 0
    div a4, a5, a6              ; 1     U divide is free, but 0 has four
    halti 0                     ; 21    a4 at 1 + L20

; case writing waits for an earlier write: 6 = issued 3, operand wait 3
    ld a0, [sp + -8]            ; 0
    li a0, 5                    ; 4     a0 at 0 + L4
    halti 0                     ; 5

; case writing does not wait for an earlier read: 2
    add a1, a0, a0              ; 0
    li a0, 5                    ; 0
    halti 0                     ; 1

; ---- scalar memory

; case a load is late: 6 = issued 3, operand wait 3
    ld a0, [sp + -8]            ; 0
    addi a1, a0, 1              ; 4     a0 at 0 + L4
    halti 0                     ; 5

; case a load to x0 is waited for by nobody: 2
    ld x0, [sp + -8]            ; 0
    addi a1, x0, 1              ; 0
    halti 0                     ; 1

; case one scalar load a cycle: 6
    ld a0, [sp + -8]            ; 0
    ld a1, [sp + -16]           ; 1     P scalar_load is one; U agu are two
    halti 0                     ; 5     a1 at 1 + L4

; case a load beside a store: 5
    ld a0, [sp + -8]            ; 0
    sd a1, [sp + -16]           ; 0     P scalar_store is another
    halti 0                     ; 4

; case one scalar store a cycle: 3
    sd a0, [sp + -8]            ; 0
    sd a1, [sp + -16]           ; 1     P scalar_store
    halti 0                     ; 2

; case a base is ready in the next cycle: 7
    addi s0, sp, -256           ; 0
    ld a0, [s0], 8              ; 1     s0 at 1
    ld a1, [s0], 8              ; 2     s0 at 1 + 1, whatever the latency of the load
    addi a2, s0, 0              ; 3     s0 at 2 + 1
    halti 0                     ; 6     a1 at 2 + L4

; case a store waits for its value: 6 = issued 3, operand wait 3
    ld a0, [sp + -8]            ; 0
    sd a0, [sp + -16]           ; 4     a0 at 0 + L4
    halti 0                     ; 5

; case memory is no operand: 5
    sd a0, [sp + -8]            ; 0
    ld a1, [sp + -8]            ; 0     addresses do not matter
    halti 0                     ; 4

; ---- branches

; case a jump loses a cycle: 4 = issued 3, branch 1
    jump over                   ; 0
    halti 1
over: addi a0, a0, 1            ; 2     0 + 1 + jump 1
    halti 0                     ; 3

; case others issue beside a jump: 4
    addi a0, a0, 1              ; 0
    jump over                   ; 0
    halti 1
over: addi a1, a1, 1            ; 2
    halti 0                     ; 3

; case a jump hides a latency: 5 = issued 3, branch 1, operand wait 1
    mul a0, a1, a2              ; 0
    jump over                   ; 0
    halti 1
over: addi a3, a0, 1            ; 3     could at 2; a0 at 0 + L3
    halti 0                     ; 4

; case a call and a return: 8 = issued 3, branch 5
    call there                  ; 0
    halti 0                     ; 7     2 + 1 + indirect 4
there: ret                      ; 2     0 + 1 + jump 1; ra at 1

; case a jump to a register: 7
    la a0, over                 ; 0
    jumpr a0                    ; 1     a0 at 0 + L1
    halti 1
over: halti 0                   ; 6     1 + 1 + indirect 4

; case forward and not taken costs nothing: 2
    bnez a0, over               ; 0
    addi a1, a1, 1              ; 0     beside it
over: halti 0                   ; 1

; case forward and taken is a misprediction: 8 = issued 2, branch 6
    beqz a0, over               ; 0
    halti 1
over: halti 0                   ; 7     0 + 1 + mispredicted 6

; case backward and taken, then not: 13 = issued 6, branch 7
    li a0, 2                    ; 0
again: addi a0, a0, -1          ; 1 4   a0 at 1; after the branch 2 + 1 + taken 1
    bnez a0, again              ; 2 5   a0 at 1 + L1, at 4 + L1
    halti 0                     ; 12    5 + 1 + mispredicted 6

; case a branch waits for its operand: 6 = issued 3, operand wait 3
    ld a0, [sp + -8]            ; 0
    bnez a0, over               ; 4     a0 at 0 + L4
    addi a1, a1, 1              ; 4
over: halti 0                   ; 5

; case one branch a cycle: 3
    bnez a0, over               ; 0
    bnez a1, over               ; 1     U front
over: halti 0                   ; 2

; case a loop branch is free: 6 = issued 5, branch 1
    li a0, 3                    ; 0
again: addi a1, a1, 1           ; 0 1 2   beside the loop branch before it
    loop.next a0, again         ; 1 2 3   a0 at 0 + L1, then each + L1
    halti 0                     ; 5     3 + 1 + loop_exit 1

; case a loop as quick as its chain: 7
    li a0, 2                    ; 0
again: mul a1, a1, a2           ; 0 3   a1 at 0 + L3
    loop.next a0, again         ; 1 3   a0 at 1, at 2; in order behind the product
    halti 0                     ; 6     a1 at 3 + L3; could at 5

; case two loops end: 6 = issued 4, branch 2
    li a0, 1                    ; 0
    li a1, 1                    ; 0
again: loop.next a0, again      ; 1     a0 at 0 + L1
    loop.next a1, again         ; 3     1 + 1 + loop_exit 1
    halti 0                     ; 5

; ---- interactions and control registers

; case printing waits for everything: 7 = issued 4, drain 3
    ld a0, [sp + -8]            ; 0
    print.int a1                ; 4     a0 at 0 + L4, though it is not printed
    addi a2, a2, 1              ; 5     an interaction has its cycle alone
    halti 0                     ; 6

; case one interaction a cycle: 3
    print.int a0                ; 0
    print.int a0                ; 1
    halti 0                     ; 2

; case reading the clock waits for everything: 7
    ld a0, [sp + -8]            ; 0
    ctl.read a1, cycle          ; 4
    addi a2, a1, 0              ; 5
    halti 0                     ; 6

; case another control register is read at once: 5
    ld a0, [sp + -8]            ; 0
    ctl.read a1, scratch        ; 0
    halti 0                     ; 4

; case control registers are read after they are written: 3
    ctl.write scratch, a0       ; 0
    ctl.read a1, scratch        ; 1     the control registers at 0 + L1
    halti 0                     ; 2

; case flushing waits for everything: 3
    sd a0, [sp + -8]            ; 0
    icache.flush                ; 1     P scalar_store is free at 1
    halti 0                     ; 2

; case a breakpoint has its cycle: 2
    break                       ; 0
    halti 0                     ; 1

; ---- vectors

; case a vector chain: 9
    vadd.f32 v0, v1, v2         ; 0
    vadd.f32 v3, v0, v0         ; 4     v0 at 0 + L4
    halti 0                     ; 8

; case one vector operation a cycle: 7 = issued 4, drain 3
    vadd.f32 v0, v4, v5         ; 0
    vadd.f32 v1, v4, v5         ; 1     U simd
    vadd.f32 v2, v4, v5         ; 2
    halti 0                     ; 6

; case sums in one register: 9
    vfma.f32 v0, v1, v2         ; 0
    vfma.f32 v0, v1, v2         ; 4     v0 at 0 + L4
    halti 0                     ; 8

; case sums in four registers: 9
    vfma.f32 v0, v4, v5         ; 0
    vfma.f32 v1, v4, v5         ; 1
    vfma.f32 v2, v4, v5         ; 2
    vfma.f32 v3, v4, v5         ; 3
    vfma.f32 v0, v4, v5         ; 4     v0 at 0 + L4, just in time
    halti 0                     ; 8

; case two vector instructions a cycle: 7
    vld v0, [sp + -64]          ; 0
    vadd.f32 v1, v2, v3         ; 0
    vst v4, [sp + -128]         ; 1     0 has two
    halti 0                     ; 6     v0 at 0 + L6

; case two vector loads a cycle: 8
    vld v0, [sp + -64]          ; 0
    vld v1, [sp + -128]         ; 0
    vld v2, [sp + -192]         ; 1
    vld v3, [sp + -256]         ; 1
    halti 0                     ; 7     v3 at 1 + L6

; case a vector load is late: 11
    vld v0, [sp + -64]          ; 0
    vadd.f32 v1, v0, v0         ; 6     v0 at 0 + L6
    halti 0                     ; 10

; case one vector store a cycle: 3
    vst v0, [sp + -64]          ; 0
    vst v1, [sp + -128]         ; 1     P vector_store
    halti 0                     ; 2

; case six of one cycle: 7
    vld v0, [sp + -64]          ; 0
    vld v1, [sp + -128]         ; 0
    ld a0, [sp + -8]            ; 0
    sd a1, [sp + -16]           ; 0
    addi a2, a2, 1              ; 0
    addi a3, a3, 1              ; 0
    halti 0                     ; 6     v1 at 0 + L6

; case an unaligned load takes both ports: 8
    vldu.i32 v0, [sp + -124]    ; 0
    vld v1, [sp + -64]          ; 1     P vector_load, both
    halti 0                     ; 7     v0 at 0 + L7, v1 at 1 + L6

; case an unaligned load waits for both ports: 9
    vld v1, [sp + -64]          ; 0
    vldu.i32 v0, [sp + -124]    ; 1     P vector_load, one of two
    halti 0                     ; 8     v0 at 1 + L7

; case an unaligned store takes its port twice: 4 = issued 3, memory port 1
    vstu.i32 v0, [sp + -124]    ; 0
    vst v1, [sp + -64]          ; 2     P vector_store for 0 and 1
    halti 0                     ; 3

; case ends of rows move in one piece: 8 = issued 3, memory port 1, drain 4
    vldm.f32 v0, [sp + -64], m1 ; 0     P vector_load, both
    vstm.f32 v1, [sp + -64], m1 ; 0
    vst v2, [sp + -64]          ; 2     P vector_store for 0 and 1
    halti 0                     ; 7     v0 at 0 + L7

; case a predicate is an operand: 7
    vcmp.eq.f32 m1, v0, v1      ; 0
    vadd.f32 v2, v3, v4, m1     ; 2     m1 at 0 + L2
    halti 0                     ; 6

; case from a vector to a scalar: 6
    vextract.i32 a0, v0, 0      ; 0
    addi a1, a0, 1              ; 4     a0 at 0 + L4
    halti 0                     ; 5

; case a reduction is late: 21
    vredsum.f32 v0, v1          ; 0
    vadd.f32 v2, v0, v0         ; 16    v0 at 0 + L16
    halti 0                     ; 20

; case a reduction holds its unit: 17 = issued 3, unit busy 3, drain 11
    vredsum.f32 v0, v1          ; 0
    vadd.f32 v2, v3, v4         ; 4     U simd is held for 4
    halti 0                     ; 16    v0 at 0 + L16

; case an accumulator goes through the SIMD unit in quarters: 15
    acc.relu.f32 acc0           ; 0
    vadd.f32 v2, v3, v4         ; 4     U simd is held for 4
    acc.relu.f32 acc0           ; 7     acc0 at 0 + L7
    halti 0                     ; 14

; case a gather holds the load ports: 16
    addi s0, sp, -256           ; 0
    vgather.f32 v0, [s0], v1    ; 1     s0 at 0 + L1; 16 lanes, P vector_load both for 8
    vld v2, [sp + -64]          ; 9     1 + 8
    halti 0                     ; 15    v0 at 1 + L14, v2 at 9 + L6

; ---- the matrix unit

; case products into one accumulator: 9
    mmul.bf16 acc0, v0, v1      ; 0
    mmul.bf16 acc0, v0, v1      ; 4     acc0 at 0 + L4
    halti 0                     ; 8

; case products into four accumulators: 9 = issued 6, drain 3
    mmul.bf16 acc0, v0, v1      ; 0
    mmul.bf16 acc1, v0, v1      ; 1     U matrix
    mmul.bf16 acc2, v0, v1      ; 2
    mmul.bf16 acc3, v0, v1      ; 3
    mmul.bf16 acc0, v0, v1      ; 4     acc0 at 0 + L4, just in time
    halti 0                     ; 8

; case products beside loads: 8
    vld v0, [sp + -64]          ; 0
    mmul.bf16 acc0, v2, v3      ; 0
    vld v1, [sp + -128]         ; 1
    mmul.bf16 acc1, v2, v3      ; 1
    halti 0                     ; 7     v1 at 1 + L6

; case an accumulator is loaded in two cycles: 9
    acc.load acc0, [sp + -256]  ; 0
    vld v0, [sp + -64]          ; 2     P vector_load, both for 0 and 1
    halti 0                     ; 8     acc0 at 0 + L8, v0 at 2 + L6

; case an accumulator is stored in four cycles: 6
    acc.store acc0, [sp + -256] ; 0
    vst v0, [sp + -64]          ; 4     P vector_store for 0 to 3
    halti 0                     ; 5

; case an accumulator is stored when it is ready: 9
    mmul.bf16 acc0, v0, v1      ; 0
    acc.store acc0, [sp + -256] ; 4     acc0 at 0 + L4
    halti 0                     ; 8     P vector_store for 4 to 7

; case an accumulator is stored by rows, two beats each: 19
    addi a1, sp, -256           ; 0
    acc.store.rows acc0, [a1], zero ; 1     a1 at 0 + L1
    vst v0, [sp + -64]          ; 17    P vector_store for 1 to 16
    halti 0                     ; 18

; case a narrowing store takes two beats: 5
    addi a1, sp, -64            ; 0
    vst.bf16.f32 v0, [a1]       ; 1     a1 at 0 + L1
    vst v0, [sp + -64]          ; 3     P vector_store for 1 and 2
    halti 0                     ; 4

; ---- the example of docs/timing.md

; case twice round: 12 = issued 5, operand wait 6, branch 1
    li a0, 2                    ; 0
    addi a1, sp, -64            ; 0
again: ld a2, [a1], 8           ; 1 5   a1 at 0 + L1; beside the loop branch
    add a3, a3, a2              ; 5 9   a2 at 1 + L4, at 5 + L4
    loop.next a0, again         ; 5 9   in order
    halti 0                     ; 11    9 + 1 + loop_exit 1
