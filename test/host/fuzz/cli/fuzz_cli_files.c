/*
 * Files that the command line reads: TSIG keys as BIND writes them, or on the command line,
 * accounts of acme-dns, trust anchors and account keys in PEM. The first byte says which. Nothing
 * is read outside a file, and what is taken from it is bounded.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "acme_posix.h"
#include "dns.h"
#include "exit.h"
#include "base/entropy.h"
#include "anchors.c" /* to take back what lives as long as a process */
#include "script.h"

#define DOMAIN "_acme-challenge.example.org"

static char path[32];
static struct acme_port port = {.net = &acme_posix_net_ops, .clock = &acme_posix_clock_ops};

static void open_dns(const struct cli_dns_options *dns)
{
    struct cli_options o = {.dns = *dns};
    struct acme_config config = {.port = &port};
    int code;

    o.dns.resolver = "none";
    code = cli_dns_open(&o, &config);
    CHECK(code == CLI_OK || code == CLI_CONFIG);
    CHECK((code == CLI_OK) == (config.dns != NULL));
}

static void read_inline_key(const uint8_t *data, size_t size)
{
    struct cli_dns_options dns = {.server = "192.0.2.1"};
    char text[2000];

    if (size < sizeof(text) - 1) {
        text[0] = 'k'; /* no path */
        memcpy(text + 1, data, size);
        text[size + 1] = '\0';
        dns.tsig_key = text;
        open_dns(&dns);
    }
}

static void read_anchors(void)
{
    const struct acme_trust_anchor *anchors = NULL;
    int i, count = cli_read_anchors(path, &anchors);

    CHECK(count == -1 || count > 0);
    for (i = 0; i < count; i++) {
        CHECK(anchors[i].der[0] == 0x30 && anchors[i].len > 16); /* they were parsed */
    }
    for (i = 0; i < count; i++) {
        free((void *)(uintptr_t)anchors[i].der);
    }
    anchors_used = 0;
}

static void set_up(void)
{
    int fd = memfd_create("file", 0);

    CHECK(fd >= 0 && fchmod(fd, S_IRUSR | S_IWUSR) == 0);
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    acme_entropy_bind(&acme_posix_entropy_ops, NULL);
    CHECK(psa_crypto_init() == PSA_SUCCESS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct cli_dns_options key = {.server = "192.0.2.1", .tsig_key = path};
    const struct cli_dns_options account = {.acmedns = "https://dns.example",
                                            .acmedns_account = path};
    FILE *f;

    if (path[0] == '\0') {
        set_up();
    }
    if (size == 0) {
        return 0;
    }
    f = fopen(path, "wb");
    CHECK(f != NULL && fwrite(data + 1, 1, size - 1, f) == size - 1 && fclose(f) == 0);
    switch (data[0] % 4) {
    case 0:
        open_dns(&key);
        break;
    case 1:
        open_dns(&account);
        break;
    case 2:
        read_inline_key(data + 1, size - 1);
        break;
    default:
        read_anchors();
    }
    return 0;
}
