/* The integer mix as a program: `integer_mix COUNT`. */
#include <stdlib.h>

#include "loops.c"

int main(int count, char **words)
{
    static uint64_t buffer[2048];
    return count != 2 || integer_mix(strtoull(words[1], NULL, 10), buffer) == 1;
}
