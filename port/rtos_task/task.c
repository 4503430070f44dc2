/*
 * The client's task: serves requests, polls the client, waits, and plans the next look at the
 * certificates. It must not know the operating system or the network.
 */
#include "acme_task.h"

#include <string.h>

/* The longest wait: the clock of a system with short ticks must be read now and then. */
#define WAIT_MAX_MS 30000u
#define LOOK_MAX_S  3600u /* between two looks at the certificates */
#if defined(CONFIG_ACME_SCHEDULE)
#define FAILED_MAX_S LOOK_MAX_S /* the pauses of some are kept while others are looked at */
#else
#define FAILED_MAX_S UINT32_MAX
#endif
#define NET_WAIT_MS 1000u
#define YIELD_MS    1u
#define NEVER       UINT64_MAX

static void lock(struct acme_task *t)
{
    t->config.os->lock(t->config.os_ctx, ACME_TASK_LOCK_STATE);
}

static void unlock(struct acme_task *t)
{
    t->config.os->unlock(t->config.os_ctx, ACME_TASK_LOCK_STATE);
}

static uint64_t now_ms(const struct acme_task *t)
{
    const struct acme_port *port = t->config.client->port;

    return port->clock->uptime_ms(port->clock_ctx);
}

/* ---- what other tasks call ---- */

int32_t acme_task_init(struct acme_task *t, const struct acme_task_config *config)
{
    if (config->os == NULL || config->client == NULL || config->client->port == NULL ||
        config->client->port->clock == NULL || config->memory == NULL) {
        return ACME_ERR_ARGUMENT;
    }
    memset(t, 0, sizeof(*t));
    t->config = *config;
    t->next_start_ms = config->start_at_once ? 0 : NEVER;
    t->status.next_start_ms = t->next_start_ms;
    return ACME_OK;
}

int32_t acme_task_request(struct acme_task *t, enum acme_task_job job, uint32_t *number)
{
    int32_t rc = ACME_OK;

    if (job != ACME_TASK_START && job != ACME_TASK_RENEW) {
        return ACME_ERR_ARGUMENT;
    }
    lock(t);
    if (t->status.ended || t->stop) {
        rc = ACME_ERR_STATE;
    } else if (t->queue_count == ACME_TASK_REQUESTS) {
        rc = ACME_ERR_LIMIT;
    } else {
        t->queue[(t->queue_first + t->queue_count) % ACME_TASK_REQUESTS] = (uint8_t)job;
        t->queue_count++;
        t->asked++;
        if (number != NULL) {
            *number = t->asked;
        }
    }
    unlock(t);
    if (rc == ACME_OK) {
        acme_task_wake(t);
    }
    return rc;
}

void acme_task_stop(struct acme_task *t)
{
    lock(t);
    t->stop = true;
    unlock(t);
    acme_task_wake(t);
}

void acme_task_wake(struct acme_task *t)
{
    t->config.os->wake(t->config.os_ctx);
}

void acme_task_get_status(struct acme_task *t, struct acme_task_status *status)
{
    lock(t);
    *status = t->status;
    unlock(t);
}

int32_t acme_task_get_cert(struct acme_task *t, uint16_t slot, struct acme_cert_status *status)
{
    if (slot >= t->config.client->certs_count || slot >= CONFIG_ACME_CERT_SLOTS) {
        return ACME_ERR_ARGUMENT;
    }
    lock(t);
    *status = t->certs[slot];
    unlock(t);
    return ACME_OK;
}

static void count_borrowers(struct acme_task *t, bool more)
{
    lock(t);
    t->borrowers = (uint16_t)(more ? t->borrowers + 1u : t->borrowers - 1u);
    unlock(t);
}

acme_client *acme_task_borrow(struct acme_task *t)
{
    count_borrowers(t, true);
    t->config.os->lock(t->config.os_ctx, ACME_TASK_LOCK_CLIENT);
    count_borrowers(t, false);
    if (t->client == NULL) {
        acme_task_give_back(t);
        return NULL;
    }
    return t->client;
}

void acme_task_give_back(struct acme_task *t)
{
    t->config.os->unlock(t->config.os_ctx, ACME_TASK_LOCK_CLIENT);
}

/* ---- the task ---- */

/* A task that polls without a pause would take the lock again before a waiting one of the same
 * priority gets it. */
static void lock_client(struct acme_task *t)
{
    bool wanted;

    lock(t);
    wanted = t->borrowers > 0;
    unlock(t);
    if (wanted) {
        t->config.os->wait(t->config.os_ctx, YIELD_MS);
    }
    t->config.os->lock(t->config.os_ctx, ACME_TASK_LOCK_CLIENT);
}

static void unlock_client(struct acme_task *t)
{
    acme_task_give_back(t);
}

static void on_event(void *ctx, const struct acme_event *event)
{
    struct acme_task *t = ctx;
    const struct acme_config *config = t->config.client;

    t->last_state = event->state;
    t->changed = true;
    if (config->on_event != NULL) {
        config->on_event(config->event_ctx, event);
    }
}

/* Makes the snapshot. The client's lock is held, the state's is not. */
static void publish_certs(struct acme_task *t)
{
    for (uint16_t i = 0; i < t->config.client->certs_count; i++) {
        struct acme_cert_status status;

        if (acme_cert_get_status(t->client, i, &status) == ACME_OK) {
            lock(t);
            t->certs[i] = status;
            unlock(t);
        }
    }
}

static void publish(struct acme_task *t, bool working)
{
    struct acme_counters counters;

    acme_get_counters(t->client, &counters);
    publish_certs(t);
    lock(t);
    t->status.running = true;
    t->status.working = working;
    t->status.state = t->last_state;
    t->status.next_start_ms = t->next_start_ms;
    t->status.counters = counters;
    unlock(t);
    t->changed = false;
}

/* The first request in the queue: false if there is none. */
static bool take_request(struct acme_task *t, enum acme_task_job *job)
{
    bool taken;

    lock(t);
    taken = t->queue_count > 0;
    if (taken) {
        *job = (enum acme_task_job)t->queue[t->queue_first];
        t->queue_first = (uint8_t)((t->queue_first + 1u) % ACME_TASK_REQUESTS);
        t->queue_count--;
        t->job_number = t->asked - t->queue_count;
    }
    unlock(t);
    return taken;
}

static bool must_stop(struct acme_task *t)
{
    bool stop;

    lock(t);
    stop = t->stop;
    unlock(t);
    return stop;
}

static void finish_job(struct acme_task *t, int32_t error)
{
    uint32_t pause_s = acme_next_start_s(t->client, error);

    t->renew_owed = t->renew_owed && error != ACME_OK;
    t->renew_at_ms = now_ms(t) + pause_s * UINT64_C(1000);
    pause_s = pause_s < (error == ACME_OK ? LOOK_MAX_S : FAILED_MAX_S) ? pause_s : LOOK_MAX_S;
    t->next_start_ms = now_ms(t) + pause_s * UINT64_C(1000);
    lock(t);
    t->status.error = error;
    t->status.jobs++;
    t->status.failed += error != ACME_OK ? 1u : 0u;
    if (t->job_number != 0) {
        t->status.done = t->job_number;
    }
    unlock(t);
    t->job_number = 0;
}

static bool is_ready(const struct acme_task *t)
{
    return t->config.is_ready == NULL || t->config.is_ready(t->config.ready_ctx);
}

/* What the task does by itself keeps the CA's pauses; who asks for a job has a reason. */
static int32_t start_job(struct acme_task *t, bool asked, enum acme_task_job job)
{
    if (asked && job == ACME_TASK_RENEW) {
        t->renew_owed = true;
    }
    if (t->renew_owed && (asked || now_ms(t) >= t->renew_at_ms)) {
        return acme_renew_start(t->client);
    }
    return asked ? acme_start(t->client) : acme_start_due(t->client);
}

/* Begins a job, if one is asked for or due. Says whether one is under way. */
static bool begin_job(struct acme_task *t)
{
    enum acme_task_job job = ACME_TASK_START;
    bool asked;
    int32_t rc;

    if (!is_ready(t)) {
        return false;
    }
    asked = take_request(t, &job);
    if (!asked && now_ms(t) < t->next_start_ms) {
        return false;
    }
    lock_client(t);
    rc = start_job(t, asked, job);
    if (rc != ACME_OK) {
        finish_job(t, rc);
    }
    publish(t, rc == ACME_OK);
    unlock_client(t);
    return rc == ACME_OK;
}

/* One step of the job under way: false when it has ended. */
static bool step_job(struct acme_task *t, uint32_t *wait_ms)
{
    struct acme_poll_result result;
    bool working;

    lock_client(t);
    working = acme_poll(t->client, &result) != ACME_WANT_IDLE;
    if (!working) {
        finish_job(t, result.error);
    }
    if (t->changed || !working) {
        publish(t, working);
    }
    unlock_client(t);
    *wait_ms = result.want == ACME_WANT_EVENT ? result.wait_ms : 0;
    return working;
}

static bool has_request(struct acme_task *t)
{
    bool has;

    lock(t);
    has = t->queue_count > 0;
    unlock(t);
    return has;
}

static uint32_t until_next_start(struct acme_task *t)
{
    uint64_t now = now_ms(t);

    if (!is_ready(t)) {
        return WAIT_MAX_MS;
    }
    if (now >= t->next_start_ms || has_request(t)) {
        return 0;
    }
    return t->next_start_ms - now < WAIT_MAX_MS ? (uint32_t)(t->next_start_ms - now) : WAIT_MAX_MS;
}

/* Other tasks' requests are served after the job: during it the network alone matters. */
static void wait_in_job(struct acme_task *t, uint32_t wait_ms)
{
    uint32_t most = t->config.net_poll_ms;

    if (most == 0) {
        most = t->config.net_wait != NULL ? NET_WAIT_MS : WAIT_MAX_MS;
    }
    wait_ms = wait_ms < most ? wait_ms : most;
    if (t->config.net_wait != NULL) {
        t->config.net_wait(t->config.net_wait_ctx, wait_ms);
    } else {
        t->config.os->wait(t->config.os_ctx, wait_ms);
    }
}

static void serve(struct acme_task *t)
{
    bool working = false;

    while (!must_stop(t)) {
        uint32_t wait_ms = 0;

        if (working) {
            working = step_job(t, &wait_ms);
            if (wait_ms > 0 && !must_stop(t)) { /* lock_client may have eaten its wake */
                wait_in_job(t, wait_ms);
            }
            continue;
        }
        working = begin_job(t);
        wait_ms = working || must_stop(t) ? 0 : until_next_start(t);
        if (wait_ms > 0) {
            t->config.os->wait(t->config.os_ctx, wait_ms);
        }
    }
}

static void end(struct acme_task *t, int32_t error)
{
    lock(t);
    t->status.running = t->status.working = false;
    t->status.ended = true;
    if (error != ACME_OK) {
        t->status.error = error;
    }
    unlock(t);
}

int32_t acme_task_run(struct acme_task *t)
{
    struct acme_config config = *t->config.client;
    int32_t rc;

    config.on_event = on_event;
    config.event_ctx = t;
    lock_client(t);
    rc = acme_init(&t->client, &config, t->config.memory, t->config.memory_size);
    if (rc == ACME_OK) {
        publish(t, false);
    }
    unlock_client(t);
    if (rc == ACME_OK) {
        serve(t);
        lock_client(t);
        acme_deinit(t->client);
        t->client = NULL;
        unlock_client(t);
    }
    end(t, rc);
    return rc;
}
