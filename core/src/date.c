/*
 * Calendar arithmetic. It must not know where a date comes from.
 */
#include "date.h"

#include <stdbool.h>

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
