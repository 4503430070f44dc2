/*
 * JSON in, a byte at a time, and the members that are asked for out. It must not know what a member
 * means beyond the list of members.h, nor where the bytes come from.
 */
#include "json/filter.h"

#include <string.h>

#include "acme/client.h"
#include "acme/error.h"
#include "base/assert.h"
#include "base/buf.h"
#include "json/members.h"

/* Where the document stands: what may come next. */
enum state {
    STATE_VALUE,
    STATE_FIRST_VALUE, /* after '[': or its end */
    STATE_KEY,
    STATE_FIRST_KEY, /* after '{': or its end */
    STATE_COLON,
    STATE_AFTER,   /* a comma, or the end of what is open */
    STATE_DEEP,    /* somewhere in what is nested too deep to be looked at */
    STATE_SCALAR,  /* the rest of a number, true, false or null, if there is more */
    STATE_TEXT,    /* inside of quotes */
    STATE_ESCAPE,  /* behind a backslash */
    STATE_UNICODE, /* in the digits of \uXXXX */
    STATE_END,
    STATE_BAD
};

#define KINDS_MAX  32U /* open arrays and objects of which the kind is known */
#define KEPT_MAX   8U  /* that are kept: what the parser takes (json/cjson.h) */
#define NUMBER_MAX 40U /* digits of a number that are kept: what an int32_t needs, and more */
#define NO_LIMIT   UINT16_MAX

_Static_assert(KINDS_MAX == 32, "a bit of a uint32_t each");

void acme_json_filter_init(struct acme_json_filter *f, char *out, size_t size)
{
    memset(f, 0, sizeof(*f));
    f->out = out;
    f->size = size > INT32_MAX ? INT32_MAX : (uint32_t)size;
    f->room = NO_LIMIT;
}

/* ---- what comes out ---- */

static void put(struct acme_json_filter *f, char c)
{
    if (f->len < f->size) {
        f->out[f->len] = c;
    }
    f->len += f->len < UINT32_MAX ? 1 : 0;
    f->last = c;
}

static void put_text(struct acme_json_filter *f, const char *text)
{
    while (*text != '\0') {
        put(f, *text++);
    }
}

/* A comma stands before all but the first of what an array or object has. */
static void separate(struct acme_json_filter *f)
{
    if (f->last != '[' && f->last != '{') {
        put(f, ',');
    }
}

/* Whether one more character of the text or number under way is kept. */
static bool has_room(struct acme_json_filter *f)
{
    if (f->skip != 0 || f->is_key || f->room == 0) {
        return false;
    }
    if (f->room != NO_LIMIT) {
        f->room--;
    }
    return true;
}

/* ---- values ---- */

/* What is open, and was noted, ends with it. */
static void forget_closed(uint8_t *noted, uint32_t depth)
{
    *noted = *noted > depth ? 0 : *noted;
}

static void end_value(struct acme_json_filter *f)
{
    f->state = STATE_AFTER;
    if (f->depth > KINDS_MAX) {
        f->state = STATE_DEEP;
    } else if (f->depth == 0) {
        f->state = STATE_END;
    }
    f->room = NO_LIMIT;
    f->is_type = false;
    if (f->skip == f->depth + 1U) {
        f->skip = 0;
    }
    forget_closed(&f->challenges, f->depth);
    forget_closed(&f->subproblems, f->depth);
    forget_closed(&f->profiles, f->depth);
}

/* An element of an array begins: it may be one too many, or one to be taken back. */
static void begin_element(struct acme_json_filter *f)
{
    if (f->depth == f->subproblems && f->last != '[') {
        f->skip = (uint16_t)(f->depth + 1U);
        return;
    }
    if (f->depth == f->challenges) {
        f->mark = f->len;
        f->mark_last = f->last;
        f->known = false;
    }
    separate(f);
}

static int32_t begin_nest(struct acme_json_filter *f, char c)
{
    if (f->depth == UINT16_MAX - 1U) {
        return ACME_ERR_JSON;
    }
    if (f->skip == 0 && f->depth == KEPT_MAX) {
        put_text(f, "null");
        f->skip = (uint16_t)(f->depth + 1U);
    }
    if (f->skip == 0) {
        put(f, c);
    }
    f->depth++;
    f->is_type = false;
    if (f->depth > KINDS_MAX) {
        f->state = STATE_DEEP;
        return ACME_OK;
    }
    f->kinds = f->kinds << 1 | (c == '{' ? 1U : 0U);
    f->state = c == '{' ? STATE_FIRST_KEY : STATE_FIRST_VALUE;
    return ACME_OK;
}

static int32_t end_nest(struct acme_json_filter *f, char c)
{
    bool object = (f->kinds & 1U) != 0;

    if (c != (object ? '}' : ']')) {
        return ACME_ERR_JSON;
    }
    if (f->skip == 0) {
        put(f, c);
    }
    f->depth--;
    f->kinds >>= 1;
    if (object && f->skip == 0 && f->challenges != 0 && f->depth == f->challenges && !f->known) {
        f->len = f->mark;
        f->last = f->mark_last;
    }
    end_value(f);
    return ACME_OK;
}

static bool is_scalar(char c)
{
    return acme_word_len(&c, 1, "+-.") == 1;
}

static void scalar_char(struct acme_json_filter *f, char c)
{
    if (has_room(f)) {
        put(f, c);
    }
}

static void begin_text(struct acme_json_filter *f, bool is_key)
{
    f->state = STATE_TEXT;
    f->is_key = is_key;
    f->word_len = 0;
    f->word[0] = '\0';
    if (!is_key && f->skip == 0) {
        put(f, '"');
    }
}

static int32_t begin_value(struct acme_json_filter *f, char c)
{
    if (c == '"') {
        begin_text(f, false);
        return ACME_OK;
    }
    if (c == '{' || c == '[') {
        return begin_nest(f, c);
    }
    if (!is_scalar(c)) {
        return ACME_ERR_JSON;
    }
    f->state = STATE_SCALAR;
    f->room = NUMBER_MAX;
    scalar_char(f, c);
    return ACME_OK;
}

static int32_t value_char(struct acme_json_filter *f, char c)
{
    if (c == ']' && f->state == STATE_FIRST_VALUE) {
        return end_nest(f, c);
    }
    if (f->skip == 0 && f->depth > 0 && (f->kinds & 1U) == 0) {
        begin_element(f);
    }
    return begin_value(f, c);
}

/* ---- names ---- */

/* Notes what a member's value is, where more is done with it than to keep it. */
static void note_member(struct acme_json_filter *f, size_t member)
{
    uint8_t inside = (uint8_t)(f->depth + 1U);

    if (member == ACME_JSON_DETAIL) {
        f->room = sizeof(((struct acme_problem *)0)->detail) - 1;
    } else if (member == ACME_JSON_SUBPROBLEMS && f->subproblems == 0) {
        f->subproblems = inside;
    } else if (member == ACME_JSON_CHALLENGES && f->challenges == 0) {
        f->challenges = inside;
    } else if (member == ACME_JSON_PROFILES && f->profiles == 0) {
        f->profiles = inside;
    } else if (member == ACME_JSON_TYPE) {
        f->is_type = f->challenges != 0 && f->depth == f->challenges + 1U;
    }
}

static bool is_kept(const struct acme_json_filter *f, size_t member)
{
    if (f->word_len > ACME_JSON_WORD_MAX) {
        return false;
    }
    if (f->profiles != 0 && f->depth == f->profiles) {
        return true;
    }
    return member < acme_str_find("", 0, acme_json_members); /* the number of all */
}

static void end_key(struct acme_json_filter *f)
{
    size_t member = acme_str_find(f->word, f->word_len, acme_json_members);

    f->state = STATE_COLON;
    f->is_key = false;
    if (f->skip != 0) {
        return;
    }
    if (!is_kept(f, member)) {
        f->skip = (uint16_t)(f->depth + 1U);
        return;
    }
    separate(f);
    put(f, '"');
    put_text(f, f->word);
    put_text(f, "\":");
    if (f->profiles != 0 && f->depth == f->profiles) {
        f->room = 0;
    } else {
        note_member(f, member);
    }
}

/* ---- texts ---- */

/* The word is for comparing: what cannot stand in one of ours makes it none. */
static void add_to_word(struct acme_json_filter *f, uint32_t c)
{
    if (f->word_len >= ACME_JSON_WORD_MAX || c < ' ' || c > '~' || c == '"' || c == '\\') {
        f->word_len = ACME_JSON_WORD_MAX + 1;
        return;
    }
    f->word[f->word_len++] = (char)c;
    f->word[f->word_len] = '\0';
}

static void end_text(struct acme_json_filter *f)
{
    if (f->is_key) {
        end_key(f);
        return;
    }
    if (f->skip == 0) {
        put(f, '"');
    }
    if (f->is_type) {
        f->known = acme_str_find(f->word, f->word_len, acme_json_challenge_types) <
                   acme_str_find("", 0, acme_json_challenge_types);
    }
    end_value(f);
}

static int32_t text_char(struct acme_json_filter *f, char c)
{
    if ((uint8_t)c < ' ') {
        return ACME_ERR_JSON;
    }
    if (c == '\\') {
        f->state = STATE_ESCAPE;
        return ACME_OK;
    }
    if (c == '"') {
        end_text(f);
        return ACME_OK;
    }
    add_to_word(f, (uint8_t)c);
    if (has_room(f)) {
        put(f, c);
    }
    return ACME_OK;
}

static int32_t escape_char(struct acme_json_filter *f, char c)
{
    f->state = STATE_TEXT;
    if (c == 'u') {
        f->state = STATE_UNICODE;
        f->digits = 0;
        f->code = 0;
        return ACME_OK;
    }
    if (c == '\0' || strchr("\"\\/bfnrt", c) == NULL) {
        return ACME_ERR_JSON;
    }
    add_to_word(f, c == '/' ? '/' : '"');
    if (has_room(f)) {
        put(f, '\\');
        put(f, c);
    }
    return ACME_OK;
}

/* A code unit of UTF-16 is whole. Nothing that the client reads has other characters than those of
 * ASCII; all others come out as one that says so, also halves of pairs that are none, and U+0000.
 */
static void end_unicode(struct acme_json_filter *f)
{
    char c = f->code >= ' ' && f->code <= '~' ? (char)f->code : '\0';

    f->state = STATE_TEXT;
    add_to_word(f, (uint8_t)c);
    if (!has_room(f)) {
        return;
    }
    if (c == '\0') {
        put_text(f, "\\u001a");
        return;
    }
    if (c == '"' || c == '\\') {
        put(f, '\\');
    }
    put(f, c);
}

static int32_t unicode_char(struct acme_json_filter *f, char c)
{
    int32_t letter = (c | 0x20) - 'a'; /* in lower case */
    int32_t digit = acme_is_digit(c) ? c - '0' : letter + 10;

    if (!acme_is_digit(c) && (letter < 0 || letter > 5)) {
        return ACME_ERR_JSON;
    }
    f->code = (uint16_t)(((uint32_t)f->code << 4 | (uint32_t)digit) & 0xffffU);
    if (++f->digits == 4) {
        end_unicode(f);
    }
    return ACME_OK;
}

/* ---- the document ---- */

static int32_t key_char(struct acme_json_filter *f, char c)
{
    if (c == '}' && f->state == STATE_FIRST_KEY) {
        return end_nest(f, c);
    }
    if (c != '"') {
        return ACME_ERR_JSON;
    }
    begin_text(f, true);
    return ACME_OK;
}

static int32_t after_char(struct acme_json_filter *f, char c)
{
    if (c != ',') {
        return end_nest(f, c);
    }
    f->state = (f->kinds & 1U) != 0 ? STATE_KEY : STATE_VALUE;
    return ACME_OK;
}

static int32_t deep_char(struct acme_json_filter *f, char c)
{
    if (c == '{' || c == '[') {
        return begin_nest(f, c);
    }
    if (c == '"') {
        begin_text(f, false);
    } else if (c == '}' || c == ']') {
        f->depth--;
        end_value(f);
    }
    return ACME_OK;
}

/* What comes outside of texts and scalars. */
static int32_t mark_char(struct acme_json_filter *f, char c)
{
    switch (f->state) {
    case STATE_VALUE:
    case STATE_FIRST_VALUE:
        return value_char(f, c);
    case STATE_KEY:
    case STATE_FIRST_KEY:
        return key_char(f, c);
    case STATE_COLON:
        f->state = STATE_VALUE;
        return c == ':' ? ACME_OK : ACME_ERR_JSON;
    case STATE_AFTER:
        return after_char(f, c);
    case STATE_DEEP:
        return deep_char(f, c);
    default:
        return ACME_ERR_JSON; /* nothing comes after the end */
    }
}

static int32_t feed_char(struct acme_json_filter *f, char c)
{
    switch (f->state) {
    case STATE_TEXT:
        return text_char(f, c);
    case STATE_ESCAPE:
        return escape_char(f, c);
    case STATE_UNICODE:
        return unicode_char(f, c);
    case STATE_SCALAR:
        if (is_scalar(c)) {
            scalar_char(f, c);
            return ACME_OK;
        }
        end_value(f);
        break;
    default:
        break;
    }
    if (acme_is_blank(c) || c == '\n' || c == '\r') {
        return ACME_OK;
    }
    return mark_char(f, c);
}

int32_t acme_json_filter_feed(struct acme_json_filter *f, const uint8_t *data, size_t len)
{
    for (; len > 0; data++, len--) {
        ACME_ASSERT(f->skip != 0 || f->depth <= KEPT_MAX);
        if (feed_char(f, (char)*data) != ACME_OK) {
            f->state = STATE_BAD;
        }
        if (f->state == STATE_BAD) {
            return ACME_ERR_JSON;
        }
    }
    return ACME_OK;
}

int32_t acme_json_filter_finish(struct acme_json_filter *f)
{
    if (f->state == STATE_SCALAR) {
        end_value(f);
    }
    if (f->state != STATE_END) {
        return ACME_ERR_JSON;
    }
    if (f->len > f->size) {
        acme_limit_note(&f->limit, ACME_LIMIT_WORK, f->len);
        return ACME_ERR_BUFFER;
    }
    return (int32_t)f->len;
}
