/*
 * The CA's word on when to renew (RFC 9773): what of it is taken, and that nothing of it, nor its
 * lack, ever fails a job or costs a certificate.
 */
#include "device.h"

static int set_up(void **state)
{
    (void)device_set_up_issued(state);
    sim_world_halt(&w);
    w.config.look_now = true;
    device_boot();
    return 0;
}

static struct acme_cert_status status(void)
{
    struct acme_cert_status s;

    assert_int_equal(acme_cert_get_status(w.client, 0, &s), ACME_OK);
    return s;
}

/* A job that only looks. */
static void look(void)
{
    assert_int_equal(device_run(), ACME_OK);
    assert_int_equal(device_asked(CA_SIM_NEW_ORDER), 0);
    assert_int_equal(heard.events[ACME_EVENT_ERROR], 0);
    assert_true(device_has_cert(0));
}

static int64_t pause_s(void)
{
    return status().look_at_s - sim_clock_true_s(&w.clock);
}

static void test_a_refusal_is_no_failure(void **state)
{
    static const struct {
        uint16_t status;
        const char *type;
        uint32_t retry_after_s;
        int64_t least_s, most_s;
    } table[] = {{404, "malformed", 0, 21000, 22000},
                 {429, "rateLimited", 7200, 7190, 7210},
                 {503, "serverInternal", 3600, 3590, 3610},
                 {503, "serverInternal", 0, 21000, 22000},
                 {429, "rateLimited", 10000000, 80000, 90000}};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        device_fault(CA_SIM_RENEWAL_INFO, table[i].status, table[i].type, 1);
        w.ca->faults[0].retry_after_s = table[i].retry_after_s;
        look();
        assert_int_equal(device_asked(CA_SIM_RENEWAL_INFO), 1);
        assert_in_range(pause_s(), table[i].least_s, table[i].most_s);
        assert_int_equal(heard.events[ACME_EVENT_RENEWAL_INFO], 0);
        device_forget();
    }
}

static void test_what_cannot_be_read_is_left(void **state)
{
    static const char *const puts[] = {
        JSON("[]"),
        JSON("{}"),
        JSON("{\"suggestedWindow\":{\"start\":\"2026-02-01T00:00:00Z\"}}"),
        JSON("{\"suggestedWindow\":{\"end\":\"2026-02-01T00:00:00Z\"}}"),
        JSON("{\"suggestedWindow\":{\"start\":\"2026-02-01T00:00:00Z\","
             "\"end\":\"2026-02-01T00:00:00Z\"}}"),
        JSON("{\"suggestedWindow\":{\"start\":\"2026-02-02T00:00:00Z\","
             "\"end\":\"2026-02-01T00:00:00Z\"}}"),
        JSON("{\"suggestedWindow\":{\"start\":\"soon\",\"end\":\"2026-02-01T00:00:00Z\"}}"),
        REPLY("200", "octet-stream", "{}")};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(puts) / sizeof(puts[0]); i++) {
        sim_edits_add(&edits, CA_SIM_RENEWAL_INFO, NULL, puts[i]);
        look();
        assert_false(status().suggested);
        assert_int_equal(heard.events[ACME_EVENT_RENEWAL_INFO], 0);
        device_forget();
    }
}

#define WINDOW(rest)                                                                               \
    JSON("{\"suggestedWindow\":{\"start\":\"2026-02-01T00:00:00Z\","                               \
         "\"end\":\"2026-02-0" rest "}")

static void test_a_drawn_instant_stays(void **state)
{
    int64_t first;

    (void)state;
    sim_edits_add(&edits, CA_SIM_RENEWAL_INFO, NULL, WINDOW("5T00:00:00Z\"}"));
    look();
    assert_true(status().suggested);
    first = status().renew_after_s;
    look();
    assert_int_equal(heard.events[ACME_EVENT_RENEWAL_INFO], 1);
    assert_int_equal(status().renew_after_s, first);
    device_forget(); /* another end */
    sim_edits_add(&edits, CA_SIM_RENEWAL_INFO, NULL, WINDOW("6T00:00:00Z\"}"));
    look();
    assert_int_equal(heard.events[ACME_EVENT_RENEWAL_INFO], 1);
    device_forget(); /* and another start */
    sim_edits_add(&edits, CA_SIM_RENEWAL_INFO, NULL,
                  JSON("{\"suggestedWindow\":{\"start\":\"2026-02-03T00:00:00Z\","
                       "\"end\":\"2026-02-06T00:00:00Z\"}}"));
    look();
    assert_int_equal(heard.events[ACME_EVENT_RENEWAL_INFO], 1);
    assert_true(status().renew_after_s >= 1770076800);
}

static void test_explanations_are_links_or_nothing(void **state)
{
    static const struct {
        const char *put, *text;
    } table[] = {
        {WINDOW("2T00:00:00Z\"},\"explanationURL\":\"https://ca.example.org/why\""),
         "https://ca.example.org/why"},
        {WINDOW("3T00:00:00Z\"},\"explanationURL\":\"http://ca.example.org/why\""),
         "http://ca.example.org/why"},
        {WINDOW("4T00:00:00Z\"},\"explanationURL\":\"ftp://ca.example.org/why\""), ""},
        {WINDOW("5T00:00:00Z\"},\"explanationURL\":\"https://ca.example.org/a b\""), ""},
        {WINDOW("6T00:00:00Z\"},\"explanationURL\":\"https://ca.example.org/\\u007f\""), ""},
        {WINDOW("7T00:00:00Z\"},\"explanationURL\":7"), ""}};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        sim_edits_add(&edits, CA_SIM_RENEWAL_INFO, NULL, table[i].put);
        assert_int_equal(acme_start(w.client), ACME_OK);
        while (heard.events[ACME_EVENT_RENEWAL_INFO] == 0) {
            struct acme_poll_result result;

            heard.text[0] = '\0';
            (void)acme_poll(w.client, &result);
            w.clock.now_ms += 10;
        }
        assert_string_equal(heard.text, table[i].text);
        assert_int_equal(sim_world_drive(&w), ACME_OK);
        device_forget();
    }
}

static void test_an_endless_url_is_not_asked(void **state)
{
    static char put[CONFIG_ACME_URL_MAX + 1] = "https://ca.example.org/renewal-info";

    (void)state;
    memset(put + strlen(put), 'x', CONFIG_ACME_URL_MAX - 20 - strlen(put));
    sim_edits_add(&edits, CA_SIM_DIRECTORY_GET, "https://ca.example.org/renewal-info", put);
    look();
    assert_int_equal(device_asked(CA_SIM_RENEWAL_INFO), 0);
    assert_in_range(pause_s(), 21000, 22000);
}

static void test_a_ca_without_it(void **state)
{
    (void)state;
    w.ca->options.no_renewal_info = true;
    look();
    assert_int_equal(device_asked(CA_SIM_RENEWAL_INFO), 0);
    assert_in_range(pause_s(), 80000, 90000);
    assert_int_equal(device_renew(), ACME_OK);
    assert_int_equal(ca_sim_order(w.ca, 1)->replaces, 0);
}

#define LOOK_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, device_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOOK_TEST(test_a_refusal_is_no_failure),
        LOOK_TEST(test_what_cannot_be_read_is_left),
        LOOK_TEST(test_a_drawn_instant_stays),
        LOOK_TEST(test_explanations_are_links_or_nothing),
        LOOK_TEST(test_an_endless_url_is_not_asked),
        LOOK_TEST(test_a_ca_without_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
