/*
 * Trust anchors: found by subject among certificates in memory that is not ours. It must not know
 * connections.
 */
#include "net/trust.h"

#include <string.h>

#include <mbedtls/asn1.h>
#include <mbedtls/platform.h>

#include "base/log.h"
#include "net/x509.h"

/* A walk over the certificates of all anchors; an anchor may be several, one after the other. */
struct walk {
    const struct acme_trust_anchor *anchors;
    size_t count;
    const uint8_t *rest; /* of the first anchor */
    size_t left;
};

static struct walk walk_over(const struct acme_trust *t)
{
    struct walk w = {t->anchors, t->count, NULL, 0};

    if (w.count > 0) {
        w.rest = w.anchors->der;
        w.left = w.anchors->len;
    }
    return w;
}

/* The bytes of a certificate by its own length; all there is where they have none. */
static size_t der_len(const uint8_t *der, size_t left)
{
    unsigned char *p = (unsigned char *)(uintptr_t)der;
    size_t len;

    if (mbedtls_asn1_get_tag(&p, der + left, &len,
                             MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE) != 0) {
        return left;
    }
    return (size_t)(p - der) + len;
}

static bool next(struct walk *w, struct acme_trust_anchor *found)
{
    while (w->left == 0) {
        if (w->count <= 1) {
            return false;
        }
        w->count--;
        w->anchors++;
        w->rest = w->anchors->der;
        w->left = w->anchors->len;
    }
    found->der = w->rest;
    found->len = der_len(w->rest, w->left);
    w->rest += found->len;
    w->left -= found->len;
    return true;
}

static bool is_issuer(const mbedtls_x509_crt *crt, const mbedtls_x509_crt *child)
{
    return crt->subject_raw.len == child->issuer_raw.len &&
           memcmp(crt->subject_raw.p, child->issuer_raw.p, crt->subject_raw.len) == 0;
}

#if defined(MBEDTLS_X509_TRUSTED_CERTIFICATE_CALLBACK)

static mbedtls_x509_crt *allocate(void)
{
    mbedtls_x509_crt *crt = mbedtls_calloc(1, sizeof(*crt));

    if (crt != NULL) {
        mbedtls_x509_crt_init(crt);
    }
    return crt;
}

static void discard(mbedtls_x509_crt *crt)
{
    mbedtls_x509_crt_free(crt);
    mbedtls_free(crt);
}

static bool is_in_force(const struct acme_trust *t, const mbedtls_x509_crt *crt)
{
    struct acme_span ignored = {0, INT64_MAX};

    return acme_x509_bad_dates(t->clock, crt, 0, &ignored) == 0;
}

/* One certificate: into the list, if it may be the issuer. */
static int32_t consider(const struct acme_trust *t, const struct acme_trust_anchor *anchor,
                        const mbedtls_x509_crt *child, bool expired, mbedtls_x509_crt **list)
{
    mbedtls_x509_crt *crt = allocate();
    int ret;

    if (crt == NULL) {
        return ACME_ERR_TLS_MEMORY;
    }
    ret = acme_x509_parse(crt, anchor->der, anchor->len, false);
    if (ret == 0 && is_issuer(crt, child) && is_in_force(t, crt) != expired) {
        crt->next = *list;
        *list = crt;
        return ACME_OK;
    }
    discard(crt);
    ret = acme_x509_error(ret, ACME_OK);
    return ret == ACME_ERR_TLS_MEMORY ? ACME_ERR_TLS_MEMORY : ACME_OK;
}

static int32_t collect(const struct acme_trust *t, const mbedtls_x509_crt *child, bool expired,
                       mbedtls_x509_crt **list)
{
    struct walk w = walk_over(t);
    struct acme_trust_anchor anchor;
    int32_t rc = ACME_OK;

    while (rc == ACME_OK && next(&w, &anchor)) {
        rc = consider(t, &anchor, child, expired, list);
    }
    return rc;
}

static void free_list(mbedtls_x509_crt *list)
{
    if (list != NULL) {
        discard(list);
    }
}

/* Those that may have signed child. mbedTLS takes the first that has: where a root was issued anew
 * with its old key, an expired one must not be it. So these come only where there are no others. */
static int32_t find(const struct acme_trust *t, const mbedtls_x509_crt *child,
                    mbedtls_x509_crt **list)
{
    int32_t rc;

    *list = NULL;
    rc = collect(t, child, false, list);
    if (rc == ACME_OK && *list == NULL) {
        rc = collect(t, child, true, list);
    }
    if (rc != ACME_OK) {
        free_list(*list);
        *list = NULL;
    }
    return rc;
}

static int on_question(void *ctx, const mbedtls_x509_crt *child, mbedtls_x509_crt **list)
{
    struct acme_trust *t = ctx;

    if (find(t, child, list) == ACME_OK) {
        return 0;
    }
    t->out_of_memory = true;
    return MBEDTLS_ERR_X509_ALLOC_FAILED;
}

void acme_trust_use(struct acme_trust *t, mbedtls_ssl_config *config)
{
    mbedtls_ssl_conf_ca_cb(config, on_question, t);
}

/* Only to see that it can be read. */
static int take(struct acme_trust *t, const struct acme_trust_anchor *anchor)
{
    mbedtls_x509_crt *crt = allocate();
    int ret = MBEDTLS_ERR_X509_ALLOC_FAILED;

    (void)t;
    if (crt != NULL) {
        ret = acme_x509_parse(crt, anchor->der, anchor->len, false);
        discard(crt);
    }
    return ret;
}

static void init_list(struct acme_trust *t)
{
    (void)t;
}

void acme_trust_free(struct acme_trust *t)
{
    (void)t;
}

#else

static int32_t find(struct acme_trust *t, const mbedtls_x509_crt *child, mbedtls_x509_crt **list)
{
    (void)child;
    *list = &t->list;
    return ACME_OK;
}

static void free_list(mbedtls_x509_crt *list)
{
    (void)list;
}

void acme_trust_use(struct acme_trust *t, mbedtls_ssl_config *config)
{
    mbedtls_ssl_conf_ca_chain(config, &t->list, NULL);
}

static int take(struct acme_trust *t, const struct acme_trust_anchor *anchor)
{
    return acme_x509_parse(&t->list, anchor->der, anchor->len, false);
}

static void init_list(struct acme_trust *t)
{
    mbedtls_x509_crt_init(&t->list);
}

void acme_trust_free(struct acme_trust *t)
{
    mbedtls_x509_crt_free(&t->list);
}

#endif

/* A bundle of roots may have some of algorithms that are configured out: less is trusted then, and
 * only a bundle that leaves nothing is an error. */
int32_t acme_trust_init(struct acme_trust *t, const struct acme_port *port,
                        const struct acme_clock *clock, const struct acme_trust_anchor *anchors,
                        size_t count)
{
    struct acme_trust_anchor anchor;
    struct walk w;
    bool good = false;
    int32_t rc = ACME_OK;

    memset(t, 0, sizeof(*t));
    t->clock = clock;
    t->anchors = anchors;
    t->count = count;
    init_list(t);
    for (w = walk_over(t); next(&w, &anchor) && rc != ACME_ERR_TLS_MEMORY;) {
        int ret = take(t, &anchor);

        if (ret == 0) {
            good = true;
            continue;
        }
        ACME_LOG(port, ACME_LOG_WARNING, "tls: a trust anchor cannot be read", NULL, ret);
        rc = acme_x509_error(ret, ACME_ERR_CERT_PARSE);
    }
    return good && rc != ACME_ERR_TLS_MEMORY ? ACME_OK : rc;
}

/* Memory was what failed if the signature is good now, too. */
static bool lacked_with(const mbedtls_x509_crt *child, mbedtls_x509_crt *parents, int depth,
                        bool anchors)
{
    bool lacked = false;

    for (; parents != NULL && parents->raw.p != NULL && !lacked; parents = parents->next) {
        lacked = is_issuer(parents, child) &&
                 acme_x509_look_again(child, parents, depth, anchors) != ACME_ERR_CERT_CHAIN;
    }
    return lacked;
}

bool acme_trust_lacked_memory(struct acme_trust *t, const mbedtls_x509_crt *child, int depth)
{
    mbedtls_x509_crt *list;
    bool lacked;

    if (t->out_of_memory || lacked_with(child, child->next, depth, false) ||
        find(t, child, &list) != ACME_OK) {
        return true;
    }
    lacked = lacked_with(child, list, depth, true);
    free_list(list);
    return lacked;
}
