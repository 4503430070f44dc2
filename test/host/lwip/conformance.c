/*
 * What acme/port.h promises of a network, checked on a real one: the same checks for every port,
 * against sockets of the kernel. Names are answered by the name server of test_lwip.py. It must not
 * know which port it tests.
 *
 * usage: conformance_PORT [CHECK ...]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "peer.h"

#define PATIENCE_MS 20000u
#define PORT        18080u
#define UNUSED_PORT 18099u
#define HANDLES_MAX 64

static struct acme_port port;
static const char *check_name;

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            (void)fprintf(stderr, "%s: line %d: %s\n", check_name, __LINE__, #condition);          \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

/* Waits for a condition; the port is given its turns. */
#define UNTIL(condition)                                                                           \
    do {                                                                                           \
        uint64_t end_ms = now_ms() + PATIENCE_MS;                                                  \
        while (!(condition)) {                                                                     \
            CHECK(now_ms() < end_ms && "in time: " #condition != NULL);                            \
            bench_wait(20);                                                                        \
        }                                                                                          \
    } while (0)

static uint64_t now_ms(void)
{
    return port.clock->uptime_ms(port.clock_ctx);
}

/* ---- the port's functions, shorter ---- */

static acme_handle dev_connect(const char *host, uint16_t to)
{
    return port.net->connect(port.net_ctx, host, to);
}

static int32_t dev_connected(acme_handle h)
{
    return port.net->connected(port.net_ctx, h);
}

static int32_t dev_send(acme_handle h, const void *data, size_t len)
{
    return port.net->send(port.net_ctx, h, data, len);
}

static int32_t dev_recv(acme_handle h, void *data, size_t size)
{
    return port.net->recv(port.net_ctx, h, data, size);
}

static void dev_close(acme_handle h)
{
    port.net->close(port.net_ctx, h);
}

static acme_handle dev_listen(uint16_t at)
{
    return port.net->listen(port.net_ctx, at);
}

static acme_handle dev_accept(acme_handle h)
{
    return port.net->accept(port.net_ctx, h);
}

static void dev_unlisten(acme_handle h)
{
    port.net->unlisten(port.net_ctx, h);
}

/* How connecting ends. */
static int32_t outcome(acme_handle h)
{
    int32_t rc;

    UNTIL((rc = dev_connected(h)) != ACME_ERR_AGAIN);
    return rc;
}

struct pair {
    acme_handle device;
    int peer;
};

/* A connection that the device made to an address or a name. */
static struct pair connect_out(const char *host, int listener)
{
    struct pair p = {dev_connect(host, peer_port(listener)), -1};

    CHECK(p.device >= 0);
    CHECK(outcome(p.device) == ACME_OK);
    UNTIL((p.peer = peer_accept(listener)) >= 0);
    return p;
}

/* A connection that the device accepted. */
static struct pair connect_in(const char *address, acme_handle listener, uint16_t to)
{
    struct pair p = {ACME_HANDLE_NONE, peer_connect(address, to)};

    UNTIL((p.device = dev_accept(listener)) != ACME_ERR_AGAIN);
    CHECK(p.device >= 0);
    UNTIL(peer_connected(p.peer) == 1);
    return p;
}

/* A few bytes each way. */
static void exchange(struct pair p)
{
    uint8_t bytes[8];
    int32_t n;

    CHECK(dev_send(p.device, "hello", 5) == 5);
    UNTIL(peer_recv(p.peer, bytes, sizeof(bytes)) == 5);
    CHECK(memcmp(bytes, "hello", 5) == 0);
    CHECK(dev_recv(p.device, bytes, sizeof(bytes)) == ACME_ERR_AGAIN);
    CHECK(peer_send(p.peer, (const uint8_t *)"world!", 6) == 6);
    UNTIL((n = dev_recv(p.device, bytes, 4)) != ACME_ERR_AGAIN);
    CHECK(n == 4 && memcmp(bytes, "worl", 4) == 0);
    UNTIL((n = dev_recv(p.device, bytes, sizeof(bytes))) != ACME_ERR_AGAIN);
    CHECK(n == 2 && memcmp(bytes, "d!", 2) == 0);
}

static void end(struct pair p)
{
    dev_close(p.device);
    peer_close(p.peer);
}

/* ---- connecting ---- */

static void talk_to(const char *host, const char *peer)
{
    int listener = peer_listen(peer, 0);
    struct pair p = connect_out(host, listener);

    exchange(p);
    end(p);
    peer_close(listener);
}

static void check_literals(void)
{
    talk_to(BENCH_PEER_4, BENCH_PEER_4);
    talk_to(BENCH_PEER_6, BENCH_PEER_6);
}

static void check_names(void)
{
    talk_to("four.test", BENCH_PEER_4);
    talk_to("six.test", BENCH_PEER_6);
    talk_to("four.test", BENCH_PEER_4); /* out of a cache, where there is one */
}

/* both.test has both addresses, and the peer listens at one of them only. */
static void check_other_family(void)
{
    talk_to("both.test", BENCH_PEER_4);
    talk_to("both.test", BENCH_PEER_6);
}

/* An address that says nothing has its time, then the other one is tried. */
static void check_silent_address(void)
{
    uint64_t start = now_ms();

    talk_to("hole.test", BENCH_PEER_6);
    CHECK(now_ms() - start < 12000);
}

/* Milliseconds until the device talks to the peer by a name. */
static uint64_t time_to_talk(const char *host, const char *peer)
{
    uint64_t start = now_ms();

    talk_to(host, peer);
    return now_ms() - start;
}

/* Whether a connection is there; an error ends the test. */
static bool is_connected(acme_handle h)
{
    int32_t rc = dev_connected(h);

    CHECK(rc == ACME_OK || rc == ACME_ERR_AGAIN);
    return rc == ACME_OK;
}

/* By two names at once, which takes the time of the slower one. */
static uint64_t time_to_talk_twice(const char *host, const char *other, const char *peer)
{
    uint64_t start = now_ms();
    int listener = peer_listen(peer, 0);
    acme_handle handles[2] = {dev_connect(host, peer_port(listener)),
                              dev_connect(other, peer_port(listener))};
    bool first = false, second = false;

    CHECK(handles[0] >= 0 && handles[1] >= 0);
    while (!first || !second) {
        CHECK(now_ms() - start < PATIENCE_MS);
        first = is_connected(handles[0]);
        second = is_connected(handles[1]);
        bench_wait(20);
    }
    dev_close(handles[0]);
    dev_close(handles[1]);
    peer_close(listener);
    return now_ms() - start;
}

/* Each address that says nothing has its time (ACME_NET_ATTEMPT_MS), and then the next one is
 * tried, in turn of each family. */
static void check_several_addresses(void)
{
    CHECK(time_to_talk("alias.test", BENCH_PEER_4) < 2000);
    CHECK(time_to_talk("dead-six.test", BENCH_PEER_4) < 8000);
    CHECK(time_to_talk_twice("dead-two.test", "dead-both.test", BENCH_PEER_4) < 18500);
}

/* What does not fit into a datagram comes over TCP; without that what there is is used. */
static void check_truncated_answer(void)
{
    CHECK(time_to_talk("cut.test", BENCH_PEER_4) < 2000);
    CHECK(time_to_talk("cut-six.test", BENCH_PEER_6) < 2000);
    CHECK(time_to_talk("long.test", BENCH_PEER_4) < 2000);
    CHECK(time_to_talk_twice("cut-both.test", "cut-dead.test", BENCH_PEER_4) < 13500);
    CHECK(!bench_resolves || time_to_talk("cut-no-tcp.test", BENCH_PEER_4) < 8000);
}

/* A question or its answer is lost; an answer is to another question; one family has none. */
static void check_lost_answers(void)
{
    if (bench_resolves) {
        CHECK(time_to_talk("lost.test", BENCH_PEER_4) < 3000);
        CHECK(time_to_talk("strange.test", BENCH_PEER_4) < 3000);
        CHECK(time_to_talk("silent-six.test", BENCH_PEER_4) < 3000);
        CHECK(time_to_talk("silent-four.test", BENCH_PEER_6) < 3000);
    }
}

static void check_refused(void)
{
    static const char *const hosts[] = {BENCH_PEER_4, BENCH_PEER_6, "four.test", "both.test"};

    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        acme_handle h = dev_connect(hosts[i], UNUSED_PORT);

        CHECK(h >= 0);
        CHECK(outcome(h) == ACME_ERR_CONNECT);
        CHECK(dev_connected(h) == ACME_ERR_CONNECT); /* and it stays so */
        dev_close(h);
    }
}

/* An error at once, or later. */
static int32_t failure(const char *host)
{
    acme_handle h = dev_connect(host, UNUSED_PORT);
    int32_t rc = h;

    if (h >= 0) {
        rc = outcome(h);
        CHECK(dev_connected(h) == rc);
        dev_close(h);
    }
    return rc;
}

static void check_unresolvable(void)
{
    char name[400];

    CHECK(failure("empty.test") == ACME_ERR_RESOLVE);
    CHECK(failure("broken.test") == ACME_ERR_RESOLVE);
    memset(name, 'a', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    CHECK(failure(name) == ACME_ERR_RESOLVE);
}

/* A name server that says nothing holds nobody up: no call waits, streams that are closed
 * meanwhile are forgotten, others go on; and its late answer is good. */
static void check_silent_name_server(void)
{
    int listener = peer_listen(BENCH_PEER_4, 0);
    acme_handle h, other;
    uint64_t start, before;

    peer_stop_names(true);
    for (start = now_ms(); now_ms() - start < 300;) { /* its threads stop when they are next run */
        bench_wait(50);
    }
    start = before = now_ms();
    h = dev_connect("slow.test", peer_port(listener));
    other = dev_connect("another.test", peer_port(listener));
    CHECK(h >= 0 && other >= 0 && now_ms() - start < 500);
    for (int i = 0; now_ms() - start < 1000; i++) {
        before = now_ms();
        CHECK(dev_connected(h) == ACME_ERR_AGAIN);
        if (i == 0) {
            dev_close(other);
        }
        CHECK(now_ms() - before < 500);
        bench_wait(100);
    }
    talk_to(BENCH_PEER_4, BENCH_PEER_4);
    CHECK(dev_connected(h) == ACME_ERR_AGAIN);
    peer_stop_names(false);
    CHECK(outcome(h) == ACME_OK);
    dev_close(h);
    peer_close(listener);
}

/* Nothing waits inside connect, and a stream that is closed while its name is looked up comes back
 * to the port: more of them than there are streams. Those that the resolver has no room for may
 * fail; when it has caught up, names are found again. */
static void check_closed_early(void)
{
    int listener = peer_listen(BENCH_PEER_4, 0);
    int32_t rc = ACME_ERR_RESOLVE;

    for (int i = 0; i < 3 * HANDLES_MAX; i++) {
        uint64_t start = now_ms();
        acme_handle h;

        UNTIL((h = dev_connect("both.test", UNUSED_PORT)) != ACME_ERR_LIMIT);
        CHECK(h >= 0);
        CHECK(i > 0 || now_ms() - start < 1000);
        dev_close(h);
    }
    for (uint64_t end_ms = now_ms() + PATIENCE_MS; rc != ACME_OK; bench_wait(20)) {
        acme_handle h = dev_connect("four.test", peer_port(listener));

        CHECK(now_ms() < end_ms);
        CHECK(h >= 0 || h == ACME_ERR_LIMIT);
        if (h >= 0) {
            rc = outcome(h);
            CHECK(rc == ACME_OK || rc == ACME_ERR_RESOLVE);
            dev_close(h);
        }
    }
    peer_close(listener);
}

static void check_limit(void)
{
    int listener = peer_listen(BENCH_PEER_4, 0);
    acme_handle handles[HANDLES_MAX];
    int count = 0;

    for (;;) {
        CHECK(count < HANDLES_MAX);
        handles[count] = dev_connect(BENCH_PEER_4, peer_port(listener));
        if (handles[count] < 0) {
            break;
        }
        CHECK(outcome(handles[count]) == ACME_OK);
        count++;
    }
    CHECK(handles[count] == ACME_ERR_LIMIT && count >= 3);
    for (int i = 0; i < count; i++) {
        for (int j = 0; j < i; j++) {
            CHECK(handles[i] != handles[j]);
        }
        dev_close(handles[i]);
    }
    end(connect_out(BENCH_PEER_4, listener));
    peer_close(listener);
}

/* ---- bytes ---- */

static void check_peer_finishes(void)
{
    int listener = peer_listen(BENCH_PEER_4, 0);
    struct pair p = connect_out(BENCH_PEER_4, listener);
    uint8_t bytes[16];
    int32_t n;

    CHECK(peer_send(p.peer, (const uint8_t *)"last", 4) == 4);
    peer_finish(p.peer);
    UNTIL((n = dev_recv(p.device, bytes, sizeof(bytes))) != ACME_ERR_AGAIN);
    CHECK(n == 4 && memcmp(bytes, "last", 4) == 0);
    UNTIL((n = dev_recv(p.device, bytes, sizeof(bytes))) != ACME_ERR_AGAIN);
    CHECK(n == ACME_ERR_CLOSED);
    CHECK(dev_recv(p.device, bytes, sizeof(bytes)) == ACME_ERR_CLOSED);
    /* The other direction still works. */
    CHECK(dev_send(p.device, "reply", 5) == 5);
    UNTIL(peer_recv(p.peer, bytes, sizeof(bytes)) == 5);
    end(p);
    peer_close(listener);
}

static void check_peer_resets(void)
{
    int listener = peer_listen(BENCH_PEER_4, 0);
    struct pair p = connect_out(BENCH_PEER_4, listener);
    uint8_t bytes[16];
    int32_t n;

    peer_reset(p.peer);
    UNTIL((n = dev_recv(p.device, bytes, sizeof(bytes))) != ACME_ERR_AGAIN);
    CHECK(n == ACME_ERR_NET || n == ACME_ERR_CLOSED);
    n = dev_send(p.device, "x", 1);
    CHECK(n == ACME_ERR_NET || n == ACME_ERR_CLOSED);
    dev_close(p.device);
    peer_close(listener);
}

static uint8_t pattern(size_t at)
{
    return (uint8_t)(at * 7 + at / 251);
}

static size_t fill(uint8_t *data, size_t size, size_t at)
{
    for (size_t i = 0; i < size; i++) {
        data[i] = pattern(at + i);
    }
    return size;
}

/* Sends until the port has no room, then as the peer takes it; all arrives, in order. */
static void check_back_pressure(void)
{
    static uint8_t data[4096];
    int listener = peer_listen(BENCH_PEER_4, 0);
    struct pair p = connect_out(BENCH_PEER_4, listener);
    size_t sent = 0, received = 0, total = 0;
    bool pressed = false, peer_done = false;

    while (!pressed) {
        int32_t n;

        CHECK(sent < 64u * 1024 * 1024);
        n = dev_send(p.device, data, fill(data, sizeof(data), sent));
        if (n == ACME_ERR_AGAIN) { /* no room at the moment, or none before the peer reads? */
            uint64_t start = now_ms();

            while (now_ms() - start < 300 && n == ACME_ERR_AGAIN) {
                bench_wait(50);
                n = dev_send(p.device, data, fill(data, 1, sent));
            }
        }
        CHECK(n > 0 || n == ACME_ERR_AGAIN);
        pressed = n == ACME_ERR_AGAIN;
        sent += n > 0 ? (size_t)n : 0;
    }
    total = sent + 200000;
    for (uint64_t end_ms = now_ms() + PATIENCE_MS; !peer_done; bench_wait(sent < total ? 20 : 1)) {
        long n;

        CHECK(now_ms() < end_ms);
        while ((n = peer_recv(p.peer, data, sizeof(data))) > 0) {
            for (long i = 0; i < n; i++) {
                CHECK(data[i] == pattern(received++));
            }
        }
        peer_done = received == total;
        if (sent < total) {
            size_t len = total - sent < sizeof(data) ? total - sent : sizeof(data);
            int32_t taken = dev_send(p.device, data, fill(data, len, sent));

            CHECK(taken > 0 || taken == ACME_ERR_AGAIN);
            sent += taken > 0 ? (size_t)taken : 0;
        }
    }
    end(p);
    peer_close(listener);
}

/* The same the other way: what the device does not take holds the peer up. */
static void check_slow_device(void)
{
    static uint8_t data[8192];
    int listener = peer_listen(BENCH_PEER_4, 0);
    struct pair p = connect_out(BENCH_PEER_4, listener);
    size_t sent = 0, received = 0, total;
    uint64_t quiet_ms = now_ms();
    long n;

    while (now_ms() - quiet_ms < 300) {
        n = peer_send(p.peer, data, fill(data, sizeof(data), sent));
        CHECK(n >= 0);
        if (n > 0) {
            sent += (size_t)n;
            quiet_ms = now_ms();
        }
        CHECK(sent < 64u * 1024 * 1024);
        bench_wait(1);
    }
    total = sent;
    for (uint64_t end_ms = now_ms() + PATIENCE_MS; received < total;) {
        int32_t taken = dev_recv(p.device, data, 1 + received % 1500);

        CHECK(now_ms() < end_ms);
        CHECK(taken > 0 || taken == ACME_ERR_AGAIN);
        for (int32_t i = 0; i < taken; i++) {
            CHECK(data[i] == pattern(received++));
        }
        if (taken < 0) {
            bench_wait(20);
        }
    }
    end(p);
    peer_close(listener);
}

/* Bytes that were handed over arrive although the device closes at once, be there unread ones or
 * not. */
static void check_close_delivers(void)
{
    static uint8_t data[3000];
    int listener = peer_listen(BENCH_PEER_4, 0);

    for (int unread = 0; unread < 2; unread++) {
        struct pair p = connect_out(BENCH_PEER_4, listener);
        size_t received = 0;
        long n = 0;
        int32_t taken;

        if (unread) {
            CHECK(peer_send(p.peer, data, 700) == 700);
            UNTIL(dev_recv(p.device, data, 1) == 1); /* one of them was read: they are there */
        }
        UNTIL((taken = dev_send(p.device, data, fill(data, sizeof(data), 0))) > 0);
        dev_close(p.device);
        for (uint64_t end_ms = now_ms() + PATIENCE_MS; n >= 0; bench_wait(10)) {
            CHECK(now_ms() < end_ms);
            n = peer_recv(p.peer, data, sizeof(data));
            received += n > 0 ? (size_t)n : 0;
        }
        CHECK(!peer_failed());
        CHECK(received == (size_t)taken);
        peer_close(p.peer);
    }
    peer_close(listener);
}

/* ---- listening ---- */

static void check_listener(void)
{
    acme_handle listener = dev_listen(PORT);
    struct pair four, six;

    CHECK(listener >= 0);
    CHECK(dev_accept(listener) == ACME_ERR_AGAIN);
    four = connect_in(bench_device_4, listener, PORT);
    six = connect_in(bench_device_6, listener, PORT);
    CHECK(dev_accept(listener) == ACME_ERR_AGAIN);
    CHECK(dev_listen(PORT) == ACME_ERR_LISTEN); /* the port is taken */
    dev_unlisten(listener);
    exchange(four); /* what was accepted lives on */
    exchange(six);
    end(four);
    end(six);
}

static void check_unlisten(void)
{
    acme_handle listener = dev_listen(PORT);
    int caller = peer_connect(bench_device_4, PORT), late, again;
    uint8_t byte;
    struct pair p;

    CHECK(listener >= 0);
    UNTIL(peer_connected(caller) == 1);
    dev_unlisten(listener); /* with one that waits */
    UNTIL(peer_recv(caller, &byte, 1) < 0);
    late = peer_connect(bench_device_4, PORT);
    UNTIL(peer_connected(late) == -1);
    UNTIL((listener = dev_listen(PORT)) >= 0);
    p = connect_in(bench_device_6, listener, PORT);
    exchange(p);
    end(p);
    again = peer_connect(bench_device_4, PORT);
    UNTIL((p.device = dev_accept(listener)) >= 0);
    dev_close(p.device);
    dev_unlisten(listener);
    peer_close(caller);
    peer_close(late);
    peer_close(again);
}

/* One that goes before it is accepted costs nothing. */
static void check_caller_goes(void)
{
    acme_handle listener = dev_listen(PORT), h;
    struct pair p;

    CHECK(listener >= 0);
    for (int i = 0; i < HANDLES_MAX; i++) {
        int caller = peer_connect(bench_device_4, PORT);

        UNTIL(peer_connected(caller) == 1);
        peer_reset(caller);
        bench_wait(1);
        while ((h = dev_accept(listener)) >= 0) {
            dev_close(h); /* a port may hand it out nevertheless */
        }
        CHECK(h == ACME_ERR_AGAIN);
    }
    p = connect_in(bench_device_4, listener, PORT);
    exchange(p);
    end(p);
    dev_unlisten(listener);
}

/* Callers that nobody accepts are bounded, do not keep the device from its own connections, and
 * have their turn in the end. */
static void check_backlog(void)
{
    acme_handle listener = dev_listen(PORT);
    int callers[HANDLES_MAX], count = bench_backlog + 4, waiting = 0, served = 0;
    uint64_t start;

    CHECK(listener >= 0 && count <= HANDLES_MAX);
    for (int i = 0; i < count; i++) {
        callers[i] = peer_connect(bench_device_4, PORT);
    }
    for (start = now_ms(); now_ms() - start < 1500;) { /* a second try of theirs included */
        bench_wait(50);
    }
    for (int i = 0; i < count; i++) {
        waiting += peer_connected(callers[i]) == 1 ? 1 : 0;
    }
    CHECK(waiting > 0 && waiting <= bench_backlog);
    check_literals();
    for (start = now_ms(); served < count; bench_wait(20)) {
        acme_handle h = dev_accept(listener);

        CHECK(now_ms() - start < 2 * PATIENCE_MS);
        CHECK(h >= 0 || h == ACME_ERR_AGAIN);
        if (h >= 0) {
            dev_close(h);
            served++;
        }
    }
    for (int i = 0; i < count; i++) {
        peer_close(callers[i]);
    }
    dev_unlisten(listener);
}

/* Callers at two listeners, more than there are streams, leave the device one for itself. */
static void check_flood(void)
{
    acme_handle listeners[2];
    int callers[HANDLES_MAX], count = 2 * (bench_backlog + 1);
    uint64_t start;

    CHECK(count <= HANDLES_MAX);
    for (int i = 0; i < 2; i++) {
        listeners[i] = dev_listen((uint16_t)(PORT + (unsigned)i));
        CHECK(listeners[i] >= 0);
    }
    for (int i = 0; i < count; i++) {
        callers[i] = peer_connect(bench_device_4, (uint16_t)(PORT + (unsigned)i % 2));
    }
    for (start = now_ms(); now_ms() - start < 300;) {
        bench_wait(50);
    }
    check_literals();
    for (int i = 0; i < count; i++) {
        peer_close(callers[i]);
    }
    dev_unlisten(listeners[0]);
    dev_unlisten(listeners[1]);
}

/* ---- waiting ---- */

static void check_waiting(void)
{
    int listener = peer_listen(BENCH_PEER_4, 0);
    struct pair p = connect_out(BENCH_PEER_4, listener);
    acme_handle own = dev_listen(PORT), accepted;
    int caller;
    uint64_t start, rest;
    uint8_t byte;

    CHECK(own >= 0);
    /* Nothing happens: it comes back by itself (a bench with a loop of its own may be early). */
    CHECK(dev_recv(p.device, &byte, 1) == ACME_ERR_AGAIN);
    for (start = now_ms(); now_ms() - start < 400;) {
        rest = 400 - (now_ms() - start);
        bench_wait((uint32_t)rest);
    }
    CHECK(now_ms() - start < 2000);
    /* Bytes and callers end it. */
    CHECK(dev_recv(p.device, &byte, 1) == ACME_ERR_AGAIN);
    CHECK(peer_send(p.peer, (const uint8_t *)"!", 1) == 1);
    start = now_ms();
    while (dev_recv(p.device, &byte, 1) == ACME_ERR_AGAIN) {
        bench_wait(PATIENCE_MS);
    }
    CHECK(now_ms() - start < 2000);
    CHECK(dev_accept(own) == ACME_ERR_AGAIN);
    caller = peer_connect(bench_device_4, PORT);
    start = now_ms();
    while ((accepted = dev_accept(own)) == ACME_ERR_AGAIN) {
        bench_wait(PATIENCE_MS);
    }
    CHECK(accepted >= 0 && now_ms() - start < 2000);
    dev_close(accepted);
    peer_close(caller);
    end(p);
    dev_unlisten(own);
    peer_close(listener);
}

/* An answer of the name server ends it, too. */
static void check_waiting_for_names(void)
{
    int listener = peer_listen(BENCH_PEER_4, 0);
    acme_handle h = dev_connect("later.test", peer_port(listener));
    uint64_t start = now_ms();
    int32_t rc;

    CHECK(h >= 0);
    while ((rc = dev_connected(h)) == ACME_ERR_AGAIN) {
        bench_wait(PATIENCE_MS);
    }
    CHECK(rc == ACME_OK && now_ms() - start < 2000);
    dev_close(h);
    peer_close(listener);
}

/* A question for which there was no room is asked again, by who waits as long as he likes. */
static void check_waiting_with_full_mailbox(void)
{
    int listener = peer_listen(BENCH_PEER_4, 0);
    uint64_t start = now_ms();
    acme_handle h;
    int32_t rc;

    bench_refusals = 5;
    h = dev_connect("four.test", peer_port(listener));
    CHECK(h >= 0);
    while ((rc = dev_connected(h)) == ACME_ERR_AGAIN) {
        bench_wait(PATIENCE_MS);
    }
    CHECK(rc == ACME_OK && now_ms() - start < 2000);
    bench_refusals = 0;
    dev_close(h);
    peer_close(listener);
}

/* ---- datagrams ---- */

#define DATAGRAM_PORT 50123u

static acme_handle udp_open(uint8_t family, uint16_t local)
{
    return port.udp->open(port.udp_ctx, family, local);
}

static int32_t udp_recv(acme_handle h, struct acme_address *from, uint16_t *from_port,
                        uint8_t *data, size_t size)
{
    return port.udp->recv_from(port.udp_ctx, h, from, from_port, data, size);
}

/* There and back: the borders of datagrams hold, and the sender is told. */
static void exchange_datagrams(acme_handle h, const struct acme_address *to, int peer)
{
    struct acme_address from;
    uint8_t out[1200], in[1200];
    uint16_t from_port;
    long n = -1;

    for (size_t i = 0; i < sizeof(out); i++) {
        out[i] = (uint8_t)(i * 7);
    }
    for (size_t len = 1; len <= sizeof(out); len = len * 5 + 15) {
        CHECK(udp_recv(h, &from, &from_port, in, sizeof(in)) == ACME_ERR_AGAIN);
        UNTIL(port.udp->send_to(port.udp_ctx, h, to, peer_port(peer), out, len) == ACME_OK);
        UNTIL((n = peer_take(peer, in, sizeof(in))) >= 0);
        CHECK((size_t)n == len && memcmp(in, out, len) == 0);
        peer_answer(peer, out + 1, len > 1 ? len - 1 : 1);
        UNTIL((n = udp_recv(h, &from, &from_port, in, sizeof(in))) != ACME_ERR_AGAIN);
        CHECK((size_t)n == (len > 1 ? len - 1 : 1) && memcmp(in, out + 1, (size_t)n) == 0);
        CHECK(memcmp(&from, to, sizeof(from)) == 0 && from_port == peer_port(peer));
    }
    /* Cut to size; the next one is whole. */
    peer_answer(peer, out, 10);
    peer_answer(peer, out + 10, 3);
    UNTIL((n = udp_recv(h, &from, &from_port, in, 4)) != ACME_ERR_AGAIN);
    CHECK(n == 4 && memcmp(in, out, 4) == 0);
    UNTIL((n = udp_recv(h, &from, &from_port, in, sizeof(in))) != ACME_ERR_AGAIN);
    CHECK(n == 3 && memcmp(in, out + 10, 3) == 0);
}

static void check_datagrams_of(uint8_t family, const char *peer_address, const char *device,
                               const struct acme_address *to)
{
    int peer = peer_datagrams(peer_address), stranger = peer_datagrams(peer_address);
    acme_handle h = udp_open(family, DATAGRAM_PORT), other;
    struct acme_address from;
    uint8_t data[8];
    uint16_t from_port;
    int32_t n;

    CHECK(h >= 0);
    other = udp_open(family, DATAGRAM_PORT);
    CHECK(other == ACME_ERR_LISTEN || other == ACME_ERR_LIMIT);
    exchange_datagrams(h, to, peer);
    peer_send_to(stranger, device, DATAGRAM_PORT, (const uint8_t *)"hello", 5);
    UNTIL((n = udp_recv(h, &from, &from_port, data, sizeof(data))) != ACME_ERR_AGAIN);
    CHECK(n == 5 && from_port == peer_port(stranger));
    /* What nobody took goes with the socket, whose port is free again. */
    peer_send_to(stranger, device, DATAGRAM_PORT, (const uint8_t *)"hello", 5);
    bench_wait(100);
    port.udp->close(port.udp_ctx, h);
    h = udp_open(family, DATAGRAM_PORT);
    CHECK(h >= 0 && udp_recv(h, &from, &from_port, data, sizeof(data)) == ACME_ERR_AGAIN);
    port.udp->close(port.udp_ctx, h);
    peer_close(peer);
    peer_close(stranger);
}

static void check_datagrams(void)
{
    static const struct acme_address peer_4 = {4, {10, 66, 0, 1}};
    static const struct acme_address peer_6 = {6, {0xfd, 0x66, [15] = 1}};

    CHECK((port.udp != NULL) == bench_has_datagrams);
    if (bench_has_datagrams) {
        check_datagrams_of(4, BENCH_PEER_4, bench_device_4, &peer_4);
        check_datagrams_of(6, BENCH_PEER_6, bench_device_6, &peer_6);
    }
}

static const struct {
    const char *name;
    void (*run)(void);
} checks[] = {
    {"literals", check_literals},
    {"names", check_names},
    {"waiting_for_names", check_waiting_for_names},
    {"waiting_with_full_mailbox", check_waiting_with_full_mailbox},
    {"other_family", check_other_family},
    {"silent_address", check_silent_address},
    {"several_addresses", check_several_addresses},
    {"truncated_answer", check_truncated_answer},
    {"lost_answers", check_lost_answers},
    {"refused", check_refused},
    {"unresolvable", check_unresolvable},
    {"silent_name_server", check_silent_name_server},
    {"closed_early", check_closed_early},
    {"limit", check_limit},
    {"peer_finishes", check_peer_finishes},
    {"peer_resets", check_peer_resets},
    {"back_pressure", check_back_pressure},
    {"slow_device", check_slow_device},
    {"close_delivers", check_close_delivers},
    {"listener", check_listener},
    {"unlisten", check_unlisten},
    {"caller_goes", check_caller_goes},
    {"backlog", check_backlog},
    {"flood", check_flood},
    {"waiting", check_waiting},
    {"datagrams", check_datagrams},
};

/* How many streams the port has left. */
static int free_streams(void)
{
    acme_handle handles[HANDLES_MAX];
    int count = 0;

    while (count < HANDLES_MAX && (handles[count] = dev_connect(BENCH_PEER_4, UNUSED_PORT)) >= 0) {
        count++;
    }
    for (int i = 0; i < count; i++) {
        dev_close(handles[i]);
    }
    return count;
}

static bool is_wanted(const char *name, int argc, char **argv)
{
    bool wanted = argc < 2;

    for (int i = 1; i < argc; i++) {
        wanted = wanted || strcmp(argv[i], name) == 0;
    }
    return wanted;
}

int main(int argc, char **argv)
{
    unsigned done = 0;
    int streams;

    bench_start(&port);
    streams = free_streams();
    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
        uint64_t start = now_ms();

        if (!is_wanted(checks[i].name, argc, argv)) {
            continue;
        }
        check_name = checks[i].name;
        checks[i].run();
        UNTIL(free_streams() == streams); /* it left none behind */
        (void)printf("%s: passed in %u ms\n", check_name, (unsigned)(now_ms() - start));
        (void)fflush(stdout);
        done++;
    }
    (void)printf("conformance: %u checks passed\n", done);
    return done > 0 ? 0 : 2;
}
