; One instruction of each shape and format, aliases, expansions, numeric labels.
        .text
first:
        add     x1, x2, x3              ; =
        add     ra, sp, gp              ; =
        addi    x1, x2, -32768          ; =
        slli    x31, x30, 63            ; =
        movi    x5, -1                  ; =
        ld      x1, [x2 + 2047]         ; =
        ld      x1, [x2 - 2048]         ; =
        ld      x1, [x2]                ; =
        ld      x1, [x2], 8             ; =
        sb      x1, [x2 + 4 - 8 + 1]    ; =
        vld     v1, [x2 + 64]           ; =
        vadd.f32 v1, v2, v3             ; =
        vadd.f32 v1, v2, v3, m1         ; =
        vadd.f32 v1, v2, v3, m7.z       ; =
        ctl.read x1, cycle              ; =
        ctl.write scratch, x1           ; =
        jalr    x1, [x2 + 16]           ; =
1:      beq     x1, x2, 1b              ; =
        bne     x1, x2, 1f              ; =
        jump    first                   ; =
1: 2:   loop.next x1, 1b                ; =
        call    . + 8                   ; =
        nop                             ; =
        mov     x1, x2                  ; =
        ret                             ; =
        bgt     x1, x2, 2b              ; =
        li      x1, 0                   ; =
        li      x1, 'a' + ('\n' << 8)   ; =
        li      x1, 0x1_0000_0000       ; =
        li      x1, 0xffff_ffff_ffff_ffff ; =
        li      x1, -0x8000_0000_0000_0000 ; =
        li      x1, last - first        ; =
        li.f32  x1, 1                   ; =
        li.f32  x1, -1.5e-3             ; =
        li.bf16 x1, -inf                ; =
        la      x1, first               ; =
        la      x1, 0x1234              ; =
        halti   WIDTH * 2               ; =
last:
        .set    WIDTH, 4
