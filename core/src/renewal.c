/*
 * The time of renewal. It must not know how a renewal is done.
 */
#include "renewal.h"

int64_t acme_renewal_time(int64_t not_before_s, int64_t not_after_s)
{
    int64_t lifetime = not_after_s > not_before_s ? not_after_s - not_before_s : 0;

    return not_after_s - lifetime / 3;
}
