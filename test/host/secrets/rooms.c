/*
 * Secrets in single rooms: keys of every type through the store, over flash and over files; TSIG;
 * acme-dns, whose room is compiled in here to get at its request; account bindings. After each,
 * all memory of the process is searched.
 */
#include "dns/acmedns.c"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <psa/crypto.h>

#include "acme_posix.h"
#include "base/b64url.h"
#include "base/entropy.h"
#include "flash_sim.h"
#include "crypto/jws.h"
#include "key_watch.h"
#include "memory_search.h"
#include "store/store.h"
#include "dns/tsig.h"

#define KEY 0x1234u

static struct flash_sim flash;
static struct acme_store store;
static uint8_t scratch[2048];
static unsigned failures;

static void check(bool good, const char *what)
{
    if (!good) {
        failures++;
        (void)printf("secrets: FAILED: %s\n", what);
    }
}

static void search(const char *when)
{
    check(memory_search_process() == 0, when);
}

static void make_secret(uint8_t *out, size_t len, uint32_t v)
{
    size_t i;

    for (i = 0; i < len; i++) {
        v = v * 1103515245u + 12345u;
        out[i] = (uint8_t)(v >> 16);
    }
}

/* ---- keys ---- */

static void use_key(uint8_t type, bool exportable)
{
    static char work[8192];
    const struct acme_jws_params params = {KEY, type, NULL, "nonce", "https://ca.example/a"};
    static _Alignas(8) uint8_t jws[4096];
    char thumbprint[44];
    bool made;
    int32_t rc;

    check(acme_jws_ensure_key(KEY, type, exportable, &made) == ACME_OK && made, "a key is made");
    (void)psa_purge_key(KEY);
    search("after a key is made");
    check(acme_jws_thumbprint(KEY, thumbprint, scratch, sizeof(scratch)) == ACME_OK, "thumbprint");
    check(acme_jws_key_exists(KEY) && !acme_jws_key_lost(KEY), "it exists");
    search("after a look at it");
    rc = acme_jws_start(&params, work, sizeof(work), 0, 0, jws, sizeof(jws));
    do {
        rc = rc < 0 && rc != ACME_ERR_AGAIN ? rc : acme_jws_sign(jws, sizeof(jws));
    } while (rc == ACME_ERR_AGAIN);
    check(rc > 0, "a signature");
    if (type == ACME_KEY_EC_P256) {
        check(acme_jws_start(&params, work, sizeof(work), 0, 0, jws, sizeof(jws)) == ACME_OK,
              "a signature is begun");
        acme_jws_abort(jws);
    }
    (void)psa_purge_key(KEY);
    search("after signatures");
    check(acme_jws_destroy_key(KEY) == ACME_OK, "it is destroyed");
    search("after it is destroyed");
}

static void use_keys(void)
{
    unsigned before = key_watch_count();

    use_key(ACME_KEY_EC_P256, false);
    use_key(ACME_KEY_EC_P384, true);
    check(key_watch_count() == before + 2, "the keys were seen");
}

static void use_files(void)
{
    static struct acme_posix_files files;
    static struct acme_port port;
    struct acme_config config = {
        .port = &port, .records = &acme_posix_files_ops, .records_ctx = &files};
    char folder[] = "/tmp/nanoacme-secrets-XXXXXX", command[80];

    if (mkdtemp(folder) == NULL || acme_posix_files_open(&files, folder) != ACME_OK ||
        acme_store_open(&store, &config) != ACME_OK) {
        abort();
    }
    use_keys();
    acme_posix_files_close(&files);
    (void)snprintf(command, sizeof(command), "rm -r '%s'", folder);
    check(system(command) == 0, "the folder goes");
}

/* A file that behaves as flash keeps its last page at hand, until it is told to forget it. */
static void use_file(void)
{
    static struct acme_posix_flash file;
    const struct acme_flash_geometry geometry = {4096, 32, 8};
    char path[] = "/tmp/nanoacme-secrets-XXXXXX";
    bool made;

    if (mkdtemp(path) == NULL || rmdir(path) != 0 ||
        acme_posix_flash_open(&file, path, &geometry) != ACME_OK ||
        acme_flashlog_mount(&store.log, &acme_posix_flash_ops, &file) != ACME_OK) {
        abort();
    }
    check(acme_jws_ensure_key(KEY, ACME_KEY_EC_P256, false, &made) == ACME_OK, "a key in a file");
    check(acme_jws_key_exists(KEY), "it exists");
    memory_search_quiet(true);
    check(memory_search_process() > 0, "the page at hand is found");
    memory_search_quiet(false);
    acme_posix_flash_forget(&file);
    (void)psa_purge_key(KEY);
    search("after the page is forgotten");
    check(acme_jws_key_exists(KEY), "it still exists");
    acme_posix_flash_close(&file);
    search("after the file is closed");
    (void)unlink(path);
}

/* ---- TSIG ---- */

static void use_tsig(void)
{
    static uint8_t secret[48], message[512];
    struct acme_tsig_key key = {.name = "key", .algorithm = ACME_TSIG_HMAC_SHA256};
    struct acme_tsig_request request;
    struct acme_dns_writer w;
    int32_t len;

    make_secret(secret, sizeof(secret), 77);
    memory_search_add("TSIG key", secret, sizeof(secret));
    memory_search_exclude(secret, sizeof(secret)); /* the integrator's */
    key.secret = secret;
    for (key.secret_len = 20; key.secret_len <= sizeof(secret); key.secret_len += 28) {
        acme_dns_write_begin(&w, message, sizeof(message), 7, ACME_DNS_OPCODE_UPDATE);
        acme_dns_write_question(&w, "example.org", ACME_DNS_TYPE_SOA, ACME_DNS_CLASS_IN);
        len = acme_tsig_sign(&key, message, w.len, sizeof(message), 1700000000, &request);
        check(len > 0, "TSIG signs");
        check(acme_tsig_verify(&key, message, (size_t)len, &request, 1700000000, NULL) ==
                  ACME_ERR_DNS_REPLY_SIG,
              "TSIG takes no request for a reply");
        search("after TSIG");
        check(acme_tsig_sign(&key, message, w.len, w.len, 1700000000, &request) < 0,
              "TSIG without room");
        search("after TSIG without room");
    }
}

/* ---- acme-dns ---- */

static void use_acmedns(void)
{
    static _Alignas(8) uint8_t memory[ACME_DNS_ACMEDNS_SIZE];
    static char password[] = "uG3s-8gK_qPz0TnYhWcB2vLxJd5RmEaF7oXi4NyS";
    static struct acme_dns_acmedns_account account = {"x.example.org", "x", "me", password};
    static const struct acme_port port = {
        .clock = &acme_posix_clock_ops, .net = &acme_posix_net_ops, .udp = &acme_posix_udp_ops};
    const struct acme_dns_acmedns_config config = {.port = &port,
                                                   .url = "https://127.0.0.1:1",
                                                   .accounts = &account,
                                                   .accounts_count = 1,
                                                   .resolver = "127.0.0.1"};
    struct acme_http_request request = {.method = "POST"};
    acme_dns_acmedns *a;

    memory_search_add_text("acme-dns password", password);
    memory_search_exclude(password, sizeof(password));
    check(acme_dns_acmedns_init(&a, &config, memory, sizeof(memory)) == ACME_OK, "acme-dns");
    request.url = a->url;
    check(acme_uri_parse(a->url, &request.uri) == ACME_OK &&
              write_request(a, &account, &request, "value") > 0,
          "its request");
    check(memory_search_bytes("the request", a->out, sizeof(a->out)) > 0, "the password is in it");
    acme_dns_acmedns_ops.stop(a);
    search("after acme-dns");
}

/* ---- account bindings ---- */

static void use_binding(void)
{
    static char text[] = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W";
    char out[2048];
    uint8_t raw[64];
    struct acme_buf b;
    bool made;
    int32_t n = acme_b64url_decode(text, sizeof(text) - 1, raw, sizeof(raw));

    memory_search_add("EAB key", raw, (size_t)n);
    explicit_bzero(raw, sizeof(raw));
    memory_search_exclude(text, sizeof(text));
    check(acme_jws_ensure_key(KEY, ACME_KEY_EC_P256, false, &made) == ACME_OK, "a key");
    acme_buf_init(&b, out, sizeof(out));
    check(acme_jws_add_eab(&b, KEY, "kid", text, "https://ca.example/a", scratch,
                           sizeof(scratch)) == ACME_OK,
          "a binding");
    search("after a binding");
    text[sizeof(text) - 3] = '!';
    acme_buf_init(&b, out, sizeof(out));
    check(acme_jws_add_eab(&b, KEY, "kid", text, "https://ca.example/a", scratch,
                           sizeof(scratch)) == ACME_ERR_EAB_KEY,
          "a key that is not base64url");
    search("after a binding with a key that is not base64url");
    check(acme_jws_destroy_key(KEY) == ACME_OK, "it is destroyed");
}

int main(void)
{
    flash_sim_init(&flash, 4096, 32, 8, 1);
    memory_search_exclude(flash.data, sizeof(flash.data));
    memory_search_exclude(&flash.cache, sizeof(flash.cache));
    acme_entropy_bind(&acme_posix_entropy_ops, NULL);
    if (acme_flashlog_mount(&store.log, &flash_sim_ops, &flash) != ACME_OK ||
        psa_crypto_init() != PSA_SUCCESS) {
        return 2;
    }
    acme_store_bind_its(&store);
    use_keys();
    use_binding();
    use_tsig();
    use_acmedns();
    use_files();
    memset(&store, 0, sizeof(store));
    use_file();
    mbedtls_psa_crypto_free();
    acme_store_bind_its(NULL);
    search("at the end");
    (void)printf("secrets: %u keys, %u secrets, %u failures\n", key_watch_count(),
                 memory_search_known(), failures);
    return failures == 0 ? 0 : 1;
}
