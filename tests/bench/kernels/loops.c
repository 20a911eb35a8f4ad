/* The loops of the kernels beside it, by the same algorithms. */
#include <stdint.h>
#include <string.h>

uint64_t integer_mix(uint64_t count, uint64_t *buffer)
{
    uint64_t place = 0, turned = 0, sum = 0, difference = 0, total = 0;
    do {
        uint64_t value = *(uint64_t *)((char *)buffer + place);
        turned ^= value;
        turned = turned >> 7 | turned << 57;
        sum += turned;
        difference -= value;
        total += sum >> 3 & difference;
        *(uint64_t *)((char *)buffer + place) = total;
        place = (place + 8) & 0x3ff8;
    } while (--count);
    return total + sum + difference;
}

uint64_t sieve(uint64_t rounds, uint8_t *flags, uint64_t limit)
{
    uint64_t primes = 0;
    while (rounds--) {
        memset(flags, 0, limit);
        primes = 0;
        for (uint64_t i = 2; i < limit; i++)
            if (!flags[i]) {
                primes++;
                for (uint64_t j = i * i; j < limit; j += i)
                    flags[j] = 1;
            }
    }
    return primes;
}

/* Functions that are called, as those of calls.s: not inlined, not called by a jump. */
__attribute__((noipa)) static uint64_t step(uint64_t value)
{
    value ^= value << 13;
    return value ^ value >> 7;
}

__attribute__((noipa)) static uint64_t outer(uint64_t value)
{
    value = step(value + 3);
    __asm__ volatile("" : "+r"(value));
    return value;
}

uint64_t calls(uint64_t count)
{
    uint64_t first = 0, second = 0, value;
    do {
        value = step(count);
        first ^= value;
        value = outer(value);
        second += value;
    } while (--count);
    return first + second;
}

uint64_t indirect(uint64_t count)
{
    static void *const table[] = {&&plus, &&minus, &&both, &&turn};
    uint64_t random = 1, sum = 0, other = 0;
next:
    if (!--count)
        return sum + other;
    random ^= random << 13;
    random ^= random >> 7;
    random ^= random << 17;
    goto *table[random >> 32 & 3];
plus:
    sum += random;
    goto next;
minus:
    sum -= random;
    goto next;
both:
    sum ^= random;
    other += sum;
    goto next;
turn:
    sum = sum >> 3 | sum << 61;
    goto next;
}
