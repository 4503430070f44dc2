/*
 * What stands in for dns/message.c where its callers are proved: each proves what its callers must
 * keep, and does anything that is proved of the function in dns/prove_dns_message.c. After
 * dns/message.h.
 */
#ifndef ACME_PROOF_DNS_H
#define ACME_PROOF_DNS_H

/* Of values: a loop's invariant may not call functions. */
#define IS_READER(r)                                                                               \
    ((r).len >= ACME_DNS_HEAD_SIZE && (r).at >= ACME_DNS_HEAD_SIZE && (r).at <= (r).len &&         \
     (r).len <= UINT16_MAX)
#define IS_ENTRY(r, e)                                                                             \
    ((e).start >= ACME_DNS_HEAD_SIZE && (e).start <= (e).rdata && (e).rdata - (e).start >= 5 &&    \
     (e).rdata <= (r).len && (e).rdata_len <= (r).len - (e).rdata)
/* One that did not begin has nothing to read. */
#define IS_EMPTY(r)                                                                                \
    ((r).len == 0 && (r).at == 0 && (r).left[0] == 0 && (r).left[1] == 0 && (r).left[2] == 0 &&    \
     (r).left[3] == 0)

struct acme_dns_reader nondet_reader(void);
struct acme_dns_entry nondet_entry(void);

/* Any message of up to so many bytes that was begun, and read up to any place. */
static void any_message(struct acme_dns_reader *r, size_t most)
{
    size_t len = any_size(most);

    *r = nondet_reader();
    r->data = any_bytes(len, most);
    r->len = len;
    ASSUME(IS_READER(*r));
}

/* An entry as acme_dns_read_next leaves it. */
static struct acme_dns_entry any_entry_of(const struct acme_dns_reader *r)
{
    struct acme_dns_entry e = nondet_entry();

    ASSUME(IS_ENTRY(*r, e));
    return e;
}

#if !defined(PROOF_REAL_MESSAGE)

int32_t acme_dns_read_begin(struct acme_dns_reader *r, const uint8_t *data, size_t len)
{
    PROVE(__CPROVER_r_ok(data, len));
    if (len < ACME_DNS_HEAD_SIZE || nondet_bool()) {
        memset(r, 0, sizeof(*r));
        return ACME_ERR_DNS_MESSAGE;
    }
    *r = nondet_reader();
    r->data = data;
    r->len = len;
    r->at = ACME_DNS_HEAD_SIZE;
    ASSUME(IS_READER(*r));
    return ACME_OK;
}

int32_t acme_dns_read_next(struct acme_dns_reader *r, struct acme_dns_entry *e)
{
    struct acme_dns_reader before = *r;

    PROVE(IS_READER(before) || IS_EMPTY(before));
    *e = nondet_entry();
    if (IS_EMPTY(before) || nondet_bool()) {
        return before.at == before.len ? ACME_ERR_NOT_FOUND : ACME_ERR_DNS_MESSAGE;
    }
    if (nondet_bool()) {
        return ACME_ERR_DNS_MESSAGE;
    }
    *r = nondet_reader();
    r->data = before.data;
    r->len = before.len;
    ASSUME(IS_READER(*r) && r->at > before.at && IS_ENTRY(*r, *e) && e->start == before.at &&
           e->rdata + e->rdata_len == r->at);
    return ACME_OK;
}

int32_t acme_dns_read_name(const struct acme_dns_reader *r, size_t at,
                           char name[ACME_DNS_NAME_SIZE], size_t *end)
{
    struct acme_dns_reader copy = *r;

    PROVE(IS_READER(copy));
    PROVE(__CPROVER_w_ok(name, ACME_DNS_NAME_SIZE));
    __CPROVER_havoc_slice(name, ACME_DNS_NAME_SIZE);
    ASSUME(name[ACME_DNS_NAME_SIZE - 1] == '\0');
    if (end != NULL) {
        *end = nondet_size();
        ASSUME(*end <= copy.len);
    }
    if (nondet_bool()) {
        return ACME_ERR_DNS_MESSAGE;
    }
    ASSUME(end == NULL || *end > 0);
    return ACME_OK;
}

int32_t acme_dns_read_target(const struct acme_dns_reader *r, const struct acme_dns_entry *e,
                             char name[ACME_DNS_NAME_SIZE])
{
    PROVE(IS_ENTRY(*r, *e));
    return acme_dns_read_name(r, e->rdata, name, NULL);
}

bool acme_dns_is_name(const struct acme_dns_reader *r, size_t at, const char *name)
{
    struct acme_dns_reader copy = *r;

    (void)at;
    PROVE(IS_READER(copy) && __CPROVER_r_ok(name, 1));
    return nondet_bool();
}

bool acme_dns_same_name(const char *a, const char *b)
{
    PROVE(__CPROVER_r_ok(a, 1) && __CPROVER_r_ok(b, 1));
    return nondet_bool();
}

#endif
#endif
