/*
 * The whole of it on a host: a port, a configuration, the loop. Gets a certificate by http-01, or
 * finds that the stored one is good, and ends.
 *
 * usage: minimal DIRECTORY_URL CA_ROOT.der STORE NAME HTTP_PORT
 */
#include <stdio.h>
#include <stdlib.h>

#include "acme/client.h"
#include "acme_posix.h"

static struct acme_posix_net net;
static struct acme_posix_flash flash;
static _Alignas(8) uint8_t memory[ACME_MEMORY_SIZE];
static uint8_t root[4096];

static const struct acme_port port = {
    .net = &acme_posix_net_ops,
    .net_ctx = &net,
    .clock = &acme_posix_clock_ops,
    .entropy = &acme_posix_entropy_ops,
    .flash = &acme_posix_flash_ops,
    .flash_ctx = &flash,
};

static size_t load(const char *path, uint8_t *data, size_t size)
{
    FILE *f = fopen(path, "rb");
    size_t len = f != NULL ? fread(data, 1, size, f) : 0;

    if (f != NULL) {
        (void)fclose(f);
    }
    return len;
}

static int32_t run(acme_client *client)
{
    struct acme_poll_result result = {.want = ACME_WANT_NOW};
    int32_t rc = acme_start(client);

    if (rc != ACME_OK) {
        return rc;
    }
    while (acme_poll(client, &result) != ACME_WANT_IDLE) {
        if (result.want == ACME_WANT_EVENT) {
            acme_posix_net_wait(&net, result.wait_ms);
        }
    }
    return result.error;
}

int main(int argc, char **argv)
{
    const struct acme_flash_geometry geometry = {4096, 16, 8}; /* of a new store */
    struct acme_trust_anchor anchor = {root, 0};
    struct acme_cert_request request = {.names_count = 1};
    struct acme_config config = {.port = &port,
                                 .anchors = &anchor,
                                 .anchors_count = 1,
                                 .certs = &request,
                                 .certs_count = 1,
                                 .challenges = {ACME_CHALLENGE_HTTP_01},
                                 .tos_agreed = true};
    struct acme_cert_status status = {0};
    acme_client *client;
    int32_t rc;

    if (argc != 6) {
        (void)fprintf(stderr, "usage: minimal DIRECTORY_URL CA_ROOT.der STORE NAME HTTP_PORT\n");
        return 2;
    }
    config.directory_url = argv[1];
    anchor.len = load(argv[2], root, sizeof(root));
    request.names = (const char *const *)&argv[4];
    config.http_port = (uint16_t)strtoul(argv[5], NULL, 10);
    rc = acme_posix_net_init(&net);
    if (rc == ACME_OK) {
        rc = acme_posix_flash_open(&flash, argv[3], &geometry);
    }
    if (rc == ACME_OK) {
        rc = acme_init(&client, &config, memory, sizeof(memory));
    }
    if (rc == ACME_OK) {
        rc = run(client);
        (void)acme_cert_get_status(client, 0, &status);
        acme_deinit(client);
    }
    (void)printf("%s: %s, %s\n", argv[4], acme_error_name(rc),
                 status.stored ? "a certificate is stored" : "no certificate");
    acme_posix_flash_close(&flash);
    acme_posix_net_close(&net);
    return rc == ACME_OK ? 0 : 1;
}
