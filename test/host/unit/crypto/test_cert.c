/*
 * What a device makes of the chains that a CA may send: good ones, malformed ones, ones for another
 * key, other names, another time, out of order. The certificates are real, written here; what only
 * a failing library says comes from --wrap.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <mbedtls/x509_crt.h>

#include "ca_pki.h"
#include "crypto/cert.h"
#include "crypto_bench.h"
#include "crypto/jws.h"
#include "store/chain.h"

#define KEY       0x0ac30000u
#define OTHER_KEY 0x0ac30001u
#define NOW       INT64_C(1767225600)
#define DAY       86400

/* ---- the failing library ---- */

static uint32_t calloc_calls, calloc_fail_at; /* the n-th fails; 0: none */
static bool calloc_fail_rest;                 /* and all after it */
static int verify_ret;                        /* 0: nothing is in the way */
static uint32_t verify_flags;

void *__real_mbedtls_calloc(size_t count, size_t size);
void *__wrap_mbedtls_calloc(size_t count, size_t size);
void *__wrap_mbedtls_calloc(size_t count, size_t size)
{
    bool fails = ++calloc_calls == calloc_fail_at ||
                 (calloc_fail_rest && calloc_fail_at > 0 && calloc_calls > calloc_fail_at);

    return fails ? NULL : __real_mbedtls_calloc(count, size);
}

typedef int verify_callback(void *, mbedtls_x509_crt *, int, uint32_t *);
int __real_mbedtls_x509_crt_verify(mbedtls_x509_crt *crt, mbedtls_x509_crt *anchors,
                                   mbedtls_x509_crl *crl, const char *name, uint32_t *flags,
                                   verify_callback *verify, void *ctx);
int __wrap_mbedtls_x509_crt_verify(mbedtls_x509_crt *crt, mbedtls_x509_crt *anchors,
                                   mbedtls_x509_crl *crl, const char *name, uint32_t *flags,
                                   verify_callback *verify, void *ctx);
int __wrap_mbedtls_x509_crt_verify(mbedtls_x509_crt *crt, mbedtls_x509_crt *anchors,
                                   mbedtls_x509_crl *crl, const char *name, uint32_t *flags,
                                   verify_callback *verify, void *ctx)
{
    if (verify_ret != 0) {
        *flags = verify_flags;
        return verify_ret;
    }
    return __real_mbedtls_x509_crt_verify(crt, anchors, crl, name, flags, verify, ctx);
}

/* ---- the device ---- */

static int64_t now_s = NOW;
static bool has_clock = true;

static uint64_t uptime(void *ctx)
{
    (void)ctx;
    return 1000;
}

static int32_t wall(void *ctx, int64_t *unix_s)
{
    (void)ctx;
    *unix_s = now_s;
    return has_clock ? ACME_OK : ACME_ERR_NO_CLOCK;
}

static const struct acme_clock_ops clock_ops = {.uptime_ms = uptime, .wall_s = wall};
static struct acme_clock device_clock;
static const char *const names[] = {"device.example.org", "b.example.org"};
static const struct acme_cert_request request = {.names = names, .names_count = 2};
static uint8_t scratch[CONFIG_ACME_CERT_SIZE_MAX];
static struct acme_cert_record record;
static struct acme_chain_check check;

/* ---- the CA ---- */

static const uint8_t root_key[32] = {0x11, 1}, ca_key[32] = {0x22, 2}, stranger[32] = {0x33, 3};
static uint8_t root_point[CA_PKI_POINT], ca_point[CA_PKI_POINT], stranger_point[CA_PKI_POINT];
static uint8_t device_point[CA_PKI_POINT];

#define CERT_MAX 1200u
struct cert {
    uint8_t der[CERT_MAX];
    size_t len;
};

static struct ca_pki_template root_template(void)
{
    return (struct ca_pki_template){.subject = "CN=Root",
                                    .issuer = "CN=Root",
                                    .subject_point = root_point,
                                    .issuer_key = root_key,
                                    .issuer_point = root_point,
                                    .serial = {1},
                                    .not_before_s = NOW - 1000 * DAY,
                                    .not_after_s = NOW + 1000 * DAY,
                                    .is_ca = true};
}

static struct ca_pki_template ca_template(void)
{
    struct ca_pki_template t = root_template();

    t.subject = "CN=Issuing CA";
    t.subject_point = ca_point;
    t.serial[0] = 2;
    return t;
}

static struct ca_pki_template leaf_template(void)
{
    return (struct ca_pki_template){.subject = "CN=device.example.org",
                                    .issuer = "CN=Issuing CA",
                                    .subject_point = device_point,
                                    .issuer_key = ca_key,
                                    .issuer_point = ca_point,
                                    .serial = {0x7a, 0xfe},
                                    .not_before_s = NOW - DAY,
                                    .not_after_s = NOW + 90 * DAY,
                                    .names = {"device.example.org", "b.example.org"}};
}

static struct cert make(struct ca_pki_template t)
{
    struct cert c;

    c.len = ca_pki_write(&t, c.der, sizeof(c.der));
    assert_true(c.len > 0);
    return c;
}

static int32_t push(struct acme_chain_sink *s, const char *text)
{
    return acme_chain_sink_push(s, (const uint8_t *)text, strlen(text));
}

static struct acme_chain_sink new_sink(void)
{
    static uint8_t chunk[ACME_CHAIN_CHUNK];
    struct acme_chain_sink s;

    assert_int_equal(acme_store_remove_chain(&bench_log, 0, 0), ACME_OK);
    acme_chain_sink_init(&s, &bench_log, chunk, 0, 0);
    return s;
}

/* Stores a chain as it comes from a CA. */
static void store(const struct cert *chain, size_t count)
{
    struct acme_chain_sink s = new_sink();
    char pem[2 * CERT_MAX];
    size_t i;

    for (i = 0; i < count; i++) {
        assert_true(ca_pki_pem(chain[i].der, chain[i].len, pem, sizeof(pem)) > 0);
        assert_int_equal(push(&s, pem), ACME_OK);
    }
    assert_int_equal(acme_chain_sink_finish(&s), ACME_OK);
    assert_int_equal(s.count, count);
    memset(&record, 0, sizeof(record));
    record.chain_count = s.count;
    memcpy(record.lengths, s.lengths, sizeof(record.lengths));
}

static int32_t check_chain(void)
{
    return acme_cert_check_chain(&check, &record);
}

static int32_t check_leaf(struct ca_pki_template t)
{
    struct cert leaf = make(t);

    store(&leaf, 1);
    return check_chain();
}

/* ---- CSR ---- */

static uint32_t names_seen;

static bool see_name(void *ctx, const char *text, size_t len)
{
    (void)ctx;
    names_seen++;
    return acme_cert_has_name(&request, text, len);
}

/* The CSR stands at the end of a buffer that begins at any address. */
static void test_csr_anywhere(void **state)
{
    _Alignas(16) static uint8_t out[1024 + 16];
    uint8_t point[CA_PKI_POINT];
    size_t at;

    (void)state;
    for (at = 0; at < 16; at++) {
        int32_t len = acme_cert_write_csr(&request, KEY, out + at, 1024);

        assert_true(len > 100);
        names_seen = 0;
        assert_null(ca_pki_csr(out + at + 1024 - (size_t)len, (size_t)len, point, see_name, NULL));
        assert_int_equal(names_seen, 2);
        assert_memory_equal(point, device_point, sizeof(point));
    }
}

/* A name that is given twice is asked for once. */
static void test_csr_names_each_name_once(void **state)
{
    static uint8_t out[2048];
    const char *const twice[] = {names[1], names[0], "DEVICE.example.org", names[1], names[0]};
    const struct acme_cert_request more = {.names = twice, .names_count = 5};
    uint8_t point[CA_PKI_POINT];
    int32_t len = acme_cert_write_csr(&more, KEY, out, sizeof(out));

    (void)state;
    assert_true(len > 100);
    names_seen = 0;
    assert_null(ca_pki_csr(out + sizeof(out) - (size_t)len, (size_t)len, point, see_name, NULL));
    assert_int_equal(names_seen, 2);
}

/* Every how many bytes; with few names little is left for the CSR itself, as with small pointers.
 */
static void try_every_size(const struct acme_cert_request *asked, size_t step)
{
    static uint8_t out[1024];
    size_t size, small = 0, whole = 0;

    for (size = 0; size <= sizeof(out) - 8; size += step) {
        int32_t rc;

        memset(out, 0x55, sizeof(out));
        rc = acme_cert_write_csr(asked, KEY, out, size);
        assert_true(rc == ACME_ERR_BUFFER || rc > 100);
        small += rc < 0 ? 1 : 0;
        whole += rc > 0 ? 1 : 0;
        assert_int_equal(out[size], 0x55);
    }
    assert_true(small > 300 / step && whole > 160 / step);
}

static void test_csr_of_every_size(void **state)
{
    static const char *const one[] = {"a.example"};
    const struct acme_cert_request less = {.names = one, .names_count = 1};

    (void)state;
    try_every_size(&request, 8);
    try_every_size(&less, 4);
}

static void test_csr_needs_a_key(void **state)
{
    static uint8_t out[1024];

    (void)state;
    assert_int_equal(acme_cert_write_csr(&request, 0x0ac3ffffu, out, sizeof(out)), ACME_ERR_CRYPTO);
}

/* Whichever allocation it is that fails: nothing is made, and where mbedTLS says so it is called by
 * its name. */
static void test_csr_without_memory(void **state)
{
    static uint8_t out[1024];
    uint32_t n, named = 0;
    int32_t rc = -1;

    (void)state;
    for (n = 1; rc < 0; n += n < 20 ? 1 : 13) {
        calloc_calls = 0;
        calloc_fail_at = n;
        rc = acme_cert_write_csr(&request, KEY, out, sizeof(out));
        calloc_fail_at = 0;
        assert_true(rc > 0 || rc == ACME_ERR_TLS_MEMORY || rc == ACME_ERR_CRYPTO);
        named += rc == ACME_ERR_TLS_MEMORY ? 1 : 0;
    }
    assert_true(n > 100 && named > 2);
}

/* ---- chains ---- */

static void test_good_chains(void **state)
{
    struct cert chain[3] = {make(leaf_template()), make(ca_template()), make(root_template())};
    size_t count;

    (void)state;
    for (count = 1; count <= 3; count++) {
        store(chain, count);
        assert_int_equal(check_chain(), ACME_OK);
        assert_int_equal(record.chain_count, count < 3 ? count : 2); /* the root is not served */
        assert_true(record.not_before_s == NOW - DAY);
        assert_true(record.not_after_s == NOW + 90 * DAY);
    }
}

static void test_nothing_is_no_chain(void **state)
{
    (void)state;
    memset(&record, 0, sizeof(record));
    assert_int_equal(check_chain(), ACME_ERR_CERT_PARSE);
}

static void test_another_key(void **state)
{
    struct ca_pki_template t = leaf_template();
    bool made;

    (void)state;
    t.subject_point = stranger_point;
    assert_int_equal(check_leaf(t), ACME_ERR_CERT_KEY);
    /* ours is of another type; then there is none */
    assert_int_equal(acme_jws_ensure_key(OTHER_KEY, ACME_KEY_EC_P384, false, &made), ACME_OK);
    check.key = OTHER_KEY;
    assert_int_equal(check_leaf(leaf_template()), ACME_ERR_CERT_KEY);
    assert_int_equal(acme_jws_destroy_key(OTHER_KEY), ACME_OK);
    assert_int_equal(check_leaf(leaf_template()), ACME_ERR_CRYPTO);
}

static void test_other_names(void **state)
{
    struct ca_pki_template t = leaf_template();

    (void)state;
    t.names[1] = NULL;
    assert_int_equal(check_leaf(t), ACME_ERR_CERT_NAMES); /* one too few */
    t.names[0] = NULL;
    assert_int_equal(check_leaf(t), ACME_ERR_CERT_NAMES); /* none, though the subject has one */
    t = leaf_template();
    t.names[1] = "B.Example.ORG";
    assert_int_equal(check_leaf(t), ACME_OK); /* DNS has no case */
    t.names[2] = "evil.example.org";
    assert_int_equal(check_leaf(t), ACME_ERR_CERT_NAMES_ADDED); /* one too many */
    t = leaf_template();
    t.names[1] = "c.example.org";
    assert_int_equal(check_leaf(t), ACME_ERR_CERT_NAMES);
}

#if defined(CONFIG_ACME_IP_IDENTIFIERS)
static void test_addresses(void **state)
{
    static const uint8_t v4[4] = {192, 0, 2, 7}, other[4] = {192, 0, 2, 8};
    static const uint8_t v6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 7};
    static const char *const v4_names[] = {"192.0.2.7"}, *const v6_names[] = {"2001:db8::7"};
    const struct acme_cert_request v4_request = {.names = v4_names, .names_count = 1};
    const struct acme_cert_request v6_request = {.names = v6_names, .names_count = 1};
    struct ca_pki_template t = leaf_template();

    (void)state;
    check.request = &v4_request;
    t.names[0] = t.names[1] = NULL;
    t.address = v4;
    t.address_len = 4;
    assert_int_equal(check_leaf(t), ACME_OK);
    t.address = other;
    assert_int_equal(check_leaf(t), ACME_ERR_CERT_NAMES);
    t.address = v6; /* the other family, which begins differently and is longer */
    t.address_len = 16;
    assert_int_equal(check_leaf(t), ACME_ERR_CERT_NAMES);
    check.request = &v6_request;
    assert_int_equal(check_leaf(t), ACME_OK);
    /* an address in the guise of a name is none; and one is not for a name */
    t.address = NULL;
    t.names[0] = "2001:db8::7";
    assert_int_equal(check_leaf(t), ACME_ERR_CERT_NAMES);
    check.request = &request;
    t = leaf_template();
    t.address = v4;
    t.address_len = 4;
    assert_int_equal(check_leaf(t), ACME_ERR_CERT_NAMES_ADDED);
}

/* A name that was added is told, without what a terminal would obey, as far as there is room. */
static void test_the_added_name_is_told(void **state)
{
    struct ca_pki_template t = leaf_template();
    char told[40];
    size_t size;

    (void)state;
    t.names[2] = "a\x1b[31m b\x7f.example.org";
    for (size = 1; size < sizeof(told); size++) {
        static const char want[] = "a?[31m?b?.example.org";

        memset(told, '#', sizeof(told));
        told[0] = '\0';
        check.added = told;
        check.added_size = size;
        assert_int_equal(check_leaf(t), ACME_ERR_CERT_NAMES_ADDED);
        assert_int_equal(strlen(told), size > sizeof(want) ? sizeof(want) - 1 : size - 1);
        assert_memory_equal(told, want, strlen(told));
        assert_int_equal(told[size], '#');
    }
}

/* The same bytes as a name of another kind are another name. */
static void test_names_have_kinds(void **state)
{
    static const char *const as_text[] = {"abcd"}, *const as_address[] = {"97.98.99.100"};
    struct acme_cert_request other = {.names = as_address, .names_count = 1};
    struct ca_pki_template t = leaf_template();

    (void)state;
    t.names[1] = NULL;
    t.address = (const uint8_t *)names[1];
    t.address_len = strlen(names[1]);
    t.address_kind = MBEDTLS_X509_SAN_UNIFORM_RESOURCE_IDENTIFIER;
    assert_int_equal(check_leaf(t), ACME_ERR_CERT_NAMES);
    t.address_kind = MBEDTLS_X509_SAN_RFC822_NAME;
    assert_int_equal(check_leaf(t), ACME_ERR_CERT_NAMES);
    t.address_kind = MBEDTLS_X509_SAN_DNS_NAME;
    assert_int_equal(check_leaf(t), ACME_OK);
    t.names[1] = names[1]; /* all that was asked for, and one of another kind */
    t.address_kind = MBEDTLS_X509_SAN_UNIFORM_RESOURCE_IDENTIFIER;
    assert_int_equal(check_leaf(t), ACME_ERR_CERT_NAMES_ADDED);
    check.request = &other;
    t.names[0] = as_text[0];
    t.names[1] = NULL;
    t.address = NULL;
    assert_int_equal(check_leaf(t), ACME_ERR_CERT_NAMES);
    t.address = (const uint8_t *)as_text[0];
    t.address_len = 4;
    t.address_kind = 0;
    t.names[0] = NULL;
    assert_int_equal(check_leaf(t), ACME_OK);
    other.names = as_text;
    assert_int_equal(check_leaf(t), ACME_ERR_CERT_NAMES);
}
#endif

static void test_dates(void **state)
{
    struct ca_pki_template t = leaf_template();
    struct cert chain[2];

    (void)state;
    t.not_after_s = NOW - 1;
    assert_int_equal(check_leaf(t), ACME_ERR_CERT_DATES);
    t = leaf_template();
    t.not_before_s = NOW + 61;
    assert_int_equal(check_leaf(t), ACME_ERR_CERT_EARLY);
    t.not_before_s = NOW + 60; /* clocks differ */
    assert_int_equal(check_leaf(t), ACME_OK);
    /* without a clock nothing is early, but what is before the floor is late */
    has_clock = false;
    t.not_before_s = NOW + DAY;
    assert_int_equal(check_leaf(t), ACME_OK);
    acme_clock_start_over(&device_clock, NOW);
    t.not_after_s = NOW - 1;
    assert_int_equal(check_leaf(t), ACME_ERR_CERT_DATES);
    /* the issuer counts, too */
    has_clock = true;
    chain[0] = make(leaf_template());
    t = ca_template();
    t.not_after_s = NOW - 1;
    chain[1] = make(t);
    store(chain, 2);
    assert_int_equal(check_chain(), ACME_ERR_CERT_DATES);
}

static void test_broken_chains(void **state)
{
    struct cert leaf = make(leaf_template()), root = make(root_template());
    struct ca_pki_template t = ca_template();
    struct cert chain[3] = {leaf, root};

    (void)state;
    store(chain, 2); /* the link between them is missing */
    assert_int_equal(check_chain(), ACME_ERR_CERT_CHAIN);
    t.subject_point = stranger_point; /* the right name, the wrong key */
    chain[1] = make(t);
    store(chain, 2);
    assert_int_equal(check_chain(), ACME_ERR_CERT_CHAIN);
    chain[2] = root;
    store(chain, 3);
    assert_int_equal(check_chain(), ACME_ERR_CERT_CHAIN);
    t = ca_template();
    t.is_ca = false;
    chain[1] = make(t);
    store(chain, 2);
    assert_int_equal(check_chain(), ACME_ERR_CERT_CHAIN);
    /* somebody else's chain */
    chain[0] = make(ca_template());
    chain[1] = root;
    store(chain, 2);
    assert_int_equal(check_chain(), ACME_ERR_CERT_KEY);
}

/* The store has these certificates now, one behind the other, and the record says so. */
static void assert_served(const struct cert *const *want, size_t count)
{
    uint32_t offset = 0;
    uint8_t der[CERT_MAX];

    assert_int_equal(record.chain_count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(record.lengths[i], want[i]->len);
        assert_int_equal(acme_store_read_chain(&bench_log, 0, 0, offset, der, want[i]->len),
                         ACME_OK);
        assert_memory_equal(der, want[i]->der, want[i]->len);
        offset += record.lengths[i];
    }
}

/* All orders of a leaf, two issuers, their root, and one of these again: it is the same chain. */
static void test_sorted_and_cut(void **state)
{
    struct ca_pki_template t = ca_template();
    struct cert leaf, low, high = make(ca_template()), root = make(root_template());
    const struct cert *given[5] = {&leaf, &low, &high, &root, NULL};
    const struct cert *const want[] = {&leaf, &low, &high};
    size_t orders = 0;

    (void)state;
    t.subject = "CN=Lower CA";
    t.issuer = "CN=Issuing CA";
    t.subject_point = stranger_point;
    t.issuer_key = ca_key;
    t.issuer_point = ca_point;
    low = make(t);
    t = leaf_template();
    t.issuer = "CN=Lower CA";
    t.issuer_key = stranger;
    t.issuer_point = stranger_point;
    leaf = make(t);
    for (size_t again = 0; again < 4; again++) {
        given[4] = given[again];
        for (size_t n = 0; n < 3125; n++) {
            struct cert chain[5];
            uint32_t seen = 0;

            for (size_t i = 0, rest = n; i < 5; i++, rest /= 5) {
                chain[i] = *given[rest % 5];
                seen |= 1U << rest % 5;
            }
            if (seen != 31U || (again + n) % 7 != 0) { /* no permutation, or enough of them */
                continue;
            }
            store(chain, 5);
            assert_int_equal(check_chain(), ACME_OK);
            assert_served(want, 3);
            assert_int_equal(check_chain(), ACME_OK); /* again */
            assert_served(want, 3);
            orders++;
        }
    }
    assert_true(orders > 40);
}

/* Two ways up: whichever is not the root is served, and the other one is left out. */
static void test_two_ways_up(void **state)
{
    struct ca_pki_template t = root_template();
    struct cert leaf = make(leaf_template()), ca = make(ca_template()), root = make(t), cross;
    struct cert chain[4] = {leaf, ca, root};
    const struct cert *const want[] = {&leaf, &ca, &cross};

    (void)state;
    t.issuer = "CN=Old Root";
    t.issuer_key = stranger;
    t.issuer_point = stranger_point;
    cross = make(t);
    chain[3] = cross;
    store(chain, 4);
    assert_int_equal(check_chain(), ACME_OK);
    assert_served(want, 3);
}

/* Of two issuers of one name, the one that has signed counts. */
static void test_issuers_of_one_name(void **state)
{
    struct ca_pki_template t = ca_template();
    struct cert leaf = make(leaf_template()), ca = make(t), other;
    struct cert chain[3] = {leaf};
    const struct cert *const want[] = {&leaf, &ca};

    (void)state;
    t.subject_point = stranger_point;
    other = make(t);
    chain[1] = other;
    chain[2] = ca;
    store(chain, 3);
    assert_int_equal(check_chain(), ACME_OK);
    assert_served(want, 2);
}

/* What a CA's certificates demand of others is not in the way of a chain that fits together. */
static void test_critical_constraints(void **state)
{
    struct ca_pki_template t = ca_template();
    struct cert chain[2];

    (void)state;
    t.critical = "\x1e\x20\x21\x24\x36";
    chain[1] = make(t);
    t = leaf_template();
    t.critical = "\x20";
    chain[0] = make(t);
    store(chain, 2);
    assert_int_equal(check_chain(), ACME_OK);
    t.critical = "\x7e"; /* which nobody knows */
    chain[0] = make(t);
    store(chain, 2);
    assert_int_equal(check_chain(), ACME_ERR_CERT_PARSE);
}

/* What passes, or is for a person to decide, is said when nothing else is wrong. */
static void test_early_and_added(void **state)
{
    struct ca_pki_template t = leaf_template();
    struct cert chain[2] = {{.len = 0}, make(ca_template())};

    (void)state;
    t.not_before_s = NOW + 300;
    t.names[2] = "www.device.example.org";
    chain[0] = make(t);
    store(chain, 2);
    assert_int_equal(check_chain(), ACME_ERR_CERT_NAMES_ADDED);
    check.may_add_names = true;
    assert_int_equal(check_chain(), ACME_ERR_CERT_EARLY);
    assert_true(record.not_before_s == NOW + 300 && record.not_after_s == NOW + 90 * DAY);
    now_s = NOW + 240;
    assert_int_equal(check_chain(), ACME_OK);
    now_s = NOW;
    chain[1] = make(root_template());
    store(chain, 2);
    assert_int_equal(check_chain(), ACME_ERR_CERT_CHAIN);
    t.names[0] = NULL;
    assert_int_equal(check_leaf(t), ACME_ERR_CERT_NAMES);
}

/* An mbedTLS that looks at its own clock may be wrong about the dates, and about nothing else. */
static void test_dates_are_ours(void **state)
{
    struct cert chain[2] = {make(leaf_template()), make(ca_template())};

    (void)state;
    store(chain, 2);
    verify_ret = MBEDTLS_ERR_X509_CERT_VERIFY_FAILED;
    verify_flags = MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE;
    assert_int_equal(check_chain(), ACME_OK);
    verify_flags |= MBEDTLS_X509_BADCERT_NOT_TRUSTED;
    assert_int_equal(check_chain(), ACME_ERR_CERT_CHAIN);
    verify_ret = MBEDTLS_ERR_X509_FATAL_ERROR;
    verify_flags = 0;
    assert_int_equal(check_chain(), ACME_ERR_CERT_CHAIN);
    verify_ret = MBEDTLS_ERR_X509_ALLOC_FAILED;
    assert_int_equal(check_chain(), ACME_ERR_TLS_MEMORY);
}

/* No byte of a leaf can be changed unnoticed. */
static void test_every_byte_counts(void **state)
{
    struct cert chain[2] = {make(leaf_template()), make(ca_template())};
    size_t i;

    (void)state;
    for (i = 0; i < chain[0].len; i += 13) {
        chain[0].der[i] ^= 0x01;
        store(chain, 2);
        assert_int_not_equal(check_chain(), ACME_OK);
        chain[0].der[i] ^= 0x01;
    }
    store(chain, 2);
    assert_int_equal(check_chain(), ACME_OK);
}

static void test_a_store_that_fails(void **state)
{
    struct cert chain[2] = {make(leaf_template()), make(ca_template())};
    uint32_t n, failed = 0;

    (void)state;
    store(chain, 2);
    check.scratch_size = record.lengths[0] - 1u;
    assert_int_equal(check_chain(), ACME_ERR_CERT_LIMIT);
    check.scratch_size = record.lengths[0]; /* just enough for it */
    record.chain_count = 1;
    assert_int_equal(check_chain(), ACME_OK);
    record.chain_count = 2;
    check.scratch_size = sizeof(scratch);
    for (n = 1; n < 60; n++) {
        int32_t rc;

        bench_flash.fail_read_at = bench_flash.reads + n;
        rc = check_chain();
        bench_flash.fail_read_at = 0;
        assert_true(rc == ACME_OK || rc == ACME_ERR_STORE_IO);
        failed += rc != ACME_OK ? 1 : 0;
    }
    assert_true(failed > 20);
    check.generation = 1; /* where no chain is */
    assert_int_equal(check_chain(), ACME_ERR_STORE_CORRUPT);
}

static int32_t check_without_memory(uint32_t n, bool for_good)
{
    int32_t rc;

    calloc_calls = 0;
    calloc_fail_at = n;
    calloc_fail_rest = for_good;
    rc = check_chain();
    calloc_fail_at = 0;
    calloc_fail_rest = false;
    return rc;
}

/* A chain is never called bad when it is the memory that is at fault: the n-th allocation fails, or
 * all from then on. */
static void test_checks_without_memory(void **state)
{
    struct cert chain[2] = {make(leaf_template()), make(ca_template())};
    uint32_t n, named = 0, for_good;
    int32_t rc = -1;

    (void)state;
    store(chain, 1);
    for (n = 1; rc != ACME_OK; n += n < 30 ? 1 : 13) {
        rc = check_without_memory(n, false);
        assert_true(rc == ACME_OK || rc == ACME_ERR_TLS_MEMORY || rc == ACME_ERR_CRYPTO);
        named += rc == ACME_ERR_TLS_MEMORY ? 1 : 0;
    }
    assert_true(n > 100 && named > 8);
    store(chain, 2);
    for (for_good = 0; for_good < 2; for_good++) {
        uint32_t all;

        calloc_calls = 0;
        assert_int_equal(check_chain(), ACME_OK);
        all = calloc_calls;
        assert_true(all > 1000);
        for (n = 1; n <= all; n += n < 120 ? 1 : all / 50) {
            rc = check_without_memory(n, for_good != 0);
            assert_true(rc == ACME_OK || rc == ACME_ERR_TLS_MEMORY || rc == ACME_ERR_CRYPTO);
            assert_true(rc != ACME_OK || for_good == 0);
        }
    }
}

#if defined(CONFIG_ACME_ARI)
static int32_t cert_id(char *out, size_t size)
{
    struct acme_buf b;

    acme_buf_init(&b, out, size);
    return acme_cert_id(&check, &record, &b);
}

/* RFC 9773 4.1 */
static void test_cert_id(void **state)
{
    struct cert leaf = make(leaf_template());
    char out[ACME_CERT_ID_MAX], want[ACME_CERT_ID_MAX];
    uint8_t id[20], *aki;
    size_t len, size;

    (void)state;
    store(&leaf, 1);
    assert_true(ca_pki_key_id(ca_point, id));
    len = ca_pki_b64(id, sizeof(id), want);
    want[len++] = '.';
    (void)ca_pki_b64(leaf_template().serial, 16, want + len);
    assert_int_equal(cert_id(out, sizeof(out)), ACME_OK);
    assert_string_equal(out, want);
    for (size = 1; size <= strlen(want); size++) {
        assert_int_equal(cert_id(out, size), ACME_ERR_BUFFER);
    }
    assert_int_equal(cert_id(out, size), ACME_OK);
    /* without the extension there is no identifier */
    aki = memmem(leaf.der, leaf.len, "\x06\x03\x55\x1d\x23", 5);
    assert_non_null(aki);
    aki[4] = 0x7f;
    store(&leaf, 1);
    assert_int_equal(cert_id(out, sizeof(out)), ACME_ERR_CERT_PARSE);
    leaf.der[0] = 0;
    store(&leaf, 1);
    assert_int_equal(cert_id(out, sizeof(out)), ACME_ERR_CERT_PARSE);
}
#endif

#if defined(CONFIG_ACME_ALTERNATE_CHAINS)
static int32_t issued_by(const char *name)
{
    return acme_cert_issued_by(&check, &record, name);
}

/* By the common name of the topmost issuer, and by nothing else. */
static void test_issued_by(void **state)
{
    struct ca_pki_template t = ca_template();
    struct cert chain[2] = {make(leaf_template())};

    (void)state;
    t.issuer = "DC=example,CN=Old Root,O=Old Organization";
    chain[1] = make(t);
    store(chain, 2);
    assert_int_equal(issued_by("Old Root"), ACME_OK);
    assert_int_equal(issued_by("Old Roots"), ACME_ERR_NOT_FOUND);
    assert_int_equal(issued_by("Old Roof"), ACME_ERR_NOT_FOUND);
    assert_int_equal(issued_by("example"), ACME_ERR_NOT_FOUND);
    assert_int_equal(issued_by("Old Organization"), ACME_ERR_NOT_FOUND);
    assert_int_equal(issued_by("Issuing CA"), ACME_ERR_NOT_FOUND);
    store(chain, 1);
    assert_int_equal(issued_by("Issuing CA"), ACME_OK);
    check.generation = 1;
    assert_int_equal(issued_by("Issuing CA"), ACME_ERR_STORE_CORRUPT);
}
#endif

static int up(void **state)
{
    size_t len;
    bool made;

    return bench_up(state) == 0 && ca_pki_point(root_key, root_point) &&
                   ca_pki_point(ca_key, ca_point) && ca_pki_point(stranger, stranger_point) &&
                   acme_jws_ensure_key(KEY, ACME_KEY_EC_P256, false, &made) == ACME_OK &&
                   psa_export_public_key(KEY, device_point, sizeof(device_point), &len) ==
                       PSA_SUCCESS
               ? 0
               : -1;
}

static int fresh(void **state)
{
    (void)state;
    now_s = NOW;
    has_clock = true;
    verify_ret = 0;
    acme_clock_init(&device_clock, &clock_ops, NULL, 0);
    check = (struct acme_chain_check){.log = &bench_log,
                                      .clock = &device_clock,
                                      .request = &request,
                                      .key = KEY,
                                      .scratch = scratch,
                                      .scratch_size = sizeof(scratch)};
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_csr_anywhere, fresh),
        cmocka_unit_test_setup(test_csr_names_each_name_once, fresh),
        cmocka_unit_test_setup(test_csr_of_every_size, fresh),
        cmocka_unit_test_setup(test_csr_needs_a_key, fresh),
        cmocka_unit_test_setup(test_csr_without_memory, fresh),
        cmocka_unit_test_setup(test_good_chains, fresh),
        cmocka_unit_test_setup(test_nothing_is_no_chain, fresh),
        cmocka_unit_test_setup(test_another_key, fresh),
        cmocka_unit_test_setup(test_other_names, fresh),
#if defined(CONFIG_ACME_IP_IDENTIFIERS)
        cmocka_unit_test_setup(test_addresses, fresh),
        cmocka_unit_test_setup(test_names_have_kinds, fresh),
        cmocka_unit_test_setup(test_the_added_name_is_told, fresh),
#endif
        cmocka_unit_test_setup(test_dates, fresh),
        cmocka_unit_test_setup(test_broken_chains, fresh),
        cmocka_unit_test_setup(test_sorted_and_cut, fresh),
        cmocka_unit_test_setup(test_two_ways_up, fresh),
        cmocka_unit_test_setup(test_issuers_of_one_name, fresh),
        cmocka_unit_test_setup(test_critical_constraints, fresh),
        cmocka_unit_test_setup(test_early_and_added, fresh),
        cmocka_unit_test_setup(test_dates_are_ours, fresh),
        cmocka_unit_test_setup(test_every_byte_counts, fresh),
        cmocka_unit_test_setup(test_a_store_that_fails, fresh),
        cmocka_unit_test_setup(test_checks_without_memory, fresh),
#if defined(CONFIG_ACME_ARI)
        cmocka_unit_test_setup(test_cert_id, fresh),
#endif
#if defined(CONFIG_ACME_ALTERNATE_CHAINS)
        cmocka_unit_test_setup(test_issued_by, fresh),
#endif
    };

    return cmocka_run_group_tests(tests, up, bench_down);
}
