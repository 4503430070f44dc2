/*
 * The bench over port/posix: the kernel is both ends.
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>

#include "acme_posix.h"

static struct acme_posix_net net;

const char *const bench_device_4 = "127.0.0.1";
const char *const bench_device_6 = "::1";
const int bench_backlog = 17; /* the kernel lets one more wait than it is told */
const bool bench_has_datagrams = true;
const bool bench_resolves = false;
int bench_refusals; /* there is no such thread */

void bench_start(struct acme_port *port)
{
    if (acme_posix_net_init(&net) != ACME_OK) {
        perror("bench");
        exit(3);
    }
    port->net = &acme_posix_net_ops;
    port->net_ctx = &net;
    port->udp = &acme_posix_udp_ops;
    port->udp_ctx = &net;
    port->clock = &acme_posix_clock_ops;
}

void bench_wait(uint32_t wait_ms)
{
    acme_posix_net_wait(&net, wait_ms);
}
