/*
 * The doctor's steps. They are private to core/src/doctor.
 */
#pragma once

#include "doctor/finding.h"

/* Steps: ACME_OK when done, ACME_ERR_AGAIN with *wait_ms lowered. They tell their failures. */
int32_t acme_doctor_rate_limit(struct acme_doctor *d, uint32_t *wait_ms);
int32_t acme_doctor_ca(struct acme_doctor *d, uint32_t *wait_ms);
int32_t acme_doctor_portal(struct acme_doctor *d, uint32_t *wait_ms);
int32_t acme_doctor_ports(struct acme_doctor *d, uint32_t *wait_ms);
int32_t acme_doctor_addresses(struct acme_doctor *d, uint32_t *wait_ms);
int32_t acme_doctor_compare(struct acme_doctor *d, uint32_t *wait_ms);
int32_t acme_doctor_reach(struct acme_doctor *d, uint32_t *wait_ms);
int32_t acme_doctor_caa(struct acme_doctor *d, uint32_t *wait_ms);

/** Holds the clock against the Date of the CA's reply. */
void acme_doctor_check_clock(struct acme_doctor *d);
