/*
 * The choice among the ways to prove a name: the types of challenges that are built in, allowed,
 * offered, and have not failed. It must not know how a challenge is met.
 */
#pragma once

#include "base/ipaddr.h"
#include "base/option.h"
#include "challenge/challenge.h"
#include "json/json.h"

struct acme_client;

#if defined(ACME_CHALLENGE_CHOICE)
/** What did not work in the current slot's work, as bits by type. */
struct acme_ways {
    uint8_t failed[CONFIG_ACME_NAMES_MAX]; /* for a name */
    uint8_t failed_once;                   /* for any of them */
};

/** A slot's work begins: no way has failed yet. */
void acme_way_begin(struct acme_client *c);
/** Chooses for the name under way: sets order.type and order.alternatives. Returns the challenge of
 * the authorization, or NULL. */
acme_json_value acme_way_choose(struct acme_client *c, acme_json_value authorization);
/** Remembers that the type under way does not work for its name. Whether there is another one. */
bool acme_way_failed(struct acme_client *c, int32_t error);
#else
acme_json_value acme_way_choose(struct acme_client *c, acme_json_value authorization);
static inline void acme_way_begin(struct acme_client *c)
{
    (void)c;
}
static inline bool acme_way_failed(struct acme_client *c, int32_t error)
{
    (void)c;
    (void)error;
    return false;
}
#endif

/** The name that the authorization under way is for, as it was asked for. */
const char *acme_way_name(const struct acme_client *c);
/** Whether a name is an address (RFC 8738). */
static inline bool acme_way_is_address(const char *name)
{
    uint8_t bytes[16];

    return ACME_ENABLED(CONFIG_ACME_IP_IDENTIFIERS) && acme_ipaddr_parse(name, bytes) > 0;
}
/** We could not do our part: the CA knows nothing of it, so that another type can have the
 * challenge (ACME_OK). Else the error. */
int32_t acme_way_fail_here(struct acme_client *c, int32_t error);
