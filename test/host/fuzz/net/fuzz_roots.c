/*
 * Signed bundles of roots: whatever is sent, what is accepted is signed with the pinned key, newer,
 * and exactly as long as it says; from memory and through read_anchor it is the same. Where the
 * first byte is odd the vendor's tool has signed what follows, so that what comes behind the
 * signature's check is run, too.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <psa/crypto.h>

#include "acme/roots.h"
#include "acme_posix.h"
#include "base/entropy.h"
#include "check.h"

#define MOST 2048u
#define BASE 0x40000000u

static const uint8_t key[32] = {0x44, 4};
static uint8_t point[ACME_ROOTS_KEY_SIZE];
static psa_key_id_t id;
static uint8_t *bundle;
static size_t bundle_len;

static int32_t read_anchor(void *ctx, const uint8_t *at, void *to, size_t len)
{
    size_t offset = (uintptr_t)at - BASE;

    (void)ctx;
    CHECK((uintptr_t)at >= BASE && offset <= bundle_len && len <= bundle_len - offset);
    memcpy(to, bundle + offset, len);
    return ACME_OK;
}

static const struct acme_port memory_port, flash_port = {.read_anchor = read_anchor};

static void set_up(void)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    size_t len;

    acme_entropy_bind(&acme_posix_entropy_ops, NULL);
    CHECK(psa_crypto_init() == PSA_SUCCESS);
    psa_set_key_type(&attributes, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_SIGN_MESSAGE | PSA_KEY_USAGE_VERIFY_MESSAGE);
    psa_set_key_algorithm(&attributes, PSA_ALG_ECDSA(PSA_ALG_SHA_256));
    CHECK(psa_import_key(&attributes, key, sizeof(key), &id) == PSA_SUCCESS);
    CHECK(psa_export_public_key(id, point, sizeof(point), &len) == PSA_SUCCESS);
}

static void sign(void)
{
    size_t len;

    CHECK(psa_sign_message(id, PSA_ALG_ECDSA(PSA_ALG_SHA_256), bundle, bundle_len,
                           bundle + bundle_len, ACME_ROOTS_SIGNATURE_SIZE, &len) == PSA_SUCCESS);
    bundle_len += len;
}

static void check_accepted(const struct acme_roots *roots, uint32_t after)
{
    size_t body = bundle_len - ACME_ROOTS_SIGNATURE_SIZE;

    CHECK(roots->version > after && roots->count > 0);
    CHECK(roots->anchor.len + ACME_ROOTS_HEAD_SIZE == body);
    CHECK(psa_verify_message(id, PSA_ALG_ECDSA(PSA_ALG_SHA_256), bundle, body, bundle + body,
                             ACME_ROOTS_SIGNATURE_SIZE) == PSA_SUCCESS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct acme_roots roots = {0}, read_roots = {0};
    uint32_t after;
    int32_t rc;

    if (id == 0) {
        set_up();
    }
    if (len < 2 || len > MOST) {
        return 0;
    }
    after = data[1];
    bundle_len = len - 2;
    bundle = malloc(bundle_len + ACME_ROOTS_SIGNATURE_SIZE);
    CHECK(bundle != NULL);
    memcpy(bundle, data + 2, bundle_len);
    if ((data[0] & 1) != 0) {
        sign();
    } else {
        uint8_t *exact = realloc(bundle, bundle_len > 0 ? bundle_len : 1);

        CHECK(exact != NULL);
        bundle = exact;
    }
    rc = acme_roots_check(&memory_port, bundle, bundle_len, point, after, &roots);
    CHECK(acme_roots_check(&flash_port, (const uint8_t *)(uintptr_t)BASE, bundle_len, point, after,
                           &read_roots) == rc);
    CHECK(rc != ACME_ERR_STORE_IO && rc != ACME_ERR_CRYPTO && rc != ACME_ERR_ARGUMENT);
    if (rc == ACME_OK) {
        check_accepted(&roots, after);
        CHECK(read_roots.version == roots.version && read_roots.anchor.len == roots.anchor.len);
    }
    free(bundle);
    return 0;
}
