/*
 * Civil UTC dates to Unix seconds: what HTTP and X.509 dates share.
 */
#ifndef ACME_DATE_H
#define ACME_DATE_H

#include <stdint.h>

#include "acme/config.h"

/** Unix seconds of a civil UTC date; month and day count from 1; the fields are valid ones, year
 * 1970 or later. */
int64_t acme_date_to_unix(int32_t year, int32_t month, int32_t day, int32_t hour, int32_t minute,
                          int32_t second);

#if defined(CONFIG_ACME_ARI)
/** Unix seconds of an RFC 3339 date and time; fractions of a second are dropped. ACME_OK, or
 * ACME_ERR_FIELD (NULL, too). */
int32_t acme_date_parse(const char *text, int64_t *unix_s);
#endif

#endif
