/*
 * For tests of secrets: how often certain bytes were wiped. The test is linked with --wrap of
 * acme_zeroize.
 */
#ifndef WIPE_WATCH_H
#define WIPE_WATCH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static const uint8_t *wipe_watched; /* or NULL */
static size_t wipe_watched_len;
static uint32_t wiped;

void __real_acme_zeroize(void *data, size_t len);
void __wrap_acme_zeroize(void *data, size_t len);
void __wrap_acme_zeroize(void *data, size_t len)
{
    wiped += wipe_watched != NULL && len >= wipe_watched_len &&
             memcmp(data, wipe_watched, wipe_watched_len) == 0;
    __real_acme_zeroize(data, len);
}

/* What begins with these bytes is counted from now on. */
static void wipe_watch(const void *bytes, size_t len)
{
    wipe_watched = bytes;
    wipe_watched_len = len;
    wiped = 0;
}

#endif
