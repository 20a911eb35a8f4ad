; Each pair of operator levels in both orders, each operator after each of its level: as in C.
; The expected bytes were computed by a C compiler, not by this assembler.
        .data
        .byte   1 || 0 && 0             ; = 01
        .byte   0 || 0 | 2              ; = 01
        .byte   0 || 0 ^ 2              ; = 01
        .byte   0 || 2 & 1              ; = 00
        .byte   0 || 2 == 1             ; = 00
        .byte   0 || 2 < 2              ; = 00
        .byte   0 || 1 << 1             ; = 01
        .byte   0 || 0 + 2              ; = 01
        .byte   0 || 1 * 2              ; = 01
        .byte   0 && 0 || 1             ; = 01
        .byte   0 && 0 | 1              ; = 00
        .byte   0 && 0 ^ 1              ; = 00
        .byte   1 && 2 & 1              ; = 00
        .byte   0 && 0 == 0             ; = 00
        .byte   0 && 0 < 1              ; = 00
        .byte   1 && 1 << 1             ; = 01
        .byte   0 && 0 + 1              ; = 00
        .byte   1 && 1 * 2              ; = 01
        .byte   2 | 0 || 0              ; = 01
        .byte   1 | 0 && 0              ; = 00
        .byte   1 | 0 ^ 1               ; = 01
        .byte   1 | 0 & 0               ; = 01
        .byte   1 | 0 == 0              ; = 01
        .byte   1 | 0 < 0               ; = 01
        .byte   1 | 0 << 1              ; = 01
        .byte   1 | 0 + 1               ; = 01
        .byte   1 | 0 * 0               ; = 01
        .byte   1 ^ 0 || 1              ; = 01
        .byte   1 ^ 0 && 0              ; = 00
        .byte   1 ^ 0 | 1               ; = 01
        .byte   1 ^ 0 & 0               ; = 01
        .byte   1 ^ 0 == 2              ; = 01
        .byte   1 ^ 0 < 0               ; = 01
        .byte   1 ^ 0 << 1              ; = 01
        .byte   1 ^ 0 + 1               ; = 00
        .byte   1 ^ 0 * 0               ; = 01
        .byte   0 & 0 || 1              ; = 01
        .byte   1 & 2 && 1              ; = 00
        .byte   0 & 0 | 1               ; = 01
        .byte   0 & 0 ^ 1               ; = 01
        .byte   0 & 0 == 0              ; = 00
        .byte   0 & 0 < 1               ; = 00
        .byte   1 & 1 << 1              ; = 00
        .byte   0 & 0 + 1               ; = 00
        .byte   1 & 1 * 2               ; = 00
        .byte   0 == 0 || 1             ; = 01
        .byte   0 == 0 && 0             ; = 00
        .byte   0 == 0 | 1              ; = 01
        .byte   0 == 0 ^ 2              ; = 03
        .byte   0 == 0 & 0              ; = 00
        .byte   0 == 0 < 0              ; = 01
        .byte   0 == 0 << 1             ; = 01
        .byte   0 == 0 + 1              ; = 00
        .byte   0 == 0 * 0              ; = 01
        .byte   1 < 0 || 1              ; = 01
        .byte   1 < 2 && 1              ; = 01
        .byte   0 < 0 | 2               ; = 02
        .byte   0 < 0 ^ 2               ; = 02
        .byte   0 < 2 & 1               ; = 01
        .byte   0 < 2 == 1              ; = 01
        .byte   0 < 1 << 1              ; = 01
        .byte   0 < 0 + 2               ; = 01
        .byte   0 < 1 * 2               ; = 01
        .byte   0 << 0 || 1             ; = 01
        .byte   1 << 0 && 0             ; = 00
        .byte   0 << 0 | 1              ; = 01
        .byte   0 << 0 ^ 1              ; = 01
        .byte   1 << 0 & 0              ; = 00
        .byte   0 << 0 == 0             ; = 01
        .byte   0 << 0 < 1              ; = 01
        .byte   0 << 0 + 1              ; = 00
        .byte   1 << 0 * 0              ; = 01
        .byte   1 + 0 || 1              ; = 01
        .byte   1 + 0 && 0              ; = 00
        .byte   1 + 0 | 1               ; = 01
        .byte   1 + 0 ^ 1               ; = 00
        .byte   1 + 0 & 0               ; = 00
        .byte   1 + 0 == 0              ; = 00
        .byte   1 + 0 < 0               ; = 00
        .byte   1 + 0 << 1              ; = 02
        .byte   1 + 0 * 0               ; = 01
        .byte   0 * 0 || 1              ; = 01
        .byte   2 * 1 && 1              ; = 01
        .byte   0 * 0 | 1               ; = 01
        .byte   0 * 0 ^ 1               ; = 01
        .byte   2 * 1 & 1               ; = 00
        .byte   0 * 0 == 0              ; = 01
        .byte   0 * 0 < 1               ; = 01
        .byte   0 * 0 + 1               ; = 01
        .byte   1 == 2 == 2             ; = 00
        .byte   1 == 2 != 2             ; = 01
        .byte   1 != 1 == 2             ; = 00
        .byte   1 != 1 != 2             ; = 01
        .byte   1 < 1 < 1               ; = 01
        .byte   1 < 1 <= 1              ; = 01
        .byte   1 < 2 >= 1              ; = 01
        .byte   1 <= 2 < 2              ; = 01
        .byte   1 <= 2 <= 1             ; = 01
        .byte   1 <= 2 > 1              ; = 00
        .byte   1 <= 2 >= 2             ; = 00
        .byte   1 > 1 < 2               ; = 01
        .byte   1 > 1 <= 1              ; = 01
        .byte   1 > 1 > 1               ; = 00
        .byte   1 > 1 >= 2              ; = 00
        .byte   1 >= 1 < 1              ; = 00
        .byte   1 >= 1 > 1              ; = 00
        .byte   1 >= 1 >= 2             ; = 00
        .byte   1 << 1 << 2             ; = 08
        .byte   1 << 1 >> 2             ; = 00
        .byte   2 >> 1 << 1             ; = 02
        .byte   1 >> 1 >> 1             ; = 00
        .byte   1 - 1 + 1               ; = 01
        .byte   1 - 1 - 1               ; = ff
        .byte   2 * 1 / 2               ; = 01
        .byte   2 * 1 % 2               ; = 00
        .byte   1 / 1 * 2               ; = 02
        .byte   1 / 2 / 2               ; = 00
        .byte   1 / 3 % 2               ; = 00
        .byte   1 % 1 * 2               ; = 00
        .byte   1 % 4 / 2               ; = 00
        .byte   1 % 3 % 2               ; = 01
        .byte   -1 + 2                  ; = 01
        .byte   ~1 & 3                  ; = 02
        .byte   !1 + 1                  ; = 01
        .byte   - 2 * 3                 ; = fa
        .byte   ~0 << 1                 ; = fe
        .byte   !0 == 1                 ; = 01
        .byte   -7 / 2                  ; = fd
        .byte   -7 % 2                  ; = ff
        .byte   7 / -2                  ; = fd
        .byte   7 % -2                  ; = 01
        .byte   - -1                    ; = 01
        .byte   !~0                     ; = 00
        .byte   1 - - 1                 ; = 02
        .byte   -1 >> 1                 ; = ff
        .byte   (1 + 2) * 3             ; = 09
        .byte   2 * (3 + 4) << 1        ; = 1c
        .byte   +5 - +2                 ; = 03
