/*
 * The self-test of an entropy source: what a stuck, short or lopsided source shows. It must not
 * judge the quality of a source, which no test can.
 */
#include "checks.h"

#include <string.h>

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

void selftest_entropy(struct selftest *t)
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
