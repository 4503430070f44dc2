/*
 * The bench over port/lwip_raw: lwIP without threads, in one loop with the test.
 */
#include "bench.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <lwip/init.h>
#include <lwip/timeouts.h>
#include <netif/ethernet.h>

#include "acme_lwip_raw.h"
#include "tap.h"

static struct acme_lwip_raw net;
static struct acme_lwip_clock clock_state;

const char *const bench_device_4 = "10.66.0.2";
const char *const bench_device_6 = "fd66::2";
const int bench_backlog = 4;
const bool bench_has_datagrams = true;
const bool bench_resolves = true;
int bench_refusals; /* there is no such thread */

void bench_start(struct acme_port *port)
{
    srand((unsigned)time(NULL) ^ (unsigned)getpid()); /* lwIP's local ports */
    lwip_init();
    tap_start(ethernet_input);
    acme_lwip_raw_init(&net);
    if (acme_lwip_sntp_start(&clock_state, BENCH_PEER_4) != ACME_OK) {
        exit(3);
    }
    port->net = &acme_lwip_raw_net_ops;
    port->net_ctx = &net;
    port->udp = &acme_lwip_raw_udp_ops;
    port->udp_ctx = &net;
    port->clock = &acme_lwip_clock_ops;
    port->clock_ctx = &clock_state;
}

void bench_wait(uint32_t wait_ms)
{
    u32_t ms = sys_timeouts_sleeptime();

    tap_receive((int)(ms < wait_ms ? ms : wait_ms));
    sys_check_timeouts();
}
