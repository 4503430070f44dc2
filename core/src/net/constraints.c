/*
 * Name constraints of an issuer, held against the names of a leaf. It must not know whose
 * certificates these are.
 */
#include "net/constraints.h"

#include <string.h>

#include <mbedtls/asn1.h>
#include <mbedtls/oid.h>

#include "base/buf.h"

#define SEQUENCE (MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE)
/* [0] permitted, [1] excluded */
#define SUBTREES (MBEDTLS_ASN1_CONTEXT_SPECIFIC | MBEDTLS_ASN1_CONSTRUCTED)

/* Bytes that are read from the front. */
struct der {
    unsigned char *p;
    const unsigned char *end;
};

/* Takes the next element, whose content becomes inner. */
static bool take(struct der *d, int tag, struct der *inner)
{
    unsigned char *at = d->p;
    size_t len;

    if (mbedtls_asn1_get_tag(&d->p, d->end, &len, tag) != 0) {
        d->p = at; /* not behind the tag: what cannot be read must not be passed over */
        return false;
    }
    inner->p = d->p;
    inner->end = d->p + len;
    d->p += len;
    return true;
}

static size_t left(const struct der *d)
{
    return (size_t)(d->end - d->p);
}

/* One extension: its value, if it is the constraints. False: it cannot be read. */
static bool read_extension(struct der *list, struct der *constraints)
{
    static const unsigned char number[] = {0x55, 0x1d, 30};
    struct der extension, oid, flag, value;

    if (!take(list, SEQUENCE, &extension) || !take(&extension, MBEDTLS_ASN1_OID, &oid)) {
        return false;
    }
    (void)take(&extension, MBEDTLS_ASN1_BOOLEAN, &flag); /* critical: it is looked at anyway */
    if (!take(&extension, MBEDTLS_ASN1_OCTET_STRING, &value)) {
        return false;
    }
    if (left(&oid) == sizeof(number) && memcmp(oid.p, number, sizeof(number)) == 0) {
        return take(&value, SEQUENCE, constraints);
    }
    return true;
}

static bool is_dns_within(const mbedtls_x509_buf *name, const struct der *base)
{
    size_t len = left(base);
    const char *tail;

    if (len == 0 || name->len < len) {
        return len == 0;
    }
    tail = (const char *)name->p + (name->len - len);
    if (!acme_str_equal_nocase(tail, len, (const char *)base->p, len)) {
        return false;
    }
    return name->len == len || *base->p == '.' || tail[-1] == '.';
}

/* The base is an address and a mask. */
static bool is_address_within(const mbedtls_x509_buf *address, const struct der *base)
{
    size_t i;

    if (left(base) != 2 * address->len) {
        return false;
    }
    for (i = 0; i < address->len; i++) {
        if (((address->p[i] ^ base->p[i]) & base->p[address->len + i]) != 0) {
            return false;
        }
    }
    return true;
}

static bool is_within(const mbedtls_x509_buf *name, int kind, const struct der *base)
{
    return kind == MBEDTLS_X509_SAN_DNS_NAME     ? is_dns_within(name, base)
           : kind == MBEDTLS_X509_SAN_IP_ADDRESS ? is_address_within(name, base)
                                                 : false;
}

/* What the subtrees of one list say of a name. */
struct verdict {
    bool same_kind, within, unreadable;
};

static struct verdict look(struct der subtrees, const mbedtls_x509_buf *name)
{
    struct verdict v = {false, false, false};
    int kind = name->tag & MBEDTLS_ASN1_TAG_VALUE_MASK;
    struct der subtree, base;

    while (left(&subtrees) > 0 && !v.unreadable) {
        int tag;

        if (!take(&subtrees, SEQUENCE, &subtree) || left(&subtree) == 0) {
            v.unreadable = true;
            return v;
        }
        tag = *subtree.p;
        v.unreadable = !take(&subtree, tag, &base) ||
                       (tag & MBEDTLS_ASN1_TAG_VALUE_MASK) == MBEDTLS_X509_SAN_DIRECTORY_NAME;
        if ((tag & MBEDTLS_ASN1_TAG_VALUE_MASK) == kind && !v.unreadable) {
            v.same_kind = true;
            v.within = v.within || is_within(name, kind, &base);
        }
    }
    return v;
}

static bool allows(struct der constraints, const mbedtls_x509_buf *name)
{
    struct der permitted = {NULL, NULL}, excluded = {NULL, NULL};
    struct verdict v;

    (void)take(&constraints, SUBTREES | 0, &permitted);
    (void)take(&constraints, SUBTREES | 1, &excluded);
    v = look(permitted, name);
    if (left(&constraints) > 0 || v.unreadable || (v.same_kind && !v.within)) {
        return false;
    }
    v = look(excluded, name);
    return !v.unreadable && !v.within;
}

bool acme_constraints_allow(const mbedtls_x509_crt *issuer, const mbedtls_x509_crt *leaf)
{
    struct der all, list, constraints = {NULL, NULL};
    const mbedtls_x509_sequence *san;

    if (issuer->v3_ext.len == 0) {
        return true;
    }
    all.p = issuer->v3_ext.p;
    all.end = all.p + issuer->v3_ext.len;
    if (!take(&all, SEQUENCE, &list)) {
        return false;
    }
    while (left(&list) > 0) {
        if (!read_extension(&list, &constraints)) {
            return false;
        }
    }
    for (san = &leaf->subject_alt_names; san != NULL && constraints.p != NULL; san = san->next) {
        if (san->buf.p != NULL && !allows(constraints, &san->buf)) {
            return false;
        }
    }
    return true;
}
