/*
 * A filter in front of the JSON parser. The body of a reply goes through it byte by byte as it
 * arrives, and what the client reads of it (json/members.h) comes out as compact JSON: so the
 * memory for a reply depends on what is asked for, and not on what a CA adds. It accepts all JSON
 * of RFC 8259, and knows no ACME resource but by the list of names. It has no recursion: the
 * nesting of what is skipped is counted.
 *
 * Example: the body function of a request, and the end of its reply:
 *
 *     acme_json_filter_init(&filter, work, sizeof(work));
 *     ...
 *     rc = acme_json_filter_feed(&filter, data, len);                  (for each piece)
 *     ...
 *     n = acme_json_filter_finish(&filter);
 *     rc = n < 0 ? n : acme_json_parse(&arena, work, (size_t)n, &root);
 *     if (rc == ACME_ERR_BUFFER)    filter.limit says which option, and how many bytes it would
 * take
 *
 * What is kept:
 * - members whose names are in acme_json_members, of all objects that are kept. A member given
 * twice is kept twice; acme_json_string and the like read the last.
 * - of "challenges" the objects whose "type" is built in, of "subproblems" the first element, of
 *   "profiles" all names;
 * - of "detail" as many characters as struct acme_problem has room for.
 * - values nested deeper than 8 become null. What is not kept may be nested 65535 deep, and is
 *   looked at for its quotes and brackets alone beyond 32.
 * Characters beyond ASCII that are spelled as \uXXXX, and control characters, become U+001A (a
 * substitute), so that no surrogate comes out without its other half, and no U+0000.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "acme/config.h"
#include "base/limit.h"
#include "base/option.h"

/** Longer names are none of ours; profiles are named by the CA. */
#define ACME_JSON_WORD_MAX (ACME_ENABLED(CONFIG_ACME_PROFILES) ? 64 : 24)

/** The caller owns it, and reads `limit`; the rest is the filter's own. */
struct acme_json_filter {
    char *out;
    uint32_t size;
    uint32_t len;   /* of what comes out, if there were room for it */
    uint32_t mark;  /* len where the challenge begins that may be taken back */
    uint32_t kinds; /* of what is open, a bit each, the innermost the lowest: 1 is an object */
    uint16_t depth; /* how many arrays and objects are open */
    uint16_t skip;  /* 1 + depth at which a value began that is not kept; 0: none */
    uint16_t room;  /* characters that the text or number under way may still have */
    uint16_t code;  /* of the \u escape under way */
    uint8_t state;
    uint8_t digits;                            /* of the \u escape under way */
    uint8_t word_len;                          /* more than ACME_JSON_WORD_MAX: it is no word */
    uint8_t challenges, subproblems, profiles; /* depth inside of the one that is open; 0: none */
    char last, mark_last; /* the last character that came out, and the one before the mark */
    bool is_key;          /* the text under way is a name */
    bool is_type;         /* it is the type of a challenge */
    bool known;           /* the challenge's type is built in */
    char word[ACME_JSON_WORD_MAX + 1]; /* the last text, if it is short and printable ASCII */
    struct acme_limit limit;
};

/** Starts with a new document, whose kept members go to out, size bytes. */
void acme_json_filter_init(struct acme_json_filter *f, char *out, size_t size);
/** Takes len more bytes. ACME_OK or ACME_ERR_JSON, and then that for the rest, too. */
int32_t acme_json_filter_feed(struct acme_json_filter *f, const uint8_t *data, size_t len);
/** The end of the document: the length of what is kept, ACME_ERR_JSON (the document is not whole),
 * or ACME_ERR_BUFFER (what is kept does not fit; see limit). */
int32_t acme_json_filter_finish(struct acme_json_filter *f);
