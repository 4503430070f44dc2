/*
 * Renewal information (RFC 9773): asks the CA when a certificate should be renewed. It must not
 * renew.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "acme/config.h"

struct acme_client;
struct acme_slot;

int32_t acme_enter_renewal_info(struct acme_client *c);
int32_t acme_reply_renewal_info(struct acme_client *c);
/** The CA has no answer for the current slot: whatever goes wrong here is not the job's failure. */
int32_t acme_failed_renewal_info(struct acme_client *c, int32_t error);

/** Goes to RENEWAL_INFO for the next certificate whose CA is to be asked; false: there is none. */
bool acme_ari_next(struct acme_client *c);
/** The identifier of a slot's certificate; overwrites work. As acme_cert_id. */
int32_t acme_ari_cert_id(struct acme_client *c, const struct acme_slot *s, char *out, size_t size);
