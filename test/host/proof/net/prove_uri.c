/*
 * uri and idn: URLs, DNS names, A-labels.
 */
#include "proof.h"

#include "base/buf.c"
#include "base/idn.c"
/* Apart from uri, for which a label is one or not. */
static bool any_label(const char *label, size_t len)
{
    PROVE(__CPROVER_r_ok(label, len));
    return nondet_bool();
}
#define acme_idn_is_label any_label
#include "net/uri.c"
#undef acme_idn_is_label

/* proof: parse; unwind 18; any string of up to 15 characters, NULL too */
/* loop: strchr.0 26 */
/* of: net/uri.c acme_uri_parse; a string, or NULL; "len <= ACME_URI_AUTHORITY || len" -> "len" */
/* of: net/uri.c parse_port; a string; "(port > 0 || *p != '0')" -> "(port > 0 || *p != '0') && p++" */
/* of: net/uri.c host_len; a string; "text[1 + len]" -> "text[2 + len]" */
/* of: net/uri.c parse_authority; a string that begins with https://; "len + 2 * bracket" -> "len + 3 * bracket" */
void parse(void)
{
    const char *url = nondet_bool() ? any_text(15) : NULL;
    struct acme_uri uri;
    int32_t rc = acme_uri_parse(url, &uri);

    if (rc == ACME_OK) {
        size_t len = strlen(url);

        PROVE((size_t)uri.host_offset + uri.host_len <= len);
        PROVE((size_t)ACME_URI_AUTHORITY + uri.authority_len <= len);
        PROVE(uri.path_offset <= len && uri.port > 0);
    }
    SHOW(rc == ACME_OK);
}

/* proof: same_origin; unwind 12; any two URLs of up to 10 characters that have been parsed */
/* loop: strchr.0 26 */
/* of: net/uri.c acme_uri_same_origin; two URLs that were parsed; "url_b + b->host_offset" -> "url_b + b->host_offset + 60" */
void same_origin(void)
{
    const char *a = any_text(10), *b = any_text(10);
    struct acme_uri a_uri, b_uri;

    if (acme_uri_parse(a, &a_uri) == ACME_OK && acme_uri_parse(b, &b_uri) == ACME_OK) {
        SHOW(acme_uri_same_origin(a, &a_uri, b, &b_uri));
    }
}

/* proof: check_name; unwind 10; any string of up to 6 characters, NULL too */
/* loop: strchr.0 12 */
/* of: net/uri.c acme_uri_check_name; a string, or NULL; "name += len + 1)" -> "name += len + 2)" */
/* of: net/uri.c is_label; len characters; "len == 0 || len > 63" -> "len > 63" */
/* of: net/uri.c behind_wildcard; a string; "name + 2" -> "name + 3" */
void check_name(void)
{
    int32_t rc = acme_uri_check_name(nondet_bool() ? any_text(6) : NULL, nondet_bool());

    SHOW(rc == ACME_OK);
}

/* proof: label; unwind 9; any label of up to 6 characters */
/* loop: is_punycode.0 4 */
/* loop: is_punycode.1 4 */
/* loop: read_integer.0 4 */
/* of: base/idn.c acme_idn_is_label; len characters; "len < 4 ||" -> "len < 3 ||" */
/* of: base/idn.c is_punycode; len characters; "text + at, len - at" -> "text + at, len - at + 1" */
void label(void)
{
    size_t len = any_size(6);

    SHOW(acme_idn_is_label(any_bytes(len, 6), len));
}

/* proof: integer; unwind 8; one number of Punycode of up to 6 characters, with any bias */
/* of: base/idn.c read_integer; len characters; a bias of adapt; "n < len; n++" -> "n <= len; n++" */
/* of: base/idn.c digit; nothing; "(uint32_t)(c - '0')" -> "(uint32_t)(c - '9')" */
void integer(void)
{
    size_t len = any_size(6), used;
    uint32_t i = nondet_u32(), bias = nondet_u32();

    ASSUME(bias <= UINT32_MAX - BASE * 60U); /* adapt returns less: see adapt_bias */
    used = read_integer(any_bytes(len, 6), len, bias, &i);
    PROVE(used <= len);
    SHOW(used == 5);
}

/* proof: adapt_bias; unwind 16; any delta over any number of code points */
/* of: base/idn.c adapt; points from 1 to 64; "(delta + SKEW)" -> "(delta - SKEW)" */
void adapt_bias(void)
{
    uint32_t delta = nondet_u32(), points = nondet_u32();

    ASSUME(points > 0);
    ASSUME(points <= 64); /* a label's characters */
    PROVE(adapt(delta, points, nondet_bool()) <= 36U * 8U);
}
