/*
 * CAs that say things in their own way, which RFC 8555 allows or nearly so: replies without what
 * another reply has said, members that are empty, status codes of their own, busy moments. The
 * order ends well, with no request more than it takes, or its failure has the right name and costs
 * nothing.
 */
#include "device.h"

static uint8_t leaf[2][2048];

static int32_t read_leaf(uint32_t which)
{
    return acme_cert_read(w.client, 0, 0, leaf[which], sizeof(leaf[which]));
}

/* The CA still believes the name: orders are ready at once, and finalized when they are. */
static void be_proven(void)
{
    w.ca->options.authorization_s = 1;
    ca_sim_order(w.ca, 0)->authorizations[0].valid_until_ms = UINT64_MAX / 2;
}

static void expect_installed(uint32_t orders)
{
    assert_int_equal(device_renew(), ACME_OK);
    assert_int_equal(heard.events[ACME_EVENT_INSTALLED], 1);
    assert_int_equal(device_asked(CA_SIM_NEW_ORDER), orders);
    assert_true(device_has_cert(0));
}

/* What was installed stays, and serves. */
static void expect_kept(int32_t error)
{
    int32_t len = read_leaf(0);

    assert_int_equal(device_renew(), error);
    assert_int_equal(heard.error, error);
    assert_int_equal(read_leaf(1), len);
    assert_memory_equal(leaf[0], leaf[1], (size_t)len);
    assert_true(device_has_cert(0));
}

/* ---- dialects that are understood ---- */

static const struct dialect {
    uint8_t route;
    const char *find, *put;
} dialects[] = {
    /* 200 for a new order, and what it does not offer as "" */
    {CA_SIM_NEW_ORDER, "HTTP/1.1 201", "HTTP/1.1 200"},
    {CA_SIM_DIRECTORY_GET, "\"keyChange\":\"", "\"keyChange\":\"\",\"x\":\""},
    {CA_SIM_NEW_ORDER, "\"finalize\":\"", "\"certificate\":\"\",\"finalize\":\""},
    /* what newOrder has said need not be said again */
    {CA_SIM_ORDER, "\"identifiers\":[", "\"x\":["},
    {CA_SIM_ORDER, "\"authorizations\":[", "\"x\":["},
    {CA_SIM_ORDER, "\"finalize\":\"", "\"x\":\""},
    {CA_SIM_FINALIZE, "\"identifiers\":[", "\"x\":["},
    /* what finalize's reply says matters little */
    {CA_SIM_FINALIZE, NULL, "HTTP/1.1 200 X\r\nContent-Length: 0\r\n\r\n"},
    {CA_SIM_FINALIZE, NULL, "HTTP/1.1 202 X\r\nContent-Type: text/plain\r\n\r\naccepted"},
    /* a nonce comes with the refusal of HEAD */
    {CA_SIM_NEW_NONCE, "HTTP/1.1 200", "HTTP/1.1 204"},
};

static void test_a_dialect(void **state)
{
    const struct dialect *d = *state;

    (void)device_set_up_issued(state);
    sim_edits_add(&edits, (enum ca_sim_route)d->route, d->find, d->put);
    expect_installed(1);
    assert_true(edits.edits[0].done > 0);
}

/* The same where names are proven already, and so finalize comes without a look at the order. */
static void test_finalize_without_a_word(void **state)
{
    (void)state;
    be_proven();
    sim_edits_add(&edits, CA_SIM_FINALIZE, NULL,
                  "HTTP/1.1 200 X\r\nContent-Type: text/plain\r\n\r\naccepted");
    expect_installed(1);
    assert_int_equal(device_asked(CA_SIM_FINALIZE), 1);
}

/* The order is valid, and its certificate's URL comes later. */
static void test_a_certificate_url_that_is_late(void **state)
{
    (void)state;
    sim_edits_add(&edits, CA_SIM_ORDER, "\"certificate\":", "\"x\":")->count = 2;
    expect_installed(1);
    assert_int_equal(device_asked(CA_SIM_FINALIZE), 1);
    assert_int_equal(edits.edits[0].done, 2);
}

/* It never comes: the job ends in time, and a later one goes on with the same order. */
static void test_a_certificate_url_that_never_comes(void **state)
{
    (void)state;
    sim_edits_add(&edits, CA_SIM_ORDER, "\"certificate\":", "\"x\":");
    expect_kept(ACME_ERR_POLL_LIMIT);
    device_forget();
    expect_installed(0);
}

/* A CA that has taken the request and says "ready" for a while is not sent another. */
static void test_ready_after_finalize(void **state)
{
    (void)state;
    be_proven();
    sim_edits_add(&edits, CA_SIM_FINALIZE, "\"status\":\"processing\"", "\"status\":\"ready\"");
    sim_edits_add(&edits, CA_SIM_ORDER, "\"status\":\"processing\"", "\"status\":\"ready\"");
    w.ca->options.issue_ms = 3000;
    expect_installed(1);
    assert_int_equal(device_asked(CA_SIM_FINALIZE), 1);
}

/* ---- what is missing for good ---- */

static void test_an_order_that_cannot_be_finalized(void **state)
{
    (void)state;
    be_proven();
    sim_edits_add(&edits, CA_SIM_NEW_ORDER, "\"finalize\":", "\"x\":");
    expect_kept(ACME_ERR_FIELD);
    assert_string_equal(heard.member, "finalize");
    assert_int_equal(device_asked(CA_SIM_FINALIZE), 0);
    device_forget();
    expect_installed(2); /* the first says what it replaces, which that order has done already */
}

static void long_url(char *to, size_t size, const char *before)
{
    size_t len = strlen(before);

    memcpy(to, before, len);
    memset(to + len, 'x', size - len - 1);
    to[size - 1] = '\0';
}

/* The limit is of the URL, be it written whole or relative to the CA's. */
static void test_an_order_with_too_long_a_url(void **state)
{
    static char whole[CONFIG_ACME_URL_MAX + 64], relative[CONFIG_ACME_URL_MAX];

    (void)state;
    long_url(whole, sizeof(whole), "Location: https://ca.example.org/");
    sim_edits_add(&edits, CA_SIM_NEW_ORDER, "Location: https://ca.example.org/", whole);
    expect_kept(ACME_ERR_HTTP_LIMIT);
    long_url(relative, sizeof(relative), "Location: /");
    device_forget();
    sim_edits_add(&edits, CA_SIM_NEW_ORDER, "Location: https://ca.example.org/", relative);
    expect_kept(ACME_ERR_HTTP_LIMIT);
    device_forget();
    expect_installed(2);
}

static void test_nonces_that_are_too_long(void **state)
{
    static char put[CONFIG_ACME_NONCE_MAX + 32];
    uint32_t route;

    (void)state;
    long_url(put, sizeof(put), "Replay-Nonce: ");
    device_reboot(); /* it has no nonce of an earlier job */
    for (route = CA_SIM_NEW_NONCE; route <= CA_SIM_ORDER; route++) {
        if (edits.count < SIM_EDITS_MAX) {
            sim_edits_add(&edits, (enum ca_sim_route)route, "Replay-Nonce: ", put);
        }
    }
    expect_kept(ACME_ERR_HTTP_LIMIT);
    device_forget();
    expect_installed(1);
}

/* ---- a CA that has no time ---- */

/* HEAD is not tried as GET where the CA only has no time: that would be a request more. */
static void test_a_ca_that_has_no_nonces_now(void **state)
{
    static const char *const replies[] = {
        "HTTP/1.1 429 X\r\nRetry-After: 7200\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 503 X\r\nRetry-After: 7200\r\nContent-Length: 0\r\n\r\n"};

    (void)state;
    for (uint32_t i = 0; i < 2; i++) {
        device_reboot();
        device_forget();
        sim_edits_add(&edits, CA_SIM_NEW_NONCE, NULL, replies[i]);
        expect_kept(i == 0 ? ACME_ERR_RATE_LIMITED : ACME_ERR_SERVER);
        assert_int_equal(device_asked(CA_SIM_NEW_NONCE), 1);
        device_forget();
        expect_installed(1);
    }
}

/* It is not what the order replaces that a busy CA stumbles over. */
static void test_a_busy_ca_still_hears_what_is_replaced(void **state)
{
    (void)state;
    device_fault(CA_SIM_NEW_ORDER, 503, "serverInternal", 1);
    device_fault(CA_SIM_NEW_ORDER, 429, "rateLimited", 1);
    w.ca->faults[1].retry_after_s = 5;
    expect_installed(3);
    assert_int_equal(ca_sim_order(w.ca, 1)->replaces, 1);
}

/* A busy moment at finalize, when names are proven: the order and its key stay. */
static void test_finalize_of_a_busy_ca(void **state)
{
    (void)state;
    be_proven();
    device_fault(CA_SIM_FINALIZE, 429, "rateLimited", 1);
    w.ca->faults[0].retry_after_s = 7200;
    expect_kept(ACME_ERR_RATE_LIMITED);
    device_forget();
    expect_installed(0);
    assert_int_equal(device_asked(CA_SIM_FINALIZE), 1);
}

/* The download: the order is finalized, so the same certificate is fetched, whenever it is. */
static void test_a_download_that_fails_for_now(void **state)
{
    (void)state;
    device_fault(CA_SIM_CERTIFICATE, 500, "serverInternal", 20);
    expect_kept(ACME_ERR_SERVER);
    memset(w.ca->faults, 0, sizeof(w.ca->faults));
    device_forget();
    expect_installed(0);
}

/* ---- orders and policies ---- */

/* Where the owner forbids foreign URLs, an order that lies at one is not gone on with. */
static void test_an_order_at_a_url_that_is_no_longer_allowed(void **state)
{
    struct acme_poll_result result;

    (void)state;
    w.config.allow_foreign_urls = true;
    device_reboot();
    device_forget();
    sim_edits_add(&edits, CA_SIM_NEW_ORDER, "Location: https://ca.example.org/",
                  "Location: https://other.example.org/");
    assert_int_equal(acme_renew_start(w.client), ACME_OK);
    while (heard.events[ACME_EVENT_ORDER] == 0) {
        (void)acme_poll(w.client, &result);
        w.clock.now_ms += 10;
    }
    w.config.allow_foreign_urls = false;
    device_reboot();
    device_forget();
    expect_installed(2); /* the first says what it replaces, which the other order has done */
}

/* A name that is given twice is asked for once. */
static void test_names_that_repeat(void **state)
{
    static const char *const twice[] = {"device.example.org", "a.example.org",
                                        "device.example.org"};

    (void)state;
    requests[0].names = twice;
    requests[0].names_count = 3;
    device_boot();
    assert_int_equal(device_run(), ACME_OK);
    assert_int_equal(ca_sim_order(w.ca, 0)->names_count, 2);
    assert_true(device_has_cert(0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DEVICE_TEST_ISSUED(test_finalize_without_a_word),
        DEVICE_TEST_ISSUED(test_a_certificate_url_that_is_late),
        DEVICE_TEST_ISSUED(test_a_certificate_url_that_never_comes),
        DEVICE_TEST_ISSUED(test_ready_after_finalize),
        DEVICE_TEST_ISSUED(test_an_order_that_cannot_be_finalized),
        DEVICE_TEST_ISSUED(test_an_order_with_too_long_a_url),
        DEVICE_TEST_ISSUED(test_nonces_that_are_too_long),
        DEVICE_TEST_ISSUED(test_a_ca_that_has_no_nonces_now),
        DEVICE_TEST_ISSUED(test_a_busy_ca_still_hears_what_is_replaced),
        DEVICE_TEST_ISSUED(test_finalize_of_a_busy_ca),
        DEVICE_TEST_ISSUED(test_a_download_that_fails_for_now),
        DEVICE_TEST_ISSUED(test_an_order_at_a_url_that_is_no_longer_allowed),
        DEVICE_TEST(test_names_that_repeat),
    };

    struct CMUnitTest table[sizeof(dialects) / sizeof(dialects[0])];
    size_t i;

    for (i = 0; i < sizeof(dialects) / sizeof(dialects[0]); i++) {
        table[i] = (struct CMUnitTest){dialects[i].put, test_a_dialect, NULL, device_tear_down,
                                       (void *)(uintptr_t)&dialects[i]};
    }
    return cmocka_run_group_tests(table, NULL, NULL) + cmocka_run_group_tests(tests, NULL, NULL);
}
