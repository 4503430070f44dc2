/*
 * Lives and their oracle. It must not know who disturbs them.
 */
#include "life.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mbedtls/x509_crt.h>
#include <psa/crypto.h>

#include "store/store.h"

#define DAY_MS     86400000ull
#define NAP_MS     30000u /* between a cut and the next boot */
#define CERTS_MAX  3u
#define FILL_SPACE 13u
#define FILL_LEN   250u

/* ---- the tables ---- */

const struct life_scenario life_scenarios[] = {
    {"first boot", {{LIFE_RUN, 1, 0, 0}}, 1, false, 0, NULL},
    {"first boot, impatient CA", {{LIFE_RUN, 1, 0, 0}}, 1, true, 0, NULL},
    {"several certificates",
     {{LIFE_RUN, 1, 0, 0}, {LIFE_RUN, 2, 0, 1}, {LIFE_RUN, 2, 0, 70}},
     3,
     false,
     0,
     NULL},
    {"renewals",
     {{LIFE_RUN, 1, 0, 0}, {LIFE_RUN, 1, 0, 70}, {LIFE_RUN, 1, 0, 70}, {LIFE_RUN, 1, 0, 70}},
     4,
     false,
     0,
     NULL},
    {"revocation",
     {{LIFE_RUN, 2, 0, 0}, {LIFE_REVOKE, 2, 0, 1}, {LIFE_RUN, 2, 0, 1}},
     3,
     false,
     0,
     NULL},
    {"contact", {{LIFE_RUN, 1, 0, 0}, {LIFE_CONTACT, 1, 0, 1}}, 2, false, 0, NULL},
    {"deactivation",
     {{LIFE_RUN, 1, 0, 0}, {LIFE_DEACTIVATE, 1, 0, 1}, {LIFE_RUN, 1, 0, 70}},
     3,
     false,
     0,
     NULL},
    {"key change",
     {{LIFE_RUN, 1, 0, 0}, {LIFE_ROLLOVER, 1, 0, 1}, {LIFE_CONTACT, 1, 0, 1}, {LIFE_RUN, 1, 0, 70}},
     4,
     false,
     0,
     NULL},
    {"an account that the CA closes",
     {{LIFE_RUN, 1, 0, 0},
      {LIFE_CLOSED, 1, 0, 70},
      {LIFE_CLOSED, 1, 0, 70},
      {LIFE_CONTACT, 1, 0, 1}},
     4,
     false,
     0,
     NULL},
    {"CAs that change",
     {{LIFE_RUN, 1, 0, 0}, {LIFE_MOVE, 1, 0, 1}, {LIFE_MOVE, 1, 0, 1}, {LIFE_MOVE, 1, 0, 1}},
     4,
     false,
     0,
     NULL},
    {"terms of service", {{LIFE_RUN, 1, 0, 0}, {LIFE_TERMS, 1, 0, 70}}, 2, false, 0, NULL},
    {"a store 30 % full", {{LIFE_RUN, 1, 0, 0}, {LIFE_RUN, 1, 0, 70}}, 2, false, 300, NULL},
    {"a store 45 % full", {{LIFE_RUN, 1, 0, 0}, {LIFE_RUN, 1, 0, 70}}, 2, false, 450, NULL},
    {"a store 60 % full", {{LIFE_RUN, 1, 0, 0}, {LIFE_RUN, 1, 0, 70}}, 2, false, 600, NULL},
    {"a store 70 % full", {{LIFE_RUN, 1, 0, 0}, {LIFE_RUN, 1, 0, 70}}, 2, false, 700, NULL},
    {"a store 80 % full", {{LIFE_RUN, 1, 0, 0}, {LIFE_RUN, 1, 0, 70}}, 2, false, 800, NULL},
    {"a store 90 % full", {{LIFE_RUN, 1, 0, 0}, {LIFE_RUN, 1, 0, 70}}, 2, false, 900, NULL},
};
const uint32_t life_scenarios_count = sizeof(life_scenarios) / sizeof(life_scenarios[0]);

const struct life_geometry life_geometries[12] = {
    {256, 72, 1},  {256, 72, 4},   {256, 72, 8}, {256, 96, 32}, {1024, 20, 1}, {1024, 20, 4},
    {1024, 20, 8}, {1024, 20, 32}, {4096, 5, 1}, {4096, 5, 4},  {4096, 5, 8},  {4096, 5, 32}};

static const char *const names[CERTS_MAX][2] = {{"device.example.org", NULL},
                                                {"api.example.org", "www.example.org"},
                                                {"mqtt.example.org", NULL}};
static const char *const directories[4] = {CA_SIM_DIRECTORY "/0", CA_SIM_DIRECTORY "/1",
                                           CA_SIM_DIRECTORY "/2", CA_SIM_DIRECTORY "/3"};
static const struct acme_cert_request requests[CERTS_MAX] = {
    {.names = names[0], .names_count = 1},
    {.names = names[1], .names_count = 2, .key_reuse = true},
    {.names = names[2], .names_count = 1}};

uint32_t life_pool_calls, life_arena_calls;

void life_lose(struct life *l, const char *format, ...)
{
    va_list args;

    if (l->lost) {
        return;
    }
    l->lost = true;
    va_start(args, format);
    (void)vsnprintf(l->loss, sizeof(l->loss), format, args);
    va_end(args);
}

/* ---- what there is ---- */

/* Whether the leaf that is stored for a request is for the key that is stored for it. */
static bool is_pair(struct life *l, uint16_t slot, psa_key_id_t key)
{
    uint8_t der[2048], point[65];
    mbedtls_x509_crt crt;
    size_t len = 0;
    bool same = false;
    int32_t n = acme_cert_read(l->world->client, slot, 0, der, sizeof(der));

    if (n <= 0 || psa_export_public_key(key, point, sizeof(point), &len) != PSA_SUCCESS) {
        return false;
    }
    mbedtls_x509_crt_init(&crt);
    if (mbedtls_x509_crt_parse_der(&crt, der, (size_t)n) == 0) {
        /* The point ends the SubjectPublicKeyInfo. */
        same = crt.pk_raw.len > len && memcmp(crt.pk_raw.p + crt.pk_raw.len - len, point, len) == 0;
    }
    mbedtls_x509_crt_free(&crt);
    return same;
}

static uint8_t valid_certs(struct life *l)
{
    struct acme_cert_status status;
    uint8_t valid = 0;
    uint16_t i;

    for (i = 0; i < l->world->config.certs_count; i++) {
        if (acme_cert_get_status(l->world->client, i, &status) == ACME_OK &&
            acme_cert_can_serve(&status) && is_pair(l, i, status.key_id)) {
            valid |= (uint8_t)(1u << i);
        }
    }
    return valid;
}

static void observe_account(struct life *l, struct life_view *v)
{
    struct acme_account_status status;

    memset(&status, 0, sizeof(status));
    v->account = acme_account_get_status(l->world->client, &status) == ACME_OK && status.exists;
    memcpy(v->thumbprint, status.thumbprint, sizeof(v->thumbprint));
}

static void observe_ca(struct life *l, struct life_view *v)
{
    struct ca_sim *ca = l->world->ca;
    const struct ca_sim_account *a = ca_sim_account(ca, ca->accounts_count - 1);

    v->accounts = ca->counters.accounts;
    v->orders = ca->counters.orders;
    v->certificates = ca->counters.certificates;
    v->revocations = ca->counters.revocations;
    (void)snprintf(v->contact, sizeof(v->contact), "%s", ca->accounts_count > 0 ? a->contact : "");
    (void)snprintf(v->key_at_ca, sizeof(v->key_at_ca), "%s",
                   ca->accounts_count > 0 ? a->thumbprint : "");
}

static void observe_world(struct life *l, struct life_view *v)
{
    const struct sim_world *w = l->world;

    v->operations = w->flash.operations;
    v->reads = w->flash.reads;
    v->programs = w->flash.programs;
    v->erases = w->flash.erase_calls;
    memcpy(v->net_calls, w->net.calls, sizeof(v->net_calls));
    v->replies = w->net.replies;
    v->entropy_calls = w->entropy.calls;
    v->pool_calls = life_pool_calls;
    v->arena_calls = life_arena_calls;
}

/* ---- orphans, by the store's own records ---- */

struct slots {
    bool account[CONFIG_ACME_ACCOUNT_SLOTS][2]; /* a record names this generation of key */
    bool cert[CONFIG_ACME_CERT_SLOTS][2];       /* a certificate or an order does */
    char orders[CONFIG_ACME_CERT_SLOTS][CONFIG_ACME_URL_MAX + 1];
};

static void read_slots(struct acme_store *store, struct slots *s)
{
    static struct acme_account_record account;
    static struct acme_order_record order;
    struct acme_cert_record cert;
    uint8_t scratch[16 + 3 * (CONFIG_ACME_URL_MAX + 1)], i;

    memset(s, 0, sizeof(*s));
    for (i = 0; i < CONFIG_ACME_ACCOUNT_SLOTS; i++) {
        if (acme_store_read_account(store, i, &account, scratch, sizeof(scratch)) == ACME_OK) {
            s->account[i][account.key_generation] = true;
            s->account[i][account.key_generation ^ 1u] =
                account.rollover != 0 || account.successor != 0;
        }
    }
    for (i = 0; i < CONFIG_ACME_CERT_SLOTS; i++) {
        if (acme_store_read_cert(store, i, &cert) == ACME_OK) {
            s->cert[i][cert.key_generation] = true;
        }
        if (acme_store_read_order(store, i, &order, scratch, sizeof(scratch)) == ACME_OK) {
            s->cert[i][order.key_generation] = true;
            (void)snprintf(s->orders[i], sizeof(s->orders[i]), "%s", order.url);
        }
    }
}

static bool has_owner(const struct slots *s, uint64_t key)
{
    uint64_t id = key & ACME_KEY_ID_MAX, n = id - CONFIG_ACME_KEY_ID_BASE;

    if (key >> 60 == ACME_SPACE_CHAIN) {
        return id >> 24 < CONFIG_ACME_CERT_SLOTS && s->cert[id >> 24][id >> 16 & 1u];
    }
    if (key >> 60 != ACME_SPACE_ITS) {
        return true;
    }
    if (n < 2u * CONFIG_ACME_ACCOUNT_SLOTS) {
        return s->account[n / 2][n & 1u];
    }
    n -= 0x100;
    return n < 2u * CONFIG_ACME_CERT_SLOTS && s->cert[n / 2][n & 1u];
}

/* Opens a store of its own on the flash, which writes nothing. */
static bool look(struct life *l, struct acme_store *store, struct slots *s)
{
    struct acme_port port = {.flash = &flash_sim_ops, .flash_ctx = &l->world->flash};
    struct acme_config config = {.port = &port};
    int32_t rc = acme_store_open(store, &config);

    if (rc != ACME_OK) {
        life_lose(l, "the store does not mount: %s", acme_error_name(rc));
        return false;
    }
    read_slots(store, s);
    return true;
}

static void check_orphans(struct life *l)
{
    struct acme_store store;
    struct slots slots;
    uint64_t key = 0;

    if (!look(l, &store, &slots)) {
        return;
    }
    while (acme_record_next(&store, &key) == ACME_OK) {
        if (!has_owner(&slots, key)) {
            life_lose(l, "key %llx is an orphan", (unsigned long long)key);
            return;
        }
    }
}

/* Orders made in the try that ended, which the device could not record: nothing of them was asked
 * for, and the store does not name them. */
static void count_unrecorded(struct life *l, uint32_t first)
{
    struct ca_sim *ca = l->world->ca;
    struct acme_store store;
    struct slots slots;
    uint32_t i, slot;
    char url[CONFIG_ACME_URL_MAX + 1];

    if (first == ca->orders_count || !look(l, &store, &slots)) {
        return;
    }
    for (i = first; i < ca->orders_count; i++) {
        bool named = false;

        ca_sim_order_url(i, url, sizeof(url));
        for (slot = 0; slot < CONFIG_ACME_CERT_SLOTS; slot++) {
            named = named || strcmp(slots.orders[slot], url) == 0;
        }
        if (!named && !ca_sim_order(ca, i)->touched) {
            l->excepted++;
        }
    }
}

/* ---- a step ---- */

static void configure(struct life *l, uint32_t step)
{
    const struct life_step *s = &l->scenario->steps[step];
    struct acme_config *c = &l->world->config;
    uint32_t i;

    c->certs = requests;
    c->certs_count = s->certs;
    c->contact = "mailto:first@example.org";
    c->directory_url = CA_SIM_DIRECTORY;
    for (i = 0; i <= step; i++) {
        if (l->scenario->steps[i].kind == LIFE_CONTACT) {
            c->contact = "mailto:second@example.org";
        }
        if (l->scenario->steps[i].kind == LIFE_MOVE) {
            c->directory_url = directories[i % 4u];
        }
    }
}

/* What happens to the world before a step. */
static void prepare(struct life *l, uint32_t step)
{
    const struct life_step *s = &l->scenario->steps[step];

    if (s->sleep_days > 0) {
        sim_world_sleep(l->world, s->sleep_days * DAY_MS);
    }
    if (s->kind == LIFE_CLOSED) {
        struct ca_sim *ca = l->world->ca;

        ca_sim_account(ca, ca->accounts_count - 1)->status = CA_SIM_DEACTIVATED;
    }
    if (s->kind == LIFE_TERMS) {
        l->world->ca->options.terms++;
        l->world->ca->options.terms_enforced = true;
    }
}

static int32_t start(struct life *l, uint32_t step, bool *done)
{
    const struct life_step *s = &l->scenario->steps[step];
    acme_client *client = l->world->client;
    struct life_view v;
    int32_t rc;

    *done = false;
    switch (s->kind) {
    case LIFE_REVOKE:
        rc = acme_revoke_start(client, s->argument, 4, false);
        *done = rc == ACME_ERR_CERT_NONE && l->world->ca->counters.revocations > 0;
        return *done ? ACME_OK : rc;
    case LIFE_CONTACT:
        return acme_account_update(client);
    case LIFE_DEACTIVATE:
        observe_account(l, &v);
        *done = !v.account; /* an earlier try came that far */
        return *done ? ACME_OK : acme_account_deactivate(client);
    case LIFE_ROLLOVER:
        observe_account(l, &v);
        *done = strcmp(v.thumbprint, l->undisturbed[step - 1].thumbprint) != 0;
        return *done ? ACME_OK : acme_account_rollover(client);
    case LIFE_MOVE:
        return acme_account_start(client);
    default:
        return acme_start(client);
    }
}

/* Whether a step gives the account another key. */
static bool brings_a_key(uint8_t kind)
{
    return kind == LIFE_ROLLOVER || kind == LIFE_CLOSED;
}

/* What was there before the step is there before it is tried again. */
static void check_kept(struct life *l, uint32_t step)
{
    const struct life_step *s = &l->scenario->steps[step];
    uint8_t must;
    struct life_view v;

    if (step == 0) {
        return;
    }
    must = l->undisturbed[step - 1].valid;
    if (s->kind == LIFE_REVOKE) {
        must &= (uint8_t) ~(1u << s->argument);
    }
    if ((valid_certs(l) & must) != must) {
        life_lose(l, "a certificate is gone: had %x, have %x", must, valid_certs(l));
    }
    observe_account(l, &v);
    if (s->kind == LIFE_DEACTIVATE || s->kind == LIFE_MOVE || !l->undisturbed[step - 1].account) {
        return;
    }
    observe_ca(l, &v);
    if (!v.account || (strcmp(v.thumbprint, l->undisturbed[step - 1].thumbprint) != 0 &&
                       (!brings_a_key(s->kind) || strcmp(v.thumbprint, v.key_at_ca) != 0))) {
        life_lose(l, "the account is gone");
    }
}

int32_t life_try(struct life *l, uint32_t step, bool recovering)
{
    struct sim_world *w = l->world;
    uint32_t first = w->ca->orders_count;
    bool done = false, was_off;
    int32_t rc;

    configure(l, step);
    life_pool_calls = life_arena_calls = 0;
    rc = sim_world_boot(w);
    if (rc == ACME_OK && recovering) {
        check_kept(l, step);
    }
    if (rc == ACME_OK && !w->flash.off) {
        rc = start(l, step, &done);
        rc = rc == ACME_OK && !done ? sim_world_drive(w) : rc;
    }
    was_off = w->flash.off;
    if (!was_off && w->client != NULL) {
        l->now.valid = valid_certs(l);
        observe_account(l, &l->now);
    }
    if (w->hung && !was_off) {
        life_lose(l, "the client does not end");
    }
    observe_ca(l, &l->now);
    observe_world(l, &l->now);
    sim_world_halt(w);
    l->now.result = was_off ? ACME_ERR_AGAIN : rc;
    if (l->faults && acme_error_severity(l->now.result) == ACME_SEVERITY_PERMANENT) {
        l->excepted += w->config.certs_count;
    }
    if (was_off || rc != ACME_OK || l->faults) {
        count_unrecorded(l, first);
        sim_world_sleep(w, NAP_MS);
    }
    return l->now.result;
}

/* ---- the end of a life ---- */

static bool has_right_key(const struct life *l, uint32_t step)
{
    const char *key = l->now.thumbprint;

    return strcmp(key, l->now.key_at_ca) == 0 &&
           (!brings_a_key(l->scenario->steps[step].kind) ||
            strcmp(key, l->undisturbed[step - 1].thumbprint) != 0);
}

static void compare(struct life *l, uint32_t step)
{
    const struct life_view *want = &l->undisturbed[step], *have = &l->now;
    struct ca_sim *ca = l->world->ca;
    uint32_t orders = want->orders + l->excepted;

    if (have->result == ACME_ERR_STORE_FULL && l->tight) {
        return; /* more than the store promises to hold: luck with the layout, and fail closed */
    }
    if (l->scenario->impatient) {
        orders += ca_sim_count_orders(ca, CA_SIM_INVALID);
    }
    if (have->result != want->result && have->result != ACME_OK) {
        life_lose(l, "step %u ends with %s", step, acme_error_name(have->result));
    } else if ((have->valid & want->valid) != want->valid) {
        life_lose(l, "certificates at the end: %x instead of %x", have->valid, want->valid);
    } else if (have->account != want->account) {
        life_lose(l, "an account at the end: %d instead of %d", have->account, want->account);
    } else if (have->accounts != want->accounts) {
        life_lose(l, "%u accounts at the CA instead of %u", have->accounts, want->accounts);
    } else if (have->account && !has_right_key(l, step)) {
        life_lose(l, "the account's key at the end is not the CA's, or the old one");
    } else if (want->result == ACME_OK && have->orders > orders) {
        life_lose(l, "%u orders at the CA instead of %u", have->orders, orders);
    } else if (have->revocations != want->revocations ||
               strcmp(have->contact, want->contact) != 0) {
        life_lose(l, "the CA was not told, or too often");
    } else if (l->world->flash.violation) {
        life_lose(l, "the rules of the flash were broken");
    } else if (ca->counters.violations > 0) {
        life_lose(l, "the CA complains: %s", ca->counters.violation);
    }
}

bool life_recover(struct life *l, uint32_t step, uint32_t last)
{
    uint32_t i;

    for (i = step; i <= last && !l->lost; i++) {
        if (i > step) {
            prepare(l, i);
        }
        (void)life_try(l, i, i == step);
        compare(l, i);
    }
    if (!l->lost && l->now.result != ACME_OK) {
        /* What a failed job has left goes at the next boot. */
        int32_t rc = sim_world_boot(l->world);

        if (rc != ACME_OK) {
            life_lose(l, "the next boot ends with %s", acme_error_name(rc));
        }
        sim_world_halt(l->world);
    }
    if (!l->lost && !l->tight) { /* a full store may have no room to delete them */
        check_orphans(l);
    }
    return !l->lost;
}

void life_rewind(struct life *l, uint32_t step)
{
    sim_world_restore(l->world, &l->before[step]);
    l->excepted = 0;
    l->lost = false;
    l->loss[0] = '\0';
}

/* ---- building ---- */

/* Records of somebody else take a part of the store. */
static bool fill_store(struct life *l)
{
    struct acme_flashlog_stat stat;
    struct acme_flashlog log;
    uint8_t data[FILL_LEN];
    uint64_t id = 0;
    int32_t rc = acme_flashlog_mount(&log, &flash_sim_ops, &l->world->flash);

    memset(data, 0x5a, sizeof(data));
    while (rc == ACME_OK && acme_flashlog_stat(&log, &stat) == ACME_OK &&
           (uint64_t)stat.live_bytes * 1000u <
               (uint64_t)stat.capacity_bytes * l->scenario->fill_permille) {
        rc = acme_flashlog_set(&log, ACME_KEY(FILL_SPACE, id++), data, sizeof(data));
    }
    return rc == ACME_OK || rc == ACME_ERR_STORE_FULL;
}

static uint32_t live_bytes(struct life *l, uint32_t *capacity)
{
    struct acme_flashlog_stat stat;
    struct acme_flashlog log;

    memset(&stat, 0, sizeof(stat));
    if (acme_flashlog_mount(&log, &flash_sim_ops, &l->world->flash) == ACME_OK) {
        (void)acme_flashlog_stat(&log, &stat);
    }
    *capacity = stat.capacity_bytes;
    return stat.live_bytes;
}

bool life_build(struct life *l, const struct life_scenario *scenario,
                const struct life_geometry *geometry, uint64_t seed, struct sim_world *world)
{
    const struct sim_options options = {
        geometry->sector_size, geometry->sector_count, geometry->program_size, seed, 0, 0};
    uint32_t i, before, after, capacity;

    memset(l, 0, sizeof(*l));
    l->scenario = scenario;
    l->geometry = geometry;
    l->world = world;
    if (!sim_world_init(world, &options)) {
        life_lose(l, "the world cannot be built");
        return false;
    }
    world->ca->options.validate_tries = scenario->impatient ? 1 : 0;
    if (scenario->old_format != NULL) {
        scenario->old_format(&world->flash);
    }
    if (scenario->fill_permille > 0 && !fill_store(l)) {
        life_lose(l, "the store cannot be filled");
        return false;
    }
    flash_sim_power_on(&world->flash);
    before = live_bytes(l, &capacity);
    for (i = 0; i < scenario->count; i++) {
        prepare(l, i);
        sim_world_save(world, &l->before[i]);
        sim_net_clear_faults(&world->net);
        (void)life_try(l, i, false);
        l->undisturbed[i] = l->now;
        compare(l, i);
        if (l->now.result != ACME_OK &&
            (scenario->fill_permille == 0 || l->now.result != ACME_ERR_STORE_FULL)) {
            life_lose(l, "undisturbed step %u ends with %s", i, acme_error_name(l->now.result));
        }
    }
    check_orphans(l);
    /* A renewal needs room for a second generation beside the first, and an eighth for deletions
     * and for what a cut has left behind. */
    after = live_bytes(l, &capacity);
    l->tight = after + (after - before) > capacity - capacity / 8;
    return !l->lost;
}

void life_free(struct life *l)
{
    uint32_t i;

    for (i = 0; i < LIFE_STEPS_MAX; i++) {
        sim_snapshot_free(&l->before[i]);
    }
}
