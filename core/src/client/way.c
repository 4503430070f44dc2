/*
 * The choice among the ways to prove a name. It must not know how a challenge is met.
 */
#include "client/way.h"

#include <string.h>

#include "client/machine.h"
#include "client/reply.h"
#include "client/slots.h"
#include "client/state.h"

static acme_json_value find_challenge(acme_json_value authorization, const char *type)
{
    acme_json_value item = acme_json_first(acme_json_array(authorization, "challenges"));

    for (; item != NULL; item = acme_json_next(item)) {
        const char *have = acme_json_string(item, "type");

        if (have != NULL && strcmp(have, type) == 0) {
            return item;
        }
    }
    return NULL;
}

const char *acme_way_name(const struct acme_client *c)
{
    const struct acme_cert_request *request = acme_slots_request(c);

    if (ACME_ENABLED(CONFIG_ACME_SUBDOMAINS) && c->order.by_ancestor) {
        return request->ancestor;
    }
    ACME_ASSERT(c->order.name < request->names_count);
    return request->names[c->order.name];
}

int32_t acme_way_fail_here(struct acme_client *c, int32_t error)
{
    if (!acme_way_failed(c, error)) {
        return error;
    }
    /* From the first authorization again, within the same order: those that are proven say so. */
    c->order.authorization_index = 0;
    return acme_order_leave(c, ACME_STATE_AUTHORIZATION, error);
}

#if defined(ACME_CHALLENGE_CHOICE)
#define BIT(type) (1u << (type))

void acme_way_begin(struct acme_client *c)
{
    memset(&c->ways, 0, sizeof(c->ways));
}

/* The types to try, in order, ended by ACME_CHALLENGE_NONE or by the array; *named: somebody asked
 * for these. */
static const uint8_t *wanted_types(const struct acme_client *c, bool *named)
{
    static const uint8_t all[ACME_CHALLENGE_TYPES] = {
        ACME_CHALLENGE_HTTP_01, ACME_CHALLENGE_TLS_ALPN_01, ACME_CHALLENGE_DNS_01,
        ACME_CHALLENGE_DNS_ACCOUNT_01, ACME_CHALLENGE_DNS_PERSIST_01};

    *named = true;
    if (acme_slots_request(c)->challenges[0] != ACME_CHALLENGE_NONE) {
        return acme_slots_request(c)->challenges;
    }
    *named = c->config.challenges[0] != ACME_CHALLENGE_NONE;
    return *named ? c->config.challenges : all;
}

/* What a name needs to be proven by: ACME_PROVES_*. */
static uint8_t kind_of(const char *name)
{
    if (acme_way_is_address(name)) {
        return ACME_PROVES_ADDRESS;
    }
    return name[0] == '*' ? ACME_PROVES_WILDCARD : ACME_PROVES_NAME;
}

#if defined(CONFIG_ACME_DNS)
/* Whether the surroundings let us; a type that nobody named is not tried in the dark. */
static bool is_possible(const struct acme_client *c, const struct acme_challenge_ops *ops,
                        bool named)
{
    const struct acme_dns_ops *dns = c->challenges.dns;

    if (ops->publishes) {
        return dns != NULL && dns->present != NULL;
    }
    return ops->record == NULL || named || (dns != NULL && dns->lookup != NULL);
}
#else
static bool is_possible(const struct acme_client *c, const struct acme_challenge_ops *ops,
                        bool named)
{
    (void)c;
    (void)ops;
    (void)named;
    return true;
}
#endif

/* A candidate, and how good it is: 0 is none; a type that failed for another name comes after one
 * that did not, and before both one that the CA is at already. */
enum rank { RANK_NONE, RANK_FAILED_ONCE, RANK_GOOD, RANK_SENT };

static enum rank rank_of(const struct acme_client *c, const struct acme_challenge_ops *ops,
                         acme_json_value challenge)
{
    uint8_t kind = kind_of(acme_way_name(c));

    if (challenge == NULL || (ops->proves & kind) == 0 ||
        (c->ways.failed[c->order.name] & BIT(ops->type)) != 0) {
        return RANK_NONE;
    }
    if (acme_reply_status(challenge) == ACME_STATUS_PROCESSING) {
        return RANK_SENT;
    }
    return (c->ways.failed_once & BIT(ops->type)) != 0 ? RANK_FAILED_ONCE : RANK_GOOD;
}

acme_json_value acme_way_choose(struct acme_client *c, acme_json_value authorization)
{
    bool named;
    const uint8_t *types = wanted_types(c, &named);
    acme_json_value chosen = NULL;
    enum rank best = RANK_NONE;
    uint32_t left = 0;
    size_t i;

    c->order.type = NULL;
    for (i = 0; i < ACME_CHALLENGE_TYPES && types[i] != ACME_CHALLENGE_NONE; i++) {
        const struct acme_challenge_ops *ops = acme_challenge_find(types[i]);
        acme_json_value challenge = ops == NULL ? NULL : find_challenge(authorization, ops->name);
        enum rank rank =
            ops == NULL || !is_possible(c, ops, named) ? RANK_NONE : rank_of(c, ops, challenge);

        left |= rank == RANK_NONE ? 0 : BIT(ops->type);
        if (rank > best) {
            best = rank;
            chosen = challenge;
            c->order.type = ops;
        }
    }
    c->order.alternatives = (uint8_t)(best == RANK_NONE ? 0U : left & ~BIT(c->order.type->type));
    return chosen;
}

bool acme_way_failed(struct acme_client *c, int32_t error)
{
    struct acme_order *o = &c->order;

    if (o->type == NULL) {
        return false;
    }
    c->ways.failed[o->name] = (uint8_t)(c->ways.failed[o->name] | BIT(o->type->type));
    c->ways.failed_once = (uint8_t)(c->ways.failed_once | BIT(o->type->type));
    if (o->alternatives != 0) {
        acme_machine_emit_failure(c, ACME_EVENT_CHALLENGE_FAILED, error, o->type->name);
    }
    return o->alternatives != 0;
}
#else
acme_json_value acme_way_choose(struct acme_client *c, acme_json_value authorization)
{
    (void)c;
    return find_challenge(authorization, "http-01");
}
#endif
