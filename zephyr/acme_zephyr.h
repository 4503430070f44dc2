/*
 * Zephyr gives every file its configuration (autoconf.h) by the compiler's command line, so the
 * core's configuration header has nothing to add.
 */
#ifndef ACME_ZEPHYR_H
#define ACME_ZEPHYR_H

#if !defined(CONFIG_NANOACME)
#error "CONFIG_NANOACME is not set, or this is no Zephyr build"
#endif

#endif
