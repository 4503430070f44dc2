/*
 * The self-test of a port: does it keep the promises of acme/port.h? For the bench, before the
 * client runs for the first time; not for a product. It needs acme/port.h only, no mbedTLS and no
 * client.
 *
 * It blocks: it calls options.idle while it waits. It reports one line a check,
 *
 *     selftest: flash.erase ok: sectors: 16
 *     selftest: net.refused FAILED: connects where nobody listens
 *     selftest: clock.rate skipped: no wall clock
 *
 * and a last one, "selftest: 31 passed, 0 failed, 2 skipped". What is skipped is not proven.
 */
#ifndef ACME_SELFTEST_H
#define ACME_SELFTEST_H

#include <stdbool.h>
#include <stdint.h>

#include "acme/port.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What to test. Zero-initialize; what is left at 0 or NULL is skipped. */
struct acme_selftest_options {
    /** The flash checks ERASE THE WHOLE AREA, keys and certificates in it included. Without this
     * only its geometry is looked at. At the end a record is left for after_power_cycle. */
    bool destroy_flash;
    /** Programs units a second time. Not on chips with ECC, where that may raise a fault. */
    bool try_reprogram;
    /** Programs and erases beyond the area's end. A port that fails this check has damaged what
     * lies behind the area. */
    bool probe_bounds;
    /** The second run, after the power was cut: looks for what the first left in flash, and changes
     * nothing. */
    bool after_power_cycle;

    const char *peer_host;    /**< a machine that helps: a name, or an address */
    uint16_t echo_port;       /**< there: a server that sends back what it gets (RFC 862) */
    uint16_t http_port;       /**< there: an HTTP/1.x server */
    uint16_t refused_port;    /**< there: nobody listens, and the machine says so */
    const char *missing_name; /**< a name that does not exist, such as "no-such-host.invalid" */

    /** The device listens here. Who visits: the device itself, at self_host ("127.0.0.1" where
     * there is a loopback), or somebody from outside, twice: the first visit sends a line, gets it
     * back and closes; the second gets ACME_SELFTEST_DELIVERED bytes, and the device closes. */
    uint16_t listen_port;
    const char *self_host; /**< as above; NULL: somebody from outside */

    uint32_t timeout_ms;     /**< of each wait for the network; 0: 20 seconds */
    void (*idle)(void *ctx); /**< called while the test waits: feeds a network stack that has no
                                  thread of its own, and a watchdog; or NULL */
    void *idle_ctx;          /**< its context */
};

/** Bytes that the second visitor gets. */
#define ACME_SELFTEST_DELIVERED 3000

/** One line, NUL-terminated, without a newline; lent for the call. */
typedef void (*acme_selftest_report_fn)(void *ctx, const char *line);

/** Runs all checks that the options ask for. Returns how many failed; ACME_ERR_ARGUMENT without a
 * port, options or report, or with a table of the port (log excepted) missing. */
int32_t acme_selftest_run(const struct acme_port *port, const struct acme_selftest_options *options,
                          acme_selftest_report_fn report, void *report_ctx);

#ifdef __cplusplus
}
#endif
#endif
