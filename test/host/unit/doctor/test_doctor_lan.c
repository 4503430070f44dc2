/*
 * The doctor in a neighbourhood of scripted servers (sim/sim_lan.h), over plain text where there
 * would be TLS: each finding, by what is wrong, and no finding where nothing is; nothing stays
 * open.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "net/address.h"
#include "doctor/steps.h"
#include "lan_bench.h"

#define HOST "device.example"
#define IP4  "198.51.100.7"
#define IP6  "2001:db8::7"
#define HEAD "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
#define DATE "Date: Tue, 14 Nov 2023 22:13:20 GMT\r\n"
#define CA(ids)                                                                                    \
    HEAD DATE "\r\n{\"newOrder\":\"https://ca.example/order\",\"meta\":{\"caaIdentities\":" ids "}}"

static _Alignas(8) uint8_t client_memory[ACME_MEMORY_SIZE];
static _Alignas(8) uint8_t doctor_memory[ACME_DOCTOR_SIZE + 8];
static acme_client *client;
static struct acme_config config;
static struct acme_cert_request request;
static const char *names[4];
static struct acme_doctor_config doctor;
static struct acme_address own[2];
static struct lan_server *resolver;
static struct lan_host *ca, *http4, *tls4;

/* ---- what was told ---- */

struct told {
    struct acme_finding f;
    char subject[260], detail[260];
};
static struct told told[32];
static size_t told_count;

static void on_finding(void *ctx, const struct acme_finding *finding)
{
    struct told *t = &told[told_count++];

    assert_ptr_equal(ctx, told);
    assert_in_range(told_count, 1, 32);
    assert_string_not_equal(acme_finding_name(finding->code), "unknown");
    t->f = *finding;
    (void)snprintf(t->subject, sizeof(t->subject), "%s", finding->subject);
    (void)snprintf(t->detail, sizeof(t->detail), "%s", finding->detail);
}

/* The findings in their order, by name. */
static const char *all_told(void)
{
    static char text[1024];
    size_t i;

    text[0] = '\0';
    for (i = 0; i < told_count; i++) {
        (void)strcat(text, i > 0 ? " " : "");
        (void)strcat(text, acme_finding_name(told[i].f.code));
    }
    return text;
}

/* ---- the world ---- */

/* Where nothing is wrong: the name leads to this device, whose two ports are forwarded. */
static int set_up(void **state)
{
    (void)state;
    lan_bench_plug();
    flash_sim_init(&bench_flash, 4096, 32, 8, 1);
    port.flash = &flash_sim_ops;
    port.flash_ctx = &bench_flash;
    port.entropy = &acme_posix_entropy_ops;
    resolver = sim_lan_server(&lan, "192.0.2.1");
    sim_lan_zone(&lan, "example", "ns.example");
    sim_lan_address(&lan, HOST, IP4);
    ca = sim_lan_host(&lan, "ca.example", 443);
    ca->reply = CA("[\"ca.example\"]");
    ca->close = true;
    http4 = sim_lan_host(&lan, IP4, 80);
    http4->leads_to = 8080;
    tls4 = sim_lan_host(&lan, IP4, 443);
    tls4->leads_to = 8443;
    memset(names, 0, sizeof(names));
    names[0] = HOST;
    request = (struct acme_cert_request){.names = names, .names_count = 1};
    config = (struct acme_config){.port = &port,
                                  .directory_url = "https://ca.example/dir",
                                  .certs = &request,
                                  .certs_count = 1,
                                  .build_time_s = 1600000000};
    assert_int_equal(acme_address_parse(IP4, &own[0]), ACME_OK);
    assert_int_equal(acme_address_parse(IP6, &own[1]), ACME_OK);
    doctor = (struct acme_doctor_config){.on_finding = on_finding,
                                         .ctx = told,
                                         .resolver = "192.0.2.1",
                                         .own = own,
                                         .own_count = 1,
                                         .http_port = 8080,
                                         .tls_port = 8443};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    if (client != NULL) {
        acme_deinit(client);
        client = NULL;
    }
    assert_int_equal(sim_lan_open(&lan), 0);
    return 0;
}

static void begin(void)
{
    told_count = 0;
    assert_int_equal(acme_init(&client, &config, client_memory, sizeof(client_memory)), ACME_OK);
    lan_bench_clear();
    assert_int_equal(acme_doctor_start(client, &doctor, doctor_memory, sizeof(doctor_memory)),
                     ACME_OK);
}

static bool drive(uint64_t limit_ms)
{
    uint64_t end = lan.now_ms + limit_ms;
    struct acme_poll_result result;

    while (lan.now_ms < end) {
        switch (acme_poll(client, &result)) {
        case ACME_WANT_IDLE:
            assert_int_equal(result.error, ACME_OK);
            return true;
        case ACME_WANT_EVENT:
            lan.now_ms += lan.stutter || result.wait_ms == 0 ? 1 : result.wait_ms;
            break;
        default:
            break;
        }
    }
    return false;
}

static const char *finish(void)
{
    assert_true(drive(600000));
    acme_deinit(client);
    client = NULL;
    assert_int_equal(sim_lan_open(&lan), 0);
    return all_told();
}

static const char *look(void)
{
    begin();
    return finish();
}

static void test_nothing_is_wrong(void **state)
{
    (void)state;
    assert_string_equal(look(), "");
    assert_true(http4->connections == 1 && tls4->connections == 1);
    lan.stutter = true;
    lan.piece = 3;
    assert_string_equal(look(), "");
}

/* ---- the CA ---- */

static void test_layers_of_the_ca(void **state)
{
    static const struct {
        int32_t error;
        const char *name;
    } late[] = {{ACME_ERR_TLS_VERIFY, "ca-certificate"},
                {ACME_ERR_TLS_DATES, "ca-dates"},
                {ACME_ERR_TLS, "ca-tls"},
                {ACME_ERR_TLS_MEMORY, "ca-tls"},
                {ACME_ERR_CLOSED, "ca-tls"},
                {ACME_ERR_RESOLVE, "ca-name"}};
    size_t i;

    (void)state;
    ca->connect_error = ACME_ERR_RESOLVE;
    assert_string_equal(look(), "ca-name");
    assert_string_equal(told[0].subject, "ca.example");
    assert_int_equal(told[0].f.error, ACME_ERR_RESOLVE);
    assert_int_equal(told[0].f.severity, ACME_FINDING_ERROR);
    ca->connect_error = ACME_ERR_LIMIT;
    assert_string_equal(look(), "ca-connect");
    ca->connect_error = ACME_OK;
    ca->connected_error = ACME_ERR_CONNECT;
    assert_string_equal(look(), "ca-connect");
    ca->connected_error = ACME_OK;
    ca->dark = true;
    assert_string_equal(look(), "ca-connect");
    assert_int_equal(told[0].f.error, ACME_ERR_TIMEOUT);
    ca->dark = false;
    for (i = 0; i < sizeof(late) / sizeof(late[0]); i++) { /* the connection is there, and then */
        begin();
        lan.fail_call = LAN_CONNECTED;
        lan.fail_at = 2;
        lan.fail_error = late[i].error;
        assert_string_equal(finish(), late[i].name);
        assert_int_equal(told[0].f.error, late[i].error);
    }
}

static void test_what_is_no_directory(void **state)
{
    static const struct {
        const char *reply;
        int32_t error;
        int64_t status;
        const char *detail;
    } cases[] = {
        {"HTTP/1.1 404 No\r\n" DATE "Content-Length: 0\r\n\r\n", ACME_ERR_HTTP_STATUS, 404, ""},
        {"HTTP/1.1 301 No\r\n" DATE "Location: https://other/\r\nContent-Length: 0\r\n\r\n",
         ACME_ERR_HTTP_STATUS, 301, "https://other/"},
        {"HTTP/1.1 200 OK\r\n" DATE "Content-Length: 2\r\n\r\n{}", ACME_ERR_CONTENT_TYPE, 200, ""},
        {HEAD DATE "Content-Length: 1\r\n\r\n{", ACME_ERR_JSON, 200, ""},
        {HEAD DATE "Content-Length: 2\r\n\r\n{}", ACME_ERR_FIELD, 200, ""},
        {"SSH-2.0\r\n", ACME_ERR_HTTP, 0, ""},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ca->reply = cases[i].reply;
        assert_string_equal(look(), "ca-http");
        assert_int_equal(told[0].f.error, cases[i].error);
        assert_int_equal(told[0].f.value, cases[i].status);
        assert_string_equal(told[0].detail, cases[i].detail);
    }
    ca->reply = NULL; /* it takes the request, and hangs up or says nothing */
    assert_string_equal(look(), "ca-http");
    assert_int_equal(told[0].f.error, ACME_ERR_CLOSED);
    ca->close = false;
    assert_string_equal(look(), "ca-http");
    assert_int_equal(told[0].f.error, ACME_ERR_TIMEOUT);
}

static void test_the_clock(void **state)
{
    (void)state;
    lan.wall_s = 1700000400;
    assert_string_equal(look(), "clock-wrong");
    assert_in_range(told[0].f.value, 400, 402);
    assert_string_equal(told[0].subject, "ca.example");
    lan.wall_s = 0;
    assert_string_equal(look(), "clock-unknown");
    assert_int_equal(told[0].f.severity, ACME_FINDING_WARNING);
}

/* ---- captive portals ---- */

#define TO(url) "HTTP/1.1 302 Found\r\nLocation: " url "\r\nContent-Length: 0\r\n\r\n"

static void test_captive_portals(void **state)
{
    static const struct {
        const char *reply;
        bool portal;
    } cases[] = {{TO("http://login.hotel.example/?id=1"), true},
                 {TO("http://ca.example.hotel/"), true},
                 {TO("http://ca"), true},
                 {TO("https://CA.example/"), false},
                 {TO("https://ca.example:443"), false},
                 {TO("https://ca.example"), false},
                 {TO("/elsewhere"), false},
                 {"HTTP/1.1 511 Log In\r\nContent-Length: 2\r\n\r\nhi", true},
                 {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", false},
                 {"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", false},
                 {"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", false},
                 {"garbage\r\n\r\n", false}};
    struct lan_host *plain = sim_lan_host(&lan, "ca.example", 80);
    size_t i;

    (void)state;
    ca->connected_error = ACME_ERR_CONNECT;
    for (i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
        plain->reply = cases[i / 2].reply;
        plain->close = i % 2 == 1;
        lan.piece = i % 2 == 1 ? 20 : 0;
        assert_string_equal(look(),
                            cases[i / 2].portal ? "ca-connect captive-portal" : "ca-connect");
    }
    assert_int_equal(strncmp(plain->request, "GET / HTTP/1.1\r\nHost: ca.example\r\n", 34), 0);
    plain->reply = cases[0].reply;
    assert_string_equal(look(), "ca-connect captive-portal");
    assert_string_equal(told[1].subject, "ca.example");
    assert_string_equal(told[1].detail, "http://login.hotel.example/?id=1");
    /* It is asked only where the CA is not reached. */
    ca->connected_error = ACME_OK;
    plain->requests = 0;
    assert_string_equal(look(), "");
    assert_int_equal(plain->requests, 0);
}

static void test_no_portal_answers(void **state)
{
    struct lan_host *plain = sim_lan_host(&lan, "ca.example", 8000);
    uint64_t before;

    (void)state;
    doctor.probe_port = 8000;
    ca->connected_error = ACME_ERR_CONNECT;
    plain->connect_error = ACME_ERR_LIMIT;
    assert_string_equal(look(), "ca-connect");
    plain->connect_error = ACME_OK;
    plain->dark = true;
    before = lan.now_ms;
    assert_string_equal(look(), "ca-connect");
    assert_in_range(lan.now_ms - before, 5000, 15000); /* not for ever */
    lan.stutter = true;                                /* looked at often: the end is the same */
    before = lan.now_ms;
    assert_string_equal(look(), "ca-connect");
    assert_in_range(lan.now_ms - before, 5000, 5500);
    lan.stutter = false;
    plain->dark = false;
    plain->deaf = true;
    assert_string_equal(look(), "ca-connect");
    plain->deaf = false; /* it takes the request, and says nothing, or hangs up */
    assert_string_equal(look(), "ca-connect");
    plain->close = true;
    assert_string_equal(look(), "ca-connect");
    assert_int_equal(plain->connections, 6);
}

/* ---- what the store and the CA know of pauses ---- */

static void test_pauses(void **state)
{
    (void)state;
    begin();
    client->slots[0].schedule.retry_at_s = 1700009999;
    client->slots[0].schedule.failures = 1;
    assert_string_equal(finish(), "paused");
    assert_string_equal(told[0].subject, HOST);
    assert_int_equal(told[0].f.value, 1700009999);
    assert_int_equal(told[0].f.severity, ACME_FINDING_WARNING);
    begin();
    (void)strcpy(client->slot_problem.type, "rateLimited");
    (void)strcpy(client->slot_problem.detail, "too many; retry after 2023-11-15 00:00:01 UTC");
    assert_string_equal(finish(), "rate-limited");
    assert_int_equal(told[0].f.value, 1700006401);
    assert_int_equal(told[0].f.error, ACME_ERR_RATE_LIMITED);
}

/* ---- ports ---- */

static void test_ports_that_are_taken(void **state)
{
    (void)state;
    begin();
    lan.fail_call = LAN_LISTEN;
    lan.fail_error = ACME_ERR_LISTEN;
    lan.fail_at = 1;
    assert_string_equal(finish(), "port-taken port-unreachable"); /* nobody is behind it */
    assert_int_equal(told[0].f.port, 8080);
    assert_int_equal(told[0].f.error, ACME_ERR_LISTEN);
    http4->leads_to = 0; /* whoever has it answers: it was said already */
    begin();
    lan.fail_at = 1;
    assert_string_equal(finish(), "port-taken");
    doctor.http_port = doctor.tls_port = 0; /* dns-01 needs none */
    assert_string_equal(look(), "");
    assert_int_equal(lan.calls[LAN_LISTEN], 0);
}

/* ---- names ---- */

static void test_resolvers(void **state)
{
    (void)state;
    names[1] = "www.example";
    request.names_count = 2;
    doctor.resolver = NULL;
    assert_string_equal(look(), "resolver");
    assert_string_equal(told[0].subject, "");
    doctor.resolver = "192.0.2.1";
    resolver->dark = resolver->refused = true;
    assert_string_equal(look(), "resolver"); /* one word is enough for all names */
    assert_string_equal(told[0].subject, HOST);
    assert_int_equal(told[0].f.error, ACME_ERR_CONNECT);
    assert_int_equal(told[0].f.severity, ACME_FINDING_WARNING);
    /* Without random numbers nothing is asked, and that is not kept silent. */
    resolver->dark = resolver->refused = false;
    begin();
    random_fail_at = 1;
    assert_string_equal(finish(), "resolver");
    assert_int_equal(told[0].f.error, ACME_ERR_CRYPTO);
    begin();
    random_fail_at = 3; /* AAAA after A */
    assert_string_equal(finish(), "resolver");
    assert_int_equal(told[0].f.error, ACME_ERR_CRYPTO);
}

static void test_names_that_do_not_resolve(void **state)
{
    (void)state;
    names[0] = "other.example";
    assert_string_equal(look(), "name-unresolved");
    assert_string_equal(told[0].subject, "other.example");
    assert_int_equal(told[0].f.error, ACME_OK);
    doctor.http_port = 0;
    assert_string_equal(look(), "name-unresolved");
    doctor.http_port = 8080;
    doctor.tls_port = 0;
    assert_string_equal(look(), "name-unresolved");
    doctor.http_port = 0; /* who uses dns-01 needs no address; nor does a wildcard */
    assert_string_equal(look(), "");
    doctor.tls_port = 8443;
    names[0] = "*.other.example";
    assert_string_equal(look(), "");
    names[0] = "loop.example";
    sim_lan_name(&lan, "loop.example", ACME_DNS_TYPE_CNAME, "loop.example");
    assert_string_equal(look(), "name-unresolved caa-failed");
    assert_int_equal(told[0].f.error, ACME_ERR_LIMIT);
    names[0] = HOST;
    resolver->rcode = ACME_DNS_SERVFAIL;
    assert_string_equal(look(), "name-unresolved caa-failed");
    assert_int_equal(told[0].f.error, ACME_ERR_DNS_SERVER);
    resolver->rcode = ACME_DNS_REFUSED;
    assert_string_equal(look(), "name-unresolved caa-failed");
    assert_int_equal(told[1].f.error, ACME_ERR_DNS_REFUSED);
}

static void test_names_that_lead_elsewhere(void **state)
{
    char address[32];
    int i;

    (void)state;
    http4->leads_to = tls4->leads_to = 0;
    doctor.http_port = doctor.tls_port = 0;
    sim_lan_address(&lan, HOST, IP6); /* of this family no own address is known */
    assert_string_equal(look(), "");
    doctor.own_count = 2;
    assert_string_equal(look(), "");
    own[1].bytes[15] = 8;
    assert_string_equal(look(), "name-elsewhere");
    assert_string_equal(told[0].subject, HOST);
    assert_string_equal(told[0].detail, IP6);
    assert_int_equal(told[0].f.address.family, 6);
    doctor.own_count = 0;
    doctor.own = NULL;
    assert_string_equal(look(), "");
    doctor.own = own; /* a device with two addresses of a family */
    own[1] = own[0];
    own[0].bytes[3]++;
    doctor.own_count = 2;
    assert_string_equal(look(), "");
    own[0] = own[1];
    doctor.own_count = 1;
    for (i = 0; i < 10; i++) { /* more than are looked at: 8 in all, one of which is right */
        (void)snprintf(address, sizeof(address), "203.0.113.%d", i);
        sim_lan_address(&lan, HOST, address);
    }
    (void)look();
    assert_int_equal(told_count, 7);
}

/* ---- the way back ---- */

static void test_names_that_nobody_answers_at(void **state)
{
    struct lan_host *http6 = sim_lan_host(&lan, IP6, 80), *tls6 = sim_lan_host(&lan, IP6, 444);

    (void)state;
    doctor.tls_public = 444;
    doctor.http_public = 80;
    doctor.own = NULL;
    doctor.own_count = 0;
    tls4->port = 444;
    sim_lan_address(&lan, HOST, IP6);
    http6->connected_error = ACME_ERR_CONNECT;
    tls6->leads_to = 8443;
    assert_string_equal(look(), "ipv6-dead");
    assert_string_equal(told[0].detail, IP6);
    assert_int_equal(told[0].f.port, 80);
    assert_int_equal(told[0].f.error, ACME_ERR_CONNECT);
    http6->connected_error = ACME_OK;
    http6->dark = true;
    assert_string_equal(look(), "ipv6-dead");
    assert_int_equal(told[0].f.error, ACME_ERR_TIMEOUT);
    http6->dark = false;
    http6->leads_to = 8080;
    tls4->connect_error = ACME_ERR_NET; /* there is no route to it */
    assert_string_equal(look(), "port-unreachable");
    assert_string_equal(told[0].detail, IP4);
    assert_int_equal(told[0].f.port, 444);
    assert_int_equal(told[0].f.error, ACME_ERR_NET);
    names[0] = "*.device.example"; /* nobody connects to a wildcard */
    assert_string_equal(look(), "");
}

static void test_somebody_else_is_there(void **state)
{
    (void)state;
    doctor.tls_port = 0;
    http4->leads_to = 0;
    http4->reply = NULL; /* takes everything and says nothing */
    assert_string_equal(look(), "port-foreign");
    assert_int_equal(told[0].f.severity, ACME_FINDING_WARNING);
    assert_int_equal(told[0].f.port, 80);
    http4->deaf = true;
    assert_string_equal(look(), "port-foreign");
    http4->deaf = false;
    begin();
    lan.fail_call = LAN_SEND; /* hangs up at once: the first send is the CA's */
    lan.fail_error = ACME_ERR_CLOSED;
    lan.fail_at = 2;
    assert_string_equal(finish(), "port-foreign");
}

/* Between the steps somebody calls the device's port, and says something else, or nothing. */
static void test_a_stranger_calls_meanwhile(void **state)
{
    uint32_t calls;

    (void)state;
    doctor.tls_port = 0;
    http4->leads_to = 0;
    for (calls = 0; calls < 3; calls++) {
        begin();
        while (lan.calls[LAN_LISTEN] == 0) { /* the listener comes first */
            assert_false(drive(1));
        }
        sim_lan_call(&lan, 8080, "an HTTP request?", calls == 0 ? 16 : 3);
        if (calls == 2) {
            lan.fail_call = LAN_RECV;
            lan.fail_at = lan.calls[LAN_RECV] + 1;
            lan.fail_error = ACME_ERR_CLOSED;
        }
        assert_string_equal(finish(), "port-foreign");
    }
}

static void test_no_random_numbers_no_way_back(void **state)
{
    uint32_t at;

    (void)state;
    for (at = 1; at <= 6; at++) { /* A, AAAA; the two ways back; CAA twice: id and port each */
        begin();
        random_fail_at = at;
        (void)finish();
    }
    doctor.resolver = NULL; /* an address needs no resolver */
    names[0] = IP4;
    begin();
    random_fail_at = 1;
    assert_string_equal(finish(), "resolver port-unreachable");
    assert_int_equal(told[1].f.error, ACME_ERR_CRYPTO);
}

static void test_addresses_as_names(void **state)
{
    (void)state;
    names[0] = IP4;
    assert_string_equal(look(), "");
    assert_int_equal(resolver->udp + resolver->tcp, 0);
    assert_int_equal(http4->connections, 1);
    own[0].bytes[3] = 8;
    http4->leads_to = 0;
    http4->connected_error = ACME_ERR_CONNECT;
    assert_string_equal(look(), "name-elsewhere port-unreachable");
}

/* ---- CAA ---- */

struct caa {
    uint8_t flags;
    const char *tag, *value;
};

/* The finding for a name with these records at it. */
static const char *with_caa(const char *name, const struct caa *records)
{
    size_t before = lan.record_count;
    const char *found;

    names[0] = name;
    doctor.http_port = doctor.tls_port = 0;
    for (; records->tag != NULL; records++) {
        sim_lan_caa(&lan, HOST, records->flags, records->tag, records->value);
    }
    found = look();
    lan.record_count = before;
    return found;
}

static void test_caa(void **state)
{
    static const struct {
        struct caa records[4];
        bool plain, wild; /* whether it may be issued */
    } cases[] = {
        {{{0, NULL, NULL}}, true, true},
        {{{0, "issue", "ca.example"}}, true, true},
        {{{0, "ISSUE", "CA.Example"}}, true, true},
        {{{128, "issue", " \tca.example\t ;accounturi=https://ca.example/acct/1"}}, true, true},
        {{{0, "issue", "ca.example;validationmethods=dns-01"}}, true, true},
        {{{0, "issue", "other.example"}}, false, false},
        {{{0, "issue", "ca.example.org"}}, false, false},
        {{{0, "issue", ";"}}, false, false},
        {{{0, "issue", ""}}, false, false},
        {{{0, "issue", " \t "}}, false, false},
        {{{0, "issue", "other.example"}, {0, "issue", "ca.example"}}, true, true},
        {{{0, "issue", "ca.example"}, {0, "issue", "other.example"}}, true, true},
        {{{0, "issue", "ca.example"}, {0, "issuewild", ";"}}, true, false},
        {{{0, "issue", ";"}, {0, "issuewild", "ca.example"}}, false, true},
        {{{0, "issuewild", "other.example"}}, true, false},
        {{{0, "issuewild", "ca.example"}, {0, "issuewild", "other.example"}}, true, true},
        {{{0, "iodef", "mailto:a@b.example"}}, true, true},
        {{{128, "iodef", "mailto:a@b.example"}}, true, true},
        {{{128, "issuemail", "x"}, {128, "contactemail", "x"}, {128, "contactphone", "1"}},
         true,
         true},
        {{{128, "future", "ca.example"}}, false, false},
        {{{0, "future", "ca.example"}}, true, true},
        {{{128, "future", ""}, {0, "issue", "ca.example"}, {0, "issuewild", "ca.example"}},
         false,
         false},
        {{{0, "", "no tag"}}, false, false}, /* malformed: nobody can say what it means */
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_string_equal(with_caa(HOST, cases[i].records), cases[i].plain ? "" : "caa-forbids");
        assert_string_equal(with_caa("*." HOST, cases[i].records),
                            cases[i].wild ? "" : "caa-forbids");
        /* What is above a name holds for it as well. */
        assert_string_equal(with_caa("a.b." HOST, cases[i].records),
                            cases[i].plain ? "" : "caa-forbids");
    }
    assert_string_equal(told[0].subject, "a.b." HOST);
    assert_string_equal(told[0].detail, HOST);
    /* The nearest one counts, and no other. */
    sim_lan_caa(&lan, "a.b." HOST, 0, "issue", "ca.example");
    assert_string_equal(with_caa("a.b." HOST, cases[7].records), "");
}

/* A resolver that fails for CAA alone, as old ones do. */
static size_t fail_caa(struct lan_server *s, uint8_t *reply, size_t len, bool tcp)
{
    size_t type = 12 + strlen(HOST) + 2;

    (void)tcp;
    if (s->last_len >= type + 2 && s->last[type] == 1 && s->last[type + 1] == 1) {
        reply[3] |= ACME_DNS_SERVFAIL;
    }
    return len;
}

static void test_caa_that_cannot_be_read(void **state)
{
    (void)state;
    resolver->tamper = fail_caa;
    assert_string_equal(look(), "caa-failed");
    assert_string_equal(told[0].subject, HOST);
    assert_string_equal(told[0].detail, HOST);
    assert_int_equal(told[0].f.error, ACME_ERR_DNS_SERVER);
    resolver->tamper = NULL;
    doctor.http_port = doctor.tls_port = 0;
    begin();
    random_fail_at = 5; /* A and AAAA take two each */
    assert_string_equal(finish(), "caa-failed");
    assert_int_equal(told[0].f.error, ACME_ERR_CRYPTO);
    begin();
    random_fail_at = 7; /* the parent's */
    assert_string_equal(finish(), "caa-failed");
    assert_string_equal(told[0].detail, "example");
}

#define ID63 "a123456789012345678901234567890123456789012345678901234.example"

/* What the CA calls itself. */
static void test_identities(void **state)
{
    static const struct {
        const char *reply;
        bool forbids;
    } cases[] = {
        {CA("[\"other.example\"]"), true},
        {CA("[\"other.example\",\"issuer.example\"]"), false},
        {CA("[\"\",17,null,\"issuer.example\"]"), false},
        {CA("[]"), false}, /* it does not say: then nothing can be said */
        {CA("\"issuer.example\""), false},
        {HEAD DATE "\r\n{\"newOrder\":\"https://ca.example/order\"}", false},
        {CA("[\"" ID63 "\",\"" ID63 "\",\"" ID63 "\",\"issuer.example\"]"), false},
        {CA("[\"" ID63 "\",\"" ID63 "\",\"" ID63 "\",\"other.example\"]"), true},
        /* The last one has no room for the end behind it. */
        {CA("[\"" ID63 "\",\"" ID63 "\",\"" ID63 "\",\"" ID63 "\"]"), false},
        /* More than there is room for: one that was left out could be the one. */
        {CA("[\"" ID63 "\",\"" ID63 "\",\"" ID63 "\",\"" ID63 "\",\"issuer.example\"]"), false},
    };
    size_t i;

    (void)state;
    sim_lan_caa(&lan, HOST, 0, "issue", "issuer.example");
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ca->reply = cases[i].reply;
        assert_string_equal(look(), cases[i].forbids ? "caa-forbids" : "");
    }
}

/* ---- the job ---- */

static void test_several_certificates(void **state)
{
    struct acme_cert_request requests[2] = {request, request};
    const char *others[] = {"gone1.example", "gone2.example"};

    (void)state;
    requests[1].names = others;
    requests[1].names_count = 2;
    config.certs = requests;
    config.certs_count = 2;
    assert_string_equal(look(), "name-unresolved name-unresolved");
    assert_string_equal(told[0].subject, "gone1.example");
    assert_string_equal(told[1].subject, "gone2.example");
    config.certs_count = 0;
    assert_string_equal(look(), "");
}

static int32_t start(void *memory, size_t size)
{
    return acme_doctor_start(client, &doctor, memory, size);
}

static void test_arguments(void **state)
{
    static const char *const bad[] = {"", "ns.example", "192.0.2.1:", "192.0.2.1:99999"};
    size_t i;

    (void)state;
    assert_int_equal(acme_init(&client, &config, client_memory, sizeof(client_memory)), ACME_OK);
    assert_int_equal(start(NULL, sizeof(doctor_memory)), ACME_ERR_ARGUMENT);
    assert_int_equal(start(doctor_memory + 4, ACME_DOCTOR_SIZE), ACME_ERR_ARGUMENT);
    assert_int_equal(start(doctor_memory, 100), ACME_ERR_MEMORY);
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        doctor.resolver = bad[i];
        assert_int_equal(start(doctor_memory, sizeof(doctor_memory)), ACME_ERR_ARGUMENT);
    }
    doctor.resolver = NULL;
    doctor.on_finding = NULL;
    assert_int_equal(start(doctor_memory, sizeof(doctor_memory)), ACME_ERR_ARGUMENT);
    doctor.on_finding = on_finding;
    assert_int_equal(acme_start(client), ACME_OK);
    assert_int_equal(start(doctor_memory, sizeof(doctor_memory)), ACME_ERR_STATE);
    assert_string_equal(acme_finding_text((enum acme_finding_code)99), "an unknown finding");
}

/* Switched off in the middle: of the CA, of a question, of the way back. */
static void test_stopped(void **state)
{
    uint32_t polls, most = 0;

    (void)state;
    lan.stutter = true;
    lan.piece = 5;
    for (polls = 0; polls < 120; polls++) {
        struct acme_poll_result result;
        uint32_t i;

        begin();
        for (i = 0; i < polls; i++) {
            (void)acme_poll(client, &result);
            lan.now_ms++;
        }
        most = sim_lan_open(&lan) > most ? (uint32_t)sim_lan_open(&lan) : most;
        acme_deinit(client);
        client = NULL;
        assert_int_equal(sim_lan_open(&lan), 0);
    }
    assert_int_equal(most, 4); /* both listeners, out and back in */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_nothing_is_wrong),
        TEST(test_layers_of_the_ca),
        TEST(test_what_is_no_directory),
        TEST(test_the_clock),
        TEST(test_captive_portals),
        TEST(test_no_portal_answers),
        TEST(test_pauses),
        TEST(test_ports_that_are_taken),
        TEST(test_resolvers),
        TEST(test_names_that_do_not_resolve),
        TEST(test_names_that_lead_elsewhere),
        TEST(test_names_that_nobody_answers_at),
        TEST(test_somebody_else_is_there),
        TEST(test_a_stranger_calls_meanwhile),
        TEST(test_no_random_numbers_no_way_back),
        TEST(test_addresses_as_names),
        TEST(test_caa),
        TEST(test_caa_that_cannot_be_read),
        TEST(test_identities),
        TEST(test_several_certificates),
        TEST(test_arguments),
        TEST(test_stopped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
