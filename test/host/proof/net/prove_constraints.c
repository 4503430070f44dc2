/*
 * constraints: the extensions of any issuer that a server sends, held against any names of a leaf.
 * An element is taken with mbedTLS's own reader of DER, of any bytes. Elsewhere a stand-in takes
 * elements: it proves that its callers hand over bytes that are there, and finds any element
 * in them. So lists of any number of elements are covered.
 */
#include "proof.h"

#include "base/buf.c"
#include "net/constraints.c"

#define MOST 40

static bool is_der(const struct der *d)
{
    return d->p <= d->end && __CPROVER_r_ok(d->p, (size_t)(d->end - d->p));
}

/* Any bytes, len of them. */
static struct der any_der(size_t len, size_t most)
{
    struct der d = {any_bytes(len, most), NULL};

    d.end = d.p + len;
    return d;
}

/* Whether a reader is where it was, or further on in the same bytes. */
static bool is_behind(const struct der *d, const struct der *before)
{
    return __CPROVER_same_object(d->p, before->p) && d->end == before->end && d->p >= before->p &&
           d->p <= d->end;
}

/* Whether bytes lie within what a reader had before them, and has passed since. */
static bool is_part(const struct der *part, const struct der *before, const struct der *d)
{
    return __CPROVER_same_object(part->p, before->p) && part->p - before->p >= 2 &&
           part->p <= part->end && part->end == d->p;
}

/* proof: element; unwind 5; any 0 to 40 bytes, any tag */
/* with: ../library/asn1parse.c */
/* of: net/constraints.c take; bytes that are there; "d->p += len;" -> "d->p += len + 1;" */
/* plant: net/constraints.c take; "inner->end = d->p + len;" -> "inner->end = d->p + len + 1;" */
/* plant: net/constraints.c take; "&len, tag) != 0" -> "&len, tag) > 0" */
/* of: net/constraints.c left; bytes that are there; "d->end - d->p" -> "d->end - d->p + 1" */
void element(void)
{
    size_t len = any_size(MOST);
    struct der d = any_der(len, MOST), before = d, inner;

    PROVE(left(&d) == len);
    if (take(&d, nondet_u8(), &inner)) {
        PROVE(is_der(&inner) && is_part(&inner, &before, &d));
        PROVE(left(&inner) + 2 <= left(&before));
        SHOW(left(&inner) == MOST - 2);
        SHOW(left(&inner) == 0 && left(&d) == MOST - 6);
    }
    PROVE(is_der(&d) && is_behind(&d, &before));
    PROVE(left(&d) <= left(&before));
}

/* What take is proved to do. */
bool any_take(struct der *d, int tag, struct der *inner)
{
    struct der before = *d;
    size_t head = nondet_size(), len = nondet_size();

    PROVE(tag >= 0 && tag <= UINT8_MAX);
    PROVE(is_der(d) && __CPROVER_w_ok(inner, sizeof(*inner)));
    ASSUME(head <= (size_t)(d->end - d->p));
    d->p += head;
    if (nondet_bool()) {
        return false;
    }
    ASSUME(head >= 2 && head <= 6 && len <= (size_t)(d->end - d->p));
    *inner = (struct der){d->p, d->p + len};
    d->p += len;
    return true;
}

/* proof: extension; unwind 4; any list of extensions of up to 40 bytes */
/* calls: take -> any_take */
/* of: net/constraints.c read_extension; bytes that are there; "left(&oid) == sizeof(number)" ->
 * "left(&oid) <= sizeof(number) + 1" */
/* plant: net/constraints.c read_extension; "take(&value, SEQUENCE, constraints)" -> "take(&oid +
 * 9, SEQUENCE, constraints)" */
void extension(void)
{
    struct der list = any_der(any_size(MOST), MOST), before = list, found = {NULL, NULL};
    bool done = read_extension(&list, &found);

    PROVE(is_behind(&list, &before) && (!done || list.p - before.p >= 2));
    PROVE(found.p == NULL || (is_der(&found) && __CPROVER_same_object(found.p, list.p) &&
                              found.p >= before.p && found.end <= list.p));
    SHOW(done && found.p == NULL);
    SHOW(done && found.p != NULL && left(&found) == 7);
}

/* A name of the leaf, as mbedTLS has found it. */
static mbedtls_x509_buf any_name(size_t most)
{
    mbedtls_x509_buf name = {nondet_u8(), any_size(most), NULL};

    name.p = any_bytes(name.len, most);
    return name;
}

/* proof: dns; unwind 19; any name and any base of up to 16 bytes each */
/* of: net/constraints.c is_dns_within; a name and a base that are there; "|| name->len < len" -> ""
 */
/* plant: net/constraints.c is_dns_within; "name->len == len ||" -> "" */
/* plant: net/constraints.c is_dns_within; "len == 0 || name->len" -> "name->len" */
void dns(void)
{
    mbedtls_x509_buf name = any_name(16);
    struct der base = any_der(any_size(16), 16);

    SHOW(is_dns_within(&name, &base) && left(&base) == 15 && name.len == 16);
}

/* proof: address; unwind 18; any address of up to 16 bytes, any base of up to 40 */
/* of: net/constraints.c is_address_within; an address and a base that are there; "!= 2 *
 * address->len" -> "< address->len" */
/* plant: net/constraints.c is_address_within; "i < address->len" -> "i <= address->len" */
void address(void)
{
    mbedtls_x509_buf name = any_name(16);
    struct der base = any_der(any_size(MOST), MOST);

    SHOW(is_address_within(&name, &base) && name.len == 16);
}

bool any_match(const mbedtls_x509_buf *name, const struct der *base)
{
    PROVE(__CPROVER_r_ok(name->p, name->len) && is_der(base));
    return nondet_bool();
}

/* proof: kinds; unwind 2; any name, any base, of up to 65535 bytes each */
/* calls: is_dns_within -> any_match */
/* calls: is_address_within -> any_match */
/* of: net/constraints.c is_within; a name and a base that are there; "is_dns_within(name, base)" ->
 * "is_dns_within(name + 1, base)" */
/* plant: net/constraints.c is_within; "is_address_within(name, base)" -> "is_address_within(name,
 * base + 1)" */
void kinds(void)
{
    mbedtls_x509_buf name = any_name(65535);
    struct der base = any_der(any_size(65535), 65535);

    SHOW(is_within(&name, nondet_u8(), &base));
}

bool any_within(const mbedtls_x509_buf *name, int kind, const struct der *base)
{
    PROVE(kind == (name->tag & MBEDTLS_ASN1_TAG_VALUE_MASK));
    return any_match(name, base);
}

/* proof: list; unwind 14; any list of subtrees of up to 24 bytes, any name of up to 65535 */
/* calls: take -> any_take */
/* calls: is_within -> any_within */
/* of: net/constraints.c look; a list and a name that are there; "|| left(&subtree) == 0" -> "" */
/* plant: net/constraints.c look; "!take(&subtrees, SEQUENCE, &subtree) || left(&subtree)" ->
 * "left(&subtree)" */
/* plant: net/constraints.c look; "== kind && !v.unreadable" -> "== kind" */
void list(void)
{
    mbedtls_x509_buf name = any_name(65535);
    struct verdict v = look(any_der(any_size(24), 24), &name);

    PROVE(!v.within || v.same_kind);
    SHOW(v.within && !v.unreadable);
    SHOW(v.same_kind && v.unreadable);
}

struct verdict nondet_verdict(void);

struct verdict any_look(struct der subtrees, const mbedtls_x509_buf *name)
{
    PROVE(subtrees.p == NULL ? subtrees.end == NULL : is_der(&subtrees));
    PROVE(__CPROVER_r_ok(name->p, name->len));
    return nondet_verdict();
}

/* proof: both_lists; unwind 2; any constraints, any name, of up to 65535 bytes each */
/* calls: take -> any_take */
/* calls: look -> any_look */
/* of: net/constraints.c allows; constraints and a name that are there; "permitted = {NULL, NULL}" ->
 * "permitted" */
/* plant: net/constraints.c allows; "look(excluded, name)" -> "look(excluded, name + 1)" */
void both_lists(void)
{
    mbedtls_x509_buf name = any_name(65535);

    SHOW(allows(any_der(any_size(65535), 65535), &name));
}

bool any_extension(struct der *list, struct der *constraints)
{
    struct der before = *list;
    size_t size = nondet_size(), at = nondet_size(), end = nondet_size();

    PROVE(is_der(list) && __CPROVER_w_ok(constraints, sizeof(*constraints)));
    ASSUME(at <= end && end <= size && size <= (size_t)(list->end - list->p));
    list->p += size;
    if (nondet_bool()) {
        *constraints = (struct der){before.p + at, before.p + end};
    }
    return size >= 2 && nondet_bool();
}

bool any_allows(struct der constraints, const mbedtls_x509_buf *name)
{
    PROVE(is_der(&constraints) && __CPROVER_r_ok(name->p, name->len));
    return nondet_bool();
}

/* proof: issuer; unwind 14; any extensions of up to 24 bytes, any two names of up to 65535 */
/* calls: take -> any_take */
/* calls: read_extension -> any_extension */
/* calls: allows -> any_allows */
/* of: net/constraints.c acme_constraints_allow; certificates that mbedTLS has parsed; "&&
 * constraints.p != NULL; san" -> "; san" */
/* plant: net/constraints.c acme_constraints_allow; "all.p + issuer->v3_ext.len" -> "all.p +
 * issuer->v3_ext.len + 1" */
/* plant: net/constraints.c acme_constraints_allow; "san->buf.p != NULL && !allows" -> "!allows" */
void issuer(void)
{
    mbedtls_x509_crt from = {0}, leaf = {0};
    mbedtls_x509_sequence second = {.buf = any_name(65535)};

    from.v3_ext.len = any_size(24);
    from.v3_ext.p = from.v3_ext.len > 0 ? any_bytes(from.v3_ext.len, 24) : NULL;
    if (nondet_bool()) {
        leaf.subject_alt_names.buf = any_name(65535);
        leaf.subject_alt_names.next = nondet_bool() ? &second : NULL;
    }
    SHOW(acme_constraints_allow(&from, &leaf) && leaf.subject_alt_names.next != NULL);
}
