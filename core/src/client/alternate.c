/*
 * The choice among the chains that a CA offers for one certificate (RFC 8555 7.4.2). One chain is
 * on flash at a time: each is fetched and looked at, and the one that suits is fetched last. It
 * must not know how a chain is checked or stored.
 */
#include "client/alternate.h"

#if defined(CONFIG_ACME_ALTERNATE_CHAINS)

#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "client/certificate.h"
#include "client/machine.h"
#include "client/order_state.h"
#include "client/pool.h"
#include "client/slots.h"
#include "client/state.h"

/* The CA's own choice, and the links that came with it. Links that do not fit are left out. */
static void take_links(struct acme_client *c)
{
    const struct acme_http_response *r = &c->exchange.parser.response;
    struct acme_chain_choice *o = &c->order.choice;
    uint8_t i;

    o->chains[0] = c->order.certificate;
    o->chains_count = 1;
    o->best_count = UINT8_MAX;
    for (i = 0; i < r->alternate_count; i++) {
        if (acme_pool_add_url(c, r->alternates[i], &o->chains[o->chains_count]) == ACME_OK) {
            o->chains_count++;
        }
    }
}

static bool has_issuer(struct acme_client *c, const char *name)
{
    struct acme_chain_check check;
    struct acme_cert_record record = {.chain_count = c->body.sink.count};
    int32_t rc;
    uint8_t i;

    acme_certificate_describe_check(c, &check);
    for (i = 0; i < record.chain_count; i++) {
        record.lengths[i] = c->body.sink.lengths[i];
    }
    rc = acme_cert_issued_by(&check, &record, name);
    if (acme_certificate_has_more_memory(c, rc)) {
        rc = acme_cert_issued_by(&check, &record, name);
    }
    return rc == ACME_OK;
}

static int32_t fetch(struct acme_client *c, uint8_t index)
{
    c->order.choice.chain_index = index;
    c->order.certificate = c->order.choice.chains[index];
    return acme_machine_go(c, ACME_STATE_CERTIFICATE);
}

/* The chain at hand is looked at: whether it is the one, or the shortest until now. */
static void weigh(struct acme_client *c, const struct acme_cert_request *request)
{
    struct acme_chain_choice *o = &c->order.choice;

    if (c->body.sink.count < o->best_count) {
        o->best_count = c->body.sink.count;
        o->best_index = request->prefer_shortest ? o->chain_index : 0;
    }
    if (request->preferred_issuer == NULL) {
        o->chain_chosen = o->chain_chosen || !request->prefer_shortest;
    } else if (has_issuer(c, request->preferred_issuer)) {
        o->chain_chosen = true;
    }
}

int32_t acme_enter_chain_choice(struct acme_client *c)
{
    struct acme_chain_choice *o = &c->order.choice;

    if (o->chains_count == 0) {
        take_links(c);
    }
    weigh(c, acme_slots_request(c));
    if (o->chain_chosen) {
        return acme_machine_go(c, ACME_STATE_INSTALL);
    }
    if (o->chain_index + 1u < o->chains_count) {
        return fetch(c, (uint8_t)(o->chain_index + 1u));
    }
    o->chain_chosen = true;
    if (o->chain_index == o->best_index) {
        return acme_machine_go(c, ACME_STATE_INSTALL);
    }
    return fetch(c, o->best_index);
}

/* Another chain is not worth asking for twice. */
int32_t acme_problem_chain(struct acme_client *c, int32_t error)
{
    return c->order.choice.chain_index > 0 ? error : acme_order_problem(c, error);
}

/* Whatever is wrong with an alternate chain, the CA's first choice is left. */
int32_t acme_failed_chain(struct acme_client *c, int32_t error)
{
    struct acme_chain_choice *o = &c->order.choice;

    if (acme_error_is_global(error)) {
        return error;
    }
    if (o->chain_index == 0) {
        return acme_failed_certificate(c, error);
    }
    ACME_LOG(c->config.port, ACME_LOG_WARNING,
             "acme: an alternate chain is of no use:", acme_error_text(error), error);
    o->chain_chosen = true;
    return fetch(c, 0);
}
#endif
