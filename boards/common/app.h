/*
 * The application without its loop: what it is configured to do, says and shows. Whoever runs it, a
 * loop (loop.c) or tasks, brings the port, calls the client and the server, and says how long their
 * steps took.
 */
#ifndef APP_H
#define APP_H

#include <stdbool.h>
#include <stdint.h>

#include "acme/client.h"
#include "acme_lwip.h"
#include "text.h"

/** Much longer than any step: an emulator on a busy machine may stand still for a second. */
#define APP_WATCHDOG_MS 8000u

/** The wall clock, which SNTP sets. */
extern struct acme_lwip_clock app_clock;
extern const struct acme_log_ops app_log_ops;

/** A line on the serial line: words, a text unless it is NULL, a number unless it is 0. */
void app_say(const char *what, const char *text, int64_t number);

/** Loads the settings, or asks for them, and opens the client, however often it takes. The port's
 * flash is set here; the port is lent. */
acme_client *app_start(struct acme_port *port);
/** Closes the client for a task that opens it anew, on the same memory of ACME_MEMORY_SIZE bytes,
 * which is returned; *config is filled for it, and must live on. What app_start returned is valid
 * again when that task has opened it. */
void *app_hand_over(struct acme_config *config);
/** The time server of the settings, or NULL. */
const char *app_time_server(void);

/** An https_page. */
bool app_write_page(const char *path, struct text *t);
/** Says until when there is a certificate to serve with, if there is. */
void app_report_certificate(void);
/** Takes what has come on the serial line, with no job under way. True: it was a vendor's bundle of
 * roots, and the next job begins at once. */
bool app_take_roots(void);
/** acme_start_due, or acme_start where roots are new. */
int32_t app_start_job(void);
/** Says how a job has ended, and what memory and time it took. Seconds until the next start. */
uint32_t app_report_job(int32_t error);

/** Of what the longest time without a pause is kept. */
enum app_step { APP_STEP_CLIENT, APP_STEP_HTTPS };
/** Such a time begins. */
void app_begin_step(enum app_step which);
/** It ends, and another begins. */
void app_end_step(void);
/** The processor has slept meanwhile. */
void app_slept(uint64_t us);

#endif
