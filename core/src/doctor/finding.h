/*
 * The doctor's state, and how its findings are told. It is private to core/src/doctor. It must not
 * know how certificates are ordered.
 */
#pragma once

#include "acme/doctor.h"
#include "client/state.h"
#include "dns/lookup.h"

#define ACME_DOCTOR_ADDRESSES  8
#define ACME_DOCTOR_CONNECT_MS 5000u
#define ACME_DOCTOR_NONCE      16

/** A round trip: out to an address and back into this device's listener. */
struct acme_doctor_trip {
    acme_handle out, in;
    uint8_t state;
    uint8_t sent, got;
    uint64_t deadline_ms;
    uint8_t nonce[ACME_DOCTOR_NONCE], back[ACME_DOCTOR_NONCE];
};

struct acme_doctor {
    struct acme_side side; /* the client has its address: it comes first */
    struct acme_client *client;
    struct acme_doctor_config config;
    uint8_t step, sub;   /* sub is 0 when a step begins */
    uint16_t cert, name; /* indexes */
    const char *host;    /* of the name, without "*." */
    bool wildcard, is_address;
    bool has_resolver;
    /* the CA */
    uint32_t request_len; /* of the plain request that is still to be sent */
    bool ca_connected, ca_reached;
    char ca_host[ACME_URI_HOST_MAX + 1];
    char identities[256]; /* the CA's for CAA, each ended by NUL; then an empty one */
    /* names */
    struct acme_dns_server resolver;
    struct acme_address addresses[ACME_DOCTOR_ADDRESSES];
    uint8_t address_count, address;
    uint8_t way; /* 0: http, 1: tls */
    acme_handle listeners[2];
    struct acme_doctor_trip trip;
    const char *caa_at; /* the name whose CAA is asked for */
    struct acme_dns_lookup lookup;
    struct acme_dns_client dns;
};

/** Tells a finding; the rest of it is 0 but for what is set in more (or NULL). */
void acme_doctor_tell(struct acme_doctor *d, enum acme_finding_code code, const char *subject,
                      const char *detail, const struct acme_finding *more);
uint64_t acme_doctor_now_ms(const struct acme_doctor *d);
