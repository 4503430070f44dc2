/*
 * Runs operations of a DNS provider against a server, without a CA: for the tests with real name
 * servers.
 * usage: dns_probe [--server S] [--resolver S] [--ns-port N] [--key NAME:ALGORITHM:HEX] [--skew S]
 *                  [--no-udp] [--no-clock] [--limit S] OPERATION NAME [VALUE] ...
 * OPERATION is present, ready, cleanup, lookup or resolve. Prints a line for each and stops at the
 * first that fails: its error's name is on the line, and the exit code is 1.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <psa/crypto.h>

#include "acme/dns_resolver.h"
#include "acme/dns_update.h"
#include "acme_posix.h"
#include "memory_search.h"
#include "base/entropy.h"

static struct acme_posix_net net;
static int64_t skew_s;
static bool no_clock;

static int32_t wall_s(void *ctx, int64_t *unix_s)
{
    int32_t rc = no_clock ? ACME_ERR_NO_CLOCK : acme_posix_clock_ops.wall_s(ctx, unix_s);

    if (rc == ACME_OK) {
        *unix_s += skew_s;
    }
    return rc;
}

static uint64_t uptime_ms(void *ctx)
{
    return acme_posix_clock_ops.uptime_ms(ctx);
}

static const struct acme_clock_ops clock_ops = {uptime_ms, wall_s};

static void write_log(void *ctx, enum acme_log_level level, const char *line)
{
    (void)ctx;
    (void)level;
    fprintf(stderr, "%s\n", line);
}

static const struct acme_log_ops log_ops = {write_log};

static struct acme_port port = {.net = &acme_posix_net_ops,
                                .net_ctx = &net,
                                .clock = &clock_ops,
                                .entropy = &acme_posix_entropy_ops,
                                .log = &log_ops,
                                .udp = &acme_posix_udp_ops,
                                .udp_ctx = &net};

static void found(void *ctx, const char *text, size_t len)
{
    (void)ctx;
    printf("found %.*s\n", (int)len, text);
}

static int32_t call(const struct acme_dns_ops *ops, void *ctx, const char *what,
                    const struct acme_dns_record *record, uint32_t *wait_ms)
{
    if (strcmp(what, "present") == 0) {
        return ops->present(ctx, record, wait_ms);
    }
    if (strcmp(what, "ready") == 0) {
        return ops->ready(ctx, record, wait_ms);
    }
    if (strcmp(what, "cleanup") == 0) {
        return ops->cleanup(ctx, record, wait_ms);
    }
    return ops->lookup(ctx, record->name, found, NULL, wait_ms);
}

static int32_t drive(const struct acme_dns_ops *ops, void *ctx, const char *what,
                     struct acme_dns_record *record, uint32_t limit_s)
{
    uint64_t end = uptime_ms(NULL) + limit_s * 1000u;

    while (uptime_ms(NULL) < end) {
        uint32_t wait_ms = 1000;
        int32_t rc;

        record->now_s = 0;
        (void)wall_s(NULL, &record->now_s);
        rc = call(ops, ctx, what, record, &wait_ms);

        if (rc != ACME_ERR_AGAIN) {
            return rc;
        }
        acme_posix_net_wait(&net, wait_ms);
    }
    ops->stop(ctx);
    return ACME_ERR_TIMEOUT;
}

static bool read_key(char *text, struct acme_tsig_key *key)
{
    static const char *const names[] = {"hmac-sha256", "hmac-sha384", "hmac-sha512"};
    static uint8_t secret[128];
    char *algorithm = strchr(text, ':'),
         *hex = algorithm == NULL ? NULL : strchr(algorithm + 1, ':');
    unsigned int byte;

    if (hex == NULL) {
        return false;
    }
    *algorithm++ = *hex++ = '\0';
    key->name = text;
    for (key->algorithm = 0; key->algorithm < 3; key->algorithm++) {
        if (strcmp(names[key->algorithm], algorithm) == 0) {
            break;
        }
    }
    for (; sscanf(hex, "%2x", &byte) == 1 && key->secret_len < sizeof(secret); hex += 2) {
        secret[key->secret_len++] = (uint8_t)byte;
        hex[0] = hex[1] = 'x';
    }
    if (key->secret_len >= 8) {
        memory_search_add("TSIG key", secret, key->secret_len);
        memory_search_exclude(secret, sizeof(secret));
    }
    key->secret = secret;
    return true;
}

static bool options(int argc, char **argv, struct acme_dns_update_config *config, uint32_t *limit_s)
{
    static const struct option list[] = {
        {"server", 1, NULL, 's'}, {"resolver", 1, NULL, 'r'}, {"ns-port", 1, NULL, 'n'},
        {"key", 1, NULL, 'k'},    {"skew", 1, NULL, 'w'},     {"no-udp", 0, NULL, 'u'},
        {"limit", 1, NULL, 'l'},  {"no-clock", 0, NULL, 'c'}, {NULL, 0, NULL, 0}};
    static struct acme_tsig_key key;
    int option;

    while ((option = getopt_long(argc, argv, "", list, NULL)) != -1) {
        switch (option) {
        case 's':
            config->server = optarg;
            break;
        case 'r':
            config->resolver = optarg;
            break;
        case 'n':
            config->ns_port = (uint16_t)atoi(optarg);
            break;
        case 'k':
            if (!read_key(optarg, &key)) {
                return false;
            }
            config->key = &key;
            break;
        case 'w':
            skew_s = atoi(optarg);
            break;
        case 'u':
            port.udp = NULL;
            break;
        case 'c':
            no_clock = true;
            break;
        case 'l':
            *limit_s = (uint32_t)atoi(optarg);
            break;
        default:
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    static _Alignas(8) uint8_t memory[ACME_DNS_UPDATE_SIZE];
    static _Alignas(8) uint8_t resolver_memory[ACME_DNS_RESOLVER_SIZE];
    struct acme_dns_update_config config = {.port = &port};
    acme_dns_update *update = NULL;
    acme_dns_resolver *resolver = NULL;
    uint32_t limit_s = 60;
    int32_t rc;

    if (!options(argc, argv, &config, &limit_s)) {
        return 2;
    }
    acme_entropy_bind(&acme_posix_entropy_ops, NULL);
    if (acme_posix_net_init(&net) != ACME_OK || psa_crypto_init() != PSA_SUCCESS) {
        return 2;
    }
    rc = acme_dns_update_init(&update, &config, memory, sizeof(memory));
    if (rc == ACME_OK) {
        rc = acme_dns_resolver_init(&resolver, &port,
                                    config.resolver ? config.resolver : config.server,
                                    config.ns_port, resolver_memory, sizeof(resolver_memory));
    }
    if (rc != ACME_OK) {
        printf("init %s\n", acme_error_name(rc));
        return 1;
    }
    for (; optind + 1 < argc && rc == ACME_OK; optind += 2) {
        const char *what = argv[optind];
        struct acme_dns_record record = {.name = argv[optind + 1]};
        uint64_t begin = uptime_ms(NULL);

        if (strcmp(what, "resolve") == 0) {
            rc = drive(&acme_dns_resolver_ops, resolver, "lookup", &record, limit_s);
        } else {
            if (strcmp(what, "lookup") != 0) {
                record.value = argv[optind + 2];
                optind++;
            }
            rc = drive(&acme_dns_update_ops, update, what, &record, limit_s);
        }
        printf("%s %s %d\n", what, acme_error_name(rc), (int)(uptime_ms(NULL) - begin));
    }
    acme_posix_net_close(&net);
    if (memory_search_process() > 0) { /* the key is nowhere but where it came from */
        return 9;
    }
    mbedtls_psa_crypto_free();
    return rc == ACME_OK ? 0 : 1;
}
