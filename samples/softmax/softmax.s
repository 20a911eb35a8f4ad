; The softmax of each row of a float32 matrix: e^x of every element over the sum of them in its row.
;
;     dojo-run samples/softmax/run.toml, or full.toml
;
; e^x overflows from 88.73 on. So the greatest element of the row is subtracted first, which changes
; nothing but makes the greatest power e^0 = 1: no row of finite numbers can overflow, and the sum is
; at least 1, so that the division is safe too. Elements far below the greatest one become 0.
;
; An exponential holds the SIMD unit for 4 cycles and is ready after 16, so two sets of four registers
; take turns: while those of one set are computed, those of the other are summed up and stored. The row
; is then multiplied by one reciprocal: a division of each element would hold the unit for 4 cycles.

        .ifndef ROWS
        .equ    ROWS, 12
        .equ    COLUMNS, 256
        .endif
        .if     COLUMNS % 128
        .error  "COLUMNS is a multiple of 128"
        .endif
        .equ    TURNS, COLUMNS / 128            ; 8 vectors of 16 each
        .equ    EDGE_ROWS, 5

; Sets are v10-v13 and v20-v23. Loads with an offset issue two a cycle; each that advances its base
; would wait for the one before.
        .macro  load set
        .irp    n, 0, 1, 2, 3
        vld     v\set\n, [a0 + 64 * \n]
        .endr
        addi    a0, a0, 256
        .endm

; The exponentials of a set. Meanwhile those of the other one, if there are any, are summed up and
; stored, and the next elements loaded in their place.
        .macro  exponentials set, done
        .irp    n, 0, 1, 2, 3
        vsub.f32 v\set\n, v\set\n, v8
        .endr
        .irp    n, 0, 1, 2, 3
        vexp.f32 v\set\n, v\set\n
        .ifnb   \done
        vadd.f32 v\n, v\n, v\done\n
        vst     v\done\n, [t0], 64
        .endif
        .endr
        .ifnb   \done
        load    \done
        .endif
        .endm

        .text
        .global _start
_start:
        la      a0, x
        la      a1, result
        li      a2, ROWS
        call    softmax
        la      a0, edges
        la      a1, edge_result
        li      a2, EDGE_ROWS
        call    softmax
        halti   0

; The softmax of a2 rows at a0, written to a1. Changes a0-a2, t0, t1, v0-v8, v10-v17, v20-v23.
softmax:
        mov     t0, a0
        li      t1, TURNS
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7
        vld     v1\n, [a0 + 64 * \n]            ; eight maxima
        .endr
1:
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7
        vld     v\n, [t0 + 64 * \n]
        .endr
        addi    t0, t0, 8 * 64
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7
        vmax.f32 v1\n, v1\n, v\n
        .endr
        loop.next t1, 1b
        vmax.f32 v10, v10, v11
        vmax.f32 v12, v12, v13
        vmax.f32 v14, v14, v15
        vmax.f32 v16, v16, v17
        vmax.f32 v10, v10, v12
        vmax.f32 v14, v14, v16
        vmax.f32 v10, v10, v14
        vredmax.f32 v8, v10                     ; the greatest element, in each lane

        mov     t0, a1
        .irp    n, 0, 1, 2, 3
        vmovi.i32 v\n, 0                        ; four sums
        .endr
        load    1
        load    2
        exponentials 1
        .if     TURNS > 1
        li      t1, TURNS - 1
2:
        exponentials 2, 1
        exponentials 1, 2
        loop.next t1, 2b
        .endif
        exponentials 2, 1
        addi    a0, a0, -256                    ; the last loads were beyond the row
        .irp    n, 0, 1, 2, 3
        vadd.f32 v\n, v\n, v2\n
        vst     v2\n, [t0], 64
        .endr
        vadd.f32 v0, v0, v1
        vadd.f32 v2, v2, v3
        vadd.f32 v0, v0, v2
        vredsum.f32 v8, v0
        vrecip.f32 v8, v8

        li      t1, TURNS
3:
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7
        vld     v1\n, [a1 + 64 * \n]
        .endr
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7
        vmul.f32 v1\n, v1\n, v8
        .endr
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7
        vst     v1\n, [a1], 64
        .endr
        loop.next t1, 3b
        loop.next a2, softmax
        ret

        .rodata
        .balign 64
        .shape  edges, f32, EDGE_ROWS, COLUMNS
edges:
        .rept   COLUMNS                         ; all equal: 1 / COLUMNS each
        .values f32, 7.5
        .endr
        .rept   COLUMNS                         ; all equal, near the largest number
        .values f32, 3e38
        .endr
        .rept   COLUMNS / 2                     ; their difference is infinite: 2 / COLUMNS and 0
        .values f32, 3e38, -3e38
        .endr
        .values f32, 1e4                        ; one far above the others: 1 and 0
        .rept   COLUMNS - 1
        .values f32, -1e4
        .endr
        .rept   COLUMNS / 2                     ; left out, as a mask in attention does it: exactly 0
        .values f32, -inf, -2
        .endr

        .bss
x:      .tensor f32, ROWS, COLUMNS
result: .tensor f32, ROWS, COLUMNS
edge_result:
        .tensor f32, EDGE_ROWS, COLUMNS
