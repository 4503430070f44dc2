/*
 * dns-persist-01: a record that stays in the DNS, so that a device renews without being able to
 * change the DNS. What the DNS says is hostile: it is read once from front to back, and nothing is
 * copied. It must not know where a record comes from.
 */
#include "challenge/persist.h"

#include "challenge/challenge.h"

#if defined(CONFIG_ACME_DNS)
#include <string.h>

#define HASH_TEXT 43u /* of a SHA-256 in base64url */

/* ---- the challenge ---- */

acme_json_value acme_persist_issuers(acme_json_value challenge)
{
    acme_json_value names = acme_json_array(challenge, "issuerDomainNames");

    return names != NULL ? names : acme_json_array(challenge, "issuer-domain-names");
}

/* ---- the record as text ---- */

void acme_persist_add(struct acme_buf *b, const struct acme_persist *p)
{
    acme_buf_add_n(b, p->issuers, strcspn(p->issuers, " "));
    acme_buf_add(b, "; accounturi=");
    acme_buf_add(b, p->account_url);
    if (p->wildcard) {
        acme_buf_add(b, "; policy=wildcard");
    }
    if (p->until_s > 0) {
        acme_buf_add(b, "; persistUntil=");
        acme_buf_add_i64(b, p->until_s);
    }
}

struct span {
    const char *text;
    size_t len;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct span trim(struct span s)
{
    while (s.len > 0 && is_blank(s.text[0])) {
        s.text++;
        s.len--;
    }
    while (s.len > 0 && is_blank(s.text[s.len - 1])) {
        s.len--;
    }
    return s;
}

/* What comes before the mark, without blanks around it; rest is what comes after it. Without the
 * mark it is all, and rest->text is NULL. */
static struct span cut(struct span s, char mark, struct span *rest)
{
    const char *at = s.len > 0 ? memchr(s.text, mark, s.len) : NULL;
    struct span head = s;

    rest->text = NULL;
    rest->len = 0;
    if (at != NULL) {
        head.len = (size_t)(at - s.text);
        rest->text = at + 1;
        rest->len = s.len - head.len - 1;
    }
    return trim(head);
}

static bool is(struct span s, const char *text)
{
    return s.len == strlen(text) && memcmp(s.text, text, s.len) == 0;
}

static bool is_nocase(struct span s, const char *text)
{
    return acme_str_equal_nocase(s.text, s.len, text, strlen(text));
}

/* Names of CAs are compared byte for byte: both sides have them in normal form. */
static bool is_issuer(struct span name, const char *issuers)
{
    while (*issuers != '\0') {
        size_t len = strcspn(issuers, " ");

        if (len == name.len && memcmp(issuers, name.text, len) == 0) {
            return true;
        }
        issuers += len;
        issuers += *issuers == ' ' ? 1 : 0;
    }
    return false;
}

/* Decimal seconds, signed; false: not a number that fits. */
static bool parse_seconds(struct span s, int64_t *value)
{
    bool negative = s.len > 0 && s.text[0] == '-';
    size_t i = negative ? 1 : 0;

    *value = 0;
    if (s.len == i || s.len - i > 18) {
        return false;
    }
    for (; i < s.len; i++) {
        if (s.text[i] < '0' || s.text[i] > '9') {
            return false;
        }
        *value = *value * 10 + (s.text[i] - '0');
    }
    *value = negative ? -*value : *value;
    return true;
}

static bool is_value(struct span s)
{
    size_t i;

    for (i = 0; i < s.len; i++) {
        if (s.text[i] < 0x21 || s.text[i] > 0x7e || s.text[i] == ';') {
            return false;
        }
    }
    return true;
}

/* The first three in the order of bit_of. */
enum { SEEN_ACCOUNT = 1, SEEN_POLICY = 2, SEEN_UNTIL = 4, SEEN_WILDCARD = 8 };

/* What stands for a parameter in seen; 0: nobody knows it, and it is passed over. */
static unsigned bit_of(struct span tag)
{
    static const char tags[] = "accounturi\0policy\0persistuntil\0";

    return (SEEN_ACCOUNT | SEEN_POLICY | SEEN_UNTIL) &
           (1u << acme_str_find(tag.text, tag.len, tags));
}

/* The newest draft's form of an account: a hash over its URL, its key and the record's domain,
 * behind a URL of the CA's. The key may be one of before, which the CA remembers and we do not. */
static bool is_hashed(struct span uri)
{
    static const char mark[] = "/sha-256/";
    size_t behind = sizeof(mark) - 1 + HASH_TEXT;
    const char *at = uri.text;

    if (uri.len <= behind) {
        return false;
    }
    at += uri.len - behind;
    return memcmp(at, mark, sizeof(mark) - 1) == 0 &&
           acme_word_len(at + sizeof(mark) - 1, HASH_TEXT, "-_") == HASH_TEXT;
}

/* One parameter; false: it forbids, or cannot be read. */
static bool take_parameter(struct span tag, struct span value, const struct acme_persist *p,
                           unsigned *seen)
{
    unsigned bit = bit_of(tag);
    int64_t until;

    if (tag.len == 0 || !is_value(value) || (*seen & bit) != 0) {
        return false;
    }
    *seen |= bit;
    switch (bit) {
    case SEEN_ACCOUNT:
        return is(value, p->account_url) || is_hashed(value);
    case SEEN_POLICY:
        *seen |= is_nocase(value, "wildcard") ? SEEN_WILDCARD : 0U;
        return true;
    case SEEN_UNTIL:
        return parse_seconds(value, &until) && until >= p->until_s;
    default:
        return true;
    }
}

bool acme_persist_allows(const char *text, size_t len, const struct acme_persist *p)
{
    struct span rest = {text, len}, parameter, value;
    unsigned seen = 0;

    if (!is_issuer(cut(rest, ';', &rest), p->issuers)) {
        return false;
    }
    while (rest.text != NULL) {
        struct span tag;

        parameter = cut(rest, ';', &rest);
        tag = cut(parameter, '=', &value);
        if (value.text == NULL || !take_parameter(tag, trim(value), p, &seen)) {
            return false;
        }
    }
    return (seen & SEEN_ACCOUNT) != 0 && (!p->wildcard || (seen & SEEN_WILDCARD) != 0);
}

/* ---- the type ---- */

struct search {
    struct acme_persist wanted;
    bool found;
};

static void on_txt(void *ctx, const char *text, size_t len)
{
    struct search *s = ctx;

    s->found = s->found || acme_persist_allows(text, len, &s->wanted);
}

/* Where nobody can look, the CA does. */
static int32_t ready(struct acme_challenges *s, const struct acme_challenge *challenge,
                     const struct acme_dns_record *record, uint32_t *wait_ms)
{
    struct search search = {
        {challenge->issuers, challenge->account_url, challenge->wildcard, challenge->now_s}, false};
    int32_t rc;

    if (s->dns == NULL || s->dns->lookup == NULL) {
        return ACME_OK;
    }
    rc = s->dns->lookup(s->dns_ctx, record->name, on_txt, &search, wait_ms);
    if (rc == ACME_ERR_UNSUPPORTED) {
        return ACME_OK; /* it cannot look after all */
    }
    return rc == ACME_OK && !search.found ? ACME_ERR_DNS_RECORD : rc;
}

static void persist_record(const struct acme_challenge *challenge, struct acme_buf *name,
                           struct acme_buf *value)
{
    acme_buf_add(name, ACME_PERSIST_LABEL);
    acme_buf_add(name, challenge->identifier);
    acme_buf_add(value, challenge->issuers);
}

const struct acme_challenge_ops acme_challenge_dns_persist_01 = {
    .name = "dns-persist-01",
    .type = ACME_CHALLENGE_DNS_PERSIST_01,
    .proves = ACME_PROVES_NAME | ACME_PROVES_WILDCARD,
    .record = persist_record,
    .ready = ready,
};
#endif
