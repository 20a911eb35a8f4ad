; The smallest program: print a line and end with exit code 0.
;
;     dojo-run samples/hello/hello.s

        .text
        .global _start
_start:
        la      a0, greeting            ; address of the text
        li      a1, greeting_end - greeting
        print.text a0, a1
        halti   0

        .rodata
greeting:
        .ascii  "Hello from a D1 node.\n"
greeting_end:
