/*
 * The account in trouble: closed or forgotten by the CA, terms that change, keys that are changed
 * or are the firmware's, replies that lie. The device says what is wrong, keeps what it has, and
 * goes on where that is possible.
 */
#include "device.h"

#include <psa/crypto.h>

static struct acme_account_status account(void)
{
    struct acme_account_status status;

    assert_int_equal(acme_account_get_status(w.client, &status), ACME_OK);
    return status;
}

/* The CA has the key that the device believes to be the account's. */
static bool is_agreed(uint32_t index)
{
    return memcmp(account().thumbprint, ca_sim_account(w.ca, index)->thumbprint, 43) == 0;
}

/* ---- deactivation ---- */

static void expect_gone(uint16_t status, const char *type)
{
    device_fault(CA_SIM_ACCOUNT, status, type, 1);
    assert_int_equal(device_finish(acme_account_deactivate(w.client)), ACME_OK);
    assert_false(account().exists);
    assert_int_equal(device_asked(CA_SIM_ACCOUNT), 2); /* no single answer ends an account */
    assert_int_equal(ca_sim_account(w.ca, w.ca->accounts_count - 1)->status, CA_SIM_DEACTIVATED);
}

static void test_a_deactivation_that_was_cut_ends(void **state)
{
    (void)state;
    expect_gone(401, "unauthorized");
    assert_int_equal(device_finish(acme_account_start(w.client)), ACME_OK);
    device_forget();
    expect_gone(400, "accountDoesNotExist");
    assert_true(device_has_cert(0));
}

static void test_a_refused_deactivation_changes_nothing(void **state)
{
    (void)state;
    device_fault(CA_SIM_ACCOUNT, 403, "rejectedIdentifier", 1);
    assert_int_equal(device_finish(acme_account_deactivate(w.client)), ACME_ERR_ORDER);
    assert_string_equal(heard.problem_type, "rejectedIdentifier");
    assert_true(account().exists);
    assert_true(is_agreed(0));
}

/* ---- another key ---- */

static void test_a_bad_nonce_does_not_put_a_key_change_in_doubt(void **state)
{
    (void)state;
    device_fault(CA_SIM_KEY_CHANGE, 400, "badNonce", 1);
    assert_int_equal(device_finish(acme_account_rollover(w.client)), ACME_OK);
    assert_int_equal(device_entered("KEY_PROBE"), 0);
    assert_int_equal(w.ca->counters.key_changes, 1);
    assert_true(is_agreed(0));
}

static void test_a_refused_key_change_keeps_the_key(void **state)
{
    const struct acme_account_status before = account();

    (void)state;
    device_fault(CA_SIM_KEY_CHANGE, 403, "unauthorized", 1);
    assert_int_equal(device_finish(acme_account_rollover(w.client)), ACME_ERR_PROBLEM);
    assert_string_equal(heard.problem_type, "unauthorized");
    assert_string_equal(account().thumbprint, before.thumbprint);
    device_reboot();
    assert_int_equal(device_finish(acme_account_update(w.client)), ACME_OK);
    assert_true(is_agreed(0));
}

static void test_a_rate_limit_leaves_a_key_change_open(void **state)
{
    (void)state;
    device_fault(CA_SIM_KEY_CHANGE, 429, "rateLimited", 1);
    assert_int_equal(device_finish(acme_account_rollover(w.client)), ACME_ERR_RATE_LIMITED);
    assert_true(is_agreed(0));
    device_forget();
    /* The next one finds out that the CA has not heard of it, and begins anew. */
    assert_int_equal(device_finish(acme_account_rollover(w.client)), ACME_OK);
    assert_int_equal(device_asked(CA_SIM_NEW_ACCOUNT), 1);
    assert_int_equal(w.ca->counters.key_changes, 1);
    assert_true(is_agreed(0));
}

/* The CA changes the key, but its answer gets lost. */
static void lose_the_answer(void)
{
    sim_edits_add(&edits, CA_SIM_KEY_CHANGE, NULL, "HTTP/1.1 503 X\r\nRetry-After: 86400\r\n\r\n");
    assert_int_equal(device_finish(acme_account_rollover(w.client)), ACME_ERR_SERVER);
    assert_int_equal(w.ca->counters.key_changes, 1);
    assert_false(is_agreed(0));
    device_forget();
}

static void test_a_lost_answer_is_found_out(void **state)
{
    (void)state;
    lose_the_answer();
    device_reboot();
    assert_int_equal(device_finish(acme_account_update(w.client)), ACME_OK);
    assert_int_equal(device_asked(CA_SIM_NEW_ACCOUNT), 1);
    assert_true(is_agreed(0));
    /* From here on all is as after any other change. */
    device_forget();
    assert_int_equal(device_renew(), ACME_OK);
    assert_int_equal(device_entered("KEY_PROBE"), 0);
}

static struct sim_server honest;
static bool lost;

/* The CA does what it is asked for, and the answer goes down with the connection. */
static size_t serve(void *ctx, const char *text, size_t len, char *reply, size_t size, bool *close)
{
    size_t done = honest.request(ctx, text, len, reply, size, close);

    if (!lost && strncmp(text, "POST /key-change ", 17) == 0) {
        lost = *close = true;
        return 0;
    }
    return done;
}

static void test_an_answer_lost_with_the_connection_costs_no_account(void **state)
{
    struct sim_server losing = w.server;
    struct acme_account_status before = account();

    (void)state;
    honest = w.server;
    losing.request = serve;
    w.net.server = &losing;
    assert_int_equal(device_finish(acme_account_rollover(w.client)), ACME_OK);
    assert_true(lost);
    assert_string_not_equal(account().thumbprint, before.thumbprint);
    assert_true(is_agreed(0));
    assert_int_equal(w.ca->counters.accounts, 1);
    assert_int_equal(w.ca->counters.key_changes, 1);
    assert_int_equal(device_renew(), ACME_OK);
    w.net.server = &w.server;
}

static void test_a_lost_answer_ends_the_change_that_is_asked_for(void **state)
{
    (void)state;
    lose_the_answer();
    assert_int_equal(device_finish(acme_account_rollover(w.client)), ACME_OK);
    assert_int_equal(device_asked(CA_SIM_NEW_ACCOUNT), 1);
    assert_int_equal(w.ca->counters.key_changes, 1);
    assert_int_equal(heard.events[ACME_EVENT_ACCOUNT], 1);
    assert_true(is_agreed(0));
}

static void test_a_probe_that_finds_another_account_changes_nothing(void **state)
{
    (void)state;
    lose_the_answer();
    sim_edits_add(&edits, CA_SIM_NEW_ACCOUNT, "Location: https://ca.example.org/account/0",
                  "Location: https://ca.example.org/account/7")
        ->count = 1;
    assert_int_equal(device_finish(acme_account_update(w.client)), ACME_ERR_ACCOUNT);
    assert_false(is_agreed(0));
    assert_int_equal(device_finish(acme_account_update(w.client)), ACME_OK);
    assert_true(is_agreed(0));
}

static void test_a_probe_that_is_refused_is_made_again(void **state)
{
    (void)state;
    lose_the_answer();
    device_fault(CA_SIM_NEW_ACCOUNT, 403, "unauthorized", 1);
    assert_int_not_equal(device_finish(acme_account_start(w.client)), ACME_ERR_INTERNAL);
    device_reboot();
    assert_int_equal(device_finish(acme_account_start(w.client)), ACME_OK);
    assert_true(account().exists);
}

static void test_a_bad_nonce_does_not_end_a_probe(void **state)
{
    (void)state;
    lose_the_answer();
    device_fault(CA_SIM_NEW_ACCOUNT, 400, "badNonce", 1);
    assert_int_equal(device_finish(acme_account_start(w.client)), ACME_OK);
    assert_int_equal(device_asked(CA_SIM_NEW_ACCOUNT), 2);
    assert_true(is_agreed(0));
}

static void test_a_ca_may_not_change_keys(void **state)
{
    (void)state;
    sim_edits_add(&edits, CA_SIM_DIRECTORY_GET, "\"keyChange\"", "\"keyChanges\"");
    assert_int_equal(device_finish(acme_account_rollover(w.client)), ACME_ERR_FIELD);
    assert_int_equal(device_asked(CA_SIM_KEY_CHANGE), 0);
    assert_true(is_agreed(0));
}

static void test_a_problem_may_come_as_plain_json(void **state)
{
    (void)state;
    sim_edits_add(&edits, CA_SIM_KEY_CHANGE, NULL,
                  REPLY("403", "json", ERROR_TYPE("rejectedIdentifier")));
    assert_int_equal(device_finish(acme_account_rollover(w.client)), ACME_ERR_ORDER);
    assert_string_equal(heard.problem_type, "rejectedIdentifier");
}

/* ---- a key of the firmware's ---- */

#define OUR_KEY 0x0bad0001u

static void make_key(void)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_id_t id;

    psa_set_key_type(&attributes, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_bits(&attributes, 256);
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_SIGN_HASH | PSA_KEY_USAGE_SIGN_MESSAGE);
    psa_set_key_algorithm(&attributes, PSA_ALG_ECDSA(PSA_ALG_SHA_256));
    psa_set_key_id(&attributes, OUR_KEY);
    assert_int_equal(psa_generate_key(&attributes, &id), PSA_SUCCESS);
}

static bool has_key(void)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    bool there = psa_get_key_attributes(OUR_KEY, &attributes) == PSA_SUCCESS;

    psa_reset_key_attributes(&attributes);
    return there;
}

static void boot_with_our_key(void)
{
    device_boot();
    make_key();
    sim_world_halt(&w);
    w.config.account_key_id = OUR_KEY;
    device_boot();
    assert_true(has_key());
}

static void test_the_firmwares_key_must_be_there(void **state)
{
    (void)state;
    w.config.account_key_id = OUR_KEY;
    device_boot();
    assert_int_equal(device_run(), ACME_ERR_NOT_FOUND);
    assert_int_equal(device_asked(CA_SIM_NEW_ACCOUNT), 0);
}

static void test_the_firmwares_key_is_not_ours_to_replace(void **state)
{
    (void)state;
    boot_with_our_key();
    assert_int_equal(device_run(), ACME_OK);
    assert_int_equal(account().key_id, OUR_KEY);
    assert_int_equal(acme_account_rollover(w.client), ACME_ERR_UNSUPPORTED);
    ca_sim_account(w.ca, 0)->status = CA_SIM_DEACTIVATED;
    assert_int_equal(device_renew(), ACME_ERR_ACCOUNT);
    assert_true(device_has_cert(0));
    assert_true(has_key());
    sim_world_halt(&w);
    w.config.account_key_id = 1; /* below the client's own */
    device_boot();
    assert_int_equal(acme_account_rollover(w.client), ACME_ERR_UNSUPPORTED);
}

static void test_the_firmwares_key_outlives_its_account(void **state)
{
    (void)state;
    boot_with_our_key();
    assert_int_equal(device_run(), ACME_OK);
    assert_int_equal(device_finish(acme_account_deactivate(w.client)), ACME_OK);
    assert_false(account().exists);
    assert_true(has_key());
}

static void test_the_firmwares_key_takes_over_in_the_middle_of_a_change(void **state)
{
    (void)state;
    lose_the_answer();
    make_key();
    sim_world_halt(&w);
    w.config.account_key_id = OUR_KEY;
    device_boot();
    assert_int_equal(device_finish(acme_account_recover(w.client)), ACME_OK);
    assert_int_equal(device_entered("KEY_PROBE"), 0);
    assert_int_equal(account().key_id, OUR_KEY);
    assert_int_equal(device_renew(), ACME_OK);
    assert_true(has_key());
}

/* ---- closed and forgotten accounts ---- */

static void test_an_account_is_replaced_once(void **state)
{
    (void)state;
    ca_sim_account(w.ca, 0)->status = CA_SIM_DEACTIVATED;
    sim_edits_add(&edits, CA_SIM_NEW_ACCOUNT, "\"status\":\"valid\"", "\"status\":\"revoked\"");
    assert_int_equal(device_renew(), ACME_ERR_ACCOUNT);
    assert_int_equal(device_asked(CA_SIM_NEW_ACCOUNT), 2);
    assert_true(device_has_cert(0));
    device_forget();
    assert_int_equal(device_renew(), ACME_OK);
    assert_true(account().exists);
}

static void test_who_wants_an_old_account_gets_no_new_one(void **state)
{
    (void)state;
    sim_world_halt(&w);
    w.config.account_only_existing = true;
    device_boot();
    device_fault(CA_SIM_NEW_ORDER, 400, "accountDoesNotExist", 9);
    assert_int_equal(device_renew(), ACME_ERR_ACCOUNT_NONE);
    assert_int_equal(device_asked(CA_SIM_NEW_ACCOUNT), 1);
    assert_int_equal(w.ca->counters.lookups, 1);
    memset(w.ca->faults, 0, sizeof(w.ca->faults));
    ca_sim_account(w.ca, 0)->status = CA_SIM_DEACTIVATED;
    assert_int_equal(device_finish(acme_account_recover(w.client)), ACME_ERR_ACCOUNT);
    assert_int_equal(w.ca->accounts_count, 1);
    assert_true(device_has_cert(0));
}

static void test_an_account_forgotten_by_the_ca_is_made_anew(void **state)
{
    (void)state;
    device_fault(CA_SIM_ACCOUNT, 400, "accountDoesNotExist", 1);
    w.ca->accounts_count = 0;
    assert_int_equal(device_finish(acme_account_update(w.client)), ACME_OK);
    assert_int_equal(device_asked(CA_SIM_NEW_ACCOUNT), 2); /* it is looked up before */
    assert_int_equal(w.ca->counters.lookups, 1);
    assert_int_equal(device_asked(CA_SIM_ACCOUNT), 3);
    assert_true(is_agreed(0));
}

static void test_an_account_is_looked_up_once(void **state)
{
    (void)state;
    device_fault(CA_SIM_NEW_ORDER, 400, "accountDoesNotExist", 9);
    assert_int_equal(device_renew(), ACME_ERR_ACCOUNT_NONE);
    assert_int_equal(device_asked(CA_SIM_NEW_ACCOUNT), 1);
    assert_int_equal(device_asked(CA_SIM_NEW_ORDER), 3);
    assert_true(device_has_cert(0));
}

static void test_replies_of_new_account_are_checked(void **state)
{
    static const struct {
        const char *reply;
        int32_t error;
    } table[] = {
        {REPLY("201", "octet-stream", "{\"status\":\"valid\"}"), ACME_ERR_CONTENT_TYPE},
        {REPLY("202", "json", "{\"status\":\"valid\"}"), ACME_ERR_HTTP_STATUS},
        {REPLY("201", "json", "{\"status\":\"valid\"}"), ACME_ERR_FIELD},
        {REPLY("201", "json", "{}"), ACME_ERR_FIELD},
        {"HTTP/1.1 201 X\r\nContent-Type: application/json\r\n"
         "Location: http://ca.example.org/account/0\r\n\r\n{\"status\":\"valid\"}",
         ACME_ERR_URL},
    };
    size_t i;

    (void)state;
    device_boot();
    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        device_forget();
        sim_edits_add(&edits, CA_SIM_NEW_ACCOUNT, NULL, table[i].reply);
        assert_int_equal(device_run(), table[i].error);
        assert_int_equal(heard.error, table[i].error);
        assert_int_equal(device_asked(CA_SIM_NEW_ORDER), 0);
        assert_false(account().exists);
    }
    device_forget();
    assert_int_equal(device_run(), ACME_OK); /* with the key that it had already */
    assert_int_equal(w.ca->accounts_count, 1);
}

/* ---- terms ---- */

static void test_a_ca_without_terms(void **state)
{
    (void)state;
    w.config.tos_agreed = false;
    device_boot();
    sim_edits_add(&edits, CA_SIM_DIRECTORY_GET, "\"termsOfService\"", "\"website\"");
    assert_int_equal(device_run(), ACME_OK);
    assert_int_equal(heard.events[ACME_EVENT_TOS], 0);
    assert_string_equal(account().tos_url, "");
}

/* They stop nobody who agrees to them, and are agreed to by nobody else. */
static void expect_terms_that_are_not_shown(const char *put)
{
    uint32_t i;

    w.config.tos_accepted_url = "https://ca.example.org/terms/1";
    for (i = 0; i < 3; i++) {
        sim_world_halt(&w);
        w.config.tos_agreed = i > 0;
        w.config.tos_policy = i == 1 ? ACME_TOS_STOP : ACME_TOS_AGREE_AGAIN;
        device_boot();
        device_forget();
        sim_edits_add(&edits, CA_SIM_DIRECTORY_GET, "https://ca.example.org/terms/1", put);
        assert_int_equal(device_run(), i == 2 ? ACME_OK : ACME_ERR_TOS);
        assert_int_equal(device_asked(CA_SIM_NEW_ACCOUNT), i == 2 ? 1 : 0);
        assert_int_equal(heard.events[ACME_EVENT_TOS], 0);
    }
    assert_string_equal(account().tos_url, "");
}

/* They are shown to people, on terminals that obey escape sequences. */
static void test_terms_that_cannot_be_printed(void **state)
{
    (void)state;
    expect_terms_that_are_not_shown("https://ca.example.org/\\u001b[2J");
}

/* Some CAs have a sentence there. */
static void test_terms_that_are_no_url(void **state)
{
    (void)state;
    expect_terms_that_are_not_shown("https://ca.example.org/terms of service \xc3\xa8.pdf");
}

static void test_terms_must_be_agreed_to(void **state)
{
    (void)state;
    w.config.tos_agreed = false;
    device_boot();
    assert_int_equal(device_run(), ACME_ERR_TOS);
    assert_int_equal(device_asked(CA_SIM_NEW_ACCOUNT), 0);
    sim_world_halt(&w);
    w.config.account_only_existing = true; /* an agreement of old */
    device_boot();
    assert_int_equal(device_run(), ACME_ERR_ACCOUNT_NONE);
    assert_int_equal(w.ca->accounts_count, 0);
}

static void test_only_the_terms_that_were_accepted(void **state)
{
    (void)state;
    w.config.tos_policy = ACME_TOS_STOP;
    device_boot();
    assert_int_equal(device_run(), ACME_ERR_TOS);
    sim_world_halt(&w);
    w.config.tos_accepted_url = "https://ca.example.org/terms/1";
    device_boot();
    assert_int_equal(device_run(), ACME_OK);
    assert_string_equal(account().tos_url, w.config.tos_accepted_url);
    w.ca->options.terms = 1;
    device_forget();
    assert_int_equal(device_renew(), ACME_OK);
    assert_int_equal(heard.events[ACME_EVENT_TOS], 1);
    assert_string_equal(heard.terms, "https://ca.example.org/terms/2");
    assert_string_equal(account().tos_url, w.config.tos_accepted_url);
    assert_int_equal(device_asked(CA_SIM_ACCOUNT) + device_asked(CA_SIM_NEW_ACCOUNT), 0);
    w.ca->options.terms_enforced = true;
    assert_int_equal(device_renew(), ACME_ERR_TOS);
    assert_true(device_has_cert(0));
}

static void test_terms_with_an_endless_url(void **state)
{
    static char put[CONFIG_ACME_URL_MAX + 64] = "https://ca.example.org/";

    (void)state;
    memset(put + strlen(put), 'x', CONFIG_ACME_URL_MAX);
    expect_terms_that_are_not_shown(put);
}

/* ---- accounts of several CAs ---- */

static void test_accounts_have_slots(void **state)
{
    static const char *const urls[] = {
        "https://ca.example.org/directory/1", "https://ca.example.org/directory/2",
        "https://ca.example.org/directory/3", "https://ca.example.org/directory/4",
        "https://ca.example.org/directory/5"};
    uint32_t i;

    (void)state;
    w.config.certs_count = 0;
    for (i = 0; i < 5; i++) { /* one more than there are: a CA that is not in use makes room */
        w.config.directory_url = urls[i];
        device_boot();
        assert_int_equal(device_finish(acme_account_start(w.client)), ACME_OK);
        sim_world_halt(&w);
    }
    assert_int_equal(w.ca->accounts_count, 5);
    for (i = 5; i-- > 0;) {
        w.config.directory_url = urls[i];
        device_boot();
        assert_int_equal(account().exists, i + CONFIG_ACME_ACCOUNT_SLOTS >= 5);
        assert_true(!account().exists || is_agreed(i));
        sim_world_halt(&w);
    }
}

static void test_a_binding_may_be_demanded(void **state)
{
    (void)state;
    device_boot();
    sim_edits_add(&edits, CA_SIM_DIRECTORY_GET, "\"meta\":{",
                  "\"meta\":{\"externalAccountRequired\":true,");
    assert_int_equal(device_run(), ACME_ERR_EAB);
    assert_int_equal(device_asked(CA_SIM_NEW_ACCOUNT), 0);
    sim_world_halt(&w);
    w.config.eab_kid = "kid";
    w.config.eab_hmac_key = "not base64url!";
    assert_int_equal(sim_world_boot(&w), ACME_ERR_EAB_KEY);
    w.config.eab_hmac_key = "AAECAwQFBgcICQoLDA0ODw";
    device_boot();
    assert_int_equal(device_run(), ACME_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DEVICE_TEST_ISSUED(test_a_deactivation_that_was_cut_ends),
        DEVICE_TEST_ISSUED(test_a_refused_deactivation_changes_nothing),
        DEVICE_TEST_ISSUED(test_a_bad_nonce_does_not_put_a_key_change_in_doubt),
        DEVICE_TEST_ISSUED(test_a_refused_key_change_keeps_the_key),
        DEVICE_TEST_ISSUED(test_a_rate_limit_leaves_a_key_change_open),
        DEVICE_TEST_ISSUED(test_a_lost_answer_is_found_out),
        DEVICE_TEST_ISSUED(test_an_answer_lost_with_the_connection_costs_no_account),
        DEVICE_TEST_ISSUED(test_a_lost_answer_ends_the_change_that_is_asked_for),
        DEVICE_TEST_ISSUED(test_a_probe_that_finds_another_account_changes_nothing),
        DEVICE_TEST_ISSUED(test_a_probe_that_is_refused_is_made_again),
        DEVICE_TEST_ISSUED(test_a_bad_nonce_does_not_end_a_probe),
        DEVICE_TEST_ISSUED(test_a_ca_may_not_change_keys),
        DEVICE_TEST_ISSUED(test_a_problem_may_come_as_plain_json),
        DEVICE_TEST(test_the_firmwares_key_must_be_there),
        DEVICE_TEST(test_the_firmwares_key_is_not_ours_to_replace),
        DEVICE_TEST(test_the_firmwares_key_outlives_its_account),
        DEVICE_TEST_ISSUED(test_the_firmwares_key_takes_over_in_the_middle_of_a_change),
        DEVICE_TEST_ISSUED(test_an_account_is_replaced_once),
        DEVICE_TEST_ISSUED(test_who_wants_an_old_account_gets_no_new_one),
        DEVICE_TEST_ISSUED(test_an_account_forgotten_by_the_ca_is_made_anew),
        DEVICE_TEST_ISSUED(test_an_account_is_looked_up_once),
        DEVICE_TEST(test_replies_of_new_account_are_checked),
        DEVICE_TEST(test_a_ca_without_terms),
        DEVICE_TEST(test_terms_that_cannot_be_printed),
        DEVICE_TEST(test_terms_that_are_no_url),
        DEVICE_TEST(test_terms_must_be_agreed_to),
        DEVICE_TEST(test_only_the_terms_that_were_accepted),
        DEVICE_TEST(test_terms_with_an_endless_url),
        DEVICE_TEST(test_accounts_have_slots),
        DEVICE_TEST(test_a_binding_may_be_demanded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
