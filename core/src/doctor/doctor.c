/*
 * The doctor's job: its steps in their order. It must not know how a step finds out.
 */
#include "acme/config.h"

#if defined(CONFIG_ACME_DOCTOR)

#include "doctor/steps.h"

#include <string.h>

#include "base/assert.h"
#include "net/address.h"

_Static_assert(sizeof(struct acme_doctor) <= ACME_DOCTOR_SIZE, "ACME_DOCTOR_SIZE");

#define STEPS_AT_ONCE 4

typedef int32_t (*step_fn)(struct acme_doctor *d, uint32_t *wait_ms);

/* The first steps happen once, those from FIRST_OF_NAME on for each name. */
#define FIRST_OF_NAME 4
static const step_fn steps[] = {
    acme_doctor_rate_limit, acme_doctor_ca,      acme_doctor_portal, acme_doctor_ports,
    acme_doctor_addresses,  acme_doctor_compare, acme_doctor_reach,  acme_doctor_caa,
};
#define STEP_COUNT (sizeof(steps) / sizeof(steps[0]))

/* The client knows its job by the first member. */
static struct acme_doctor *doctor_of(const struct acme_client *c)
{
    return (struct acme_doctor *)(uintptr_t)c->machine.side;
}

static void close_handle(struct acme_doctor *d, acme_handle *handle)
{
    if (*handle != ACME_HANDLE_NONE) {
        d->client->config.port->net->close(d->client->config.port->net_ctx, *handle);
        *handle = ACME_HANDLE_NONE;
    }
}

/* Closes what the job has open and forgets it. */
static void stop(struct acme_client *c)
{
    struct acme_doctor *d = doctor_of(c);
    int i;

    acme_dns_client_stop(&d->dns);
    close_handle(d, &d->trip.out);
    close_handle(d, &d->trip.in);
    for (i = 0; i < 2; i++) {
        if (d->listeners[i] != ACME_HANDLE_NONE) {
            c->config.port->net->unlisten(c->config.port->net_ctx, d->listeners[i]);
        }
    }
    acme_exchange_close(&c->exchange);
    c->io.in_exchange = false;
    c->machine.side = NULL;
    c->machine.job = ACME_JOB_NONE;
}

/* The next name. One that is an address leads there by itself. */
static bool next_name(struct acme_doctor *d)
{
    const struct acme_config *config = &d->client->config;

    for (; d->cert < config->certs_count; d->cert++, d->name = 0) {
        const struct acme_cert_request *r = &config->certs[d->cert];

        if (d->name < r->names_count) {
            const char *name = r->names[d->name++];

            d->wildcard = name[0] == '*'; /* acme_init let nothing but "*." pass */
            d->host = d->wildcard ? name + 2 : name;
            d->is_address = acme_address_parse(name, &d->addresses[0]) == ACME_OK;
            d->address_count = d->is_address ? 1 : 0;
            return true;
        }
    }
    return false;
}

static int32_t go_on(struct acme_client *c, uint32_t *wait_ms)
{
    struct acme_doctor *d = doctor_of(c);
    int32_t rc = ACME_OK;
    int i;

    for (i = 0; i < STEPS_AT_ONCE && rc == ACME_OK; i++) {
        if (d->step == STEP_COUNT || (d->step == FIRST_OF_NAME && d->host == NULL)) {
            d->host = NULL;
            d->step = FIRST_OF_NAME;
            if (!next_name(d)) {
                stop(c);
                return ACME_OK;
            }
        }
        ACME_ASSERT(d->step < STEP_COUNT && (d->step < FIRST_OF_NAME || d->host != NULL));
        rc = steps[d->step](d, wait_ms);
        if (rc != ACME_ERR_AGAIN) {
            d->step++;
            d->sub = 0;
            rc = ACME_OK;
        }
    }
    return rc;
}

int32_t acme_doctor_start(acme_client *c, const struct acme_doctor_config *config, void *memory,
                          size_t memory_size)
{
    struct acme_doctor *d = memory;
    char host[ACME_IPADDR_TEXT];

    if (acme_machine_is_busy(c)) {
        return ACME_ERR_STATE;
    }
    if (config == NULL || config->on_finding == NULL || d == NULL || (uintptr_t)memory % 8u != 0) {
        return ACME_ERR_ARGUMENT;
    }
    if (memory_size < sizeof(*d)) {
        return ACME_ERR_MEMORY;
    }
    memset(d, 0, sizeof(*d));
    d->client = c;
    d->config = *config;
    d->listeners[0] = d->listeners[1] = d->trip.out = d->trip.in = ACME_HANDLE_NONE;
    acme_dns_client_init(&d->dns, c->config.port);
    if (config->resolver != NULL) {
        if (acme_endpoint_split(config->resolver, ACME_DNS_PORT, host, sizeof(host),
                                &d->resolver.port) != ACME_OK ||
            acme_address_parse(host, &d->resolver.address) != ACME_OK) {
            return ACME_ERR_ARGUMENT;
        }
        d->has_resolver = true;
    }
    d->side.poll = go_on;
    d->side.stop = stop;
    c->machine.side = &d->side;
    c->machine.job = ACME_JOB_SIDE;
    c->machine.result = ACME_OK;
    c->slot = -1;
    return ACME_OK;
}

#endif
