/*
 * The DNS client, lookups and zones against name servers that misbehave (sim/sim_lan.h): replies
 * that are somebody else's, servers that are dark, refuse or fail, CNAMEs that lead round and
 * round, records that lie about themselves.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dns/zone.h"
#include "lan_bench.h"

#define LABEL63 "a23456789012345678901234567890123456789012345678901234567890123"
#define LONG    LABEL63 "." LABEL63 "." LABEL63 "." LABEL63

static struct acme_dns_client client;
static struct acme_dns_lookup lookup;
static struct acme_dns_zone zone;
static struct acme_dns_server where;
static struct lan_server *server;

static int set_up(void **state)
{
    int rc = lan_bench_up(state);

    server = sim_lan_server(&lan, "192.0.2.1");
    where = (struct acme_dns_server){server->address, 53};
    acme_dns_client_init(&client, &port);
    return rc;
}

static int tear_down(void **state)
{
    acme_dns_client_stop(&client);
    assert_int_equal(sim_lan_open(&lan), 0);
    return bench_down(state);
}

/* ---- the client ---- */

static int32_t poll_client(void *ctx, uint32_t *wait_ms)
{
    return acme_dns_client_poll(ctx, wait_ms);
}

static int32_t ask(const char *name)
{
    int32_t rc = acme_dns_client_ask(&client, &where, name, ACME_DNS_TYPE_TXT, true);

    rc = rc == ACME_OK ? lan_bench_drive(poll_client, &client, 600000) : rc;
    assert_int_equal(sim_lan_open(&lan), 0);
    return rc;
}

/* What is wrong with the first replies. */
static struct {
    int kind;
    int replies; /* so many are wrong */
} wrong;

enum {
    WRONG_ID_HIGH,
    WRONG_ID_LOW,
    WRONG_NO_REPLY,
    WRONG_OPCODE,
    WRONG_TWO_QUESTIONS,
    WRONG_NO_QUESTION,
    WRONG_TYPE,
    WRONG_CLASS,
    WRONG_NAME,
    WRONG_LONGER_NAME,
    WRONG_SHORT,
    WRONG_CUT,
    WRONG_COUNT
};

static size_t lengthen(uint8_t *reply, size_t len)
{
    memmove(reply + 14, reply + 12, len - 12);
    memcpy(reply + 12, "\1x", 2);
    return len + 2;
}

static size_t tell_wrong(struct lan_server *s, uint8_t *reply, size_t len, bool tcp)
{
    (void)s;
    (void)tcp;
    if (wrong.replies-- <= 0) {
        return len;
    }
    switch (wrong.kind) {
    case WRONG_ID_HIGH:
        reply[0] ^= 0x80;
        break;
    case WRONG_ID_LOW:
        reply[1] ^= 1;
        break;
    case WRONG_NO_REPLY:
        reply[2] &= 0x7f;
        break;
    case WRONG_OPCODE:
        reply[2] ^= 0x28;
        break;
    case WRONG_TWO_QUESTIONS:
        reply[5] = 2;
        break;
    case WRONG_NO_QUESTION:
        reply[5] = 0;
        reply[3] &= 0xf0; /* NOERROR, so it understood the request */
        return 12;
    case WRONG_TYPE: /* as upper and lower case would differ, were it a letter */
        reply[12 + 11 + 1] ^= 0x20;
        break;
    case WRONG_CLASS:
        reply[12 + 11 + 3] = ACME_DNS_CLASS_ANY;
        break;
    case WRONG_NAME:
        reply[13] = 'b';
        break;
    case WRONG_LONGER_NAME:
        return lengthen(reply, len);
    case WRONG_SHORT:
        return 11;
    default:
        return 12 + 11 + 3;
    }
    return len;
}

/* Who is not on the path has to guess the id and the question: anything else is passed over. */
static void test_a_reply_that_is_not_ours_is_passed_over(void **state)
{
    (void)state;
    server->tamper = tell_wrong;
    for (wrong.kind = 0; wrong.kind < WRONG_COUNT; wrong.kind++) {
        server->udp = server->tcp = 0;
        wrong.replies = 1;
        assert_int_equal(ask("a.example"), ACME_OK); /* the name is 11 bytes long */
        assert_int_equal(server->udp, 2);
        assert_int_equal(server->tcp, 0);
    }
}

/* A stream is one server's: what it says wrong there is an error, and the last one is told. */
static void test_wrong_replies_on_a_stream_are_errors(void **state)
{
    (void)state;
    server->tamper = tell_wrong;
    server->dark = true;
    for (wrong.kind = 0; wrong.kind < WRONG_COUNT; wrong.kind++) {
        server->tcp = 0;
        wrong.replies = 99;
        assert_int_equal(ask("a.example"), ACME_ERR_DNS_MESSAGE);
        assert_int_equal(server->tcp, CONFIG_ACME_DNS_TRIES / 2);
    }
}

static size_t drop_question(struct lan_server *s, uint8_t *reply, size_t len, bool tcp)
{
    (void)s;
    (void)len;
    (void)tcp;
    reply[5] = 0;
    return 12;
}

static size_t shout(struct lan_server *s, uint8_t *reply, size_t len, bool tcp)
{
    (void)s;
    (void)tcp;
    reply[13] = (uint8_t)(reply[13] ^ 0x20);
    return len;
}

static void test_what_servers_may_do_to_the_question(void **state)
{
    (void)state;
    server->tamper = drop_question; /* of a request that it did not understand */
    server->rcode = ACME_DNS_FORMERR;
    assert_int_equal(acme_dns_client_rcode(&client), ACME_DNS_SERVFAIL); /* no reply is none */
    assert_int_equal(ask("a.example"), ACME_OK);
    assert_int_equal(acme_dns_client_rcode(&client), ACME_DNS_FORMERR);
    server->tamper = shout;
    server->rcode = ACME_DNS_NXDOMAIN;
    assert_int_equal(ask("a.example"), ACME_OK);
    assert_int_equal(acme_dns_client_rcode(&client), ACME_DNS_NXDOMAIN);
    assert_int_equal(server->udp, 2);
}

static size_t truncate(struct lan_server *s, uint8_t *reply, size_t len, bool tcp)
{
    (void)s;
    (void)tcp;
    reply[2] |= ACME_DNS_FLAG_TC >> 8;
    return len;
}

static void test_truncation(void **state)
{
    (void)state;
    server->tamper = truncate;
    assert_int_equal(ask("a.example"), ACME_OK); /* on a stream it is all there is */
    assert_true(server->udp == 1 && server->tcp == 1);
    assert_true((client.reply[2] & ACME_DNS_FLAG_TC >> 8) != 0);
    /* Where the stream does not come about, the datagram is asked for again, and not for ever. */
    server->udp = server->tcp = 0;
    lan.fail_call = LAN_CONNECT;
    lan.fail_error = ACME_ERR_LIMIT;
    lan.fail_at = lan.calls[LAN_CONNECT] + 1;
    assert_int_equal(ask("a.example"), ACME_OK);
    assert_true(server->udp == 2 && server->tcp == 1);
    server->refused = true;
    assert_int_equal(ask("a.example"), ACME_ERR_CONNECT);
}

static size_t say_length(struct lan_server *s, uint8_t *reply, size_t len, bool tcp)
{
    (void)s;
    (void)reply;
    return tcp ? wrong.replies-- > 0 ? 11 : len : 0;
}

static void test_streams_that_end_early(void **state)
{
    (void)state;
    server->tamper = say_length;
    wrong.replies = 1; /* a message shorter than a head */
    assert_int_equal(ask("a.example"), ACME_OK);
    assert_true(server->udp == CONFIG_ACME_DNS_TRIES / 2 && server->tcp == 2);
    server->tamper = NULL;
    server->dark = true;
    lan.stutter = true; /* connecting, sending and receiving take their time */
    for (lan.piece = 1; lan.piece < 30; lan.piece += 7) {
        assert_int_equal(ask("a.example"), ACME_OK);
    }
}

/* Each call of the port fails once, at each place: another try, and the answer. */
static void test_a_call_that_fails_once(void **state)
{
    static const int32_t errors[LAN_CALLS] = {ACME_ERR_NET,   ACME_ERR_CONNECT, ACME_ERR_CONNECT,
                                              ACME_ERR_LIMIT, ACME_ERR_CONNECT, ACME_ERR_CLOSED,
                                              ACME_ERR_CLOSED};
    uint32_t at;

    (void)state;
    server->tamper = truncate; /* so that all of them are called */
    for (lan.fail_call = LAN_UDP_OPEN; lan.fail_call <= LAN_RECV; lan.fail_call++) {
        lan.fail_error = errors[lan.fail_call];
        for (at = 1; at <= 3; at++) {
            lan_bench_clear();
            lan.fail_at = at;
            assert_int_equal(ask("a.example"), ACME_OK);
            assert_true(lan.calls[lan.fail_call] < at ||
                        strstr(bench_lines, "dns: asking the server again") != NULL);
        }
    }
    lan_bench_clear();
}

static void test_a_dead_server_is_told(void **state)
{
    (void)state;
    server->unreachable = server->refused = true;
    assert_int_equal(ask("a.example"), ACME_ERR_CONNECT);
    server->unreachable = false;
    server->dark = true;
    assert_int_equal(ask("a.example"), ACME_ERR_CONNECT);
    assert_int_equal(server->udp + server->tcp, 0);
    /* A stream that closes without a word is a network that fails. */
    server->refused = false;
    lan.fail_call = LAN_RECV;
    lan.fail_error = ACME_ERR_CLOSED;
    lan.fail_at = lan.calls[LAN_RECV] + 1;
    assert_int_equal(ask("a.example"), ACME_OK);
}

/* Without random numbers nothing is asked: neither with an id nor from a port that can be guessed.
 */
static void test_no_random_numbers_no_question(void **state)
{
    (void)state;
    random_fail_at = 1;
    assert_int_equal(ask("a.example"), ACME_ERR_CRYPTO);
    assert_int_equal(server->udp + server->tcp, 0);
    random_calls = 0;
    random_fail_at = 2; /* the port */
    server->refused = true;
    assert_int_equal(ask("a.example"), ACME_OK);
    assert_int_equal(server->udp, 1);
}

static void test_long_requests(void **state)
{
    struct acme_dns_writer w;

    (void)state;
    acme_dns_write_begin(&w, client.request, sizeof(client.request), 7, ACME_DNS_OPCODE_UPDATE);
    acme_dns_write_question(&w, "example", ACME_DNS_TYPE_SOA, ACME_DNS_CLASS_IN);
    while (w.len < 513) {
        acme_dns_write_txt(&w, ACME_DNS_UPDATE, "a.example", ACME_DNS_CLASS_IN, 60, "text");
    }
    client.request_len = (uint16_t)w.len;
    assert_int_equal(acme_dns_client_start(&client, &where), ACME_OK);
    assert_int_equal(lan_bench_drive(poll_client, &client, 60000), ACME_OK);
    assert_true(server->udp == 0 && server->tcp == 1); /* over a stream at once */
    client.request_len = 11;
    assert_int_equal(acme_dns_client_start(&client, &where), ACME_ERR_ARGUMENT);
}

/* ---- lookups ---- */

static int32_t poll_lookup(void *ctx, uint32_t *wait_ms)
{
    return acme_dns_lookup_poll(ctx, wait_ms);
}

static int32_t look(const char *name, uint16_t type)
{
    int32_t rc = acme_dns_lookup_start(&lookup, &client, &where, name, type, true);

    return rc == ACME_OK ? lan_bench_drive(poll_lookup, &lookup, 600000) : rc;
}

static int32_t poll_host(void *ctx, uint32_t *wait_ms)
{
    return acme_dns_lookup_poll_host(&lookup, ctx, wait_ms);
}

static int32_t look_host(const char *name, struct acme_address *address)
{
    int32_t rc = acme_dns_lookup_start(&lookup, &client, &where, name, ACME_DNS_TYPE_A, true);

    return rc == ACME_OK ? lan_bench_drive(poll_host, address, 600000) : rc;
}

static void test_cnames(void **state)
{
    struct acme_address a;

    (void)state;
    sim_lan_name(&lan, "a.example", ACME_DNS_TYPE_CNAME, "b.example");
    sim_lan_name(&lan, "b.example", ACME_DNS_TYPE_CNAME, "c.example");
    sim_lan_address(&lan, "c.example", "192.0.2.77");
    for (int i = 0; i < 2; i++) { /* in one reply, then question by question */
        server->udp = 0;
        server->no_chase = i == 1;
        assert_int_equal(look_host("A.example", &a), ACME_OK);
        assert_int_equal(a.bytes[3], 77);
        assert_string_equal(lookup.name, "c.example");
        assert_true(lookup.exists);
        assert_int_equal(server->udp, i == 0 ? 1 : 3);
    }
    assert_int_equal(look("a.example", ACME_DNS_TYPE_CNAME), ACME_OK); /* the CNAME itself */
    assert_string_equal(lookup.name, "a.example");
    /* One that leads to nothing. */
    sim_lan_name(&lan, "d.example", ACME_DNS_TYPE_CNAME, "gone.example");
    assert_int_equal(look("d.example", ACME_DNS_TYPE_A), ACME_OK);
    assert_false(lookup.exists);
    assert_int_equal(look_host("d.example", &a), ACME_ERR_RESOLVE);
}

static size_t nxdomain(struct lan_server *s, uint8_t *reply, size_t len, bool tcp)
{
    (void)s;
    (void)tcp;
    reply[3] = (uint8_t)((reply[3] & 0xf0) | ACME_DNS_NXDOMAIN);
    return len;
}

/* A resolver that went to the end and says there is nothing is not asked again (RFC 6604). */
static void test_a_cname_to_a_name_that_is_not(void **state)
{
    (void)state;
    sim_lan_name(&lan, "a.example", ACME_DNS_TYPE_CNAME, "gone.example");
    server->tamper = nxdomain;
    assert_int_equal(look("a.example", ACME_DNS_TYPE_A), ACME_OK);
    assert_int_equal(server->udp, 1);
    assert_string_equal(lookup.name, "gone.example");
    assert_false(lookup.exists);
}

static void test_cnames_without_end(void **state)
{
    (void)state;
    sim_lan_name(&lan, "a.example", ACME_DNS_TYPE_CNAME, "b.example");
    sim_lan_name(&lan, "b.example", ACME_DNS_TYPE_CNAME, "a.example");
    assert_int_equal(look("a.example", ACME_DNS_TYPE_A), ACME_ERR_LIMIT); /* in one reply */
    assert_int_equal(server->udp, 1);
    server->no_chase = true;
    assert_int_equal(look("a.example", ACME_DNS_TYPE_A), ACME_ERR_LIMIT);
    assert_in_range(server->udp, 2, 20);
}

static void test_records_that_do_not_count(void **state)
{
    struct acme_address a;

    (void)state;
    sim_lan_address(&lan, "a.example", "192.0.2.7")->rclass = 3;
    sim_lan_record(&lan, "a.example", ACME_DNS_TYPE_A, "\1\2\3", 3);
    sim_lan_record(&lan, "a.example", ACME_DNS_TYPE_A, "\1\2\3\4\5", 5);
    assert_int_equal(look_host("a.example", &a), ACME_ERR_RESOLVE);
    sim_lan_record(&lan, "a.example", ACME_DNS_TYPE_AAAA, "\1\2\3\4", 4);
    sim_lan_address(&lan, "a.example", "2001:db8::7");
    assert_int_equal(look_host("a.example", &a), ACME_OK);
    assert_true(a.family == 6 && a.bytes[15] == 7);
}

/* An answer about somebody else, in front of the one that was asked for. */
static size_t add_foreign(struct lan_server *s, uint8_t *reply, size_t len, bool tcp)
{
    static const uint8_t record[] = "\1b\7example\0\0\1\0\1\0\0\0\1\0\4\12\0\0\1";
    size_t question = 12 + 11 + 4, n = sizeof(record) - 1;

    (void)s;
    (void)tcp;
    memmove(reply + question + n, reply + question, len - question);
    memcpy(reply + question, record, n);
    reply[7]++;
    return len + n;
}

static size_t add_garbage(struct lan_server *s, uint8_t *reply, size_t len, bool tcp)
{
    (void)s;
    (void)tcp;
    reply[len] = 0;
    return len + 1;
}

static size_t claim_more(struct lan_server *s, uint8_t *reply, size_t len, bool tcp)
{
    (void)s;
    (void)tcp;
    reply[11] = 1;
    return len;
}

static void test_replies_with_something_else_in_them(void **state)
{
    struct acme_address a;

    (void)state;
    sim_lan_address(&lan, "a.example", "192.0.2.7");
    server->tamper = add_foreign;
    assert_int_equal(look_host("a.example", &a), ACME_OK);
    assert_int_equal(a.bytes[0], 192);
    server->tamper = add_garbage;
    assert_int_equal(look("b.example", ACME_DNS_TYPE_A), ACME_ERR_DNS_MESSAGE);
    server->tamper = claim_more;
    assert_int_equal(look("b.example", ACME_DNS_TYPE_A), ACME_ERR_DNS_MESSAGE);
    server->tamper = NULL;
    sim_lan_record(&lan, "c.example", ACME_DNS_TYPE_CNAME, "\3a.b\0", 5);
    assert_int_equal(look("c.example", ACME_DNS_TYPE_A), ACME_ERR_DNS_MESSAGE);
}

static void test_servers_that_say_no(void **state)
{
    struct acme_address a;

    (void)state;
    assert_int_equal(look(LONG, ACME_DNS_TYPE_A), ACME_ERR_NAME);
    assert_int_equal(look("a..b", ACME_DNS_TYPE_A), ACME_ERR_NAME);
    server->rcode = ACME_DNS_REFUSED;
    assert_int_equal(look("a.example", ACME_DNS_TYPE_A), ACME_ERR_DNS_REFUSED);
    assert_int_equal(look_host("a.example", &a), ACME_ERR_DNS_REFUSED);
    server->rcode = ACME_DNS_NOTIMP;
    assert_int_equal(look("a.example", ACME_DNS_TYPE_A), ACME_ERR_DNS_SERVER);
    server->rcode = ACME_DNS_SERVFAIL;
    assert_int_equal(look("a.example", ACME_DNS_TYPE_A), ACME_ERR_DNS_SERVER);
    assert_int_equal(server->udp + server->tcp, 3 + CONFIG_ACME_DNS_TRIES);
}

/* Random numbers fail before the second question of a lookup. */
static void test_no_random_numbers_no_next_question(void **state)
{
    struct acme_address a;

    (void)state;
    random_fail_at = 3;
    assert_int_equal(look_host("a.example", &a), ACME_ERR_CRYPTO); /* AAAA after A */
    sim_lan_name(&lan, "a.example", ACME_DNS_TYPE_CNAME, "b.example");
    server->no_chase = true;
    random_calls = 0;
    assert_int_equal(look("a.example", ACME_DNS_TYPE_A), ACME_ERR_CRYPTO); /* along a CNAME */
}

/* ---- zones ---- */

static int32_t poll_zone(void *ctx, uint32_t *wait_ms)
{
    return acme_dns_zone_poll(ctx, &lookup, wait_ms);
}

static int32_t find_zone(const char *name)
{
    int32_t rc = acme_dns_zone_start(&zone, &lookup, &client, &where, name);

    return rc == ACME_OK ? lan_bench_drive(poll_zone, &zone, 600000) : rc;
}

static void test_zones(void **state)
{
    (void)state;
    sim_lan_zone(&lan, "example", "ns1.example");
    sim_lan_zone(&lan, "sub.example", "ns2.example");
    sim_lan_txt(&lan, "x.y.sub.example", "there");
    assert_int_equal(find_zone("_acme-challenge.x.y.sub.example"), ACME_OK);
    assert_string_equal(zone.name, "sub.example");
    assert_string_equal(zone.primary, "ns2.example");
    assert_string_equal(zone.target, "_acme-challenge.x.y.sub.example");
    server->udp = 0;
    assert_int_equal(find_zone("_acme-challenge.x.y.sub.example"), ACME_OK);
    assert_int_equal(server->udp, 2);                    /* the negative reply says who has it */
    assert_int_equal(find_zone("sub.example"), ACME_OK); /* at its top */
    assert_string_equal(zone.name, "sub.example");
    assert_int_equal(find_zone("_acme-challenge.subexample"), ACME_ERR_DNS_ZONE);
    /* A server that tells no SOA in a negative reply is asked name by name. */
    server->no_authority = true;
    server->udp = 0;
    assert_int_equal(find_zone("_acme-challenge.x.y.sub.example"), ACME_OK);
    assert_string_equal(zone.name, "sub.example");
    assert_int_equal(server->udp, 1 + 4);
    assert_int_equal(find_zone("a.b.c.other"), ACME_ERR_DNS_ZONE);
    assert_int_equal(find_zone(LONG), ACME_ERR_NAME);
    server->rcode = ACME_DNS_REFUSED;
    assert_int_equal(find_zone("sub.example"), ACME_ERR_DNS_ZONE);
    server->rcode = ACME_DNS_NOTIMP;
    assert_int_equal(find_zone("sub.example"), ACME_ERR_DNS_SERVER);
}

static void test_zones_behind_cnames(void **state)
{
    char from[16], to[16];
    int i;

    (void)state;
    sim_lan_zone(&lan, "example", "ns1.example");
    sim_lan_zone(&lan, "other", "ns.other");
    sim_lan_name(&lan, "_acme-challenge.a.example", ACME_DNS_TYPE_CNAME, "proof.other");
    assert_int_equal(find_zone("_acme-challenge.a.example"), ACME_OK);
    assert_string_equal(zone.name, "other");
    assert_string_equal(zone.target, "proof.other");
    /* One on the way up leads out of the zone: it is passed by. */
    sim_lan_name(&lan, "b.example", ACME_DNS_TYPE_CNAME, "c.other");
    server->no_authority = true;
    assert_int_equal(find_zone("x.b.example"), ACME_OK);
    assert_string_equal(zone.name, "example");
    sim_lan_name(&lan, "d.example", ACME_DNS_TYPE_CNAME, "other");
    assert_int_equal(find_zone("x.d.example"), ACME_OK);
    assert_string_equal(zone.name, "example");
    assert_string_equal(zone.primary, "ns1.example");
    /* Too many of them, and one that is malformed. */
    for (i = 0; i < 9; i++) {
        (void)snprintf(from, sizeof(from), "n%d.example", i);
        (void)snprintf(to, sizeof(to), "n%d.example", i + 1);
        sim_lan_name(&lan, from, ACME_DNS_TYPE_CNAME, to);
    }
    assert_int_equal(find_zone("n1.example"), ACME_OK);
    assert_string_equal(zone.target, "n9.example");
    assert_int_equal(find_zone("n0.example"), ACME_ERR_LIMIT);
    sim_lan_record(&lan, "bad.example", ACME_DNS_TYPE_CNAME, "\3a.b\0", 5);
    assert_int_equal(find_zone("bad.example"), ACME_ERR_DNS_MESSAGE);
}

/* SOA records that name no server, of another class, or of a zone that the name is not in. */
static void test_zones_that_lie(void **state)
{
    struct lan_record *soa = sim_lan_record(&lan, "x.example", ACME_DNS_TYPE_SOA, "\5ab", 3);

    (void)state;
    sim_lan_zone(&lan, "example", "ns1.example");
    assert_int_equal(find_zone("x.example"), ACME_OK);
    assert_string_equal(zone.name, "example");
    assert_int_equal(find_zone("y.x.example"), ACME_OK);
    assert_string_equal(zone.name, "example");
    soa->rclass = 3;
    assert_int_equal(find_zone("y.x.example"), ACME_OK);
    assert_string_equal(zone.name, "example");
}

static size_t foreign_authority(struct lan_server *s, uint8_t *reply, size_t len, bool tcp)
{
    struct acme_dns_reader r;
    struct acme_dns_entry e;
    struct acme_dns_writer w = {.data = reply, .size = LAN_MESSAGE, .len = len};

    (void)s;
    (void)tcp;
    if (acme_dns_read_begin(&r, reply, len) != ACME_OK || r.left[ACME_DNS_ANSWER] != 0 ||
        acme_dns_read_next(&r, &e) != ACME_OK) {
        return len;
    }
    /* An NS record, an SOA of a zone elsewhere, and one whose owner no text can hold. */
    acme_dns_write_record(&w, ACME_DNS_AUTHORITY, "example", ACME_DNS_TYPE_NS, ACME_DNS_CLASS_IN, 0,
                          (const uint8_t *)"\1a", 3);
    acme_dns_write_record(&w, ACME_DNS_AUTHORITY, "elsewhere", ACME_DNS_TYPE_SOA, ACME_DNS_CLASS_IN,
                          0, (const uint8_t *)"\1a", 3);
    acme_dns_write_record(&w, ACME_DNS_AUTHORITY, "q", ACME_DNS_TYPE_SOA, ACME_DNS_CLASS_IN, 0,
                          (const uint8_t *)"\1a", 3);
    reply[w.len - 10 - 3 - 2] = ' '; /* "q" becomes a blank */
    return w.len;
}

static void test_authorities_of_other_zones(void **state)
{
    (void)state;
    sim_lan_zone(&lan, "example", "ns1.example");
    server->no_authority = true;
    server->tamper = foreign_authority;
    assert_int_equal(find_zone("a.example"), ACME_OK);
    assert_string_equal(zone.name, "example");
    assert_string_equal(zone.primary, "ns1.example");
}

static void test_no_random_numbers_no_zone(void **state)
{
    uint32_t at;

    (void)state;
    sim_lan_zone(&lan, "example", "ns1.example");
    sim_lan_name(&lan, "a.example", ACME_DNS_TYPE_CNAME, "b.example");
    for (at = 1; at <= 6; at++) { /* by turns the id and the port of each question */
        random_calls = 0;
        random_fail_at = at;
        assert_int_equal(find_zone("a.example"), at % 2 == 1 ? ACME_ERR_CRYPTO : ACME_OK);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_reply_that_is_not_ours_is_passed_over),
        TEST(test_wrong_replies_on_a_stream_are_errors),
        TEST(test_what_servers_may_do_to_the_question),
        TEST(test_truncation),
        TEST(test_streams_that_end_early),
        TEST(test_a_call_that_fails_once),
        TEST(test_a_dead_server_is_told),
        TEST(test_no_random_numbers_no_question),
        TEST(test_long_requests),
        TEST(test_cnames),
        TEST(test_a_cname_to_a_name_that_is_not),
        TEST(test_cnames_without_end),
        TEST(test_records_that_do_not_count),
        TEST(test_replies_with_something_else_in_them),
        TEST(test_servers_that_say_no),
        TEST(test_no_random_numbers_no_next_question),
        TEST(test_zones),
        TEST(test_zones_behind_cnames),
        TEST(test_zones_that_lie),
        TEST(test_authorities_of_other_zones),
        TEST(test_no_random_numbers_no_zone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
