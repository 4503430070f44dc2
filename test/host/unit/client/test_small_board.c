/*
 * What the documents of a public CA need of the memory that the small board has
 * (boards/lm3s6965evb/defconfig): the work buffer that holds a reply, the arena that holds it
 * parsed, the pool of URLs. The documents have the shape and size of real ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "json/json.h"
#include "json/cjson.h"

/* As in the board's defconfig, or Kconfig's defaults. */
#define WORK_SIZE  2048U
#define ARENA_SIZE 2304U
#define POOL_SIZE  1280U
#define URL_MAX    128U

#define NODE_32BIT 32U /* of a cJSON value on a 32-bit machine */

#define CA    "https://acme-v02.api.ca.example"
#define ACCT  "2345678901"
#define ORDER CA "/acme/order/" ACCT "/456789012345"
#define NAME1 "meter-0123456789abcdef0123456789abcdef.fleet.customer.example.net"
#define NAME2 "meter-0123456789abcdef0123456789abcdef.backup.customer.example.net"

static const char directory[] =
    "{\n  \"XyZ0123_-ab\": \"https://community.ca.example/t/adding-random-entries/33417\",\n"
    "  \"keyChange\": \"" CA "/acme/key-change\",\n"
    "  \"meta\": {\n    \"caaIdentities\": [\n      \"ca.example\"\n    ],\n"
    "    \"profiles\": {\n"
    "      \"classic\": \"https://ca.example/docs/profiles#classic\",\n"
    "      \"shortlived\": \"https://ca.example/docs/profiles#shortlived (not available yet)\",\n"
    "      \"tlsclient\": \"https://ca.example/docs/profiles#tlsclient\",\n"
    "      \"tlsserver\": \"https://ca.example/docs/profiles#tlsserver\"\n    },\n"
    "    \"termsOfService\": \"https://ca.example/documents/CA-SA-v1.6-August-18-2026.pdf\",\n"
    "    \"website\": \"https://ca.example\"\n  },\n"
    "  \"newAccount\": \"" CA "/acme/new-acct\",\n"
    "  \"newNonce\": \"" CA "/acme/new-nonce\",\n"
    "  \"newOrder\": \"" CA "/acme/new-order\",\n"
    "  \"renewalInfo\": \"" CA "/acme/renewal-info\",\n"
    "  \"revokeCert\": \"" CA "/acme/revoke-cert\"\n}";

static const char account[] =
    "{\n  \"key\": {\n    \"kty\": \"EC\",\n    \"crv\": \"P-256\",\n"
    "    \"x\": \"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\",\n"
    "    \"y\": \"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\"\n  },\n"
    "  \"contact\": [\n    \"mailto:pki-operations@customer.example.net\"\n  ],\n"
    "  \"createdAt\": \"2026-11-24T21:03:09.123456789Z\",\n  \"status\": \"valid\"\n}";

static const char order[] =
    "{\n  \"status\": \"valid\",\n  \"expires\": \"2026-12-01T21:03:11Z\",\n"
    "  \"identifiers\": [\n    {\n      \"type\": \"dns\",\n      \"value\": \"" NAME1
    "\"\n    },\n"
    "    {\n      \"type\": \"dns\",\n      \"value\": \"" NAME2 "\"\n    }\n  ],\n"
    "  \"authorizations\": [\n    \"" CA "/acme/authz/" ACCT "/612345678901\",\n"
    "    \"" CA "/acme/authz/" ACCT "/612345678911\"\n  ],\n"
    "  \"finalize\": \"" CA "/acme/finalize/" ACCT "/456789012345\",\n"
    "  \"certificate\": \"" CA "/acme/cert/05f3a1c2d4e6f80a1b3c5d7e9f0b2d4f6a8c\"\n}";

#define CHALLENGE(type, id)                                                                        \
    "    {\n      \"type\": \"" type "\",\n      \"url\": \"" CA "/acme/chall/" ACCT               \
    "/612345678901/" id "\",\n      \"status\": \"pending\",\n"                                    \
    "      \"token\": \"evaGxfADs6pSRb2LAv9IZf17Dt3juxGJyPCt92wrDoA\"\n    }"

static const char authorization[] =
    "{\n  \"identifier\": {\n    \"type\": \"dns\",\n    \"value\": \"" NAME1 "\"\n  },\n"
    "  \"status\": \"pending\",\n  \"expires\": \"2026-12-01T21:03:11Z\",\n  \"challenges\": "
    "[\n" CHALLENGE("dns-01", "aBcDeF") ",\n" CHALLENGE("http-01", "gHiJkL") ",\n" CHALLENGE(
        "tls-alpn-01", "mNoPqR") ",\n" CHALLENGE("dns-account-01", "sTuVwX") "\n  ]\n}";

static const char valid_authorization[] =
    "{\n  \"identifier\": {\n    \"type\": \"dns\",\n    \"value\": \"" NAME1 "\"\n  },\n"
    "  \"status\": \"valid\",\n  \"expires\": \"2026-12-24T21:03:29Z\",\n  \"challenges\": [\n"
    "    {\n      \"type\": \"http-01\",\n      \"url\": \"" CA "/acme/chall/" ACCT
    "/612345678901/gHiJkL\",\n      \"status\": \"valid\",\n"
    "      \"validated\": \"2026-11-24T21:03:27Z\",\n"
    "      \"token\": \"evaGxfADs6pSRb2LAv9IZf17Dt3juxGJyPCt92wrDoA\",\n"
    "      \"validationRecord\": [\n        {\n          \"url\": \"http://" NAME1
    "/.well-known/acme-challenge/evaGxfADs6pSRb2LAv9IZf17Dt3juxGJyPCt92wrDoA\",\n"
    "          \"hostname\": \"" NAME1 "\",\n          \"port\": \"80\",\n"
    "          \"addressesResolved\": [\n            \"192.0.2.7\",\n"
    "            \"2001:db8:1234:5678:9abc:def0:1234:5678\"\n          ],\n"
    "          \"addressUsed\": \"2001:db8:1234:5678:9abc:def0:1234:5678\"\n        }\n      ]\n"
    "    }\n  ]\n}";

/* Bytes of the arena that text takes where a string is rounded up to eight. */
static size_t of_text(const char *text)
{
    return text == NULL ? 0 : (strlen(text) + 1 + 7) / 8 * 8;
}

/* Bytes of the arena that a document takes on a 32-bit machine; the host's nodes are larger. */
static size_t arena_of(const cJSON *value)
{
    size_t sum = 0;

    for (; value != NULL; value = value->next) {
        sum += NODE_32BIT + of_text(value->string) + of_text(value->valuestring);
        sum += arena_of(value->child); /* not deeper than the parser lets it be */
    }
    return sum;
}

static void test_documents(void **state)
{
    static const char *const documents[] = {directory, account, order, authorization,
                                            valid_authorization};
    static _Alignas(8) uint8_t memory[16384];

    (void)state;
    for (size_t i = 0; i < sizeof(documents) / sizeof(documents[0]); i++) {
        struct acme_json_arena arena;
        acme_json_value root;

        acme_json_init(&arena, memory, sizeof(memory));
        assert_int_equal(acme_json_parse(&arena, documents[i], strlen(documents[i]), &root),
                         ACME_OK);
        assert_in_range(strlen(documents[i]), 200, WORK_SIZE);
        assert_in_range(arena_of(root), 200, ARENA_SIZE);
    }
}

/* All that is in the pool while the second name is proven, with URLs of 100 characters. */
static void test_pool(void **state)
{
    const size_t url = 100 + 1, token = 43 + 1, key_authorization = 43 + 1 + 43 + 1;
    const size_t of_directory = 4 * url + url /* terms of service */;
    const size_t of_order = 2 * url + 2 * url /* authorizations */;

    (void)state;
    assert_true(strlen(ORDER) < URL_MAX);
    assert_in_range(1 + of_directory + of_order + url + token + key_authorization, 1, POOL_SIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_documents),
        cmocka_unit_test(test_pool),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
