/*
 * A network port on the test's network, chosen at link time: bench_posix.c, bench_lwip_socket.c
 * (lwIP with its threads) or bench_lwip_raw.c (lwIP in one loop). The lwIP ones put a device with
 * the addresses below behind the TAP interface "tap0"; the kernel is the other end of the wire.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stdint.h>

#include "acme/port.h"

#define BENCH_PEER_4   "10.66.0.1"
#define BENCH_PEER_6   "fd66::1"
#define BENCH_SILENT_4 "10.66.0.77" /* nobody */

extern const char *const bench_device_4, *const bench_device_6;
/** Callers that the port lets wait, at most. */
extern const int bench_backlog;
/** Whether the port has datagrams. */
extern const bool bench_has_datagrams;

/** Whether the port asks name servers itself; else the C library does, in its own time. */
extern const bool bench_resolves;

/** So often the stack's thread has no room for a question of the port's. */
extern int bench_refusals;

/** Brings the stack and the port up, and fills in the port's network and clock. Ends the program
 * when it cannot. */
void bench_start(struct acme_port *port);
/** The port's own way to wait for the network, at most for wait_ms. */
void bench_wait(uint32_t wait_ms);

#endif
