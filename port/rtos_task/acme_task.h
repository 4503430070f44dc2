/*
 * A client in a task of its own, for systems with threads: other tasks ask it for work, read its
 * status, and wake it. The task keeps the certificates renewed by itself, with pauses after
 * failures. It knows no operating system: two locks, a wait and a wake come in through a table
 * (port/freertos fills it). Nothing is allocated.
 *
 * All functions but acme_task_init and acme_task_run may be called by any task at any time, but not
 * by an interrupt. None of them but acme_task_borrow waits longer than it takes to copy a struct.
 */
#ifndef ACME_TASK_H
#define ACME_TASK_H

#include <stdbool.h>
#include <stdint.h>

#include "acme/client.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The two locks. Who takes both takes the client's first. */
enum acme_task_lock {
    ACME_TASK_LOCK_STATE, /**< requests and status; held for microseconds */
    ACME_TASK_LOCK_CLIENT /**< the client; held for one acme_poll, which may sign something */
};

/** What the task needs of the operating system. */
struct acme_task_os {
    /** Takes a mutex (with priority inheritance, where there is such a thing); waits for it. */
    void (*lock)(void *ctx, enum acme_task_lock which);
    /** Gives it back. */
    void (*unlock)(void *ctx, enum acme_task_lock which);
    /** Blocks the calling task until wake is called, or for wait_ms; may return sooner. A wake that
     * came before the wait ends it at once. Only the client's task calls it. */
    void (*wait)(void *ctx, uint32_t wait_ms);
    /** Ends the wait under way, or the next one. Any task calls it. */
    void (*wake)(void *ctx);
};

/** What a task is made with. */
struct acme_task_config {
    const struct acme_task_os *os;    /**< the operating system; lives on */
    void *os_ctx;                     /**< its context */
    const struct acme_config *client; /**< lives on; its on_event is called in the client's task,
                                           and must not call acme_task_borrow */
    void *memory;                     /**< ACME_MEMORY_SIZE bytes, 8-byte aligned; lives on */
    size_t memory_size;               /**< bytes of it */
    bool start_at_once;               /**< the task does not wait for a first request */
    bool (*is_ready)(void *ctx);      /**< whether the network is up: no job begins before; call
                                           acme_task_wake when it comes up. NULL: always */
    void *ready_ctx;                  /**< its context */
    /** Waits for the network during a job, as acme_lwip_socket_wait and acme_posix_net_wait do, for
     * ports that have such a wait. NULL: os->wait, and the port's driver calls acme_task_wake. */
    void (*net_wait)(void *ctx, uint32_t wait_ms);
    void *net_wait_ctx;   /**< its context */
    uint32_t net_poll_ms; /**< longest wait during a job: for a port that wakes nobody, a few ms;
                             with net_wait it bounds how long acme_task_stop takes. 0: a second with
                               net_wait, without it what acme_poll says */
};

/** Jobs that other tasks ask for. */
enum acme_task_job {
    ACME_TASK_START, /**< acme_start: what is missing or due, whatever pause is on */
    ACME_TASK_RENEW  /**< acme_renew_start: every certificate, due or not */
};

/** Requests that wait at once. */
#define ACME_TASK_REQUESTS 4u

/** What a task says about itself. */
struct acme_task_status {
    bool running;                  /**< acme_init has succeeded, and the task has not ended */
    bool ended;                    /**< acme_task_run is about to return, or has */
    bool working;                  /**< a job is under way */
    uint8_t state;                 /**< of the client: acme_state_name */
    int32_t error;                 /**< how the last job ended, or why acme_init failed */
    uint32_t done;                 /**< number of the last request whose job has ended; 0: none */
    uint32_t jobs;                 /**< that have ended */
    uint32_t failed;               /**< of these, with an error */
    uint64_t next_start_ms;        /**< uptime of the next look at the certificates; UINT64_MAX:
                                      when one asks for it */
    struct acme_counters counters; /**< of the client: acme_get_counters */
};

/** The task's state. Static; its members are its own. */
struct acme_task {
    struct acme_task_config config;
    acme_client *client;
    bool renew_owed; /* a renewal failed and is tried again, not before renew_at_ms */
    uint8_t last_state;
    uint64_t next_start_ms, renew_at_ms;
    uint32_t job_number; /* of the request that the job under way is for; 0: none */
    bool changed;        /* the snapshot is to be made anew */
    /* Guarded by ACME_TASK_LOCK_STATE: */
    bool stop;
    uint16_t borrowers;
    uint32_t asked; /* number of the last request */
    uint8_t queue[ACME_TASK_REQUESTS];
    uint8_t queue_first, queue_count;
    struct acme_task_status status;
    struct acme_cert_status certs[CONFIG_ACME_CERT_SLOTS];
};

/** Sets the state up, before the operating system's task is created. *config is copied.
 * ACME_OK or ACME_ERR_ARGUMENT. Also before another run. */
int32_t acme_task_init(struct acme_task *task, const struct acme_task_config *config);

/** The body of the task: acme_init, jobs, acme_deinit. Returns after acme_task_stop (ACME_OK), or
 * with acme_init's error, which the status has, too. */
int32_t acme_task_run(struct acme_task *task);

/** Asks for a job. number, if not NULL, gets the request's number, which status.done reaches when
 * its job has ended; requests are served in turn. ACME_OK, ACME_ERR_LIMIT (too many wait),
 * ACME_ERR_STATE (the task has ended) or ACME_ERR_ARGUMENT. */
int32_t acme_task_request(struct acme_task *task, enum acme_task_job job, uint32_t *number);

/** Makes acme_task_run return soon. A job under way is left; the next run takes it up. */
void acme_task_stop(struct acme_task *task);

/** There is a network event, or the network has come up. */
void acme_task_wake(struct acme_task *task);

/** Copies what the task has last said about itself. */
void acme_task_get_status(struct acme_task *task, struct acme_task_status *status);

/** The same of one certificate: as acme_cert_get_status. ACME_OK or ACME_ERR_ARGUMENT. */
int32_t acme_task_get_cert(struct acme_task *task, uint16_t slot, struct acme_cert_status *status);

/** The client, for the public API's other functions (acme_cert_read, say); its task stands still
 * until acme_task_give_back. Waits for the step of acme_poll under way. NULL when there is no
 * client (then nothing is to be given back). */
acme_client *acme_task_borrow(struct acme_task *task);
/** Ends what acme_task_borrow began; for each client that it gave, once. */
void acme_task_give_back(struct acme_task *task);

#ifdef __cplusplus
}
#endif
#endif
