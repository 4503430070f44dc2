/*
 * What is due, and when. It must not know how it is done.
 */
#include "client/schedule.h"

#include <string.h>

#include "base/breathe.h"
#include "base/log.h"
#include "client/keys.h"
#include "client/machine.h"
#include "client/state.h"
#include "crypto/jws.h"

#define EARLY_S 86400 /* a certificate that is born later than this is good for nothing now */

static uint32_t uptime_s(const struct acme_client *c)
{
    return (uint32_t)(acme_clock_uptime_ms(&c->clock) / 1000u);
}

#if defined(CONFIG_ACME_SCHEDULE)

#define DAY_S            INT64_C(86400)
#define FLOOR_STEP_S     (7 * DAY_S) /* a leap of the floor; it is not written for less */
#define FLOOR_ERROR_S    3600        /* nor for less, downwards */
#define BIRTH_S          60          /* what is due this soon after its birth is due at birth */
#define PAUSE_LEAST_S    (CONFIG_ACME_RETRY_MIN_S < 30 ? CONFIG_ACME_RETRY_MIN_S : 30)
#define BURNT_MOST       4 /* the power of two, in days */
#define GIVE_UP_FAILURES 6u

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

bool acme_schedule_is_late(const struct acme_client *c, const struct acme_slot *s)
{
    int64_t now = 0;

    return !s->has_cert || s->damaged ||
           (acme_clock_now(&c->clock, &now) == ACME_OK &&
            now >= acme_renewal_latest(s->cert.not_before_s, s->cert.not_after_s));
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

/* Without a clock it is the floor, or what was known when the record was written, if that is later,
 * moved on by the uptime since: a pause does not end because nobody knows the time. */
int64_t acme_schedule_now(const struct acme_client *c, const struct acme_slot *s)
{
    int64_t now, noted = s->schedule.noted_s + (uint32_t)(uptime_s(c) - s->schedule.noted_at);

    return acme_clock_now(&c->clock, &now) == ACME_OK || now > noted ? now : noted;
}

/* Whether a pause that was begun when the record was written is still on. A clock that has been put
 * back since then ends it: it may have been wrong by years. */
static bool is_pausing(const struct acme_client *c, const struct acme_slot *s, int64_t until_s)
{
    int64_t now = acme_schedule_now(c, s);

    return now < until_s && now >= s->schedule.noted_s;
}

bool acme_schedule_is_blocked(const struct acme_client *c, const struct acme_slot *s)
{
    return is_pausing(c, s, s->schedule.retry_at_s);
}

#if defined(CONFIG_ACME_ARI)
/* Whether the CA is asked for renewal information of a certificate, sooner or later. */
static bool is_looked_at(const struct acme_client *c, const struct acme_slot *s)
{
    bool ours = s->schedule.ca == 0 || s->schedule.ca == acme_schedule_ca(c);

    return s->has_cert && ours && !c->config.no_renewal_info;
}

bool acme_schedule_is_look_due(const struct acme_client *c, const struct acme_slot *s)
{
    return is_looked_at(c, s) && (c->config.look_now || !is_pausing(c, s, s->schedule.look_at_s));
}

static void plan_look(struct acme_slot *s, int64_t now)
{
    s->schedule.look_at_s =
        now + acme_renewal_look(DAY_S / 4, s->cert.not_after_s - s->cert.not_before_s);
}
#else
static bool is_looked_at(const struct acme_client *c, const struct acme_slot *s)
{
    (void)c;
    (void)s;
    return false;
}

bool acme_schedule_is_look_due(const struct acme_client *c, const struct acme_slot *s)
{
    return is_looked_at(c, s);
}

static void plan_look(struct acme_slot *s, int64_t now)
{
    (void)s;
    (void)now;
}
#endif

bool acme_schedule_wants(const struct acme_client *c, const struct acme_slot *s)
{
    return acme_schedule_is_due(c, s) || acme_schedule_is_look_due(c, s) ||
           acme_schedule_is_lost(c);
}

/* The end of a pause by the trusted time, from which the slot's may differ; now where it is over.
 */
static int64_t end_of(const struct acme_client *c, const struct acme_slot *s, int64_t until_s)
{
    return now_of(c) + (is_pausing(c, s, until_s) ? until_s - acme_schedule_now(c, s) : 0);
}

/* When there is something to do, pauses after failures aside. That each job looks (look_now) is no
 * reason for a job. */
static int64_t next_work(const struct acme_client *c, const struct acme_slot *s)
{
    int64_t next, look;

    if (acme_schedule_is_due(c, s)) {
        return now_of(c);
    }
    next = acme_schedule_renew_time(c, s->store_slot, &s->cert);
    look = is_looked_at(c, s) ? end_of(c, s, s->schedule.look_at_s) : next;
    return look < next ? look : next;
}

/* How long nobody asks for the time, after one who could not be reached. */
static uint32_t asking_in(const struct acme_client *c)
{
    int32_t left = (int32_t)(c->ask_at_s - uptime_s(c));

    return c->ask_at_s != 0 && left > 0 ? (uint32_t)left : 0;
}

int64_t acme_schedule_next(const struct acme_client *c, const struct acme_slot *s)
{
    int64_t next, retry;

    if (acme_schedule_is_lost(c)) { /* whatever pause is on may be over */
        return now_of(c) + asking_in(c);
    }
    next = next_work(c, s);
    retry = end_of(c, s, s->schedule.retry_at_s);
    return retry > next ? retry : next;
}

void acme_schedule_load(struct acme_client *c)
{
    int64_t floor_s;
    uint16_t i;

    for (i = 0; i < c->config.certs_count; i++) {
        struct acme_slot *s = &c->slots[i];

        /* A record that cannot be read is as none: memory is zero then. */
        (void)acme_store_read_schedule(&c->log, s->store_slot, &s->schedule);
        s->schedule.noted_at = uptime_s(c);
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

/* How long no order is made after those whose certificates came to nothing. */
static int64_t order_pause(const struct acme_slot *s)
{
    uint8_t exponent = s->schedule.burnt < BURNT_MOST ? s->schedule.burnt : BURNT_MOST;
    int64_t pause = DAY_S << exponent, most = (s->cert.not_after_s - s->cert.not_before_s) / 10;

    pause = s->has_cert && most < pause ? most : pause;
    return exponent == 0 ? 0 : pause;
}

/* Whether the clock was put back by more than it may err since the last order: by a day, or by the
 * pause where that is less. Or a pause that a wrong clock began would begin again. */
static bool is_put_back(const struct acme_slot *s, int64_t now)
{
    int64_t pause = order_pause(s);

    return now < s->schedule.ordered_s - (pause > 0 && pause < DAY_S ? pause : DAY_S);
}

/* The shortest pause of the certificates that have failed, in seconds; 0: none is on. */
static uint32_t failed_pause_s(const struct acme_client *c)
{
    int64_t left, least = 0;
    uint16_t i;

    for (i = 0; i < c->config.certs_count; i++) {
        const struct acme_slot *s = &c->slots[i];

        if (s->error != ACME_OK && acme_schedule_is_blocked(c, s)) {
            left = s->schedule.retry_at_s - acme_schedule_now(c, s);
            least = least == 0 || left < least ? left : least;
        }
    }
    return least < UINT32_MAX ? (uint32_t)least : UINT32_MAX;
}

int64_t acme_schedule_settle(const struct acme_client *c, struct acme_slot *s)
{
    int64_t now = acme_schedule_now(c, s);

    if (now < s->schedule.noted_s) { /* or they would be on again */
        s->schedule.retry_at_s = s->schedule.look_at_s = 0;
    }
    if (now < s->schedule.ordered_s) {
        s->schedule.ordered_s = is_put_back(s, now) ? 0 : now;
    }
    s->schedule.noted_s = now;
    s->schedule.noted_at = uptime_s(c);
    return now;
}

void acme_schedule_write(struct acme_client *c, struct acme_slot *s)
{
    (void)acme_schedule_settle(c, s);
    (void)acme_store_write_schedule(&c->log, s->store_slot, &s->schedule);
}

/* What the CA asks for is kept; but no single answer takes more than half of what is left of a
 * certificate, and a day of one that has ended: by what the CA tells, it may be. */
static int64_t bounded(const struct acme_slot *s, int64_t now, int64_t asked_s)
{
    int64_t left = (s->cert.not_after_s - now) / 2;
    int64_t most = left > DAY_S ? left : DAY_S;

    return s->has_cert && asked_s > most ? most : asked_s;
}

void acme_schedule_failed(struct acme_client *c, struct acme_slot *s, uint32_t asked_s)
{
    int64_t lifetime = s->has_cert ? s->cert.not_after_s - s->cert.not_before_s : 0;
    int64_t now = acme_schedule_settle(c, s), asked = bounded(s, now, asked_s), pause;
    uint32_t random = 0;

    if (s->schedule.failures < UINT16_MAX) {
        s->schedule.failures++;
    }
    (void)psa_generate_random((uint8_t *)&random, sizeof(random));
    pause = acme_renewal_backoff(s->schedule.failures, lifetime, random);
    pause = pause > PAUSE_LEAST_S ? pause : PAUSE_LEAST_S; /* each failure is written to flash */
    if (acme_schedule_is_lost(c)) {
        c->ask_at_s = uptime_s(c) + (uint32_t)pause;
    }
    asked += asked * (random & 0xff) / 0x800; /* all of a fleet were told the same */
    pause = asked > pause ? asked : pause;
    if (!acme_schedule_is_blocked(c, s) || now + pause > s->schedule.retry_at_s) {
        s->schedule.retry_at_s = now + pause; /* a pause that is on is not cut short */
    }
    acme_schedule_write(c, s);
}

bool acme_schedule_gives_up(const struct acme_slot *s)
{
    return s->schedule.failures + 1u >= GIVE_UP_FAILURES;
}

/* One that is due at its birth, by its dates or by all that is left of it, counts; and one in place
 * of a damaged one: a flash that damages each is no reason to ask a CA every few minutes. */
static uint8_t count_quick(const struct acme_client *c, const struct acme_slot *s, uint8_t quick)
{
    int64_t now = now_of(c);
    bool at_birth = acme_schedule_renew_time(c, s->store_slot, &s->cert) <= now + BIRTH_S ||
                    s->cert.not_after_s - now <= ACME_RENEWAL_CALM_S || s->damaged;

    if (!at_birth) {
        return 0;
    }
    return quick < UINT8_MAX ? (uint8_t)(quick + 1u) : quick;
}

void acme_schedule_installed(struct acme_client *c, struct acme_slot *s)
{
    uint8_t quick = s->schedule.quick;
    int64_t now;

    memset(&s->schedule, 0, sizeof(s->schedule));
    now = now_of(c);
    s->schedule.generation = s->cert.key_generation;
    s->schedule.ca = acme_schedule_ca(c);
    s->schedule.quick = count_quick(c, s, quick);
    s->schedule.retry_at_s = now + acme_renewal_calm(s->schedule.quick, s->cert.not_after_s - now);
    plan_look(s, now);
    acme_schedule_write(c, s);
}

void acme_schedule_ordered(struct acme_client *c, struct acme_slot *s)
{
    s->schedule.ordered_s = now_of(c);
    acme_schedule_write(c, s);
}

void acme_schedule_burnt(struct acme_client *c, struct acme_slot *s)
{
    if (s->schedule.burnt < UINT8_MAX) {
        s->schedule.burnt++;
    }
    acme_schedule_write(c, s);
}

int64_t acme_schedule_order_time(const struct acme_slot *s)
{
    int64_t pause = order_pause(s);

    return pause == 0 ? 0 : s->schedule.ordered_s + pause;
}

/* A clock that has been put back by more than it may err ends the pause, as it does all pauses. */
bool acme_schedule_may_order(const struct acme_client *c, const struct acme_slot *s)
{
    int64_t now;

    return acme_clock_now(&c->clock, &now) != ACME_OK || now >= acme_schedule_order_time(s) ||
           is_put_back(s, now);
}

/* By how much the CA alone moves the floor in a job: half of what a certificate has left when it is
 * due. The floor is not written for less. */
static uint32_t floor_step(const struct acme_client *c)
{
    int64_t step = FLOOR_STEP_S;
    uint16_t i;

    for (i = 0; i < c->config.certs_count; i++) {
        const struct acme_cert_record *cert = &c->slots[i].cert;
        int64_t part = (cert->not_after_s - cert->not_before_s) / 6;

        step = c->slots[i].has_cert && part < step ? part : step;
    }
    return step > 0 ? (uint32_t)step : 0;
}

/* A floor that must be too high sinks by a leap; one by which no certificate of the device is
 * valid, either, as far as it can. */
static bool doubt_time(struct acme_client *c)
{
    int64_t floor = acme_clock_floor(&c->clock);
    uint32_t leap = UINT32_MAX;
    uint16_t i;

    for (i = 0; i < c->config.certs_count; i++) {
        const struct acme_cert_record *cert = &c->slots[i].cert;

        if (c->slots[i].has_cert && cert->not_before_s <= floor && floor < cert->not_after_s) {
            leap = FLOOR_STEP_S;
        }
    }
    return acme_clock_doubt(&c->clock, leap);
}

/* Weighs what the job has heard of the time, and keeps the floor, seldom enough for the flash. */
static void note_time(struct acme_client *c, int32_t error)
{
    uint32_t step = floor_step(c);
    int64_t floor;

    if (!acme_clock_weigh(&c->clock, step) && (error != ACME_ERR_TLS_DATES || !doubt_time(c))) {
        return;
    }
    acme_clock_raise_floor(&c->clock, c->config.build_time_s);
    floor = acme_clock_floor(&c->clock);
    if (floor < c->floor_written_s - FLOOR_ERROR_S) {
        c->time_asked = false; /* as long as it sinks, the CA is asked again soon */
        c->ask_at_s = uptime_s(c) + PAUSE_LEAST_S;
        ACME_LOG(c->config.port, ACME_LOG_WARNING, "acme: the time floor sinks, days", NULL,
                 (int32_t)((c->floor_written_s - floor) / DAY_S));
    } else if (floor < c->floor_written_s + step) {
        return;
    }
    c->floor_written_s = floor;
    (void)acme_store_write_floor(&c->log, floor);
}

int32_t acme_clock_reset(acme_client *c)
{
    if (acme_machine_is_busy(c)) {
        return ACME_ERR_STATE;
    }
    acme_clock_start_over(&c->clock, c->config.build_time_s);
    c->floor_written_s = 0;
    return acme_store_remove(&c->log, ACME_SPACE_TIME, 0);
}

void acme_schedule_forget(struct acme_client *c, struct acme_slot *s)
{
    memset(&s->schedule, 0, sizeof(s->schedule));
    (void)acme_store_remove(&c->log, ACME_SPACE_SCHEDULE, s->store_slot);
}

void acme_schedule_hold_back(struct acme_client *c, bool hold_back)
{
    if (c->machine.job == ACME_JOB_NONE) {
        c->due_only = hold_back;
    }
}

bool acme_schedule_is_held_back(const struct acme_client *c, const struct acme_slot *s)
{
    if (acme_schedule_is_lost(c)) {
        return c->due_only && asking_in(c) > 0;
    }
    return c->due_only && acme_schedule_is_blocked(c, s);
}

#if defined(CONFIG_ACME_FALLBACK)
static bool is_other_ca(const struct acme_client *c)
{
    return c->ca_index != 0;
}
#else
static bool is_other_ca(const struct acme_client *c)
{
    (void)c;
    return false;
}
#endif

/* Nobody tells how much of a pause is over. What is left of it is halved at each start, so that a
 * device that is often reset comes to its end. */
static void shorten_pause(struct acme_client *c, struct acme_slot *s)
{
    int64_t now = acme_schedule_now(c, s);

    if (acme_schedule_is_blocked(c, s)) {
        s->schedule.retry_at_s = now + (s->schedule.retry_at_s - now) / 2;
        acme_schedule_write(c, s);
    }
}

void acme_schedule_job_begins(struct acme_client *c, enum acme_job job)
{
    c->began_lost = job == ACME_JOB_RUN && acme_schedule_is_lost(c);
}

/* Pauses are of the first CA: after it there is no occasion to learn that one is on. */
bool acme_schedule_look_again(struct acme_client *c, bool last)
{
    bool known = !acme_schedule_is_lost(c), wanted = false;
    uint16_t i;

    if (!c->began_lost || is_other_ca(c) || (!known && !last)) {
        return true;
    }
    c->began_lost = false;
    c->time_asked = true;
    for (i = 0; i < c->config.certs_count; i++) {
        struct acme_slot *s = acme_slots_at(c, i);

        s->pending = s->pending && !acme_schedule_is_held_back(c, s);
        wanted = wanted || s->pending;
        if (!known) {
            shorten_pause(c, s);
        }
    }
    return wanted;
}

void acme_schedule_job_ended(struct acme_client *c, int32_t error)
{
    note_time(c, error);
    acme_machine_emit_next(c, acme_next_wakeup_s(c));
}

static uint32_t calm_left_s(const struct acme_client *c, const struct acme_slot *s)
{
    (void)c;
    (void)s;
    return 0; /* what is stored counts */
}

#else

int64_t acme_schedule_renew_time(const struct acme_client *c, uint8_t store_slot,
                                 const struct acme_cert_record *cert)
{
    (void)c;
    (void)store_slot;
    return acme_renewal_time(cert->not_before_s, cert->not_after_s);
}

static uint32_t failed_pause_s(const struct acme_client *c)
{
    (void)c;
    return 0;
}

/* What is left of the pause after an installation. */
static uint32_t calm_left_s(const struct acme_client *c, const struct acme_slot *s)
{
    int32_t left = (int32_t)(s->calm_until_s - uptime_s(c));

    return left > 0 ? (uint32_t)left : 0;
}

void acme_schedule_installed(struct acme_client *c, struct acme_slot *s)
{
    s->calm_until_s = uptime_s(c) + ACME_RENEWAL_CALM_S;
}

int64_t acme_schedule_next(const struct acme_client *c, const struct acme_slot *s)
{
    int64_t now, next;

    (void)acme_clock_now(&c->clock, &now);
    if (acme_schedule_is_due(c, s)) {
        return now;
    }
    now += calm_left_s(c, s);
    next = acme_schedule_renew_time(c, s->store_slot, &s->cert);
    return next > now ? next : now;
}

void acme_schedule_job_ended(struct acme_client *c, int32_t error)
{
    if (error == ACME_ERR_TLS_DATES) { /* by what the CA has told, it may be */
        acme_clock_forget_told(&c->clock);
    }
}

int32_t acme_clock_reset(acme_client *c)
{
    if (acme_machine_is_busy(c)) {
        return ACME_ERR_STATE;
    }
    acme_clock_start_over(&c->clock, c->config.build_time_s);
    return ACME_OK;
}

#endif

bool acme_schedule_is_due(const struct acme_client *c, const struct acme_slot *s)
{
    int64_t now;

    if (!s->has_cert || s->damaged || c->config.force_renewal ||
        acme_jws_key_lost(acme_keys_cert(s->store_slot, s->cert.key_generation))) {
        return true;
    }
    if (acme_clock_now(&c->clock, &now) == ACME_OK && now < s->cert.not_before_s - EARLY_S) {
        return calm_left_s(c, s) == 0; /* it is of a CA whose clock was ahead */
    }
    return now >= acme_schedule_renew_time(c, s->store_slot, &s->cert) && calm_left_s(c, s) == 0;
}

uint32_t acme_next_wakeup_s(acme_client *c)
{
    int64_t now, left, least = UINT32_MAX;
    size_t i;

    if (acme_breathe_is_inside()) {
        return 1;
    }
    (void)acme_clock_now(&c->clock, &now); /* the floor, without a clock */
    for (i = 0; i < c->config.certs_count; i++) {
        left = acme_schedule_next(c, &c->slots[i]) - now;
        least = left < least ? left : least;
    }
    return least > 0 ? (uint32_t)least : 0;
}

uint32_t acme_next_start_s(acme_client *c, int32_t error)
{
    uint32_t random = 0, pause;

    if (acme_breathe_is_inside()) {
        return CONFIG_ACME_RETRY_MIN_S;
    }
    pause = error == ACME_OK ? acme_next_wakeup_s(c) : failed_pause_s(c);
    if (error == ACME_OK) {
        c->failed_starts = 0;
        return pause > CONFIG_ACME_RETRY_MIN_S ? pause : CONFIG_ACME_RETRY_MIN_S;
    }
    if (c->failed_starts < UINT16_MAX) {
        c->failed_starts++;
    }
    (void)psa_generate_random((uint8_t *)&random, sizeof(random));
    return pause > 0 ? pause : (uint32_t)acme_renewal_backoff(c->failed_starts, 0, random);
}
