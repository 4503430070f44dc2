/*
 * The firmware's breathe in wrong hands: from inside it, each public function that takes the client
 * is called, again and again through a whole life, and refused; nothing of the life changes by
 * that.
 */
#include "acme/doctor.h"
#include "acme/mbedtls.h"
#include "acme/roots.h"
#include "acme/tls_alpn.h"
#include "device.h"

static uint32_t breaths;
static bool silent; /* it only breathes */
static uint8_t doctor_memory[16384] __attribute__((aligned(8)));

static void on_finding(void *ctx, const struct acme_finding *finding)
{
    (void)ctx;
    (void)finding;
    fail();
}

static void call_jobs(acme_client *c)
{
    assert_int_equal(acme_start(c), ACME_ERR_STATE);
    assert_int_equal(acme_start_due(c), ACME_ERR_STATE);
    assert_int_equal(acme_renew_start(c), ACME_ERR_STATE);
    assert_int_equal(acme_cancel(c), ACME_ERR_STATE);
    assert_int_equal(acme_account_start(c), ACME_ERR_STATE);
    assert_int_equal(acme_account_update(c), ACME_ERR_STATE);
    assert_int_equal(acme_account_deactivate(c), ACME_ERR_STATE);
    assert_int_equal(acme_account_recover(c), ACME_ERR_STATE);
    assert_int_equal(acme_account_rollover(c), ACME_ERR_STATE);
    assert_int_equal(acme_account_forget(c, w.config.directory_url), ACME_ERR_STATE);
    assert_int_equal(acme_deauthorize(c, 0), ACME_ERR_STATE);
    assert_int_not_equal(acme_revoke_start(c, 0, 0, false), ACME_OK);
    assert_int_equal(acme_clock_reset(c), ACME_ERR_STATE);
    assert_int_equal(acme_store_give_up(c), ACME_ERR_STATE);
    assert_int_equal(acme_use_anchors(c, &w.anchor, 1), ACME_ERR_STATE);
}

static void call_doctor(acme_client *c)
{
    const struct acme_doctor_config config = {.on_finding = on_finding};

    assert_int_equal(acme_doctor_start(c, &config, doctor_memory, sizeof(doctor_memory)),
                     ACME_ERR_STATE);
}

static void call_reads(acme_client *c)
{
    struct acme_account_status account;
    struct acme_cert_status status;
    struct acme_counters counters = {.requests = 7}, none = {0};
    struct acme_mbedtls_cert cert;
    uint8_t der[2048];
    char names[256];
    uint32_t cursor = 0, failure;

    assert_int_equal(acme_cert_get_status(c, 0, &status), ACME_ERR_STATE);
    assert_int_equal(acme_cert_read(c, 0, 0, der, sizeof(der)), ACME_ERR_STATE);
    assert_int_equal(acme_cert_list(c, &cursor, names, sizeof(names), &status), ACME_ERR_STATE);
    assert_int_equal(cursor, 0);
    assert_int_equal(acme_account_get_status(c, &account), ACME_ERR_STATE);
    acme_mbedtls_init(&cert, der, sizeof(der));
    assert_int_equal(acme_mbedtls_use(c, 0, &cert, NULL), ACME_ERR_STATE);
    assert_int_equal(acme_next_wakeup_s(c), 1);
    for (failure = 0; failure < 2; failure++) { /* nothing is counted, nothing doubles */
        assert_int_equal(acme_next_start_s(c, ACME_ERR_NET), CONFIG_ACME_RETRY_MIN_S);
    }
    assert_int_equal(acme_next_start_s(c, ACME_OK), CONFIG_ACME_RETRY_MIN_S);
    acme_get_counters(c, &counters);
    assert_memory_equal(&counters, &none, sizeof(none));
    assert_int_equal(acme_tls_alpn_select(c, NULL), ACME_TLS_ALPN_REFUSE);
}

static void call_names(acme_client *c)
{
    const struct acme_dns_persist what = {.name = "device.example.org", .issuer = "ca.example"};
    char name[256], value[512];

    assert_int_equal(acme_dns_persist_record(c, &what, name, sizeof(name), value, sizeof(value)),
                     ACME_ERR_STATE);
    assert_int_equal(acme_dns_account_name(c, "example.org", name, sizeof(name)), ACME_ERR_STATE);
}

static void breathe(void *ctx)
{
    struct acme_poll_result result = {ACME_WANT_IDLE, 0, ACME_OK};
    acme_client *c = (acme_client *)(void *)w.memory, *other;

    assert_ptr_equal(ctx, &breaths);
    breaths++;
    if (silent || w.client == NULL) { /* acme_init has not given it to anybody yet */
        return;
    }
    call_jobs(c);
    call_doctor(c);
    call_reads(c);
    call_names(c);
    assert_int_equal(acme_poll(c, &result), ACME_WANT_EVENT);
    assert_int_equal(result.wait_ms, 1);
    assert_int_equal(result.error, ACME_ERR_STATE);
    assert_int_equal(acme_init(&other, &w.config, w.memory, sizeof(w.memory)), ACME_ERR_STATE);
    assert_int_equal(acme_store_format(&w.port), ACME_ERR_STATE);
    acme_deinit(c);
}

/* The world's clock, which is later at each eighth look: there is many a breath in one step. */
static uint64_t uptime_ms(void *ctx)
{
    static uint64_t looks;

    looks++;
    return sim_clock_ops.uptime_ms(ctx) + looks / 8 * 5;
}

static int32_t wall_s(void *ctx, int64_t *unix_s)
{
    return sim_clock_ops.wall_s(ctx, unix_s);
}

static const struct acme_clock_ops restless = {.uptime_ms = uptime_ms, .wall_s = wall_s};

static void set_breath(bool says_nothing)
{
    silent = says_nothing;
    breaths = 0;
    w.port.clock = &restless;
    w.port.breathe = breathe;
    w.port.breathe_ctx = &breaths;
}

/* A first certificate, a renewal, and a start with all there is. */
static void live(void)
{
    device_boot();
    assert_int_equal(device_run(), ACME_OK);
    assert_true(device_has_cert(0));
    assert_int_equal(device_renew(), ACME_OK);
    device_reboot();
    assert_int_equal(device_run(), ACME_OK);
    assert_true(device_has_cert(0));
}

static void test_everything_is_refused(void **state)
{
    (void)state;
    set_breath(false);
    live();
    assert_true(breaths > 200);
    assert_int_equal(w.ca->counters.certificates, 2);
    assert_int_equal(w.ca->counters.orders, 2);
    assert_int_equal(w.ca->counters.accounts, 1);
    assert_int_equal(w.ca->counters.revocations, 0);
    assert_int_equal(w.ca->counters.violations, 0);
}

/* Outside, after a breath, all is as ever. */
static void test_nothing_is_refused_afterwards(void **state)
{
    struct acme_account_status account;
    struct acme_cert_status status;

    (void)state;
    set_breath(true);
    live();
    assert_true(breaths > 200);
    assert_int_equal(acme_cert_get_status(w.client, 0, &status), ACME_OK);
    assert_int_equal(acme_account_get_status(w.client, &account), ACME_OK);
    assert_true(account.exists);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DEVICE_TEST(test_everything_is_refused),
        DEVICE_TEST(test_nothing_is_refused_afterwards),
    };

    return cmocka_run_group_tests_name("breathe inside", tests, NULL, NULL);
}
