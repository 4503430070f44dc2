/*
 * The records that a person sets once, as a client tells them: before there is an account, with
 * one, and with the little room that a caller may have.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "client/account_record.h"
#include "client/keys.h"
#include "client/pool.h"
#include "client/state.h"
#include "crypto/jws.h"
#include "lan_bench.h"

#define DIRECTORY "https://example.com/dir"
#define ACCOUNT   "https://example.com/acme/acct/ExampleAccount" /* of the draft's example */

static _Alignas(8) uint8_t memory[ACME_MEMORY_SIZE];
static acme_client *client;
static struct acme_flash_ops flash;
static bool flash_dead;
static char name[300], value[300];

static int32_t read_flash(void *ctx, uint32_t offset, void *data, size_t len)
{
    return flash_dead ? ACME_ERR_STORE_IO : flash_sim_ops.read(ctx, offset, data, len);
}

static int set_up(void **state)
{
    struct acme_config config = {
        .port = &port, .directory_url = DIRECTORY, .build_time_s = 1600000000};

    (void)state;
    lan_bench_plug();
    flash_sim_init(&bench_flash, 4096, 32, 8, 1);
    flash = flash_sim_ops;
    flash.read = read_flash;
    flash_dead = false;
    port.flash = &flash;
    port.flash_ctx = &bench_flash;
    port.entropy = &acme_posix_entropy_ops;
    assert_int_equal(acme_init(&client, &config, memory, sizeof(memory)), ACME_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    acme_deinit(client);
    return 0;
}

/* An account that another run has made. */
static void make_account(const char *url)
{
    static struct acme_account_record r = {.directory_url = DIRECTORY};
    bool made;

    (void)strcpy(r.url, url);
    assert_int_equal(acme_store_write_account(&client->log, 0, &r, client->work.bytes,
                                              sizeof(client->work.bytes)),
                     ACME_OK);
    assert_int_equal(acme_account_load(client), ACME_OK);
    assert_int_equal(
        acme_jws_ensure_key(acme_keys_account(client), client->account.type, false, &made),
        ACME_OK);
}

static int32_t persist(const struct acme_dns_persist *what)
{
    return acme_dns_persist_record(client, what, name, sizeof(name), value, sizeof(value));
}

static int32_t account_name(const char *domain)
{
    return acme_dns_account_name(client, domain, name, sizeof(name));
}

static void test_persist(void **state)
{
    struct acme_dns_persist what = {"example.org", false, "ca.example", 0};

    (void)state;
    make_account(ACCOUNT);
    assert_int_equal(persist(&what), ACME_OK);
    assert_string_equal(name, "_validation-persist.example.org");
    assert_string_equal(value, "ca.example; accounturi=" ACCOUNT);
    what.wildcard = true;
    what.until_s = 1800000000;
    assert_int_equal(persist(&what), ACME_OK);
    assert_string_equal(value, "ca.example; accounturi=" ACCOUNT
                               "; policy=wildcard; persistUntil=1800000000");
    what = (struct acme_dns_persist){"*.example.org", false, "ca.example", 0};
    assert_int_equal(persist(&what), ACME_OK);
    assert_string_equal(name, "_validation-persist.example.org");
    assert_string_equal(value, "ca.example; accounturi=" ACCOUNT "; policy=wildcard");
    /* Who the CA is has to come from somewhere. */
    what.issuer = NULL;
    assert_int_equal(persist(&what), ACME_ERR_FIELD);
    assert_int_equal(
        acme_pool_add(client, "first.example second.example", &client->directory.issuers), ACME_OK);
    assert_int_equal(persist(&what), ACME_OK);
    assert_string_equal(value, "first.example; accounturi=" ACCOUNT "; policy=wildcard");
}

static void test_account_name(void **state)
{
    (void)state;
    make_account(ACCOUNT);
    assert_int_equal(account_name("www.example.org"), ACME_OK);
    assert_string_equal(name, "_ujmmovf2vn55tgye._acme-challenge.www.example.org");
    assert_int_equal(account_name("*.www.example.org"), ACME_OK);
    assert_string_equal(name, "_ujmmovf2vn55tgye._acme-challenge.www.example.org");
}

static void test_what_is_no_name(void **state)
{
    static const char *const bad[] = {NULL, "", "a..b", "a b", "-a", "192.0.2.1", "*.*.a", "a;b"};
    struct acme_dns_persist what = {"example.org", false, "ca.example", 0};
    size_t i;

    (void)state;
    make_account(ACCOUNT);
    assert_int_equal(persist(NULL), ACME_ERR_NAME);
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        what.name = bad[i];
        assert_int_equal(persist(&what), ACME_ERR_NAME);
        assert_int_equal(account_name(bad[i]), ACME_ERR_NAME);
        what.name = "example.org";
        what.issuer = bad[i] != NULL ? bad[i] : "*.ca.example"; /* a name, and not its wildcard */
        assert_int_equal(persist(&what), ACME_ERR_NAME);
        what.issuer = "ca.example";
    }
}

/* Each size but the right one is too little, and nothing is written past it. */
static void test_little_room(void **state)
{
    const struct acme_dns_persist what = {"example.org", false, "ca.example", 0};
    size_t size, name_len, value_len;

    (void)state;
    make_account(ACCOUNT);
    assert_int_equal(persist(&what), ACME_OK);
    name_len = strlen(name);
    value_len = strlen(value);
    for (size = 1; size <= value_len; size++) {
        int32_t want = size > name_len ? ACME_OK : ACME_ERR_BUFFER;

        memset(name, '#', sizeof(name));
        memset(value, '#', sizeof(value));
        assert_int_equal(acme_dns_persist_record(client, &what, name, size, value, sizeof(value)),
                         want);
        assert_int_equal(name[size], '#');
        memset(value, '#', sizeof(value));
        assert_int_equal(acme_dns_persist_record(client, &what, name, sizeof(name), value, size),
                         ACME_ERR_BUFFER);
        assert_int_equal(value[size], '#');
    }
    assert_int_equal(account_name("example.org"), ACME_OK);
    name_len = strlen(name);
    assert_int_equal(acme_dns_account_name(client, "example.org", name, name_len), ACME_ERR_BUFFER);
    assert_int_equal(acme_dns_account_name(client, "example.org", name, name_len + 1), ACME_OK);
}

static void test_without_an_account(void **state)
{
    const struct acme_dns_persist what = {"example.org", false, "ca.example", 0};

    (void)state;
    assert_int_equal(persist(&what), ACME_ERR_ACCOUNT_NONE);
    assert_int_equal(account_name("example.org"), ACME_ERR_ACCOUNT_NONE);
    make_account(""); /* its key is there, and the CA has not told its URL */
    assert_int_equal(persist(&what), ACME_ERR_ACCOUNT_NONE);
    flash_dead = true;
    assert_int_equal(persist(&what), ACME_ERR_STORE_IO);
    assert_int_equal(account_name("example.org"), ACME_ERR_STORE_IO);
    flash_dead = false;
    make_account(ACCOUNT);
    assert_int_equal(persist(&what), ACME_OK);
    assert_int_equal(acme_account_start(client), ACME_OK); /* a job has the memory */
    assert_int_equal(persist(&what), ACME_ERR_STATE);
    assert_int_equal(account_name("example.org"), ACME_ERR_STATE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_persist),     TEST(test_account_name),       TEST(test_what_is_no_name),
        TEST(test_little_room), TEST(test_without_an_account),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
