/*
 * What any reply has: its JSON, its status, how long to wait. It must not know a resource.
 */
#pragma once

#include "json/json.h"

struct acme_client;

/** The status of an account, order, authorization or challenge (RFC 8555 7.1.6). */
enum acme_status {
    ACME_STATUS_NONE, /* it has none */
    ACME_STATUS_PENDING,
    ACME_STATUS_PROCESSING,
    ACME_STATUS_READY,
    ACME_STATUS_VALID,
    ACME_STATUS_INVALID,
    ACME_STATUS_OTHER
};

/** The reply's JSON object; the content type must be JSON. ACME_ERR_CONTENT_TYPE, _JSON, _ARENA. */
int32_t acme_reply_json(struct acme_client *c, acme_json_value *root);
enum acme_status acme_reply_status(acme_json_value object);
/** The pause that the reply asks for, in ms, at least a second, or fallback_ms where it asks for
 * none. A caller that has no use for more than ceiling_ms gets that for all that is longer. */
uint32_t acme_reply_retry_after(const struct acme_client *c, uint32_t fallback_ms,
                                uint32_t ceiling_ms);
/** How soon the CA may be done with what it has been told, in ms: some round trips to it, as long
 * as the last one took. */
uint16_t acme_reply_settle_time(const struct acme_client *c);
/** Reads the problem document of a reply with status 400 and above into the client's problem, and
 * names its error. */
int32_t acme_reply_problem(struct acme_client *c);
