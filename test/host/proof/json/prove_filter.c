/*
 * filter: JSON in front of its parser, by induction. What the filter is between two bytes is
 * written down once, as is_filter(): a new one is such a filter, and one byte to any such filter
 * leads to such a filter, without a bad access or an overflow. So documents of any length and any
 * nesting are covered, and however they are split. The list of names is a short one: no code
 * depends on it but by comparing.
 */
#include "proof.h"

#include "acme/config.h"
#undef CONFIG_ACME_PROFILES /* words of 24 characters are proved, not of 64 */

#include "json/members.h"
const char acme_json_members[] = "detail\0subproblems\0challenges\0profiles\0type\0url\0";
const char acme_json_challenge_types[] = "http-01\0";

/* The comparison of words is another room's: any of them, or none. */
#include "base/buf.h"
size_t acme_str_find(const char *text, size_t len, const char *words)
{
    PROVE(len <= 25 && (len == 0 || __CPROVER_r_ok(text, len)));
    return len == 0 ? (words == acme_json_members ? 6U : 1U)
                    : any_size(words == acme_json_members ? 6U : 1U);
}

size_t acme_word_len(const char *text, size_t len, const char *extra)
{
    (void)extra;
    PROVE(__CPROVER_r_ok(text, len));
    return any_size(len);
}

#include "json/filter.c"

#define ROOM 8U

static bool is_text_state(uint8_t state)
{
    return state == STATE_TEXT || state == STATE_ESCAPE || state == STATE_UNICODE;
}

/* Whether it stands between the members or elements of what is open. */
static bool is_between(uint8_t state)
{
    return state == STATE_AFTER || state == STATE_KEY || state == STATE_FIRST_KEY ||
           state == STATE_FIRST_VALUE;
}

static bool is_filter(const struct acme_json_filter *f)
{
    return f->size <= ROOM && f->state <= STATE_BAD &&
           /* what is kept is not deep; what is deep is skipped */
           (f->skip == 0 ? f->depth <= KEPT_MAX : f->skip <= f->depth + 1U) &&
           f->skip <= KEPT_MAX + 1U && f->depth < UINT16_MAX &&
           ((!is_between(f->state) && f->state != STATE_COLON) ||
            (f->depth > 0 && f->depth <= KINDS_MAX)) &&
           ((!is_between(f->state) && (!is_text_state(f->state) || !f->is_key)) ||
            f->skip <= f->depth) &&
           (f->state != STATE_END || (f->depth == 0 && f->skip == 0)) &&
           (f->state != STATE_DEEP || f->depth > KINDS_MAX) &&
           (f->state != STATE_VALUE || f->depth <= KINDS_MAX) &&
           (f->state != STATE_SCALAR || f->depth <= KINDS_MAX) &&
           (!is_text_state(f->state) || !f->is_key || (f->depth > 0 && f->depth <= KINDS_MAX)) &&
           f->word_len <= ACME_JSON_WORD_MAX + 1 &&
           (f->word_len > ACME_JSON_WORD_MAX || f->word[f->word_len] == '\0') &&
           (f->state != STATE_UNICODE || f->digits < 4) && f->challenges <= KEPT_MAX + 1U &&
           f->subproblems <= KEPT_MAX + 1U && f->profiles <= KEPT_MAX + 1U;
}

static void any_filter(struct acme_json_filter *f)
{
    __CPROVER_havoc_object(f);
    f->out = any_bytes(ROOM, ROOM);
    ASSUME(is_filter(f));
}

/* proof: start; unwind 2; a new filter */
void start(void)
{
    struct acme_json_filter f;

    acme_json_filter_init(&f, any_bytes(ROOM, ROOM), any_size(ROOM));
    PROVE(is_filter(&f));
    SHOW(f.size == ROOM);
}

/* proof: feed; unwind 28; one byte in any state: documents of any length */
/* mutant: feed; json/filter.c; "if (f->len < f->size) {" -> "if (f->len <= f->size) {" */
/* mutant: feed; json/filter.c; "f->word_len >= ACME_JSON_WORD_MAX || c" -> "c" */
void feed(void)
{
    struct acme_json_filter f;
    int32_t rc;

    any_filter(&f);
    rc = acme_json_filter_feed(&f, any_bytes(1, 1), 1);
    PROVE(is_filter(&f));
    SHOW(rc == ACME_OK && f.state == STATE_DEEP);
    SHOW(rc == ACME_OK && f.state == STATE_COLON && f.skip == 0);
    SHOW(rc == ACME_OK && f.state == STATE_END);
    SHOW(rc == ACME_ERR_JSON);
}

/* proof: finish; unwind 2; the end in any state */
void finish(void)
{
    struct acme_json_filter f;
    int32_t rc;

    any_filter(&f);
    rc = acme_json_filter_finish(&f);
    PROVE(rc < 0 || (uint32_t)rc <= f.size);
    SHOW(rc == (int32_t)ROOM);
    SHOW(rc == ACME_ERR_BUFFER);
}
