/*
 * Fuzzes the verification of TSIG replies: nobody without the key makes a reply that verifies, and
 * nothing is read outside the message.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "acme_posix.h"
#include "base/entropy.h"
#include "dns/tsig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t secret[] = "a secret that no input knows";
    static const struct acme_tsig_key key = {
        .name = "key.example", .secret = secret, .secret_len = sizeof(secret)};
    static bool ready;
    struct acme_tsig_request request = {.mac_len = 32, .time_s = 1700000000};
    uint8_t *copy = malloc(size + (size == 0));
    int64_t server;

    if (!ready) {
        acme_entropy_bind(&acme_posix_entropy_ops, NULL);
        if (psa_crypto_init() != PSA_SUCCESS) {
            abort();
        }
        ready = true;
    }
    if (copy == NULL) {
        return 0;
    }
    memcpy(copy, data, size);
    if (acme_tsig_verify(&key, copy, size, &request, 1700000001, &server) == ACME_OK) {
        abort();
    }
    free(copy);
    return 0;
}
