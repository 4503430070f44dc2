/*
 * uri and idn: URLs, DNS names, A-labels.
 */
#include "proof.h"

#include "acme/config.h"
#undef CONFIG_ACME_URL_MAX
#define CONFIG_ACME_URL_MAX 20

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
/* of: net/uri.c parse_port; a string; "(port > 0 || *p != '0')" -> "(port > 0 || *p != '0') && p++"
 */
/* of: net/uri.c host_len; a string; "text[1 + len]" -> "text[2 + len]" */
/* of: net/uri.c parse_authority; a string that begins with https://; "len + 2 * bracket" -> "len +
 * 3 * bracket" */
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
/* of: net/uri.c acme_uri_same_origin; two URLs that were parsed; "url_b + b->host_offset" -> "url_b
 * + b->host_offset + 60" */
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
/* of: base/idn.c read_integer; len characters; a bias of adapt; "n < len; n++" -> "n <= len; n++"
 */
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

/* Any URL that acme_uri_parse has passed, of up to 13 characters: https://a/b/c, with any path. */
static const char *any_base(struct acme_uri *uri)
{
    char *base = any_bytes(14, 14);

    memcpy(base, "https://a", 9);
    ASSUME(base[9] == '/' || base[9] == '\0');
    base[13] = '\0';
    uri->path_offset = 9;
    return base;
}

/* proof: reference; unwind 16; any reference of up to 4 characters to any URL with a path of up to
 * 4
 */
/* loop: strspn.0 6 */
/* loop: strcspn.0 8 */
/* loop: strchr.0 8 */
/* loop: acme_word_len.0 7 */
/* of: net/uri.c is_absolute; a string; "acme_word_len(text, SIZE_MAX, "+-.")" -> "1 +
 * acme_word_len(text, SIZE_MAX, "+-.")" */
/* of: net/uri.c kept_of_base; a URL that was parsed; a string; "query > uri->path_offset && " -> ""
 */
/* of: net/uri.c drop_segment; a place in the path; "while (to > path) {" -> "while (to >= path) {"
 */
void reference(void)
{
    struct acme_uri uri;
    const char *base = any_base(&uri), *text = any_text(4);
    size_t keep;
    char *path = any_text(4);

    (void)is_absolute(text);
    keep = kept_of_base(base, &uri, text);
    PROVE(keep == 6 || (keep >= uri.path_offset && keep <= strlen(base)));
    PROVE((keep == 6) == (strncmp(text, "//", 2) == 0));
    SHOW(keep == 12);
    PROVE(drop_segment(path, path + any_size(strlen(path))) >= path);
}

/* proof: dots; unwind 6; any path of up to 4 characters */
/* loop: strcspn.0 6 */
/* loop: strchr.0 4 */
/* of: net/uri.c remove_dots; a string; "strlen(from) + 1)" -> "strlen(from) + 2)" */
void dots(void)
{
    char *path = any_text(4);

    remove_dots(path);
    SHOW(path[0] == '/' && path[1] == '\0');
}

size_t any_kept(const char *base, const struct acme_uri *uri, const char *text)
{
    PROVE(__CPROVER_r_ok(base, 1) && __CPROVER_r_ok(text, 1));
    return strncmp(text, "//", 2) == 0
               ? 6
               : uri->path_offset + any_size(strlen(base) - uri->path_offset);
}

void any_dots(char *path)
{
    PROVE(__CPROVER_r_ok(path, 1));
}

/* What buf.c does, of any characters: no NUL is added. */
void any_begin(struct acme_buf *b, char *data, size_t size)
{
    PROVE(size > 0 && __CPROVER_w_ok(data, size));
    __CPROVER_havoc_slice(data, size);
    *b = (struct acme_buf){data, size, 0, false};
}

void any_add_n(struct acme_buf *b, const char *text, size_t len)
{
    PROVE(__CPROVER_r_ok(text, len));
    b->overflow = b->overflow || len >= b->size - b->len;
    if (!b->overflow) {
        b->len += len;
        b->data[b->len] = '\0';
    }
    for (size_t i = 0; i < ACME_URI_AUTHORITY && i < b->len; i++) {
        ASSUME(b->data[i] != '\0');
    }
}

void any_add(struct acme_buf *b, const char *text)
{
    any_add_n(b, text, *text != '\0' ? 1 : 0);
}

/* proof: resolve; unwind 22; any reference of up to 4 characters to any URL with a path of up to 4,
 * in any room of up to 16 */
/* loop: strchr.0 8 */
/* calls: kept_of_base -> any_kept */
/* calls: remove_dots -> any_dots */
/* calls: acme_buf_init -> any_begin */
/* calls: acme_buf_add -> any_add */
/* calls: acme_buf_add_n -> any_add_n */
/* of: net/uri.c acme_uri_resolve; a URL that was parsed; a string in size bytes; "size <
 * sizeof(url) ? size : sizeof(url)" -> "sizeof(url)" */
void resolve(void)
{
    struct acme_uri uri;
    const char *base = any_base(&uri);
    size_t size = any_size(16), len;
    char *text = any_bytes(size, 16);

    ASSUME(size > 0);
    len = any_size(4);
    ASSUME(len < size);
    text[len] = '\0';
    len = acme_uri_resolve(base, &uri, text, size);
    SHOW(len > 5 && len < size);
}
