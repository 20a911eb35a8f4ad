/* The loops of integer_mix.s and sieve.s, by the same algorithms. */
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
