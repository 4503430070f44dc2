/*
 * Fuzzes what name servers answer to the DNS UPDATE provider, and to the check after it: replies of
 * any kind, with the id and question that belong to the request or without. Each operation ends in
 * a bounded number of requests, and none without the key is taken for done.
 */
#include <string.h>

#include <psa/crypto.h>

#include "acme/dns_update.h"
#include "acme_posix.h"
#include "dns/message.h"
#include "base/entropy.h"
#include "name_server.h"

static void found(void *ctx, const char *text, size_t len)
{
    (void)ctx;
    CHECK(memchr(text, 0, len) == NULL || len > 0);
}

static int32_t run(acme_dns_update *u, const struct acme_dns_record *record, int what)
{
    const struct acme_dns_ops *ops = &acme_dns_update_ops;
    int32_t rc = ACME_ERR_AGAIN;
    uint32_t wait;
    int i;

    name_server_requests = 0;
    for (i = 0; i < 3000 && rc == ACME_ERR_AGAIN; i++) {
        wait = 1000;
        name_server_wait(200);
        rc = what == 0   ? ops->present(u, record, &wait)
             : what == 1 ? ops->ready(u, record, &wait)
             : what == 2 ? ops->cleanup(u, record, &wait)
                         : ops->lookup(u, record->name, found, NULL, &wait);
    }
    if (what != 1) { /* ready goes on until the caller ends it */
        CHECK(rc != ACME_ERR_AGAIN && name_server_requests < 2000);
    }
    ops->stop(u);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static _Alignas(8) uint8_t memory[ACME_DNS_UPDATE_SIZE];
    static const uint8_t secret[] = "a secret that no input knows";
    static const struct acme_tsig_key key = {
        .name = "key.example", .secret = secret, .secret_len = sizeof(secret)};
    static const struct acme_dns_update_config config = {
        .port = &name_server_port, .server = "127.0.0.1", .key = &key};
    static const struct acme_dns_record record = {"_acme-challenge.example.org", "value",
                                                  1700000000};
    static bool ready;
    struct script script = {data, size};
    acme_dns_update *update;

    if (!ready) {
        acme_entropy_bind(&acme_posix_entropy_ops, NULL);
        CHECK(psa_crypto_init() == PSA_SUCCESS);
        ready = true;
    }
    name_server_begin(&script);
    CHECK(acme_dns_update_init(&update, &config, memory, sizeof(memory)) == ACME_OK);
    CHECK(run(update, &record, 0) != ACME_OK);
    CHECK(run(update, &record, 2) != ACME_OK);
    (void)run(update, &record, 1);
    (void)run(update, &record, 3);
    return 0;
}
