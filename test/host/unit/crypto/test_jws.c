/*
 * JWK, thumbprint, JWS and external account binding: against the vectors of RFC 7638 and RFC 7515,
 * and by verifying what was signed. Every buffer that is too small is told, and never overrun.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <psa/internal_trusted_storage.h>

#include "base/b64url.h"
#include "crypto_bench.h"
#include "wipe_watch.h"
#include "crypto/jws.h"

#define KEY 0x0ac30000u

/* ---- a key store that fails, or says strange things ---- */

enum call { NONE, ATTRIBUTES, GENERATE, IMPORT, HASH, MAC_SETUP, MAC_UPDATE, MAC_FINISH };
static enum call fail_call; /* fails the n-th time with this */
static uint32_t fail_at;
static psa_status_t fail_status;
static const uint8_t *public_key; /* exported instead of the real one, unless NULL */
static size_t public_key_len;

static void set_failure(enum call call, uint32_t at, psa_status_t status)
{
    fail_call = call;
    fail_at = at;
    fail_status = status;
}

static psa_status_t failure(enum call call)
{
    return call == fail_call && fail_at > 0 && --fail_at == 0 ? fail_status : PSA_SUCCESS;
}

#define WRAP(call, name, declared, given)                                                          \
    psa_status_t __real_##name declared;                                                           \
    psa_status_t __wrap_##name declared;                                                           \
    psa_status_t __wrap_##name declared                                                            \
    {                                                                                              \
        psa_status_t status = failure(call);                                                       \
                                                                                                   \
        return status != PSA_SUCCESS ? status : __real_##name given;                               \
    }
WRAP(ATTRIBUTES, psa_get_key_attributes, (psa_key_id_t id, psa_key_attributes_t *a), (id, a))
WRAP(GENERATE, psa_generate_key, (const psa_key_attributes_t *a, psa_key_id_t *id), (a, id))
WRAP(IMPORT, psa_import_key,
     (const psa_key_attributes_t *a, const uint8_t *data, size_t len, psa_key_id_t *id),
     (a, data, len, id))
WRAP(HASH, psa_hash_compute,
     (psa_algorithm_t alg, const uint8_t *in, size_t len, uint8_t *hash, size_t size, size_t *n),
     (alg, in, len, hash, size, n))
WRAP(MAC_SETUP, psa_mac_sign_setup,
     (psa_mac_operation_t * op, psa_key_id_t key, psa_algorithm_t alg), (op, key, alg))
WRAP(MAC_UPDATE, psa_mac_update, (psa_mac_operation_t * op, const uint8_t *in, size_t len),
     (op, in, len))
WRAP(MAC_FINISH, psa_mac_sign_finish,
     (psa_mac_operation_t * op, uint8_t *mac, size_t size, size_t *len), (op, mac, size, len))

psa_status_t __real_psa_export_public_key(psa_key_id_t key, uint8_t *data, size_t size,
                                          size_t *len);
psa_status_t __wrap_psa_export_public_key(psa_key_id_t key, uint8_t *data, size_t size,
                                          size_t *len);
psa_status_t __wrap_psa_export_public_key(psa_key_id_t key, uint8_t *data, size_t size, size_t *len)
{
    if (public_key == NULL) {
        return __real_psa_export_public_key(key, data, size, len);
    }
    memcpy(data, public_key, public_key_len);
    *len = public_key_len;
    return PSA_SUCCESS;
}

static void test_keys(void **state)
{
    uint8_t out[256];
    size_t len;
    bool made;

    (void)state;
    assert_false(acme_jws_key_exists(KEY));
    assert_int_equal(acme_jws_destroy_key(KEY), ACME_OK);
    assert_int_equal(acme_jws_ensure_key(KEY, 99, false, &made), ACME_ERR_KEY_TYPE);
    for (uint32_t type = ACME_KEY_RSA_4096 + 1u; type <= UINT8_MAX; type++) {
        assert_int_equal(acme_jws_check_key_type((uint8_t)type), ACME_ERR_KEY_TYPE);
    }
    assert_int_equal(acme_jws_ensure_key(KEY, ACME_KEY_EC_P256, false, &made), ACME_OK);
    assert_true(made && acme_jws_key_exists(KEY));
    assert_int_equal(psa_export_key(KEY, out, sizeof(out), &len), PSA_ERROR_NOT_PERMITTED);
    assert_int_equal(acme_jws_ensure_key(KEY, ACME_KEY_EC_P256, false, &made), ACME_OK);
    assert_false(made);
    /* Another type, or another right to export: another key. */
    assert_int_equal(acme_jws_ensure_key(KEY, ACME_KEY_EC_P256, true, &made), ACME_OK);
    assert_true(made);
    assert_int_equal(psa_export_key(KEY, out, sizeof(out), &len), PSA_SUCCESS);
    assert_int_equal(acme_jws_ensure_key(KEY, ACME_KEY_EC_P384, false, &made), ACME_OK);
    assert_true(made);
    assert_int_equal(acme_jws_destroy_key(KEY), ACME_OK);
    assert_false(acme_jws_key_exists(KEY));
}

static void test_keys_need_the_store(void **state)
{
    bool made;

    (void)state;
    bench_flash.off = true;
    assert_int_not_equal(acme_jws_ensure_key(KEY, ACME_KEY_EC_P256, false, &made), ACME_OK);
    flash_sim_power_on(&bench_flash);
    assert_int_equal(acme_jws_ensure_key(KEY, ACME_KEY_EC_P256, false, &made), ACME_OK);
}

#if defined(CONFIG_ACME_KEY_REUSE)
#define OLD (KEY + 1)

/* What a key store in the way of the copy says; PSA_SUCCESS: nothing is in the way. */
static psa_status_t copy_status;

psa_status_t __real_psa_copy_key(psa_key_id_t source, const psa_key_attributes_t *attributes,
                                 psa_key_id_t *target);
psa_status_t __wrap_psa_copy_key(psa_key_id_t source, const psa_key_attributes_t *attributes,
                                 psa_key_id_t *target);
psa_status_t __wrap_psa_copy_key(psa_key_id_t source, const psa_key_attributes_t *attributes,
                                 psa_key_id_t *target)
{
    return copy_status != PSA_SUCCESS ? copy_status
                                      : __real_psa_copy_key(source, attributes, target);
}

static bool same_key(psa_key_id_t a, psa_key_id_t b)
{
    uint8_t first[560], second[560];
    size_t first_len, second_len;

    assert_int_equal(psa_export_public_key(a, first, sizeof(first), &first_len), PSA_SUCCESS);
    assert_int_equal(psa_export_public_key(b, second, sizeof(second), &second_len), PSA_SUCCESS);
    return first_len == second_len && memcmp(first, second, first_len) == 0;
}

/* One read that fails is no reason for another key, whichever read it is. */
static void test_failed_read(void **state)
{
    uint8_t before[65], after[65];
    size_t len;
    uint32_t n;
    int32_t rc;
    bool made;

    (void)state;
    assert_int_equal(acme_jws_ensure_key(KEY, ACME_KEY_EC_P256, false, &made), ACME_OK);
    assert_int_equal(psa_export_public_key(KEY, before, sizeof(before), &len), PSA_SUCCESS);
    for (n = 1; n <= 12; n++) {
        assert_int_equal(psa_purge_key(KEY), PSA_SUCCESS);
        bench_flash.fail_read_at = bench_flash.reads + n;
        rc = acme_jws_ensure_key(KEY, ACME_KEY_EC_P256, false, &made);
        bench_flash.fail_read_at = 0;
        assert_true(rc != ACME_OK || !made);
        assert_int_equal(psa_export_public_key(KEY, after, sizeof(after), &len), PSA_SUCCESS);
        assert_memory_equal(before, after, sizeof(before));
    }
    /* What is said of a damaged key may be said of one that could not be read this time. */
    set_failure(ATTRIBUTES, 1, PSA_ERROR_DATA_INVALID);
    assert_true(acme_jws_key_exists(KEY));
    set_failure(ATTRIBUTES, 1, PSA_ERROR_DATA_INVALID);
    assert_int_equal(acme_jws_ensure_key(KEY, ACME_KEY_EC_P256, false, &made), ACME_OK);
    assert_false(made);
    set_failure(ATTRIBUTES, 1, PSA_ERROR_STORAGE_FAILURE);
    assert_false(acme_jws_key_lost(KEY));
    assert_int_equal(acme_jws_destroy_key(KEY), ACME_OK);
}

enum how { FOUND, COPIED, GENERATED };

static enum how ensure_copy(psa_key_id_t id, psa_key_id_t old, uint8_t type, bool exportable)
{
    bool made, copied;

    assert_int_equal(acme_jws_ensure_copy(id, old, type, exportable, &made, &copied), ACME_OK);
    assert_true(acme_jws_key_exists(id));
    assert_true(made || !copied);
    return copied ? COPIED : made ? GENERATED : FOUND;
}

static void destroy_both(void)
{
    assert_int_equal(acme_jws_destroy_key(KEY), ACME_OK);
    assert_int_equal(acme_jws_destroy_key(OLD), ACME_OK);
}

static void test_reuse(void **state)
{
    static const uint8_t types[] = {ACME_KEY_EC_P256, ACME_KEY_EC_P384, ACME_KEY_RSA_2048};
    uint8_t out[256] = {0}, signature[512];
    size_t i, len;
    bool made;

    (void)state;
    for (i = 0; i < sizeof(types); i++) {
        psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT, b = PSA_KEY_ATTRIBUTES_INIT;

        assert_int_equal(ensure_copy(OLD, PSA_KEY_ID_NULL, types[i], false), GENERATED);
        assert_int_equal(ensure_copy(KEY, OLD, types[i], false), COPIED);
        assert_true(same_key(KEY, OLD));
        assert_int_equal(psa_get_key_attributes(OLD, &a), PSA_SUCCESS);
        assert_int_equal(psa_get_key_attributes(KEY, &b), PSA_SUCCESS);
        assert_int_equal(psa_get_key_algorithm(&a), psa_get_key_algorithm(&b));
        assert_int_equal(psa_get_key_enrollment_algorithm(&a),
                         psa_get_key_enrollment_algorithm(&b));
        assert_int_equal(psa_get_key_usage_flags(&a), psa_get_key_usage_flags(&b));
        /* The copy is as closed as what it is of, and outlives it, for another round. */
        assert_int_equal(acme_jws_destroy_key(OLD), ACME_OK);
        assert_int_equal(psa_export_key(KEY, out, sizeof(out), &len), PSA_ERROR_NOT_PERMITTED);
        assert_int_equal(psa_sign_message(KEY,
                                          types[i] == ACME_KEY_RSA_2048
                                              ? PSA_ALG_RSA_PSS(PSA_ALG_SHA_256)
                                              : PSA_ALG_ECDSA(PSA_ALG_SHA_256),
                                          out, 10, signature, sizeof(signature), &len),
                         PSA_SUCCESS);
        assert_int_equal(ensure_copy(OLD, KEY, types[i], false), COPIED);
        assert_int_equal(ensure_copy(OLD, KEY, types[i], false), FOUND);
        destroy_both();
    }
    /* A key that may be copied is not taken for one that may not, nor the other way round. */
    assert_int_equal(ensure_copy(KEY, PSA_KEY_ID_NULL, ACME_KEY_EC_P256, false), GENERATED);
    assert_int_equal(acme_jws_ensure_key(KEY, ACME_KEY_EC_P256, false, &made), ACME_OK);
    assert_true(made);
    assert_int_equal(ensure_copy(KEY, PSA_KEY_ID_NULL, ACME_KEY_EC_P256, false), GENERATED);
    destroy_both();
}

static void test_no_reuse(void **state)
{
    static const psa_status_t refusals[] = {PSA_ERROR_NOT_SUPPORTED, PSA_ERROR_NOT_PERMITTED,
                                            PSA_ERROR_INVALID_ARGUMENT};
    size_t i;
    bool made, copied;

    (void)state;
    assert_int_equal(acme_jws_ensure_copy(KEY, OLD, 99, false, &made, &copied), ACME_ERR_KEY_TYPE);
    /* There is no old key; then one that was made without the option. */
    assert_int_equal(ensure_copy(KEY, OLD, ACME_KEY_EC_P256, false), GENERATED);
    destroy_both();
    assert_int_equal(acme_jws_ensure_key(OLD, ACME_KEY_EC_P256, false, &made), ACME_OK);
    assert_int_equal(ensure_copy(KEY, OLD, ACME_KEY_EC_P256, false), GENERATED);
    assert_false(same_key(KEY, OLD));
    destroy_both();
    /* One that is damaged for good. */
    assert_int_equal(ensure_copy(OLD, PSA_KEY_ID_NULL, ACME_KEY_EC_P256, false), GENERATED);
    (void)psa_purge_key(OLD);
    assert_int_equal(psa_its_set(OLD, 4, "junk", 0), PSA_SUCCESS);
    assert_int_equal(ensure_copy(KEY, OLD, ACME_KEY_EC_P256, false), GENERATED);
    destroy_both();
    /* It must not lie in the way of the next one for ever. */
    assert_int_equal(psa_its_set(KEY, 4, "junk", 0), PSA_SUCCESS);
    assert_int_equal(acme_jws_ensure_key(KEY, ACME_KEY_EC_P256, false, &made), ACME_OK);
    assert_true(made && acme_jws_key_exists(KEY));
    destroy_both();
    /* Another type, or another right to export, in both directions. */
    assert_int_equal(ensure_copy(OLD, PSA_KEY_ID_NULL, ACME_KEY_EC_P256, false), GENERATED);
    assert_int_equal(ensure_copy(KEY, OLD, ACME_KEY_EC_P384, false), GENERATED);
    assert_int_equal(ensure_copy(KEY, OLD, ACME_KEY_EC_P256, true), GENERATED);
    assert_false(same_key(KEY, OLD));
    assert_int_equal(ensure_copy(OLD, KEY, ACME_KEY_EC_P256, false), FOUND);
    assert_int_equal(acme_jws_destroy_key(OLD), ACME_OK);
    assert_int_equal(ensure_copy(OLD, KEY, ACME_KEY_EC_P256, false), GENERATED);
    assert_false(same_key(KEY, OLD));
    /* A secure element does not copy: another key. No room for it now: no key at all. */
    for (i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        assert_int_equal(acme_jws_destroy_key(KEY), ACME_OK);
        copy_status = refusals[i];
        assert_int_equal(ensure_copy(KEY, OLD, ACME_KEY_EC_P256, false), GENERATED);
        assert_false(same_key(KEY, OLD));
    }
    assert_int_equal(acme_jws_destroy_key(KEY), ACME_OK);
    copy_status = PSA_ERROR_INSUFFICIENT_MEMORY;
    assert_int_equal(acme_jws_ensure_copy(KEY, OLD, ACME_KEY_EC_P256, false, &made, &copied),
                     ACME_ERR_TLS_MEMORY);
    assert_false(acme_jws_key_exists(KEY));
    copy_status = PSA_SUCCESS;
    bench_flash.off = true;
    assert_int_not_equal(acme_jws_ensure_copy(KEY, OLD, ACME_KEY_EC_P256, false, &made, &copied),
                         ACME_OK);
    flash_sim_power_on(&bench_flash);
    assert_false(acme_jws_key_exists(KEY));
    assert_int_equal(ensure_copy(KEY, OLD, ACME_KEY_EC_P256, false), COPIED);
    assert_true(same_key(KEY, OLD));
    destroy_both();
}
#endif

/* RFC 7638 3.1: the thumbprint of this RSA key is NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs. */
static void test_rfc7638(void **state)
{
    static const char n[] = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7"
                            "aPFFxuhDR1L6tSoc_BJECP"
                            "ebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_"
                            "RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY"
                            "368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdk"
                            "t-bFTWhAI4vMQFh6WeZu0f"
                            "M4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    uint8_t der[9 + 257 + 5] = {0x30, 0x82, 0x01, 0x0a, 0x02, 0x82, 0x01, 0x01, 0x00},
                          scratch[2048];
    psa_key_id_t id;
    char out[44];

    (void)state;
    assert_int_equal(acme_b64url_decode(n, strlen(n), der + 9, 256), 256);
    memcpy(der + 9 + 256, "\x02\x03\x01\x00\x01", 5);
    psa_set_key_type(&attributes, PSA_KEY_TYPE_RSA_PUBLIC_KEY);
    assert_int_equal(psa_import_key(&attributes, der, 9 + 256 + 5, &id), PSA_SUCCESS);
    assert_int_equal(acme_jws_thumbprint(id, out, scratch, sizeof(scratch)), ACME_OK);
    assert_string_equal(out, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    assert_int_equal(acme_jws_thumbprint(id, out, scratch, 300), ACME_ERR_CRYPTO);
    assert_int_equal(acme_jws_thumbprint(id, out, scratch, 700), ACME_ERR_BUFFER);
    assert_int_equal(psa_destroy_key(id), PSA_SUCCESS);
    assert_int_equal(acme_jws_thumbprint(id, out, scratch, sizeof(scratch)), ACME_ERR_CRYPTO);
}

/* RFC 7515 A.3.1: the EC key's members come out as they stand there. */
static void test_rfc7515_key(void **state)
{
    static const char d[] = "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI";
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    uint8_t raw[32], scratch[256];
    psa_key_id_t id;
    char out[256];
    struct acme_buf b;

    (void)state;
    assert_int_equal(acme_b64url_decode(d, strlen(d), raw, 32), 32);
    psa_set_key_type(&attributes, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
    assert_int_equal(psa_import_key(&attributes, raw, 32, &id), PSA_SUCCESS);
    acme_buf_init(&b, out, sizeof(out));
    assert_int_equal(acme_jws_add_jwk(&b, id, scratch, sizeof(scratch)), ACME_OK);
    assert_string_equal(out, "{\"crv\":\"P-256\",\"kty\":\"EC\","
                             "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
                             "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}");
    assert_int_equal(acme_jws_add_jwk(&b, id, scratch, 10), ACME_ERR_CRYPTO);
    assert_int_equal(psa_destroy_key(id), PSA_SUCCESS);
}

/* Takes one member's text out of a flattened JWS. */
static size_t member(const char *jws, const char *name, const char **value)
{
    char mark[32];
    const char *at;

    (void)snprintf(mark, sizeof(mark), "\"%s\":\"", name);
    at = strstr(jws, mark);
    assert_non_null(at);
    *value = at + strlen(mark);
    return (size_t)(strchr(*value, '"') - *value);
}

static void decode(const char *jws, const char *name, char *out, size_t size)
{
    const char *text;
    size_t len = member(jws, name, &text);
    int32_t n = acme_b64url_decode(text, len, (uint8_t *)out, size - 1);

    assert_true(n >= 0);
    out[n] = '\0';
}

/* The signature holds over BASE64URL(protected) "." BASE64URL(payload). */
static void verify(const char *jws, psa_key_id_t key, psa_algorithm_t alg)
{
    const char *head, *payload, *signature;
    size_t head_len = member(jws, "protected", &head);
    size_t payload_len = member(jws, "payload", &payload);
    size_t signature_len = member(jws, "signature", &signature);
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    static uint8_t input[8192], raw[600], public[600];
    psa_key_id_t verifier;
    size_t public_len;
    int32_t n = acme_b64url_decode(signature, signature_len, raw, sizeof(raw));

    assert_true(n > 0);
    memcpy(input, head, head_len);
    input[head_len] = '.';
    memcpy(input + head_len + 1, payload, payload_len);
    /* Who verifies has the public key only. */
    assert_int_equal(psa_export_public_key(key, public, sizeof(public), &public_len), PSA_SUCCESS);
    assert_int_equal(psa_get_key_attributes(key, &attributes), PSA_SUCCESS);
    psa_set_key_type(&attributes, PSA_KEY_TYPE_IS_RSA(psa_get_key_type(&attributes))
                                      ? PSA_KEY_TYPE_RSA_PUBLIC_KEY
                                      : PSA_KEY_TYPE_ECC_PUBLIC_KEY(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_lifetime(&attributes, PSA_KEY_LIFETIME_VOLATILE);
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_VERIFY_MESSAGE);
    psa_set_key_algorithm(&attributes, alg);
    assert_int_equal(psa_import_key(&attributes, public, public_len, &verifier), PSA_SUCCESS);
    assert_int_equal(
        psa_verify_message(verifier, alg, input, head_len + 1 + payload_len, raw, (size_t)n),
        PSA_SUCCESS);
    assert_int_equal(psa_destroy_key(verifier), PSA_SUCCESS);
}

/* The whole of a JWS, in as many calls as its signature takes. */
static int32_t write_jws(const struct acme_jws_params *p, char *work, size_t work_size,
                         size_t offset, size_t payload_len, uint8_t *scratch, size_t scratch_size)
{
    int32_t rc = acme_jws_start(p, work, work_size, offset, payload_len, scratch, scratch_size);

    if (rc != ACME_OK) {
        return rc;
    }
    do {
        rc = acme_jws_sign(scratch, scratch_size);
    } while (rc == ACME_ERR_AGAIN);
    return rc;
}

static void check_jws(uint8_t type, psa_algorithm_t alg, const char *alg_name)
{
    static char work[8192];
    static uint8_t scratch[2560];
    static const char payload[] = "{\"csr\":\"abc\"}";
    struct acme_jws_params p = {KEY, type, "https://ca.example/account/1", "nonce-1",
                                "https://ca.example/order/1"};
    char text[4096], want[300];
    bool made;
    int32_t n;

    assert_int_equal(acme_jws_ensure_key(KEY, type, false, &made), ACME_OK);
    memcpy(work + sizeof(work) - strlen(payload), payload, strlen(payload));
    n = write_jws(&p, work, sizeof(work), 100, strlen(payload), scratch, sizeof(scratch));
    assert_true(n > 0);
    assert_int_equal(strlen(work + 100), n);
    verify(work + 100, KEY, alg);
    decode(work + 100, "protected", text, sizeof(text));
    (void)snprintf(want, sizeof(want),
                   "{\"alg\":\"%s\",\"kid\":\"https://ca.example/account/1\",\"nonce\":\"nonce-1\","
                   "\"url\":\"https://ca.example/order/1\"}",
                   alg_name);
    assert_string_equal(text, want);
    decode(work + 100, "payload", text, sizeof(text));
    assert_string_equal(text, payload);
    /* POST-as-GET: the payload is the empty string; and with the key itself instead of its name. */
    p.kid = NULL;
    n = write_jws(&p, work, sizeof(work), 0, 0, scratch, sizeof(scratch));
    assert_true(n > 0);
    verify(work, KEY, alg);
    decode(work, "payload", text, sizeof(text));
    assert_string_equal(text, "");
    decode(work, "protected", text, sizeof(text));
    assert_non_null(strstr(text, "\"jwk\":{"));
    assert_null(strstr(text, "\"kid\""));
    assert_null(strstr(text, "\"d\""));
}

static void test_es256(void **state)
{
    (void)state;
    check_jws(ACME_KEY_EC_P256, PSA_ALG_ECDSA(PSA_ALG_SHA_256), "ES256");
}

static void test_es384(void **state)
{
    (void)state;
    check_jws(ACME_KEY_EC_P384, PSA_ALG_ECDSA(PSA_ALG_SHA_384), "ES384");
}

static void test_rs256(void **state)
{
    (void)state;
    check_jws(ACME_KEY_RSA_2048, PSA_ALG_RSA_PKCS1V15_SIGN(PSA_ALG_SHA_256), "RS256");
}

/* At every size of the buffers: a whole JWS or an error, and nothing written outside. */
static void test_small_buffers(void **state)
{
    struct acme_jws_params p = {KEY, ACME_KEY_EC_P256, NULL, "n", "https://ca.example/x"};
    static char work[1200 + 16];
    static uint8_t scratch[1024 + 16];
    size_t size, whole = 0;
    bool made;

    (void)state;
    assert_int_equal(acme_jws_ensure_key(KEY, ACME_KEY_EC_P256, false, &made), ACME_OK);
    for (size = 1; size <= 1200; size += 3) {
        size_t payload_len = size > 60 ? 60 : size / 2;
        int32_t n;

        memset(work, 0x55, sizeof(work));
        n = write_jws(&p, work, size, 0, payload_len, scratch, 1024);
        assert_true(n == ACME_ERR_BUFFER || n > 0);
        whole += n > 0 ? 1 : 0;
        if (n > 0) {
            verify(work, KEY, PSA_ALG_ECDSA(PSA_ALG_SHA_256));
        }
        assert_int_equal(work[size], 0x55);
        assert_int_equal(work[size + 15], 0x55);
    }
    assert_true(whole > 10);
    for (size = 80; size <= 1024; size += 13) {
        int32_t n;

        memset(scratch, 0x55, sizeof(scratch));
        n = write_jws(&p, work, 1200, 0, 60, scratch, size);
        assert_true(n == ACME_ERR_BUFFER || n == ACME_ERR_CRYPTO || n > 0);
        assert_int_equal(scratch[size], 0x55);
    }
    memset(work, 0x55, sizeof(work));
    assert_int_equal(write_jws(&p, work, 100, 100, 0, scratch, 1024), ACME_ERR_BUFFER);
    assert_int_equal(write_jws(&p, work, 100, 50, 51, scratch, 1024), ACME_ERR_BUFFER);
    for (size = 100; size < sizeof(work); size++) {
        assert_int_equal(work[size], 0x55);
    }
    for (p.kid = "k", size = 32; size <= 600; size++) { /* a header that takes next to nothing */
        memset(scratch, 0x55, sizeof(scratch));
        assert_true(write_jws(&p, work, 1200, 0, 0, scratch, size) != ACME_OK);
        assert_int_equal(scratch[size], 0x55);
    }
    p.kid = NULL;
    p.key_type = 77;
    assert_int_equal(write_jws(&p, work, 1200, 0, 0, scratch, 1024), ACME_ERR_KEY_TYPE);
    p.key_type = ACME_KEY_EC_P256;
    p.key = KEY + 1; /* there is none */
    assert_int_equal(write_jws(&p, work, 1200, 0, 0, scratch, 1024), ACME_ERR_CRYPTO);
    p.kid = "https://ca.example/account/1";
    assert_int_equal(write_jws(&p, work, 1200, 0, 0, scratch, 1024), ACME_ERR_CRYPTO);
}

static void test_eab(void **state)
{
    static const char key_text[] = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    uint8_t scratch[1024], raw[32], mac[32];
    const char *head, *payload, *signature;
    char out[1500], text[600], input[1200];
    struct acme_buf b;
    size_t head_len, payload_len, signature_len;
    psa_key_id_t hmac;
    bool made;

    (void)state;
    assert_int_equal(acme_jws_ensure_key(KEY, ACME_KEY_EC_P256, false, &made), ACME_OK);
    acme_buf_init(&b, out, sizeof(out));
    assert_int_equal(acme_jws_add_eab(&b, KEY, "kid-1", key_text, "https://ca.example/new", scratch,
                                      sizeof(scratch)),
                     ACME_OK);
    decode(out, "protected", text, sizeof(text));
    assert_string_equal(text,
                        "{\"alg\":\"HS256\",\"kid\":\"kid-1\",\"url\":\"https://ca.example/new\"}");
    decode(out, "payload", text, sizeof(text));
    assert_memory_equal(text, "{\"crv\":\"P-256\"", 14);
    head_len = member(out, "protected", &head);
    payload_len = member(out, "payload", &payload);
    signature_len = member(out, "signature", &signature);
    assert_int_equal(acme_b64url_decode(signature, signature_len, mac, 32), 32);
    (void)snprintf(input, sizeof(input), "%.*s.%.*s", (int)head_len, head, (int)payload_len,
                   payload);
    assert_int_equal(acme_b64url_decode(key_text, strlen(key_text), raw, 32), 32);
    psa_set_key_type(&attributes, PSA_KEY_TYPE_HMAC);
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_VERIFY_MESSAGE);
    psa_set_key_algorithm(&attributes, PSA_ALG_HMAC(PSA_ALG_SHA_256));
    assert_int_equal(psa_import_key(&attributes, raw, 32, &hmac), PSA_SUCCESS);
    assert_int_equal(psa_mac_verify(hmac, PSA_ALG_HMAC(PSA_ALG_SHA_256), (uint8_t *)input,
                                    strlen(input), mac, 32),
                     PSA_SUCCESS);
    (void)psa_destroy_key(hmac);
    acme_buf_init(&b, out, sizeof(out));
    assert_int_equal(acme_jws_add_eab(&b, KEY, "k", "not base64!", "u", scratch, sizeof(scratch)),
                     ACME_ERR_EAB_KEY);
    assert_int_equal(acme_jws_add_eab(&b, KEY, "k", "", "u", scratch, sizeof(scratch)),
                     ACME_ERR_EAB_KEY);
    acme_buf_init(&b, out, 200);
    assert_int_equal(acme_jws_add_eab(&b, KEY, "k", key_text, "u", scratch, sizeof(scratch)),
                     ACME_ERR_BUFFER);
    acme_buf_init(&b, out, sizeof(out));
    assert_int_equal(acme_jws_add_eab(&b, KEY + 1, "k", key_text, "u", scratch, sizeof(scratch)),
                     ACME_ERR_CRYPTO);
}

/* What the key store says comes out as what helps. */
static void test_generate_fails(void **state)
{
    static const struct {
        psa_status_t status;
        int32_t error;
    } cases[] = {
        {PSA_ERROR_INSUFFICIENT_ENTROPY, ACME_ERR_ENTROPY},
        {PSA_ERROR_INSUFFICIENT_MEMORY, ACME_ERR_TLS_MEMORY},
        {PSA_ERROR_STORAGE_FAILURE, ACME_ERR_CRYPTO}, /* not of the log, which is well */
        {PSA_ERROR_HARDWARE_FAILURE, ACME_ERR_CRYPTO},
    };
    size_t i;
    bool made;

    (void)state;
    assert_int_equal(psa_its_set(1, 1, "x", 0), PSA_SUCCESS);
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        set_failure(GENERATE, 1, cases[i].status);
        assert_int_equal(acme_jws_ensure_key(KEY, ACME_KEY_EC_P256, false, &made), cases[i].error);
        assert_false(acme_jws_key_exists(KEY));
    }
    assert_int_equal(acme_jws_ensure_key(KEY, ACME_KEY_EC_P256, false, &made), ACME_OK);
}

/* Spoils the value of a key where it lies. */
static void corrupt(psa_key_id_t id)
{
    struct psa_storage_info_t info;
    uint8_t value[512], *at;
    size_t len;

    assert_int_equal(psa_its_get_info(id, &info), PSA_SUCCESS);
    assert_int_equal(psa_its_get(id, 0, (uint32_t)info.size, value, &len), PSA_SUCCESS);
    at = memmem(bench_flash.data, 32 * 4096, value, len);
    assert_non_null(at);
    at[len - 1] ^= 1;
    (void)psa_purge_key(id);
    assert_int_equal(psa_its_get(id, 0, 1, value, &len), PSA_ERROR_DATA_CORRUPT);
}

static void test_a_damaged_key(void **state)
{
    bool made;

    (void)state;
    assert_int_equal(acme_jws_ensure_key(KEY, ACME_KEY_EC_P256, false, &made), ACME_OK);
    corrupt(KEY);
    assert_true(acme_jws_key_lost(KEY));
    assert_int_equal(acme_jws_ensure_key(KEY, ACME_KEY_EC_P256, false, &made), ACME_OK);
    assert_true(made);
    corrupt(KEY);
    assert_int_equal(acme_jws_destroy_key(KEY), ACME_OK);
    assert_false(acme_jws_key_exists(KEY));
    assert_int_equal(psa_its_remove(KEY), PSA_ERROR_DOES_NOT_EXIST);
}

/* The old key stays where it cannot be destroyed: then there is no new one either. */
static void test_a_key_that_will_not_go(void **state)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    bool made;

    (void)state;
    assert_int_equal(acme_jws_ensure_key(KEY, ACME_KEY_EC_P256, false, &made), ACME_OK);
    assert_int_equal(psa_get_key_attributes(KEY, &attributes), PSA_SUCCESS);
    bench_flash.off = true;
    assert_int_equal(acme_jws_ensure_key(KEY, ACME_KEY_EC_P384, false, &made), ACME_ERR_STORE_IO);
    assert_false(made);
    flash_sim_power_on(&bench_flash);
    assert_int_equal(psa_get_key_attributes(KEY, &attributes), PSA_SUCCESS);
    assert_int_equal(psa_get_key_bits(&attributes), 256);
}

#if defined(CONFIG_ACME_KEY_REUSE)
/* One failed read of the old key, whichever it is: the copy comes about all the same. */
static void test_copy_with_a_failed_read(void **state)
{
    uint32_t n;

    (void)state;
    assert_int_equal(ensure_copy(OLD, PSA_KEY_ID_NULL, ACME_KEY_EC_P256, false), GENERATED);
    for (n = 1; n <= 40; n++) {
        (void)psa_purge_key(OLD);
        bench_flash.fail_read_at = bench_flash.reads + n;
        assert_int_equal(ensure_copy(KEY, OLD, ACME_KEY_EC_P256, false), COPIED);
        bench_flash.fail_read_at = 0;
        assert_true(same_key(KEY, OLD));
        assert_int_equal(acme_jws_destroy_key(KEY), ACME_OK);
    }
}

/* An old key that cannot be looked at for now is no reason for another one. */
static void test_copy_for_now_not_possible(void **state)
{
    bool made, copied;

    (void)state;
    assert_int_equal(ensure_copy(OLD, PSA_KEY_ID_NULL, ACME_KEY_EC_P256, false), GENERATED);
    set_failure(ATTRIBUTES, 3, PSA_ERROR_INSUFFICIENT_MEMORY);
    assert_int_equal(acme_jws_ensure_copy(KEY, OLD, ACME_KEY_EC_P256, false, &made, &copied),
                     ACME_ERR_TLS_MEMORY);
    assert_false(acme_jws_key_exists(KEY));
    assert_int_equal(ensure_copy(KEY, OLD, ACME_KEY_EC_P256, false), COPIED);
}
#endif

/* ---- public keys as a secure element's driver may give them ---- */

static int32_t jwk_of(const void *key, size_t len, char *out, size_t size)
{
    uint8_t scratch[600];
    struct acme_buf b;
    int32_t rc;

    public_key = key;
    public_key_len = len;
    acme_buf_init(&b, out, size);
    rc = acme_jws_add_jwk(&b, KEY, scratch, sizeof(scratch));
    public_key = NULL;
    return rc;
}

static void test_strange_public_keys(void **state)
{
    static const char *const bad[] = {
        "\x03\x21",                         /* no sequence: a compressed point */
        "\x30\x06\x02\x01\x05",             /* a sequence that is longer than all */
        "\x30\x05\x04\x01\x05\x02\x01\x03", /* the modulus is no integer */
        "\x30\x03\x02\x01\x05\x04\x01\x03", /* nor the exponent */
        "\x30\x03\x02\x01\x05",             /* there is no exponent */
        "\x30\x06\x02\x01\x05\x02\x09\x03", /* it is longer than all */
    };
    char out[200];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(jwk_of(bad[i], strlen(bad[i]), out, sizeof(out)), ACME_ERR_CRYPTO);
        assert_string_equal(out, "");
    }
    /* RFC 7518 6.3.1: no leading zeros; but a zero is one digit. */
    assert_int_equal(jwk_of("\x30\x09\x02\x04\x00\x00\x01\x05\x02\x01\x03", 11, out, sizeof(out)),
                     ACME_OK);
    assert_string_equal(out, "{\"e\":\"Aw\",\"kty\":\"RSA\",\"n\":\"AQU\"}");
    assert_int_equal(jwk_of("\x30\x07\x02\x02\x00\x00\x02\x01\x03", 9, out, sizeof(out)), ACME_OK);
    assert_string_equal(out, "{\"e\":\"Aw\",\"kty\":\"RSA\",\"n\":\"AA\"}");
}

static void test_hashes_fail(void **state)
{
    struct acme_jws_params p = {KEY, ACME_KEY_EC_P256, "kid", "n", "https://ca.example/x"};
    static uint8_t scratch[1024];
    static char work[1200];
    char thumbprint[44];
    bool made;

    (void)state;
    assert_int_equal(acme_jws_ensure_key(KEY, ACME_KEY_EC_P256, false, &made), ACME_OK);
    set_failure(HASH, 1, PSA_ERROR_HARDWARE_FAILURE);
    assert_int_equal(acme_jws_thumbprint(KEY, thumbprint, scratch, sizeof(scratch)),
                     ACME_ERR_CRYPTO);
    set_failure(HASH, 1, PSA_ERROR_HARDWARE_FAILURE);
    assert_int_equal(write_jws(&p, work, sizeof(work), 0, 0, scratch, sizeof(scratch)),
                     ACME_ERR_CRYPTO);
    assert_true(write_jws(&p, work, sizeof(work), 0, 0, scratch, sizeof(scratch)) > 0);
}

static int32_t eab(const char *kid, size_t size, size_t scratch_size, char *out)
{
    static uint8_t scratch[2048];
    struct acme_buf b;

    memset(scratch, 0x55, sizeof(scratch));
    acme_buf_init(&b, out, size);
    return acme_jws_add_eab(&b, KEY, kid, "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
                            "https://ca.example/new", scratch, scratch_size);
}

/* Whichever call it is: no binding comes of it, and the secret is not left in the key store. */
/* As CAs' pages, mails and files give it. */
static void test_eab_key_forms(void **state)
{
    static const char plain[] = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    static const char *const good[] = {"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
                                       "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n",
                                       "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\r\n",
                                       "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8 "};
    static const char *const bad[] = {
        "", "=", "\n", "A", "AAECAw QFBgc", "AAECAw==QFBgc", "not base64!",
        "\xc3\xa4"
        "AAA",
        /* a key of 32 and one of 64 random bytes, encoded twice */
        "U0E1VTR6dmtQOEhmcTNLcDB4NmJXd2kyUi1mN1llZzlfTGpBbVRvQ3NEOA",
        "cDhRdktZT0g4a0Z3c3RhTnZqWGkyYzYvVEJvU1JxMEx4VU1nZEpFOXlHND0="};
    static char want[2000], out[2000], longest[180];
    uint8_t scratch[2048];
    struct acme_buf b;
    bool made;

    (void)state;
    assert_int_equal(acme_jws_ensure_key(KEY, ACME_KEY_EC_P256, false, &made), ACME_OK);
    acme_buf_init(&b, want, sizeof(want));
    assert_int_equal(acme_jws_add_eab(&b, KEY, "k", plain, "u", scratch, sizeof(scratch)), ACME_OK);
    assert_int_equal(acme_jws_check_eab_key(plain), ACME_OK);
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(acme_jws_check_eab_key(good[i]), ACME_OK);
        acme_buf_init(&b, out, sizeof(out));
        assert_int_equal(acme_jws_add_eab(&b, KEY, "k", good[i], "u", scratch, sizeof(scratch)),
                         ACME_OK);
        assert_string_equal(out, want);
    }
    acme_buf_init(&b, want, sizeof(want));
    (void)acme_jws_add_eab(&b, KEY, "k", "-_-_", "u", scratch, sizeof(scratch));
    acme_buf_init(&b, out, sizeof(out));
    (void)acme_jws_add_eab(&b, KEY, "k", "+/-_", "u", scratch, sizeof(scratch));
    assert_string_equal(out, want);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (acme_jws_check_eab_key(bad[i]) != ACME_ERR_EAB_KEY) {
            fail_msg("taken: %s", bad[i]);
        }
    }
    /* 64 hexadecimal digits, and a sentence, are keys like others */
    assert_int_equal(
        acme_jws_check_eab_key("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWYwMTIzNDU2Nzg5"
                               "YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZg"),
        ACME_OK);
    memset(longest, 'A', sizeof(longest) - 1);
    longest[171] = '\0'; /* 128 bytes */
    assert_int_equal(acme_jws_check_eab_key(longest), ACME_OK);
    longest[171] = 'A';
    longest[172] = '\0';
    assert_int_equal(acme_jws_check_eab_key(longest), ACME_ERR_EAB_KEY);
}

/* A key that only looks like the base64 of one, for it is short; and what is left of any: nothing.
 */
static void test_eab_keys_are_looked_at_and_wiped(void **state)
{
    static const char raw[] = "aB3cD4eF5gH6iJ7kL8mN9oP0qR1sT2uV3wX4yZ5a";
    char text[80];
    size_t len;

    (void)state;
    for (len = 8; len <= 40; len++) {
        int32_t n = acme_b64url_encode((const uint8_t *)raw, len, text, sizeof(text) - 1);

        assert_true(n > 0);
        text[n] = '\0';
        wipe_watch(raw, len);
        assert_int_equal(acme_jws_check_eab_key(text), len < 40 ? ACME_OK : ACME_ERR_EAB_KEY);
        assert_int_equal(wiped, 1);
        wipe_watch(text, (size_t)n);
        (void)acme_jws_check_eab_key(text);
        assert_int_equal(wiped, 1);
    }
    wipe_watch(NULL, 0);
}

static void test_eab_fails(void **state)
{
    static const struct {
        enum call call;
        uint32_t at;
    } cases[] = {{IMPORT, 1},     {MAC_SETUP, 1},  {MAC_UPDATE, 1},
                 {MAC_UPDATE, 2}, {MAC_UPDATE, 3}, {MAC_FINISH, 1}};
    char out[1500];
    uint32_t round;
    size_t i;
    bool made;

    (void)state;
    assert_int_equal(acme_jws_ensure_key(KEY, ACME_KEY_EC_P256, false, &made), ACME_OK);
    for (round = 0; round < 10; round++) { /* more often than there are key slots */
        for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
            set_failure(cases[i].call, cases[i].at, PSA_ERROR_INSUFFICIENT_MEMORY);
            assert_int_equal(eab("kid", sizeof(out), 2048, out), ACME_ERR_CRYPTO);
        }
    }
    assert_int_equal(eab("kid", sizeof(out), 2048, out), ACME_OK);
}

/* At every size of the buffers: the whole binding or an error. */
static void test_eab_small_buffers(void **state)
{
    static char whole[1500], out[1500], kid[301];
    size_t size;
    bool made;

    (void)state;
    memset(kid, 'k', sizeof(kid) - 1);
    assert_int_equal(acme_jws_ensure_key(KEY, ACME_KEY_EC_P256, false, &made), ACME_OK);
    assert_int_equal(eab(kid, sizeof(whole), 2048, whole), ACME_OK);
    for (size = 1; size <= strlen(whole); size += 7) {
        assert_int_equal(eab(kid, size, 2048, out), ACME_ERR_BUFFER);
    }
    for (size = 2; size < 2048; size += 22) {
        int32_t rc = eab(kid, sizeof(out), size, out);

        assert_true(rc == ACME_OK || rc == ACME_ERR_BUFFER || rc == ACME_ERR_CRYPTO);
        if (rc == ACME_OK) {
            assert_string_equal(out, whole);
        }
    }
    for (size = 1000; size > 100; size--) { /* a head that takes next to nothing */
        static const char hmac[] = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
        uint8_t small[1000];
        struct acme_buf b;
        int32_t rc;

        acme_buf_init(&b, size == 1000 ? whole : out, sizeof(out));
        rc = acme_jws_add_eab(&b, KEY, "k", hmac, "u", small, size);
        assert_true(rc == ACME_OK || (size < 400 && rc == ACME_ERR_BUFFER) ||
                    (size < 400 && rc == ACME_ERR_CRYPTO));
        if (rc == ACME_OK && size < 1000) {
            assert_string_equal(out, whole);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_failed_read, bench_up, bench_down),
        cmocka_unit_test_setup_teardown(test_keys, bench_up, bench_down),
        cmocka_unit_test_setup_teardown(test_keys_need_the_store, bench_up, bench_down),
#if defined(CONFIG_ACME_KEY_REUSE)
        cmocka_unit_test_setup_teardown(test_reuse, bench_up, bench_down),
        cmocka_unit_test_setup_teardown(test_no_reuse, bench_up, bench_down),
#endif
        cmocka_unit_test_setup_teardown(test_rfc7638, bench_up, bench_down),
        cmocka_unit_test_setup_teardown(test_rfc7515_key, bench_up, bench_down),
        cmocka_unit_test_setup_teardown(test_es256, bench_up, bench_down),
        cmocka_unit_test_setup_teardown(test_es384, bench_up, bench_down),
        cmocka_unit_test_setup_teardown(test_rs256, bench_up, bench_down),
        cmocka_unit_test_setup_teardown(test_small_buffers, bench_up, bench_down),
        cmocka_unit_test_setup_teardown(test_eab, bench_up, bench_down),
        cmocka_unit_test_setup_teardown(test_generate_fails, bench_up, bench_down),
        cmocka_unit_test_setup_teardown(test_a_damaged_key, bench_up, bench_down),
        cmocka_unit_test_setup_teardown(test_a_key_that_will_not_go, bench_up, bench_down),
#if defined(CONFIG_ACME_KEY_REUSE)
        cmocka_unit_test_setup_teardown(test_copy_with_a_failed_read, bench_up, bench_down),
        cmocka_unit_test_setup_teardown(test_copy_for_now_not_possible, bench_up, bench_down),
#endif
        cmocka_unit_test_setup_teardown(test_strange_public_keys, bench_up, bench_down),
        cmocka_unit_test_setup_teardown(test_hashes_fail, bench_up, bench_down),
        cmocka_unit_test_setup_teardown(test_eab_key_forms, bench_up, bench_down),
        cmocka_unit_test_setup_teardown(test_eab_keys_are_looked_at_and_wiped, bench_up,
                                        bench_down),
        cmocka_unit_test_setup_teardown(test_eab_fails, bench_up, bench_down),
        cmocka_unit_test_setup_teardown(test_eab_small_buffers, bench_up, bench_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
