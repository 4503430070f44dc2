/*
 * Text without printf. It must not know what is said.
 */
#include "text.h"

void text_init(struct text *t, char *data, size_t size)
{
    t->data = data;
    t->size = size;
    t->len = 0;
    data[0] = '\0';
}

static void add_char(struct text *t, char c)
{
    if (t->len + 1 < t->size) {
        t->data[t->len++] = c;
        t->data[t->len] = '\0';
    }
}

void text_add(struct text *t, const char *more)
{
    while (*more != '\0') {
        add_char(t, *more++);
    }
}

static void add_digits(struct text *t, uint64_t value, unsigned at_least)
{
    char digits[20];
    unsigned n = 0;

    do {
        digits[n++] = (char)('0' + value % 10u);
        value /= 10u;
    } while (value > 0 || n < at_least);
    while (n > 0) {
        add_char(t, digits[--n]);
    }
}

void text_add_number(struct text *t, int64_t number)
{
    if (number < 0) {
        add_char(t, '-');
    }
    add_digits(t, number < 0 ? 0u - (uint64_t)number : (uint64_t)number, 1);
}

void text_add_hex(struct text *t, uint32_t number)
{
    text_add(t, "0x");
    for (unsigned shift = 32; shift > 0; shift -= 4) {
        add_char(t, "0123456789abcdef"[number >> (shift - 4) & 15u]);
    }
}

/* Days since 1970-01-01 to a date of the Gregorian calendar, counted in eras of 400 years that
 * begin on 1 March. */
static void civil_from_days(int64_t days, int64_t *year, unsigned *month, unsigned *day)
{
    int64_t shifted = days + 719468;
    int64_t era = shifted / 146097;
    unsigned of_era = (unsigned)(shifted - era * 146097);
    unsigned year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    unsigned of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned from_march = (5 * of_year + 2) / 153;

    *day = of_year - (153 * from_march + 2) / 5 + 1;
    *month = from_march < 10 ? from_march + 3 : from_march - 9;
    *year = era * 400 + (int64_t)year_of_era + (*month <= 2 ? 1 : 0);
}

void text_add_date(struct text *t, int64_t unix_s)
{
    int64_t year, days = unix_s / 86400;
    unsigned month, day, second = (unsigned)(unix_s - days * 86400);

    if (unix_s < 0) {
        text_add(t, "unknown");
        return;
    }
    civil_from_days(days, &year, &month, &day);
    add_digits(t, (uint64_t)year, 4);
    add_char(t, '-');
    add_digits(t, month, 2);
    add_char(t, '-');
    add_digits(t, day, 2);
    add_char(t, 'T');
    add_digits(t, second / 3600, 2);
    add_char(t, ':');
    add_digits(t, second / 60 % 60, 2);
    add_char(t, ':');
    add_digits(t, second % 60, 2);
    add_char(t, 'Z');
}
