/*
 * Authorizations, one after the other. It must not know how an order begins or ends, or how a
 * challenge is met.
 */
#include "client/authorization.h"

#include <string.h>

#include "client/challenge.h"
#include "client/pool.h"
#include "client/proof.h"
#include "client/reply.h"
#include "client/request.h"
#include "client/slots.h"
#include "client/state.h"
#include "client/way.h"

/* ---- whose authorization it is ---- */

int32_t acme_enter_authorization(struct acme_client *c)
{
    uint16_t index = c->order.authorization_index;

    (void)acme_proof_is_told(c, &index);
    ACME_ASSERT(index < c->order.authorization_count);
    return acme_request_post_at(c, c->order.authorizations[index], NULL, ACME_SIGNER_ACCOUNT);
}

static bool is_below(const char *name, const char *domain)
{
    size_t len = strlen(name), domain_len = strlen(domain);

    return len > domain_len && name[len - domain_len - 1] == '.' &&
           acme_str_equal_nocase(name + len - domain_len, domain_len, domain, domain_len);
}

bool acme_authorization_has_ancestor(const struct acme_client *c, const char *name)
{
    const char *ancestor = acme_slots_request(c)->ancestor;

    return ACME_ENABLED(CONFIG_ACME_SUBDOMAINS) && ancestor != NULL && c->directory.subdomains &&
           is_below(name, ancestor);
}

/* An authorization for the ancestor stands for the first name below it, and for all others. */
static int32_t find_ancestor(struct acme_client *c, acme_json_value root, const char *value)
{
    const struct acme_cert_request *request = acme_slots_request(c);
    uint16_t i;

    if (request->ancestor == NULL || !acme_json_true(root, "subdomainAuthAllowed") ||
        !acme_str_equal_nocase(value, strlen(value), request->ancestor,
                               strlen(request->ancestor))) {
        return -1;
    }
    for (i = 0; i < request->names_count; i++) {
        if (is_below(request->names[i], request->ancestor)) {
            c->order.by_ancestor = true;
            return i;
        }
    }
    return -1;
}

/* How well an authorization suits a name of the request: 0 not at all. That of a wildcard has the
 * base name and says so (RFC 8555 7.1.4); some CAs have the wildcard itself, or do not say so: then
 * another name than the one that is meant is better than none. */
static uint32_t suits(acme_json_value root, const char *value, const char *name)
{
    bool has_star = value[0] == '*' && value[1] == '.', is_wildcard = name[0] == '*';
    bool of_wildcard = has_star || acme_json_true(root, "wildcard");

    value += has_star ? 2 : 0;
    name += is_wildcard ? 2 : 0;
    if (!acme_str_equal_nocase(value, strlen(value), name, strlen(name))) {
        return 0;
    }
    return of_wildcard == is_wildcard ? 2 : 1;
}

/* The index of the name that an authorization is for, or -1. */
static int32_t find_name(struct acme_client *c, acme_json_value root, const char *value)
{
    const struct acme_cert_request *request = acme_slots_request(c);
    uint32_t best = 0;
    int32_t found = -1;
    uint16_t i;

    c->order.by_ancestor = false;
    for (i = 0; i < request->names_count; i++) {
        uint32_t how = suits(root, value, request->names[i]);

        if (how > best) {
            best = how;
            found = i;
        }
    }
    return found >= 0 || !ACME_ENABLED(CONFIG_ACME_SUBDOMAINS) ? found
                                                               : find_ancestor(c, root, value);
}

/* ---- from one authorization to the next ---- */

/* All that was to be proven is proven. */
static int32_t all_proven(struct acme_client *c)
{
    if (ACME_ENABLED(CONFIG_ACME_PRE_AUTHORIZATION) && c->order.pre_authorizing) {
        c->pre_authorized = true;
        return acme_order_begin(c);
    }
    /* The order says where to finalize, if it has not yet. */
    return acme_machine_go(c, c->order.finalize != 0 ? ACME_STATE_FINALIZE : ACME_STATE_ORDER);
}

int32_t acme_enter_next_authorization(struct acme_client *c)
{
    const struct acme_order *o = &c->order;

    if (o->authorization_index < o->authorization_count) {
        return acme_machine_go(c, ACME_STATE_AUTHORIZATION);
    }
    return acme_proof_has_records(c) ? acme_proof_next(c) : all_proven(c);
}

static int32_t authorization_valid(struct acme_client *c, acme_json_value root)
{
    uint16_t index;

    acme_proof_take_stale(c, root);
    acme_machine_emit(c, ACME_EVENT_AUTHORIZED, acme_way_name(c));
    acme_challenge_stop(c);
    c->pool_len = c->order.challenge_mark;
    if (acme_proof_is_told(c, &index)) {
        return acme_proof_is_done(c);
    }
    c->order.authorization_index++;
    return acme_enter_next_authorization(c);
}

/* The problem is in the challenge. */
static void read_problem(struct acme_client *c, acme_json_value root)
{
    acme_json_value item = acme_json_first(acme_json_array(root, "challenges"));

    for (; item != NULL; item = acme_json_next(item)) {
        acme_problem_read_error(&c->problem, item);
    }
}

/* The name is the authorization's. */
static int32_t authorization_failed(struct acme_client *c, acme_json_value root)
{
    read_problem(c, root);
    (void)acme_str_copy(c->problem.identifier, sizeof(c->problem.identifier), acme_way_name(c));
    /* A failed authorization stays failed: another way needs another order. */
    return acme_order_leave(c,
                            acme_way_failed(c, ACME_ERR_AUTHORIZATION) ? ACME_STATE_ORDER_AGAIN
                                                                       : ACME_STATE_ORDER_GONE,
                            ACME_ERR_AUTHORIZATION);
}

static int32_t authorization_pending(struct acme_client *c, acme_json_value root)
{
    acme_json_value challenge;
    int32_t rc;

    if (c->order.challenge !=
        0) { /* our challenge is with the CA already, which may tell of trouble */
        read_problem(c, root);
        return acme_order_wait_for_verdict(c, ACME_POLL_DEFAULT_MS);
    }
    challenge = acme_way_choose(c, root);
    if (challenge == NULL) {
        return ACME_ERR_CHALLENGE_NONE;
    }
    rc =
        acme_proof_is_wanted(c) ? acme_proof_take(c, challenge) : acme_challenge_take(c, challenge);
    /* A challenge that cannot be used leaves the others of its authorization. */
    return rc == ACME_OK || rc == ACME_ERR_LIMIT ? rc : acme_way_fail_here(c, rc);
}

/* Whose authorization it is. */
static int32_t take_name(struct acme_client *c, acme_json_value root)
{
    const char *value = acme_json_string(acme_json_object(root, "identifier"), "value");
    int32_t name;

    if (value == NULL) {
        return acme_error_at(&c->machine.place, "identifier", ACME_ERR_FIELD);
    }
    name = find_name(c, root, value);
    if (name < 0) {
        return acme_error_at(&c->machine.place, "identifier", ACME_ERR_ORDER_IDENTIFIERS);
    }
    c->order.name = (uint16_t)name;
    return ACME_OK;
}

int32_t acme_reply_authorization(struct acme_client *c)
{
    acme_json_value root;
    int32_t rc = acme_reply_json(c, &root);

    if (rc == ACME_OK) {
        rc = take_name(c, root);
    }
    if (rc != ACME_OK) {
        return rc;
    }
    switch (acme_reply_status(root)) {
    case ACME_STATUS_NONE:
        return acme_error_at(&c->machine.place, "status", ACME_ERR_FIELD);
    case ACME_STATUS_PENDING:
        return authorization_pending(c, root);
    case ACME_STATUS_PROCESSING: /* it is no status of an authorization, and some CAs have it */
        return acme_order_wait_for_verdict(c, ACME_POLL_DEFAULT_MS);
    case ACME_STATUS_VALID:
        return authorization_valid(c, root);
    default: /* invalid, deactivated, expired, revoked */
        return authorization_failed(c, root);
    }
}

/* ---- the wait for the CA's verdict ---- */

/* Whether, as far as this side can tell, only the CA's verdict on the last name is missing. */
static bool seems_proven(const struct acme_client *c)
{
    const struct acme_order *o = &c->order;

    return !o->pre_authorizing && !acme_proof_has_records(c) && o->proof_fetched &&
           !o->early_tried && o->authorization_index + 1u == o->authorization_count;
}

/* A refusal says seldom when to come again: sooner to a CA that is near. */
int32_t acme_authorization_not_yet(struct acme_client *c)
{
    c->order.early = false;
    return acme_order_wait_for_verdict(c, c->io.settle_ms * 12u);
}

void acme_authorization_was_early(struct acme_client *c)
{
    c->order.early = false;
    acme_machine_emit(c, ACME_EVENT_AUTHORIZED, acme_way_name(c));
    acme_challenge_stop(c);
    acme_challenges_close(&c->challenges);
}

/* The wait ended at wait_until_ms, which acme_poll watches. RFC 8555 7.4: "Once the client believes
 * it has fulfilled the server's requirements". Right, an early finalize saves a request; wrong, it
 * costs none more, for the authorization was not ready either. */
int32_t acme_enter_authorization_wait(struct acme_client *c)
{
    if (ACME_ENABLED(CONFIG_ACME_EARLY_FINALIZE) && seems_proven(c)) {
        c->order.early = c->order.early_tried = true;
        return acme_machine_go(c, ACME_STATE_FINALIZE);
    }
    return acme_machine_go(c, ACME_STATE_AUTHORIZATION);
}
