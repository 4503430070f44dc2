/*
 * Choices: which CA, when the first one does not deliver, and which of a CA's chains. The first CA
 * and the CA's own chain are what is left when nothing else will do.
 */
#include "device.h"

#define DOWN "https://down.example.org/directory"

static const struct acme_ca other = {CA_SIM_DIRECTORY, NULL, 0, NULL, NULL};

/* ---- CAs ---- */

static int set_up_two_cas(void **state)
{
    (void)device_set_up(state);
    w.config.directory_url = DOWN;
    w.config.fallbacks = &other;
    w.config.fallbacks_count = 1;
    return 0;
}

static void test_a_name_without_a_certificate_does_not_wait(void **state)
{
    (void)state;
    device_boot();
    assert_int_equal(device_run(), ACME_OK);
    assert_int_equal(heard.events[ACME_EVENT_CA], 1);
    assert_true(device_has_cert(0));
    /* The next job begins with the first one again. */
    device_forget();
    assert_int_equal(device_finish(acme_account_start(w.client)), ACME_ERR_CONNECT);
    assert_int_equal(heard.events[ACME_EVENT_CA], 0);
}

static void test_a_renewal_is_patient(void **state)
{
    uint32_t i;

    (void)state;
    device_boot();
    assert_int_equal(device_run(), ACME_OK);
    w.clock.now_ms += 75ull * 86400000u;
    for (i = 1; i < CONFIG_ACME_FALLBACK_AFTER; i++) {
        device_forget();
        assert_int_equal(device_run(), ACME_ERR_CONNECT);
        assert_int_equal(heard.events[ACME_EVENT_CA], 0);
        assert_true(device_has_cert(0));
    }
    device_forget();
    assert_int_equal(device_run(), ACME_OK);
    assert_int_equal(heard.events[ACME_EVENT_CA], 1);
    assert_int_equal(w.ca->counters.certificates, 2);
}

/* Two certificates: only the one that is missing goes to the other CA; what the first was told
 * stays true of its own. */
static void test_only_what_wants_it_goes_to_the_other(void **state)
{
    static const char *const second[] = {"api.example.org"};
    struct acme_cert_status status;

    (void)state;
    device_boot();
    assert_int_equal(device_run(), ACME_OK);
    sim_world_halt(&w);
    requests[1].names = second;
    requests[1].names_count = 1;
    w.config.certs_count = 2;
    device_boot();
    device_forget();
    w.clock.now_ms += 75ull * 86400000u; /* the first one is due, and has not failed often */
    (void)device_run();
    assert_int_equal(heard.events[ACME_EVENT_CA], 1);
    assert_true(device_has_cert(0));
    assert_true(device_has_cert(1));
    assert_int_equal(w.ca->counters.certificates, 2);
    assert_int_equal(acme_cert_get_status(w.client, 0, &status), ACME_OK);
    assert_int_equal(status.error, ACME_ERR_CONNECT);
    assert_int_equal(acme_cert_get_status(w.client, 1, &status), ACME_OK);
    assert_int_equal(status.error, ACME_OK);
}

static void test_the_others_faults_are_the_others(void **state)
{
    (void)state;
    device_boot();
    device_fault(CA_SIM_NEW_ORDER, 403, "rejectedIdentifier", 1);
    assert_int_equal(device_run(), ACME_ERR_ORDER);
    assert_int_equal(heard.events[ACME_EVENT_CA], 1);
    assert_int_equal(device_run(), ACME_OK);
}

static void test_a_port_that_is_taken_is_no_ca_s_fault(void **state)
{
    (void)state;
    w.config.directory_url = CA_SIM_DIRECTORY;
    device_boot();
    w.net.fail_call = SIM_NET_LISTEN;
    w.net.fail_at = 1;
    w.net.fail_error = ACME_ERR_LISTEN;
    assert_int_equal(device_run(), ACME_ERR_LISTEN);
    assert_int_equal(heard.events[ACME_EVENT_CA], 0);
}

/* A failure at the start concerns what is due, and nothing else. */
static void test_a_failure_is_of_those_that_are_due(void **state)
{
    static const char *const second[] = {"api.example.org"};
    struct acme_cert_status status;

    (void)state;
    w.config.fallbacks_count = 0;
    w.config.directory_url = CA_SIM_DIRECTORY;
    device_boot();
    assert_int_equal(device_run(), ACME_OK);
    sim_world_halt(&w);
    requests[1].names = second;
    requests[1].names_count = 1;
    w.config.certs_count = 2;
    device_boot();
    device_fault(CA_SIM_DIRECTORY_GET, 404, "malformed", 1);
    assert_int_equal(device_run(), ACME_ERR_PROBLEM);
    assert_int_equal(acme_cert_get_status(w.client, 0, &status), ACME_OK);
    assert_int_equal(status.failures, 0);
    assert_int_equal(acme_cert_get_status(w.client, 1, &status), ACME_OK);
    assert_int_equal(status.failures, 1);
    assert_int_equal(status.error, ACME_ERR_PROBLEM);
}

/* ---- chains ---- */

static void offer(const char *links)
{
    sim_edits_add(&edits, CA_SIM_CERTIFICATE, "Content-Type: application/pem", links);
}

static uint8_t chain_count(void)
{
    struct acme_cert_status status;

    assert_int_equal(acme_cert_get_status(w.client, 0, &status), ACME_OK);
    assert_true(acme_cert_can_serve(&status));
    return status.chain_count;
}

static void test_links_that_lead_nowhere(void **state)
{
    (void)state;
    requests[0].preferred_issuer = "Nobody";
    device_boot();
    offer("Link: <http://ca.example.org/certificate/0>;rel=\"alternate\"\r\n"
          "Link: <https://other.example.org/certificate/0>;rel=\"alternate\"\r\n"
          "Content-Type: application/pem");
    assert_int_equal(device_run(), ACME_OK);
    assert_int_equal(chain_count(), 2);
}

static void test_a_chain_that_cannot_be_had(void **state)
{
    (void)state;
    requests[0].preferred_issuer = "Nobody";
    device_boot();
    offer("Link: <https://ca.example.org/certificate/7>;rel=\"alternate\"\r\n"
          "Content-Type: application/pem");
    assert_int_equal(device_run(), ACME_OK);
    assert_int_equal(device_asked(CA_SIM_CERTIFICATE), 3); /* its own, the other, its own again */
    assert_int_equal(chain_count(), 2);
}

static void test_a_chain_with_the_wanted_issuer(void **state)
{
    (void)state;
    requests[0].preferred_issuer = "Simulated root";
    requests[0].prefer_shortest = true;
    device_boot();
    offer("Link: <https://ca.example.org/certificate/0>;rel=\"alternate\"\r\n"
          "Content-Type: application/pem");
    assert_int_equal(device_run(), ACME_OK);
    assert_int_equal(device_asked(CA_SIM_CERTIFICATE), 1);
}

static void test_the_shortest_chain(void **state)
{
    (void)state;
    requests[0].prefer_shortest = true;
    device_boot();
    offer("Link: <https://ca.example.org/certificate/0>;rel=\"alternate\"\r\n"
          "Content-Type: application/pem");
    assert_int_equal(device_run(), ACME_OK);
    assert_int_equal(device_asked(CA_SIM_CERTIFICATE), 3);
    assert_int_equal(chain_count(), 2);
}

/* An alternate that is shorter by a certificate. */
static struct sim_edit *offer_a_shorter_one(void)
{
    struct sim_edit *edit;

    offer("Link: <https://ca.example.org/certificate/0>;rel=\"alternate\"\r\n"
          "Content-Type: application/pem");
    edit = sim_edits_add(&edits, CA_SIM_CERTIFICATE, "-----END CERTIFICATE-----\n-----BEGIN",
                         "-----END CERTIFICATE-----\n-----NO");
    edit->skip = edit->count = 1;
    return edit;
}

/* The other one is shorter by a certificate: it is at hand, and stays. */
static void test_the_shortest_chain_is_the_other(void **state)
{
    struct sim_edit *edit;

    (void)state;
    requests[0].prefer_shortest = true;
    device_boot();
    edit = offer_a_shorter_one();
    assert_int_equal(device_run(), ACME_OK);
    assert_int_equal(edit->done, 1);
    assert_int_equal(device_asked(CA_SIM_CERTIFICATE), 2);
    assert_int_equal(chain_count(), 1);
}

/* What the device's TLS cannot send is not installed whole: its end is left out, and that is said.
 */
static void test_a_chain_that_cannot_be_sent(void **state)
{
    (void)state;
    w.config.chain_max = 700;
    device_boot();
    assert_int_equal(device_run(), ACME_OK);
    assert_int_equal(heard.events[ACME_EVENT_CHAIN_CUT], 1);
    assert_int_equal(chain_count(), 1);
}

/* Unless the CA has one that can. Nobody has asked for the shortest here. */
static void test_a_shorter_chain_that_can_be_sent(void **state)
{
    struct sim_edit *edit;

    (void)state;
    w.config.chain_max = 700;
    device_boot();
    edit = offer_a_shorter_one();
    assert_int_equal(device_run(), ACME_OK);
    assert_int_equal(edit->done, 1);
    assert_int_equal(device_asked(CA_SIM_CERTIFICATE), 2);
    assert_int_equal(heard.events[ACME_EVENT_CHAIN_CUT], 0);
    assert_int_equal(chain_count(), 1);
}

/* Where even the leaf is too long, what there was stays. */
static void test_a_leaf_that_cannot_be_sent(void **state)
{
    struct acme_cert_status status;

    (void)state;
    w.config.chain_max = UINT16_MAX;
    device_boot();
    assert_int_equal(device_run(), ACME_OK);
    assert_int_equal(chain_count(), 2);
    sim_world_halt(&w);
    w.config.chain_max = 100;
    w.config.force_renewal = true;
    device_boot();
    assert_int_equal(device_run(), ACME_ERR_CERT_LIMIT);
    assert_int_equal(acme_cert_get_status(w.client, 0, &status), ACME_OK);
    assert_true(acme_cert_can_serve(&status));
    assert_int_equal(status.chain_count, 2);
}

#define CA_TEST(test) cmocka_unit_test_setup_teardown(test, set_up_two_cas, device_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CA_TEST(test_a_name_without_a_certificate_does_not_wait),
        CA_TEST(test_a_renewal_is_patient),
        CA_TEST(test_only_what_wants_it_goes_to_the_other),
        CA_TEST(test_the_others_faults_are_the_others),
        CA_TEST(test_a_port_that_is_taken_is_no_ca_s_fault),
        CA_TEST(test_a_failure_is_of_those_that_are_due),
        DEVICE_TEST(test_links_that_lead_nowhere),
        DEVICE_TEST(test_a_chain_that_cannot_be_had),
        DEVICE_TEST(test_a_chain_with_the_wanted_issuer),
        DEVICE_TEST(test_the_shortest_chain),
        DEVICE_TEST(test_the_shortest_chain_is_the_other),
        DEVICE_TEST(test_a_chain_that_cannot_be_sent),
        DEVICE_TEST(test_a_shorter_chain_that_can_be_sent),
        DEVICE_TEST(test_a_leaf_that_cannot_be_sent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
