; The softmax of each row of a float32 matrix: e^x of every element over the sum of them in its row.
;
; e^x overflows from 88.73 on. So the greatest element of the row is subtracted first, which changes
; nothing but makes the greatest power e^0 = 1: no row of finite numbers can overflow, and the sum is
; at least 1, so that the division is safe too. Elements far below the greatest one become 0.
;
; An exponential holds the SIMD unit for 4 cycles and is ready after 16, so eight are in flight
; before the first is added up; eight sums in separate registers wait for none of each other. The row
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

; v10 = v10-v17 taken together by an operation.
        .macro  join operation
        \operation v10, v10, v11
        \operation v12, v12, v13
        \operation v14, v14, v15
        \operation v16, v16, v17
        \operation v10, v10, v12
        \operation v14, v14, v16
        \operation v10, v10, v14
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

; The softmax of a2 rows at a0, written to a1. Changes a0-a2, t0, t1, v0-v7, v8, v10-v17.
softmax:
        mov     t0, a0
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7
        vld     v1\n, [t0], 64                  ; eight maxima
        .endr
        li      t1, TURNS
        mov     t0, a0
1:
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7
        vld     v\n, [t0], 64
        .endr
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7
        vmax.f32 v1\n, v1\n, v\n
        .endr
        loop.next t1, 1b
        join    vmax.f32
        vredmax.f32 v8, v10                     ; the greatest element, in each lane

        li      t1, TURNS
        mov     t0, a1
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7
        vmovi.i32 v1\n, 0                       ; eight sums
        .endr
2:
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7
        vld     v\n, [a0], 64
        .endr
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7
        vsub.f32 v\n, v\n, v8
        .endr
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7
        vexp.f32 v\n, v\n
        .endr
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7
        vadd.f32 v1\n, v1\n, v\n
        vst     v\n, [t0], 64
        .endr
        loop.next t1, 2b
        join    vadd.f32
        vredsum.f32 v8, v10
        vrecip.f32 v8, v8

        li      t1, TURNS
        mov     t0, a1
3:
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7
        vld     v\n, [t0], 64
        .endr
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7
        vmul.f32 v\n, v\n, v8
        vst     v\n, [a1], 64
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
