/*
 * A whole first issuance with the heap trapped: after acme_init, any call of malloc, calloc,
 * realloc or free from the core, mbedTLS, cJSON or the port ends the program. (What the C library
 * does inside itself is not ours to trap: the server is named by its address, so that nothing is
 * looked up.) Prints the peaks of the mbedTLS pool and of the JSON arena. Run by test_noheap.py.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "acme/client.h"
#include "acme_posix.h"
#include "pem_anchor.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void __real_free(void *old);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void __wrap_free(void *old);

static bool trap;

static void check(const char *what)
{
    if (trap) {
        static const char text[] = " was called after init\n";

        (void)!write(STDERR_FILENO, what, strlen(what));
        (void)!write(STDERR_FILENO, text, sizeof(text) - 1);
        abort();
    }
}

void *__wrap_malloc(size_t size)
{
    check("malloc");
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    check("calloc");
    return __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    check("realloc");
    return __real_realloc(old, size);
}

void __wrap_free(void *old)
{
    check("free");
    __real_free(old);
}

static int32_t drive(acme_client *client, struct acme_posix_net *net)
{
    struct acme_poll_result result;

    while (acme_poll(client, &result) != ACME_WANT_IDLE) {
        if (result.want == ACME_WANT_EVENT) {
            acme_posix_net_wait(net, result.wait_ms);
        }
    }
    return result.error;
}

/* usage: noheap DIRECTORY CA_FILE STORE PORT NAME [tls-alpn-01|sabotage] */
int main(int argc, char **argv)
{
    static _Alignas(8) uint8_t memory[ACME_MEMORY_SIZE];
    static struct acme_posix_net net;
    static struct acme_posix_flash flash;
    static unsigned char der[4096];
    const struct acme_flash_geometry geometry = {4096, 32, 8};
    const struct acme_port port = {.net = &acme_posix_net_ops,
                                   .net_ctx = &net,
                                   .clock = &acme_posix_clock_ops,
                                   .entropy = &acme_posix_entropy_ops,
                                   .flash = &acme_posix_flash_ops,
                                   .flash_ctx = &flash};
    struct acme_trust_anchor anchor = {der, 0};
    struct acme_cert_request request = {0};
    struct acme_config config = {0};
    struct acme_counters n;
    acme_client *client;
    const char *name;
    int32_t rc;

    if (argc < 6) {
        return 2;
    }
    name = argv[5];
    anchor.len = pem_anchor_read(argv[2], der, sizeof(der));
    request.names = &name;
    request.names_count = 1;
    config.port = &port;
    config.directory_url = argv[1];
    config.anchors = &anchor;
    config.anchors_count = 1;
    config.certs = &request;
    config.certs_count = 1;
    config.tos_agreed = true;
    config.http_port = config.tls_port = (uint16_t)atoi(argv[4]);
    config.challenges[0] = argc > 6 && strcmp(argv[6], "tls-alpn-01") == 0
                               ? ACME_CHALLENGE_TLS_ALPN_01
                               : ACME_CHALLENGE_HTTP_01;
    if (acme_posix_net_init(&net) != ACME_OK ||
        acme_posix_flash_open(&flash, argv[3], &geometry) != ACME_OK) {
        return 3;
    }
    rc = acme_init(&client, &config, memory, sizeof(memory));
    if (rc != ACME_OK) {
        (void)fprintf(stderr, "%s\n", acme_error_text(rc));
        return 3;
    }
    trap = true;
    if (argc > 6 && strcmp(argv[6], "sabotage") == 0) {
        __wrap_free(__wrap_malloc(1)); /* the trap itself is tested, too */
    }
    rc = acme_start(client);
    rc = rc == ACME_OK ? drive(client, &net) : rc;
    acme_get_counters(client, &n);
    acme_deinit(client);
    trap = false;
    acme_posix_flash_close(&flash);
    (void)printf(
        "result %s, memory block %zu bytes, mbedTLS pool peak %u bytes, JSON arena peak %u "
        "bytes\n",
        acme_error_name(rc), sizeof(memory), n.pool_peak, n.arena_peak);
    return rc == ACME_OK ? 0 : 1;
}
