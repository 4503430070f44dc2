/*
 * Trust anchors: found by subject among certificates in memory that is not ours. It must not know
 * connections.
 */
#include "net/trust.h"

#include <string.h>

#include <mbedtls/platform.h>

#include "base/log.h"
#include "net/x509.h"

/* A walk over the certificates of all anchors; an anchor may be several, one after the other. */
struct walk {
    const struct acme_port *port;
    const struct acme_trust_anchor *anchors;
    size_t count;
    const uint8_t *rest; /* of the first anchor */
    size_t left;
    int32_t rc; /* ACME_OK, or why it has ended early */
};

int32_t acme_trust_read(const struct acme_port *port, const uint8_t *at, void *to, size_t len)
{
    if (port == NULL || port->read_anchor == NULL) {
        memcpy(to, at, len);
        return ACME_OK;
    }
    return port->read_anchor(port->anchor_ctx, at, to, len) == ACME_OK ? ACME_OK
                                                                       : ACME_ERR_STORE_IO;
}

static struct walk walk_over(const struct acme_trust *t)
{
    struct walk w = {t->port, t->anchors, t->count, NULL, 0, ACME_OK};

    if (w.count > 0) {
        w.rest = w.anchors->der;
        w.left = w.anchors->len;
    }
    return w;
}

/* DER of up to 64 KB: a sequence's tag, then its length in one byte, or in the one or two that
 * follow. */
int32_t acme_trust_der_len(const struct acme_port *port, const uint8_t *at, size_t left,
                           size_t *len)
{
    uint8_t head[4] = {0};
    size_t used = 2;
    int32_t rc = acme_trust_read(port, at, head, left < sizeof(head) ? left : sizeof(head));

    *len = head[1];
    if (head[1] == 0x81) {
        *len = head[2];
        used = 3;
    } else if (head[1] == 0x82) {
        *len = (size_t)head[2] << 8 | head[3];
        used = 4;
    }
    if (head[0] != 0x30 || head[1] == 0x80 || head[1] > 0x82 || left < used || *len > left - used) {
        *len = 0;
        return rc;
    }
    *len += used;
    return rc;
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
    w->rc = acme_trust_der_len(w->port, w->rest, w->left, &found->len);
    found->len = found->len > 0 ? found->len : w->left; /* all there is, where it has none */
    w->rest += found->len;
    w->left -= found->len;
    return w->rc == ACME_OK;
}

/* The certificate that was parsed last frees its bytes. */
static void own_bytes(mbedtls_x509_crt *crt)
{
    while (crt->next != NULL) {
        crt = crt->next;
    }
    crt->MBEDTLS_PRIVATE(own_buffer) = 1;
}

/* Memory is parsed where it lies, what the port reads is brought in. What mbedTLS returns. */
static int parse(const struct acme_trust *t, mbedtls_x509_crt *crt,
                 const struct acme_trust_anchor *anchor)
{
    uint8_t *copy;
    int ret = MBEDTLS_ERR_X509_FILE_IO_ERROR;

    if (t->port == NULL || t->port->read_anchor == NULL) {
        return acme_x509_parse(crt, anchor->der, anchor->len, false);
    }
    copy = mbedtls_calloc(1, anchor->len);
    if (copy == NULL) {
        return MBEDTLS_ERR_X509_ALLOC_FAILED;
    }
    if (acme_trust_read(t->port, anchor->der, copy, anchor->len) == ACME_OK) {
        ret = acme_x509_parse(crt, copy, anchor->len, false);
    }
    if (ret == 0) {
        own_bytes(crt);
    } else {
        mbedtls_free(copy);
    }
    return ret;
}

/* Whether an anchor could not be looked at, which is no verdict on it. */
static int32_t to_failure(int ret)
{
    if (ret == MBEDTLS_ERR_X509_FILE_IO_ERROR) {
        return ACME_ERR_STORE_IO;
    }
    return acme_x509_error(ret, ACME_OK) == ACME_ERR_TLS_MEMORY ? ACME_ERR_TLS_MEMORY : ACME_OK;
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
    ret = parse(t, crt, anchor);
    if (ret == 0 && is_issuer(crt, child) && is_in_force(t, crt) != expired) {
        crt->next = *list;
        *list = crt;
        return ACME_OK;
    }
    discard(crt);
    return to_failure(ret);
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
    return rc == ACME_OK ? w.rc : rc;
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
    int32_t rc = find(t, child, list);

    if (rc == ACME_OK) {
        return 0;
    }
    t->failed = rc;
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

    if (crt != NULL) {
        ret = parse(t, crt, anchor);
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
    return parse(t, &t->list, anchor);
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
    int32_t rc = ACME_OK, failed = ACME_OK;

    memset(t, 0, sizeof(*t));
    t->port = port;
    t->clock = clock;
    t->anchors = anchors;
    t->count = count;
    init_list(t);
    for (w = walk_over(t); failed == ACME_OK && next(&w, &anchor);) {
        int ret = take(t, &anchor);

        if (ret == 0) {
            good = true;
            continue;
        }
        ACME_LOG(port, ACME_LOG_WARNING, "tls: a trust anchor cannot be read", NULL, ret);
        rc = acme_x509_error(ret, ACME_ERR_CERT_PARSE);
        failed = to_failure(ret);
    }
    failed = failed == ACME_OK ? w.rc : failed;
    if (failed != ACME_OK) {
        return failed;
    }
    return good ? ACME_OK : rc;
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

    if (t->failed != ACME_OK || lacked_with(child, child->next, depth, false) ||
        find(t, child, &list) != ACME_OK) {
        return true;
    }
    lacked = lacked_with(child, list, depth, true);
    free_list(list);
    return lacked;
}
