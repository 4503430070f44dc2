/*
 * The version of nanoacme: of these headers as macros, of the core that is linked as a function.
 * The numbers below are the one place in the code; a test holds the metadata of the build systems
 * to them.
 *
 * @code{.c}
 * #include <stdio.h>
 *
 * #include "acme/version.h"
 *
 * #if ACME_VERSION_NUMBER < 0x000100
 * #error "nanoacme 0.1.0 or later is needed"
 * #endif
 *
 * void show_version(void);
 * void show_version(void)
 * {
 *     (void)printf("compiled for %s, linked with %s\n", ACME_VERSION, acme_version());
 * }
 * @endcode
 */
#ifndef ACME_VERSION_H
#define ACME_VERSION_H

#ifdef __cplusplus
extern "C" {
#endif

/** Raised when a program has to be changed. */
#define ACME_VERSION_MAJOR 0
/** Raised when there is something new. */
#define ACME_VERSION_MINOR 1
/** Raised when something was mended. */
#define ACME_VERSION_PATCH 0
/** All three, for comparisons: 0x00MMmmpp. */
#define ACME_VERSION_NUMBER                                                                        \
    (ACME_VERSION_MAJOR << 16 | ACME_VERSION_MINOR << 8 | ACME_VERSION_PATCH)

/** A number as text, once its macros are replaced. */
#define ACME_VERSION_TEXT(number) ACME_VERSION_TEXT_(number)
/** A number as text as it stands. */
#define ACME_VERSION_TEXT_(number) #number
/** The version as text, "0.1.0". */
#define ACME_VERSION                                                                               \
    ACME_VERSION_TEXT(ACME_VERSION_MAJOR)                                                          \
    "." ACME_VERSION_TEXT(ACME_VERSION_MINOR) "." ACME_VERSION_TEXT(ACME_VERSION_PATCH)

/** The version of the core that is linked. Threads: any.
 * @return ACME_VERSION of its headers; static, never NULL */
const char *acme_version(void);

#ifdef __cplusplus
}
#endif
#endif
