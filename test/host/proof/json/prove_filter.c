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
/* of: json/filter.c acme_json_filter_init; size bytes; "(uint32_t)size;" -> "(uint32_t)size + 1;" */
void start(void)
{
    struct acme_json_filter f;

    acme_json_filter_init(&f, any_bytes(ROOM, ROOM), any_size(ROOM));
    PROVE(is_filter(&f));
    SHOW(f.size == ROOM);
}

/* proof: feed; unwind 28; one byte in any state: documents of any length */
/* of: json/filter.c acme_json_filter_feed; a filter that was begun, or fed before; len bytes; "for (; len > 0; data++" -> "for (; *data > 0; data++" */
/* of: json/filter.c put; a filter that was begun; "if (f->len < f->size) {" -> "if (f->len <= f->size) {" */
/* of: json/filter.c put_text; a string; "put(f, *text++);" -> "put(f, text[1]), text += 2;" */
/* of: json/filter.c separate; a filter that was begun; "put(f, ',');" -> "f->out[f->len] = ',';" */
/* of: json/filter.c has_room; a filter that was begun; "f->room--;" -> "f->room = (uint16_t)(UINT32_MAX + f->room);" */
/* of: json/filter.c forget_closed; a filter that was begun; "> depth ? 0 :" -> "> depth ? 200 :" */
/* of: json/filter.c end_value; a filter that was begun; "f->depth == 0" -> "f->depth == 1" */
/* of: json/filter.c begin_element; a filter that was begun; "f->depth + 1U" -> "f->depth + 2U" */
/* of: json/filter.c begin_nest; a filter that was begun; "f->depth == UINT16_MAX - 1U" -> "f->depth == UINT16_MAX" */
/* of: json/filter.c end_nest; a filter in which something is open; "f->depth--;" -> "f->depth -= 2;" */
/* of: json/filter.c is_scalar; a filter that was begun; "&c, 1," -> "&c, 2," */
/* of: json/filter.c scalar_char; a filter that was begun; "put(f, c);" -> "f->out[f->len] = c;" */
/* of: json/filter.c begin_text; a filter that was begun; "STATE_TEXT" -> "STATE_BAD + 1" */
/* of: json/filter.c begin_value; a filter that was begun; "STATE_SCALAR" -> "STATE_BAD + 1" */
/* of: json/filter.c value_char; a filter that was begun; "return begin_value(f, c);" -> "f->depth++;\n    return begin_value(f, c);" */
/* of: json/filter.c note_member; a filter behind a name that is kept; "f->depth + 1U" -> "f->depth + 9U" */
/* of: json/filter.c is_kept; a filter that was begun; "f->word_len > ACME_JSON_WORD_MAX" -> "f->word_len > ACME_JSON_WORD_MAX + 1" */
/* of: json/filter.c end_key; a filter behind a name; "f->depth + 1U" -> "f->depth + 2U" */
/* of: json/filter.c add_to_word; a filter that was begun; "f->word_len >= ACME_JSON_WORD_MAX || c" -> "c" */
/* of: json/filter.c end_text; a filter in a text; "f->word_len, acme_json_challenge_types" -> "f->word_len + 1U, acme_json_challenge_types" */
/* of: json/filter.c text_char; a filter in a text; "STATE_ESCAPE" -> "STATE_BAD + 1" */
/* of: json/filter.c escape_char; a filter behind a backslash; "f->digits = 0;" -> "f->digits = 4;" */
/* of: json/filter.c end_unicode; a filter behind four digits; "STATE_TEXT" -> "STATE_BAD + 1" */
/* of: json/filter.c unicode_char; a filter in the digits of an escape; "++f->digits == 4" -> "++f->digits == 5" */
/* of: json/filter.c key_char; a filter in front of a name; "begin_text(f, true);" -> "f->depth = 0;\n    begin_text(f, true);" */
/* of: json/filter.c after_char; a filter behind a value; "STATE_KEY : STATE_VALUE" -> "STATE_KEY : STATE_BAD + 1" */
/* of: json/filter.c deep_char; a filter deeper than 32; "f->depth--;" -> "f->depth = (uint16_t)(f->depth - 33U);" */
/* of: json/filter.c mark_char; a filter that was begun; "STATE_VALUE;" -> "STATE_BAD + 1;" */
/* of: json/filter.c feed_char; a filter that was begun; "end_value(f);" -> "f->state = STATE_AFTER;" */
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
/* of: json/filter.c acme_json_filter_finish; a filter that was begun; "f->len > f->size" -> "f->len > f->size + 1" */
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
