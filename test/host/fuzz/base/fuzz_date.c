/*
 * Fuzzes dates: what one of the forms says (RFC 9110 5.6.7, RFC 3339) is read as just that, and a
 * text that is taken for a date is one whose parts say the same again.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/date.h"
#include "net/http.h"
#include "net/http_date.h"
#include "script.h"

#define LAST_S INT64_C(253402300799) /* the end of the year 9999 */

/* As the C library writes a time, so it is read. */
static void check_time(int64_t unix_s)
{
    static const char *const forms[] = {"%a, %d %b %Y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"};
    time_t t = (time_t)unix_s;
    char text[64];
    int64_t got = -1;
    struct tm tm;
    size_t i, len;

    (void)gmtime_r(&t, &tm);
    for (i = 0; i < 2; i++) {
        len = strftime(text, sizeof(text), forms[i], &tm);
        CHECK(acme_http_parse_date(text, len, &got) == ACME_OK && got == unix_s);
        CHECK(acme_http_parse_date(text, len - 1, &got) != ACME_OK);
    }
    (void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
    CHECK(acme_date_parse(text, &got) == ACME_OK && got == unix_s);
    (void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S.125-23:59", &tm);
    CHECK(acme_date_parse(text, &got) == ACME_OK && got == unix_s + 23 * 3600 + 59 * 60);
}

static void check_text(const char *text, size_t len)
{
    int64_t got = -1, again;
    time_t t;
    struct tm tm;

    if (acme_http_parse_date(text, len, &got) == ACME_OK) {
        CHECK(got >= 0 && got <= LAST_S + 1); /* a leap second ends the last year */
    }
    if (acme_date_parse(text, &got) == ACME_OK) {
        char canonical[64];

        CHECK(got >= -86400 && got <= LAST_S + 86400);
        t = (time_t)got;
        (void)gmtime_r(&t, &tm);
        if (got >= 0 && got <= LAST_S) {
            (void)strftime(canonical, sizeof(canonical), "%Y-%m-%dT%H:%M:%SZ", &tm);
            CHECK(acme_date_parse(canonical, &again) == ACME_OK && again == got);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    uint64_t number = 0;

    if (text == NULL) {
        return 0;
    }
    if (size > 0) {
        memcpy(text, data, size);
    }
    text[size] = '\0';
    check_text(text, size);
    memcpy(&number, text, size < 8 ? size : 8);
    check_time((int64_t)(number % (uint64_t)(LAST_S + 1)));
    free(text);
    return 0;
}
