/*
 * A first issuance in which the n-th call of one port function fails, for each n, against the
 * scripted CA: it must end with an error or overcome it, and the next run, on the same flash, must
 * succeed with one account. Time is the test's own, so that pauses cost nothing. Run by
 * test_torture.py.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "acme/client.h"
#include "acme_posix.h"
#include "flash_sim.h"
#include "pem_anchor.h"

enum kind {
    NONE,
    CONNECT,
    CONNECTED,
    SEND,
    RECV,
    RECV_CLOSED,
    RECV_BYTE, /* not a failure: streams that give one byte at a time from then on */
    SEND_BYTE,
    LISTEN,
    WALL,
    ENTROPY,
    READ,
    PROGRAM,
    ERASE,
    SYNC,
    KINDS
};

static const char *const kind_names[KINDS] = {
    "none",   "connect", "connected", "send", "recv",    "close", "recv one byte", "send one byte",
    "listen", "wall",    "entropy",   "read", "program", "erase", "sync"};

static struct acme_posix_net net;
static struct flash_sim flash;
static _Alignas(8) uint8_t memory[ACME_MEMORY_SIZE];
static enum kind kind;
static uint32_t fail_at, calls;
static uint64_t skew_ms;

/* Whether this call is the one that fails. */
static bool hit(enum kind which)
{
    return kind == which && ++calls == fail_at;
}

/* Whether it is that one, or a later one. */
static bool from(enum kind which)
{
    return kind == which && ++calls >= fail_at;
}

static acme_handle t_connect(void *ctx, const char *host, uint16_t port)
{
    return hit(CONNECT) ? ACME_ERR_CONNECT : acme_posix_net_ops.connect(ctx, host, port);
}

static int32_t t_connected(void *ctx, acme_handle stream)
{
    return hit(CONNECTED) ? ACME_ERR_NET : acme_posix_net_ops.connected(ctx, stream);
}

static int32_t t_send(void *ctx, acme_handle stream, const uint8_t *data, size_t len)
{
    if (hit(SEND)) {
        return ACME_ERR_NET;
    }
    return acme_posix_net_ops.send(ctx, stream, data, from(SEND_BYTE) ? 1 : len);
}

static int32_t t_recv(void *ctx, acme_handle stream, uint8_t *data, size_t size)
{
    if (hit(RECV)) {
        return ACME_ERR_NET;
    }
    if (hit(RECV_CLOSED)) {
        return ACME_ERR_CLOSED;
    }
    return acme_posix_net_ops.recv(ctx, stream, data, from(RECV_BYTE) ? 1 : size);
}

static void t_close(void *ctx, acme_handle stream)
{
    acme_posix_net_ops.close(ctx, stream);
}

static acme_handle t_listen(void *ctx, uint16_t port)
{
    return hit(LISTEN) ? ACME_ERR_LISTEN : acme_posix_net_ops.listen(ctx, port);
}

static acme_handle t_accept(void *ctx, acme_handle listener)
{
    return acme_posix_net_ops.accept(ctx, listener);
}

static void t_unlisten(void *ctx, acme_handle listener)
{
    acme_posix_net_ops.unlisten(ctx, listener);
}

static uint64_t t_uptime(void *ctx)
{
    return acme_posix_clock_ops.uptime_ms(ctx) + skew_ms;
}

static int32_t t_wall(void *ctx, int64_t *unix_s)
{
    return from(WALL) ? ACME_ERR_NO_CLOCK : acme_posix_clock_ops.wall_s(ctx, unix_s);
}

static int32_t t_fill(void *ctx, uint8_t *data, size_t len)
{
    return hit(ENTROPY) ? ACME_ERR_ENTROPY : acme_posix_entropy_ops.fill(ctx, data, len);
}

static int32_t t_geometry(void *ctx, struct acme_flash_geometry *geometry)
{
    return flash_sim_ops.geometry(ctx, geometry);
}

static int32_t t_read(void *ctx, uint32_t offset, void *data, size_t len)
{
    return hit(READ) ? ACME_ERR_STORE_IO : flash_sim_ops.read(ctx, offset, data, len);
}

static int32_t t_program(void *ctx, uint32_t offset, const void *data, size_t len)
{
    return hit(PROGRAM) ? ACME_ERR_STORE_IO : flash_sim_ops.program(ctx, offset, data, len);
}

static int32_t t_erase(void *ctx, uint32_t offset)
{
    return hit(ERASE) ? ACME_ERR_STORE_IO : flash_sim_ops.erase(ctx, offset);
}

static int32_t t_sync(void *ctx)
{
    return hit(SYNC) ? ACME_ERR_STORE_IO : flash_sim_ops.sync(ctx);
}

static const struct acme_net_ops net_ops = {t_connect, t_connected, t_send,   t_recv,
                                            t_close,   t_listen,    t_accept, t_unlisten};
static const struct acme_clock_ops clock_ops = {t_uptime, t_wall};
static const struct acme_entropy_ops entropy_ops = {t_fill};
static const struct acme_flash_ops flash_ops = {t_geometry, t_read, t_program, t_erase, t_sync};

/* A job that does not end within this much of its own time hangs. */
#define JOB_LIMIT_MS (20u * 60u * 1000u)

static int32_t drive(acme_client *client)
{
    struct acme_poll_result result;
    uint64_t end = t_uptime(NULL) + JOB_LIMIT_MS;

    while (acme_poll(client, &result) != ACME_WANT_IDLE) {
        if (t_uptime(NULL) > end) {
            (void)fprintf(stderr, "the client hangs\n");
            exit(1);
        }
        if (result.want == ACME_WANT_EVENT) {
            acme_posix_net_wait(&net, result.wait_ms > 2 ? 2 : result.wait_ms);
            skew_ms += 40;
        }
    }
    return result.error;
}

static int32_t run(const struct acme_config *config, bool *valid)
{
    struct acme_cert_status status = {0};
    acme_client *client;
    int32_t rc_status, rc = acme_init(&client, config, memory, sizeof(memory));

    *valid = false;
    if (rc != ACME_OK) {
        return rc;
    }
    rc = acme_start(client);
    rc = rc == ACME_OK ? drive(client) : rc;
    rc_status = acme_cert_get_status(client, 0, &status); /* it reads the flash, too, and says so */
    *valid = rc_status == ACME_OK && acme_cert_can_serve(&status);
    acme_deinit(client);
    return rc == ACME_OK ? rc_status : rc;
}

static const struct acme_port port = {.net = &net_ops,
                                      .net_ctx = &net,
                                      .clock = &clock_ops,
                                      .entropy = &entropy_ops,
                                      .flash = &flash_ops,
                                      .flash_ctx = &flash};

/* One fault, and the run after it. Returns whether the fault was reached. */
static bool torture(struct acme_config *config, uint32_t n, uint32_t *failed)
{
    bool valid, reached;
    int32_t rc;

    flash_sim_init(&flash, 4096, 16, 8, n);
    calls = 0;
    fail_at = n;
    rc = run(config, &valid);
    reached = calls >= n;
    *failed += rc != ACME_OK ? 1 : 0;
    if (rc == ACME_OK && !valid) {
        (void)fprintf(stderr, "%s %u: no error, and no certificate\n", kind_names[kind], n);
        exit(1);
    }
    fail_at = UINT32_MAX;
    rc = run(config, &valid);
    if (rc != ACME_OK || !valid || flash.violation) {
        (void)fprintf(stderr, "%s %u: the next run says %s%s\n", kind_names[kind], n,
                      acme_error_name(rc), flash.violation ? ", and broke the flash's rules" : "");
        exit(1);
    }
    return reached;
}

/* usage: torture DIRECTORY CA_FILE HTTP_PORT */
int main(int argc, char **argv)
{
    static unsigned char der[4096];
    static const char *name = "device.example.org";
    static const struct acme_cert_request request = {.names = &name, .names_count = 1};
    struct acme_trust_anchor anchor = {der, 0};
    struct acme_config config = {0};
    uint32_t total = 0, failed = 0;

    if (argc != 4) {
        return 2;
    }
    anchor.len = pem_anchor_read(argv[2], der, sizeof(der));
    config.port = &port;
    config.directory_url = argv[1];
    config.anchors = &anchor;
    config.anchors_count = 1;
    config.certs = &request;
    config.certs_count = 1;
    config.tos_agreed = true;
    config.http_port = (uint16_t)atoi(argv[3]);
    config.build_time_s = 1700000000;
    if (acme_posix_net_init(&net) != ACME_OK) {
        return 3;
    }
    for (kind = CONNECT; kind < KINDS; kind++) {
        /* Every call of the rare ones, ever larger steps through the frequent ones. */
        uint32_t n, count = 0;

        for (n = 1; torture(&config, n, &failed); n += 1 + n / 40) {
            count++;
        }
        (void)printf("%s: %u faults\n", kind_names[kind], count);
        total += count;
    }
    (void)printf("torture: %u faults, %u runs ended with an error, every next run succeeded\n",
                 total, failed);
    return 0;
}
