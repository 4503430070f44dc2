/*
 * The providers that publish and look over DNS (dns_update, dns_resolver) in a neighbourhood of
 * name servers: a record's whole life, what servers refuse, keys and clocks that do not agree,
 * propagation past name servers that are dead, late or nowhere, and every failure of the port and
 * of the random generator on the way.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "acme/dns_acmedns.h"
#include "acme/dns_resolver.h"
#include "acme/dns_update.h"
#include "dns/provider.h"
#include "lan_bench.h"
#include "tsig_reply.h"

#define NAME  "_acme-challenge.device.example"
#define VALUE "DGyRejmCefe7v4NfDGDKfA"

static _Alignas(8) uint8_t memory[ACME_DNS_UPDATE_SIZE];
static acme_dns_update *update;
static struct acme_dns_update_config config;
static struct lan_server *resolver, *ns1, *ns2;
static const uint8_t secret[32] = {1, 2, 3};
static const struct acme_tsig_key key = {
    .name = "key.example", .secret = secret, .secret_len = sizeof(secret)};

/* The time that the core trusts, which is the wall clock's unless a test says otherwise. */
static int64_t trusted_start_s;

static int set_up(void **state)
{
    int rc = lan_bench_up(state);

    resolver = sim_lan_server(&lan, "192.0.2.1");
    ns1 = sim_lan_server(&lan, "192.0.2.2");
    ns2 = sim_lan_server(&lan, "2001:db8::3");
    sim_lan_zone(&lan, "example", "ns1.example");
    sim_lan_name(&lan, "example", ACME_DNS_TYPE_NS, "ns1.example");
    sim_lan_name(&lan, "example", ACME_DNS_TYPE_NS, "NS2.example");
    sim_lan_address(&lan, "ns1.example", "192.0.2.2");
    sim_lan_address(&lan, "ns2.example", "2001:db8::3");
    config = (struct acme_dns_update_config){.port = &port, .resolver = "192.0.2.1"};
    trusted_start_s = 0;
    return rc;
}

/* Whatever happened, nothing stays open. */
static int tear_down(void **state)
{
    assert_int_equal(sim_lan_open(&lan), 0);
    return bench_down(state);
}

static void init(void)
{
    assert_int_equal(acme_dns_update_init(&update, &config, memory, sizeof(memory)), ACME_OK);
}

/* ---- operations ---- */

enum op { PRESENT, READY, CLEANUP, LOOKUP };

static struct {
    enum op op;
    const char *name, *value;
    char found[2048];
} call;

static int64_t trusted_s(void)
{
    int64_t start_s = trusted_start_s != 0 ? trusted_start_s : lan.wall_s;

    return start_s != 0 ? start_s + (int64_t)(lan.now_ms / 1000) : 0;
}

static void found(void *ctx, const char *text, size_t len)
{
    (void)ctx;
    (void)strncat(call.found, text, len);
    (void)strcat(call.found, "|");
}

static int32_t poll(void *ctx, uint32_t *wait_ms)
{
    const struct acme_dns_record record = {call.name, call.value, trusted_s()};
    const struct acme_dns_ops *ops = &acme_dns_update_ops;

    (void)ctx;
    switch (call.op) {
    case PRESENT:
        return ops->present(update, &record, wait_ms);
    case READY:
        return ops->ready(update, &record, wait_ms);
    case CLEANUP:
        return ops->cleanup(update, &record, wait_ms);
    default:
        return ops->lookup(update, call.name, found, NULL, wait_ms);
    }
}

static int32_t run_for(enum op op, const char *name, const char *value, uint64_t limit_ms)
{
    int32_t rc;

    call.op = op;
    call.name = name;
    call.value = value;
    call.found[0] = '\0';
    rc = lan_bench_drive(poll, NULL, limit_ms);
    if (rc == ACME_ERR_AGAIN) {
        acme_dns_update_ops.stop(update); /* as the core does after its time */
    }
    assert_int_equal(sim_lan_open(&lan), 0);
    return rc;
}

static int32_t run(enum op op)
{
    return run_for(op, NAME, VALUE, 300000);
}

/* ---- a record's life ---- */

static void test_a_whole_life(void **state)
{
    uint32_t asked;

    (void)state;
    init();
    assert_int_equal(run(PRESENT), ACME_OK);
    assert_true(sim_lan_has_txt(&lan, NAME, VALUE));
    assert_true(ns1->udp == 1 && ns2->udp == 0); /* at the zone's primary server */
    asked = resolver->udp;
    assert_int_equal(run(READY), ACME_OK);
    assert_true(ns1->udp == 2 && ns2->udp == 1); /* each of them */
    assert_int_equal(run(LOOKUP), ACME_OK);
    assert_string_equal(call.found, VALUE "|");
    asked = resolver->udp;
    sim_lan_txt(&lan, NAME, "another");
    assert_int_equal(run(CLEANUP), ACME_OK);
    assert_int_equal(resolver->udp,
                     asked + 1); /* the zone is known: but for the server's address */
    assert_false(sim_lan_has_txt(&lan, NAME, VALUE));
    assert_true(sim_lan_has_txt(&lan, NAME, "another"));
    assert_int_equal(run_for(PRESENT, "_acme-challenge.b.example", VALUE, 300000), ACME_OK);
    assert_true(sim_lan_has_txt(&lan, "_acme-challenge.b.example", VALUE));
    acme_dns_update_ops.stop(update);
}

/* Name servers may have another port, all of them, or the one that is configured. */
static void test_other_ports(void **state)
{
    (void)state;
    ns1->port = ns2->port = 5353;
    config.ns_port = 5353;
    init();
    assert_int_equal(run(PRESENT), ACME_OK);
    assert_int_equal(run(READY), ACME_OK);
    assert_true(ns1->udp == 2 && ns2->udp == 1);
    ns1->port = 54;
    config.server = "192.0.2.2:54";
    init();
    assert_int_equal(run(CLEANUP), ACME_OK);
    assert_false(sim_lan_has_txt(&lan, NAME, VALUE));
}

/* The TTL of the record in a server's last request, and whether the request is signed. */
static uint32_t ttl_of(const struct lan_server *s, bool *is_signed)
{
    struct acme_dns_reader r;
    struct acme_dns_entry e;
    uint32_t ttl = 0;

    *is_signed = false;
    assert_int_equal(acme_dns_read_begin(&r, s->last, s->last_len), ACME_OK);
    while (acme_dns_read_next(&r, &e) == ACME_OK) {
        ttl = e.type == ACME_DNS_TYPE_TXT ? e.ttl : ttl;
        *is_signed = *is_signed || e.type == ACME_DNS_TYPE_TSIG;
    }
    return ttl;
}

static void test_where_and_for_how_long(void **state)
{
    bool is_signed;

    (void)state;
    init();
    assert_int_equal(run(PRESENT), ACME_OK);
    assert_int_equal(ttl_of(ns1, &is_signed), 60);
    assert_false(is_signed);
    config.ttl_s = 5;
    config.server = "ns2.example"; /* looked for at the resolver, by its IPv6 address */
    init();
    assert_int_equal(run(PRESENT), ACME_OK);
    assert_int_equal(ttl_of(ns2, &is_signed), 5);
    config.server = "[2001:db8::3]:53";
    init();
    assert_int_equal(run(CLEANUP), ACME_OK);
    assert_int_equal(ns2->udp, 2);
    config.server = "nowhere.example";
    init();
    assert_int_equal(run(PRESENT), ACME_ERR_RESOLVE);
    config.server = "192.0.2.2"; /* without a resolver it is asked for everything */
    config.resolver = NULL;
    init();
    resolver->udp = 0;
    assert_int_equal(run(PRESENT), ACME_OK);
    assert_int_equal(resolver->udp, 0);
}

static void test_what_servers_refuse(void **state)
{
    static const struct {
        uint8_t rcode;
        int32_t error;
    } cases[] = {{ACME_DNS_NOTAUTH, ACME_ERR_DNS_ZONE},    {ACME_DNS_NOTZONE, ACME_ERR_DNS_ZONE},
                 {ACME_DNS_REFUSED, ACME_ERR_DNS_REFUSED}, {ACME_DNS_NOTIMP, ACME_ERR_DNS_REFUSED},
                 {ACME_DNS_FORMERR, ACME_ERR_DNS_REFUSED}, {ACME_DNS_SERVFAIL, ACME_ERR_DNS_SERVER},
                 {6 /* YXDOMAIN */, ACME_ERR_DNS_SERVER}};
    size_t i;

    (void)state;
    init();
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ns1->rcode = cases[i].rcode;
        assert_int_equal(run(PRESENT), cases[i].error);
        assert_false(sim_lan_has_txt(&lan, NAME, VALUE));
    }
    ns1->rcode = 0;
    resolver->rcode = ACME_DNS_REFUSED;
    assert_int_equal(run_for(PRESENT, "_acme-challenge.other.example", VALUE, 300000),
                     ACME_ERR_DNS_ZONE);
    assert_int_equal(run(LOOKUP), ACME_ERR_DNS_REFUSED);
}

static void test_what_does_not_fit(void **state)
{
    char value[1200];

    (void)state;
    memset(value, 'x', sizeof(value));
    value[1100] = '\0';
    init();
    assert_int_equal(run_for(PRESENT, NAME, value, 300000), ACME_ERR_BUFFER);
    value[880] = '\0'; /* it does, but its signature does not */
    config.key = &key;
    init();
    assert_int_equal(run_for(PRESENT, NAME, value, 300000), ACME_ERR_BUFFER);
    memset(value, 'a', 300);
    value[300] = '\0';
    assert_int_equal(run_for(PRESENT, value, VALUE, 300000), ACME_ERR_NAME);
    assert_int_equal(run_for(LOOKUP, value, VALUE, 300000), ACME_ERR_NAME);
    assert_int_equal(ns1->udp + ns1->tcp, 0);
}

/* ---- keys ---- */

static struct {
    uint16_t error;
    int64_t ahead_s; /* the server's clock */
    bool silent, unsigned_error, other_request;
} tsig;

/* The MAC of the server's last request, which stands before id, error and length at its end. */
static size_t sign_reply(struct lan_server *s, uint8_t *reply, size_t len, bool tcp)
{
    int64_t now = lan.wall_s + (int64_t)(lan.now_ms / 1000) + tsig.ahead_s;
    struct tsig_reply t = {key.name, secret, sizeof(secret), (uint64_t)now, tsig.error, NULL, 0};
    uint8_t mac[32], other[6];
    struct acme_dns_writer w = {.data = reply, .size = LAN_MESSAGE, .len = len};
    uint8_t rdata[] = "\x0bhmac-sha256\0......\1\x2c\0\0\0\0\0\0\0";

    (void)tcp;
    memcpy(mac, s->last + s->last_len - 6 - 32, sizeof(mac));
    if (tsig.silent) {
        return len;
    }
    if (tsig.unsigned_error) { /* MAC and other data of no length, and a NUL too many */
        reply[3] |= ACME_DNS_NOTAUTH;
        rdata[13 + 13] = (uint8_t)tsig.error;
        acme_dns_write_record(&w, ACME_DNS_ADDITIONAL, key.name, ACME_DNS_TYPE_TSIG,
                              ACME_DNS_CLASS_ANY, 0, rdata, 13 + 16);
        return w.len;
    }
    if (tsig.error == ACME_TSIG_BADTIME) {
        reply[3] |= ACME_DNS_NOTAUTH;
        t.time_s = (uint64_t)(now - tsig.ahead_s);
        tsig_put(other, (uint64_t)now, 6);
        t.other = other;
        t.other_len = 6;
    }
    mac[0] = (uint8_t)(mac[0] ^ (tsig.other_request ? 1 : 0));
    return tsig_sign_reply(&t, mac, reply, len);
}

static void test_signed_updates(void **state)
{
    bool is_signed;

    (void)state;
    memset(&tsig, 0, sizeof(tsig));
    config.key = &key;
    ns1->tamper = sign_reply;
    init();
    assert_int_equal(run(PRESENT), ACME_OK);
    assert_true(sim_lan_has_txt(&lan, NAME, VALUE));
    (void)ttl_of(ns1, &is_signed);
    assert_true(is_signed);
    assert_int_equal(run(CLEANUP), ACME_OK);
    assert_false(sim_lan_has_txt(&lan, NAME, VALUE));
    /* Whoever has no key may not say yes. */
    tsig.silent = true;
    assert_int_equal(run(PRESENT), ACME_ERR_DNS_REPLY_SIG);
    tsig.silent = false;
    tsig.other_request = true;
    assert_int_equal(run(PRESENT), ACME_ERR_DNS_REPLY_SIG);
    tsig.other_request = false;
    tsig.ahead_s = 301;
    assert_int_equal(run(PRESENT), ACME_ERR_DNS_REPLY_SIG);
    /* But it may say no, and what it says is told. */
    ns1->rcode = ACME_DNS_REFUSED;
    tsig.silent = true;
    assert_int_equal(run(PRESENT), ACME_ERR_DNS_REFUSED);
}

static void test_what_servers_say_of_keys(void **state)
{
    (void)state;
    memset(&tsig, 0, sizeof(tsig));
    config.key = &key;
    ns1->tamper = sign_reply;
    init();
    tsig.unsigned_error = true;
    tsig.error = ACME_TSIG_BADKEY;
    assert_int_equal(run(PRESENT), ACME_ERR_DNS_KEY);
    tsig.error = ACME_TSIG_BADSIG;
    assert_int_equal(run(PRESENT), ACME_ERR_DNS_SIG);
    tsig.unsigned_error = false;
    tsig.error = ACME_TSIG_BADTIME;
    tsig.ahead_s = 4000;
    assert_int_equal(run(PRESENT), ACME_ERR_DNS_TIME);
    assert_non_null(strstr(bench_lines, "the name server's clock is ahead by seconds (4000)"));
}

/* Updates are signed with the time that the core trusts, whatever the wall clock says. */
static void test_the_time_is_the_core_s(void **state)
{
    static const int64_t wall_s[] = {1, 1700000000 - 86400, 1700000000 + 86400, 0};
    size_t i;

    (void)state;
    memset(&tsig, 0, sizeof(tsig));
    config.key = &key;
    ns1->tamper = sign_reply;
    init();
    for (i = 0; i < sizeof(wall_s) / sizeof(wall_s[0]); i++) {
        lan.wall_s = wall_s[i];
        trusted_start_s = 1700000000;
        tsig.ahead_s = trusted_start_s - lan.wall_s; /* the server's clock is right */
        assert_int_equal(run(PRESENT), ACME_OK);
        assert_int_equal(run(CLEANUP), ACME_OK);
        trusted_start_s = 1700000000 + 4000; /* and where it is not, the wall clock does not help */
        assert_int_equal(run(PRESENT), ACME_ERR_DNS_REPLY_SIG);
    }
}

static void test_a_key_needs_a_clock(void **state)
{
    (void)state;
    config.key = &key;
    init();
    lan.wall_s = 0;
    assert_int_equal(run(PRESENT), ACME_ERR_NO_CLOCK);
    assert_int_equal(ns1->udp + ns1->tcp, 0);
}

/* ---- another zone ---- */

/* The name's proof moves to another zone, as where its owner sets or changes a CNAME. */
static void move_to(const char *zone, const char *target)
{
    char server[64];

    (void)snprintf(server, sizeof(server), "ns.%s", zone);
    sim_lan_zone(&lan, zone, server);
    sim_lan_name(&lan, zone, ACME_DNS_TYPE_NS, server);
    sim_lan_address(&lan, server, "192.0.2.2");
    sim_lan_name(&lan, NAME, ACME_DNS_TYPE_CNAME, target);
}

/* A job's end and a failure to publish forget where a name's proof belongs; a job under way keeps
 * it, so that what it has set is what it removes. */
static void test_what_was_learned_is_forgotten(void **state)
{
    (void)state;
    init();
    assert_int_equal(run(PRESENT), ACME_OK);
    assert_true(sim_lan_has_txt(&lan, NAME, VALUE));
    move_to("moved", "proof.moved");
    assert_int_equal(run(CLEANUP), ACME_OK);
    assert_false(sim_lan_has_txt(&lan, NAME, VALUE));
    acme_dns_update_ops.stop(update);
    acme_dns_update_ops.end(update);
    assert_int_equal(run(PRESENT), ACME_OK);
    assert_true(sim_lan_has_txt(&lan, "proof.moved", VALUE));
    assert_false(sim_lan_has_txt(&lan, NAME, VALUE));
}

static void test_a_failure_forgets(void **state)
{
    (void)state;
    init();
    ns1->rcode = ACME_DNS_NOTAUTH; /* the zone has moved away from it */
    assert_int_equal(run(PRESENT), ACME_ERR_DNS_ZONE);
    ns1->rcode = 0;
    move_to("moved", "proof.moved");
    assert_int_equal(run(PRESENT), ACME_OK);
    assert_true(sim_lan_has_txt(&lan, "proof.moved", VALUE));
    assert_false(sim_lan_has_txt(&lan, NAME, VALUE));
}

/* ---- propagation ---- */

/* Publishes as somebody would by hand. */
static struct lan_record *publish(void)
{
    return sim_lan_txt(&lan, NAME, VALUE);
}

static void test_each_name_server_has_to_show_it(void **state)
{
    struct lan_record *txt = publish();
    uint32_t before;

    (void)state;
    init();
    txt->absent = 1u << 2; /* at ns2 */
    sim_lan_txt(&lan, NAME, "somebody else's");
    assert_int_equal(run_for(READY, NAME, VALUE, 60000), ACME_ERR_AGAIN);
    /* Asked more and more seldom: after 0.5, 1, 2, 4 and then every 8 seconds. */
    assert_in_range(ns2->udp, 9, 12);
    txt->absent = 0;
    before = ns1->udp;
    assert_int_equal(run(READY), ACME_OK);
    assert_int_equal(ns1->udp, before + 1);
}

static void test_dead_name_servers(void **state)
{
    (void)state;
    (void)publish();
    init();
    ns2->dark = ns2->refused = true;
    assert_int_equal(run(READY), ACME_OK); /* the other one has it */
    assert_non_null(strstr(bench_lines, "dns: a name server does not answer for example"));
    ns2->dark = false;
    ns2->rcode = ACME_DNS_REFUSED;
    assert_int_equal(run(READY), ACME_OK);
    /* While none answers, nobody says that it is there. */
    ns1->dark = ns1->refused = true;
    assert_int_equal(run_for(READY, NAME, VALUE, 120000), ACME_ERR_AGAIN);
    ns1->dark = ns1->refused = false;
    assert_int_equal(run(READY), ACME_OK);
}

static void test_name_servers_without_addresses(void **state)
{
    (void)state;
    (void)publish();
    sim_lan_name(&lan, "example", ACME_DNS_TYPE_NS, "nowhere.example");
    sim_lan_name(&lan, "example", ACME_DNS_TYPE_NS, "ns3.example"); /* the first one once more */
    sim_lan_address(&lan, "ns3.example", "192.0.2.2");
    sim_lan_record(&lan, "example", ACME_DNS_TYPE_NS, "\3a.b\0", 5);
    init();
    assert_int_equal(run(READY), ACME_OK);
    assert_true(ns1->udp == 1 && ns2->udp == 1);
}

static void test_no_name_server_at_all(void **state)
{
    (void)state;
    init();
    sim_lan_zone(&lan, "other", "ns.other");
    sim_lan_txt(&lan, "_acme-challenge.x.other", VALUE);
    assert_int_equal(run_for(READY, "_acme-challenge.x.other", VALUE, 300000), ACME_OK);
    assert_int_equal(ns1->udp + ns2->udp, 0); /* what the resolver sees has to do */
}

static void test_more_name_servers_than_there_is_room_for(void **state)
{
    char name[32], address[32];
    struct lan_server *last = NULL;
    int i;

    (void)state;
    (void)publish();
    for (i = 0; i < 16; i++) {
        (void)snprintf(name, sizeof(name), "a%c.example", 'a' + i);
        (void)snprintf(address, sizeof(address), "198.51.100.%d", i + 1);
        sim_lan_name(&lan, "example", ACME_DNS_TYPE_NS, name);
        sim_lan_address(&lan, name, address);
        last = sim_lan_server(&lan, address);
    }
    init();
    assert_int_equal(run(READY), ACME_OK);
    assert_int_equal(last->udp, 1);
    assert_int_equal(ns1->udp + ns2->udp, 0); /* they come after the others, by their names */
}

static void test_a_resolver_that_fails_on_the_way(void **state)
{
    (void)state;
    (void)publish();
    init();
    assert_int_equal(run(READY), ACME_OK);
    resolver->rcode = ACME_DNS_REFUSED; /* the zone is known; its name servers are not */
    assert_int_equal(run(READY), ACME_ERR_DNS_REFUSED);
}

/* ---- failures on the way ---- */

/* The n-th random number is not to be had: an error, or another try; never a leak. */
static void test_random_numbers_that_fail(void **state)
{
    static const enum op ops[] = {PRESENT, READY, LOOKUP, CLEANUP};
    uint32_t at;
    size_t i;
    int failures = 0;

    (void)state;
    (void)publish();
    for (i = 0; i < 4; i++) {
        for (at = 1; at <= 24; at++) {
            int32_t rc;

            init();
            random_calls = 0;
            random_fail_at = at;
            rc = run(ops[i]);
            assert_true(rc == ACME_OK || rc == ACME_ERR_CRYPTO);
            failures += rc == ACME_OK ? 0 : 1;
            random_fail_at = 0;
            assert_int_equal(run(ops[i]), ACME_OK);
        }
    }
    assert_in_range(failures, 12, 60);
    assert_false(sim_lan_has_txt(&lan, NAME, VALUE)); /* the last was to remove it */
}

/* A call of the port fails once, or each is slow: the record gets there all the same. */
static void test_a_port_that_fails_once(void **state)
{
    static const int32_t errors[LAN_CALLS] = {ACME_ERR_NET,     ACME_ERR_NET, ACME_ERR_CONNECT,
                                              ACME_ERR_CONNECT, ACME_ERR_NET, ACME_ERR_CLOSED,
                                              ACME_ERR_NET};
    uint32_t tried, at;

    (void)state;
    for (tried = 0; tried < 14; tried++) {
        resolver->dark = ns1->dark = ns2->dark = tried / 7 == 1; /* all goes over streams */
        lan.stutter = tried / 7 == 1;
        for (at = 1; at <= 8; at += at) {
            init();
            sim_lan_clear(&lan);
            lan.fail_call = tried % 7;
            lan.fail_error = errors[tried % 7];
            lan.fail_at = at;
            assert_int_equal(run(PRESENT), ACME_OK);
            assert_int_equal(run(READY), ACME_OK);
            assert_int_equal(run(CLEANUP), ACME_OK);
            assert_false(sim_lan_has_txt(&lan, NAME, VALUE));
        }
    }
}

/* Operations that are given up for another one, or stopped. */
static void test_one_operation_at_a_time(void **state)
{
    (void)state;
    init();
    ns1->dark = ns1->refused = true;
    call.op = PRESENT;
    call.name = NAME;
    call.value = VALUE;
    assert_int_equal(lan_bench_drive(poll, NULL, 2000), ACME_ERR_AGAIN);
    assert_int_equal(sim_lan_open(&lan), 1);
    assert_int_equal(run(LOOKUP), ACME_OK);
    assert_string_equal(call.found, "");
    ns1->dark = ns1->refused = false;
    call.op = PRESENT;
    assert_int_equal(run(PRESENT), ACME_OK);
    acme_dns_update_ops.stop(update);
}

/* ---- a resolver only ---- */

static int32_t poll_resolver(void *ctx, uint32_t *wait_ms)
{
    const struct acme_dns_record record = {call.name, call.value, trusted_s()};

    return call.op == READY ? acme_dns_resolver_ops.ready(ctx, &record, wait_ms)
                            : acme_dns_resolver_ops.lookup(ctx, call.name, found, NULL, wait_ms);
}

static void test_a_provider_that_only_looks(void **state)
{
    static _Alignas(8) uint8_t block[ACME_DNS_RESOLVER_SIZE + 8];
    static uint8_t longest[320]; /* a whole text of 255, and the start of another */
    acme_dns_resolver *r;
    int i;

    (void)state;
    assert_int_equal(acme_dns_resolver_init(&r, NULL, "192.0.2.1", 0, block, sizeof(block)),
                     ACME_ERR_ARGUMENT);
    assert_int_equal(acme_dns_resolver_init(&r, &port, "192.0.2.1", 0, NULL, sizeof(block)),
                     ACME_ERR_ARGUMENT);
    assert_int_equal(
        acme_dns_resolver_init(&r, &port, "192.0.2.1", 0, block + 1, sizeof(block) - 1),
        ACME_ERR_ARGUMENT);
    assert_int_equal(acme_dns_resolver_init(&r, &port, NULL, 0, block, sizeof(block)),
                     ACME_ERR_ARGUMENT);
    assert_int_equal(acme_dns_resolver_init(&r, &port, "192.0.2.1:x", 0, block, sizeof(block)),
                     ACME_ERR_ARGUMENT);
    assert_int_equal(acme_dns_resolver_init(&r, &port, "192.0.2.1", 53, block, sizeof(block)),
                     ACME_OK);
    (void)publish();
    call.op = READY;
    call.name = NAME;
    call.value = VALUE;
    assert_int_equal(lan_bench_drive(poll_resolver, r, 60000), ACME_OK);
    /* Strings are joined; what is no text is left out. */
    longest[0] = 255;
    memset(longest + 1, 'y', 255);
    sim_lan_record(&lan, "t.example", ACME_DNS_TYPE_TXT, "\2ab\1c", 5);
    sim_lan_record(&lan, "t.example", ACME_DNS_TYPE_TXT, "\7ab", 3);
    sim_lan_record(&lan, "t.example", ACME_DNS_TYPE_TXT, longest, 256);
    call.op = LOOKUP;
    call.name = "t.example";
    call.found[0] = '\0';
    assert_int_equal(lan_bench_drive(poll_resolver, r, 60000), ACME_OK);
    assert_memory_equal(call.found, "abc|yyy", 7);
    assert_int_equal(strlen(call.found), 4 + 256);
    resolver->dark = true;
    resolver->refused = true;
    assert_int_equal(lan_bench_drive(poll_resolver, r, 60000), ACME_ERR_CONNECT);
    resolver->refused = false;
    call.found[0] = '\0';
    for (i = 0; i < 2; i++) { /* and stopped where it stands */
        uint32_t wait = 1000;

        assert_int_equal(poll_resolver(r, &wait), ACME_ERR_AGAIN);
        assert_int_equal(sim_lan_open(&lan), 1);
        acme_dns_resolver_ops.stop(r);
        assert_int_equal(sim_lan_open(&lan), 0);
    }
    assert_string_equal(call.found, "");
}

/* acme-dns's server is verified: where no root can be read, nothing is said to it. */
static int32_t poll_acmedns(void *ctx, uint32_t *wait_ms)
{
    const struct acme_dns_record record = {NAME, VALUE, 0};

    return acme_dns_acmedns_ops.present(ctx, &record, wait_ms);
}

static void test_no_roots_no_request(void **state)
{
    static _Alignas(8) uint8_t block[ACME_DNS_ACMEDNS_SIZE];
    static const struct acme_trust_anchor anchor = {secret, sizeof(secret)};
    const struct acme_dns_acmedns_account account = {NAME, "s", "u", "p"};
    const struct acme_dns_acmedns_config c = {.port = &port,
                                              .url = "https://api.example",
                                              .resolver = "192.0.2.1",
                                              .accounts = &account,
                                              .accounts_count = 1,
                                              .anchors = &anchor,
                                              .anchors_count = 1};
    struct lan_host *api = sim_lan_host(&lan, "api.example", 443);
    acme_dns_acmedns *acmedns;
    int i;

    (void)state;
    assert_int_equal(acme_dns_acmedns_init(&acmedns, &c, block, sizeof(block)), ACME_OK);
    for (i = 0; i < 2; i++) {
        assert_int_equal(lan_bench_drive(poll_acmedns, acmedns, 60000), ACME_ERR_CERT_PARSE);
    }
    assert_int_equal(api->connections, 0);
}

static void test_arguments(void **state)
{
    struct acme_tsig_key bad = key;

    (void)state;
    assert_int_equal(acme_dns_update_init(&update, &config, NULL, sizeof(memory)),
                     ACME_ERR_ARGUMENT);
    config.key = &bad;
    bad.name = "";
    assert_int_equal(acme_dns_update_init(&update, &config, memory, sizeof(memory)), ACME_ERR_NAME);
    config.port = NULL;
    assert_int_equal(acme_dns_update_init(&update, &config, memory, sizeof(memory)),
                     ACME_ERR_ARGUMENT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_whole_life),
        TEST(test_other_ports),
        TEST(test_where_and_for_how_long),
        TEST(test_what_servers_refuse),
        TEST(test_what_does_not_fit),
        TEST(test_signed_updates),
        TEST(test_what_servers_say_of_keys),
        TEST(test_the_time_is_the_core_s),
        TEST(test_a_key_needs_a_clock),
        TEST(test_what_was_learned_is_forgotten),
        TEST(test_a_failure_forgets),
        TEST(test_each_name_server_has_to_show_it),
        TEST(test_dead_name_servers),
        TEST(test_name_servers_without_addresses),
        TEST(test_no_name_server_at_all),
        TEST(test_more_name_servers_than_there_is_room_for),
        TEST(test_a_resolver_that_fails_on_the_way),
        TEST(test_random_numbers_that_fail),
        TEST(test_a_port_that_fails_once),
        TEST(test_one_operation_at_a_time),
        TEST(test_a_provider_that_only_looks),
        TEST(test_no_roots_no_request),
        TEST(test_arguments),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
