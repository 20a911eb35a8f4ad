; One instruction of each shape and format, aliases, expansions, numeric labels.
        .text
first:
        add     x1, x2, x3              ; = 0x1822_1800
        add     ra, sp, gp              ; = 0x1822_1800
        addi    x1, x2, -32768          ; = 0x2022_8000
        slli    x31, x30, 63            ; = 0x3ffe_fc00
        movi    x5, -1                  ; = 0x08bf_ffff
        ld      x1, [x2 + 2047]         ; = 0x4822_7ff3
        ld      x1, [x2 - 2048]         ; = 0x4822_8003
        ld      x1, [x2]                ; = 0x4822_0003
        ld      x1, [x2], 8             ; = 0x4822_008b
        sb      x1, [x2 + 4 - 8 + 1]    ; = 0x4c22_ffd0
        vld     v1, [x2 + 64]           ; = 0x9c22_0010
        vadd.f32 v1, v2, v3             ; = 0x8022_1850
        vadd.f32 v1, v2, v3, m1         ; = 0x8022_1851
        vadd.f32 v1, v2, v3, m7.z       ; = 0x8022_185f
        vcvt.cfloat8_1_4_3.f32 v1, v2, 3, 5 ; = 0xbc22_2e00
        vcvt.f32.shp v1, v2, 1, 15, m7.z ; = 0xbc22_7b2f
        ctl.read x1, cycle              ; = 0x5420_0000
        ctl.write scratch, x1           ; = 0x5401_00f1
        jalr    x1, [x2 + 16]           ; = 0x5022_0010
1:      beq     x1, x2, 1b              ; = 0x4001_1000
        bne     x1, x2, 1f              ; = 0x4001_1011
        jump    first                   ; = 0x101f_ffeb
1: 2:   loop.next x1, 1b                ; = 0x1420_0000
        call    . + 8                   ; = 0x1020_0002
        nop                             ; = 0x2000_0000
        mov     x1, x2                  ; = 0x2022_0000
        ret                             ; = 0x5001_0000
        bgt     x1, x2, 2b              ; = 0x43e2_0fda
        li      x1, 0                   ; = 0x0820_0000
        li      x1, 'a' + ('\n' << 8)   ; = 0x0820_0a61
        li      x1, 0x1_0000_0000       ; = 0x0821_0000 0x3820_0000
        li      x1, 0xffff_ffff_ffff_ffff ; = 0x083f_ffff
        li      x1, -0x8000_0000_0000_0000 ; = 0x083f_8000 0x3820_0000 0x3820_0000 0x3820_0000
        li      x1, last - first        ; = 0x0820_00b8
        li.f32  x1, 1                   ; = 0x0820_3f80 0x3820_0000
        li.f32  x1, -1.5e-3             ; = 0x0820_bac4 0x3820_9ba6
        li.bf16 x1, -inf                ; = 0x0820_ff80
        la      x1, first               ; = 0x0c20_0000
        la      x1, 0x1234              ; = 0x0c20_1234
        halti   WIDTH * 2               ; = 0x0420_0008
last:
        .set    WIDTH, 4
