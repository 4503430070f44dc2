/*
 * How a job begins. It must not know what it does.
 */
#pragma once

#include "client/machine.h"

/** Begins a job on a client that is idle; goal is the state where it goes once the account is known
 * (DONE: nowhere). ACME_ERR_STATE, ACME_ERR_NO_CLOCK, ACME_ERR_STORE_*. */
int32_t acme_job_begin(struct acme_client *c, enum acme_job job, enum acme_state goal);
