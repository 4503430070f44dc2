/*
 * Hellos to the tls-alpn-01 responder: whatever peers say, nobody completes a handshake without the
 * keys for it; each connection ends in time, and the one certificate is shown only for its name and
 * protocol. What is shown goes back in clear text with TLS 1.2, so that it can be looked for.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <psa/crypto.h>

#include "acme_posix.h"
#include "challenge/challenge.h"
#include "base/entropy.h"
#include "script.h"

#define PEERS 3
#define PROOF                                                                                      \
    "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0.9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI"

static struct script script;
static int accepted, open_count;
static bool silent, shown, named;
static struct acme_tls_alpn t;

static acme_handle f_accept(void *ctx, acme_handle listener)
{
    (void)ctx;
    (void)listener;
    if (accepted == PEERS || script.len == 0) {
        return ACME_ERR_AGAIN;
    }
    open_count++;
    return accepted++;
}

static int32_t f_recv(void *ctx, acme_handle h, uint8_t *data, size_t size)
{
    size_t len = size;

    (void)ctx;
    CHECK(h >= 0 && h < accepted);
    if (silent) {
        return ACME_ERR_AGAIN;
    }
    len = len < script.len ? len : script.len;
    if (len == 0) {
        return ACME_ERR_CLOSED;
    }
    memcpy(data, script.data, len);
    script.data += len;
    script.len -= len;
    return (int32_t)len;
}

static int32_t f_send(void *ctx, acme_handle h, const uint8_t *data, size_t len)
{
    (void)ctx;
    CHECK(h >= 0 && h < accepted && len > 0);
    shown = shown || memmem(data, len, t.crt.raw.p, t.crt.raw.len) != NULL;
    return (int32_t)len;
}

static void f_close(void *ctx, acme_handle h)
{
    (void)ctx;
    (void)h;
    CHECK(open_count-- > 0);
}

static acme_handle f_listen(void *ctx, uint16_t port)
{
    (void)ctx;
    (void)port;
    return PEERS;
}

static void f_unlisten(void *ctx, acme_handle listener)
{
    (void)ctx;
    CHECK(listener == PEERS);
}

static const struct acme_net_ops net = {NULL,    NULL,     f_send,   f_recv,
                                        f_close, f_listen, f_accept, f_unlisten};
static const struct acme_port port = {.net = &net};

static bool says_nocase(const uint8_t *data, size_t size, const char *what)
{
    size_t i, n = strlen(what);

    for (i = 0; i + n <= size; i++) {
        if (acme_str_equal_nocase((const char *)data + i, n, what, n)) {
            return true;
        }
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool ready;
    int i;

    if (!ready) {
        acme_entropy_bind(&acme_posix_entropy_ops, NULL);
        CHECK(psa_crypto_init() == PSA_SUCCESS);
        acme_tls_alpn_init(&t, &port);
        CHECK(acme_tls_alpn_make(&t, "device.example.org", PROOF) == ACME_OK);
        CHECK(acme_tls_alpn_open(&t, 443) == ACME_OK);
        ready = true;
    }
    script = (struct script){data, size};
    named = says_nocase(data, size, "device.example.org") && says_nocase(data, size, "acme-tls/1");
    accepted = open_count = 0;
    shown = silent = false;
    for (i = 0; i < 40; i++) {
        acme_tls_alpn_poll(&t, 0);
    }
    silent = true;
    acme_tls_alpn_poll(&t, 1000000); /* whoever says nothing more is dropped in time */
    CHECK(open_count == 0 && t.served == 0);
    CHECK(!shown || named);
    return 0;
}
