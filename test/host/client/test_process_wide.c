/*
 * What there is once in a process: PSA Crypto, and mbedTLS's memory. An application that has set
 * them up before there is a client finds them as they were, whether acme_init fails, wherever that
 * is, or the client ends. One that has not finds nothing of them left.
 */
#include "device.h"

#include <mbedtls/memory_buffer_alloc.h>
#include <mbedtls/platform.h>
#include "base/entropy.h"
#include "client/keys.h"
#include "net/tls.h"

/* ---- the application ---- */

static _Alignas(8) unsigned char memory[512 * 1024];
static psa_key_id_t app_key;
static uint8_t *app_text;

static int32_t fill(void *ctx, uint8_t *data, size_t len)
{
    (void)ctx;
    while (len-- > 0) {
        data[len] = (uint8_t)(len * 7 + 1);
    }
    return ACME_OK;
}

static const struct acme_entropy_ops app_entropy = {fill};

static bool is_psa_running(void)
{
    uint8_t byte;

    return psa_generate_random(&byte, 1) == PSA_SUCCESS;
}

static void app_set_up(void)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;

    mbedtls_memory_buffer_alloc_init(memory, sizeof(memory));
    acme_entropy_bind(&app_entropy, NULL);
    assert_int_equal(psa_crypto_init(), PSA_SUCCESS);
    psa_set_key_type(&attributes, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_bits(&attributes, 256);
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_SIGN_HASH | PSA_KEY_USAGE_VERIFY_HASH);
    psa_set_key_algorithm(&attributes, PSA_ALG_ECDSA(PSA_ALG_SHA_256));
    assert_int_equal(psa_generate_key(&attributes, &app_key), PSA_SUCCESS);
    app_text = mbedtls_calloc(1, 100);
    assert_non_null(app_text);
    memset(app_text, 0x5a, 100);
}

/* Key, random bytes and memory are the application's as before. */
static void app_check(void)
{
    static const uint8_t hash[32] = {1, 2, 3};
    uint8_t signature[64], *more;
    size_t len, i;

    assert_true(is_psa_running());
    assert_int_equal(psa_sign_hash(app_key, PSA_ALG_ECDSA(PSA_ALG_SHA_256), hash, sizeof(hash),
                                   signature, sizeof(signature), &len),
                     PSA_SUCCESS);
    assert_int_equal(psa_verify_hash(app_key, PSA_ALG_ECDSA(PSA_ALG_SHA_256), hash, sizeof(hash),
                                     signature, len),
                     PSA_SUCCESS);
    for (i = 0; i < 100; i++) {
        assert_int_equal(app_text[i], 0x5a);
    }
    more = mbedtls_calloc(1, 1000);
    assert_in_range((uintptr_t)more, (uintptr_t)memory, (uintptr_t)memory + sizeof(memory) - 1);
    mbedtls_free(more);
}

static void app_end(void)
{
    assert_int_equal(psa_destroy_key(app_key), PSA_SUCCESS);
    mbedtls_free(app_text);
    mbedtls_psa_crypto_free();
    acme_entropy_bind(NULL, NULL);
    assert_int_equal(mbedtls_memory_buffer_alloc_verify(), 0);
    mbedtls_memory_buffer_alloc_free();
}

/* ---- a flash that fails at one call ---- */

static struct acme_flash_ops ops;
static uint32_t calls, fail_at;

static bool fails(void)
{
    return ++calls == fail_at;
}

static int32_t read_flash(void *ctx, uint32_t address, void *data, size_t len)
{
    return fails() ? ACME_ERR_STORE_IO : flash_sim_ops.read(ctx, address, data, len);
}

static int32_t program_flash(void *ctx, uint32_t address, const void *data, size_t len)
{
    return fails() ? ACME_ERR_STORE_IO : flash_sim_ops.program(ctx, address, data, len);
}

static int32_t erase_flash(void *ctx, uint32_t address)
{
    return fails() ? ACME_ERR_STORE_IO : flash_sim_ops.erase(ctx, address);
}

static void plan_failure(uint32_t at)
{
    ops = flash_sim_ops;
    ops.read = read_flash;
    ops.program = program_flash;
    ops.erase = erase_flash;
    w.port.flash = &ops;
    calls = 0;
    fail_at = at;
}

/* ---- what acme_init refuses ---- */

static const char *const bad_names[] = {"a_b..c"};

static void without_url(void)
{
    w.config.directory_url = "http://ca.example.org";
}

static void with_a_bad_name(void)
{
    requests[0].names = bad_names;
}

static void with_another_port(void)
{
    w.config.port = NULL;
}

static void without_flash(void)
{
    w.port.flash = NULL;
}

static int32_t no_geometry(void *ctx, struct acme_flash_geometry *geometry)
{
    (void)ctx;
    *geometry = (struct acme_flash_geometry){.sector_size = 7, .sector_count = 1};
    return ACME_OK;
}

static void with_a_strange_flash(void)
{
    plan_failure(0);
    ops.geometry = no_geometry;
}

/* ---- calls that fail ---- */

static bool no_tls, no_crypto;

int32_t __real_acme_tls_init(struct acme_tls *t, const struct acme_port *port,
                             const struct acme_clock *clock,
                             const struct acme_trust_anchor *anchors, size_t count);
int32_t __wrap_acme_tls_init(struct acme_tls *t, const struct acme_port *port,
                             const struct acme_clock *clock,
                             const struct acme_trust_anchor *anchors, size_t count);

int32_t __wrap_acme_tls_init(struct acme_tls *t, const struct acme_port *port,
                             const struct acme_clock *clock,
                             const struct acme_trust_anchor *anchors, size_t count)
{
    return no_tls ? ACME_ERR_CERT_PARSE : __real_acme_tls_init(t, port, clock, anchors, count);
}

psa_status_t __real_psa_crypto_init(void);
psa_status_t __wrap_psa_crypto_init(void);

psa_status_t __wrap_psa_crypto_init(void)
{
    return no_crypto ? PSA_ERROR_HARDWARE_FAILURE : __real_psa_crypto_init();
}

static void without_anchors(void)
{
    no_tls = true;
}

static void without_crypto(void)
{
    no_crypto = true;
}

static void (*const refusals[])(void) = {without_url,         with_a_bad_name, with_another_port,
                                         without_flash,       without_anchors, without_crypto,
                                         with_a_strange_flash};

static void prepare(void **state)
{
    no_tls = no_crypto = false;
    (void)device_tear_down(state);
    (void)device_set_up_issued(state);
    sim_world_halt(&w);
}

/* ---- tests ---- */

static void test_a_refused_client_leaves_the_applications_psa(void **state)
{
    size_t i;

    for (i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        prepare(state);
        app_set_up();
        refusals[i]();
        assert_int_not_equal(sim_world_boot(&w), ACME_OK);
        app_check();
        app_end();
    }
}

static void test_a_refused_client_leaves_nothing(void **state)
{
    size_t i;

    for (i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        prepare(state);
        refusals[i]();
        assert_int_not_equal(sim_world_boot(&w), ACME_OK);
        assert_false(is_psa_running());
    }
}

/* Wherever the flash fails: at each of a boot's first calls, then at every thirteenth of thousands.
 * All of them were tried when this was written. */
static void test_a_boot_that_fails_at_any_flash_call(void **state)
{
    uint32_t at, last, failed = 0;

    prepare(state);
    app_set_up();
    plan_failure(0);
    assert_int_equal(sim_world_boot(&w), ACME_OK);
    last = calls;
    acme_deinit(w.client);
    app_check();
    for (at = 1; at <= last; at += at < 100 ? 1 : 13) {
        int32_t rc;

        plan_failure(at);
        rc = sim_world_boot(&w);
        if (rc == ACME_OK) {
            acme_deinit(w.client);
        } else {
            failed++;
        }
        w.client = NULL;
        app_check();
    }
    assert_true(failed > 0);
    app_end();
    /* And without an application, at some of them. */
    for (at = 1; at <= last; at += 1 + last / 20) {
        plan_failure(at);
        if (sim_world_boot(&w) == ACME_OK) {
            acme_deinit(w.client);
        }
        w.client = NULL;
        assert_false(is_psa_running());
    }
}

static void test_a_client_ends_what_it_started(void **state)
{
    prepare(state);
    device_boot();
    assert_true(is_psa_running());
    acme_deinit(w.client);
    w.client = NULL;
    assert_false(is_psa_running());
}

/* A whole job in the application's PSA and memory. The keys of a store are gone from RAM with it:
 * a client over another store has keys of the same numbers. */
static void test_a_client_lives_in_the_applications_psa(void **state)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    const psa_key_id_t account = acme_keys_account_of(0, 0);
    uint8_t first[65], second[65];
    size_t len;
    uint16_t i;

    no_tls = no_crypto = false;
    (void)device_tear_down(state);
    (void)device_set_up(state);
    app_set_up();
    device_boot();
    assert_int_equal(device_run(), ACME_OK);
    assert_int_equal(psa_export_public_key(account, first, sizeof(first), &len), PSA_SUCCESS);
    /* The application has a look at the certificate's key, too, of whichever generation it is. */
    assert_true(psa_get_key_attributes(acme_keys_cert(0, 0), &attributes) == PSA_SUCCESS ||
                psa_get_key_attributes(acme_keys_cert(0, 1), &attributes) == PSA_SUCCESS);
    sim_world_halt(&w);
    app_check();
    for (i = 0; i < CONFIG_ACME_ACCOUNT_SLOTS * 2; i++) {
        assert_int_not_equal(
            psa_get_key_attributes(acme_keys_account_of((uint8_t)(i / 2), i & 1), &attributes),
            PSA_SUCCESS);
    }
    for (i = 0; i < CONFIG_ACME_CERT_SLOTS * 2; i++) {
        assert_int_not_equal(
            psa_get_key_attributes(acme_keys_cert((uint8_t)(i / 2), i & 1), &attributes),
            PSA_SUCCESS);
    }
    assert_int_equal(acme_store_format(&w.port), ACME_OK);
    device_boot();
    assert_int_equal(device_run(), ACME_OK);
    assert_int_equal(psa_export_public_key(account, second, sizeof(second), &len), PSA_SUCCESS);
    assert_memory_not_equal(first, second, sizeof(first));
    sim_world_halt(&w);
    app_check();
    app_end();
}

/* There is one client at a time; the second is refused, and the first goes on. */
static void test_a_second_client_changes_nothing(void **state)
{
    static uint8_t spare[ACME_MEMORY_SIZE] __attribute__((aligned(8)));
    acme_client *second;

    prepare(state);
    device_boot();
    assert_int_equal(acme_init(&second, &w.config, spare, sizeof(spare)), ACME_ERR_STATE);
    assert_null(second);
    assert_true(is_psa_running());
    assert_int_equal(acme_renew_start(w.client), ACME_OK);
    assert_int_equal(sim_world_drive(&w), ACME_OK);
    sim_world_halt(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_refused_client_leaves_the_applications_psa),
        cmocka_unit_test(test_a_refused_client_leaves_nothing),
        cmocka_unit_test(test_a_boot_that_fails_at_any_flash_call),
        cmocka_unit_test(test_a_client_ends_what_it_started),
        cmocka_unit_test(test_a_client_lives_in_the_applications_psa),
        cmocka_unit_test(test_a_second_client_changes_nothing),
    };

    return cmocka_run_group_tests(tests, device_set_up_issued, device_tear_down);
}
