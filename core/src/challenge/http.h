/*
 * http-01 (RFC 8555 8.3): the core's own responder on the challenge port. It answers one path with
 * one key authorization, and everything else with 404. It knows streams, not orders.
 */
#pragma once

#include <stdbool.h>

#include "acme/config.h"
#include "acme/port.h"

struct acme_responder_stream {
    acme_handle handle;
    uint32_t deadline_ms;
    uint16_t head_len; /* bytes of the request's head */
    uint16_t matched;  /* of them, from the first on, those of the one good request */
    uint16_t sent;
    uint8_t state;
    uint8_t newlines; /* towards the end of the request's head */
};

struct acme_responder {
    const struct acme_net_ops *net;
    void *net_ctx;
    acme_handle listener;
    const char *token;             /* lent by the caller while open */
    const char *key_authorization; /* likewise */
    uint32_t served;               /* right answers given */
    struct acme_responder_stream streams[CONFIG_ACME_HTTP_01_STREAMS];
};

void acme_responder_init(struct acme_responder *r, const struct acme_net_ops *net, void *net_ctx);
/** Opens the listener. ACME_OK, ACME_ERR_LISTEN, ACME_ERR_LIMIT. */
int32_t acme_responder_open(struct acme_responder *r, uint16_t port);
/** Sets what is answered. Both NULL: nothing. */
void acme_responder_set(struct acme_responder *r, const char *token, const char *key_authorization);
/** Accepts, reads and answers, as far as it goes without waiting. */
void acme_responder_poll(struct acme_responder *r, uint64_t now_ms);
/** Closes everything. Fine when closed already. */
void acme_responder_close(struct acme_responder *r);
