/*
 * ACME_ASSERT(condition): states an invariant, which holds unless the program has a bug. It is no
 * check of inputs: what comes from the network, the flash, the port or the application is checked
 * by code that is always there. The condition must have no effects, since it is not evaluated where
 * CONFIG_ACME_ASSERT_OFF is chosen. It must not know who runs the program: acme/assert.h does.
 */
#pragma once

#include "acme/assert.h"

#if defined(__CPROVER__) /* CBMC proves it instead (scripts/proof) */
#define ACME_ASSERT(condition) __CPROVER_assert(condition, "ACME_ASSERT: " #condition)
#elif defined(CONFIG_ACME_ASSERT_RESET) || defined(CONFIG_ACME_ASSERT_LOG) ||                      \
    defined(CONFIG_ACME_ASSERT_ABORT)
#define ACME_ASSERT(condition) ((condition) ? (void)0 : acme_assert_failed(__func__, __LINE__))
#else /* compiled, so that it stays right, and never run */
#define ACME_ASSERT(condition) ((void)sizeof(!(condition)))
#endif
