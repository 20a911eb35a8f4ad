/* The integer mix on each hart of QEMU's machine `virt`, with nothing beneath it.
   -DROUNDS=n -DHARTS=n */
#include <stdint.h>

#include "loops.c"

#define STACK_BYTES 1024

static uint64_t buffers[HARTS][2048];
char stacks[HARTS * STACK_BYTES] __attribute__((aligned(16)));
static uint64_t done, sums[HARTS];

__attribute__((naked, section(".first"))) void _start(void)
{
    __asm__("csrr a0, mhartid\n"
            "la sp, stacks\n"
            "li t0, %0\n"
            "addi t1, a0, 1\n"
            "mul t0, t0, t1\n"
            "add sp, sp, t0\n"
            "j work\n" ::"i"(STACK_BYTES));
}

__attribute__((used)) void work(uint64_t hart)
{
    sums[hart] = integer_mix(ROUNDS, buffers[hart]);
    if (__atomic_add_fetch(&done, 1, __ATOMIC_SEQ_CST) == HARTS)
        *(volatile uint32_t *)0x100000 = 0x5555; /* ends the machine */
    for (;;)
        __asm__("wfi");
}
