/*
 * When things are done: pauses, wrong and missing clocks, slots that run out, keys that are held.
 * A device does not hurry a CA, does not believe a single wrong clock, and gives up no certificate
 * that somebody may still want.
 */
#include "device.h"

#include <stdio.h>

#include "client/state.h"

#define DAY_S 86400

static struct acme_cert_status status(void)
{
    struct acme_cert_status s;

    assert_int_equal(acme_cert_get_status(w.client, 0, &s), ACME_OK);
    return s;
}

/* ---- pauses ---- */

static void test_a_pause_is_kept(void **state)
{
    (void)state;
    device_boot();
    device_fault(CA_SIM_NEW_ORDER, 429, "rateLimited", 1);
    w.ca->faults[0].retry_after_s = 7200;
    assert_int_equal(device_run(), ACME_ERR_RATE_LIMITED);
    assert_true(acme_next_wakeup_s(w.client) >= 7190);
    device_forget();
    assert_int_equal(device_finish(acme_start_due(w.client)), ACME_OK);
    assert_int_equal(device_asked(CA_SIM_DIRECTORY_GET), 0);
    device_reboot();
    assert_int_equal(device_finish(acme_start_due(w.client)), ACME_OK);
    assert_int_equal(device_asked(CA_SIM_DIRECTORY_GET), 0);
    w.clock.now_ms += acme_next_wakeup_s(w.client) * 1000ull;
    assert_int_equal(device_finish(acme_start_due(w.client)), ACME_OK);
    assert_true(device_has_cert(0));
}

/* It was begun by a clock that was most of a year ahead, and was set right since. */
static void test_a_pause_ends_when_the_clock_is_put_back(void **state)
{
    (void)state;
    w.clock.skew_s = INT64_C(300) * DAY_S;
    device_boot();
    device_fault(CA_SIM_NEW_ORDER, 429, "rateLimited", 1);
    w.ca->faults[0].retry_after_s = 7200;
    assert_int_equal(device_run(), ACME_ERR_RATE_LIMITED);
    device_forget();
    assert_int_equal(device_finish(acme_start_due(w.client)), ACME_OK); /* it is on */
    assert_int_equal(device_asked(CA_SIM_DIRECTORY_GET), 0);
    w.clock.skew_s = 0;
    device_reboot();
    assert_int_equal(device_finish(acme_start_due(w.client)), ACME_OK);
    assert_true(device_has_cert(0));
}

static void test_a_pause_is_of_its_own_certificate(void **state)
{
    static const char *const second[] = {"api.example.org"};

    (void)state;
    device_boot();
    device_fault(CA_SIM_NEW_ORDER, 429, "rateLimited", 1);
    assert_int_equal(device_run(), ACME_ERR_RATE_LIMITED);
    sim_world_halt(&w);
    requests[1].names = second;
    requests[1].names_count = 1;
    w.config.certs_count = 2;
    device_boot();
    assert_int_equal(device_finish(acme_start_due(w.client)), ACME_OK);
    assert_false(device_has_cert(0));
    assert_true(device_has_cert(1));
}

static void test_failures_are_counted_to_an_end(void **state)
{
    struct acme_schedule schedule;
    struct acme_client *c;

    (void)state;
    device_boot();
    device_fault(CA_SIM_NEW_ORDER, 429, "rateLimited", 2);
    assert_int_equal(device_run(), ACME_ERR_RATE_LIMITED);
    assert_int_equal(status().failures, 1);
    c = w.client;
    assert_int_equal(acme_store_read_schedule(&c->log, 0, &schedule), ACME_OK);
    schedule.failures = UINT16_MAX;
    assert_int_equal(acme_store_write_schedule(&c->log, 0, &schedule), ACME_OK);
    device_reboot();
    assert_int_equal(device_run(), ACME_ERR_RATE_LIMITED);
    assert_int_equal(status().failures, UINT16_MAX);
    assert_true(acme_next_wakeup_s(w.client) > 0);
    assert_int_equal(device_run(), ACME_OK);
    assert_int_equal(status().failures, 0);
}

/* What is stored of an earlier certificate says nothing of this one. */
static void test_a_schedule_of_an_earlier_certificate(void **state)
{
    struct acme_schedule schedule;
    struct acme_client *c = w.client;

    (void)state;
    assert_int_equal(acme_store_read_schedule(&c->log, 0, &schedule), ACME_OK);
    schedule.generation ^= 1u;
    schedule.renew_at_s = 1;
    assert_int_equal(acme_store_write_schedule(&c->log, 0, &schedule), ACME_OK);
    device_reboot();
    assert_false(status().suggested);
    assert_true(status().renew_after_s > SIM_EPOCH_S + 30 * 86400);
}

/* A CA may ask for a renewal later than it is safe, as may one that has written the flash. */
static void test_an_instant_past_the_latest(void **state)
{
    struct acme_schedule schedule;
    struct acme_client *c = w.client;
    int64_t life = status().not_after_s - status().not_before_s;
    int64_t latest = status().not_after_s - life / 10;

    (void)state;
    for (int64_t at = latest - 1; at <= latest + DAY_S; at += at < latest + 1 ? 1 : DAY_S - 1) {
        assert_int_equal(acme_store_read_schedule(&c->log, 0, &schedule), ACME_OK);
        schedule.renew_at_s = at;
        assert_int_equal(acme_store_write_schedule(&c->log, 0, &schedule), ACME_OK);
        device_reboot();
        c = w.client;
        assert_int_equal(status().renew_after_s, at < latest ? at : latest);
    }
}

/* It is due at its very second, and not in the one before. */
static void test_due_to_the_second(void **state)
{
    int64_t at;

    (void)state;
    sim_world_halt(&w);
    w.config.no_renewal_info = true;
    device_boot();
    at = status().renew_after_s;
    w.clock.now_ms += (uint64_t)(at - 1 - sim_clock_true_s(&w.clock)) * 1000u;
    assert_int_equal(sim_clock_true_s(&w.clock), at - 1);
    assert_int_equal(acme_next_wakeup_s(w.client), 1);
    assert_int_equal(device_run(), ACME_OK);
    assert_int_equal(w.ca->counters.certificates, 1);
    w.clock.now_ms += (uint64_t)(at - sim_clock_true_s(&w.clock)) * 1000u;
    assert_int_equal(acme_next_wakeup_s(w.client), 0);
    assert_int_equal(device_run(), ACME_OK);
    assert_int_equal(w.ca->counters.certificates, 2);
}

/* After an installation there is calm, whatever is configured, and over a reset. */
static void test_calm_after_an_installation(void **state)
{
    const uint32_t calm = ACME_RENEWAL_CALM_S;

    (void)state;
    sim_world_halt(&w);
    w.config.force_renewal = true;
    device_boot();
    assert_in_range(acme_next_wakeup_s(w.client), calm - 10, calm);
    assert_int_equal(device_finish(acme_start_due(w.client)), ACME_OK);
    assert_int_equal(w.ca->counters.certificates, 1);
    w.clock.now_ms += acme_next_wakeup_s(w.client) * 1000ull;
    assert_int_equal(device_finish(acme_start_due(w.client)), ACME_OK);
    assert_int_equal(w.ca->counters.certificates, 2);
    assert_in_range(acme_next_wakeup_s(w.client), calm - 10, calm);
}

static void test_orders_anew_as_configured(void **state)
{
    (void)state;
    sim_world_halt(&w);
    w.config.force_renewal = true;
    device_boot();
    assert_int_equal(device_renew(), ACME_OK);
    assert_int_equal(w.ca->counters.certificates, 2);
    assert_int_equal(device_run(), ACME_OK); /* it is still configured */
    assert_int_equal(w.ca->counters.certificates, 3);
}

/* A CA is not asked for renewal information of another's certificate. */
static void test_another_ca_s_certificate(void **state)
{
    (void)state;
    sim_world_halt(&w);
    w.config.directory_url = "https://ca.example.org/directory/2";
    w.clock.now_ms += 7ull * 86400000u;
    device_boot();
    assert_in_range(acme_next_wakeup_s(w.client), 86400, 80 * 86400);
    assert_int_equal(device_run(), ACME_OK);
    assert_int_equal(device_asked(CA_SIM_RENEWAL_INFO), 0);
    sim_world_halt(&w);
    w.config.directory_url = CA_SIM_DIRECTORY;
    w.config.no_renewal_info = true;
    device_boot();
    assert_in_range(acme_next_wakeup_s(w.client), 86400, 80 * 86400);
}

/* ---- clocks ---- */

static void test_without_a_clock_the_ca_is_asked(void **state)
{
    (void)state;
    sim_world_halt(&w);
    w.clock.unknown = true;
    w.config.build_time_s = 0;
    device_boot();
    assert_int_equal(acme_next_wakeup_s(w.client), 0);
    assert_int_equal(device_finish(acme_start_due(w.client)), ACME_OK);
    assert_int_equal(device_asked(CA_SIM_DIRECTORY_GET), 1);
    assert_true(acme_next_wakeup_s(w.client) > 0);
    /* A CA that tells no time is asked once. */
    device_reboot();
    device_forget();
    {
        uint32_t route;

        for (route = CA_SIM_DIRECTORY_GET; route < CA_SIM_DIRECTORY_GET + 4; route++) {
            sim_edits_add(&edits, (enum ca_sim_route)route, "\r\nDate:", "\r\nX-Date:");
        }
    }
    assert_int_equal(device_finish(acme_start_due(w.client)), ACME_OK);
    assert_int_equal(device_asked(CA_SIM_DIRECTORY_GET), 1);
    assert_int_equal(device_finish(acme_start_due(w.client)), ACME_OK);
    assert_true(device_asked(CA_SIM_DIRECTORY_GET) <= 2);
    assert_true(device_has_cert(0));
}

static void test_clocks_must_agree(void **state)
{
    uint32_t route;

    (void)state;
    w.config.clock_policy = ACME_CLOCK_AGREE;
    w.clock.skew_s = 4000;
    device_boot();
    assert_int_equal(device_run(), ACME_ERR_CLOCK);
    w.clock.skew_s = -4000;
    assert_int_equal(device_run(), ACME_ERR_CLOCK);
    assert_int_equal(device_asked(CA_SIM_NEW_ORDER), 0);
    w.clock.skew_s = 0;
    assert_int_equal(device_run(), ACME_OK);
    sim_world_halt(&w);
    w.clock.unknown = true;
    device_boot();
    assert_int_equal(device_renew(), ACME_ERR_CLOCK);
    sim_world_halt(&w);
    w.clock.unknown = false;
    device_boot();
    for (route = CA_SIM_DIRECTORY_GET; route < CA_SIM_DIRECTORY_GET + 4; route++) {
        sim_edits_add(&edits, (enum ca_sim_route)route, "\r\nDate:", "\r\nX-Date:");
    }
    assert_int_equal(device_renew(), ACME_ERR_CLOCK);
    assert_true(device_has_cert(0));
}

/* ---- slots ---- */

static char names[CONFIG_ACME_CERT_SLOTS + 1][32];
static const char *lists[CONFIG_ACME_CERT_SLOTS + 1];
static struct acme_cert_request many[CONFIG_ACME_CERT_SLOTS + 1];

static void test_slots_run_out(void **state)
{
    uint32_t i;

    (void)state;
    for (i = 0; i <= CONFIG_ACME_CERT_SLOTS; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "d%u.example.org", i);
        lists[i] = names[i];
        many[i].names = &lists[i];
        many[i].names_count = 1;
    }
    w.config.certs = many;
    w.config.certs_count = CONFIG_ACME_CERT_SLOTS;
    device_boot();
    assert_int_equal(device_run(), ACME_OK);
    assert_int_equal(w.ca->counters.certificates, CONFIG_ACME_CERT_SLOTS);
    /* Another name finds no room, and takes nobody's. */
    sim_world_halt(&w);
    w.config.certs = &many[CONFIG_ACME_CERT_SLOTS];
    w.config.certs_count = 1;
    assert_int_equal(sim_world_boot(&w), ACME_ERR_LIMIT);
    w.config.replace_unrequested = true;
    device_boot();
    assert_false(device_has_cert(0));
    assert_int_equal(status().failures, 0);
    assert_int_equal(device_run(), ACME_OK);
    assert_true(device_has_cert(0));
    /* All others are still there. */
    {
        struct acme_cert_status s;
        uint32_t cursor = 0, count = 0;
        char text[64];

        while (acme_cert_list(w.client, &cursor, text, sizeof(text), &s) == ACME_OK) {
            count += acme_cert_can_serve(&s) ? 1u : 0u;
        }
        assert_int_equal(count, CONFIG_ACME_CERT_SLOTS);
    }
}

/* ---- names ---- */

static const char *const pair[] = {"a.example.org", "b.example.org"};

static void issue_pair(void)
{
    sim_world_halt(&w);
    requests[0].names = pair;
    requests[0].names_count = 2;
    device_boot();
    assert_int_equal(device_run(), ACME_OK);
    assert_true(device_has_cert(0));
    sim_world_halt(&w);
}

/* In another order, another case, or with a name given twice. */
static void test_the_same_names(void **state)
{
    static const char *const same[][4] = {
        {"b.example.org", "a.example.org"},
        {"A.EXAMPLE.org", "b.Example.ORG"},
        {"B.example.org", "a.example.org", "b.example.org"},
        {"a.example.org", "a.example.org", "b.example.org", "A.example.org"}};
    static const uint16_t counts[] = {2, 2, 3, 4};
    struct acme_cert_status s;
    uint32_t cursor = 0;
    char text[64];
    size_t i;

    (void)state;
    device_boot();
    issue_pair();
    for (i = 0; i < 4; i++) {
        requests[0].names = same[i];
        requests[0].names_count = counts[i];
        assert_int_equal(acme_slots_count_names(&requests[0]), 2);
        device_boot();
        assert_true(device_has_cert(0));
        assert_true(acme_next_wakeup_s(w.client) > 3600);
        sim_world_halt(&w);
    }
    /* What is stored of them, and told, has each once. */
    device_boot();
    assert_int_equal(device_renew(), ACME_OK);
    assert_int_equal(acme_cert_list(w.client, &cursor, text, sizeof(text), &s), ACME_OK);
    assert_string_equal(text, "a.example.org,b.example.org");
    sim_world_halt(&w);
    requests[0].names = &pair[1];
    requests[0].names_count = 1;
    device_boot();
    assert_false(device_has_cert(0));
}

/* Stores of version 0.1 have identifiers of same: they are taken over, with orders under way. */
static void test_names_of_an_older_store(void **state)
{
    static const char *const list[] = {"B.example.org", "a.example.org"};
    const uint64_t old = acme_store_names_id_v1(list, 2);
    const struct acme_order_record *stored;
    struct acme_order_record order;
    struct acme_cert_record cert;
    struct acme_client *c;
    uint8_t scratch[16 + sizeof(order)];

    (void)state;
    assert_true(old != acme_store_names_id(list, 2));
    device_boot();
    issue_pair();
    requests[0].names = list;
    device_boot();
    c = w.client;
    assert_int_equal(acme_store_read_cert(&c->log, c->slots[0].store_slot, &cert), ACME_OK);
    cert.names_id = old;
    assert_int_equal(acme_store_install(&c->log, c->slots[0].store_slot, &cert, "x"), ACME_OK);
    device_reboot();
    assert_true(device_has_cert(0));
    assert_true(acme_next_wakeup_s(w.client) > 3600);
    /* An order that a reset interrupted. */
    device_forget();
    assert_int_equal(acme_renew_start(w.client), ACME_OK);
    while (device_entered("FINALIZE") == 0) {
        struct acme_poll_result result;

        (void)acme_poll(w.client, &result);
        ca_sim_tick(w.ca, w.clock.now_ms);
        w.clock.now_ms += 10;
    }
    device_reboot();
    c = w.client;
    assert_int_equal(acme_slots_load_order(c, c->slots[0].store_slot, &stored), ACME_OK);
    order = *stored;
    assert_true(order.names_id == acme_store_names_id(list, 2));
    order.names_id = old;
    assert_int_equal(
        acme_store_write_order(&c->log, c->slots[0].store_slot, &order, scratch, sizeof(scratch)),
        ACME_OK);
    device_reboot();
    device_forget();
    assert_int_equal(device_renew(), ACME_OK);
    assert_int_equal(device_asked(CA_SIM_NEW_ORDER), 0);
    assert_true(device_has_cert(0));
}

/* ---- held keys ---- */

static void test_a_held_key_stays(void **state)
{
    struct acme_cert_status before = status();
    struct acme_poll_result result;
    uint64_t since;

    (void)state;
    acme_cert_hold(w.client);
    assert_int_equal(acme_renew_start(w.client), ACME_OK);
    while (device_entered("INSTALL") == 0) {
        (void)acme_poll(w.client, &result);
        ca_sim_tick(w.ca, w.clock.now_ms);
        w.clock.now_ms += 10;
    }
    since = w.clock.now_ms;
    assert_int_equal(sim_world_drive(&w), ACME_OK);
    assert_in_range(w.clock.now_ms - since, 29000, 31000);
    assert_int_not_equal(status().key_id, before.key_id);
    acme_cert_release(w.client);
    assert_int_equal(device_renew(), ACME_OK);
    assert_true(device_has_cert(0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DEVICE_TEST(test_a_pause_is_kept),
        DEVICE_TEST(test_a_pause_ends_when_the_clock_is_put_back),
        DEVICE_TEST(test_a_pause_is_of_its_own_certificate),
        DEVICE_TEST(test_failures_are_counted_to_an_end),
        DEVICE_TEST_ISSUED(test_a_schedule_of_an_earlier_certificate),
        DEVICE_TEST_ISSUED(test_an_instant_past_the_latest),
        DEVICE_TEST_ISSUED(test_due_to_the_second),
        DEVICE_TEST_ISSUED(test_calm_after_an_installation),
        DEVICE_TEST_ISSUED(test_orders_anew_as_configured),
        DEVICE_TEST_ISSUED(test_another_ca_s_certificate),
        DEVICE_TEST_ISSUED(test_without_a_clock_the_ca_is_asked),
        DEVICE_TEST(test_clocks_must_agree),
        DEVICE_TEST(test_slots_run_out),
        DEVICE_TEST(test_the_same_names),
        DEVICE_TEST(test_names_of_an_older_store),
        DEVICE_TEST_ISSUED(test_a_held_key_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
