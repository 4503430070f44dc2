/*
 * Less usual ways to a certificate: authorizations before the order, a domain above that is proven
 * in the names' place, addresses, profiles, a revocation by the certificate's own key, a finalize
 * that comes early. The CA is strict about what it is sent.
 */
#include "device.h"

/* ---- before the order (RFC 8555 7.4.1) ---- */

static const char *const two[] = {"a.example.org", "b.example.org"};

static int set_up(void **state)
{
    (void)device_set_up(state);
    requests[0].names = two;
    requests[0].names_count = 2;
    requests[0].pre_authorize = true;
    w.ca->options.pre_authorization = true;
    w.ca->options.authorization_s = 86400;
    return 0;
}

static void test_names_are_proven_before_the_order(void **state)
{
    (void)state;
    device_boot();
    assert_int_equal(device_run(), ACME_OK);
    assert_int_equal(device_asked(CA_SIM_NEW_AUTHORIZATION), 2);
    assert_int_equal(device_asked(CA_SIM_NEW_ORDER), 1);
    assert_int_equal(ca_sim_order(w.ca, 2)->authorizations[0].tries, 0);
    assert_true(device_has_cert(0));
}

static void test_a_ca_that_proves_nothing_before(void **state)
{
    (void)state;
    w.ca->options.pre_authorization = false;
    device_boot();
    assert_int_equal(device_run(), ACME_OK);
    assert_int_equal(device_asked(CA_SIM_NEW_AUTHORIZATION), 0);
    assert_true(device_has_cert(0));
}

static void test_replies_of_new_authorization_are_checked(void **state)
{
    static const struct {
        const char *find, *put;
        int32_t error;
    } table[] = {{"HTTP/1.1 201", "HTTP/1.1 202", ACME_ERR_HTTP_STATUS},
                 {"Location", "X-Location", ACME_ERR_FIELD},
                 {"Location: https:", "Location: http:", ACME_ERR_URL}};
    size_t i;

    (void)state;
    device_boot();
    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        device_forget();
        sim_edits_add(&edits, CA_SIM_NEW_AUTHORIZATION, table[i].find, table[i].put);
        assert_int_equal(device_run(), table[i].error);
        assert_int_equal(device_asked(CA_SIM_NEW_ORDER), 0);
    }
    device_forget();
    sim_edits_add(&edits, CA_SIM_NEW_AUTHORIZATION, "HTTP/1.1 201", "HTTP/1.1 200");
    assert_int_equal(device_run(), ACME_OK);
}

static void test_wildcards_wait_for_the_order(void **state)
{
    static const char *const names[] = {"*.example.org"};

    (void)state;
    requests[0].names = names;
    requests[0].names_count = 1;
    device_boot();
    assert_int_equal(device_run(), ACME_ERR_CHALLENGE_NONE); /* which has no way to prove it */
    assert_int_equal(device_asked(CA_SIM_NEW_AUTHORIZATION), 0);
    assert_int_equal(device_asked(CA_SIM_NEW_ORDER), 1);
}

static void test_addresses_are_called_so(void **state)
{
    static const char *const names[] = {"192.0.2.1"};

    (void)state;
    requests[0].names = names;
    requests[0].names_count = 1;
    device_boot();
    assert_int_equal(device_run(), ACME_ERR_ORDER); /* this CA has none of them */
    assert_string_equal(heard.problem_type, "unsupportedIdentifier");
    sim_world_halt(&w);
    requests[0].pre_authorize = false;
    device_boot();
    assert_int_equal(device_run(), ACME_ERR_ORDER);
    assert_string_equal(heard.problem_type, "unsupportedIdentifier");
}

/* ---- a domain above (RFC 9444) ---- */

static void offer_subdomains(void)
{
    sim_edits_add(&edits, CA_SIM_DIRECTORY_GET, "\"meta\":{",
                  "\"meta\":{\"subdomainAuthAllowed\":true,");
}

static void test_one_domain_stands_for_the_names_below(void **state)
{
    static const char *const names[] = {"a.example.org", "b.example.org", "other.example.net"};

    (void)state;
    requests[0].names = names;
    requests[0].names_count = 3;
    requests[0].ancestor = "example.org";
    w.ca->options.trusting = true;
    device_boot();
    offer_subdomains();
    sim_edits_add(&edits, CA_SIM_AUTHORIZATION, "\"value\":\"example.org\"},",
                  "\"value\":\"EXAMPLE.org\"},\"subdomainAuthAllowed\":true,");
    assert_int_equal(device_run(), ACME_OK);
    /* One for the domain, one for the name that is elsewhere. */
    assert_int_equal(device_asked(CA_SIM_NEW_AUTHORIZATION), 2);
    assert_string_equal(ca_sim_order(w.ca, 0)->authorizations[0].name, "example.org");
    assert_string_equal(ca_sim_order(w.ca, 1)->authorizations[0].name, "other.example.net");
    assert_true(device_has_cert(0));
}

static void test_a_domain_that_is_not_said_to_stand_for_others(void **state)
{
    static const char *const names[] = {"a.example.org"};

    (void)state;
    requests[0].names = names;
    requests[0].names_count = 1;
    requests[0].ancestor = "example.org";
    w.ca->options.trusting = true;
    device_boot();
    offer_subdomains();
    assert_int_equal(device_run(), ACME_ERR_ORDER_IDENTIFIERS);
    /* Nor does one that nobody asked about. */
    device_forget();
    offer_subdomains();
    sim_edits_add(&edits, CA_SIM_AUTHORIZATION, "\"value\":\"example.org\"},",
                  "\"value\":\"example.com\"},\"subdomainAuthAllowed\":true,");
    assert_int_equal(device_run(), ACME_ERR_ORDER_IDENTIFIERS);
    assert_int_equal(device_asked(CA_SIM_CHALLENGE), 0);
}

static void test_a_domain_above_none_of_the_names(void **state)
{
    static const char *const names[] = {"xexample.org", "b.org", "elsewhere.example.net"};

    (void)state;
    requests[0].names = names;
    requests[0].names_count = 3;
    requests[0].ancestor = "example.org";
    requests[0].pre_authorize = false;
    device_boot();
    offer_subdomains();
    sim_edits_add(&edits, CA_SIM_AUTHORIZATION, "\"value\":\"xexample.org\"},",
                  "\"value\":\"EXAMPLE.ORG\"},\"subdomainAuthAllowed\":true,");
    assert_int_equal(device_run(), ACME_ERR_ORDER_IDENTIFIERS);
    device_forget();
    assert_int_equal(device_run(), ACME_OK);
}

/* ---- profiles ---- */

static void test_a_profile_that_the_ca_has(void **state)
{
    (void)state;
    requests[0].profile = "shortlived";
    requests[0].pre_authorize = false;
    device_boot();
    assert_int_equal(device_run(), ACME_ERR_PROFILE);
    assert_int_equal(device_asked(CA_SIM_NEW_ORDER), 0);
    sim_edits_add(&edits, CA_SIM_DIRECTORY_GET, "\"meta\":{",
                  "\"meta\":{\"profiles\":{\"shortlived\":\"Short\"},");
    assert_int_equal(device_run(), ACME_OK);
    assert_true(device_has_cert(0));
}

/* ---- and back ---- */

static void test_all_names_are_deauthorized(void **state)
{
    (void)state;
    requests[0].pre_authorize = false;
    device_boot();
    assert_int_equal(device_run(), ACME_OK);
    device_forget();
    assert_int_equal(device_finish(acme_deauthorize(w.client, 0)), ACME_OK);
    assert_int_equal(device_asked(CA_SIM_AUTHORIZATION), 2);
    assert_true(device_has_cert(0));
}

/* ---- who signs, and what is said ---- */

static void test_a_certificate_revokes_itself(void **state)
{
    (void)state;
    assert_int_equal(device_finish(acme_revoke_start(w.client, 0, 1, true)), ACME_OK);
    assert_true(ca_sim_order(w.ca, 0)->revoked);
    assert_false(device_has_cert(0));
    assert_int_equal(device_asked(CA_SIM_ACCOUNT), 0);
}

static void test_a_contact_is_said(void **state)
{
    (void)state;
    w.config.contact = "mailto:admin@example.org";
    device_boot();
    assert_int_equal(device_run(), ACME_OK);
    assert_string_equal(ca_sim_account(w.ca, 0)->contact, w.config.contact);
    sim_world_halt(&w);
    w.config.contact = "mailto:other@example.org";
    device_boot();
    assert_int_equal(device_finish(acme_account_update(w.client)), ACME_OK);
    assert_string_equal(ca_sim_account(w.ca, 0)->contact, w.config.contact);
}

/* ---- patience ---- */

static void test_patience_ends(void **state)
{
    (void)state;
    requests[0].names_count = 1;
    requests[0].pre_authorize = false;
    w.ca->options.issue_ms = 30000;
    device_boot();
    assert_int_equal(device_run(), ACME_OK);
    w.ca->options.issue_ms = 40000000;
    assert_int_equal(device_renew(), ACME_ERR_POLL_LIMIT);
    assert_true(device_has_cert(0));
    w.ca->options.issue_ms = 100;
    sim_world_sleep(&w, 80000000);
    assert_int_equal(device_renew(), ACME_OK);
    w.ca->options.authorization_s = 0;
    w.ca->options.validate_ms = 40000000;
    sim_world_sleep(&w, 90000000);
    assert_int_equal(device_renew(), ACME_ERR_POLL_LIMIT);
    assert_true(device_has_cert(0));
}

static void test_nonces_that_are_never_good(void **state)
{
    (void)state;
    requests[0].pre_authorize = false;
    device_boot();
    w.ca->options.bad_nonce_every = 3;
    assert_int_equal(device_run(), ACME_OK);
    w.ca->options.bad_nonce_every = 1;
    assert_int_equal(device_renew(), ACME_ERR_NONCE);
    assert_string_equal(heard.problem_type, ""); /* which of them it was does not matter */
    assert_true(device_asked(CA_SIM_NEW_ORDER) < 250);
    assert_true(device_has_cert(0));
}

/* The challenge is refused once: the authorization knows best. */
static void test_a_refused_challenge(void **state)
{
    (void)state;
    requests[0].pre_authorize = false;
    device_boot();
    device_fault(CA_SIM_CHALLENGE, 400, "malformed", 1);
    assert_int_equal(device_run(), ACME_ERR_POLL_LIMIT);
    device_fault(CA_SIM_CHALLENGE, 401, "unauthorized", 0);
    device_reboot();
    assert_int_equal(device_run(), ACME_OK);
}

#define WAY_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, device_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WAY_TEST(test_names_are_proven_before_the_order),
        WAY_TEST(test_a_ca_that_proves_nothing_before),
        WAY_TEST(test_replies_of_new_authorization_are_checked),
        WAY_TEST(test_wildcards_wait_for_the_order),
        WAY_TEST(test_addresses_are_called_so),
        WAY_TEST(test_one_domain_stands_for_the_names_below),
        WAY_TEST(test_a_domain_that_is_not_said_to_stand_for_others),
        WAY_TEST(test_a_domain_above_none_of_the_names),
        WAY_TEST(test_a_profile_that_the_ca_has),
        WAY_TEST(test_all_names_are_deauthorized),
        DEVICE_TEST_ISSUED(test_a_certificate_revokes_itself),
        DEVICE_TEST(test_a_contact_is_said),
        WAY_TEST(test_patience_ends),
        WAY_TEST(test_nonces_that_are_never_good),
        WAY_TEST(test_a_refused_challenge),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
