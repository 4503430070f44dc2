/*
 * What the application does when an invariant of the core does not hold. The core checks its own
 * state (positions in buffers, states, slots) where the Kconfig choice "checks of invariants" says
 * so. Such a failure is always a bug of the program, never of a CA, a server or a user.
 *
 * CONFIG_ACME_ASSERT_OFF     nothing is checked, and nothing is in flash
 * CONFIG_ACME_ASSERT_RESET   acme_assert_failed is the application's, and resets the device
 * CONFIG_ACME_ASSERT_LOG     acme_assert_failed is the application's, and may return
 * CONFIG_ACME_ASSERT_ABORT   acme_assert_failed is the core's: it prints the place, and aborts
 *
 * @code{.c}
 * #include "acme/assert.h"
 *
 * void board_reset(const char *why, uint32_t line); // yours: keeps the words, and resets
 *
 * #if defined(CONFIG_ACME_ASSERT_RESET)
 * void acme_assert_failed(const char *function, uint32_t line)
 * {
 *     board_reset(function, line);
 * }
 * #endif
 * @endcode
 */
#ifndef ACME_ASSERT_PUBLIC_H
#define ACME_ASSERT_PUBLIC_H

#include <stdint.h>

#include "acme/config.h"

#ifdef __cplusplus
extern "C" {
#endif

#if defined(CONFIG_ACME_ASSERT_RESET) || defined(CONFIG_ACME_ASSERT_LOG) ||                        \
    defined(CONFIG_ACME_ASSERT_ABORT)
/** Called from within the core, at any depth of acme_poll and of any other call, when an invariant
 * does not hold. It must not call the core. With CONFIG_ACME_ASSERT_LOG it may return: the core
 * then goes on as if nothing had been checked. Otherwise it must not return. Threads: any. It runs
 * on the one whose call has failed.
 * @param function the name of the function that checked; static text
 * @param line     the line in its source */
void acme_assert_failed(const char *function, uint32_t line);
#endif

#ifdef __cplusplus
}
#endif

#endif
