/*
 * The public API in wrong hands: what acme_init refuses, and what each call says when it comes at
 * the wrong time or with the wrong arguments. Nothing of it may change what is stored.
 */
#include "acme/dns_acmedns.h"
#include "acme/dns_resolver.h"
#include "acme/dns_update.h"
#include "acme/doctor.h"
#include "acme/mbedtls.h"
#include "device.h"

static uint8_t spare[ACME_MEMORY_SIZE + 8] __attribute__((aligned(8)));

static int32_t init_result(void)
{
    acme_client *client = (acme_client *)(void *)spare;
    int32_t rc = acme_init(&client, &w.config, spare, ACME_MEMORY_SIZE);

    if (rc != ACME_OK) {
        assert_null(client);
    } else {
        acme_deinit(client);
    }
    return rc;
}

static void test_init_needs_its_arguments(void **state)
{
    acme_client *client = NULL;

    (void)state;
    assert_int_equal(acme_init(NULL, &w.config, spare, ACME_MEMORY_SIZE), ACME_ERR_ARGUMENT);
    assert_int_equal(acme_init(&client, NULL, spare, ACME_MEMORY_SIZE), ACME_ERR_ARGUMENT);
    assert_int_equal(acme_init(&client, &w.config, NULL, ACME_MEMORY_SIZE), ACME_ERR_ARGUMENT);
    assert_int_equal(acme_init(&client, &w.config, spare + 4, ACME_MEMORY_SIZE), ACME_ERR_ARGUMENT);
    assert_int_equal(acme_init(&client, &w.config, spare, ACME_MEMORY_SIZE - 1), ACME_ERR_MEMORY);
    assert_null(client);
    assert_int_equal(init_result(), ACME_OK);
}

static void test_init_needs_a_whole_port(void **state)
{
    const struct acme_port whole = w.port;

    (void)state;
    w.port.net = NULL;
    assert_int_equal(init_result(), ACME_ERR_ARGUMENT);
    w.port = whole;
    w.port.clock = NULL;
    assert_int_equal(init_result(), ACME_ERR_ARGUMENT);
    w.port = whole;
    w.port.entropy = NULL;
    assert_int_equal(init_result(), ACME_ERR_ARGUMENT);
    w.port = whole;
    w.port.flash = NULL;
    assert_int_equal(init_result(), ACME_ERR_ARGUMENT);
    w.port = whole;
    w.config.port = NULL;
    assert_int_equal(init_result(), ACME_ERR_ARGUMENT);
    w.config.port = &w.port;
    assert_int_equal(init_result(), ACME_OK);
}

/* A back end without records and without room. */
static int32_t records_open(void *ctx)
{
    (void)ctx;
    return ACME_OK;
}

static int32_t records_begin(void *ctx, size_t len, size_t count)
{
    (void)ctx;
    (void)len;
    (void)count;
    return ACME_ERR_STORE_FULL;
}

static int32_t records_put(void *ctx, uint64_t key, const void *data, size_t len)
{
    (void)ctx;
    (void)key;
    (void)data;
    (void)len;
    return ACME_ERR_STATE;
}

static int32_t records_remove(void *ctx, uint64_t key)
{
    (void)ctx;
    (void)key;
    return ACME_ERR_STATE;
}

static int32_t records_commit(void *ctx)
{
    (void)ctx;
    return ACME_ERR_STATE;
}

static void records_abort(void *ctx)
{
    (void)ctx;
}

static int32_t records_read(void *ctx, uint64_t key, size_t offset, void *data, size_t size)
{
    (void)ctx;
    (void)key;
    (void)offset;
    (void)data;
    (void)size;
    return ACME_ERR_NOT_FOUND;
}

static int32_t records_next(void *ctx, uint64_t *key)
{
    (void)ctx;
    (void)key;
    return ACME_ERR_NOT_FOUND;
}

static void test_records_may_be_elsewhere(void **state)
{
    static const struct acme_record_ops records = {records_open,   records_begin,  records_put,
                                                   records_remove, records_commit, records_abort,
                                                   records_read,   records_next};

    (void)state;
    w.port.flash = NULL;
    w.config.records = &records;
    device_boot();
    assert_int_equal(device_run(), ACME_ERR_STORE_FULL);
    assert_int_equal(device_asked(CA_SIM_NEW_ACCOUNT), 0); /* no account without its key */
}

static void test_init_wants_lists_with_their_counts(void **state)
{
    static const struct acme_ca other = {.directory_url = "https://other.example/directory",
                                         .anchors_count = 1};
    const struct acme_trust_anchor *anchors = w.config.anchors;

    (void)state;
    w.config.certs = NULL;
    assert_int_equal(init_result(), ACME_ERR_ARGUMENT);
    w.config.certs = requests;
    w.config.anchors = NULL;
    assert_int_equal(init_result(), ACME_ERR_ARGUMENT);
    w.config.anchors = anchors;
    w.config.pins_count = 1;
    assert_int_equal(init_result(), ACME_ERR_ARGUMENT);
    w.config.pins_count = 0;
    w.config.fallbacks_count = 1;
    assert_int_equal(init_result(), ACME_ERR_ARGUMENT);
    w.config.fallbacks = &other;
    assert_int_equal(init_result(), ACME_ERR_ARGUMENT); /* it has no anchors */
    w.config.fallbacks = NULL;
    w.config.fallbacks_count = 0;
    w.config.certs_count = CONFIG_ACME_CERT_SLOTS + 1;
    assert_int_equal(init_result(), ACME_ERR_LIMIT);
    w.config.certs = NULL;
    w.config.certs_count = 0;
    assert_int_equal(init_result(), ACME_OK);
}

static void test_init_looks_at_the_urls(void **state)
{
    struct acme_ca other = {NULL, NULL, 0, NULL, NULL};

    (void)state;
    w.config.fallbacks = &other;
    w.config.fallbacks_count = 1;
    assert_int_equal(init_result(), ACME_ERR_URL);
    other.directory_url = "http://other.example.org/directory";
    assert_int_equal(init_result(), ACME_ERR_URL);
    other.directory_url = "https://other.example.org/directory";
    other.eab_kid = "kid";
    assert_int_equal(init_result(), ACME_ERR_ARGUMENT);
    other.eab_hmac_key = "AAAA";
    assert_int_equal(init_result(), ACME_OK);
    w.config.directory_url = "http://ca.example.org/directory";
    assert_int_equal(init_result(), ACME_ERR_URL);
    w.config.directory_url = NULL;
    assert_int_equal(init_result(), ACME_ERR_URL);
}

static void test_init_looks_at_the_texts(void **state)
{
    static char long_contact[CONFIG_ACME_URL_MAX + 2];

    (void)state;
    memset(long_contact, 'a', sizeof(long_contact) - 1);
    w.config.contact = long_contact;
    assert_int_equal(init_result(), ACME_ERR_ARGUMENT);
    w.config.contact = "mailto:a b@example.org";
    assert_int_equal(init_result(), ACME_ERR_ARGUMENT);
    w.config.contact = "mailto:a@example.org";
    assert_int_equal(init_result(), ACME_OK);
    w.config.eab_kid = "kid";
    assert_int_equal(init_result(), ACME_ERR_ARGUMENT);
    w.config.eab_kid = NULL;
    w.config.eab_hmac_key = "AAAA";
    assert_int_equal(init_result(), ACME_ERR_ARGUMENT);
    w.config.eab_kid = "kid";
    assert_int_equal(init_result(), ACME_OK);
}

static void test_init_looks_at_the_key_types_and_ways(void **state)
{
    static const uint8_t all[ACME_CHALLENGE_TYPES] = {
        ACME_CHALLENGE_DNS_PERSIST_01, ACME_CHALLENGE_DNS_ACCOUNT_01, ACME_CHALLENGE_DNS_01,
        ACME_CHALLENGE_TLS_ALPN_01, ACME_CHALLENGE_HTTP_01};

    (void)state;
    w.config.account_key_type = 99;
    assert_int_equal(init_result(), ACME_ERR_KEY_TYPE);
    w.config.account_key_type = ACME_KEY_EC_P256;
    w.config.challenges[0] = 99;
    assert_int_equal(init_result(), ACME_ERR_UNSUPPORTED);
    memcpy(w.config.challenges, all, sizeof(all));
    assert_int_equal(init_result(), ACME_OK);
    requests[0].challenges[0] = 99;
    assert_int_equal(init_result(), ACME_ERR_UNSUPPORTED);
    requests[0].challenges[0] = ACME_CHALLENGE_NONE;
    requests[0].key_type = 99;
    assert_int_equal(init_result(), ACME_ERR_KEY_TYPE);
}

static void test_init_looks_at_each_request(void **state)
{
    static const char *const none[] = {NULL};
    static char long_profile[CONFIG_ACME_URL_MAX + 2];
    const char *const *good = requests[0].names;

    (void)state;
    requests[0].names = NULL;
    assert_int_equal(init_result(), ACME_ERR_ARGUMENT);
    requests[0].names = good;
    requests[0].names_count = 0;
    assert_int_equal(init_result(), ACME_ERR_ARGUMENT);
    requests[0].names_count = CONFIG_ACME_NAMES_MAX + 1;
    assert_int_equal(init_result(), ACME_ERR_LIMIT);
    requests[0].names_count = 1;
    requests[0].names = none;
    assert_int_equal(init_result(), ACME_ERR_NAME);
    requests[0].names = good;
    requests[0].profile = "";
    assert_int_equal(init_result(), ACME_ERR_ARGUMENT);
    memset(long_profile, 'p', sizeof(long_profile) - 1);
    requests[0].profile = long_profile;
    assert_int_equal(init_result(), ACME_ERR_ARGUMENT);
    requests[0].profile = "short";
    assert_int_equal(init_result(), ACME_OK);
    requests[0].ancestor = "not a name";
    assert_int_equal(init_result(), ACME_ERR_NAME);
}

static void test_there_is_one_client(void **state)
{
    (void)state;
    device_boot();
    assert_int_equal(init_result(), ACME_ERR_STATE);
    assert_int_equal(acme_store_format(&w.port), ACME_ERR_STATE);
    assert_int_equal(device_run(), ACME_OK);
    assert_true(device_has_cert(0));
    acme_deinit(NULL);
    assert_true(device_has_cert(0));
}

static void test_format_takes_everything(void **state)
{
    struct acme_account_status account;

    (void)state;
    sim_world_halt(&w);
    assert_int_equal(acme_store_format(&w.port), ACME_OK);
    device_boot();
    assert_false(device_has_cert(0));
    assert_int_equal(acme_account_get_status(w.client, &account), ACME_OK);
    assert_false(account.exists);
}

static void test_one_job_at_a_time(void **state)
{
    struct acme_account_status account;

    (void)state;
    assert_int_equal(acme_renew_start(w.client), ACME_OK);
    assert_int_equal(acme_start(w.client), ACME_ERR_STATE);
    assert_int_equal(acme_start_due(w.client), ACME_ERR_STATE);
    assert_int_equal(acme_renew_start(w.client), ACME_ERR_STATE);
    assert_int_equal(acme_account_start(w.client), ACME_ERR_STATE);
    assert_int_equal(acme_account_update(w.client), ACME_ERR_STATE);
    assert_int_equal(acme_account_deactivate(w.client), ACME_ERR_STATE);
    assert_int_equal(acme_account_recover(w.client), ACME_ERR_STATE);
    assert_int_equal(acme_account_rollover(w.client), ACME_ERR_STATE);
    assert_int_equal(acme_deauthorize(w.client, 0), ACME_ERR_STATE);
    assert_int_equal(acme_revoke_start(w.client, 0, 0, false), ACME_ERR_STATE);
    assert_int_equal(acme_account_get_status(w.client, &account), ACME_ERR_STATE);
    assert_int_equal(sim_world_drive(&w), ACME_OK);
    assert_int_equal(w.ca->counters.certificates, 2);
    assert_true(device_has_cert(0));
}

static void test_slots_and_reasons_are_checked(void **state)
{
    struct acme_cert_status status;
    uint8_t der[2048];

    (void)state;
    assert_int_equal(acme_revoke_start(w.client, 1, 0, false), ACME_ERR_ARGUMENT);
    assert_int_equal(acme_revoke_start(w.client, 0, 7, false), ACME_ERR_ARGUMENT);
    assert_int_equal(acme_revoke_start(w.client, 0, 11, false), ACME_ERR_ARGUMENT);
    assert_int_equal(acme_deauthorize(w.client, 1), ACME_ERR_ARGUMENT);
    assert_int_equal(acme_cert_get_status(w.client, 1, &status), ACME_ERR_ARGUMENT);
    assert_int_equal(acme_cert_get_status(w.client, 0, NULL), ACME_ERR_ARGUMENT);
    assert_int_equal(acme_cert_read(w.client, 1, 0, der, sizeof(der)), ACME_ERR_ARGUMENT);
    assert_int_equal(acme_cert_read(w.client, 0, 0, NULL, 0), ACME_ERR_ARGUMENT);
    assert_int_equal(acme_cert_read(w.client, 0, 2, der, sizeof(der)), ACME_ERR_NOT_FOUND);
    assert_int_equal(acme_cert_read(w.client, 0, 1, der, 100), ACME_ERR_BUFFER);
    assert_true(acme_cert_read(w.client, 0, 1, der, sizeof(der)) > 0);
    assert_true(device_has_cert(0));
    assert_int_equal(w.ca->counters.revocations, 0);
}

static void test_nothing_to_revoke_or_read(void **state)
{
    uint8_t der[16];

    (void)state;
    device_boot();
    assert_int_equal(acme_revoke_start(w.client, 0, 0, false), ACME_ERR_CERT_NONE);
    assert_int_equal(acme_cert_read(w.client, 0, 0, der, sizeof(der)), ACME_ERR_CERT_NONE);
}

/* ---- NULL where something must be: an error, and nothing else; a function each ---- */

static void test_null_to_format(void **state)
{
    const struct acme_port bare = {.net = w.port.net, .clock = w.port.clock};

    (void)state;
    sim_world_halt(&w);
    assert_int_equal(acme_store_format(NULL), ACME_ERR_ARGUMENT);
    assert_int_equal(acme_store_format(&bare), ACME_ERR_ARGUMENT); /* records are elsewhere */
    device_boot();
    assert_true(device_has_cert(0));
}

static void test_null_to_cert_list(void **state)
{
    struct acme_cert_status status;
    uint32_t cursor = 0;
    char names[64];

    (void)state;
    assert_int_equal(acme_cert_list(w.client, NULL, names, sizeof(names), &status),
                     ACME_ERR_ARGUMENT);
    assert_int_equal(acme_cert_list(w.client, &cursor, NULL, sizeof(names), &status),
                     ACME_ERR_ARGUMENT);
    assert_int_equal(acme_cert_list(w.client, &cursor, names, sizeof(names), NULL),
                     ACME_ERR_ARGUMENT);
    assert_int_equal(cursor, 0);
    assert_int_equal(acme_cert_list(w.client, &cursor, names, 0, &status), ACME_ERR_BUFFER);
    cursor = 0;
    assert_int_equal(acme_cert_list(w.client, &cursor, names, sizeof(names), &status), ACME_OK);
}

static void test_null_to_account_status(void **state)
{
    (void)state;
    assert_int_equal(acme_account_get_status(w.client, NULL), ACME_ERR_ARGUMENT);
}

static void test_null_to_account_forget(void **state)
{
    (void)state;
    assert_int_equal(acme_account_forget(w.client, NULL), ACME_ERR_ARGUMENT);
}

static void test_null_to_counters(void **state)
{
    (void)state;
    acme_get_counters(w.client, NULL);
}

static void test_null_to_persist_record(void **state)
{
    const struct acme_dns_persist what = {.name = "example.org", .issuer = "ca.example"};
    char name[300], value[600];

    (void)state;
    assert_int_equal(
        acme_dns_persist_record(w.client, &what, NULL, sizeof(name), value, sizeof(value)),
        ACME_ERR_ARGUMENT);
    assert_int_equal(
        acme_dns_persist_record(w.client, &what, name, sizeof(name), NULL, sizeof(value)),
        ACME_ERR_ARGUMENT);
    assert_int_equal(
        acme_dns_persist_record(w.client, NULL, name, sizeof(name), value, sizeof(value)),
        ACME_ERR_NAME);
    assert_int_equal(
        acme_dns_persist_record(w.client, &what, name, sizeof(name), value, sizeof(value)),
        ACME_OK);
}

static void test_null_to_account_name(void **state)
{
    char name[300];

    (void)state;
    assert_int_equal(acme_dns_account_name(w.client, "example.org", NULL, sizeof(name)),
                     ACME_ERR_ARGUMENT);
    assert_int_equal(acme_dns_account_name(w.client, NULL, name, sizeof(name)), ACME_ERR_NAME);
    assert_int_equal(acme_dns_account_name(w.client, "example.org", name, sizeof(name)), ACME_OK);
}

static void test_null_to_doctor(void **state)
{
    static uint8_t memory[ACME_DOCTOR_SIZE] __attribute__((aligned(8)));
    const struct acme_doctor_config config = {.on_finding = NULL};

    (void)state;
    assert_int_equal(acme_doctor_start(w.client, NULL, memory, sizeof(memory)), ACME_ERR_ARGUMENT);
    assert_int_equal(acme_doctor_start(w.client, &config, memory, sizeof(memory)),
                     ACME_ERR_ARGUMENT);
    assert_int_equal(acme_doctor_start(w.client, &config, NULL, sizeof(memory)), ACME_ERR_ARGUMENT);
    assert_int_equal(device_run(), ACME_OK); /* the client is not taken up by it */
}

static void test_null_to_mbedtls_use(void **state)
{
    (void)state;
    assert_int_equal(acme_mbedtls_use(w.client, 0, NULL, NULL), ACME_ERR_ARGUMENT);
}

static void test_null_to_dns_resolver(void **state)
{
    static uint8_t memory[ACME_DNS_RESOLVER_SIZE] __attribute__((aligned(8)));
    struct acme_port bare = w.port;
    acme_dns_resolver *r;

    (void)state;
    assert_int_equal(acme_dns_resolver_init(NULL, &w.port, "192.0.2.1", 0, memory, sizeof(memory)),
                     ACME_ERR_ARGUMENT);
    assert_int_equal(acme_dns_resolver_init(&r, NULL, "192.0.2.1", 0, memory, sizeof(memory)),
                     ACME_ERR_ARGUMENT);
    assert_int_equal(acme_dns_resolver_init(&r, &w.port, NULL, 0, memory, sizeof(memory)),
                     ACME_ERR_ARGUMENT);
    bare.net = NULL;
    assert_int_equal(acme_dns_resolver_init(&r, &bare, "192.0.2.1", 0, memory, sizeof(memory)),
                     ACME_ERR_ARGUMENT);
    bare = w.port;
    bare.clock = NULL;
    assert_int_equal(acme_dns_resolver_init(&r, &bare, "192.0.2.1", 0, memory, sizeof(memory)),
                     ACME_ERR_ARGUMENT);
    assert_int_equal(acme_dns_resolver_init(&r, &w.port, "192.0.2.1", 0, memory, sizeof(memory)),
                     ACME_OK);
}

static void test_null_to_dns_update(void **state)
{
    static uint8_t memory[ACME_DNS_UPDATE_SIZE] __attribute__((aligned(8)));
    struct acme_dns_update_config config = {.port = &w.port, .server = "192.0.2.1"};
    acme_dns_update *u;

    (void)state;
    assert_int_equal(acme_dns_update_init(NULL, &config, memory, sizeof(memory)),
                     ACME_ERR_ARGUMENT);
    assert_int_equal(acme_dns_update_init(&u, NULL, memory, sizeof(memory)), ACME_ERR_ARGUMENT);
    assert_int_equal(acme_dns_update_init(&u, &config, NULL, sizeof(memory)), ACME_ERR_ARGUMENT);
    config.port = NULL;
    assert_int_equal(acme_dns_update_init(&u, &config, memory, sizeof(memory)), ACME_ERR_ARGUMENT);
}

static void test_null_to_dns_acmedns(void **state)
{
    static uint8_t memory[ACME_DNS_ACMEDNS_SIZE] __attribute__((aligned(8)));
    struct acme_dns_acmedns_account account = {"a.example.org", "sub", "user", "password"};
    struct acme_dns_acmedns_config config = {.port = &w.port,
                                             .url = "https://dns.example",
                                             .resolver = "192.0.2.1",
                                             .accounts = &account,
                                             .accounts_count = 1};
    const struct acme_dns_acmedns_config whole = config;
    acme_dns_acmedns *a;

    (void)state;
    assert_int_equal(acme_dns_acmedns_init(&a, &config, memory, sizeof(memory)), ACME_OK);
    assert_int_equal(acme_dns_acmedns_init(NULL, &config, memory, sizeof(memory)),
                     ACME_ERR_ARGUMENT);
    assert_int_equal(acme_dns_acmedns_init(&a, NULL, memory, sizeof(memory)), ACME_ERR_ARGUMENT);
    assert_int_equal(acme_dns_acmedns_init(&a, &config, NULL, sizeof(memory)), ACME_ERR_ARGUMENT);
    config.accounts = NULL;
    assert_int_equal(acme_dns_acmedns_init(&a, &config, memory, sizeof(memory)), ACME_ERR_ARGUMENT);
    config = whole;
    config.url = NULL;
    assert_int_equal(acme_dns_acmedns_init(&a, &config, memory, sizeof(memory)), ACME_ERR_ARGUMENT);
    config = whole;
    config.port = NULL;
    assert_int_equal(acme_dns_acmedns_init(&a, &config, memory, sizeof(memory)), ACME_ERR_ARGUMENT);
}

static void test_a_clock_may_be_demanded(void **state)
{
    (void)state;
    w.config.clock_required = true;
    w.clock.unknown = true;
    device_boot();
    assert_int_equal(acme_start(w.client), ACME_ERR_NO_CLOCK);
    w.clock.unknown = false;
    assert_int_equal(device_run(), ACME_OK);
    assert_true(device_has_cert(0));
}

static void test_states_have_names(void **state)
{
    (void)state;
    assert_string_equal(acme_state_name(0), "IDLE");
    assert_string_equal(acme_state_name(255), "UNKNOWN");
}

static void test_counters_tell_of_the_store(void **state)
{
    struct acme_counters counters;

    (void)state;
    acme_get_counters(w.client, &counters);
    assert_true(counters.requests > 0);
    assert_true(counters.store_used > 0);
    assert_true(counters.store_used < counters.store_capacity);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DEVICE_TEST(test_init_needs_its_arguments),
        DEVICE_TEST(test_init_needs_a_whole_port),
        DEVICE_TEST(test_records_may_be_elsewhere),
        DEVICE_TEST(test_init_wants_lists_with_their_counts),
        DEVICE_TEST(test_init_looks_at_the_urls),
        DEVICE_TEST(test_init_looks_at_the_texts),
        DEVICE_TEST(test_init_looks_at_the_key_types_and_ways),
        DEVICE_TEST(test_init_looks_at_each_request),
        DEVICE_TEST(test_there_is_one_client),
        DEVICE_TEST_ISSUED(test_format_takes_everything),
        DEVICE_TEST_ISSUED(test_one_job_at_a_time),
        DEVICE_TEST_ISSUED(test_slots_and_reasons_are_checked),
        DEVICE_TEST(test_nothing_to_revoke_or_read),
        DEVICE_TEST_ISSUED(test_null_to_format),
        DEVICE_TEST_ISSUED(test_null_to_cert_list),
        DEVICE_TEST_ISSUED(test_null_to_account_status),
        DEVICE_TEST_ISSUED(test_null_to_account_forget),
        DEVICE_TEST_ISSUED(test_null_to_counters),
        DEVICE_TEST_ISSUED(test_null_to_persist_record),
        DEVICE_TEST_ISSUED(test_null_to_account_name),
        DEVICE_TEST_ISSUED(test_null_to_doctor),
        DEVICE_TEST_ISSUED(test_null_to_mbedtls_use),
        DEVICE_TEST_ISSUED(test_null_to_dns_resolver),
        DEVICE_TEST_ISSUED(test_null_to_dns_update),
        DEVICE_TEST_ISSUED(test_null_to_dns_acmedns),
        DEVICE_TEST(test_a_clock_may_be_demanded),
        DEVICE_TEST(test_states_have_names),
        DEVICE_TEST_ISSUED(test_counters_tell_of_the_store),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
