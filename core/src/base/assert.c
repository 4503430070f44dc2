/*
 * What happens on a host when an invariant does not hold: the place is printed and the program
 * aborts, so that a test, a fuzzer or a debugger stops there. Firmware brings a function of its
 * own.
 */
#include "acme/assert.h"

#if defined(CONFIG_ACME_ASSERT_ABORT)
#include <stdio.h>
#include <stdlib.h>

void acme_assert_failed(const char *function, uint32_t line)
{
    fprintf(stderr, "nanoacme: an invariant does not hold in %s, line %u\n", function,
            (unsigned)line);
    abort();
}
#endif
