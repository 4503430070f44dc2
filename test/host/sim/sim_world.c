/*
 * The parts of the world put together, and the loop that a firmware would have. It must not know
 * what a test expects.
 */
#include "sim_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mbedtls/memory_buffer_alloc.h>
#include <psa/crypto.h>

#include "base/entropy.h"

#define POLLS_MAX 1000000u

/* ---- entropy ---- */

static uint64_t next_random(struct sim_entropy *e)
{
    uint64_t x = e->state += 0x9e3779b97f4a7c15u;

    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static int32_t entropy_fill(void *ctx, uint8_t *data, size_t len)
{
    struct sim_entropy *e = ctx;
    size_t i;

    if (++e->calls == e->fail_at) {
        return ACME_ERR_ENTROPY;
    }
    for (i = 0; i < len; i++) {
        data[i] = (uint8_t)(next_random(e) >> 56);
    }
    return ACME_OK;
}

static const struct acme_entropy_ops entropy_ops = {entropy_fill};

/* ---- the CA in the network ---- */

static bool listens(void *ctx, const char *host, uint16_t port)
{
    (void)ctx;
    return strcmp(host, CA_SIM_HOST) == 0 && port == 443;
}

static size_t serve(void *ctx, const char *request, size_t len, char *reply, size_t size,
                    bool *close)
{
    struct sim_world *w = ctx;
    size_t done;

    w->in_ca = true;
    ca_sim_tick(w->ca, w->clock.now_ms);
    done = ca_sim_request(w->ca, request, len, reply, size, close);
    if (w->on_reply != NULL) {
        done = w->on_reply(w->on_reply_ctx, (enum ca_sim_route)w->ca->route, reply, done, size);
    }
    w->in_ca = false;
    return done;
}

static int32_t fetch_start(void *ctx, const char *host, const char *path)
{
    struct sim_world *w = ctx;
    char text[256];
    int len = snprintf(text, sizeof(text),
                       "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: ca_sim\r\n"
                       "Connection: close\r\n\r\n",
                       path, host);

    return sim_net_call(&w->net, 80, text, (size_t)len);
}

static int32_t fetch_poll(void *ctx, int32_t handle, char *data, size_t size)
{
    return sim_net_answer(&((struct sim_world *)ctx)->net, handle, data, size);
}

static void fetch_cancel(void *ctx, int32_t handle)
{
    sim_net_hang_up(&((struct sim_world *)ctx)->net, handle);
}

static void write_log(void *ctx, enum acme_log_level level, const char *line)
{
    (void)ctx;
    (void)fprintf(stderr, "  %d %s\n", (int)level, line);
}

static const struct acme_log_ops log_ops = {write_log};

/* ---- building ---- */

/* The CA makes its keys and certificates before there is a client: with PSA of its own. */
static bool make_ca(struct sim_world *w, const struct sim_options *o)
{
    static _Alignas(8) unsigned char pool[65536];
    const struct ca_sim_fetcher fetcher = {w, fetch_start, fetch_poll, fetch_cancel};
    bool ok;

    mbedtls_memory_buffer_alloc_init(pool, sizeof(pool));
    acme_entropy_bind(&entropy_ops, &w->entropy);
    ok = psa_crypto_init() == PSA_SUCCESS &&
         ca_sim_init(w->ca, o->accounts_max != 0 ? o->accounts_max : 4,
                     o->orders_max != 0 ? o->orders_max : 64, o->seed, SIM_EPOCH_S, &fetcher);
    mbedtls_psa_crypto_free();
    acme_entropy_bind(NULL, NULL);
    mbedtls_memory_buffer_alloc_free();
    return ok;
}

bool sim_world_init(struct sim_world *w, const struct sim_options *o)
{
    memset(&w->clock, 0, sizeof(w->clock));
    memset(&w->entropy, 0, sizeof(w->entropy));
    memset(&w->config, 0, sizeof(w->config));
    memset(&w->net, 0, offsetof(struct sim_net, streams));
    sim_net_reset(&w->net);
    flash_sim_init(&w->flash, o->sector_size, o->sector_count, o->program_size, o->seed);
    w->clock.epoch_s = SIM_EPOCH_S;
    w->entropy.seed = w->entropy.state = o->seed;
    w->net.clock = &w->clock;
    w->net.latency_ms = 20;
    w->net.off = &w->flash.off;
    w->server = (struct sim_server){w, listens, serve};
    w->net.server = &w->server;
    w->port = (struct acme_port){.net = &sim_net_ops,
                                 .net_ctx = &w->net,
                                 .clock = &sim_clock_ops,
                                 .clock_ctx = &w->clock,
                                 .entropy = &entropy_ops,
                                 .entropy_ctx = &w->entropy,
                                 .flash = &flash_sim_ops,
                                 .flash_ctx = &w->flash};
    w->port.log = w->verbose ? &log_ops : NULL;
    w->on_reply = NULL;
    w->client = NULL;
    w->hung = w->in_ca = false;
    w->job_limit_s = 2 * 86400;
    w->polls_max = POLLS_MAX;
    if (w->ca == NULL) {
        w->ca = malloc(ca_sim_size(o->accounts_max != 0 ? o->accounts_max : 4,
                                   o->orders_max != 0 ? o->orders_max : 64));
    }
    if (w->ca == NULL || !make_ca(w, o)) {
        return false;
    }
    w->net.transport = w->transport != NULL ? w->transport(w->ca) : NULL;
    w->anchor = (struct acme_trust_anchor){w->ca->root, w->ca->root_len};
    w->config.port = &w->port;
    w->config.directory_url = CA_SIM_DIRECTORY;
    w->config.anchors = &w->anchor;
    w->config.anchors_count = 1;
    w->config.tos_agreed = true;
    w->config.http_port = 80;
    w->config.build_time_s = SIM_EPOCH_S;
    return true;
}

void sim_world_free(struct sim_world *w)
{
    free(w->ca);
    w->ca = NULL;
}

/* ---- running ---- */

int32_t sim_world_boot(struct sim_world *w)
{
    w->clock.boot_ms = w->clock.now_ms;
    w->entropy.boots++;
    w->entropy.state = w->entropy.seed ^ (uint64_t)w->entropy.boots << 32;
    w->entropy.calls = 0;
    return acme_init(&w->client, &w->config, w->memory, sizeof(w->memory));
}

/* To the next moment at which anything happens. What has arrived already is nothing that the client
 * waits for, or it would have taken it. */
static void advance(struct sim_world *w, uint32_t wait_ms)
{
    uint64_t next = w->clock.now_ms + wait_ms, net = sim_net_next_ms(&w->net);
    uint64_t ca = ca_sim_next_ms(w->ca);

    next = net < next && (net > w->clock.now_ms || w->net.latency_ms == 0) ? net : next;
    next = ca < next ? ca : next;
    w->clock.now_ms = next > w->clock.now_ms ? next : w->clock.now_ms + 1;
}

int32_t sim_world_drive(struct sim_world *w)
{
    uint64_t end = w->clock.now_ms + w->job_limit_s * 1000ull;
    struct acme_poll_result result;

    w->hung = false;
    for (w->polls = 0; w->polls < w->polls_max && w->clock.now_ms < end; w->polls++) {
        enum acme_want want = acme_poll(w->client, &result);

        if (w->flash.off) {
            return ACME_ERR_AGAIN;
        }
        ca_sim_tick(w->ca, w->clock.now_ms);
        if (want == ACME_WANT_IDLE) {
            return result.error;
        }
        if (want == ACME_WANT_EVENT) {
            advance(w, result.wait_ms);
        }
    }
    w->hung = true;
    return ACME_ERR_AGAIN;
}

void sim_world_halt(struct sim_world *w)
{
    if (w->client != NULL) {
        acme_deinit(w->client);
        w->client = NULL;
    }
    sim_net_reset(&w->net);
    ca_sim_hang_up(w->ca);
    flash_sim_power_on(&w->flash);
}

void sim_world_sleep(struct sim_world *w, uint64_t ms)
{
    uint64_t end = w->clock.now_ms + ms;

    while (w->clock.now_ms < end) {
        uint64_t next = ca_sim_next_ms(w->ca);

        w->clock.now_ms = next > w->clock.now_ms && next < end ? next : end;
        ca_sim_tick(w->ca, w->clock.now_ms);
    }
}

/* ---- saving ---- */

void sim_world_save(struct sim_world *w, struct sim_snapshot *s)
{
    s->clock = w->clock;
    s->entropy = w->entropy;
    s->flash = flash_sim_save(&w->flash, s->flash);
    if (s->ca == NULL) {
        s->ca = malloc(ca_sim_size(w->ca->accounts_max, w->ca->orders_max));
    }
    if (s->ca == NULL) {
        abort();
    }
    ca_sim_copy(s->ca, w->ca);
}

void sim_world_restore(struct sim_world *w, const struct sim_snapshot *s)
{
    sim_world_halt(w);
    w->clock = s->clock;
    w->entropy = s->entropy;
    flash_sim_restore(&w->flash, s->flash);
    ca_sim_copy(w->ca, s->ca);
    sim_net_clear_faults(&w->net);
}

void sim_snapshot_free(struct sim_snapshot *s)
{
    free(s->ca);
    flash_sim_image_free(s->flash);
    s->ca = NULL;
    s->flash = NULL;
}
