/*
 * Orders in trouble: replies that lie or are not to be read, orders that are gone, keys that the CA
 * refuses, failures that pass. Each is reported by its name; what is stored stays; the next job
 * ends well.
 */
#include "device.h"

#include <psa/crypto.h>

#include "client/keys.h"
#include "client/pool.h"
#include "client/state.h"

static uint8_t leaf[2][2048];

static int32_t read_leaf(uint32_t which)
{
    return acme_cert_read(w.client, 0, 0, leaf[which], sizeof(leaf[which]));
}

/* A renewal of a device that has a certificate fails with an error, and costs nothing. */
static void expect_failed(int32_t error)
{
    int32_t len = read_leaf(0), rc = device_renew();

    if (rc != error) {
        print_error("%s for %s\n", acme_error_name(rc), acme_error_name(error));
        if (edits.count > 0 && edits.edits[0].find != NULL) {
            print_error("after %s\n", edits.edits[0].put);
        }
    }
    assert_int_equal(rc, error);
    assert_int_equal(heard.error, error);
    assert_int_equal(heard.events[ACME_EVENT_INSTALLED], 0);
    assert_int_equal(read_leaf(1), len);
    assert_memory_equal(leaf[0], leaf[1], (size_t)len);
    assert_true(device_has_cert(0));
}

/* The CA still believes the name: orders are ready at once, and finalized when they are. */
static void be_proven(void)
{
    w.ca->options.authorization_s = 1;
    ca_sim_order(w.ca, 0)->authorizations[0].valid_until_ms = UINT64_MAX / 2;
}

static void expect_well(void)
{
    device_forget();
    memset(w.ca->faults, 0, sizeof(w.ca->faults));
    assert_int_equal(device_renew(), ACME_OK);
    assert_int_equal(heard.events[ACME_EVENT_INSTALLED], 1);
    assert_true(device_has_cert(0));
}

/* ---- replies ---- */

static const struct lie {
    uint8_t route;
    const char *find, *put;
    int32_t error;
} lies[] = {
    {CA_SIM_DIRECTORY_GET, NULL, JSON("[]"), ACME_ERR_JSON},
    {CA_SIM_DIRECTORY_GET, "\"newOrder\"", "\"x\"", ACME_ERR_FIELD},
    {CA_SIM_DIRECTORY_GET, "https://ca.example.org/new-order", "http://ca.example.org/x",
     ACME_ERR_URL},
    {CA_SIM_DIRECTORY_GET, "https://ca.example.org/new-order", "https://other.example.org/x",
     ACME_ERR_URL_POLICY},
    {CA_SIM_DIRECTORY_GET, NULL, "HTTP/1.1 301 X\r\nLocation: https://ca.example.org/d\r\n\r\n",
     ACME_ERR_HTTP_REDIRECT},
    {CA_SIM_NEW_NONCE, "Replay-Nonce", "X-Nonce", ACME_ERR_NONCE_NONE},
    {CA_SIM_NEW_ORDER, "HTTP/1.1 201", "HTTP/1.1 202", ACME_ERR_HTTP_STATUS},
    {CA_SIM_NEW_ORDER, "Location", "X-Location", ACME_ERR_FIELD},
    {CA_SIM_NEW_ORDER, "Content-Type: application/json", "Content-Type: text/html",
     ACME_ERR_CONTENT_TYPE},
    {CA_SIM_NEW_ORDER, "\"identifiers\"", "\"x\"", ACME_ERR_FIELD},
    {CA_SIM_NEW_ORDER, "\"type\":\"dns\"", "\"x\":1", ACME_ERR_FIELD},
    {CA_SIM_NEW_ORDER, "\"value\":", "\"x\":", ACME_ERR_FIELD},
    {CA_SIM_NEW_ORDER, "\"type\":\"dns\"", "\"type\":\"ip\"", ACME_ERR_ORDER_IDENTIFIERS},
    {CA_SIM_NEW_ORDER, "\"value\":\"device.", "\"value\":\"other.", ACME_ERR_ORDER_IDENTIFIERS},
    {CA_SIM_NEW_ORDER, "\"identifiers\":[",
     "\"identifiers\":[{\"type\":\"dns\",\"value\":\"device.example.org\"},",
     ACME_ERR_ORDER_IDENTIFIERS},
    {CA_SIM_NEW_ORDER, "\"authorizations\":[", "\"authorizations\":[],\"x\":[", ACME_ERR_FIELD},
    {CA_SIM_NEW_ORDER, "\"authorizations\":[", "\"authorizations\":[7,", ACME_ERR_FIELD},
    {CA_SIM_NEW_ORDER, "\"status\":", "\"x\":", ACME_ERR_FIELD},
    {CA_SIM_NEW_ORDER, "\"status\":\"pending\"", "\"status\":\"frozen\"", ACME_ERR_FIELD},
    {CA_SIM_AUTHORIZATION, "Content-Type: application/json", "Content-Type: text/html",
     ACME_ERR_CONTENT_TYPE},
    {CA_SIM_AUTHORIZATION, "\"status\":", "\"x\":", ACME_ERR_FIELD},
    {CA_SIM_AUTHORIZATION, "\"identifier\"", "\"x\"", ACME_ERR_FIELD},
    {CA_SIM_AUTHORIZATION, "\"value\":\"device.", "\"value\":\"other.", ACME_ERR_ORDER_IDENTIFIERS},
    {CA_SIM_AUTHORIZATION, "\"type\":\"http-01\"", "\"type\":\"telepathy-01\"",
     ACME_ERR_CHALLENGE_NONE},
    {CA_SIM_AUTHORIZATION, "\"token\":", "\"x\":", ACME_ERR_FIELD},
    {CA_SIM_AUTHORIZATION, "\"token\":\"", "\"token\":\"/", ACME_ERR_FIELD},
    {CA_SIM_AUTHORIZATION, "\"url\":", "\"x\":", ACME_ERR_FIELD},
    {CA_SIM_FINALIZE, "\"status\":\"processing\"", "\"status\":\"invalid\"",
     ACME_ERR_ORDER_INVALID},
    {CA_SIM_CERTIFICATE, "Content-Type: application/pem-certificate-chain",
     "Content-Type: application/json", ACME_ERR_CONTENT_TYPE},
    {CA_SIM_CERTIFICATE, "HTTP/1.1 200", "HTTP/1.1 202", ACME_ERR_HTTP_STATUS},
    {CA_SIM_CERTIFICATE, "-----BEGIN CERTIFICATE-----", "-----BEGIN CERTIFICATES----",
     ACME_ERR_CERT_KEY},
};

/* An error names the request, and what of its reply is wrong: in the event, and in the status for
 * later. */
static void test_an_error_says_where(void **state)
{
    static const struct {
        uint8_t route;
        const char *find, *put, *state, *member;
    } places[] = {
        {CA_SIM_NEW_ORDER, "Location", "X-Location", "NEW_ORDER", "Location"},
        {CA_SIM_NEW_ORDER, "\"status\"", "\"x\"", "NEW_ORDER", "status"},
        {CA_SIM_NEW_ORDER, "\"identifiers\"", "\"x\"", "NEW_ORDER", "identifiers"},
        {CA_SIM_NEW_ORDER, "\"authorizations\":[", "\"authorizations\":[7,", "NEW_ORDER",
         "authorizations"},
        {CA_SIM_AUTHORIZATION, "\"identifier\"", "\"x\"", "AUTHORIZATION", "identifier"},
        {CA_SIM_NEW_ORDER, "HTTP/1.1 201", "HTTP/1.1 202", "NEW_ORDER", ""},
    };
    struct acme_cert_status status;
    size_t i;

    (void)state;
    device_boot();
    for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        device_forget();
        sim_edits_add(&edits, places[i].route, places[i].find, places[i].put);
        assert_int_not_equal(device_run(), ACME_OK);
        assert_string_equal(heard.route, places[i].state);
        assert_string_equal(heard.member, places[i].member);
        assert_int_equal(acme_cert_get_status(w.client, 0, &status), ACME_OK);
        assert_string_equal(status.error_route, places[i].state);
        assert_string_equal(status.error_member != NULL ? status.error_member : "",
                            places[i].member);
        w.clock.now_ms += 86400000u;
    }
    device_forget();
    sim_edits_add(&edits, CA_SIM_DIRECTORY_GET, "\"newOrder\"", "\"x\"");
    assert_int_equal(device_run(), ACME_ERR_FIELD);
    assert_string_equal(heard.route, "DIRECTORY"); /* of no certificate */
    assert_string_equal(heard.member, "newOrder");
    device_forget();
    assert_int_equal(device_run(), ACME_OK);
    assert_int_equal(acme_cert_get_status(w.client, 0, &status), ACME_OK);
    assert_null(status.error_route);
    assert_null(status.error_member);
}

static void test_a_lie_is_named(void **state)
{
    const struct lie *lie = *state;

    (void)device_set_up_issued(state);
    sim_edits_add(&edits, (enum ca_sim_route)lie->route, lie->find, lie->put);
    expect_failed(lie->error);
    assert_true(edits.edits[0].done > 0);
    expect_well();
}

static void test_a_reply_may_be_too_long(void **state)
{
    static char put[CONFIG_ACME_WORK_SIZE < 20000 ? CONFIG_ACME_WORK_SIZE : 20000];

    (void)state;
    memset(put, ' ', sizeof(put) - 1);
    memcpy(put, "HTTP/1.1 404 X\r\nContent-Type: text/plain\r\n\r\n", 44);
    sim_edits_add(&edits, CA_SIM_CERTIFICATE, NULL, put);
    expect_failed(ACME_ERR_HTTP_STATUS);
    expect_well();
}

static void test_foreign_urls_may_be_allowed(void **state)
{
    (void)state;
    sim_world_halt(&w);
    w.config.allow_foreign_urls = true;
    device_boot();
    sim_edits_add(&edits, CA_SIM_DIRECTORY_GET, "https://ca.example.org/new-order",
                  "https://other.example.org/x");
    expect_failed(ACME_ERR_CONNECT); /* it tried */
}

static void test_more_authorizations_than_names(void **state)
{
    static char put[8192];
    uint32_t i;

    (void)state;
    strcpy(put, "\"authorizations\":[");
    for (i = 0; i < CONFIG_ACME_NAMES_MAX; i++) {
        strcat(put, "\"https://ca.example.org/authorization/9/9\",");
    }
    sim_edits_add(&edits, CA_SIM_NEW_ORDER, "\"authorizations\":[", put);
    expect_failed(ACME_ERR_LIMIT);
    expect_well();
}

/* ---- failures that pass, and that do not ---- */

static void test_failures_are_tried_again(void **state)
{
    (void)state;
    device_fault(CA_SIM_NEW_ORDER, 500, NULL, 2);
    device_fault(CA_SIM_FINALIZE, 503, "serverInternal", 1);
    assert_int_equal(device_renew(), ACME_OK);
    assert_true(device_asked(CA_SIM_NEW_ORDER) >= 3);
}

static void test_a_ca_that_stumbles_over_what_is_replaced(void **state)
{
    (void)state;
    /* 500 without saying why: the order is asked for without naming the old certificate. */
    device_fault(CA_SIM_NEW_ORDER, 500, "serverInternal", 1);
    assert_int_equal(device_renew(), ACME_OK);
    assert_int_equal(device_asked(CA_SIM_NEW_ORDER), 2);
    assert_int_equal(ca_sim_order(w.ca, 1)->replaces, 0);
}

static void test_unauthorized_orders_ask_for_the_account(void **state)
{
    (void)state;
    sim_world_halt(&w);
    w.config.no_renewal_info = true;
    device_boot();
    sim_edits_add(&edits, CA_SIM_DIRECTORY_GET, "\"renewalInfo\"", "\"x\"");
    device_fault(CA_SIM_NEW_ORDER, 403, "unauthorized", 1);
    assert_int_equal(device_renew(), ACME_OK);
    assert_int_equal(device_asked(CA_SIM_NEW_ACCOUNT), 0); /* it has passed */
    device_fault(CA_SIM_NEW_ORDER, 403, "unauthorized", 2);
    assert_int_equal(device_renew(), ACME_OK);
    assert_int_equal(device_asked(CA_SIM_NEW_ACCOUNT), 1);
    device_fault(CA_SIM_NEW_ORDER, 403, "unauthorized", 9);
    assert_int_equal(device_renew(), ACME_ERR_PROBLEM);
    assert_string_equal(heard.problem_type, "unauthorized");
    assert_true(device_has_cert(0));
}

static void test_a_problem_without_a_status(void **state)
{
    (void)state;
    sim_edits_add(&edits, CA_SIM_AUTHORIZATION, "\"status\":\"pending\"", "\"status\":\"invalid\"");
    sim_edits_add(&edits, CA_SIM_AUTHORIZATION, "\"status\":\"pending\"",
                  "\"status\":\"invalid\",\"error\":{\"type\":\"urn:ietf:params:acme:error:caa\","
                  "\"detail\":\"caf\xc3\xa9 \\u0007 is closed\"}");
    expect_failed(ACME_ERR_AUTHORIZATION);
    assert_string_equal(heard.problem_type, "caa");
    {
        struct acme_cert_status status;

        assert_int_equal(acme_cert_get_status(w.client, 0, &status), ACME_OK);
        assert_int_equal(status.error, ACME_ERR_AUTHORIZATION);
        assert_string_equal(status.problem.detail, "caf?? ? is closed");
        assert_string_equal(status.problem.identifier, "device.example.org");
    }
    expect_well();
}

/* ---- orders of an earlier run ---- */

/* The device loses power when its order is made and nothing more has happened. */
static void cut_after_order(void)
{
    struct acme_poll_result result;

    assert_int_equal(acme_renew_start(w.client), ACME_OK);
    while (heard.events[ACME_EVENT_ORDER] == 0) {
        (void)acme_poll(w.client, &result);
        w.clock.now_ms += 10;
    }
    sim_world_halt(&w);
}

static void test_an_order_that_is_gone_is_made_anew(void **state)
{
    static const struct {
        uint16_t status;
        const char *type;
        uint8_t times;
    } table[] = {{404, "malformed", 4}, /* three times it may be a replica that lags */
                 {403, "unauthorized", 1},
                 {410, "rejectedIdentifier", 1},
                 {400, "malformed", 1}};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        uint32_t orders;

        cut_after_order();
        orders = w.ca->orders_count;
        device_forget();
        device_boot();
        device_fault(CA_SIM_ORDER, table[i].status, table[i].type, table[i].times);
        assert_int_equal(device_renew(), ACME_OK);
        assert_int_equal(w.ca->orders_count, orders + 1);
        assert_true(device_has_cert(0));
        device_forget();
    }
}

static void test_an_order_that_is_gone_twice(void **state)
{
    (void)state;
    cut_after_order();
    device_forget();
    device_boot();
    device_fault(CA_SIM_ORDER, 410, "malformed", 1);
    sim_edits_add(&edits, CA_SIM_NEW_ORDER, "\"status\":\"pending\"", "\"status\":\"invalid\"");
    expect_failed(ACME_ERR_ORDER_INVALID);
    assert_int_equal(w.ca->orders_count, 3);
    expect_well();
}

static void test_an_order_refused_for_another_reason_stays(void **state)
{
    (void)state;
    cut_after_order();
    device_forget();
    device_boot();
    device_fault(CA_SIM_ORDER, 400, "compound", 1);
    expect_failed(ACME_ERR_PROBLEM);
    expect_well();
}

static void test_an_order_for_other_work_is_dropped(void **state)
{
    (void)state;
    cut_after_order();
    requests[0].key_type = ACME_KEY_EC_P384;
    device_forget();
    device_boot();
    assert_int_equal(device_renew(), ACME_ERR_ORDER); /* this CA wants P-256 */
    assert_int_equal(w.ca->orders_count, 3);
    assert_true(w.ca->counters.violations > 0);
    w.ca->counters.violations = 0;
    assert_true(device_has_cert(0));
}

static void test_an_order_of_another_account_is_dropped(void **state)
{
    (void)state;
    cut_after_order();
    w.config.directory_url = "https://ca.example.org/directory/2";
    device_forget();
    device_boot();
    assert_int_equal(device_renew(), ACME_OK);
    assert_int_equal(device_asked(CA_SIM_NEW_ORDER), 1);
    assert_int_equal(w.ca->accounts_count, 2);
    assert_true(device_has_cert(0));
}

/* Finalized in an earlier run, and then the key was lost. */
static void test_an_order_without_its_key_is_made_anew(void **state)
{
    static const char *const statuses[] = {"\"status\":\"valid\"", "\"status\":\"processing\""};
    size_t i;

    (void)state;
    for (i = 0; i < 2; i++) {
        uint32_t orders;

        cut_after_order();
        orders = w.ca->orders_count;
        device_forget();
        device_boot();
        sim_edits_add(&edits, CA_SIM_ORDER, "\"status\":\"pending\"", statuses[i])->count = 1;
        assert_int_equal(device_renew(), ACME_OK);
        assert_int_equal(w.ca->orders_count, orders + 1);
        assert_true(device_has_cert(0));
        device_forget();
    }
}

/* A record that would let the new key take the old one's place, or that is for other names. */
static void change_the_order_record(bool names)
{
    static struct acme_order_record record;
    static uint8_t scratch[2 * CONFIG_ACME_URL_MAX];
    struct acme_client *c;

    device_boot();
    c = w.client;
    assert_int_equal(acme_store_read_order(&c->log, 0, &record, scratch, sizeof(scratch)), ACME_OK);
    if (names) {
        record.names_id++;
    } else {
        record.key_generation ^= 1u;
    }
    assert_int_equal(acme_store_write_order(&c->log, 0, &record, scratch, sizeof(scratch)),
                     ACME_OK);
    sim_world_halt(&w);
}

static void test_an_order_record_that_does_not_fit_is_dropped(void **state)
{
    uint32_t i;

    (void)state;
    for (i = 0; i < 2; i++) {
        uint32_t orders;

        cut_after_order();
        orders = w.ca->orders_count;
        change_the_order_record(i == 1);
        device_forget();
        device_boot();
        assert_true(device_has_cert(0));
        assert_int_equal(device_renew(), ACME_OK);
        assert_int_equal(w.ca->orders_count, orders + 1);
        assert_true(device_has_cert(0));
        device_forget();
    }
}

static void test_an_order_is_gone_on_with(void **state)
{
    (void)state;
    cut_after_order();
    device_forget();
    device_boot();
    assert_int_equal(device_renew(), ACME_OK);
    assert_int_equal(device_asked(CA_SIM_NEW_ORDER), 0);
}

/* ---- keys ---- */

static void renew_with_the_same_key(void)
{
    sim_world_halt(&w);
    requests[0].key_reuse = true;
    device_boot();
    be_proven();
    assert_int_equal(device_renew(), ACME_OK);
    device_forget();
}

static void test_a_refused_key_gives_way(void **state)
{
    static const char *const types[] = {"badPublicKey", "badCSR"};
    size_t i;

    (void)state;
    renew_with_the_same_key();
    for (i = 0; i < 2; i++) {
        uint32_t last = w.ca->orders_count - 1;

        device_fault(CA_SIM_FINALIZE, 400, types[i], 1);
        assert_int_equal(device_renew(), ACME_OK);
        assert_memory_not_equal(ca_sim_order(w.ca, last)->key, ca_sim_order(w.ca, last + 1)->key,
                                CA_SIM_POINT);
        assert_true(device_has_cert(0));
    }
}

static void test_a_refused_key_gives_way_once(void **state)
{
    (void)state;
    renew_with_the_same_key();
    device_fault(CA_SIM_FINALIZE, 400, "badPublicKey", 2);
    expect_failed(ACME_ERR_PROBLEM);
    assert_int_equal(device_asked(CA_SIM_FINALIZE), 2);
    expect_well();
}

static void test_another_refusal_of_a_kept_key(void **state)
{
    (void)state;
    renew_with_the_same_key();
    device_fault(CA_SIM_FINALIZE, 400, "caa", 1);
    expect_failed(ACME_ERR_PROBLEM);
    expect_well();
}

static void test_a_first_key_that_is_refused(void **state)
{
    (void)state;
    requests[0].key_reuse = true;
    device_boot();
    device_fault(CA_SIM_FINALIZE, 400, "badCSR", 2); /* the first came early */
    assert_int_equal(device_run(), ACME_ERR_ORDER);
    assert_int_equal(device_asked(CA_SIM_FINALIZE), 2);
    assert_int_equal(device_run(), ACME_OK);
}

/* ---- memory ---- */

/* A text that fills the pool to the byte is taken, and not one that is longer. */
static void test_the_pool_is_filled_to_the_byte(void **state)
{
    struct acme_client *c = w.client;
    uint16_t len = c->pool_len, at;
    char text[20];

    (void)state;
    memset(text, 'x', sizeof(text));
    for (size_t n = 0; n < sizeof(text); n++) { /* so many letters, and the NUL */
        text[n] = '\0';
        c->pool_len = (uint16_t)(sizeof(c->pool) - n);
        assert_int_equal(acme_pool_add(c, text, &at), ACME_ERR_LIMIT);
        assert_int_equal(c->where.limit.id, ACME_LIMIT_POOL);
        assert_int_equal(c->where.limit.size, sizeof(c->pool) + 1);
        assert_int_equal(c->pool_len, sizeof(c->pool) - n);
        c->pool_len--;
        assert_int_equal(acme_pool_add(c, text, &at), ACME_OK);
        assert_int_equal(c->pool_len, sizeof(c->pool));
        assert_string_equal(c->pool + at, text);
        text[n] = 'x';
    }
    c->pool_len = len;
}

/* ---- nonces ---- */

/* No reply brings one: each request asks for its own. */
static void test_a_ca_that_is_mean_with_nonces(void **state)
{
    uint32_t route;

    (void)state;
    for (route = CA_SIM_NEW_ACCOUNT; route <= CA_SIM_REVOKE; route++) {
        if (edits.count < SIM_EDITS_MAX && route != CA_SIM_KEY_CHANGE && route != CA_SIM_ACCOUNT) {
            sim_edits_add(&edits, (enum ca_sim_route)route, "Replay-Nonce", "X-Nonce");
        }
    }
    assert_int_equal(device_renew(), ACME_OK);
    assert_true(device_asked(CA_SIM_NEW_NONCE) >= 6);
    assert_true(device_has_cert(0));
}

/* ---- revocation ---- */

static void renew_and_revoke(void)
{
    sim_world_halt(&w);
    requests[0].revoke_replaced = true;
    device_boot();
}

static void test_a_replaced_certificate_is_revoked(void **state)
{
    (void)state;
    renew_and_revoke();
    assert_int_equal(device_renew(), ACME_OK);
    assert_true(ca_sim_order(w.ca, 0)->revoked);
    assert_int_equal(ca_sim_order(w.ca, 0)->revoke_reason, 4);
    assert_false(ca_sim_order(w.ca, 1)->revoked);
    assert_true(device_has_cert(0));
}

/* Neither key nor chain is left of a generation. */
static void expect_gone(uint8_t generation)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;

    assert_int_equal(psa_get_key_attributes(acme_keys_cert(0, generation), &attributes),
                     PSA_ERROR_INVALID_HANDLE);
    assert_int_equal(acme_store_read_chain(&w.client->log, 0, generation, 0, leaf[0], 1),
                     ACME_ERR_STORE_CORRUPT);
}

/* Once the CA has been told, or has refused, key and chain of the old one go. */
static void test_what_is_replaced_and_revoked_goes(void **state)
{
    uint32_t refused;

    (void)state;
    renew_and_revoke();
    for (refused = 0; refused < 2; refused++) {
        uint8_t old = w.client->slots[0].cert.key_generation;

        device_fault(CA_SIM_REVOKE, 403, "unauthorized", (uint16_t)refused);
        assert_int_equal(device_renew(), ACME_OK);
        assert_int_equal(device_asked(CA_SIM_REVOKE), refused + 1);
        assert_int_not_equal(w.client->slots[0].cert.key_generation, old);
        expect_gone(old);
        assert_true(device_has_cert(0));
    }
}

static void test_that_it_cannot_be_revoked_is_an_event(void **state)
{
    (void)state;
    renew_and_revoke();
    device_fault(CA_SIM_REVOKE, 403, "unauthorized", 1);
    assert_int_equal(device_renew(), ACME_OK);
    assert_int_equal(heard.events[ACME_EVENT_ERROR], 1);
    assert_int_equal(heard.error, ACME_ERR_PROBLEM);
    assert_false(ca_sim_order(w.ca, 0)->revoked);
    assert_true(device_has_cert(0));
    /* It was revoked by somebody else. */
    device_fault(CA_SIM_REVOKE, 400, "alreadyRevoked", 1);
    device_forget();
    assert_int_equal(device_renew(), ACME_OK);
    assert_true(device_has_cert(0));
    /* The CA does not take revocations. */
    device_forget();
    sim_edits_add(&edits, CA_SIM_DIRECTORY_GET, "\"revokeCert\"", "\"x\"");
    assert_int_equal(device_renew(), ACME_OK);
    assert_int_equal(device_asked(CA_SIM_REVOKE), 0);
    assert_int_equal(acme_revoke_start(w.client, 0, 0, false), ACME_OK);
    assert_int_equal(sim_world_drive(&w), ACME_ERR_FIELD);
    assert_true(device_has_cert(0));
}

static void test_what_is_revoked_already_goes(void **state)
{
    uint8_t generation = w.client->slots[0].cert.key_generation;

    (void)state;
    device_fault(CA_SIM_REVOKE, 400, "alreadyRevoked", 1);
    assert_int_equal(device_finish(acme_revoke_start(w.client, 0, 1, false)), ACME_OK);
    assert_int_equal(heard.events[ACME_EVENT_REVOKED], 1);
    assert_false(device_has_cert(0));
    expect_gone(generation);
    assert_int_equal(device_run(), ACME_OK);
    assert_true(device_has_cert(0));
}

/* The CA says so of an order, where it makes no sense. */
static void test_already_revoked_elsewhere_is_a_failure(void **state)
{
    (void)state;
    be_proven();
    device_fault(CA_SIM_FINALIZE, 400, "alreadyRevoked", 1);
    expect_failed(ACME_ERR_ALREADY_REVOKED);
    expect_well();
}

/* ---- deauthorization ---- */

static void test_authorizations_that_are_no_more(void **state)
{
    (void)state;
    device_fault(CA_SIM_AUTHORIZATION, 404, "malformed", 1);
    assert_int_equal(device_finish(acme_deauthorize(w.client, 0)), ACME_OK);
    assert_int_equal(ca_sim_order(w.ca, 0)->replaced_by, 0); /* nothing was to be replaced */
    device_fault(CA_SIM_AUTHORIZATION, 429, "rateLimited", 1);
    assert_int_equal(device_finish(acme_deauthorize(w.client, 0)), ACME_ERR_RATE_LIMITED);
    device_fault(CA_SIM_AUTHORIZATION, 500, "serverInternal", 10);
    assert_int_equal(device_finish(acme_deauthorize(w.client, 0)), ACME_ERR_SERVER);
    assert_true(device_has_cert(0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DEVICE_TEST(test_an_error_says_where),
        DEVICE_TEST_ISSUED(test_a_reply_may_be_too_long),
        DEVICE_TEST_ISSUED(test_foreign_urls_may_be_allowed),
        DEVICE_TEST_ISSUED(test_more_authorizations_than_names),
        DEVICE_TEST_ISSUED(test_failures_are_tried_again),
        DEVICE_TEST_ISSUED(test_a_ca_that_stumbles_over_what_is_replaced),
        DEVICE_TEST_ISSUED(test_unauthorized_orders_ask_for_the_account),
        DEVICE_TEST_ISSUED(test_a_problem_without_a_status),
        DEVICE_TEST_ISSUED(test_an_order_that_is_gone_is_made_anew),
        DEVICE_TEST_ISSUED(test_an_order_that_is_gone_twice),
        DEVICE_TEST_ISSUED(test_an_order_refused_for_another_reason_stays),
        DEVICE_TEST_ISSUED(test_an_order_for_other_work_is_dropped),
        DEVICE_TEST_ISSUED(test_an_order_of_another_account_is_dropped),
        DEVICE_TEST_ISSUED(test_an_order_without_its_key_is_made_anew),
        DEVICE_TEST_ISSUED(test_an_order_record_that_does_not_fit_is_dropped),
        DEVICE_TEST_ISSUED(test_an_order_is_gone_on_with),
        DEVICE_TEST_ISSUED(test_a_refused_key_gives_way),
        DEVICE_TEST_ISSUED(test_a_refused_key_gives_way_once),
        DEVICE_TEST_ISSUED(test_another_refusal_of_a_kept_key),
        DEVICE_TEST(test_a_first_key_that_is_refused),
        DEVICE_TEST_ISSUED(test_the_pool_is_filled_to_the_byte),
        DEVICE_TEST_ISSUED(test_a_ca_that_is_mean_with_nonces),
        DEVICE_TEST_ISSUED(test_a_replaced_certificate_is_revoked),
        DEVICE_TEST_ISSUED(test_what_is_replaced_and_revoked_goes),
        DEVICE_TEST_ISSUED(test_that_it_cannot_be_revoked_is_an_event),
        DEVICE_TEST_ISSUED(test_what_is_revoked_already_goes),
        DEVICE_TEST_ISSUED(test_already_revoked_elsewhere_is_a_failure),
        DEVICE_TEST_ISSUED(test_authorizations_that_are_no_more),
    };

    struct CMUnitTest table[sizeof(lies) / sizeof(lies[0])];
    size_t i;

    for (i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        table[i] = (struct CMUnitTest){lies[i].find != NULL ? lies[i].put : "another reply",
                                       test_a_lie_is_named, NULL, device_tear_down,
                                       (void *)(uintptr_t)&lies[i]};
    }
    return cmocka_run_group_tests(table, NULL, NULL) + cmocka_run_group_tests(tests, NULL, NULL);
}
