/*
 * Decodes Punycode and keeps nothing of it: all that has to be known is whether it can be decoded.
 * It must not know names, only labels.
 */
#include "base/idn.h"

#include <stdint.h>

#define BASE         36u
#define TMIN         1u
#define TMAX         26u
#define SKEW         38u
#define DAMP         700u
#define INITIAL_BIAS 72u
#define INITIAL_N    128u
#define UNICODE_MAX  0x10FFFFu

static uint32_t digit(char c)
{
    if (c >= '0' && c <= '9') {
        return (uint32_t)(c - '0') + 26U;
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'z' ? (uint32_t)(c - 'a') : BASE;
}

static uint32_t adapt(uint32_t delta, uint32_t points, bool first)
{
    uint32_t k = 0;

    delta = first ? delta / DAMP : delta / 2U;
    delta += delta / points;
    while (delta > (BASE - TMIN) * TMAX / 2U) {
        delta /= BASE - TMIN;
        k += BASE;
    }
    return k + (BASE - TMIN + 1U) * delta / (delta + SKEW);
}

/* One variable-length integer, added to *i. Returns how many characters it has; 0 is malformed. The
 * value is held below 32 bits, and a weight that goes on was not above the value: so 64 bits take
 * the next product. */
static size_t read_integer(const char *text, size_t len, uint32_t bias, uint32_t *i)
{
    uint64_t weight = 1, value = *i;
    uint32_t k = BASE;
    size_t n;

    for (n = 0; n < len; n++) {
        uint32_t d = digit(text[n]);
        uint32_t t = k <= bias ? TMIN : k >= bias + TMAX ? TMAX : k - bias;

        value += d * weight;
        if (d >= BASE || value > UINT32_MAX) {
            return 0;
        }
        if (d < t) {
            *i = (uint32_t)value;
            return n + 1;
        }
        weight *= BASE - t;
        k += BASE;
    }
    return 0;
}

static bool is_punycode(const char *text, size_t len)
{
    uint32_t n = INITIAL_N, i = 0, bias = INITIAL_BIAS, points = 0;
    size_t at;

    for (at = 0; at < len; at++) { /* the basic code points end at the last hyphen */
        points = text[at] == '-' ? (uint32_t)at : points;
    }
    for (at = points > 0 ? points + 1U : 0U; at < len;) {
        uint32_t old = i;
        size_t used = read_integer(text + at, len - at, bias, &i);

        points++;
        if (used == 0 || i / points > UNICODE_MAX - n) {
            return false;
        }
        bias = adapt(i - old, points, old == 0);
        n += i / points;
        i = i % points + 1U;
        if (n >= 0xD800U && n <= 0xDFFFU) {
            return false;
        }
        at += used;
    }
    return i > 0; /* something beyond ASCII was put in */
}

bool acme_idn_is_label(const char *label, size_t len)
{
    if (len < 4 || label[2] != '-' || label[3] != '-') {
        return true;
    }
    return (label[0] | 0x20) == 'x' && (label[1] | 0x20) == 'n' && is_punycode(label + 4, len - 4);
}
