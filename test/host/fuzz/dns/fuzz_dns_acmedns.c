/*
 * An acme-dns server, and the name servers on the way to it, that answer whatever the script says;
 * with plain text in the place of TLS (sim/tls_plain.c), so that its JSON is reached. Each
 * operation ends in a bounded number of requests, and a record is only published when the server
 * has answered that it has it.
 */
#include <string.h>

#include <psa/crypto.h>

#include "acme/dns_acmedns.h"
#include "acme_posix.h"
#include "base/entropy.h"
#include "name_server.h"

static const char value[] = "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0";

static bool says(const uint8_t *data, size_t size, const char *what)
{
    return memmem(data, size, what, strlen(what)) != NULL;
}

static int32_t run(acme_dns_acmedns *a, const struct acme_dns_record *record, bool present)
{
    const struct acme_dns_ops *ops = &acme_dns_acmedns_ops;
    int32_t rc = ACME_ERR_AGAIN;
    uint32_t wait;
    int i;

    name_server_requests = 0;
    for (i = 0; i < 3000 && rc == ACME_ERR_AGAIN; i++) {
        wait = 1000;
        name_server_wait(200);
        rc = present ? ops->present(a, record, &wait) : ops->ready(a, record, &wait);
    }
    CHECK(!present || rc != ACME_ERR_AGAIN);
    CHECK(name_server_requests < 2000);
    ops->stop(a);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static _Alignas(8) uint8_t memory[ACME_DNS_ACMEDNS_SIZE];
    static const struct acme_dns_acmedns_account account = {"d420.auth.example", "d420", "c36f50e8",
                                                            "htB9mR9DYgcu9bX_afHF62er"};
    static const struct acme_trust_anchor no_anchor;
    static const struct acme_dns_acmedns_config config = {.port = &name_server_port,
                                                          .url = "https://auth.example",
                                                          .resolver = "127.0.0.1",
                                                          .accounts = &account,
                                                          .accounts_count = 1,
                                                          .anchors = &no_anchor};
    const struct acme_dns_record record = {"_acme-challenge.example.org", value, 1700000000};
    struct script script = {data, size};
    static bool ready;
    acme_dns_acmedns *acmedns;

    if (!ready) {
        acme_entropy_bind(&acme_posix_entropy_ops, NULL);
        CHECK(psa_crypto_init() == PSA_SUCCESS);
        ready = true;
    }
    name_server_begin(&script);
    CHECK(acme_dns_acmedns_init(&acmedns, &config, memory, sizeof(memory)) == ACME_OK);
    if (run(acmedns, &record, true) == ACME_OK) {
        /* Pieces may part the words, so only what no answer can do without. */
        CHECK(says(data, size, "2") && says(data, size, "{"));
    }
    (void)run(acmedns, &record, false);
    return 0;
}
