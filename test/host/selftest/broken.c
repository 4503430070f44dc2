/*
 * Ports that break one promise each, by its name. Each function hands on to the good port unless
 * its fault is the one that was asked for.
 */
#include "broken.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "acme_posix.h"

static const char *const faults[] = {
    "none",
    "nothing", /* as none, without a wall clock, whose check takes seconds */
    "clock-stands-still",
    "clock-goes-back",
    "clock-is-coarse",
    "clock-runs-double",
    "wall-is-1970",
    "wall-unknown-but-written",
    "wall-stands-still",
    "wall-error",
    "entropy-constant",
    "entropy-same-draw",
    "entropy-short",
    "entropy-overrun",
    "entropy-biased",
    "entropy-repeats",
    "entropy-fails",
    "entropy-stuck-byte",
    "entropy-fixed-seed",
    "geometry-odd",
    "geometry-unit",
    "geometry-one-sector",
    "geometry-changes",
    "geometry-fails",
    "erase-nothing",
    "erase-zeros",
    "erase-two",
    "erase-fails",
    "erase-anywhere",
    "erase-beyond",
    "program-lost",
    "program-neighbour",
    "program-alias",
    "program-unaligned",
    "program-beyond",
    "program-fails",
    "reprogram-garbage",
    "reprogram-silent",
    "reprogram-replaces",
    "read-aligned",
    "read-overrun",
    "read-beyond",
    "read-fails",
    "sync-fails",
    "recv-zero",
    "recv-corrupts",
    "recv-never-closed",
    "recv-closed-early",
    "close-leaks",
    "close-drops",
    "connect-lies",
    "connect-waits",
    "connect-wrong-error",
    "connect-one-stream",
    "connect-nowhere",
    "listen-fails",
    "listen-once",
    "accept-nobody",
    "accept-nothing",
};

static const char *fault = "none";
static const struct acme_flash_ops *flash;
static struct acme_posix_net net;
static uint32_t calls; /* of the function at fault */

static bool is(const char *name)
{
    return strcmp(fault, name) == 0;
}

/* ---- clock ---- */

static uint64_t b_uptime(void *ctx)
{
    uint64_t now = acme_posix_clock_ops.uptime_ms(ctx);

    if (is("clock-stands-still")) {
        return 1234;
    }
    if (is("clock-goes-back")) {
        return ++calls % 1000u == 0 ? now - 5u : now;
    }
    if (is("clock-is-coarse")) {
        return now / 500u * 500u;
    }
    return is("clock-runs-double") ? now * 2u : now;
}

/* The rate takes seconds to check: only those tests that are about it have a wall clock. */
static int32_t b_wall(void *ctx, int64_t *unix_s)
{
    if (is("wall-is-1970")) {
        *unix_s = (int64_t)(acme_posix_clock_ops.uptime_ms(NULL) / 1000u);
        return ACME_OK;
    }
    if (is("wall-unknown-but-written")) {
        *unix_s = 0;
        return ACME_ERR_NO_CLOCK;
    }
    if (is("wall-stands-still")) {
        *unix_s = INT64_C(1800000000);
        return ACME_OK;
    }
    if (is("wall-error")) {
        return ACME_ERR_NET;
    }
    return is("none") || is("clock-runs-double") ? acme_posix_clock_ops.wall_s(ctx, unix_s)
                                                 : ACME_ERR_NO_CLOCK;
}

/* ---- entropy ---- */

static uint64_t pseudo_random(uint64_t *x)
{
    *x ^= *x << 13;
    *x ^= *x >> 7;
    *x ^= *x << 17;
    return *x;
}

static int32_t good_fill(uint8_t *data, size_t len)
{
    return acme_posix_entropy_ops.fill(NULL, data, len);
}

static int32_t fill_from(uint64_t *seed, uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        data[i] = (uint8_t)(pseudo_random(seed) >> 24);
    }
    return ACME_OK;
}

static int32_t b_fill(void *ctx, uint8_t *data, size_t len)
{
    static uint64_t fixed = 88172645463325252u;
    uint64_t again = 88172645463325252u;
    int32_t rc = ACME_OK;

    (void)ctx;
    if (is("entropy-fails")) {
        return ACME_ERR_ENTROPY;
    }
    if (is("entropy-fixed-seed")) {
        return fill_from(&fixed, data, len);
    }
    if (is("entropy-same-draw")) {
        return fill_from(&again, data, len);
    }
    if (is("entropy-constant")) {
        memset(data, 0, len);
        return ACME_OK;
    }
    rc = good_fill(data, is("entropy-short") && len > 32 ? 32 : len);
    for (size_t i = 0; i < len && is("entropy-biased"); i++) {
        data[i] |= (uint8_t)(rand() & 0xff);
    }
    for (size_t i = 0; i < len && is("entropy-repeats"); i++) {
        data[i] = data[i / 8u * 8u];
    }
    if (is("entropy-overrun")) {
        data[len] = 1;
    }
    if (is("entropy-stuck-byte") && len > 40) {
        data[40] = 7;
    }
    return rc;
}

/* ---- flash ---- */

static int32_t b_geometry(void *ctx, struct acme_flash_geometry *g)
{
    int32_t rc = flash->geometry(ctx, g);

    if (is("geometry-fails")) {
        return ACME_ERR_STORE_IO;
    }
    if (is("geometry-odd")) {
        g->sector_size = 3000;
    }
    if (is("geometry-unit")) {
        g->program_size = 64;
    }
    if (is("geometry-one-sector")) {
        g->sector_count = 1;
    }
    if (is("geometry-changes")) {
        g->sector_count += calls++;
    }
    return rc;
}

static uint32_t sector_size(void *ctx)
{
    struct acme_flash_geometry g;

    (void)flash->geometry(ctx, &g);
    return g.sector_size;
}

static uint32_t area_size(void *ctx)
{
    struct acme_flash_geometry g;

    (void)flash->geometry(ctx, &g);
    return g.sector_size * g.sector_count;
}

static int32_t b_read(void *ctx, uint32_t offset, void *data, size_t len)
{
    if (is("read-fails") && ++calls > 20) {
        return ACME_ERR_STORE_IO;
    }
    if (is("read-aligned")) {
        offset &= ~3u;
    }
    if (is("read-beyond") && offset >= area_size(ctx)) {
        return ACME_OK;
    }
    if (is("read-overrun") && len % 8u != 0 && offset + len < area_size(ctx)) {
        len++;
    }
    return flash->read(ctx, offset, data, len);
}

static bool is_programmed(void *ctx, uint32_t offset)
{
    uint8_t byte = 0xff;

    (void)flash->read(ctx, offset, &byte, 1);
    return byte != 0xff;
}

/* A second program of the same place. */
static int32_t reprogram(void *ctx, uint32_t offset, const uint8_t *data, size_t len)
{
    uint8_t garbage[64];

    if (is("reprogram-silent")) {
        return ACME_OK;
    }
    memset(garbage, 0x33, sizeof(garbage));
    (void)flash->erase(ctx, offset / sector_size(ctx) * sector_size(ctx));
    return flash->program(ctx, offset, is("reprogram-garbage") ? garbage : data, len);
}

static int32_t b_program(void *ctx, uint32_t offset, const void *data, size_t len)
{
    uint8_t zeros[64] = {0};
    bool again = is("reprogram-garbage") || is("reprogram-silent") || is("reprogram-replaces");

    if (is("program-fails")) {
        return ACME_ERR_STORE_IO;
    }
    if (is("program-lost")) {
        return ACME_OK;
    }
    if (again && len == 64 && offset + len <= area_size(ctx) && is_programmed(ctx, offset)) {
        return reprogram(ctx, offset, data, len);
    }
    if (is("program-alias")) {
        offset %= area_size(ctx) / 2u;
    }
    if (is("program-unaligned")) {
        offset &= ~7u;
        len &= ~(size_t)7u;
    }
    if (is("program-beyond") && offset >= area_size(ctx)) {
        return ACME_OK;
    }
    if (is("program-neighbour") && len == 8) {
        (void)flash->program(ctx, offset + 8u, zeros, 8);
    }
    return flash->program(ctx, offset, data, len);
}

static int32_t b_erase(void *ctx, uint32_t offset)
{
    uint32_t size = sector_size(ctx);
    uint8_t zeros[64] = {0};

    if (is("erase-fails")) {
        return ACME_ERR_STORE_IO;
    }
    if (is("erase-nothing")) {
        return ACME_OK;
    }
    if (is("erase-anywhere")) {
        offset = offset / size * size;
    }
    if (is("erase-beyond") && offset >= area_size(ctx)) {
        return ACME_OK;
    }
    if (is("erase-two") && offset + size < area_size(ctx)) {
        (void)flash->erase(ctx, offset + size);
    }
    if (is("erase-zeros")) {
        (void)flash->erase(ctx, offset);
        return flash->program(ctx, offset + 128u, zeros, 64);
    }
    return flash->erase(ctx, offset);
}

static int32_t b_sync(void *ctx)
{
    return is("sync-fails") ? ACME_ERR_STORE_IO : flash->sync(ctx);
}

/* ---- network ---- */

static acme_handle b_connect(void *ctx, const char *host, uint16_t port)
{
    struct timespec wait = {1, 200000000};

    if (is("connect-waits") && calls++ == 0) {
        (void)nanosleep(&wait, NULL);
    }
    if (is("connect-one-stream") && ++calls == 2) {
        return ACME_ERR_LIMIT;
    }
    if (is("connect-nowhere")) {
        return ACME_ERR_CONNECT;
    }
    return acme_posix_net_ops.connect(ctx, host, port);
}

static int32_t b_connected(void *ctx, acme_handle stream)
{
    int32_t rc = acme_posix_net_ops.connected(ctx, stream);

    if (is("connect-lies")) {
        return rc == ACME_ERR_CONNECT ? ACME_OK : rc;
    }
    return is("connect-wrong-error") && rc == ACME_ERR_RESOLVE ? ACME_ERR_CONNECT : rc;
}

static int32_t b_send(void *ctx, acme_handle stream, const uint8_t *data, size_t len)
{
    return acme_posix_net_ops.send(ctx, stream, data, len);
}

static int32_t b_recv(void *ctx, acme_handle stream, uint8_t *data, size_t size)
{
    int32_t rc = acme_posix_net_ops.recv(ctx, stream, data, size);

    if (is("recv-zero") && rc == ACME_ERR_AGAIN) {
        return 0;
    }
    if (is("recv-corrupts") && rc > 100) {
        data[100] ^= 1;
    }
    if (is("recv-never-closed") && rc == ACME_ERR_CLOSED) {
        return ACME_ERR_AGAIN;
    }
    return is("recv-closed-early") && rc > 0 && memcmp(data, "HTTP", 4) == 0 ? ACME_ERR_CLOSED : rc;
}

static void b_close(void *ctx, acme_handle stream)
{
    const struct linger drop = {1, 0};

    if (is("close-leaks")) {
        return;
    }
    if (is("close-drops")) {
        (void)setsockopt(net.sockets[stream].fd, SOL_SOCKET, SO_LINGER, &drop, sizeof(drop));
    }
    acme_posix_net_ops.close(ctx, stream);
}

static acme_handle b_listen(void *ctx, uint16_t port)
{
    if (is("listen-fails") || (is("listen-once") && calls++ > 0)) {
        return ACME_ERR_LISTEN;
    }
    return acme_posix_net_ops.listen(ctx, port);
}

static acme_handle b_accept(void *ctx, acme_handle listener)
{
    acme_handle stream =
        is("accept-nothing") ? ACME_ERR_AGAIN : acme_posix_net_ops.accept(ctx, listener);

    return is("accept-nobody") && stream == ACME_ERR_AGAIN ? ACME_ERR_NET : stream;
}

static void b_unlisten(void *ctx, acme_handle listener)
{
    acme_posix_net_ops.unlisten(ctx, listener);
}

static const struct acme_net_ops net_ops = {b_connect, b_connected, b_send,   b_recv,
                                            b_close,   b_listen,    b_accept, b_unlisten};
static const struct acme_clock_ops clock_ops = {b_uptime, b_wall};
static const struct acme_entropy_ops entropy_ops = {b_fill};
static const struct acme_flash_ops flash_ops = {b_geometry, b_read, b_program, b_erase, b_sync};

bool broken_port(const char *name, const struct acme_flash_ops *ops, void *flash_ctx,
                 struct acme_port *port)
{
    bool known = false;

    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        known = known || strcmp(faults[i], name) == 0;
    }
    fault = name;
    flash = ops;
    port->net = &net_ops;
    port->net_ctx = &net;
    port->clock = &clock_ops;
    port->entropy = &entropy_ops;
    port->flash = &flash_ops;
    port->flash_ctx = flash_ctx;
    return known && acme_posix_net_init(&net) == ACME_OK;
}
