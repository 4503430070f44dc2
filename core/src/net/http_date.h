/*
 * Dates as HTTP writes them. It knows no header fields.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/** Parses an IMF-fixdate, RFC 850 or asctime date (RFC 9110 5.6.7) of len characters into Unix
 * seconds: ACME_OK or ACME_ERR_HTTP. */
int32_t acme_http_parse_date(const char *text, size_t len, int64_t *unix_s);
