/*
 * Dates of the calendar to Unix seconds, and RFC 3339's text of them. It must not know where a date
 * comes from.
 */
#include "base/date.h"

#include <stdbool.h>
#include <string.h>

#include "acme/error.h"
#include "base/assert.h"

int64_t acme_date_to_unix(int32_t year, int32_t month, int32_t day, int32_t hour, int32_t minute,
                          int32_t second)
{
    /* March is the first month here, so that the leap day ends a year. Days since 0000-03-01 fit 32
     * bits for longer than any certificate lasts; 719469 of them lead to 1970-01-01. */
    bool early = month < 3;
    uint32_t y = (uint32_t)year - (early ? 1U : 0U);
    uint32_t m = (uint32_t)month + (early ? 9U : 0U) - (early ? 0U : 3U);
    uint32_t days = y * 365U + y / 4U - y / 100U + y / 400U + (153U * m + 2U) / 5U + (uint32_t)day;
    uint32_t seconds = ((uint32_t)hour * 60U + (uint32_t)minute) * 60U + (uint32_t)second;

    return (int64_t)(days - 719469U) * 86400 + seconds;
}

/* Reads as many digits as form has at its 'd's, and the other characters as they stand there. */
static bool take_form(const char **text, const char *form, int32_t *values)
{
    int32_t value = 0;
    const char *p = *text;

    for (; *form != '\0'; form++, p++) {
        if (*form != 'd') {
            if (*p != *form) {
                return false;
            }
            *values++ = value;
            value = 0;
        } else if (*p < '0' || *p > '9') {
            return false;
        } else {
            value = value * 10 + (*p - '0');
        }
    }
    *values = value;
    *text = p;
    return true;
}

static int32_t days_of(int32_t year, int32_t month)
{
    static const uint8_t lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    ACME_ASSERT(month >= 1 && month <= 12);
    return lengths[month - 1] + (month == 2 && leap ? 1 : 0);
}

/* Year, month, day, hour, minute, second; a leap second passes. */
static bool is_date(const int32_t v[6])
{
    if (v[0] < 1970 || v[1] < 1 || v[1] > 12) {
        return false;
    }
    return v[2] >= 1 && v[2] <= days_of(v[0], v[1]) && v[3] <= 23 && v[4] <= 59 && v[5] <= 60;
}

/* A fraction of a second, if there is one. */
static bool skip_fraction(const char **text)
{
    size_t digits;

    if (**text != '.') {
        return true;
    }
    digits = strspn(*text + 1, "0123456789");
    *text += 1 + digits;
    return digits > 0;
}

/* "Z", or hours and minutes ahead of or behind UTC, as seconds. */
static bool take_offset(const char **text, int32_t *seconds)
{
    int32_t offset[2], sign = **text == '+' ? 1 : -1;

    *seconds = 0;
    if (**text == 'Z') {
        ++*text;
        return true;
    }
    if (**text != '+' && **text != '-') {
        return false;
    }
    ++*text;
    if (!take_form(text, "dd:dd", offset) || offset[0] > 23 || offset[1] > 59) {
        return false;
    }
    *seconds = sign * (offset[0] * 60 + offset[1]) * 60;
    return true;
}

int32_t acme_date_parse(const char *text, int64_t *unix_s)
{
    int32_t v[6], offset_s;

    if (text == NULL || !take_form(&text, "dddd-dd-ddTdd:dd:dd", v) || !is_date(v) ||
        !skip_fraction(&text) || !take_offset(&text, &offset_s) || *text != '\0') {
        return ACME_ERR_FIELD;
    }
    *unix_s = acme_date_to_unix(v[0], v[1], v[2], v[3], v[4], v[5]) - offset_s;
    return ACME_OK;
}

/* So many digits of a number, with zeros in front, and a character behind them. */
static void add_digits(struct acme_buf *out, uint32_t value, uint32_t digits, char behind)
{
    uint32_t unit = digits == 4 ? 1000 : 10;

    for (; unit > 0; unit /= 10) {
        acme_buf_add_char(out, (char)('0' + value / unit % 10));
    }
    acme_buf_add_char(out, behind);
}

void acme_date_add(struct acme_buf *out, int64_t unix_s)
{
    /* The inverse of acme_date_to_unix: days since 0000-03-01, of which a cycle of 400 years has
     * 146097, in years that end with February. */
    uint32_t days = (uint32_t)(unix_s / 86400) + 719468U, seconds = (uint32_t)(unix_s % 86400);
    uint32_t cycle = days / 146097U, in_cycle = days % 146097U;
    uint32_t y = (in_cycle - in_cycle / 1460U + in_cycle / 36524U - in_cycle / 146096U) / 365U;
    uint32_t in_year = in_cycle - (365U * y + y / 4U - y / 100U);
    uint32_t m = (5U * in_year + 2U) / 153U;
    bool early = m >= 10U;

    add_digits(out, cycle * 400U + y + (early ? 1U : 0U), 4, '-');
    add_digits(out, early ? m - 9U : m + 3U, 2, '-');
    add_digits(out, in_year - (153U * m + 2U) / 5U + 1U, 2, 'T');
    add_digits(out, seconds / 3600U, 2, ':');
    add_digits(out, seconds / 60U % 60U, 2, ':');
    add_digits(out, seconds % 60U, 2, 'Z');
}
