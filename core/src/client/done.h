/*
 * The end of a slot's work and of a job. It must not know what the work was.
 */
#pragma once

#include <stdint.h>

struct acme_client;

int32_t acme_enter_slot_done(struct acme_client *c);
int32_t acme_enter_done(struct acme_client *c);

/** Gives the job up: what it has open is closed, what is stored stays. */
void acme_done_cancel_job(struct acme_client *c);
/** Ends the job: the client is idle. */
void acme_done_end_job(struct acme_client *c);
