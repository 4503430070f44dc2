/*
 * Calendar arithmetic. It must not know where a date comes from.
 */
#include "date.h"

int64_t acme_date_to_unix(int32_t year, int32_t month, int32_t day, int32_t hour, int32_t minute,
                          int32_t second)
{
    /* Days from civil, with March as the first month, so that the leap day ends a year. */
    int64_t y = year - (month <= 2 ? 1 : 0);
    int64_t era = y / 400;
    int64_t yoe = y - era * 400;
    int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    int64_t days = era * 146097 + doe - 719468;

    return ((days * 24 + hour) * 60 + minute) * 60 + second;
}
