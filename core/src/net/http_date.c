/*
 * Reads the three forms of date that HTTP has had (RFC 9110 5.6.7). It must not know which header
 * field a date comes from, nor what time it is.
 */
#include "net/http_date.h"

#include <stdbool.h>
#include <string.h>

#include "acme/error.h"
#include "base/buf.h"
#include "base/date.h"

enum { YEAR, MONTH, DAY, HOUR, MINUTE, SECOND, FIELDS };
static const char field_letters[] = "YNDhms"; /* in this order */

/* How a date goes on behind the name of its day. A letter of field_letters stands for a digit of
 * that field, and NNN for the name of the month; '_' is a digit of the day, or a blank; all else
 * stands for itself. */
enum form { FORM_IMF, FORM_RFC850, FORM_ASCTIME, FORMS };
static const char *const forms[FORMS] = {
    [FORM_IMF] = ", DD NNN YYYY hh:mm:ss GMT",  /* Sun, 06 Nov 1994 08:49:37 GMT */
    [FORM_RFC850] = ", DD-NNN-YY hh:mm:ss GMT", /* Sunday, 06-Nov-94 08:49:37 GMT */
    [FORM_ASCTIME] = " NNN _D hh:mm:ss YYYY",   /* Sun Nov  6 08:49:37 1994 */
};

/* The number, from 1, of the name of three letters that text begins with; 0: none. */
static int32_t find_name(const char *names, const char *text)
{
    for (int32_t i = 1; *names != '\0'; i++, names += 3) {
        if (memcmp(names, text, 3) == 0) {
            return i;
        }
    }
    return 0;
}

/* The day of the week is not compared with the date: that would find typing errors, and nothing
 * else. */
static bool is_day_name(const char *text, size_t len, enum form form)
{
    if (form == FORM_RFC850) {
        return len >= 6 && memcmp(text + len - 3, "day", 3) == 0;
    }
    return len == 3 && find_name("SunMonTueWedThuFriSat", text) != 0;
}

/* Reads a text that is as long as the form. */
static bool read_form(const char *form, const char *text, int32_t date[FIELDS])
{
    for (; *form != '\0'; form++, text++) {
        const char *letter = strchr(field_letters, *form == '_' ? 'D' : *form);

        if (*form == 'N') {
            date[MONTH] = find_name("JanFebMarAprMayJunJulAugSepOctNovDec", text);
            form += 2;
            text += 2;
        } else if (letter != NULL && acme_is_digit(*text)) {
            date[letter - field_letters] = date[letter - field_letters] * 10 + (*text - '0');
        } else if (*text != (*form == '_' ? ' ' : *form)) {
            return false;
        }
    }
    return true;
}

/* Months count from 1, where 0 is none; a second of 60 is a leap second. */
static bool is_real(const int32_t date[FIELDS])
{
    static const uint8_t days[] = {0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int32_t year = date[YEAR], most = days[date[MONTH]];

    if (date[MONTH] == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)) {
        most++;
    }
    return year >= 1970 && date[DAY] >= 1 && date[DAY] <= most && date[HOUR] <= 23 &&
           date[MINUTE] <= 59 && date[SECOND] <= 60;
}

int32_t acme_http_parse_date(const char *text, size_t len, int64_t *unix_s)
{
    size_t name_len = acme_word_len(text, len, "");
    int32_t date[FIELDS] = {0};
    enum form form = FORM_IMF;

    /* Each form has a length of its own. */
    while (strlen(forms[form]) != len - name_len) {
        if (++form == FORMS) {
            return ACME_ERR_HTTP;
        }
    }
    if (!is_day_name(text, name_len, form) || !read_form(forms[form], text + name_len, date)) {
        return ACME_ERR_HTTP;
    }
    if (form == FORM_RFC850) { /* the window of POSIX; that of RFC 9110 would need a clock */
        date[YEAR] += date[YEAR] < 70 ? 2000 : 1900;
    }
    if (!is_real(date)) {
        return ACME_ERR_HTTP;
    }
    *unix_s = acme_date_to_unix(date[YEAR], date[MONTH], date[DAY], date[HOUR], date[MINUTE],
                                date[SECOND]);
    return ACME_OK;
}
