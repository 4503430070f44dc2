/*
 * The schedule of each certificate, kept in the store: when it is renewed, when the CA is asked for
 * advice, when a failure is tried again. Without CONFIG_ACME_SCHEDULE only dates count. It knows no
 * requests and no replies.
 */
#ifndef ACME_SCHEDULE_H
#define ACME_SCHEDULE_H

#include "client/client_state.h"
#include "client/renewal.h"

/** Whether a slot has no certificate in working order, or one that is to be renewed. */
bool acme_schedule_is_due(const struct acme_client *c, const struct acme_slot *s);

#if defined(CONFIG_ACME_SCHEDULE)
/** The Unix second from which a slot's certificate is renewed. */
int64_t acme_schedule_renew_time(const struct acme_client *c, uint8_t store_slot,
                                 const struct acme_cert_record *cert);
/** Whether there is anything to do for a slot in a job that begins now. */
bool acme_schedule_wants(const struct acme_client *c, const struct acme_slot *s);
/** Reads the slots' records and the floor, when the slots are mapped. */
void acme_schedule_load(struct acme_client *c);
/** Whether a failure forbids to try again yet. */
bool acme_schedule_is_blocked(const struct acme_client *c, const struct acme_slot *s);
/** Whether the CA is to be asked for renewal information. */
bool acme_schedule_is_look_due(const struct acme_client *c, const struct acme_slot *s);
/** The Unix second of the slot's next work, by the trusted time. */
int64_t acme_schedule_next(const struct acme_client *c, const struct acme_slot *s);
/** What was tried for the slot failed: it is tried again after a pause, or when the CA says. */
void acme_schedule_failed(struct acme_client *c, struct acme_slot *s, int32_t error);
/** A new certificate is in force. */
void acme_schedule_installed(struct acme_client *c, struct acme_slot *s);
/** Writes the slot's record. A failure is not the job's: what is lost is obtained anew. */
void acme_schedule_write(struct acme_client *c, struct acme_slot *s);
/** Lets the time that the CA has proven raise the floor, seldom enough for the flash. */
void acme_schedule_note_time(struct acme_client *c);
/** A number for the CA in use, never 0. */
uint32_t acme_schedule_ca(const struct acme_client *c);
/** Whether nobody has told the time yet, neither a clock nor the CA. */
bool acme_schedule_is_lost(const struct acme_client *c);
#else
#define acme_schedule_renew_time(c, store_slot, cert)                                              \
    ((void)(c), acme_renewal_time((cert)->not_before_s, (cert)->not_after_s))
#define acme_schedule_wants acme_schedule_is_due
#endif

#endif
