/*
 * What nanoacme-test has beside nanoacme: environment variables that cut its power and hurry its
 * time. In nanoacme these functions are nothing.
 */
#ifndef NANOACME_TEST_HOOKS_H
#define NANOACME_TEST_HOOKS_H

#include "acme/client.h"
#include "acme_posix.h"

#if defined(NANOACME_TEST_HOOKS)

/** The device's clock. */
const struct acme_clock_ops *cli_test_clock(void);
/** How long to wait really, where the device waits ms. */
uint32_t cli_test_real_ms(uint32_t ms);
/** Sees every event. */
void cli_test_event(const struct acme_event *event);
/** Notes what of mbedTLS's pool is taken. */
void cli_test_note_pool(const char *when);

#else

static inline const struct acme_clock_ops *cli_test_clock(void)
{
    return &acme_posix_clock_ops;
}

static inline uint32_t cli_test_real_ms(uint32_t ms)
{
    return ms;
}

static inline void cli_test_event(const struct acme_event *event)
{
    (void)event;
}

static inline void cli_test_note_pool(const char *when)
{
    (void)when;
}

#endif
#endif
