/*
 * The bench over port/lwip_socket: lwIP's own thread, one that receives, and the test's.
 */
#include "bench.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <lwip/sys.h>
#include <lwip/tcpip.h>

#include "acme_lwip_socket.h"
#include "tap.h"

static struct acme_lwip_socket net;
static struct acme_lwip_clock clock_state;

const char *const bench_device_4 = "10.66.0.2";
const char *const bench_device_6 = "fd66::2";
const int bench_backlog = 4;
const bool bench_has_datagrams = false;
const bool bench_resolves = true;
int bench_refusals;

err_t __real_tcpip_try_callback(tcpip_callback_fn function, void *ctx);
err_t __wrap_tcpip_try_callback(tcpip_callback_fn function, void *ctx);

/* A full mailbox. */
err_t __wrap_tcpip_try_callback(tcpip_callback_fn function, void *ctx)
{
    if (bench_refusals > 0) {
        bench_refusals--;
        return ERR_MEM;
    }
    return __real_tcpip_try_callback(function, ctx);
}

static void receive(void *unused)
{
    (void)unused;
    for (;;) {
        tap_receive(-1);
    }
}

static void set_up(void *ready)
{
    tap_start(tcpip_input);
    sys_sem_signal(ready);
}

void bench_start(struct acme_port *port)
{
    sys_sem_t ready;

    srand((unsigned)time(NULL) ^ (unsigned)getpid()); /* lwIP's local ports */
    if (sys_sem_new(&ready, 0) != ERR_OK) {
        exit(3);
    }
    tcpip_init(set_up, &ready);
    (void)sys_arch_sem_wait(&ready, 0);
    sys_sem_free(&ready);
    (void)sys_thread_new("receive", receive, NULL, 0, 0);
    acme_lwip_socket_init(&net);
    if (acme_lwip_sntp_start(&clock_state, BENCH_PEER_4) != ACME_OK) {
        exit(3);
    }
    port->net = &acme_lwip_socket_net_ops;
    port->net_ctx = &net;
    port->clock = &acme_lwip_clock_ops;
    port->clock_ctx = &clock_state;
}

void bench_wait(uint32_t wait_ms)
{
    acme_lwip_socket_wait(&net, wait_ms);
}
