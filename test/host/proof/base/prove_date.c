/*
 * date: RFC 3339 text, and the arithmetic that HTTP's and X.509's dates share.
 */
#include "proof.h"

#include "base/date.c"

/* proof: parse; unwind 36; any string of up to 32 characters, NULL too */
/* of: base/date.c acme_date_parse; a string, or NULL; "text == NULL || !take" -> "!take" */
/* of: base/date.c skip_fraction; a string; "*text += 1 + digits;" -> "*text += 2 + digits;" */
/* of: base/date.c take_form; a string, and room for each number of the form; "*values++ = value;" -> "*values++ = value, values++;" */
/* of: base/date.c days_of; a month of 1 to 12; "lengths[month - 1]" -> "lengths[month]" */
/* of: base/date.c is_date; six numbers; "v[1] > 12" -> "v[1] > 13" */
/* of: base/date.c take_offset; a string; "offset[2], sign" -> "offset[1], sign" */
void parse(void)
{
    int64_t at;
    int32_t rc = acme_date_parse(nondet_bool() ? any_text(32) : NULL, &at);

    PROVE(rc == ACME_OK || rc == ACME_ERR_FIELD);
    SHOW(rc == ACME_OK);
}

/* proof: to_unix; unwind 1; any date from 1970 to the year 9999 */
/* of: base/date.c acme_date_to_unix; a date from 1970 to 9999; "days - 719469U" -> "days - 919469U" */
void to_unix(void)
{
    int32_t v[6];
    int64_t at;

    FORGET(v);
    ASSUME(v[0] >= 1970 && v[0] <= 9999 && v[1] >= 1 && v[1] <= 12 && v[2] >= 1 && v[2] <= 31);
    ASSUME(v[3] >= 0 && v[3] <= 23 && v[4] >= 0 && v[4] <= 59 && v[5] >= 0 && v[5] <= 60);
    at = acme_date_to_unix(v[0], v[1], v[2], v[3], v[4], v[5]);
    PROVE(at >= 0 && at < INT64_C(253500000000));
    SHOW(at == 951782400); /* 2000-02-29 */
}

/* not: base/date.c add_digits acme_date_add; they write a time of our own */
