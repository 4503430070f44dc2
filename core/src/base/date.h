/*
 * Dates to Unix seconds: what the dates of HTTP, X.509 and JSON have in common. It knows no clock.
 */
#pragma once

#include <stdint.h>

#include "base/buf.h"

/** Unix seconds of a civil UTC date; month and day count from 1; the fields are valid ones, year
 * 1970 or later. */
int64_t acme_date_to_unix(int32_t year, int32_t month, int32_t day, int32_t hour, int32_t minute,
                          int32_t second);

/** Unix seconds of an RFC 3339 date and time; fractions of a second are dropped. ACME_OK, or
 * ACME_ERR_FIELD (NULL, too). */
int32_t acme_date_parse(const char *text, int64_t *unix_s);

/** Adds the RFC 3339 text of a Unix second from 1970 to 9999: "2026-11-29T18:00:00Z". */
void acme_date_add(struct acme_buf *out, int64_t unix_s);
