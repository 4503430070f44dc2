/*
 * TLS at the simulated server's end, over mbedTLS, for lives with the core's real tls.c. The server
 * has a certificate of the CA's root. Its contexts live in mbedTLS's pool, which is the client's: a
 * connection ends, at the latest, when the client closes it. It knows no HTTP.
 */
#ifndef SIM_TLS_H
#define SIM_TLS_H

#include "ca_sim.h"
#include "sim_net.h"

/** The transport for sim_net.transport, with a server certificate of ca. */
const struct sim_transport *sim_tls_transport(struct ca_sim *ca);
/** Handshakes that were completed, in all. */
uint32_t sim_tls_handshakes(void);

#endif
