; Scalar code: a function, a loop without hidden state, and host prints. It prints the first 16 Fibonacci
; numbers in a line.
;
;     dojo-run samples/fibonacci/fibonacci.s
;     dojo-run samples/fibonacci/fibonacci.s --print-trace | head -20

        .text
        .global _start
_start:
        li      s0, 0                   ; n
        li      s1, 16                  ; numbers to print
next:
        mov     a0, s0
        call    fibonacci
        print.int a0
        li      t0, ' '
        print.char t0
        addi    s0, s0, 1
        loop.next s1, next              ; count s1 down, branch while it is not zero
        li      t0, '\n'
        print.char t0
        halti   0

; a0 = fibonacci(a0)
fibonacci:
        mov     t2, a0
        li      a0, 0
        li      t0, 1
        beqz    t2, 2f
1:
        add     t1, a0, t0              ; the pair (a, b) becomes (b, a + b)
        mov     a0, t0
        mov     t0, t1
        loop.next t2, 1b
2:
        ret
