/*
 * The certificate of an order: fetched, checked, installed. It must not know how it was ordered.
 */
#pragma once

#include "crypto/cert.h"

struct acme_client;

int32_t acme_enter_certificate(struct acme_client *c);
int32_t acme_reply_certificate(struct acme_client *c);
int32_t acme_enter_install(struct acme_client *c);
/** What becomes of a chain that could not be had, or is of no use. */
int32_t acme_failed_certificate(struct acme_client *c, int32_t error);

/** What a check of the current slot's new chain needs. */
void acme_certificate_describe_check(struct acme_client *c, struct acme_chain_check *check);
/** The new chain and key are whole and in force; what they replace goes. */
void acme_certificate_remove_replaced(struct acme_client *c);
/** After a check has failed: whether there is more memory now, since a connection to the CA that
 * was kept open could be closed. The check is worth another try then. */
bool acme_certificate_has_more_memory(struct acme_client *c, int32_t error);
