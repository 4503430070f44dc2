/*
 * The whole client against a CA that keeps to a script. The real core lives in the simulated world,
 * in virtual time and with plain text in the place of TLS; the simulated CA, strict and honest,
 * makes each reply, and the input says what becomes of it: passed on, spoiled (script.h), lost,
 * drawn out; and what happens besides: power cuts, flash that fails, a network that is out, clocks
 * that jump, a CA that changes its mind, callers of the http-01 listener. When the script ends,
 * everybody is honest and well again.
 *
 * The oracle:
 * - no job hangs or asks more than a bounded number of times, and nobody but the CA is asked;
 * - a request has no more header fields than the client writes;
 * - DESIGN's rule 5: with every request that announces a key, the key is in the store; no
 *   challenge and no finalize without a stored order; a power cut costs no account, no certificate,
 *   no key;
 * - a good certificate is only ever replaced by another good one: for its key, for the names asked
 *   for, each certificate signed by the next;
 * - mbedTLS's pool is empty when the client is taken down; the flash's rules are kept;
 * - after the script the same device gets its certificates from the honest CA, unless the CA lied
 *   about the time or the flash failed, which may bind it.
 */
#include "sim_world.h"

#include <stdio.h>
#include <string.h>

#include <mbedtls/memory_buffer_alloc.h>
#include <mbedtls/x509_crt.h>
#include <psa/crypto.h>

#include "crypto_memo.h"
#include "script.h"
#include "store/store.h"

#define SLOTS      2u
#define DAY_MS     86400000ull
#define POLLS_MOST 100000u
#define REQUESTS_MOST                                                                              \
    700u /* of a job: two certificates, CONFIG_ACME_POLL_MAX looks at each part                    \
          */
#define KEPT  4u
#define CALLS 3u

static const char *const names[SLOTS][2] = {{"device.example.org", NULL},
                                            {"api.example.org", "www.example.org"}};
static const struct acme_cert_request requests[SLOTS] = {
    {.names = names[0], .names_count = 1},
    {.names = names[1], .names_count = 2, .key_reuse = true}};

static struct sim_world world;
static struct sim_snapshot starts[3]; /* blank; with certificates; the day they are due */
static struct sim_server honest;
static struct script script;
static char state[32]; /* that the client has entered last */
static uint32_t asked; /* in this job */
static bool lied, failing, honest_now;
static bool revoked[SLOTS];
static struct {
    size_t len;
    char text[SIM_NET_PIPE];
} kept[KEPT];
static uint32_t kept_count;
static int32_t calls[CALLS];
static struct acme_cert_status good[SLOTS]; /* what must be there, where it can serve */

/* ---- the pool, when it is given back ---- */

void __real_mbedtls_memory_buffer_alloc_free(void);
void __wrap_mbedtls_memory_buffer_alloc_free(void);

void __wrap_mbedtls_memory_buffer_alloc_free(void)
{
    size_t used = 0, blocks = 0;

    mbedtls_memory_buffer_alloc_cur_get(&used, &blocks);
    CHECK(used == 0 && blocks == 0);
    CHECK(mbedtls_memory_buffer_alloc_verify() == 0);
    __real_mbedtls_memory_buffer_alloc_free();
}

/* ---- signatures in two steps, which in truth are many and slow ---- */

psa_status_t __wrap_psa_sign_hash_start(psa_sign_hash_interruptible_operation_t *operation,
                                        psa_key_id_t key, psa_algorithm_t alg, const uint8_t *hash,
                                        size_t hash_len);
psa_status_t __wrap_psa_sign_hash_complete(psa_sign_hash_interruptible_operation_t *operation,
                                           uint8_t *signature, size_t size, size_t *len);
psa_status_t __wrap_psa_sign_hash_abort(psa_sign_hash_interruptible_operation_t *operation);

static struct {
    psa_key_id_t key;
    psa_algorithm_t alg;
    uint8_t hash[64];
    size_t hash_len;
    uint8_t step; /* 0: no signature is under way */
} signing;

psa_status_t __wrap_psa_sign_hash_start(psa_sign_hash_interruptible_operation_t *operation,
                                        psa_key_id_t key, psa_algorithm_t alg, const uint8_t *hash,
                                        size_t hash_len)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_status_t status = psa_get_key_attributes(key, &attributes);

    (void)operation;
    CHECK(signing.step == 0 && hash_len <= sizeof(signing.hash));
    psa_reset_key_attributes(&attributes);
    if (status == PSA_SUCCESS) {
        signing.key = key;
        signing.alg = alg;
        signing.hash_len = hash_len;
        signing.step = 1;
        memcpy(signing.hash, hash, hash_len);
    }
    return status;
}

psa_status_t __wrap_psa_sign_hash_complete(psa_sign_hash_interruptible_operation_t *operation,
                                           uint8_t *signature, size_t size, size_t *len)
{
    (void)operation;
    CHECK(signing.step != 0);
    if (signing.step++ == 1) {
        return PSA_OPERATION_INCOMPLETE;
    }
    signing.step = 0;
    return psa_sign_hash(signing.key, signing.alg, signing.hash, signing.hash_len, signature, size,
                         len);
}

psa_status_t __wrap_psa_sign_hash_abort(psa_sign_hash_interruptible_operation_t *operation)
{
    (void)operation;
    signing.step = 0;
    return PSA_SUCCESS;
}

/* ---- what a request must keep to ---- */

static bool is_known_field(const char *line)
{
    static const char *const known[] = {"Host: ",
                                        "User-Agent: ",
                                        "Accept: ",
                                        "Connection: ",
                                        "Content-Type: application/jose+json\r\n",
                                        "Content-Length: "};
    size_t i;

    for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strncmp(line, known[i], strlen(known[i])) == 0) {
            return true;
        }
    }
    return false;
}

static void check_head(const char *request, size_t len)
{
    const char *end = memmem(request, len, "\r\n\r\n", 4), *line;
    uint32_t fields = 0;

    CHECK(end != NULL);
    CHECK(strncmp(request, "GET /", 5) == 0 || strncmp(request, "HEAD /", 6) == 0 ||
          strncmp(request, "POST /", 6) == 0);
    line = memchr(request, '\n', len);
    CHECK(line != NULL && memcmp(line - 10, " HTTP/1.1\r", 10) == 0);
    CHECK(memchr(request, ' ', 6) != NULL &&
          (const char *)memchr(strchr(request, ' ') + 1, ' ', len) == line - 10);
    while (++line < end) {
        CHECK(is_known_field(line) && ++fields <= 6);
        line = memchr(line, '\n', len);
    }
}

static bool has_key(struct acme_store *store, uint32_t id)
{
    uint8_t byte;

    return acme_record_read(store, ACME_KEY(ACME_SPACE_ITS, id), 0, &byte, 1) >= 0;
}

/* Rule 5, as the flash has it at this very moment. */
static void check_commitment(void)
{
    static struct acme_store store;
    static struct acme_account_record account;
    static struct acme_order_record order;
    static uint8_t scratch[16 + 3 * (CONFIG_ACME_URL_MAX + 1)];
    struct acme_port port = {.flash = &flash_sim_ops, .flash_ctx = &world.flash};
    struct acme_config config = {.port = &port};
    uint32_t reads = world.flash.reads, fail_at = world.flash.fail_read_at;
    bool announced = strcmp(state, "NEW_ACCOUNT") == 0, kept_order = false;
    bool finalizes = strcmp(state, "FINALIZE") == 0;
    uint8_t i;

    world.flash.fail_read_at = 0;
    CHECK(acme_store_open(&store, &config) == ACME_OK || failing);
    CHECK(failing ||
          acme_store_read_account(&store, 0, &account, scratch, sizeof(scratch)) == ACME_OK);
    CHECK(failing || has_key(&store, CONFIG_ACME_KEY_ID_BASE + account.key_generation));
    for (i = 0; i < SLOTS && !announced; i++) {
        if (acme_store_read_order(&store, i, &order, scratch, sizeof(scratch)) == ACME_OK) {
            kept_order =
                kept_order || !finalizes ||
                has_key(&store, CONFIG_ACME_KEY_ID_BASE + 0x100u + 2u * i + order.key_generation);
        }
    }
    CHECK(announced || failing || kept_order);
    world.flash.reads = reads;
    world.flash.fail_read_at = fail_at;
}

/* ---- the CA ---- */

static bool listens(void *ctx, const char *host, uint16_t port)
{
    (void)ctx;
    CHECK(strcmp(host, CA_SIM_HOST) == 0 && port == 443); /* nobody else is ever asked */
    return true;
}

static void keep(const char *reply, size_t len)
{
    if (len <= sizeof(kept[0].text)) {
        memcpy(kept[kept_count % KEPT].text, reply, len);
        kept[kept_count++ % KEPT].len = len;
    }
}

static void call_listener(void)
{
    size_t len, i = script_byte(&script) % CALLS;
    const uint8_t *data = script_bytes(&script, &len);

    if (calls[i] < 0) {
        calls[i] = sim_net_call(&world.net, 80, (const char *)data, len);
    }
}

static void hang_up(void)
{
    size_t i;

    for (i = 0; i < CALLS; i++) {
        if (calls[i] >= 0) {
            sim_net_hang_up(&world.net, calls[i]);
        }
        calls[i] = -1;
    }
}

/* The CA changes its mind about what it has said. */
static void change_ca(void)
{
    struct ca_sim *ca = world.ca;
    uint8_t what = script_byte(&script), n = script_byte(&script);
    struct ca_sim_order *o =
        ca->orders_count > 0 ? ca_sim_order(ca, ca->orders_count - 1 - n % ca->orders_count) : NULL;

    switch (what % 10) {
    case 0:
        ca->options.lifetime_s = n * 3600u;
        break;
    case 1:
        ca->options.bad_nonce_every = n % 4u;
        break;
    case 2:
        ca->options.terms++;
        ca->options.terms_enforced = n % 2 != 0;
        break;
    case 3:
        ca->options.authorization_s = n * 3600u;
        break;
    case 4:
        ca->options.validate_tries = n % 4u;
        break;
    case 5:
        ca->options.orders_per_day = n % 8u;
        break;
    case 6:
        ca->options.ari_retry_after_s = n * 1000u;
        break;
    case 7:
        ca->options.no_renewal_info = n % 2 != 0;
        break;
    case 8: /* a certificate for another's key, or names */
        if (o != NULL && n % 2 == 0) {
            memcpy(o->key, ca->point, sizeof(o->key));
        } else if (o != NULL) {
            (void)snprintf(o->authorizations[0].name, CA_SIM_NAME_MAX, "evil.example.net");
        }
        break;
    default:
        if (o != NULL) {
            o->status = (uint8_t)(script_byte(&script) % CA_SIM_DEACTIVATED);
        }
    }
}

static void disturb_flash(void)
{
    struct flash_sim *f = &world.flash;
    uint8_t what = script_byte(&script);
    uint32_t n = script_byte(&script) + 1u;

    if (what % 8 < 5) {
        f->cut_kind = (enum flash_sim_cut)(what % 4);
        f->cut_at = f->operations + n;
        return;
    }
    failing = true;
    if (what % 8 == 5) {
        f->fail_read_at = f->reads + n;
    } else if (what % 8 == 6) {
        f->fail_program_at = f->programs + n;
    } else {
        f->fail_erase_at = f->erase_calls + n;
    }
}

static void disturb_net(void)
{
    static const int32_t errors[] = {ACME_ERR_CONNECT, ACME_ERR_NET, ACME_ERR_CLOSED,
                                     ACME_ERR_LISTEN};
    uint8_t what = script_byte(&script);
    uint32_t n = script_byte(&script);

    switch (what % 5) {
    case 0:
        world.net.latency_ms = n * 40u + 1u;
        break;
    case 1:
        world.net.chunk = n;
        break;
    case 2:
        world.net.outage_from_ms = world.clock.now_ms;
        world.net.outage_until_ms = world.clock.now_ms + n * 10000u;
        break;
    default:
        world.net.fail_call = what / 5u % SIM_NET_CALLS;
        world.net.fail_at = world.net.calls[world.net.fail_call] + n + 1u;
        world.net.fail_error = errors[what % 4];
    }
}

static void disturb_time(void)
{
    uint8_t what = script_byte(&script);
    uint32_t n = script_byte(&script);

    switch (what % 4) {
    case 0:
        world.clock.now_ms += n * 1000u;
        break;
    case 1:
        world.clock.unknown = n % 2 != 0;
        break;
    case 2:
        world.clock.skew_s = ((int64_t)n - 128) * 86400;
        lied = true;
        break;
    default:
        world.entropy.fail_at = world.entropy.calls + n + 1u;
    }
}

/* What the script says about this reply: a byte below 128 passes it on; else something happens, and
 * with one from 192 on, something more. */
static size_t follow_script(char *reply, size_t len, size_t size, bool *close)
{
    struct spoiled r = {.text = reply, .len = len, .size = size};
    uint8_t b, more = 8;

    do {
        b = script_byte(&script);
        if (b < 128) {
            break;
        }
        switch (b % 16) {
        case 0:
            *close = true;
            return 0; /* hangs up */
        case 1:
            *close = true;
            break;
        case 2:
            disturb_flash();
            break;
        case 3:
            disturb_net();
            break;
        case 4:
            disturb_time();
            break;
        case 5:
            change_ca();
            break;
        case 6:
            call_listener();
            break;
        default: {
            size_t i = script_byte(&script) % KEPT;

            script_spoil(&script, &r, kept[i].text, kept[i].len);
            *close = *close || r.close;
            /* Who says no to a change of keys and means yes has shut the account's door. */
            lied = lied || r.lied || strncmp(state, "KEY_", 4) == 0;
        }
        }
    } while (b >= 192 && --more > 0);
    return r.len;
}

static size_t serve(void *ctx, const char *request, size_t len, char *reply, size_t size,
                    bool *close)
{
    size_t done;

    check_head(request, len);
    CHECK(++asked <= REQUESTS_MOST);
    if (!world.flash.off && request[0] == 'P' &&
        (strcmp(state, "FINALIZE") == 0 || strcmp(state, "CHALLENGE") == 0 ||
         strcmp(state, "NEW_ACCOUNT") == 0)) {
        check_commitment();
    }
    done = honest.request(ctx, request, len, reply, size, close);
    if (!honest_now) {
        size_t plain = done;

        if (plain <= sizeof(kept[0].text)) {
            static char copy[SIM_NET_PIPE];

            memcpy(copy, reply, plain);
            done = follow_script(reply, done, size, close);
            keep(copy, plain);
        }
    }
    return done;
}

/* ---- certificates ---- */

static bool has_names(const mbedtls_x509_crt *leaf, const struct acme_cert_request *request)
{
    const mbedtls_x509_sequence *san = &leaf->subject_alt_names;
    uint16_t count = 0, i;

    for (; san != NULL && san->buf.p != NULL; san = san->next) {
        bool ours = false;

        for (i = 0; i < request->names_count; i++) {
            ours = ours ||
                   (strlen(request->names[i]) == san->buf.len &&
                    strncasecmp(request->names[i], (const char *)san->buf.p, san->buf.len) == 0);
        }
        if (!ours) {
            return false;
        }
        count++;
    }
    return count == request->names_count;
}

static bool is_for_key(const mbedtls_x509_crt *leaf, psa_key_id_t key)
{
    uint8_t point[65];
    size_t len = 0;

    return psa_export_public_key(key, point, sizeof(point), &len) == PSA_SUCCESS &&
           leaf->pk_raw.len > len &&
           memcmp(leaf->pk_raw.p + leaf->pk_raw.len - len, point, len) == 0;
}

/* The last certificate of the chain stands in for its root. */
static bool is_chain(mbedtls_x509_crt *chain, uint8_t count)
{
    mbedtls_x509_crt *last = chain;
    uint32_t flags = 0;

    while (last->next != NULL) {
        last = last->next;
    }
    return count == 1 || mbedtls_x509_crt_verify(chain, last, NULL, NULL, &flags, NULL, NULL) == 0;
}

static bool is_good(uint16_t slot, const struct acme_cert_status *status)
{
    static uint8_t der[CONFIG_ACME_CERT_SIZE_MAX];
    mbedtls_x509_crt chain;
    bool fine = true;
    uint8_t i;

    mbedtls_x509_crt_init(&chain);
    for (i = 0; i < status->chain_count && fine; i++) {
        int32_t n = acme_cert_read(world.client, slot, i, der, sizeof(der));

        fine = n > 0 && mbedtls_x509_crt_parse_der(&chain, der, (size_t)n) == 0;
    }
    fine = fine && i > 0 && is_for_key(&chain, status->key_id) &&
           has_names(&chain, &requests[slot]) && is_chain(&chain, i);
    mbedtls_x509_crt_free(&chain);
    return fine;
}

/* With the device on and idle, and nothing failing. */
static void check_certificates(void)
{
    struct acme_cert_status status;
    uint16_t i;

    for (i = 0; i < world.config.certs_count; i++) {
        CHECK(acme_cert_get_status(world.client, i, &status) == ACME_OK);
        CHECK(!acme_cert_can_serve(&good[i]) || acme_cert_can_serve(&status) || revoked[i]);
        CHECK(!acme_cert_can_serve(&status) || is_good(i, &status));
        good[i] = status;
    }
}

/* ---- a life ---- */

static void on_event(void *ctx, const struct acme_event *event)
{
    (void)ctx;
    if (event->type == ACME_EVENT_STATE && event->text != NULL) {
        (void)snprintf(state, sizeof(state), "%s", event->text);
    }
    if (event->problem != NULL) { /* whatever it holds can be printed */
        const char *p;

        for (p = event->problem->detail; *p != '\0'; p++) {
            CHECK(*p >= ' ' && *p <= '~');
        }
    }
}

static void heal(void)
{
    struct flash_sim *f = &world.flash;

    hang_up();
    sim_net_clear_faults(&world.net);
    world.net.latency_ms = 20;
    world.clock.unknown = false;
    world.entropy.fail_at = 0;
    f->fail_read_at = f->fail_program_at = f->fail_erase_at = f->cut_at = 0;
}

/* What is there is looked at from a boot without faults; a cut in it is a reset, no more. */
static void look(void)
{
    sim_world_halt(&world);
    heal();
    CHECK(sim_world_boot(&world) == ACME_OK);
    check_certificates();
}

static int32_t start_job(uint8_t what)
{
    uint16_t slot = what / 16u % SLOTS;
    int32_t rc;

    switch (what % 12) {
    case 0:
        return acme_renew_start(world.client);
    case 1:
        slot = slot < world.config.certs_count ? slot : 0;
        rc = acme_revoke_start(world.client, slot, 4, what / 32u % 2 != 0);
        revoked[slot] = revoked[slot] || rc == ACME_OK;
        return rc;
    case 2:
        return acme_account_update(world.client);
    case 3:
        return acme_account_deactivate(world.client);
    case 4:
        return acme_account_recover(world.client);
    case 5:
        return acme_account_rollover(world.client);
    case 6:
        return acme_account_start(world.client);
    case 7:
    case 8:
        return acme_start_due(world.client);
    default:
        return acme_start(world.client);
    }
}

static int32_t run_job(uint8_t what)
{
    int32_t rc = world.client == NULL ? sim_world_boot(&world) : ACME_OK;

    asked = 0;
    if (rc == ACME_OK) {
        rc = start_job(what);
    }
    if (rc == ACME_OK) {
        rc = sim_world_drive(&world);
        CHECK(!world.hung);
        CHECK(rc != ACME_ERR_INTERNAL);
    }
    if (world.verbose) {
        (void)fprintf(stderr, "job %u ends with %s\n", what, acme_error_name(rc));
    }
    return rc;
}

static void sleep_days(uint32_t days)
{
    hang_up();
    if (days > 0) {
        sim_world_halt(&world);
        heal();
        sim_world_sleep(&world, days * DAY_MS);
    }
}

static void live_script(void)
{
    uint8_t jobs = script_byte(&script) % 4u + 1u;

    while (jobs-- > 0) {
        uint8_t what = script_byte(&script);

        sleep_days(script_byte(&script) % 100u);
        (void)run_job(what);
        if (world.flash.off || jobs == 0 || what >= 128) {
            look();
        }
    }
}

/* Everybody is honest again: within a month of days the device has what it wants. */
static void live_on(void)
{
    struct ca_sim_options *o = &world.ca->options;
    uint32_t days;

    honest_now = true;
    memset(o, 0, sizeof(*o));
    memset(revoked, 0, sizeof(revoked));
    for (days = 0; days < 30; days++) {
        if (run_job(9) == ACME_OK) {
            break;
        }
        sleep_days(1);
    }
    CHECK(days < 30);
    check_certificates();
    for (days = 0; days < world.config.certs_count; days++) {
        CHECK(acme_cert_can_serve(&good[days]) &&
              good[days].not_after_s > sim_clock_true_s(&world.clock));
    }
}

/* ---- the starts ---- */

static void configure(uint8_t count)
{
    world.config.certs = requests;
    world.config.certs_count = count;
    world.config.contact = "mailto:first@example.org";
    world.config.on_event = on_event;
    world.polls_max = POLLS_MOST;
}

static void begin(uint8_t start)
{
    memset(calls, 0xff, sizeof(calls));
    memset(revoked, 0, sizeof(revoked));
    memset(good, 0, sizeof(good));
    kept_count = 0;
    kept[0].len = kept[1].len = kept[2].len = kept[3].len = 0;
    lied = failing = honest_now = false;
    sim_world_restore(&world, &starts[start]);
    world.net.latency_ms = 20;
}

static void set_up(void)
{
    static const struct sim_options options = {4096, 8, 4, 5, 40, 200};
    static struct sim_server server;

    crypto_memo_pretend(true);
    world.verbose = getenv("FUZZ_VERBOSE") != NULL;
    CHECK(sim_world_init(&world, &options));
    honest = world.server;
    server = (struct sim_server){honest.ctx, listens, serve};
    world.net.server = &server;
    configure(SLOTS);
    honest_now = true;
    sim_world_save(&world, &starts[0]);
    CHECK(run_job(9) == ACME_OK);
    check_certificates();
    sim_world_halt(&world);
    sim_world_save(&world, &starts[1]);
    sim_world_sleep(&world, 70 * DAY_MS);
    sim_world_save(&world, &starts[2]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool ready;
    uint8_t first;

    if (!ready) {
        set_up();
        ready = true;
    }
    if (size < 2) {
        return 0;
    }
    script = (struct script){data, size};
    first = script_byte(&script);
    begin(first % 3u);
    configure((uint8_t)(first / 3u % SLOTS + 1u));
    if (first % 3u != 0) { /* what was there is what must not be lost */
        CHECK(sim_world_boot(&world) == ACME_OK);
        check_certificates();
        CHECK(acme_cert_can_serve(&good[0]));
    }
    live_script();
    if (!lied && !failing) {
        live_on();
    }
    CHECK(!world.flash.violation);
    sim_world_halt(&world);
    hang_up();
    return 0;
}
