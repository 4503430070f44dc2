/*
 * A network, a power supply and HTTP that do not do as they should: the device ends with a named
 * error or with a certificate, and is never stuck.
 */
#include "device.h"

#include "client/state.h"

/* ---- connections ---- */

static struct acme_net_ops net_ops;
static uint32_t connects, sends, fail_connect, fail_send;
static bool silent, surplus; /* nothing comes; more comes than was asked for */
static bool deaf;            /* whoever is connected to hangs up when he is told something */
static uint32_t dead;        /* addresses of the CA that do not answer, and come first */
static uint64_t attempt_ms, connect_ms, connected_ms;

static acme_handle on_connect(void *ctx, const char *host, uint16_t port)
{
    attempt_ms = connect_ms = w.clock.now_ms;
    return ++connects == fail_connect ? ACME_ERR_RESOLVE : sim_net_ops.connect(ctx, host, port);
}

/* As the ports do it: the next address has its turn when this one has had its time and somebody
 * asks. Nothing happens at the network meanwhile. */
static int32_t on_connected(void *ctx, acme_handle stream)
{
    if (dead > 0) {
        if (w.clock.now_ms - attempt_ms > ACME_NET_ATTEMPT_MS) {
            attempt_ms = w.clock.now_ms;
            dead--;
        }
        return ACME_ERR_AGAIN;
    }
    connected_ms = connected_ms == 0 ? w.clock.now_ms : connected_ms;
    return sim_net_ops.connected(ctx, stream);
}

static int32_t on_send(void *ctx, acme_handle stream, const uint8_t *data, size_t len)
{
    return ++sends == fail_send || deaf ? ACME_ERR_CLOSED
                                        : sim_net_ops.send(ctx, stream, data, len);
}

/* What a reply ends with: it seldom fills the memory that it is read into. */
static int32_t on_recv(void *ctx, acme_handle stream, uint8_t *data, size_t size)
{
    int32_t n = silent ? ACME_ERR_AGAIN : sim_net_ops.recv(ctx, stream, data, size);

    if (surplus && n > 0 && (size_t)n + 4 < size) {
        memcpy(data + n, "HTTP", 4);
        n += 4;
    }
    return n;
}

static int set_up(void **state)
{
    (void)device_set_up(state);
    net_ops = sim_net_ops;
    net_ops.connect = on_connect;
    net_ops.connected = on_connected;
    dead = 0;
    connected_ms = 0;
    net_ops.send = on_send;
    net_ops.recv = on_recv;
    silent = surplus = deaf = false;
    w.port.net = &net_ops;
    connects = sends = fail_connect = fail_send = 0;
    return 0;
}

/* Whoever waits as long as acme_poll says, and not a millisecond less, comes to the good address.
 */
static void test_addresses_that_do_not_answer(void **state)
{
    uint32_t count;

    for (count = 1; count <= 3; count++) {
        device_tear_down(state);
        assert_int_equal(set_up(state), 0);
        device_boot();
        dead = count;
        assert_int_equal(device_run(), ACME_OK);
        assert_int_equal(connects, 1);
        assert_in_range(connected_ms - connect_ms, count * ACME_NET_ATTEMPT_MS,
                        count * (ACME_NET_ATTEMPT_MS + 1000) + 1000);
    }
}

static void test_a_connection_that_the_server_has_closed(void **state)
{
    (void)state;
    device_boot();
    fail_send = 3;
    assert_int_equal(device_run(), ACME_OK);
    assert_int_equal(connects, 2);
    assert_true(device_has_cert(0));
}

/* So many connections that the device has not closed. */
static uint32_t connected(void)
{
    uint32_t i, count = 0;

    for (i = 0; i < SIM_NET_STREAMS; i++) {
        count += w.net.streams[i].kind == SIM_STREAM_OUT ? 1u : 0u;
    }
    return count;
}

/* That costs one more connection, and not one more request. */
static void test_the_same_request_over_another_connection(void **state)
{
    struct acme_counters counters;
    uint32_t at, route, asked;

    (void)state;
    for (at = 2; at < 6; at++) {
        device_boot();
        connects = sends = 0;
        fail_send = at;
        device_forget();
        assert_int_equal(device_renew(), ACME_OK);
        assert_int_equal(connects, 2);
        for (asked = 0, route = 0; route < CA_SIM_ROUTES; route++) {
            asked += device_asked((enum ca_sim_route)route);
        }
        acme_get_counters(w.client, &counters);
        assert_int_equal(counters.requests, asked);
        assert_true(connected() <= 1);
        sim_world_halt(&w);
    }
}

/* One that fails at once is not tried for ever. */
static void test_a_server_that_hangs_up(void **state)
{
    (void)state;
    device_boot();
    deaf = true;
    assert_int_equal(device_run(), ACME_ERR_CLOSED);
    assert_in_range(connects, 2, 20);
    assert_int_equal(connected(), 0);
    deaf = false;
    assert_int_equal(device_run(), ACME_OK);
}

/* A server in trouble is asked three times more, with pauses that double. */
static void test_a_server_in_trouble(void **state)
{
    uint64_t before;

    (void)state;
    device_boot();
    device_fault(CA_SIM_NEW_ORDER, 502, "serverInternal", 3);
    before = w.clock.now_ms;
    assert_int_equal(device_run(), ACME_OK);
    assert_int_equal(device_asked(CA_SIM_NEW_ORDER), 4);
    assert_true(w.clock.now_ms - before >= 7000);
    device_forget();
    device_fault(CA_SIM_NEW_ORDER, 502, "serverInternal", 99);
    assert_int_equal(device_renew(), ACME_ERR_SERVER);
    assert_int_equal(device_asked(CA_SIM_NEW_ORDER), 4);
}

/* What is wrong with everything is not tried with the next certificate; what is of one is. */
static void test_whose_error_it_is(void **state)
{
    static const char *const second[] = {"api.example.org"};
    static const struct {
        const char *type;
        uint32_t asked;
    } table[] = {{"userActionRequired", 1}, {"rejectedIdentifier", 2}};
    size_t i;

    (void)state;
    requests[1].names = second;
    requests[1].names_count = 1;
    w.config.certs_count = 2;
    device_boot();
    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        device_forget();
        device_fault(CA_SIM_NEW_ORDER, 403, table[i].type, 2);
        assert_int_not_equal(device_renew(), ACME_OK);
        assert_int_equal(device_asked(CA_SIM_NEW_ORDER), table[i].asked);
        w.ca->faults[0].count = 0;
    }
}

static void test_and_the_server_is_gone(void **state)
{
    (void)state;
    device_boot();
    fail_send = 3;
    fail_connect = 2;
    assert_int_equal(device_run(), ACME_OK); /* tried again, and it is back */
    assert_int_equal(connects, 3);
    assert_true(device_has_cert(0));
}

static void test_replies_that_break_off(void **state)
{
    uint32_t at;

    (void)state;
    for (at = 1; at <= 10; at++) {
        device_boot();
        sim_net_clear_faults(&w.net);
        w.net.break_reply_at = at;
        assert_int_equal(device_renew(), ACME_OK);
        assert_true(device_has_cert(0));
        sim_world_halt(&w);
    }
}

/* A connection on which somebody says more than he was asked is not used again. */
static void test_replies_with_more_behind_them(void **state)
{
    uint32_t before;

    (void)state;
    device_boot();
    assert_int_equal(device_run(), ACME_OK);
    assert_int_equal(connects, 1); /* one is enough */
    surplus = true;
    before = connects;
    assert_int_equal(device_renew(), ACME_OK);
    assert_true(connects > before + 5);
    assert_true(device_has_cert(0));
}

/* A server that says nothing at all costs a bounded time. */
static void test_a_server_without_a_word(void **state)
{
    uint64_t before;

    (void)state;
    device_boot();
    before = w.clock.now_ms;
    silent = true;
    assert_int_equal(device_run(), ACME_ERR_TIMEOUT);
    assert_true(w.clock.now_ms - before >= CONFIG_ACME_TIMEOUT_MS);
    assert_true(w.clock.now_ms - before < 20ull * CONFIG_ACME_TIMEOUT_MS);
    silent = false;
    assert_int_equal(device_run(), ACME_OK);
}

static void test_replies_in_small_pieces(void **state)
{
    (void)state;
    device_boot();
    w.net.chunk = 7;
    assert_int_equal(device_run(), ACME_OK);
    assert_true(device_has_cert(0));
}

static void test_urls_on_another_port(void **state)
{
    (void)state;
    device_boot();
    sim_edits_add(&edits, CA_SIM_DIRECTORY_GET, "https://ca.example.org/new-nonce",
                  "https://ca.example.org:444/new-nonce");
    assert_int_equal(device_run(), ACME_ERR_URL_POLICY);
    assert_int_equal(connects, 1);
    sim_world_halt(&w);
    w.config.allow_foreign_urls = true;
    device_boot();
    assert_int_equal(device_run(), ACME_ERR_CONNECT);
    assert_true(connects > 2);
    assert_int_equal(connected(), 0); /* the first one was closed before */
}

static void test_urls_on_another_host(void **state)
{
    (void)state;
    w.config.allow_foreign_urls = true;
    device_boot();
    sim_edits_add(&edits, CA_SIM_DIRECTORY_GET, "https://ca.example.org/new-nonce",
                  "https://cb.example.org/new-nonce");
    assert_int_equal(device_run(), ACME_ERR_CONNECT);
    assert_int_equal(device_asked(CA_SIM_NEW_NONCE), 0);
    assert_int_equal(connected(), 0);
}

/* One that is relative, and too long once it is not. */
static void test_a_location_that_grows(void **state)
{
    static char put[CONFIG_ACME_URL_MAX + 20] = "Location: /";

    (void)state;
    memset(put + strlen(put), 'x', CONFIG_ACME_URL_MAX - 20);
    device_boot();
    sim_edits_add(&edits, CA_SIM_NEW_ORDER, "Location: https://" CA_SIM_HOST, put);
    assert_int_equal(device_run(), ACME_ERR_HTTP_LIMIT);
}

/* ---- when to come again ---- */

static void test_a_pause_until_a_date(void **state)
{
    struct sim_edit *edit;
    uint64_t before;

    (void)state;
    device_boot();
    assert_int_equal(device_finish(acme_account_start(w.client)), ACME_OK);
    edit = sim_edits_add(&edits, CA_SIM_NEW_ORDER, NULL,
                         "HTTP/1.1 503 X\r\nRetry-After: Thu, 01 Jan 2026 00:00:31 GMT\r\n\r\n");
    edit->count = 1;
    before = w.clock.now_ms;
    assert_in_range(before, 0, 20000);
    assert_int_equal(device_run(), ACME_OK);
    assert_true(w.clock.now_ms > 30000);
    /* Nobody knows the time: then it is a second, as without. */
    sim_world_halt(&w);
    w.clock.unknown = true;
    w.config.build_time_s = 0;
    device_boot();
    edits.edits[0].route = CA_SIM_DIRECTORY_GET;
    edits.edits[0].done = 0;
    before = w.clock.now_ms;
    assert_int_equal(device_renew(), ACME_OK);
    assert_int_equal(edits.edits[0].done, 1);
    assert_true(w.clock.now_ms < before + 60000);
}

/* ---- what is too long ---- */

static void test_a_reply_longer_than_memory(void **state)
{
    static char put[60000];

    (void)state;
    memset(put, ' ', sizeof(put) - 1);
    memcpy(put, "HTTP/1.1 404 X\r\nContent-Type: text/plain\r\n\r\n", 44);
    device_boot();
    sim_edits_add(&edits, CA_SIM_CERTIFICATE, NULL, put);
    assert_int_equal(device_run(), ACME_ERR_HTTP_STATUS); /* of an error the status is enough */
    device_forget();
    memcpy(put, "HTTP/1.1 200", 12);
    sim_edits_add(&edits, CA_SIM_ORDER, NULL, put);
    assert_int_equal(device_renew(), ACME_ERR_CONTENT_TYPE); /* its length does not count */
    device_forget();
    assert_int_equal(device_renew(), ACME_OK);
    assert_true(device_has_cert(0));
}

/* ---- what is stored lies ---- */

static void test_an_account_url_that_is_none(void **state)
{
    static struct acme_account_record record;
    static uint8_t scratch[4 * CONFIG_ACME_URL_MAX];
    struct acme_client *c;

    (void)state;
    device_boot();
    assert_int_equal(device_finish(acme_account_start(w.client)), ACME_OK);
    c = w.client;
    assert_int_equal(acme_store_read_account(&c->log, 0, &record, scratch, sizeof(scratch)),
                     ACME_OK);
    strcpy(record.url, "http://ca.example.org/account/0");
    assert_int_equal(acme_store_write_account(&c->log, 0, &record, scratch, sizeof(scratch)),
                     ACME_OK);
    assert_int_equal(device_finish(acme_account_update(w.client)), ACME_ERR_URL);
    assert_int_equal(device_finish(acme_account_recover(w.client)), ACME_OK);
    assert_int_equal(device_finish(acme_account_update(w.client)), ACME_OK);
}

/* A Location may be relative to the URL that was asked (RFC 9110 10.2.2). */
static void test_relative_locations(void **state)
{
    static const char *const forms[] = {"Location: ", "Location: //" CA_SIM_HOST};

    (void)state;
    device_boot();
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        sim_edits_add(&edits, CA_SIM_NEW_ACCOUNT, "Location: https://" CA_SIM_HOST, forms[i]);
        sim_edits_add(&edits, CA_SIM_NEW_ORDER, "Location: https://" CA_SIM_HOST, forms[i]);
        assert_int_equal(i == 0 ? device_run() : device_renew(), ACME_OK);
        assert_true(edits.edits[1].done > 0);
        assert_true(device_has_cert(0));
        device_forget();
    }
}

/* ---- switched off at any time ---- */

static void test_switched_off_after_any_poll(void **state)
{
    uint32_t n, i, aborted = 0;

    (void)state;
    for (n = 1; n <= 40; n += 3) {
        device_boot();
        assert_int_equal(acme_renew_start(w.client), ACME_OK);
        for (i = 0; i < n; i++) {
            struct acme_poll_result result;

            (void)acme_poll(w.client, &result);
            ca_sim_tick(w.ca, w.clock.now_ms);
            w.clock.now_ms += result.want == ACME_WANT_EVENT ? 20 : 0;
        }
        aborted += ((struct acme_client *)w.client)->io.signing != NULL ? 1u : 0u;
        sim_world_halt(&w);
    }
    assert_true(aborted > 0);
    device_boot();
    assert_int_equal(device_run(), ACME_OK);
    assert_true(device_has_cert(0));
}

/* ---- entropy ---- */

static void test_no_entropy_no_client(void **state)
{
    (void)state;
    w.entropy.fail_at = 1;
    assert_int_equal(sim_world_boot(&w), ACME_ERR_ENTROPY);
    assert_null(w.client);
    w.entropy.fail_at = 0;
    device_boot();
    assert_int_equal(device_run(), ACME_OK);
}

#define NET_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, device_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(test_addresses_that_do_not_answer),
        NET_TEST(test_a_connection_that_the_server_has_closed),
        NET_TEST(test_the_same_request_over_another_connection),
        NET_TEST(test_a_server_that_hangs_up),
        NET_TEST(test_a_server_in_trouble),
        NET_TEST(test_whose_error_it_is),
        NET_TEST(test_and_the_server_is_gone),
        NET_TEST(test_replies_that_break_off),
        NET_TEST(test_replies_with_more_behind_them),
        NET_TEST(test_a_server_without_a_word),
        NET_TEST(test_replies_in_small_pieces),
        NET_TEST(test_urls_on_another_port),
        NET_TEST(test_urls_on_another_host),
        NET_TEST(test_a_location_that_grows),
        NET_TEST(test_a_pause_until_a_date),
        NET_TEST(test_a_reply_longer_than_memory),
        NET_TEST(test_an_account_url_that_is_none),
        NET_TEST(test_relative_locations),
        NET_TEST(test_switched_off_after_any_poll),
        NET_TEST(test_no_entropy_no_client),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
