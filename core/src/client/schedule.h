/*
 * The schedule of each certificate, kept in the store: when it is renewed, when the CA is asked for
 * advice, when a failure is tried again. Without CONFIG_ACME_SCHEDULE dates count, and
 * the pause after an installation, until the next reset. It knows no
 * requests and no replies.
 */
#pragma once

#include "client/machine.h"
#include "client/renewal.h"
#include "client/slots.h"

struct acme_client;

/** Whether a slot has no certificate in working order, or one that is to be renewed. */
bool acme_schedule_is_due(const struct acme_client *c, const struct acme_slot *s);
/** The Unix second from which a slot's certificate is renewed. */
int64_t acme_schedule_renew_time(const struct acme_client *c, uint8_t store_slot,
                                 const struct acme_cert_record *cert);
/** The Unix second of the slot's next work, by the trusted time. */
int64_t acme_schedule_next(const struct acme_client *c, const struct acme_slot *s);
/** A job has ended: what it has heard of the time is weighed, and the firmware is told when there
 * is something to do again. */
void acme_schedule_job_ended(struct acme_client *c, int32_t error);
/** A new certificate is in force. Nothing that was ordered for the old one counts any more. */
void acme_schedule_installed(struct acme_client *c, struct acme_slot *s);

#if defined(CONFIG_ACME_SCHEDULE)

/** Whether there is anything to do for a slot in a job that begins now. */
bool acme_schedule_wants(const struct acme_client *c, const struct acme_slot *s);
/** Reads the slots' records and the floor, when the slots are mapped. */
void acme_schedule_load(struct acme_client *c);
/** Whether a failure forbids to try again yet. */
bool acme_schedule_is_blocked(const struct acme_client *c, const struct acme_slot *s);
/** Whether the CA is to be asked for renewal information in a job under way. */
bool acme_schedule_is_look_due(const struct acme_client *c, const struct acme_slot *s);
/** What was tried for the slot failed: it is tried again after a pause of ours, or after what the
 * CA asked for (0: nothing), if that is longer. */
void acme_schedule_failed(struct acme_client *c, struct acme_slot *s, uint32_t asked_s);
/** Whether the slot's jobs have failed so often that a finalized order is given up for another. */
bool acme_schedule_gives_up(const struct acme_slot *s);
/** There is no certificate any more. */
void acme_schedule_forget(struct acme_client *c, struct acme_slot *s);
/** The time by which a slot's pauses run, which are void if they were begun by a clock that has
 * been put back since. */
int64_t acme_schedule_settle(const struct acme_client *c, struct acme_slot *s);
/** Writes the slot's record. A failure is not the job's: what is lost is obtained anew. */
void acme_schedule_write(struct acme_client *c, struct acme_slot *s);
/** An order was made. */
void acme_schedule_ordered(struct acme_client *c, struct acme_slot *s);
/** An order that was finalized is given up: its certificate will never be installed. */
void acme_schedule_burnt(struct acme_client *c, struct acme_slot *s);
/** The Unix second from which another order may be made: so many days after the last one as a power
 * of two, whose exponent is how many were given up since the last installation, at most 16, and
 * a tenth of the life of the certificate that there is. 0: at any time. */
int64_t acme_schedule_order_time(const struct acme_slot *s);
/** Whether another order may be made now; where nobody knows the time it may. */
bool acme_schedule_may_order(const struct acme_client *c, const struct acme_slot *s);
/** The time by which a slot's pauses run, in Unix seconds. */
int64_t acme_schedule_now(const struct acme_client *c, const struct acme_slot *s);
/** Whether a slot has no certificate in working order, or one that may not be put off any longer
 * (acme_renewal_latest). */
bool acme_schedule_is_late(const struct acme_client *c, const struct acme_slot *s);
/** Whether the job that begins keeps the pauses after failures. */
void acme_schedule_hold_back(struct acme_client *c, bool hold_back);
/** Whether it so leaves out a slot. */
bool acme_schedule_is_held_back(const struct acme_client *c, const struct acme_slot *s);
/** A job begins: whether it knows the time. */
void acme_schedule_job_begins(struct acme_client *c, enum acme_job job);
/** The CA has answered a job that did not know the time: leaves out the slots that it so turns out
 * to have no reason for. Before the last moment for that (last) it waits for an answer that tells
 * the time. False: nothing is left. */
bool acme_schedule_look_again(struct acme_client *c, bool last);
/** A number for the CA in use, never 0. */
uint32_t acme_schedule_ca(const struct acme_client *c);
/** Whether nobody has told the time yet, neither a clock nor the CA. */
bool acme_schedule_is_lost(const struct acme_client *c);

#else

static inline void acme_schedule_ordered(struct acme_client *c, struct acme_slot *s)
{
    (void)c;
    (void)s;
}
static inline void acme_schedule_burnt(struct acme_client *c, struct acme_slot *s)
{
    (void)c;
    (void)s;
}
static inline bool acme_schedule_may_order(const struct acme_client *c, const struct acme_slot *s)
{
    (void)c;
    (void)s;
    return true;
}
static inline void acme_schedule_job_begins(struct acme_client *c, enum acme_job job)
{
    (void)c;
    (void)job;
}
static inline bool acme_schedule_look_again(struct acme_client *c, bool last)
{
    (void)c;
    (void)last;
    return true;
}

static inline bool acme_schedule_is_late(const struct acme_client *c, const struct acme_slot *s)
{
    return acme_schedule_is_due(c, s);
}
static inline bool acme_schedule_wants(const struct acme_client *c, const struct acme_slot *s)
{
    return acme_schedule_is_due(c, s);
}
static inline void acme_schedule_load(struct acme_client *c)
{
    (void)c;
}
static inline void acme_schedule_failed(struct acme_client *c, struct acme_slot *s,
                                        uint32_t asked_s)
{
    (void)c;
    (void)s;
    (void)asked_s;
}
static inline bool acme_schedule_gives_up(const struct acme_slot *s)
{
    (void)s;
    return false;
}
static inline void acme_schedule_forget(struct acme_client *c, struct acme_slot *s)
{
    (void)c;
    (void)s;
}
static inline void acme_schedule_hold_back(struct acme_client *c, bool hold_back)
{
    (void)c;
    (void)hold_back;
}
static inline bool acme_schedule_is_held_back(const struct acme_client *c,
                                              const struct acme_slot *s)
{
    (void)c;
    (void)s;
    return false;
}

#endif
