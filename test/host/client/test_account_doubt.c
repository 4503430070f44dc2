/*
 * An account that the CA does not seem to know, or will not have any more; a binding that is good
 * once; terms that change: nothing of the old account is given up before the CA has said so and a
 * new one is stored. Who has nothing to do with an account does not need one.
 */
#include "device.h"

#include <stdio.h>

#include <psa/crypto.h>

#include "store/store.h"

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

static bool has_key(uint8_t slot, uint8_t generation)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_id_t id = CONFIG_ACME_KEY_ID_BASE + slot * 2u + generation;
    bool there = psa_get_key_attributes(id, &attributes) == PSA_SUCCESS;

    psa_reset_key_attributes(&attributes);
    return there;
}

/* ---- the account as the store has it, while the device is off ---- */

static struct acme_account_record record;
static uint8_t scratch[1024];

static void open_store(struct acme_store *store, struct acme_port *port)
{
    struct acme_config config = {.port = port};

    memset(port, 0, sizeof(*port));
    port->flash = &flash_sim_ops;
    port->flash_ctx = &w.flash;
    assert_int_equal(acme_store_open(store, &config), ACME_OK);
}

static void read_record(void)
{
    struct acme_store store;
    struct acme_port port;

    open_store(&store, &port);
    assert_int_equal(acme_store_read_account(&store, 0, &record, scratch, sizeof(scratch)),
                     ACME_OK);
}

static void write_record(void)
{
    struct acme_store store;
    struct acme_port port;

    open_store(&store, &port);
    assert_int_equal(acme_store_write_account(&store, 0, &record, scratch, sizeof(scratch)),
                     ACME_OK);
}

/* ---- in doubt ---- */

static void expect_the_same_account(uint32_t lookups)
{
    struct acme_account_status before = account();

    w.ca->counters.lookups = 0;
    assert_int_equal(device_renew(), ACME_OK);
    assert_string_equal(account().thumbprint, before.thumbprint);
    assert_string_equal(account().url, before.url);
    assert_int_equal(w.ca->counters.lookups, lookups);
    assert_int_equal(device_asked(CA_SIM_NEW_ACCOUNT), lookups);
    assert_int_equal(w.ca->counters.accounts, 1);
    assert_true(is_agreed(0));
}

/* The one that was asked may not have heard of it yet: another answers a moment later. */
static void test_a_replica_that_lags(void **state)
{
    static const char *const types[] = {"accountDoesNotExist", "unauthorized"};
    size_t i;

    (void)state;
    w.ca->options.no_renewal_info = true; /* no order is tried again without "replaces" */
    for (i = 0; i < 2; i++) {
        uint64_t from = w.clock.now_ms;

        device_forget();
        device_fault(CA_SIM_NEW_ORDER, i == 0 ? 400 : 403, types[i], 1);
        expect_the_same_account(0);
        assert_int_equal(device_asked(CA_SIM_NEW_ORDER), 2);
        assert_true(w.clock.now_ms - from >= 2000);
    }
}

static void test_a_lag_in_the_middle_of_an_order(void **state)
{
    static const enum ca_sim_route routes[] = {CA_SIM_ORDER, CA_SIM_AUTHORIZATION, CA_SIM_CHALLENGE,
                                               CA_SIM_FINALIZE, CA_SIM_CERTIFICATE};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        device_forget();
        device_fault(routes[i], 400, "accountDoesNotExist", 1);
        expect_the_same_account(0);
        assert_int_equal(device_asked(CA_SIM_NEW_ORDER), 1);
    }
}

static void test_an_account_is_looked_up_by_its_key(void **state)
{
    static const char *const types[] = {"accountDoesNotExist", "unauthorized"};
    size_t i;

    (void)state;
    w.ca->options.no_renewal_info = true; /* no order is tried again without "replaces" */
    for (i = 0; i < 2; i++) {
        device_forget();
        device_fault(CA_SIM_NEW_ORDER, i == 0 ? 400 : 403, types[i], 2);
        expect_the_same_account(1);
    }
}

/* What the CA refuses for another reason comes to that in the end. */
static void test_who_may_not_order(void **state)
{
    struct acme_account_status before = account();

    (void)state;
    w.ca->options.no_renewal_info = true; /* no order is tried again without "replaces" */
    device_fault(CA_SIM_NEW_ORDER, 403, "unauthorized", 9);
    assert_int_equal(device_renew(), ACME_ERR_PROBLEM);
    assert_string_equal(heard.problem_type, "unauthorized");
    assert_int_equal(device_asked(CA_SIM_NEW_ORDER), 3);
    assert_int_equal(w.ca->counters.lookups, 1);
    assert_string_equal(account().url, before.url);
    assert_true(is_agreed(0));
}

/* A look-up may fail as any request may: the account is as it was. */
static void test_a_look_up_that_fails(void **state)
{
    static const struct {
        uint16_t status;
        const char *type;
        int32_t error;
    } table[] = {{403, "unauthorized", ACME_ERR_PROBLEM},
                 {400, "malformed", ACME_ERR_PROBLEM},
                 {403, "externalAccountRequired", ACME_ERR_EAB},
                 {403, "userActionRequired", ACME_ERR_TOS},
                 {429, "rateLimited", ACME_ERR_RATE_LIMITED}};
    struct acme_account_status before = account();
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        memset(w.ca->faults, 0, sizeof(w.ca->faults));
        device_fault(CA_SIM_NEW_ORDER, 400, "accountDoesNotExist", 2);
        device_fault(CA_SIM_NEW_ACCOUNT, table[i].status, table[i].type, 1);
        assert_int_equal(device_renew(), table[i].error);
        device_reboot();
        assert_true(account().exists);
        assert_string_equal(account().url, before.url);
        assert_string_equal(account().thumbprint, before.thumbprint);
    }
    assert_int_equal(w.ca->counters.accounts, 1);
    memset(w.ca->faults, 0, sizeof(w.ca->faults));
    assert_int_equal(device_renew(), ACME_OK);
}

static void test_an_account_that_is_gone_is_made_anew_with_its_key(void **state)
{
    struct acme_account_status before = account();

    (void)state;
    w.ca->options.no_renewal_info = true; /* no order is tried again without "replaces" */
    w.ca->accounts_count = 0;
    assert_int_equal(device_renew(), ACME_OK);
    assert_int_equal(w.ca->counters.accounts, 2);
    assert_int_equal(w.ca->counters.lookups, 1);
    assert_string_equal(account().thumbprint, before.thumbprint);
    assert_true(is_agreed(0));
}

/* ---- a binding that is good once ---- */

static void boot_bound(void)
{
    w.ca->options.bindings = true;
    w.config.eab_kid = "kid-1";
    w.config.eab_hmac_key = "AAECAwQFBgcICQoLDA0ODw";
    device_boot();
}

static int set_up_bound(void **state)
{
    (void)device_set_up(state);
    boot_bound();
    assert_int_equal(device_run(), ACME_OK);
    assert_int_equal(w.ca->counters.bindings, 1);
    device_forget();
    return 0;
}

/* What the old firmware sent it for again. */
static void test_a_binding_is_sent_once(void **state)
{
    struct acme_account_status before = account();
    uint32_t i;

    (void)state;
    for (i = 0; i < 2; i++) {
        w.ca->options.binding_is_malformed = i == 1;
        device_fault(CA_SIM_NEW_ORDER, 400, "accountDoesNotExist", 1);
        assert_int_equal(device_renew(), ACME_OK);
        device_fault(CA_SIM_NEW_ORDER, 400, "accountDoesNotExist", 2);
        assert_int_equal(device_renew(), ACME_OK);
        device_fault(CA_SIM_NEW_ORDER, 401, "unauthorized", 2);
        assert_int_equal(device_renew(), ACME_OK);
        w.ca->options.terms++;
        assert_int_equal(device_renew(), ACME_OK);
        assert_int_equal(device_finish(acme_account_recover(w.client)), ACME_OK);
        device_reboot();
        assert_int_equal(device_finish(acme_account_start(w.client)), ACME_OK);
        assert_int_equal(device_finish(acme_account_update(w.client)), ACME_OK);
        assert_int_equal(device_renew(), ACME_OK);
    }
    assert_int_equal(w.ca->counters.bindings, 1);
    assert_string_equal(account().url, before.url);
    assert_true(is_agreed(0));
}

static struct sim_server honest;
static bool lost;

/* The CA makes the account, and the answer goes down with the connection. */
static size_t lose_new_account(void *ctx, const char *text, size_t len, char *reply, size_t size,
                               bool *close)
{
    size_t done = honest.request(ctx, text, len, reply, size, close);

    if (!lost && w.ca->counters.accounts > 0) {
        lost = *close = true;
        return 0;
    }
    return done;
}

static void test_an_answer_that_is_lost_costs_no_binding(void **state)
{
    struct sim_server losing = w.server;

    (void)state;
    honest = w.server;
    losing.request = lose_new_account;
    w.net.server = &losing;
    lost = false;
    boot_bound();
    assert_int_equal(device_run(), ACME_OK);
    assert_true(lost);
    assert_int_equal(w.ca->counters.bindings, 1);
    assert_int_equal(w.ca->counters.accounts, 1);
    assert_true(is_agreed(0));
    w.net.server = &w.server;
}

/* Google's answer to a binding that is used or older than a week, and another CA's. */
static void test_a_used_binding_destroys_no_key(void **state)
{
    uint32_t i;

    (void)state;
    boot_bound();
    for (i = 0; i < 2; i++) {
        (void)snprintf(w.ca->binding, sizeof(w.ca->binding), "kid-1");
        w.ca->options.binding_is_malformed = i == 1;
        assert_int_equal(device_run(), ACME_ERR_PROBLEM);
        assert_string_equal(heard.problem_type, i == 1 ? "malformed" : "unauthorized");
        assert_true(has_key(0, 0));
        assert_false(has_key(0, 1));
        device_reboot();
    }
    /* A new binding brings the key its account. */
    sim_world_halt(&w);
    w.config.eab_kid = "kid-2";
    device_boot();
    assert_int_equal(device_run(), ACME_OK);
    assert_true(has_key(0, 0));
    assert_true(is_agreed(0));
}

/* A store of 0.1.0, which has forgotten the URL of its account, and knows of no binding. */
static void test_an_old_store_without_the_url(void **state)
{
    (void)state;
    sim_world_halt(&w);
    read_record();
    assert_true(record.binding != 0);
    record.binding = 0;
    record.url[0] = record.tos_url[0] = '\0';
    write_record();
    device_boot();
    assert_false(account().exists);
    assert_int_equal(device_renew(), ACME_OK);
    assert_int_equal(w.ca->counters.bindings, 1);
    assert_true(is_agreed(0));
}

/* A CA that asks for a binding before it looks: who has none yet sends it, who has sent it before
 * does not. */
static void test_a_ca_that_asks_for_a_binding_first(void **state)
{
    (void)state;
    sim_world_halt(&w);
    read_record();
    record.url[0] = '\0';
    write_record();
    device_boot();
    device_fault(CA_SIM_NEW_ACCOUNT, 403, "externalAccountRequired", 1);
    assert_int_equal(device_renew(), ACME_ERR_EAB);
    assert_int_equal(w.ca->counters.bindings, 1);
    sim_world_halt(&w);
    record.binding = 0;
    write_record();
    device_boot();
    device_fault(CA_SIM_NEW_ACCOUNT, 403, "externalAccountRequired", 1);
    assert_int_equal(device_renew(), ACME_ERR_PROBLEM); /* it is used */
    assert_int_equal(w.ca->counters.bindings, 2);
    assert_true(has_key(0, 0));
}

static void test_without_a_binding_an_account_goes_on(void **state)
{
    (void)state;
    sim_world_halt(&w);
    w.config.eab_kid = w.config.eab_hmac_key = NULL;
    device_boot();
    device_fault(CA_SIM_NEW_ORDER, 400, "accountDoesNotExist", 2);
    assert_int_equal(device_renew(), ACME_OK);
    w.ca->accounts_count = 0;
    assert_int_equal(device_renew(), ACME_ERR_EAB);
    assert_true(has_key(0, 0));
}

/* ---- closed accounts ---- */

static void test_a_closed_account_gets_a_successor(void **state)
{
    struct acme_account_status before = account();
    uint32_t i;

    (void)state;
    for (i = 0; i < 2; i++) {
        w.ca->options.shows_account = i == 1;
        ca_sim_account(w.ca, i)->status = CA_SIM_DEACTIVATED;
        assert_int_equal(device_renew(), ACME_OK);
        assert_string_not_equal(account().thumbprint, before.thumbprint);
        assert_true(is_agreed(i + 1u));
        assert_true(has_key(0, (uint8_t)(1u - i)));
        assert_false(has_key(0, (uint8_t)i));
        before = account();
    }
    assert_int_equal(w.ca->counters.accounts, 3);
}

/* The old key and URL stay until the new account is there. */
static void test_a_successor_that_is_refused(void **state)
{
    struct acme_account_status before = account();

    (void)state;
    ca_sim_account(w.ca, 0)->status = CA_SIM_DEACTIVATED;
    assert_int_equal(device_renew(), ACME_ERR_PROBLEM);
    assert_string_equal(heard.problem_type, "unauthorized"); /* the binding is used */
    assert_true(has_key(0, 0));
    device_reboot();
    assert_string_equal(account().thumbprint, before.thumbprint);
    assert_string_equal(account().url, before.url);
    assert_true(has_key(0, 1));
    /* The CA may take it back. */
    ca_sim_account(w.ca, 0)->status = CA_SIM_VALID;
    assert_int_equal(device_renew(), ACME_OK);
    assert_int_equal(w.ca->counters.accounts, 1);
    assert_true(is_agreed(0));
    /* And a new binding ends it, with the key that was made for it. */
    ca_sim_account(w.ca, 0)->status = CA_SIM_DEACTIVATED;
    sim_world_halt(&w);
    w.config.eab_kid = "kid-2";
    device_boot();
    assert_int_equal(device_renew(), ACME_OK);
    assert_int_equal(w.ca->counters.accounts, 2);
    assert_true(is_agreed(1));
    assert_false(has_key(0, 0));
    device_reboot();
    assert_true(is_agreed(1));
}

static void test_a_revoked_account_is_a_persons_affair(void **state)
{
    struct acme_account_status before = account();
    uint32_t i;

    (void)state;
    ca_sim_account(w.ca, 0)->status = CA_SIM_REVOKED;
    for (i = 0; i < 2; i++) {
        w.ca->options.shows_account = i == 1;
        assert_int_equal(device_renew(), i == 1 ? ACME_ERR_ACCOUNT : ACME_ERR_PROBLEM);
        assert_non_null(strstr(heard.problem_detail, "revoked"));
        device_reboot();
        assert_string_equal(account().url, before.url);
        assert_string_equal(account().thumbprint, before.thumbprint);
        assert_false(has_key(0, 1));
    }
    assert_int_equal(w.ca->counters.accounts, 1);
}

/* A status that is not known is no reason either. */
static void test_an_account_of_an_unknown_status(void **state)
{
    struct acme_account_status before = account();

    (void)state;
    w.ca->options.no_renewal_info = true; /* no order is tried again without "replaces" */
    device_fault(CA_SIM_NEW_ORDER, 401, "unauthorized", 2);
    sim_edits_add(&edits, CA_SIM_NEW_ACCOUNT, "\"status\":\"valid\"", "\"status\":\"suspended\"");
    assert_int_equal(device_renew(), ACME_ERR_ACCOUNT);
    assert_non_null(strstr(heard.problem_detail, "suspended"));
    assert_string_equal(account().thumbprint, before.thumbprint);
    assert_int_equal(w.ca->counters.accounts, 1);
}

/* ---- terms ---- */

static void expect_terms(uint32_t events, const char *url)
{
    assert_int_equal(heard.events[ACME_EVENT_TOS], events);
    assert_int_equal(heard.events[ACME_EVENT_ERROR], 0);
    assert_string_equal(account().tos_url, url);
    assert_true(device_has_cert(0));
}

static void test_new_terms_are_agreed_to(void **state)
{
    (void)state;
    w.ca->options.terms = 1;
    w.ca->options.terms_enforced = true;
    assert_int_equal(device_renew(), ACME_OK);
    expect_terms(1, "https://ca.example.org/terms/2");
    assert_int_equal(device_asked(CA_SIM_NEW_ACCOUNT), 0);
    assert_int_equal(device_asked(CA_SIM_ACCOUNT), 1);
    device_forget();
    assert_int_equal(device_renew(), ACME_OK);
    expect_terms(0, "https://ca.example.org/terms/2");
    assert_int_equal(device_asked(CA_SIM_ACCOUNT), 0);
}

static void test_new_terms_stop_nothing(void **state)
{
    uint32_t i;

    (void)state;
    for (i = 0; i < 3; i++) {
        w.ca->options.terms = i + 1;
        sim_world_halt(&w);
        w.config.tos_agreed = i > 0;
        w.config.tos_policy = i > 0 ? ACME_TOS_STOP : ACME_TOS_AGREE_AGAIN;
        w.config.tos_accepted_url = i > 1 ? "https://ca.example.org/terms/1" : NULL;
        device_boot();
        device_forget();
        assert_int_equal(device_renew(), ACME_OK);
        expect_terms(1, "https://ca.example.org/terms/1");
        assert_int_equal(device_asked(CA_SIM_ACCOUNT), 0);
    }
    /* Until the CA says so. */
    w.ca->options.terms_enforced = true;
    assert_int_equal(device_renew(), ACME_ERR_TOS);
    assert_string_equal(heard.problem_type, "userActionRequired");
    assert_true(device_has_cert(0));
}

static void test_an_agreement_that_fails_is_not_the_jobs_failure(void **state)
{
    static const struct {
        uint16_t status, count;
        const char *type;
    } table[] = {{400, 1, "malformed"},      {403, 1, "unauthorized"}, {429, 1, "rateLimited"},
                 {500, 9, "serverInternal"}, {404, 1, NULL},           {501, 1, "notImplemented"}};
    size_t i;

    (void)state;
    w.ca->options.terms = 1;
    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        memset(w.ca->faults, 0, sizeof(w.ca->faults));
        device_forget();
        device_fault(CA_SIM_ACCOUNT, table[i].status, table[i].type, table[i].count);
        assert_int_equal(device_renew(), ACME_OK);
        expect_terms(1, "https://ca.example.org/terms/1");
    }
    memset(w.ca->faults, 0, sizeof(w.ca->faults));
    device_forget();
    assert_int_equal(device_renew(), ACME_OK);
    expect_terms(1, "https://ca.example.org/terms/2");
}

static void test_what_the_ca_wants_is_shown(void **state)
{
    (void)state;
    sim_edits_add(&edits, CA_SIM_NEW_ORDER, NULL,
                  "HTTP/1.1 403 X\r\nContent-Type: application/problem+json\r\n"
                  "Link: <https://ca.example.org/terms/9>;rel=\"terms-of-service\"\r\n\r\n"
                  "{\"type\":\"urn:ietf:params:acme:error:userActionRequired\",\"detail\":\"x\","
                  "\"instance\":\"https://ca.example.org/agree/7\"}");
    assert_int_equal(device_renew(), ACME_ERR_TOS);
    assert_string_equal(heard.problem_instance, "https://ca.example.org/agree/7");
    assert_string_equal(heard.problem_terms, "https://ca.example.org/terms/9");
    assert_int_equal(device_asked(CA_SIM_NEW_ACCOUNT), 0);
}

/* ---- who needs no account ---- */

/* A compromised key must be revocable (RFC 8555 7.6), whatever is wrong with the account. */
static void test_a_revocation_needs_no_binding_and_no_terms(void **state)
{
    (void)state;
    w.ca->options.bindings = w.ca->options.terms_enforced = true;
    w.ca->options.terms = 1;
    sim_world_halt(&w);
    w.config.tos_agreed = false;
    device_boot();
    device_forget();
    assert_int_equal(device_finish(acme_revoke_start(w.client, 0, 1, false)), ACME_OK);
    assert_int_equal(w.ca->counters.revocations, 1);
    assert_int_equal(device_asked(CA_SIM_NEW_ACCOUNT) + device_asked(CA_SIM_ACCOUNT), 0);
}

static void test_a_deactivation_needs_no_binding_and_no_terms(void **state)
{
    (void)state;
    w.ca->options.bindings = w.ca->options.terms_enforced = true;
    w.ca->options.terms = 1;
    sim_world_halt(&w);
    w.config.tos_agreed = false;
    device_boot();
    device_forget();
    assert_int_equal(device_finish(acme_account_deactivate(w.client)), ACME_OK);
    assert_int_equal(ca_sim_account(w.ca, 0)->status, CA_SIM_DEACTIVATED);
    assert_int_equal(device_asked(CA_SIM_NEW_ACCOUNT), 0);
    assert_false(account().exists);
    /* There is nothing left to deactivate, and no account is made for it. */
    assert_int_equal(device_finish(acme_account_deactivate(w.client)), ACME_ERR_ACCOUNT_NONE);
    assert_int_equal(w.ca->counters.accounts, 1);
}

/* What the CA has been told in an earlier run is found out before the key goes. */
static void test_a_deactivation_is_believed_after_a_look(void **state)
{
    uint32_t i;

    (void)state;
    device_fault(CA_SIM_ACCOUNT, 401, "unauthorized", 9);
    assert_int_equal(device_finish(acme_account_deactivate(w.client)), ACME_ERR_PROBLEM);
    assert_int_equal(w.ca->counters.lookups, 1);
    assert_true(account().exists);
    assert_true(is_agreed(0));
    memset(w.ca->faults, 0, sizeof(w.ca->faults));
    for (i = 0; i < 3; i++) {
        if (i == 2) {
            w.ca->accounts_count = 0;
        } else {
            ca_sim_account(w.ca, i)->status = CA_SIM_DEACTIVATED;
            w.ca->options.shows_account = i == 1;
        }
        assert_int_equal(device_finish(acme_account_deactivate(w.client)), ACME_OK);
        assert_false(account().exists);
        assert_false(has_key(0, 0) || has_key(0, 1));
        assert_int_equal(w.ca->counters.accounts, i + 1u);
        assert_int_equal(device_finish(acme_account_start(w.client)), ACME_OK);
    }
}

/* Accounts at other CAs, until there is no slot. */
static void fill_slots(void)
{
    struct acme_store store;
    struct acme_port port;
    uint8_t i;

    open_store(&store, &port);
    for (i = 0; i < CONFIG_ACME_ACCOUNT_SLOTS; i++) {
        memset(&record, 0, sizeof(record));
        (void)snprintf(record.directory_url, sizeof(record.directory_url),
                       "https://other%u.example.org/directory", i);
        (void)snprintf(record.url, sizeof(record.url), "https://other%u.example.org/account/1", i);
        record.used = (uint16_t)(10 + i * 7 % CONFIG_ACME_ACCOUNT_SLOTS);
        assert_int_equal(acme_store_write_account(&store, i, &record, scratch, sizeof(scratch)),
                         ACME_OK);
    }
}

static void test_the_certificates_key_revokes_by_itself(void **state)
{
    uint32_t accounts = w.ca->counters.accounts;

    (void)state;
    w.ca->options.bindings = w.ca->options.terms_enforced = true;
    sim_world_halt(&w);
    fill_slots();
    w.config.tos_agreed = false;
    device_boot();
    device_forget();
    assert_int_equal(device_finish(acme_revoke_start(w.client, 0, 1, true)), ACME_OK);
    assert_int_equal(w.ca->counters.revocations, 1);
    assert_int_equal(w.ca->counters.accounts, accounts);
    assert_int_equal(device_asked(CA_SIM_NEW_ACCOUNT), 0);
}

static void test_no_account_is_made_for_a_revocation(void **state)
{
    (void)state;
    sim_world_halt(&w);
    fill_slots();
    device_boot();
    assert_int_equal(device_finish(acme_revoke_start(w.client, 0, 1, false)),
                     ACME_ERR_ACCOUNT_NONE);
    assert_int_equal(device_asked(CA_SIM_NEW_ACCOUNT), 0);
    sim_world_halt(&w);
    read_record(); /* nobody had to make room */
    assert_string_equal(record.directory_url, "https://other0.example.org/directory");
}

/* ---- deauthorize ---- */

static void expect_deauthorized(uint32_t orders)
{
    device_forget();
    assert_int_equal(device_finish(acme_deauthorize(w.client, 0)), ACME_OK);
    assert_int_equal(device_asked(CA_SIM_NEW_ORDER), orders);
}

static void test_an_order_that_the_ca_forgot_can_be_deauthorized(void **state)
{
    static const struct {
        uint16_t status, count;
        const char *type;
    } table[] = {{404, 9, "malformed"}, {404, 9, NULL}, {410, 9, NULL}, {404, 1, "malformed"}};
    size_t i;

    (void)state;
    w.ca->options.authorization_s = 86400;
    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        memset(w.ca->faults, 0, sizeof(w.ca->faults));
        device_fault(CA_SIM_FINALIZE, 500, NULL, 9);
        assert_int_not_equal(device_renew(), ACME_OK);
        device_reboot();
        memset(w.ca->faults, 0, sizeof(w.ca->faults));
        device_fault(CA_SIM_ORDER, table[i].status, table[i].type, table[i].count);
        device_forget();
        assert_int_equal(device_finish(acme_deauthorize(w.client, 0)), ACME_OK);
        assert_true(device_asked(CA_SIM_NEW_ORDER) <= 1);
        assert_true(device_asked(CA_SIM_AUTHORIZATION) >= 1);
    }
    memset(w.ca->faults, 0, sizeof(w.ca->faults));
    expect_deauthorized(1);
}

/* ---- slots ---- */

static int32_t find_account(const char *directory_url)
{
    struct acme_store store;
    struct acme_port port;
    uint8_t i;

    open_store(&store, &port);
    for (i = 0; i < CONFIG_ACME_ACCOUNT_SLOTS; i++) {
        if (acme_store_read_account(&store, i, &record, scratch, sizeof(scratch)) == ACME_OK &&
            strcmp(record.directory_url, directory_url) == 0) {
            return i;
        }
    }
    return -1;
}

static void visit(const char *directory_url)
{
    w.config.directory_url = directory_url;
    device_boot();
    assert_int_equal(device_finish(acme_account_start(w.client)), ACME_OK);
    sim_world_halt(&w);
}

#define DIRECTORY(n) "https://ca.example.org/directory/" n
static const char *const directories[] = {DIRECTORY("1"), DIRECTORY("2"), DIRECTORY("3"),
                                          DIRECTORY("4"), DIRECTORY("5"), DIRECTORY("6"),
                                          DIRECTORY("7"), DIRECTORY("8"), DIRECTORY("9")};

static void test_an_account_out_of_use_makes_room(void **state)
{
    uint32_t i;

    (void)state;
    w.config.certs_count = 0;
    for (i = 0; i < CONFIG_ACME_ACCOUNT_SLOTS; i++) {
        visit(directories[i]);
    }
    visit(directories[0]);
    visit(directories[CONFIG_ACME_ACCOUNT_SLOTS]); /* in place of the second */
    assert_true(find_account(directories[0]) >= 0);
    assert_int_equal(find_account(directories[1]), -1);
    for (i = 2; i <= CONFIG_ACME_ACCOUNT_SLOTS; i++) {
        assert_true(find_account(directories[i]) >= 0);
    }
    /* The one that was there keeps its key; the one that is new has a key of its own. */
    visit(directories[0]);
    assert_int_equal(w.ca->counters.accounts, CONFIG_ACME_ACCOUNT_SLOTS + 1);
}

static void test_a_configured_account_makes_no_room(void **state)
{
    static struct acme_ca others[CONFIG_ACME_ACCOUNT_SLOTS];
    uint32_t i;

    (void)state;
    w.config.certs_count = 0;
    for (i = 0; i < CONFIG_ACME_ACCOUNT_SLOTS; i++) {
        visit(directories[i]);
        others[i] =
            (struct acme_ca){directories[i], w.config.anchors, w.config.anchors_count, NULL, NULL};
    }
    w.config.fallbacks = others;
    w.config.fallbacks_count = CONFIG_ACME_ACCOUNT_SLOTS;
    w.config.directory_url = directories[CONFIG_ACME_ACCOUNT_SLOTS];
    device_boot();
    assert_int_equal(device_finish(acme_account_start(w.client)), ACME_ERR_LIMIT);
    sim_world_halt(&w);
    for (i = 0; i < CONFIG_ACME_ACCOUNT_SLOTS; i++) {
        assert_true(find_account(directories[i]) >= 0);
    }
    /* One of them is not needed any more. */
    w.config.fallbacks_count = CONFIG_ACME_ACCOUNT_SLOTS - 1;
    visit(directories[CONFIG_ACME_ACCOUNT_SLOTS]);
    assert_int_equal(find_account(directories[CONFIG_ACME_ACCOUNT_SLOTS - 1]), -1);
}

static void test_a_ca_in_use_costs_no_writes(void **state)
{
    uint32_t operations;

    (void)state;
    w.config.certs_count = 0;
    visit(directories[0]);
    visit(directories[1]);
    device_boot();
    operations = w.flash.operations;
    assert_int_equal(device_finish(acme_account_start(w.client)), ACME_OK);
    assert_int_equal(device_finish(acme_account_start(w.client)), ACME_OK);
    assert_int_equal(w.flash.operations, operations);
}

static void test_an_account_is_forgotten(void **state)
{
    (void)state;
    assert_int_equal(acme_account_forget(w.client, NULL), ACME_ERR_ARGUMENT);
    assert_int_equal(acme_account_forget(w.client, "https://ca.example.org/other"),
                     ACME_ERR_NOT_FOUND);
    assert_true(account().exists);
    assert_int_equal(acme_start(w.client), ACME_OK);
    assert_int_equal(acme_renew_start(w.client), ACME_OK);
    assert_int_equal(acme_account_forget(w.client, w.config.directory_url), ACME_ERR_STATE);
    assert_int_equal(acme_cancel(w.client), ACME_OK);
    assert_true(has_key(0, 0));
    assert_int_equal(acme_account_forget(w.client, w.config.directory_url), ACME_OK);
    assert_false(account().exists);
    assert_false(has_key(0, 0));
    assert_true(device_has_cert(0));
    assert_int_equal(acme_account_forget(w.client, w.config.directory_url), ACME_ERR_NOT_FOUND);
    device_reboot();
    assert_false(account().exists);
    assert_int_equal(device_renew(), ACME_OK);
    assert_int_equal(w.ca->counters.accounts, 2);
    assert_true(is_agreed(1));
}

/* An order under way goes with its account: the next one in the slot has nothing to do with it. */
static void test_an_order_goes_with_its_account(void **state)
{
    (void)state;
    w.ca->options.no_renewal_info = true; /* no order is tried again without "replaces" */
    device_fault(CA_SIM_FINALIZE, 500, NULL, 9);
    assert_int_not_equal(device_renew(), ACME_OK);
    memset(w.ca->faults, 0, sizeof(w.ca->faults));
    assert_int_equal(acme_account_forget(w.client, w.config.directory_url), ACME_OK);
    device_forget();
    assert_int_equal(device_renew(), ACME_OK);
    assert_int_equal(device_asked(CA_SIM_NEW_ORDER), 1);
}

/* ---- another key ---- */

static void test_a_ca_that_offers_no_other_key(void **state)
{
    static const char *const types[] = {"notImplemented", "rejectedIdentifier", NULL};
    struct acme_account_status before = account();
    uint32_t i;

    (void)state;
    for (i = 0; i < 3; i++) {
        device_forget();
        device_fault(CA_SIM_KEY_CHANGE, 501, types[i], 1);
        assert_int_equal(device_finish(acme_account_rollover(w.client)), ACME_ERR_NOT_OFFERED);
        assert_non_null(strstr(acme_error_text(heard.error), "does not offer"));
        assert_int_equal(device_asked(CA_SIM_KEY_CHANGE), 1);
        assert_string_equal(account().thumbprint, before.thumbprint);
        assert_false(has_key(0, 1));
        device_reboot();
        device_forget();
        assert_int_equal(device_renew(), ACME_OK);
        assert_int_equal(device_entered("KEY_PROBE"), 0);
    }
}

#define BOUND(test) cmocka_unit_test_setup_teardown(test, set_up_bound, device_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        DEVICE_TEST_ISSUED(test_a_replica_that_lags),
        DEVICE_TEST_ISSUED(test_a_lag_in_the_middle_of_an_order),
        DEVICE_TEST_ISSUED(test_an_account_is_looked_up_by_its_key),
        DEVICE_TEST_ISSUED(test_who_may_not_order),
        DEVICE_TEST_ISSUED(test_a_look_up_that_fails),
        DEVICE_TEST_ISSUED(test_an_account_that_is_gone_is_made_anew_with_its_key),
        BOUND(test_a_binding_is_sent_once),
        DEVICE_TEST(test_an_answer_that_is_lost_costs_no_binding),
        DEVICE_TEST(test_a_used_binding_destroys_no_key),
        BOUND(test_an_old_store_without_the_url),
        BOUND(test_a_ca_that_asks_for_a_binding_first),
        BOUND(test_without_a_binding_an_account_goes_on),
        DEVICE_TEST_ISSUED(test_a_closed_account_gets_a_successor),
        BOUND(test_a_successor_that_is_refused),
        DEVICE_TEST_ISSUED(test_a_revoked_account_is_a_persons_affair),
        DEVICE_TEST_ISSUED(test_an_account_of_an_unknown_status),
        DEVICE_TEST_ISSUED(test_new_terms_are_agreed_to),
        DEVICE_TEST_ISSUED(test_new_terms_stop_nothing),
        DEVICE_TEST_ISSUED(test_an_agreement_that_fails_is_not_the_jobs_failure),
        DEVICE_TEST_ISSUED(test_what_the_ca_wants_is_shown),
        DEVICE_TEST_ISSUED(test_a_revocation_needs_no_binding_and_no_terms),
        DEVICE_TEST_ISSUED(test_a_deactivation_needs_no_binding_and_no_terms),
        DEVICE_TEST_ISSUED(test_a_deactivation_is_believed_after_a_look),
        DEVICE_TEST_ISSUED(test_the_certificates_key_revokes_by_itself),
        DEVICE_TEST_ISSUED(test_no_account_is_made_for_a_revocation),
        DEVICE_TEST_ISSUED(test_an_order_that_the_ca_forgot_can_be_deauthorized),
        DEVICE_TEST(test_an_account_out_of_use_makes_room),
        DEVICE_TEST(test_a_configured_account_makes_no_room),
        DEVICE_TEST(test_a_ca_in_use_costs_no_writes),
        DEVICE_TEST_ISSUED(test_an_account_is_forgotten),
        DEVICE_TEST_ISSUED(test_an_order_goes_with_its_account),
        DEVICE_TEST_ISSUED(test_a_ca_that_offers_no_other_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
