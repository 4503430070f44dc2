/*
 * Name servers, and whoever else answers, as a script: replies of any kind over UDP and TCP, with
 * the id and the question that belong to the request or without; and a clock that goes on by
 * itself. It knows DNS's header, not what is asked for.
 */
#ifndef FUZZ_NAME_SERVER_H
#define FUZZ_NAME_SERVER_H

#include "acme/port.h"
#include "script.h"

extern const struct acme_port name_server_port; /**< net, clock and udp */
extern uint32_t name_server_requests;           /**< sent, since begin */

/** From here on the script is read for replies. */
void name_server_begin(struct script *script);
/** Time passes. */
void name_server_wait(uint32_t ms);

#endif
