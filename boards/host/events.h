/*
 * What the client tells while it works, shown as it happens.
 */
#ifndef NANOACME_EVENTS_H
#define NANOACME_EVENTS_H

#include <stdbool.h>

#include "acme/client.h"

struct cli_events {
    const struct acme_config *config;       /* whose certificates the events are of */
    bool lines;                             /* every event as a line of JSON, too */
    bool asked;                             /* the last error came with the words of the CA */
    bool installed[CONFIG_ACME_CERT_SLOTS]; /* a certificate that nobody was handed yet */
};

/** acme_config.on_event; ctx is a struct cli_events. */
void cli_on_event(void *ctx, const struct acme_event *event);

#endif
