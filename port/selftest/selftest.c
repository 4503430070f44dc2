/*
 * The self-test of a port: the report, and the checks of clock, entropy and log. It must not know
 * the client.
 */
#include "selftest.h"

#include <string.h>

#define LINE_SIZE 160

#define EARLIEST_S INT64_C(1704067200) /* 2024: no device of today is older */
#define LATEST_S   INT64_C(7258118400) /* 2200 */

/* ---- report ---- */

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

static void say_sums(struct selftest *t)
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

/* ---- clock ---- */

#define CLOCK_READS   10000000u /* of a clock that stands still, before it is given up */
#define CLOCK_WATCH   300u      /* milliseconds in which it must not go back or jump */
#define CLOCK_STEP    100u      /* coarser than this is no use for time-outs */
#define RATE_SECONDS  3
#define SECOND_MAX_MS 5000u /* a second that is longer never comes */
#define RATE_LEEWAY   300u  /* milliseconds: the wall clock may be corrected meanwhile */

/* A clock that stands still must not hang the test, so the reads are counted. */
static void check_clock_moves(struct selftest *t)
{
    uint64_t first = selftest_now_ms(t);

    for (uint32_t i = 0; i < CLOCK_READS && !t->clock_moves; i++) {
        t->clock_moves = selftest_now_ms(t) != first;
        if (i % 1000u == 0) {
            selftest_idle(t);
        }
    }
    selftest_judge(t, "clock.moves", t->clock_moves ? NULL : "uptime_ms stands still", 0);
}

static void check_clock_is_steady(struct selftest *t)
{
    uint64_t first = selftest_now_ms(t), before = first, step = UINT32_MAX;
    const char *wrong = NULL;

    while (wrong == NULL && before - first < CLOCK_WATCH) {
        uint64_t now = selftest_now_ms(t);

        if (now < before) {
            wrong = "uptime_ms goes back";
        } else if (now != before && now - before < step) {
            step =
                now - before; /* the smallest: an interrupt or another task may make one longer */
        }
        before = now;
    }
    selftest_judge(t, "clock.monotonic", wrong, 0);
    if (wrong == NULL && step > CLOCK_STEP) {
        selftest_failed(t, "clock.step", "uptime_ms moves # ms at once; is its unit milliseconds?",
                        (uint32_t)step);
    } else if (wrong == NULL) {
        selftest_ok(t, "clock.step", "# ms", (uint32_t)step);
    }
}

static int32_t read_wall(struct selftest *t, int64_t *unix_s)
{
    return t->port->clock->wall_s(t->port->clock_ctx, unix_s);
}

/* Waits until the wall clock's next second. False: it does not come. */
static bool next_second(struct selftest *t, int64_t *unix_s)
{
    uint64_t start = selftest_now_ms(t);
    int64_t before = *unix_s;

    while (read_wall(t, unix_s) == ACME_OK && *unix_s == before) {
        selftest_idle(t);
        if (selftest_now_ms(t) - start > SECOND_MAX_MS) {
            return false;
        }
    }
    return *unix_s == before + 1;
}

static void check_rate(struct selftest *t, int64_t now)
{
    uint64_t start;
    uint32_t took;
    bool steady = next_second(t, &now);

    start = selftest_now_ms(t);
    for (int i = 0; i < RATE_SECONDS && steady; i++) {
        steady = next_second(t, &now);
    }
    took = (uint32_t)(selftest_now_ms(t) - start);
    if (!steady) {
        selftest_failed(t, "clock.rate", "wall_s does not go on second by second", 0);
    } else if (took < RATE_SECONDS * 1000u - RATE_LEEWAY ||
               took > RATE_SECONDS * 1000u + RATE_LEEWAY) {
        selftest_failed(t, "clock.rate", "uptime_ms counts # ms in 3 s of wall_s", took);
    } else {
        selftest_ok(t, "clock.rate", "# ms in 3 s", took);
    }
}

static void check_wall(struct selftest *t)
{
    int64_t now = INT64_MIN;
    int32_t rc = read_wall(t, &now);

    if (rc == ACME_ERR_NO_CLOCK) {
        selftest_judge(t, "clock.wall",
                       now == INT64_MIN ? NULL : "wall_s says NO_CLOCK, and gives a time", 0);
        selftest_skipped(t, "clock.rate", "no wall clock yet");
        return;
    }
    if (rc != ACME_OK) {
        selftest_failed(t, "clock.wall", "wall_s answers neither OK nor NO_CLOCK", 0);
    } else if (now < EARLIEST_S || now > LATEST_S) {
        selftest_failed(t, "clock.wall", "not a time of today; say NO_CLOCK while it is not known",
                        0);
    } else {
        selftest_ok(t, "clock.wall", NULL, 0);
        check_rate(t, now);
    }
}

static void check_clock(struct selftest *t)
{
    check_clock_moves(t);
    if (t->clock_moves) {
        check_clock_is_steady(t);
        check_wall(t);
    }
}

/* ---- entropy ---- */

#define DRAWS     32u
#define DRAW_SIZE 64u
#define GUARD     0x5a

static int32_t draw(struct selftest *t, uint8_t *data, size_t len)
{
    return t->port->entropy->fill(t->port->entropy_ctx, data, len);
}

/* What a draw has written: all of it, and nothing else. */
static const char *check_lengths(struct selftest *t, uint32_t *number)
{
    uint8_t data[DRAW_SIZE + 2], seen[DRAW_SIZE];

    for (size_t len = 1; len <= DRAW_SIZE; len++) {
        memset(seen, 0, sizeof(seen));
        *number = (uint32_t)len;
        for (uint32_t i = 0; i < 8; i++) {
            memset(data, GUARD, sizeof(data));
            if (draw(t, data + 1, len) != ACME_OK) {
                return "fill fails";
            }
            if (data[0] != GUARD || data[len + 1] != GUARD) {
                return "fill writes beyond len = #";
            }
            for (size_t at = 0; at < len; at++) {
                seen[at] = (uint8_t)(seen[at] | (data[at + 1] ^ GUARD));
            }
        }
        for (size_t at = 0; at < len; at++) {
            if (seen[at] == 0) {
                return "fill leaves bytes out at len = #";
            }
        }
    }
    return NULL;
}

struct tally {
    uint8_t first[DRAW_SIZE], varies[DRAW_SIZE];
    uint32_t ones, run, longest;
    uint8_t last;
};

static void count(struct tally *c, const uint8_t *data)
{
    for (size_t i = 0; i < DRAW_SIZE; i++) {
        c->varies[i] = (uint8_t)(c->varies[i] | (data[i] ^ c->first[i]));
        for (uint8_t bits = data[i]; bits != 0; bits = (uint8_t)(bits & (bits - 1u))) {
            c->ones++;
        }
        c->run = data[i] == c->last ? c->run + 1u : 1u;
        c->last = data[i];
        if (c->run > c->longest) {
            c->longest = c->run;
        }
    }
}

/* 2048 bytes: each place has changed; about half of the bits are ones (eight standard deviations);
 * no byte comes six times running. A true source fails once in many millions of runs. */
static const char *check_draws(struct selftest *t)
{
    struct tally c = {.run = 0};
    uint8_t data[DRAW_SIZE];

    for (uint32_t i = 0; i < DRAWS; i++) {
        if (draw(t, data, sizeof(data)) != ACME_OK) {
            return "fill fails";
        }
        if (i == 0) {
            memcpy(c.first, data, sizeof(data));
        } else if (memcmp(c.first, data, sizeof(data)) == 0) {
            return "two draws are the same";
        }
        count(&c, data);
    }
    for (size_t i = 0; i < DRAW_SIZE; i++) {
        if (c.varies[i] == 0) {
            return "a byte never changes; is the source stuck, or shorter than it says?";
        }
    }
    if (c.longest > 5) {
        return "a byte comes too often in a row";
    }
    return c.ones < 8192u - 512u || c.ones > 8192u + 512u ? "the bits are not balanced" : NULL;
}

static void check_entropy(struct selftest *t)
{
    uint8_t first[DRAW_SIZE]; /* larger than what is drawn: who trusts the port yet? */
    uint32_t number = 0;
    const char *wrong;

    if (draw(t, first, SELFTEST_FRESH) != ACME_OK) {
        selftest_failed(t, "entropy.fill", "fill fails", 0);
        return;
    }
    memcpy(t->fresh, first, SELFTEST_FRESH);
    wrong = check_lengths(t, &number);
    selftest_judge(t, "entropy.fill", wrong, number);
    if (wrong == NULL) {
        selftest_judge(t, "entropy.random", check_draws(t), 0);
    }
}

/* ---- log ---- */

static void check_log(struct selftest *t)
{
    const struct acme_log_ops *log = t->port->log;

    if (log == NULL) {
        selftest_skipped(t, "log.write", "no log");
        return;
    }
    log->write(t->port->log_ctx, ACME_LOG_ERROR, "selftest: an error");
    log->write(t->port->log_ctx, ACME_LOG_WARNING, "selftest: a warning");
    log->write(t->port->log_ctx, ACME_LOG_INFO, "selftest: information");
    log->write(t->port->log_ctx, ACME_LOG_DEBUG, "selftest: for debugging");
    selftest_ok(t, "log.write", "look for four lines", 0);
}

int32_t acme_selftest_run(const struct acme_port *port, const struct acme_selftest_options *options,
                          acme_selftest_report_fn report, void *report_ctx)
{
    struct selftest t = {
        .port = port, .options = options, .report = report, .report_ctx = report_ctx};

    if (port == NULL || options == NULL || report == NULL || port->net == NULL ||
        port->clock == NULL || port->entropy == NULL || port->flash == NULL) {
        return ACME_ERR_ARGUMENT;
    }
    check_entropy(&t); /* first, for its first draw after boot */
    check_clock(&t);
    check_log(&t);
    selftest_flash(&t);
    selftest_net(&t);
    say_sums(&t);
    return t.failed;
}
