/*
 * What the tests of DNS share: PSA Crypto, a port in a neighbourhood (sim/sim_lan.h), its log, a
 * random generator that can fail, and polling to the end in virtual time.
 */
#ifndef LAN_BENCH_H
#define LAN_BENCH_H

#include <stdio.h>

#include "crypto_bench.h"
#include "sim_lan.h"

static struct sim_lan lan;
static struct acme_port port;
static char bench_lines[16384];               /* the log */
static uint32_t random_calls, random_fail_at; /* the n-th call fails; 0: none */

psa_status_t __real_psa_generate_random(uint8_t *output, size_t size);
psa_status_t __wrap_psa_generate_random(uint8_t *output, size_t size);

psa_status_t __wrap_psa_generate_random(uint8_t *output, size_t size)
{
    return ++random_calls == random_fail_at ? PSA_ERROR_INSUFFICIENT_ENTROPY
                                            : __real_psa_generate_random(output, size);
}

static void bench_write(void *ctx, enum acme_log_level level, const char *line)
{
    size_t len = strlen(bench_lines);

    (void)ctx;
    (void)level;
    (void)snprintf(bench_lines + len, sizeof(bench_lines) - len, "%s\n", line);
}

static const struct acme_log_ops bench_log_ops = {bench_write};

static void lan_bench_clear(void)
{
    bench_lines[0] = '\0';
    random_calls = random_fail_at = 0;
    sim_lan_clear(&lan);
}

/* An empty neighbourhood. */
static void lan_bench_plug(void)
{
    sim_lan_init(&lan);
    memset(&port, 0, sizeof(port));
    sim_lan_plug(&lan, &port);
    port.log = &bench_log_ops;
    lan_bench_clear();
}

/* The same, with PSA Crypto up. */
static inline int lan_bench_up(void **state)
{
    lan_bench_plug();
    return bench_up(state);
}

typedef int32_t (*bench_op)(void *ctx, uint32_t *wait_ms);

/* Polls to the end; time passes as the operation asks. */
static inline int32_t lan_bench_drive(bench_op op, void *ctx, uint64_t limit_ms)
{
    uint64_t end = lan.now_ms + limit_ms;
    int32_t rc = ACME_ERR_AGAIN;

    while (rc == ACME_ERR_AGAIN && lan.now_ms < end) {
        uint32_t wait = 1000;

        rc = op(ctx, &wait);
        lan.now_ms += wait > 0 && !lan.stutter ? wait : 1; /* an event comes before the time */
    }
    return rc;
}

#endif
