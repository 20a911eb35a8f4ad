; Layer norm of each row of a bf16 matrix, computed in float32:
;
;     result = (x - mean) / sqrt(variance + 1e-5) * gamma + beta
;
;     dojo-run samples/layernorm/run.toml, or full.toml
;
; The variance is the mean of (x - mean)^2, in a second pass over the row: the short cut, mean of x^2
; less mean^2, subtracts two nearly equal numbers where a row lies far from 0, and loses all digits.
; So the row is widened once, to float32 in memory, and each pass takes what the last one left there.
;
; A turn of a loop takes 128 elements, eight vectors, so that no instruction waits for the one before
; it; the eight sums are independent too. The result is rounded by the store itself, which takes 16
; float32 lanes and writes 32 bytes (isa/narrow_store.isa).

        .ifndef ROWS
        .equ    ROWS, 12
        .equ    COLUMNS, 256
        .endif
        .if     COLUMNS % 128
        .error  "COLUMNS is a multiple of 128"
        .endif
        .equ    TURNS, COLUMNS / 128            ; 8 vectors of 16 each
        .equ    EDGE_ROWS, 4

        .macro  widen low, high, from           ; 32 bf16 to 2 x 16 float32
        vcvt.f32.bf16 \low, \from, 0
        vcvt.f32.bf16 \high, \from, 1
        .endm

        .macro  zero_sums
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7
        vmovi.i32 v1\n, 0
        .endr
        .endm

        .macro  add_sums                        ; v10-v17 to v10
        vadd.f32 v10, v10, v11
        vadd.f32 v12, v12, v13
        vadd.f32 v14, v14, v15
        vadd.f32 v16, v16, v17
        vadd.f32 v10, v10, v12
        vadd.f32 v14, v14, v16
        vadd.f32 v10, v10, v14
        .endm

        .text
        .global _start
_start:
        vli.f32 v30, 1e-5                       ; a row of equal numbers divides by its root, not by 0
        li      t0, COLUMNS
        vbroadcast.i32 v31, t0
        vcvt.f32.i32 v31, v31
        vrecip.f32 v31, v31                     ; 1 / COLUMNS
        la      a0, x
        la      a1, result
        li      a2, ROWS
        call    layernorm
        la      a0, edges
        la      a1, edge_result
        li      a2, EDGE_ROWS
        call    layernorm
        halti   0

; Layer norm of a2 rows at a0, written to a1; v30 is epsilon, v31 the reciprocal of a row's length.
; Changes a0-a2, t0-t3, v0-v17, v20-v27.
layernorm:
        la      t0, wide_row
        li      t1, TURNS
        zero_sums
1:
        .irp    n, 20, 22, 24, 26
        vld     v\n, [a0], 64
        .endr
        widen   v0, v1, v20
        widen   v2, v3, v22
        widen   v4, v5, v24
        widen   v6, v7, v26
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7
        vadd.f32 v1\n, v1\n, v\n
        vst     v\n, [t0], 64
        .endr
        loop.next t1, 1b
        add_sums
        vredsum.f32 v8, v10
        vmul.f32 v8, v8, v31                    ; the mean, in each lane

        la      t0, wide_row
        li      t1, TURNS
        zero_sums
2:
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7
        vld     v\n, [t0 + 64 * \n]            ; two a cycle; with an advancing base, one
        .endr
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7
        vsub.f32 v\n, v\n, v8
        .endr
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7
        vfma.f32 v1\n, v\n, v\n
        vst     v\n, [t0], 64
        .endr
        loop.next t1, 2b
        add_sums
        vredsum.f32 v8, v10
        vmul.f32 v8, v8, v31
        vadd.f32 v8, v8, v30
        vrsqrt.f32 v8, v8

        la      t0, wide_row
        la      t2, gamma
        la      t3, beta
        li      t1, TURNS
3:
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7
        vld     v\n, [t0], 64
        vld     v1\n, [t2], 64
        .endr
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7
        vmul.f32 v\n, v\n, v8
        vld     v2\n, [t3], 64
        .endr
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7
        vfma.f32 v2\n, v\n, v1\n
        .endr
        .irp    n, 0, 1, 2, 3
        vst.bf16.f32 v2\n, [a1 + 32 * \n]
        .endr
        addi    a1, a1, 4 * 32                  ; four stores are what an offset reaches
        .irp    n, 4, 5, 6, 7
        vst.bf16.f32 v2\n, [a1 + 32 * (\n - 4)]
        .endr
        addi    a1, a1, 4 * 32
        loop.next t1, 3b
        loop.next a2, layernorm
        ret

        .rodata
        .balign 64
        .shape  edges, bf16, EDGE_ROWS, COLUMNS
edges:
        .rept   COLUMNS                         ; all equal: beta, exactly
        .values bf16, -3.5
        .endr
        .rept   COLUMNS / 2                     ; far from 0: still one deviation to either side
        .values bf16, 1000, 1008
        .endr
        .rept   COLUMNS / 2                     ; a variance below epsilon
        .values bf16, 1e-4, -1e-4
        .endr
        .values bf16, 1e18                      ; one number that outweighs the row
        .rept   COLUMNS - 1
        .values bf16, 1
        .endr

        .bss
x:      .tensor bf16, ROWS, COLUMNS
gamma:  .tensor f32, COLUMNS
beta:   .tensor f32, COLUMNS
result: .tensor bf16, ROWS, COLUMNS
edge_result:
        .tensor bf16, EDGE_ROWS, COLUMNS
        .balign 64
wide_row:
        .space  COLUMNS * 4
