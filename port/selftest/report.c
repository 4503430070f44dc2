/*
 * The report of a self-test, line by line, and what every check needs. It must not know what is
 * checked.
 */
#include "report.h"

#define LINE_SIZE 160

struct line {
    char text[LINE_SIZE];
    size_t len;
};

static void add_char(struct line *l, char c)
{
    if (l->len + 1 < sizeof(l->text)) {
        l->text[l->len++] = c;
        l->text[l->len] = '\0';
    }
}

static void add_number(struct line *l, uint32_t number)
{
    char digits[10];
    size_t n = 0;

    do {
        digits[n++] = (char)('0' + number % 10u);
        number /= 10u;
    } while (number > 0);
    while (n > 0) {
        add_char(l, digits[--n]);
    }
}

static void add(struct line *l, const char *text, uint32_t number)
{
    for (; *text != '\0'; text++) {
        if (*text == '#') {
            add_number(l, number);
        } else {
            add_char(l, *text);
        }
    }
}

static void say(struct selftest *t, const char *name, const char *result, const char *text,
                uint32_t number)
{
    struct line l = {.len = 0};

    add(&l, "selftest: ", 0);
    add(&l, name, 0);
    add(&l, result, 0);
    if (text != NULL) {
        add(&l, ": ", 0);
        add(&l, text, number);
    }
    t->report(t->report_ctx, l.text);
}

void selftest_ok(struct selftest *t, const char *name, const char *text, uint32_t number)
{
    t->passed++;
    say(t, name, " ok", text, number);
}

void selftest_failed(struct selftest *t, const char *name, const char *text, uint32_t number)
{
    t->failed++;
    say(t, name, " FAILED", text, number);
}

void selftest_skipped(struct selftest *t, const char *name, const char *text)
{
    t->skipped++;
    say(t, name, " skipped", text, 0);
}

void selftest_judge(struct selftest *t, const char *name, const char *text, uint32_t number)
{
    if (text == NULL) {
        selftest_ok(t, name, NULL, 0);
    } else {
        selftest_failed(t, name, text, number);
    }
}

void selftest_say_sums(struct selftest *t)
{
    struct line l = {.len = 0};

    add(&l, "selftest: # passed, ", (uint32_t)t->passed);
    add(&l, "# failed, ", (uint32_t)t->failed);
    add(&l, "# skipped", (uint32_t)t->skipped);
    t->report(t->report_ctx, l.text);
}

uint64_t selftest_now_ms(const struct selftest *t)
{
    return t->port->clock->uptime_ms(t->port->clock_ctx);
}

void selftest_idle(const struct selftest *t)
{
    if (t->options->idle != NULL) {
        t->options->idle(t->options->idle_ctx);
    }
}

uint8_t selftest_pattern(uint32_t at, uint32_t seed)
{
    uint32_t x = (at + 1u) * 2654435761u ^ (seed + 1u) * 2246822519u;

    return (uint8_t)(x >> 24 ^ x >> 11);
}
