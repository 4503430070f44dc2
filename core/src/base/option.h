/*
 * Options of Kconfig as C expressions. It must not know which options there are.
 */
#pragma once

#include "acme/config.h"

/** 1 where the option is y, else 0. What is configured out behind it is compiled and checked all
 * the same, and left out of the image by the compiler: `if (ACME_ENABLED(CONFIG_ACME_EAB) && ...)`.
 */
#define ACME_ENABLED(option) ACME_ENABLED_VALUE(option)
/* An option that is y is 1, which brings a comma and so puts another value into the second place;
 * the name of one that is not defined brings none. */
#define ACME_ENABLED_VALUE(value) ACME_ENABLED_SECOND(ACME_ENABLED_COMMA_##value 1, 0, 0)
#define ACME_ENABLED_COMMA_1      0,
#define ACME_ENABLED_SECOND(...)  ACME_ENABLED_PICK(__VA_ARGS__)
/** The text where the option is y, else nothing: for tables of strings. */
#define ACME_WHERE(option, text)              ACME_WHERE_VALUE(option, text)
#define ACME_WHERE_VALUE(value, text)         ACME_ENABLED_SECOND(ACME_ENABLED_COMMA_##value text, , )
#define ACME_ENABLED_PICK(first, second, ...) second
