/*
 * Options of Kconfig as constants of C. It must not know any option.
 */
#ifndef ACME_OPTION_H
#define ACME_OPTION_H

#include "acme/config.h"

/**
 * 1 when an option is set, else 0: ACME_ENABLED(CONFIG_ACME_ARI). What stands behind a constant 0
 * is checked by the compiler and then left out, so that a function needs no #if and costs nothing.
 * A function that is called there needs a declaration, and no definition.
 */
#define ACME_ENABLED(option)        ACME_ENABLED_EXPAND(option)
#define ACME_ENABLED_EXPAND(value)  ACME_ENABLED_PICK(ACME_ENABLED_ARG_##value)
#define ACME_ENABLED_PICK(argument) ACME_ENABLED_SECOND(argument 1, 0, 0)
/* An option that is set has the value 1, which makes one more argument. */
#define ACME_ENABLED_ARG_1                      0,
#define ACME_ENABLED_SECOND(first, second, ...) second

#endif
