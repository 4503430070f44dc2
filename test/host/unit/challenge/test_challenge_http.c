/*
 * The http-01 responder over streams in memory: the one right path gets the key authorization, all
 * else a 404, however the bytes come; and nobody can keep it busy.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "challenge/http.h"

#define STREAMS 64
#define TOKEN   "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0"
#define ANSWER  TOKEN ".9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI"
#define GOOD    "GET /.well-known/acme-challenge/" TOKEN " HTTP/1.1\r\nHost: a.example\r\n\r\n"

struct peer {
    const char *request;
    size_t len;                       /* of the request; 0: to its NUL */
    size_t given, step;               /* step: bytes of one recv */
    size_t send_step;                 /* 0: all */
    bool closes, breaks_send, stalls; /* stalls: it takes nothing of a reply */
    bool again;                       /* every other call says "later" */
    bool open;
    char reply[1024];
    size_t reply_len;
};

static struct peer peers[STREAMS];
static int waiting, accepted, closed, listening;

static int32_t f_send(void *ctx, acme_handle h, const uint8_t *data, size_t len)
{
    struct peer *p = &peers[h];

    (void)ctx;
    if (p->breaks_send || p->stalls) {
        return p->stalls ? ACME_ERR_AGAIN : ACME_ERR_NET;
    }
    p->again = p->send_step > 0 && !p->again;
    if (p->again) {
        return ACME_ERR_AGAIN;
    }
    len = p->send_step > 0 && len > p->send_step ? p->send_step : len;
    assert_true(p->reply_len + len < sizeof(p->reply));
    memcpy(p->reply + p->reply_len, data, len);
    p->reply_len += len;
    return (int32_t)len;
}

static int32_t f_recv(void *ctx, acme_handle h, uint8_t *data, size_t size)
{
    struct peer *p = &peers[h];
    size_t n = (p->len > 0 ? p->len : strlen(p->request)) - p->given;

    (void)ctx;
    if (p->step > 0) {
        n = n > p->step ? p->step : n;
        p->again = !p->again;
        if (p->again) {
            return ACME_ERR_AGAIN;
        }
    }
    n = n > size ? size : n;
    if (n == 0) {
        return p->closes ? ACME_ERR_CLOSED : ACME_ERR_AGAIN;
    }
    memcpy(data, p->request + p->given, n);
    p->given += n;
    return (int32_t)n;
}

static void f_close(void *ctx, acme_handle h)
{
    (void)ctx;
    assert_true(peers[h].open);
    peers[h].open = false;
    closed++;
}

static acme_handle f_listen(void *ctx, uint16_t port)
{
    (void)ctx;
    if (port == 1) {
        return ACME_ERR_LISTEN;
    }
    listening++;
    return 0;
}

static acme_handle f_accept(void *ctx, acme_handle listener)
{
    (void)ctx;
    (void)listener;
    if (accepted == waiting) {
        return ACME_ERR_AGAIN;
    }
    peers[accepted].open = true;
    return accepted++;
}

static void f_unlisten(void *ctx, acme_handle listener)
{
    (void)ctx;
    (void)listener;
    listening--;
}

static const struct acme_net_ops ops = {NULL,    NULL,     f_send,   f_recv,
                                        f_close, f_listen, f_accept, f_unlisten};
static struct acme_responder r;

static int set_up(void **state)
{
    (void)state;
    memset(peers, 0, sizeof(peers));
    waiting = accepted = closed = listening = 0;
    acme_responder_init(&r, &ops, NULL);
    assert_int_equal(acme_responder_open(&r, 80), ACME_OK);
    acme_responder_set(&r, TOKEN, ANSWER);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    acme_responder_close(&r);
    assert_int_equal(closed, accepted);
    assert_int_equal(listening, 0);
    acme_responder_close(&r);
    return 0;
}

static void poll_many(int times)
{
    while (times-- > 0) {
        acme_responder_poll(&r, 1000);
    }
}

static void test_right_path(void **state)
{
    (void)state;
    peers[0].request = GOOD;
    waiting = 1;
    poll_many(1);
    assert_non_null(strstr(peers[0].reply, "HTTP/1.1 200 OK\r\n"));
    assert_non_null(strstr(peers[0].reply, "\r\n\r\n" ANSWER));
    assert_int_equal(r.served, 1);
    assert_false(peers[0].open);
    assert_int_equal(acme_responder_open(&r, 80), ACME_OK); /* open already */
    assert_int_equal(listening, 1);
}

static void test_split_everywhere(void **state)
{
    size_t step;

    (void)state;
    for (step = 1; step < 40; step++) {
        peers[step].request = GOOD;
        peers[step].step = step;
        peers[step].send_step = step;
    }
    peers[0].request = GOOD;
    waiting = 40;
    poll_many(2000);
    assert_int_equal(r.served, 40);
    for (step = 0; step < 40; step++) {
        assert_string_equal(peers[step].reply, peers[0].reply);
    }
}

static void test_wrong_requests(void **state)
{
    static const char *const wrong[] = {
        "GET / HTTP/1.1\r\n\r\n",
        "GET /.well-known/acme-challenge/ HTTP/1.1\r\n\r\n",
        "GET /.well-known/acme-challenge/" TOKEN "x HTTP/1.1\r\n\r\n",
        "GET /.well-known/acme-challenge/" TOKEN "\r\n\r\n",
        "POST /.well-known/acme-challenge/" TOKEN " HTTP/1.1\r\n\r\n",
        "get /.well-known/acme-challenge/" TOKEN " HTTP/1.1\r\n\r\n",
        "GET  /.well-known/acme-challenge/" TOKEN " HTTP/1.1\r\n\r\n",
        "GET /.well-known/acme-challenge/../acme-challenge/" TOKEN " HTTP/1.1\r\n\r\n",
        "\r\n\r\n",
        "X: y\r\nGET /.well-known/acme-challenge/" TOKEN " HTTP/1.1\r\n\r\n",
    };
    size_t i, count = sizeof(wrong) / sizeof(wrong[0]);

    (void)state;
    for (i = 0; i < count; i++) {
        peers[i].request = wrong[i];
    }
    waiting = (int)count;
    poll_many(30);
    for (i = 0; i < count; i++) {
        assert_non_null(strstr(peers[i].reply, "HTTP/1.1 404 Not Found\r\n"));
        assert_null(strstr(peers[i].reply, ANSWER));
        assert_null(strstr(peers[i].reply, "acme-challenge"));
    }
    assert_int_equal(r.served, 0);
}

static void test_no_challenge(void **state)
{
    (void)state;
    acme_responder_set(&r, NULL, NULL);
    peers[0].request = GOOD;
    waiting = 1;
    poll_many(1);
    assert_non_null(strstr(peers[0].reply, "404"));
}

/* A caller that matched the token of before, which was longer than this one by anything. */
static void test_a_token_that_becomes_shorter(void **state)
{
    static char token[160], request[300];
    size_t len;

    (void)state;
    memset(token, 'x', sizeof(token) - 1);
    (void)snprintf(request, sizeof(request), "GET /.well-known/acme-challenge/%s HTTP/1.1\r\n",
                   token);
    for (len = 0; len < sizeof(token) - 1; len++) {
        (void)set_up(NULL);
        acme_responder_set(&r, token, ANSWER);
        peers[0].request = request; /* its end is still to come */
        waiting = 1;
        poll_many(1);
        acme_responder_set(&r, token + sizeof(token) - 1 - len, ANSWER);
        peers[0].request = strcat(request, "\r\n");
        poll_many(1);
        assert_non_null(strstr(peers[0].reply, "HTTP/1.1 200 OK\r\n"));
        assert_false(peers[0].open);
        request[strlen(request) - 2] = '\0';
        acme_responder_close(&r);
    }
}

static void test_hostile_peers(void **state)
{
    static char endless[20000];

    (void)state;
    memset(endless, 'a', sizeof(endless) - 1);
    peers[0].request = endless;
    peers[1].request = "GET /";
    peers[1].closes = true;
    peers[2].request = GOOD;
    peers[2].breaks_send = true;
    peers[3].request = GOOD;
    waiting = 4;
    poll_many(10);
    assert_int_equal(closed, 4);
    assert_int_equal(peers[0].reply_len, 0);
    assert_int_equal(r.served, 1);
}

/* Who holds a stream open without a word loses it, and the right one is served in the end. */
static void test_slow_peers(void **state)
{
    int i;

    (void)state;
    waiting = (int)CONFIG_ACME_HTTP_01_STREAMS + 1;
    for (i = 0; i < waiting; i++) {
        peers[i].request = i == 0 ? "GET /.well-known/acme-challenge/LoqXcYV" : "GET";
    }
    peers[waiting - 1].request = GOOD;
    acme_responder_poll(&r, 1000);
    assert_int_equal(accepted, waiting - 1);
    acme_responder_poll(&r, 2999);
    assert_int_equal(r.served, 0);
    assert_int_equal(closed, 0);
    acme_responder_poll(&r, 3000); /* what anybody could say is not enough for longer */
    acme_responder_poll(&r, 3001);
    assert_int_equal(r.served, 1);
    assert_int_equal(closed, 2); /* the oldest, and the CA's when it was answered */
    acme_responder_poll(&r, 11001);
    assert_int_equal(closed, waiting);
}

/* Connections without a word, as many as there are streams, do not keep the CA out: the one that
 * has been silent the longest yields. So does one that asks for something else and does not end. */
static void test_silent_peers_yield(void **state)
{
    static const char *const words[] = {"", "GET /index.html HTTP/1.1\r\nHost: a.example\r\n", "X"};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        int first = accepted, busy = (int)CONFIG_ACME_HTTP_01_STREAMS, n;
        uint64_t now = 100000 * (i + 1);

        for (n = first; n < first + busy; n++) {
            peers[n].request = words[i];
        }
        waiting = first + busy;
        acme_responder_poll(&r, now);
        acme_responder_poll(&r, now + 1000);
        peers[waiting].request = GOOD;
        peers[waiting + 1].request = GOOD;
        waiting += 2;
        acme_responder_poll(&r, now + 1001);
        assert_int_equal(r.served, 2 * (i + 1));
        assert_false(peers[first].open);
        assert_true(peers[first + 2].open); /* no more of them than had to */
        acme_responder_poll(&r, now + 50000);
    }
}

/* Of those that are silent, the one that came first. */
static void test_the_oldest_yields(void **state)
{
    int n, busy = (int)CONFIG_ACME_HTTP_01_STREAMS;

    (void)state;
    for (n = 0; n < busy; n++) {
        peers[n].request = "";
        waiting = n + 1;
        acme_responder_poll(&r, 1000 + 10 * (uint64_t)n);
    }
    peers[busy].request = GOOD;
    waiting++;
    acme_responder_poll(&r, 5000);
    assert_int_equal(r.served, 1);
    for (n = 0; n < busy; n++) {
        assert_int_equal(peers[n].open, n > 0);
    }
}

/* What was said before there was a token is no part of a request for it. */
static void test_before_there_is_a_token(void **state)
{
    static const char *const begins[] = {"GET ", "G", "GGGG", "\0\0\0\0"};
    static char request[sizeof(begins) / sizeof(begins[0])][200];
    size_t i, count = sizeof(begins) / sizeof(begins[0]);

    (void)state;
    acme_responder_set(&r, NULL, NULL);
    for (i = 0; i < count; i++) {
        size_t len = i == 1 ? 1 : 4;

        memcpy(request[i], begins[i], len);
        (void)strcpy(request[i] + len, GOOD + len);
        peers[i].request = request[i];
        peers[i].len = len;
    }
    waiting = (int)CONFIG_ACME_HTTP_01_STREAMS < (int)count ? (int)CONFIG_ACME_HTTP_01_STREAMS
                                                            : (int)count;
    poll_many(1);
    acme_responder_set(&r, TOKEN, ANSWER);
    for (i = 0; i < (size_t)waiting; i++) {
        peers[i].len += strlen(GOOD + peers[i].len);
    }
    poll_many(3);
    assert_int_equal(r.served, 0);
    assert_int_equal(closed, waiting);
}

/* Who asked while there was nothing to ask for, and does not read the answer, yields, too. */
static void test_who_asked_too_early_yields(void **state)
{
    int n, busy = (int)CONFIG_ACME_HTTP_01_STREAMS;

    (void)state;
    acme_responder_set(&r, NULL, NULL);
    for (n = 0; n < busy; n++) {
        peers[n].request = GOOD;
        peers[n].stalls = true;
    }
    waiting = busy;
    acme_responder_poll(&r, 1000);
    acme_responder_set(&r, TOKEN, ANSWER);
    peers[busy].request = GOOD;
    waiting++;
    acme_responder_poll(&r, 2000);
    assert_int_equal(r.served, 1);
}

/* A connection that has just come may still speak: it waits for nobody, and nobody for it long. */
static void test_who_has_just_come_does_not_yield(void **state)
{
    int n, busy = (int)CONFIG_ACME_HTTP_01_STREAMS;

    (void)state;
    for (n = 0; n < 2 * busy; n++) {
        peers[n].request = "";
    }
    waiting = 2 * busy;
    acme_responder_poll(&r, 1000);
    acme_responder_poll(&r, 1010);
    assert_int_equal(accepted, busy);
    for (n = 0; n < busy; n++) {
        peers[n].request = GOOD;
    }
    acme_responder_poll(&r, 1020);
    assert_int_equal(r.served, busy);
}

/* Who is in the middle of the right request, and has been told the token, stays, however slow. */
static void test_the_right_request_does_not_yield(void **state)
{
    int n, busy = (int)CONFIG_ACME_HTTP_01_STREAMS;

    (void)state;
    for (n = 0; n < busy; n++) { /* in its path, and behind its first line */
        peers[n].request = n % 2 == 0 ? "GET /.well-known/acme-challenge/LoqXcYV8"
                                      : "GET /.well-known/acme-challenge/" TOKEN
                                        " HTTP/1.1\r\nHost";
    }
    peers[busy].request = GOOD;
    waiting = busy + 1;
    acme_responder_poll(&r, 1000);
    acme_responder_poll(&r, 9000);
    assert_int_equal(closed, 0);
    assert_int_equal(accepted, busy);
}

/* Whoever says what anybody could say, and a few letters that were guessed, does not keep the CA
 * out. */
static void test_a_guessed_request_yields(void **state)
{
    static const char *const begun[] = {"GET /.well-known/acme-challenge/",
                                        "GET /.well-known/acme-challenge/LoqXcYV"};
    int n, busy = (int)CONFIG_ACME_HTTP_01_STREAMS;
    size_t i;

    for (i = 0; i < sizeof(begun) / sizeof(begun[0]); i++) {
        (void)set_up(state);
        for (n = 0; n < busy; n++) {
            peers[n].request = begun[i];
        }
        peers[busy].request = GOOD;
        waiting = busy + 1;
        acme_responder_poll(&r, 1000);
        acme_responder_poll(&r, 9000);
        assert_int_equal(r.served, 1);
        (void)tear_down(state);
    }
}

static void test_more_than_a_request(void **state)
{
    (void)state;
    peers[0].request = GOOD "GET /other HTTP/1.1\r\n\r\n";
    waiting = 1;
    poll_many(2);
    assert_int_equal(r.served, 1);
    assert_non_null(strstr(peers[0].reply, ANSWER));
    assert_null(strstr(peers[0].reply, "404"));
    assert_int_equal(closed, 1);
}

/* The next token is shorter than what a request has matched already. */
static void test_a_shorter_token(void **state)
{
    (void)state;
    peers[0].request = GOOD;
    peers[0].step = 1;
    peers[0].again = true;
    waiting = 1;
    while (peers[0].given < sizeof("GET /.well-known/acme-challenge/" TOKEN " HTTP/1.") - 1) {
        acme_responder_poll(&r, 1000);
    }
    acme_responder_set(&r, "x", "x.y");
    poll_many(200);
    assert_int_equal(closed, 1);
    assert_null(strstr(peers[0].reply, TOKEN));
}

/* The challenge ends while its answer is under way: what has not been said is not said. */
static void test_an_answer_that_is_taken_back(void **state)
{
    (void)state;
    peers[0].request = GOOD;
    peers[0].send_step = 10;
    waiting = 1;
    while (peers[0].reply_len < 20) {
        acme_responder_poll(&r, 1000);
    }
    acme_responder_set(&r, NULL, NULL);
    poll_many(100);
    assert_int_equal(closed, 1);
    assert_int_equal(r.served, 0);
    assert_null(strstr(peers[0].reply, TOKEN));
}

static void test_closed_in_the_middle(void **state)
{
    (void)state;
    peers[0].request = "GET /";
    waiting = 1;
    poll_many(2);
    assert_int_equal(closed, 0);
    acme_responder_close(&r);
    assert_int_equal(closed, 1);
}

static void test_port_is_taken(void **state)
{
    struct acme_responder other;

    (void)state;
    acme_responder_init(&other, &ops, NULL);
    assert_int_equal(acme_responder_open(&other, 1), ACME_ERR_LISTEN);
    acme_responder_poll(&other, 1); /* closed: nothing happens */
    acme_responder_close(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_right_path, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_silent_peers_yield, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_who_has_just_come_does_not_yield, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_right_request_does_not_yield, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_oldest_yields, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_before_there_is_a_token, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_who_asked_too_early_yields, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_split_everywhere, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_wrong_requests, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_challenge, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_hostile_peers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_slow_peers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_guessed_request_yields, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_more_than_a_request, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_shorter_token, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_token_that_becomes_shorter, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_answer_that_is_taken_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_closed_in_the_middle, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_port_is_taken, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
