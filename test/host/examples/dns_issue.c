/*
 * A certificate by dns-01 through examples/dns_http.c, kept by examples/fram_records.c in a chip
 * that is an array: dns_issue DIRECTORY ROOT.der NAME DNS_PORT. Ends with 0 when it is stored. Run
 * by test_examples.py.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "acme/client.h"
#include "acme_posix.h"
#include "dns_http.h"
#include "fram_records.h"

static struct acme_posix_net net;
static _Alignas(8) uint8_t memory[ACME_MEMORY_SIZE];
static struct dns_http provider;
static uint8_t chip[2 * FRAM_IMAGE];

static const struct acme_port port = {.net = &acme_posix_net_ops,
                                      .net_ctx = &net,
                                      .clock = &acme_posix_clock_ops,
                                      .entropy = &acme_posix_entropy_ops};

static bool chip_read(void *bus, uint32_t at, void *data, size_t len)
{
    (void)bus;
    memcpy(data, chip + at, len);
    return true;
}

static bool chip_write(void *bus, uint32_t at, const void *data, size_t len)
{
    (void)bus;
    memcpy(chip + at, data, len);
    return true;
}

static struct fram_records records = {.read = chip_read, .write = chip_write};

int main(int argc, char **argv)
{
    static uint8_t root[4096];
    struct acme_trust_anchor anchor = {root, 0};
    struct acme_cert_request request = {.names_count = 1};
    struct acme_config config = {.port = &port,
                                 .anchors = &anchor,
                                 .anchors_count = 1,
                                 .certs = &request,
                                 .certs_count = 1,
                                 .challenges = {ACME_CHALLENGE_DNS_01},
                                 .dns = &dns_http_ops,
                                 .dns_ctx = &provider,
                                 .records = &fram_records_ops,
                                 .records_ctx = &records,
                                 .tos_agreed = true};
    struct acme_poll_result result = {0};
    struct acme_cert_status status = {0};
    acme_client *client;
    FILE *f = argc == 5 ? fopen(argv[2], "rb") : NULL;

    if (f == NULL) {
        return 2;
    }
    anchor.len = fread(root, 1, sizeof(root), f);
    (void)fclose(f);
    config.directory_url = argv[1];
    request.names = (const char *const *)&argv[3];
    dns_http_init(&provider, &port, "127.0.0.1", (uint16_t)strtoul(argv[4], NULL, 10));
    if (acme_posix_net_init(&net) != ACME_OK ||
        acme_init(&client, &config, memory, sizeof(memory)) != ACME_OK ||
        acme_start(client) != ACME_OK) {
        return 1;
    }
    while (acme_poll(client, &result) != ACME_WANT_IDLE) {
        if (result.want == ACME_WANT_EVENT) {
            acme_posix_net_wait(&net, result.wait_ms);
        }
    }
    acme_deinit(client);
    /* Another boot: it is in the chip. */
    if (acme_init(&client, &config, memory, sizeof(memory)) == ACME_OK) {
        (void)acme_cert_get_status(client, 0, &status);
        acme_deinit(client);
    }
    acme_posix_net_close(&net);
    (void)printf("%s\n", acme_error_name(result.error));
    return result.error == ACME_OK && acme_cert_can_serve(&status) ? 0 : 1;
}
