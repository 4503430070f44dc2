/*
 * The records of the DNS ways: dns-account-01's label against the draft's example, dns-persist-01's
 * value written and read back, and the records that give no leave.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "challenge/challenge.h"
#include "challenge/dns.h"
#include "challenge/persist.h"
#include "crypto_bench.h"

#define ACCOUNT "https://ca.example/acct/123"
#define HASHED  "https://ca.example/account-hash/sha-256/"
#define NOW     1800000000

static void test_account_label(void **state)
{
    const struct acme_challenge challenge = {
        .identifier = "www.example.org",
        .key_authorization = "token.thumbprint",
        .account_url = "https://example.com/acme/acct/ExampleAccount",
    };
    char name[128], value[64];
    struct acme_buf n, v;

    (void)state;
    acme_buf_init(&n, name, sizeof(name));
    acme_buf_init(&v, value, sizeof(value));
    acme_challenge_dns_account_01.record(&challenge, &n, &v);
    assert_string_equal(name, "_ujmmovf2vn55tgye._acme-challenge.www.example.org");
    assert_int_equal(acme_buf_result(&v), 43);
    acme_buf_init(&n, name, sizeof(name));
    acme_buf_init(&v, value, sizeof(value));
    acme_challenge_dns_01.record(&challenge, &n, &v);
    assert_string_equal(name, "_acme-challenge.www.example.org");
    assert_string_equal(value, "61rBZ_4knHblO0MNoxFsXZ_eTFUHum0B6IVRbhvUn5I");
}

psa_status_t __real_psa_hash_compute(psa_algorithm_t alg, const uint8_t *in, size_t in_len,
                                     uint8_t *hash, size_t size, size_t *len);
psa_status_t __wrap_psa_hash_compute(psa_algorithm_t alg, const uint8_t *in, size_t in_len,
                                     uint8_t *hash, size_t size, size_t *len);
static bool no_hash;

psa_status_t __wrap_psa_hash_compute(psa_algorithm_t alg, const uint8_t *in, size_t in_len,
                                     uint8_t *hash, size_t size, size_t *len)
{
    return no_hash ? PSA_ERROR_HARDWARE_FAILURE
                   : __real_psa_hash_compute(alg, in, in_len, hash, size, len);
}

/* Nothing of what was in memory gets into the DNS: the value is empty, which nobody accepts. */
static void test_without_a_hash_there_is_nothing(void **state)
{
    const struct acme_challenge challenge = {.identifier = "www.example.org",
                                             .key_authorization = "token.thumbprint",
                                             .account_url = ACCOUNT};
    char name[128], value[64];
    struct acme_buf n, v;

    (void)state;
    no_hash = true;
    acme_buf_init(&n, name, sizeof(name));
    acme_buf_init(&v, value, sizeof(value));
    acme_challenge_dns_account_01.record(&challenge, &n, &v);
    no_hash = false;
    assert_string_equal(name, "www.example.org");
    assert_int_equal(acme_buf_result(&v), 0);
}

static void test_persist_is_written(void **state)
{
    struct acme_persist p = {"ca.example other.example", ACCOUNT, false, 0};
    char value[256];
    struct acme_buf b;

    (void)state;
    acme_buf_init(&b, value, sizeof(value));
    acme_persist_add(&b, &p);
    assert_string_equal(value, "ca.example; accounturi=" ACCOUNT);
    p.wildcard = true;
    p.until_s = 4102444800;
    acme_buf_init(&b, value, sizeof(value));
    acme_persist_add(&b, &p);
    assert_string_equal(value, "ca.example; accounturi=" ACCOUNT
                               "; policy=wildcard; persistUntil=4102444800");
    p.until_s = NOW;
    assert_true(acme_persist_allows(value, strlen(value), &p));
}

static bool allows(const char *text, bool wildcard)
{
    const struct acme_persist p = {"ca.example other.example", ACCOUNT, wildcard, NOW};

    return acme_persist_allows(text, strlen(text), &p);
}

static void test_persist_is_read(void **state)
{
    static const char *const good[] = {
        "ca.example;accounturi=" ACCOUNT,
        "other.example; accounturi=" ACCOUNT,
        " \tca.example ;\taccounturi =  " ACCOUNT " ",
        "ca.example; AccountURI=" ACCOUNT "; POLICY=Wildcard",
        "ca.example; policy=; accounturi=" ACCOUNT,
        "ca.example; policy=more; accounturi=" ACCOUNT,
        "ca.example; unknown=1; unknown=2; accounturi=" ACCOUNT,
        "ca.example; accounturi=" ACCOUNT "; persistuntil=1800000000",
        "ca.example; accounturi=" ACCOUNT "; x=a=b",
        "ca.example; accounturi=" ACCOUNT "; persistuntil=999999999999999999",
        "ca.example; accounturi=" HASHED "5SQm7n6tPh2-PlLbCKGnViTXX5z19SCN4cPGQHSk-kw",
        "ca.example; accounturi=" HASHED
        "NpDnSwUthQK8zCgFdefYxAdAVPnygMLbs9US6oO-5ug; policy=Wildcard",
    };
    static const char *const bad[] = {
        "",
        ";",
        "ca.example",
        "CA.example; accounturi=" ACCOUNT,
        "ca.exampl; accounturi=" ACCOUNT,
        "ca.example other.example; accounturi=" ACCOUNT,
        "; accounturi=" ACCOUNT,
        "ca.example; accounturi=" ACCOUNT ";",
        "ca.example;; accounturi=" ACCOUNT,
        "ca.example; accounturi",
        "ca.example; =" ACCOUNT,
        "ca.example; accounturi=",
        "ca.example; accounturi=" ACCOUNT "4",
        "ca.example; accounturi=" ACCOUNT "; accounturi=" ACCOUNT,
        "ca.example; accounturi=https://ca.example/acct /123",
        "ca.example; accounturi=" ACCOUNT "; persistUntil=1799999999",
        "ca.example; accounturi=" ACCOUNT "; persistUntil=-1",
        "ca.example; accounturi=" ACCOUNT "; persistUntil=-1800000001",
        "ca.example; accounturi=" ACCOUNT "; persistUntil=18000/0000000",
        "ca.example; accounturi=" ACCOUNT "; persistUntil=18000x0000000",
        "ca.example; accounturi=/sha-256/5SQm7n6tPh2-PlLbCKGnViTXX5z19SCN4cPGQHSk-kw",
        "ca.example; =x; accounturi=" ACCOUNT,
        "ca.example; accounturi=" ACCOUNT "; persistUntil=",
        "ca.example; accounturi=" ACCOUNT "; persistUntil=-",
        "ca.example; accounturi=" ACCOUNT "; persistUntil=soon",
        "ca.example; accounturi=" ACCOUNT "; persistUntil=99999999999999999999",
        "ca.example; accounturi=" ACCOUNT "; note=\x7f",
        "ca.example; accounturi=" ACCOUNT "; note=\xc3\xa9",
        "ca.example; accounturi=" HASHED,
        "ca.example; accounturi=" HASHED "5SQm7n6tPh2-PlLbCKGnViTXX5z19SCN4cPGQHSk-k",
        "ca.example; accounturi=" HASHED "5SQm7n6tPh2+PlLbCKGnViTXX5z19SCN4cPGQHSk-kw",
        "ca.example; accounturi=https://ca.example/5SQm7n6tPh2-PlLbCKGnViTXX5z19SCN4cPGQHSk-kw",
        "other; accounturi=" HASHED "5SQm7n6tPh2-PlLbCKGnViTXX5z19SCN4cPGQHSk-kw",
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(allows(good[i], false));
        assert_int_equal(allows(good[i], true), strstr(good[i], "Wildcard") != NULL);
    }
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(allows(bad[i], false));
    }
    /* Who does not know the time takes a record that ended in 1970, and none that says nothing. */
    for (i = 0; i < 4; i++) {
        static const char *const until[] = {"0", "-1", "", "-"};
        const struct acme_persist p = {"ca.example", ACCOUNT, false, 0};
        char text[200];

        (void)snprintf(text, sizeof(text), "ca.example; accounturi=%s; persistUntil=%s", ACCOUNT,
                       until[i]);
        assert_int_equal(acme_persist_allows(text, strlen(text), &p), i == 0);
    }
}

/* What the provider finds decides; where it cannot look the CA does. */
static int32_t looked;
static const char *found_text;

static int32_t look(void *ctx, const char *name, acme_dns_txt_fn found, void *found_ctx,
                    uint32_t *wait_ms)
{
    (void)ctx;
    assert_string_equal(name, "_validation-persist.www.example.org");
    *wait_ms = 7;
    if (looked == ACME_OK && found_text != NULL) {
        found(found_ctx, "v=spf1 -all", 11);
        found(found_ctx, found_text, strlen(found_text));
    }
    return looked;
}

static void test_persist_looks(void **state)
{
    static const struct acme_dns_ops ops = {.lookup = look}, blind = {.stop = NULL};
    const struct acme_challenge challenge = {
        .identifier = "www.example.org",
        .account_url = ACCOUNT,
        .issuers = "ca.example",
        .now_s = NOW,
    };
    const struct acme_challenge_ops *type = &acme_challenge_dns_persist_01;
    struct acme_challenges s;
    struct acme_dns_record record = {.now_s = NOW};
    char name[128], value[64];
    struct acme_buf n, v;
    uint32_t wait_ms = 1000;

    (void)state;
    memset(&s, 0, sizeof(s));
    acme_buf_init(&n, name, sizeof(name));
    acme_buf_init(&v, value, sizeof(value));
    type->record(&challenge, &n, &v);
    record.name = name;
    record.value = value;
    assert_int_equal(type->ready(&s, &challenge, &record, &wait_ms), ACME_OK);
    s.dns = &blind;
    assert_int_equal(type->ready(&s, &challenge, &record, &wait_ms), ACME_OK);
    s.dns = &ops;
    looked = ACME_ERR_AGAIN;
    assert_int_equal(type->ready(&s, &challenge, &record, &wait_ms), ACME_ERR_AGAIN);
    assert_int_equal(wait_ms, 7);
    looked = ACME_ERR_UNSUPPORTED;
    assert_int_equal(type->ready(&s, &challenge, &record, &wait_ms), ACME_OK);
    looked = ACME_ERR_TIMEOUT;
    assert_int_equal(type->ready(&s, &challenge, &record, &wait_ms), ACME_ERR_TIMEOUT);
    looked = ACME_OK;
    assert_int_equal(type->ready(&s, &challenge, &record, &wait_ms), ACME_ERR_DNS_RECORD);
    found_text = "ca.example; accounturi=" ACCOUNT "5";
    assert_int_equal(type->ready(&s, &challenge, &record, &wait_ms), ACME_ERR_DNS_RECORD);
    found_text = "ca.example; accounturi=" ACCOUNT;
    assert_int_equal(type->ready(&s, &challenge, &record, &wait_ms), ACME_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_account_label),
        cmocka_unit_test(test_without_a_hash_there_is_nothing),
        cmocka_unit_test(test_persist_is_written),
        cmocka_unit_test(test_persist_is_read),
        cmocka_unit_test(test_persist_looks),
    };

    return cmocka_run_group_tests(tests, bench_up, bench_down);
}
