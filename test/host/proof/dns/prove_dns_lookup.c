/*
 * lookup: the walk over a reply. The client and the message's reader are stand-ins: any reply, in
 * which anything is found that the reader is proved to find.
 */
#include "proof.h"

#include "acme/config.h"
#undef CONFIG_ACME_DNS_MESSAGE_MAX
#define CONFIG_ACME_DNS_MESSAGE_MAX 64

#include "acme/error.h"
#include "dns/lookup.h"
#include "proof_dns.h"

static struct acme_dns_client client;

uint16_t acme_dns_client_rcode(const struct acme_dns_client *c)
{
    (void)c;
    return nondet_u16();
}

int32_t acme_dns_client_poll(struct acme_dns_client *c, uint32_t *wait_ms)
{
    PROVE(c == &client);
    *wait_ms = nondet_u32();
    return nondet_i32();
}

int32_t acme_dns_client_ask(struct acme_dns_client *c, const struct acme_dns_server *server,
                            const char *name, uint16_t type, bool recursive)
{
    (void)server;
    (void)type;
    (void)recursive;
    PROVE(c == &client && __CPROVER_r_ok(name, 1));
    return nondet_bool() ? ACME_OK : ACME_ERR_NAME;
}

bool acme_dns_is_below(const char *name, const char *zone)
{
    PROVE(__CPROVER_r_ok(name, 1) && __CPROVER_r_ok(zone, 1));
    return nondet_bool();
}

int32_t acme_str_copy(char *dst, size_t size, const char *src)
{
    PROVE(__CPROVER_w_ok(dst, size) && __CPROVER_r_ok(src, 1));
    return nondet_bool() ? ACME_OK : ACME_ERR_LIMIT;
}

#define READS(r) (IS_READER(r) || IS_EMPTY(r))

/* Of the reply that is read, for the loops' invariants. */
static const uint8_t *the_data;
static size_t the_len;
#define SAME(r) ((r).data == the_data && (r).len == the_len)

#include "dns/lookup.c"

static struct acme_dns_lookup lookup;

struct acme_dns_lookup nondet_lookup(void);

static void any_lookup(void)
{
    lookup = nondet_lookup();
    lookup.client = &client;
    client.reply_len = (uint32_t)any_size(sizeof(client.reply));
    lookup.name[ACME_DNS_NAME_SIZE - 1] = '\0';
    ASSUME(lookup.hops <= HOPS_MAX);
}

/* A lookup in the midst of a reply. */
static void any_reading(void)
{
    any_lookup();
    any_message(&lookup.reader, 64);
    the_data = lookup.reader.data;
    the_len = lookup.reader.len;
}

/* proof: next; unwind 2; any reply of any number of records */
/* invariant: dns/lookup.c next_of; "while (rc == ACME_OK) {"; __CPROVER_assigns(rc, *entry,
 * l->reader) __CPROVER_loop_invariant(IS_READER(l->reader) && SAME(l->reader) && (rc != ACME_OK ||
 * IS_ENTRY(l->reader, *entry))) */
/* of: dns/lookup.c next_of; a reply that was begun; "entry->start, l->name)" -> "entry->start,
 * l->name + 2000)" */
/* of: dns/lookup.c acme_dns_lookup_next; a reply that was begun; "next_of(l, l->type, entry) ==
 * ACME_OK" -> "next_of(l, l->type, entry) <= ACME_OK" */
void next(void)
{
    struct acme_dns_entry e;

    any_reading();
    if (acme_dns_lookup_next(&lookup, &e) == ACME_OK) {
        PROVE(IS_READER(lookup.reader) && IS_ENTRY(lookup.reader, e));
        SHOW(e.rdata_len == 16);
    }
}

int32_t any_next_of(struct acme_dns_lookup *l, uint16_t type, struct acme_dns_entry *e)
{
    (void)type;
    PROVE(READS(l->reader));
    if (IS_EMPTY(l->reader) || nondet_bool()) {
        return nondet_bool() ? ACME_ERR_NOT_FOUND : ACME_ERR_DNS_MESSAGE;
    }
    *e = any_entry_of(&l->reader);
    return ACME_OK;
}

/* proof: hops; unwind 19; any reply, along CNAMEs of any number */
/* calls: next_of -> any_next_of */
/* of: dns/lookup.c hop; a lookup that has a reply; "!= ACME_OK) {\n        return
 * ACME_ERR_NOT_FOUND;"
 * -> "== ACME_ERR_BUFFER) {\n        return ACME_ERR_NOT_FOUND;" */
/* of: dns/lookup.c follow; a lookup that has a reply; "rc = next_of(l, l->type, &entry);" -> "rc =
 * next_of(l, l->type, &entry + 1);" */
/* of: dns/lookup.c acme_dns_lookup_rewind; a lookup with a client; "l->client->reply_len);" ->
 * "l->client->reply_len + 2000u);" */
/* of: dns/lookup.c acme_dns_lookup_poll; a lookup that was started; "rc = follow(l);" -> "l->hops =
 * HOPS_MAX + 1;\n    rc = follow(l);" */
void hops(void)
{
    uint32_t wait_ms;

    any_lookup();
    SHOW(acme_dns_lookup_poll(&lookup, &wait_ms) == ACME_ERR_AGAIN);
}

int32_t any_lookup_next(struct acme_dns_lookup *l, struct acme_dns_entry *e)
{
    return any_next_of(l, 0, e) == ACME_OK ? ACME_OK : ACME_ERR_NOT_FOUND;
}

/* proof: address; unwind 2; any reply of any number of records */
/* calls: acme_dns_lookup_next -> any_lookup_next */
/* invariant: dns/lookup.c acme_dns_lookup_address; "while (acme_dns_lookup_next(l, &entry) ==
 * ACME_OK) {"; __CPROVER_assigns(entry) __CPROVER_loop_invariant(IS_READER(l->reader)) */
/* of: dns/lookup.c acme_dns_lookup_address; a lookup that has a reply; "entry.rdata_len == size" ->
 * "entry.rdata_len <= size" */
void address(void)
{
    struct acme_address found;

    any_reading();
    SHOW(acme_dns_lookup_address(&lookup, &found) == ACME_OK && found.family == 6);
}

/* proof: authority; unwind 2; any reply of any number of records */
/* invariant: dns/lookup.c acme_dns_lookup_authority; "while (acme_dns_read_next(&l->reader, &entry)
 * == ACME_OK) {"; __CPROVER_assigns(entry, l->reader, __CPROVER_object_whole(zone))
 * __CPROVER_loop_invariant(READS(l->reader)) */
/* of: dns/lookup.c acme_dns_lookup_authority; a lookup that has a reply, and room for two names;
 * "entry.start, zone, NULL)" -> "entry.start, zone + 1, NULL)" */
void authority(void)
{
    char zone[ACME_DNS_NAME_SIZE], primary[ACME_DNS_NAME_SIZE];

    any_lookup();
    SHOW(acme_dns_lookup_authority(&lookup, zone, primary) == ACME_OK);
}

/* not: dns/lookup.c ask acme_dns_lookup_start acme_dns_lookup_poll_host; they read no foreign byte:
 * what is asked, and what the functions above have found */
