/*
 * Runs the self-test over a port of the host that is good, or broken on purpose. Run by
 * e2e/test_selftest.py.
 *
 * usage: selftest FAULT STORE|sim first|again|both|look ECHO_PORT HTTP_PORT REFUSED_PORT
 * LISTEN_PORT [self]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "acme_posix.h"
#include "acme_selftest.h"
#include "broken.h"
#include "flash_sim.h"

static struct flash_sim sim;
static struct acme_posix_flash file = {.fd = -1};

static void report(void *ctx, const char *line)
{
    (void)ctx;
    (void)puts(line);
}

static void log_write(void *ctx, enum acme_log_level level, const char *line)
{
    (void)ctx;
    (void)printf("log %d: %s\n", (int)level, line);
}

static const struct acme_log_ops log_ops = {log_write};

static uint16_t number(const char *text)
{
    return (uint16_t)atoi(text);
}

static int32_t run(const struct acme_port *port, struct acme_selftest_options *options,
                   const char *mode)
{
    int32_t failed;

    options->destroy_flash = options->try_reprogram = options->probe_bounds =
        strcmp(mode, "first") == 0 || strcmp(mode, "both") == 0;
    options->after_power_cycle = strcmp(mode, "again") == 0;
    failed = acme_selftest_run(port, options, report, NULL);
    if (failed >= 0 && strcmp(mode, "both") == 0) {
        flash_sim_power_on(&sim);
        options->destroy_flash = false;
        options->after_power_cycle = true;
        failed += acme_selftest_run(port, options, report, NULL);
    }
    return failed;
}

int main(int argc, char **argv)
{
    const struct acme_flash_geometry geometry = {4096, 8, 8};
    struct acme_selftest_options options = {.timeout_ms = 1500};
    struct acme_port port = {.log = &log_ops};
    bool in_file = argc > 2 && strcmp(argv[2], "sim") != 0;
    int32_t failed;

    if (argc < 8) {
        return 2;
    }
    flash_sim_init(&sim, geometry.sector_size, geometry.sector_count, geometry.program_size, 1);
    if (in_file && acme_posix_flash_open(&file, argv[2], &geometry) != ACME_OK) {
        return 2;
    }
    if (!broken_port(argv[1], in_file ? &acme_posix_flash_ops : &flash_sim_ops,
                     in_file ? (void *)&file : (void *)&sim, &port)) {
        return 2;
    }
    options.peer_host = "127.0.0.1";
    options.echo_port = number(argv[4]);
    options.http_port = number(argv[5]);
    options.refused_port = number(argv[6]);
    options.missing_name = options.refused_port != 0 ? "nanoacme-selftest.invalid" : NULL;
    options.listen_port = number(argv[7]);
    options.self_host = argc > 8 ? "127.0.0.1" : NULL;
    failed = run(&port, &options, argv[3]);
    acme_posix_flash_close(&file);
    (void)printf("returned %d\n", (int)failed);
    return failed == 0 ? 0 : 1;
}
