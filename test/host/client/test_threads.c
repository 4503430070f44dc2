/*
 * Two threads and one client, as core/include/acme/client.h has it: one polls; the other calls what
 * may be called by any thread, and what only one thread may call at a time, under the lock that it
 * then needs. Built with ThreadSanitizer (scripts/test unit) it shows that the header is right;
 * with
 * --without-lock that a call without the lock would be seen. It must not know the client's inside.
 *
 * usage: test_threads [--without-lock]
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "acme/doctor.h"
#include "acme/mbedtls.h"
#include "device.h"

#define RENEWALS 3

static pthread_mutex_t client_lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_bool over;
static atomic_uint rounds;
static bool with_lock = true;

static void give_up(const char *what, int32_t error)
{
    (void)fprintf(stderr, "test_threads: %s: %s\n", what, acme_error_name(error));
    abort();
}

static void lock(void)
{
    (void)pthread_mutex_lock(&client_lock);
}

static void unlock(void)
{
    (void)pthread_mutex_unlock(&client_lock);
}

/* ---- the other thread ---- */

/* Each function that says "Threads: any". */
static void call_what_any_thread_may(const struct acme_cert_status *seen)
{
    static struct acme_mbedtls_cert cert;
    static uint8_t der[1];
    int32_t error;
    uint8_t i;

    for (error = -130; error <= 0; error++) {
        if (acme_error_name(error) == NULL || acme_error_text(error) == NULL ||
            acme_error_severity(error) > ACME_SEVERITY_FATAL) {
            give_up("an error without a name", error);
        }
    }
    for (i = 0; i < 40; i++) {
        if (acme_state_name(i) == NULL || acme_finding_name((enum acme_finding_code)i) == NULL ||
            acme_finding_text((enum acme_finding_code)i) == NULL) {
            give_up("a state or finding without a name", i);
        }
    }
    if (strcmp(acme_version(), ACME_VERSION) != 0) {
        give_up("version", ACME_ERR_INTERNAL);
    }
    (void)acme_cert_can_serve(seen);
    acme_mbedtls_init(&cert, der, sizeof(der));
}

/* Those that say "Threads: one" and make sense during a job. */
static void call_what_one_thread_may(struct acme_cert_status *seen)
{
    static uint8_t der[CONFIG_ACME_CERT_SIZE_MAX];
    static struct acme_mbedtls_cert cert;
    struct acme_account_status account;
    struct acme_counters counters;
    uint32_t cursor = 0;
    char names[256];
    int32_t rc = acme_cert_get_status(w.client, 0, seen);

    if (rc != ACME_OK || !acme_cert_can_serve(seen)) {
        give_up("status", rc);
    }
    rc = acme_cert_read(w.client, 0, 0, der, sizeof(der));
    if (rc <= 0) {
        give_up("read", rc);
    }
    rc = acme_cert_list(w.client, &cursor, names, sizeof(names), seen);
    if (rc != ACME_OK) {
        give_up("list", rc);
    }
    acme_mbedtls_init(&cert, der, sizeof(der));
    rc = acme_mbedtls_use(w.client, 0, &cert, NULL);
    if (rc != ACME_OK) {
        give_up("use", rc);
    }
    acme_mbedtls_handshake_over(&cert);
    acme_mbedtls_free(&cert);
    acme_cert_hold(w.client);
    acme_cert_release(w.client);
    rc = acme_account_get_status(w.client, &account);
    if (rc != ACME_OK && rc != ACME_ERR_STATE) {
        give_up("account", rc);
    }
    (void)acme_next_wakeup_s(w.client);
    acme_get_counters(w.client, &counters);
}

static void *other_thread(void *arg)
{
    struct acme_cert_status seen = {0};

    (void)arg;
    while (!atomic_load(&over)) {
        call_what_any_thread_may(&seen);
        if (with_lock) {
            lock();
            call_what_one_thread_may(&seen);
            unlock();
        } else {
            struct acme_counters counters;

            acme_get_counters(w.client, &counters); /* the planted fault */
        }
        (void)atomic_fetch_add(&rounds, 1);
    }
    return NULL;
}

/* ---- the client's thread ---- */

static enum acme_want poll_once(struct acme_poll_result *result)
{
    enum acme_want want;

    lock();
    want = acme_poll(w.client, result);
    ca_sim_tick(w.ca, w.clock.now_ms);
    w.clock.now_ms += 10;
    unlock();
    (void)sched_yield();
    return want;
}

static void renew(void)
{
    struct acme_poll_result result;
    unsigned int before = atomic_load(&rounds);
    int32_t rc;

    lock();
    rc = acme_renew_start(w.client);
    unlock();
    if (rc != ACME_OK) {
        give_up("renew", rc);
    }
    while (poll_once(&result) != ACME_WANT_IDLE) {
    }
    if (result.error != ACME_OK) {
        give_up("renewal", result.error);
    }
    while (atomic_load(&rounds) < before + 3) { /* the other one had its turns */
        (void)poll_once(&result);
    }
}

int main(int argc, char **argv)
{
    pthread_t other;
    int i;

    with_lock = argc < 2 || strcmp(argv[1], "--without-lock") != 0;
    (void)device_set_up_issued(NULL);
    if (pthread_create(&other, NULL, other_thread, NULL) != 0) {
        give_up("no thread", ACME_ERR_INTERNAL);
    }
    for (i = 0; i < RENEWALS; i++) {
        renew();
    }
    atomic_store(&over, true);
    (void)pthread_join(other, NULL);
    (void)device_tear_down(NULL);
    (void)printf("%d renewals, %u rounds of the other thread\n", RENEWALS, atomic_load(&rounds));
    return 0;
}
