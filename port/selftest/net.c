/*
 * The self-test of a network port: as a client, as a server, and that nothing waits. It must not
 * know what the client says over a stream.
 */
#include "checks.h"
#include "net_checks.h"

#define NO_WAIT_MS 1000u /* longest call; an emulator may be slow */

void selftest_net(struct selftest *t)
{
    struct selftest_net_run n = {.t = t, .ops = t->port->net, .ctx = t->port->net_ctx};

    if (!t->clock_moves) {
        selftest_skipped(t, "net", "without a clock a wait would not end");
        return;
    }
    selftest_net_client(&n);
    if (t->options->listen_port != 0) {
        selftest_net_server(&n);
    } else {
        selftest_skipped(t, "net.listen", "no port to listen on was named");
    }
    if (n.longest_ms > NO_WAIT_MS) {
        selftest_failed(t, "net.no_wait", "a call took # ms", n.longest_ms);
    } else {
        selftest_ok(t, "net.no_wait", "longest call: # ms", n.longest_ms);
    }
}
