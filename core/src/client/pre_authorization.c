/*
 * Authorizations before an order. It must not know how one is proven.
 */
#include "client/pre_authorization.h"

#include "acme/config.h"

#if defined(CONFIG_ACME_PRE_AUTHORIZATION)

#include "client/authorization.h"
#include "client/pool.h"
#include "client/request.h"
#include "client/slots.h"
#include "client/state.h"
#include "client/way.h"

/* The next name that can be proven before an order: not a wildcard, and once for all names that
 * have their ancestor proven. NULL: there is none. */
static const char *next_to_authorize(struct acme_client *c, bool *by_ancestor)
{
    const struct acme_cert_request *request = acme_slots_request(c);
    struct acme_order *o = &c->order;

    *by_ancestor = false;
    for (; o->use.next_name < request->names_count; o->use.next_name++) {
        const char *name = request->names[o->use.next_name];

        if (acme_str_is_repeated(request->names, o->use.next_name)) {
            continue;
        }
        if (!acme_authorization_has_ancestor(c, name)) {
            if (name[0] != '*') {
                return name;
            }
        } else if (!o->by_ancestor) { /* else it was asked for already */
            *by_ancestor = true;
            return request->ancestor;
        }
    }
    return NULL;
}

static bool is_wanted(const struct acme_client *c)
{
    return acme_slots_request(c)->pre_authorize && !c->pre_authorized &&
           c->directory.urls[ACME_URL_NEW_AUTHZ] != 0;
}

int32_t acme_enter_new_authorization(struct acme_client *c)
{
    struct acme_order *o = &c->order;
    struct acme_buf payload;
    bool by_ancestor;
    const char *name;

    if (!o->pre_authorizing) {
        if (!is_wanted(c)) {
            return acme_machine_go(c, ACME_STATE_NEW_ORDER);
        }
        o->pre_authorizing = true;
        c->pool_len = c->pool_order_mark;
    }
    name = next_to_authorize(c, &by_ancestor);
    if (name == NULL) {
        o->challenge_mark = c->pool_len;
        return acme_machine_go(c, ACME_STATE_NEXT_AUTHORIZATION);
    }
    acme_request_payload(c, &payload);
    acme_buf_add_form(&payload, "{\"identifier\":{\"type\":\"$\",\"value\":\"@\"",
                      acme_way_is_address(name) ? "ip" : "dns", name);
    acme_buf_add(&payload, by_ancestor ? ",\"subdomainAuthAllowed\":true}}" : "}}");
    return acme_request_post_at(c, c->directory.urls[ACME_URL_NEW_AUTHZ], &payload,
                                ACME_SIGNER_ACCOUNT);
}

int32_t acme_reply_new_authorization(struct acme_client *c)
{
    const struct acme_http_response *r = &c->exchange.parser.response;
    struct acme_order *o = &c->order;
    bool by_ancestor;
    int32_t rc;

    if (r->status != 201 && r->status != 200) {
        return ACME_ERR_HTTP_STATUS;
    }
    if (r->location[0] == '\0') {
        return acme_error_at(&c->machine.place, "Location", ACME_ERR_FIELD);
    }
    rc = acme_pool_add_url(c, r->location, &o->authorizations[o->authorization_count]);
    if (rc != ACME_OK) {
        return rc;
    }
    (void)next_to_authorize(c, &by_ancestor);
    o->by_ancestor = o->by_ancestor || by_ancestor;
    o->use.next_name++;
    o->authorization_count++;
    return acme_machine_go(c, ACME_STATE_NEW_AUTHORIZATION);
}
#endif
