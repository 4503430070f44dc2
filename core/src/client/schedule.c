/*
 * What is due, and when. It must not know how it is done.
 */
#include "client/schedule.h"

#include <string.h>

#include "client/keys.h"
#include "client/machine.h"
#include "client/state.h"
#include "crypto/jws.h"

#if defined(CONFIG_ACME_SCHEDULE)

#define DAY_S            INT64_C(86400)
#define FLOOR_STEP_S     (7 * DAY_S)   /* the floor is written that seldom, at most */
#define FLOOR_LEAP_S     (400 * DAY_S) /* one answer, be it wrong, moves it by this at most */
#define CALM_S           60
#define GIVE_UP_FAILURES 6u
#define FLOOR_DOUBT_S    60

static uint32_t fnv(uint32_t hash, const char *text)
{
    for (; *text != '\0'; text++) {
        hash = (hash ^ (uint8_t)*text) * 16777619u;
    }
    return hash;
}

uint32_t acme_schedule_ca(const struct acme_client *c)
{
    return fnv(2166136261u, c->config.directory_url) | 1u;
}

/* What differs between devices, and stays: the names, and when the certificate was made. */
static uint32_t seed_of(const struct acme_cert_record *cert)
{
    uint32_t seed = (uint32_t)cert->names_id ^ (uint32_t)(cert->names_id >> 32);

    seed = (seed ^ (uint32_t)cert->not_before_s) * 2654435761u;
    return seed ^ seed >> 16;
}

static const struct acme_slot *slot_of(const struct acme_client *c, uint8_t store_slot)
{
    uint16_t i;

    for (i = 0; i < c->config.certs_count; i++) {
        if (c->slots[i].store_slot == store_slot) {
            return &c->slots[i];
        }
    }
    return NULL;
}

int64_t acme_schedule_renew_time(const struct acme_client *c, uint8_t store_slot,
                                 const struct acme_cert_record *cert)
{
    int64_t latest = acme_renewal_latest(cert->not_before_s, cert->not_after_s);
    const struct acme_slot *s = slot_of(c, store_slot);

    if (s != NULL && s->schedule.renew_at_s != 0) {
        return s->schedule.renew_at_s < latest ? s->schedule.renew_at_s : latest;
    }
    return acme_renewal_spread(cert->not_before_s, cert->not_after_s, seed_of(cert));
}

bool acme_schedule_is_lost(const struct acme_client *c)
{
    int64_t now;

    return !c->time_asked && acme_clock_now(&c->clock, &now) != ACME_OK;
}

static int64_t now_of(const struct acme_client *c)
{
    int64_t now;

    (void)acme_clock_now(&c->clock, &now);
    return now;
}

/* Whether a pause that was begun when the record was written is still on. A clock that has been put
 * back since then ends it: it may have been wrong by years. */
static bool is_pausing(const struct acme_client *c, const struct acme_slot *s, int64_t until_s)
{
    int64_t now = now_of(c);

    return now < until_s && now >= s->schedule.noted_s;
}

bool acme_schedule_is_blocked(const struct acme_client *c, const struct acme_slot *s)
{
    return is_pausing(c, s, s->schedule.retry_at_s);
}

bool acme_schedule_is_look_due(const struct acme_client *c, const struct acme_slot *s)
{
    bool ours = s->schedule.ca == 0 || s->schedule.ca == acme_schedule_ca(c);

    return ACME_ENABLED(CONFIG_ACME_ARI) && s->has_cert && ours && !c->config.no_renewal_info &&
           (c->config.look_now || !is_pausing(c, s, s->schedule.look_at_s));
}

bool acme_schedule_wants(const struct acme_client *c, const struct acme_slot *s)
{
    return acme_schedule_is_due(c, s) || acme_schedule_is_look_due(c, s) ||
           acme_schedule_is_lost(c);
}

/* When there is something to do, pauses aside. */
static int64_t next_work(const struct acme_client *c, const struct acme_slot *s, int64_t now)
{
    int64_t next;

    if (acme_schedule_wants(c, s)) {
        return now;
    }
    next = acme_schedule_renew_time(c, s->store_slot, &s->cert);
    if (ACME_ENABLED(CONFIG_ACME_ARI) && !c->config.no_renewal_info &&
        s->schedule.look_at_s > now && s->schedule.look_at_s < next) {
        next = s->schedule.look_at_s;
    }
    return next;
}

int64_t acme_schedule_next(const struct acme_client *c, const struct acme_slot *s)
{
    int64_t next = next_work(c, s, now_of(c));

    return acme_schedule_is_blocked(c, s) && s->schedule.retry_at_s > next ? s->schedule.retry_at_s
                                                                           : next;
}

void acme_schedule_load(struct acme_client *c)
{
    int64_t floor_s;
    uint16_t i;

    for (i = 0; i < c->config.certs_count; i++) {
        struct acme_slot *s = &c->slots[i];

        /* A record that cannot be read is as none: memory is zero then. */
        (void)acme_store_read_schedule(&c->log, s->store_slot, &s->schedule);
        if (s->occupied && !s->has_cert) { /* of other names */
            memset(&s->schedule, 0, sizeof(s->schedule));
        }
        if (!s->has_cert || s->schedule.generation != s->cert.key_generation) {
            s->schedule.renew_at_s = s->schedule.look_at_s = 0;
            s->schedule.window_start_s = s->schedule.window_end_s = 0;
        }
    }
    if (acme_store_read_floor(&c->log, &floor_s) == ACME_OK) {
        c->floor_written_s = floor_s;
        acme_clock_raise_floor(&c->clock, floor_s);
    }
}

void acme_schedule_write(struct acme_client *c, struct acme_slot *s)
{
    s->schedule.noted_s = now_of(c);
    (void)acme_store_write_schedule(&c->log, s->store_slot, &s->schedule);
}

void acme_schedule_failed(struct acme_client *c, struct acme_slot *s, uint32_t asked_s)
{
    int64_t lifetime = s->has_cert ? s->cert.not_after_s - s->cert.not_before_s : 0;
    int64_t pause, asked = asked_s;
    uint32_t random = 0;

    if (s->schedule.failures < UINT16_MAX) {
        s->schedule.failures++;
    }
    (void)psa_generate_random((uint8_t *)&random, sizeof(random));
    pause = acme_renewal_backoff(s->schedule.failures, lifetime, random);
    asked += asked * (random & 0xff) / 0x800; /* all of a fleet were told the same */
    s->schedule.retry_at_s = now_of(c) + (asked > pause ? asked : pause);
    acme_schedule_write(c, s);
}

bool acme_schedule_gives_up(const struct acme_slot *s)
{
    return s->schedule.failures + 1u >= GIVE_UP_FAILURES;
}

/* A certificate that is due at its birth, by its dates or the CA's word, is not renewed in circles.
 */
static int64_t calm(int64_t left_s)
{
    return left_s / 4 < CALM_S ? left_s / 4 : CALM_S;
}

void acme_schedule_installed(struct acme_client *c, struct acme_slot *s)
{
    memset(&s->schedule, 0, sizeof(s->schedule));
    s->schedule.generation = s->cert.key_generation;
    s->schedule.ca = acme_schedule_ca(c);
    s->schedule.retry_at_s = now_of(c) + calm(s->cert.not_after_s - now_of(c));
    if (ACME_ENABLED(CONFIG_ACME_ARI)) {
        s->schedule.look_at_s =
            now_of(c) + acme_renewal_look(DAY_S / 4, s->cert.not_after_s - s->cert.not_before_s);
    }
    acme_schedule_write(c, s);
}

/* A floor that lags by much of a certificate's life would hide that it is due. */
static int64_t floor_step(const struct acme_client *c)
{
    int64_t step = FLOOR_STEP_S;
    uint16_t i;

    for (i = 0; i < c->config.certs_count; i++) {
        const struct acme_cert_record *cert = &c->slots[i].cert;

        if (c->slots[i].has_cert && (cert->not_after_s - cert->not_before_s) / 20 < step) {
            step = (cert->not_after_s - cert->not_before_s) / 20;
        }
    }
    return step;
}

/* Lets the time that the CA has proven raise the floor, seldom enough for the flash. */
static void note_time(struct acme_client *c)
{
    int64_t proven = acme_clock_offered(&c->clock) - FLOOR_DOUBT_S;
    int64_t floor_s = c->floor_written_s != 0 ? c->floor_written_s : c->clock.floor_s;

    if (floor_s != 0 && proven > floor_s + FLOOR_LEAP_S) {
        proven = floor_s + FLOOR_LEAP_S;
    }
    acme_clock_raise_floor(&c->clock, proven);
    if (proven > 0 && proven >= c->floor_written_s + floor_step(c)) {
        c->floor_written_s = proven;
        (void)acme_store_write_floor(&c->log, proven);
    }
}

void acme_schedule_forget(struct acme_client *c, struct acme_slot *s)
{
    memset(&s->schedule, 0, sizeof(s->schedule));
    (void)acme_store_remove(&c->log, ACME_SPACE_SCHEDULE, s->store_slot);
}

void acme_schedule_hold_back(struct acme_client *c, bool hold_back)
{
    c->due_only = hold_back;
}

bool acme_schedule_is_held_back(const struct acme_client *c, const struct acme_slot *s)
{
    return c->due_only && acme_schedule_is_blocked(c, s);
}

void acme_schedule_job_ended(struct acme_client *c, int32_t error)
{
    c->time_asked = c->time_asked || error == ACME_OK;
    note_time(c);
    acme_machine_emit_next(c, acme_next_wakeup_s(c));
}

#else

int64_t acme_schedule_renew_time(const struct acme_client *c, uint8_t store_slot,
                                 const struct acme_cert_record *cert)
{
    (void)c;
    (void)store_slot;
    return acme_renewal_time(cert->not_before_s, cert->not_after_s);
}

int64_t acme_schedule_next(const struct acme_client *c, const struct acme_slot *s)
{
    int64_t now;

    (void)acme_clock_now(&c->clock, &now);
    return acme_schedule_is_due(c, s) ? now : acme_schedule_renew_time(c, s->store_slot, &s->cert);
}

#endif

bool acme_schedule_is_due(const struct acme_client *c, const struct acme_slot *s)
{
    int64_t now;

    if (!s->has_cert || c->config.force_renewal ||
        acme_jws_key_lost(acme_keys_cert(s->store_slot, s->cert.key_generation))) {
        return true;
    }
    (void)acme_clock_now(&c->clock, &now);
    return now >= acme_schedule_renew_time(c, s->store_slot, &s->cert);
}

uint32_t acme_next_wakeup_s(acme_client *c)
{
    int64_t now, left, least = UINT32_MAX;
    size_t i;

    (void)acme_clock_now(&c->clock, &now); /* the floor, without a clock */
    for (i = 0; i < c->config.certs_count; i++) {
        left = acme_schedule_next(c, &c->slots[i]) - now;
        least = left < least ? left : least;
    }
    return least > 0 ? (uint32_t)least : 0;
}
