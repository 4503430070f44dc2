/*
 * The device's own HTTPS server: its status page, with the certificate that the store has now. One
 * connection at a time, which takes the certificate of the moment it begins: a new one is in use
 * with the next connection, and the listener stays. It must not know how certificates are obtained.
 */
#ifndef HTTPS_H
#define HTTPS_H

#include <stdbool.h>
#include <stdint.h>

#include "acme/client.h"
#include "text.h"

#define HTTPS_PORT 443

/** Writes a page for a path; false: there is none. */
typedef bool (*https_page)(const char *path, struct text *body);

/** Lends the client, the port and the page writer. */
void https_init(acme_client *client, const struct acme_port *port, https_page page);
/** Bounded work; true: call again soon. accept: whether new connections may begin now. One that has
 * begun ends by itself within ten seconds. */
bool https_poll(bool accept);
/** Whether a connection is under way that takes memory: one that says nothing does not. */
bool https_is_busy(void);

#endif
