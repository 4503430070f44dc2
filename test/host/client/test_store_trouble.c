/*
 * Every call of the store and of the keys that a job makes fails once. The job says so or does
 * without; and after a restart there is everything that was there before, and the job's work can be
 * done. The linker's --wrap puts the failures in.
 */
#include "device.h"

#include "crypto/cert.h"
#include "crypto/jws.h"
#include "store/store.h"
#include "net/tls.h"

#define CALLS_MAX 2u /* of one function in one job: the first and the last so many fail */

/* ---- the calls that fail ---- */

enum call {
    READ_ACCOUNT,
    WRITE_ACCOUNT,
    READ_ORDER,
    WRITE_ORDER,
    WRITE_SCHEDULE,
    READ_CERT,
    INSTALL,
    REMOVE_CERT,
    REMOVE,
    READ_CHAIN,
    REMOVE_CHAIN,
    DESTROY_KEY,
    ENSURE_KEY,
    ENSURE_COPY,
    JWS_START,
    JWS_SIGN,
    THUMBPRINT,
    ADD_JWK,
    WRITE_CSR,
    CERT_ID,
    TLS_INIT,
    TLS_START,
    CALLS
};

static uint32_t counts[CALLS], fail_call, fail_at;
static int32_t fail_with;
static bool failed;

static int32_t trouble(enum call call)
{
    counts[call]++;
    if (fail_at == 0 || fail_call != (uint32_t)call || counts[call] != fail_at) {
        return ACME_OK;
    }
    failed = true;
    return fail_with;
}

#define WRAP(call, name, params, args)                                                             \
    int32_t __real_##name params;                                                                  \
    int32_t __wrap_##name params;                                                                  \
    int32_t __wrap_##name params                                                                   \
    {                                                                                              \
        int32_t rc = trouble(call);                                                                \
                                                                                                   \
        return rc != ACME_OK ? rc : __real_##name args;                                            \
    }

WRAP(READ_ACCOUNT, acme_store_read_account,
     (struct acme_store * s, uint8_t slot, struct acme_account_record *r, uint8_t *scratch,
      size_t size),
     (s, slot, r, scratch, size))
WRAP(WRITE_ACCOUNT, acme_store_write_account,
     (struct acme_store * s, uint8_t slot, const struct acme_account_record *r, uint8_t *scratch,
      size_t size),
     (s, slot, r, scratch, size))
WRAP(READ_ORDER, acme_store_read_order,
     (struct acme_store * s, uint8_t slot, struct acme_order_record *r, uint8_t *scratch,
      size_t size),
     (s, slot, r, scratch, size))
WRAP(WRITE_ORDER, acme_store_write_order,
     (struct acme_store * s, uint8_t slot, const struct acme_order_record *r, uint8_t *scratch,
      size_t size),
     (s, slot, r, scratch, size))
WRAP(WRITE_SCHEDULE, acme_store_write_schedule,
     (struct acme_store * s, uint8_t slot, const struct acme_schedule *schedule),
     (s, slot, schedule))
WRAP(READ_CERT, acme_store_read_cert,
     (struct acme_store * s, uint8_t slot, struct acme_cert_record *r), (s, slot, r))
WRAP(INSTALL, acme_store_install,
     (struct acme_store * s, uint8_t slot, const struct acme_cert_record *r, const char *names),
     (s, slot, r, names))
WRAP(REMOVE_CERT, acme_store_remove_cert, (struct acme_store * s, uint8_t slot), (s, slot))
WRAP(REMOVE, acme_store_remove, (struct acme_store * s, enum acme_store_space space, uint64_t id),
     (s, space, id))
WRAP(READ_CHAIN, acme_store_read_chain,
     (struct acme_store * s, uint8_t slot, uint8_t generation, uint32_t offset, uint8_t *data,
      size_t len),
     (s, slot, generation, offset, data, len))
WRAP(REMOVE_CHAIN, acme_store_remove_chain,
     (struct acme_store * s, uint8_t slot, uint8_t generation), (s, slot, generation))
WRAP(DESTROY_KEY, acme_jws_destroy_key, (psa_key_id_t id), (id))
WRAP(ENSURE_KEY, acme_jws_ensure_key,
     (psa_key_id_t id, uint8_t key_type, bool exportable, bool *made),
     (id, key_type, exportable, made))
WRAP(ENSURE_COPY, acme_jws_ensure_copy,
     (psa_key_id_t id, psa_key_id_t old, uint8_t key_type, bool exportable, bool *made,
      bool *copied),
     (id, old, key_type, exportable, made, copied))
WRAP(JWS_START, acme_jws_start,
     (const struct acme_jws_params *p, char *work, size_t work_size, size_t offset,
      size_t payload_len, uint8_t *scratch, size_t scratch_size),
     (p, work, work_size, offset, payload_len, scratch, scratch_size))
WRAP(JWS_SIGN, acme_jws_sign, (uint8_t * scratch, size_t size), (scratch, size))
WRAP(THUMBPRINT, acme_jws_thumbprint,
     (psa_key_id_t id, char out[44], uint8_t *scratch, size_t size), (id, out, scratch, size))
WRAP(ADD_JWK, acme_jws_add_jwk,
     (struct acme_buf * out, psa_key_id_t id, uint8_t *scratch, size_t size),
     (out, id, scratch, size))
WRAP(WRITE_CSR, acme_cert_write_csr,
     (const struct acme_cert_request *r, psa_key_id_t key, uint8_t *out, size_t size),
     (r, key, out, size))
WRAP(CERT_ID, acme_cert_id,
     (const struct acme_chain_check *check, const struct acme_cert_record *record,
      struct acme_buf *out),
     (check, record, out))
WRAP(TLS_INIT, acme_tls_init,
     (struct acme_tls * t, const struct acme_port *port, const struct acme_clock *clock,
      const struct acme_trust_anchor *anchors, size_t count),
     (t, port, clock, anchors, count))
WRAP(TLS_START, acme_tls_start, (struct acme_tls * t, acme_handle stream, const char *host),
     (t, stream, host))

/* ---- the jobs ---- */

static int32_t boot_only(acme_client *c)
{
    (void)c;
    return ACME_OK;
}

static int32_t revoke(acme_client *c)
{
    return acme_revoke_start(c, 0, 1, false);
}

static int32_t deauthorize(acme_client *c)
{
    return acme_deauthorize(c, 0);
}

static int32_t look(acme_client *c)
{
    return acme_start(c);
}

struct job {
    int32_t (*start)(acme_client *c);
    bool blank;     /* on a device without anything */
    bool may_lose;  /* the certificate */
    bool fallback;  /* the first CA cannot be reached */
    bool look;      /* the CA is asked for renewal information */
    bool reuse;     /* of the key, and the old certificate is revoked */
    bool terms;     /* have changed */
    bool forgotten; /* by the CA: it knows no account */
    bool closed;    /* the CA has deactivated the account */
    bool cut;       /* an order is under way since an earlier run */
    bool gone;      /* and the CA does not know it any more */
    bool moved;     /* to another directory */
    bool links;     /* to other chains */
    bool refused;   /* what is asked for */
    bool every;     /* call fails, not only the first and the last of them */
    int32_t result; /* without failures */
};

static struct sim_snapshot blank, issued, cut;
static const struct acme_ca other = {CA_SIM_DIRECTORY, NULL, 0, NULL, NULL};

static void prepare(const struct job *job)
{
    sim_world_restore(&w, job->blank ? &blank : job->cut ? &cut : &issued);
    w.config.directory_url = job->fallback ? "https://down.example.org/directory"
                             : job->moved  ? "https://ca.example.org/directory/2"
                                           : CA_SIM_DIRECTORY;
    w.config.fallbacks = &other;
    w.config.fallbacks_count = job->fallback ? 1 : 0;
    w.config.look_now = job->look;
    w.ca->options.terms = job->terms ? 1 : 0;
    requests[0].key_reuse = requests[0].revoke_replaced = job->reuse;
    memset(w.ca->faults, 0, sizeof(w.ca->faults));
    if (job->forgotten) {
        device_fault(CA_SIM_NEW_ORDER, 400, "accountDoesNotExist", 1);
    }
    if (job->closed) {
        ca_sim_account(w.ca, 0)->status = CA_SIM_DEACTIVATED;
    }
    if (job->gone) {
        device_fault(CA_SIM_ORDER, 404, "malformed", 1);
    }
    if (job->refused) {
        device_fault(CA_SIM_KEY_CHANGE, 403, "unauthorized", 1);
        device_fault(CA_SIM_FINALIZE, 400, "badPublicKey", 1);
    }
    device_forget();
    if (job->links) {
        sim_edits_add(&edits, CA_SIM_CERTIFICATE, "Content-Type: application/pem",
                      "Link: <https://ca.example.org/certificate/1>;rel=\"alternate\"\r\n"
                      "Content-Type: application/pem");
    }
    requests[0].preferred_issuer = job->links ? "Nobody" : NULL;
    memset(counts, 0, sizeof(counts));
    failed = false;
}

/* Once, from the boot on. */
static int32_t run(const struct job *job)
{
    uint32_t at = fail_at;
    int32_t rc;

    fail_at = job->start == boot_only ? at : 0;
    rc = sim_world_boot(&w);
    if (rc == ACME_OK && job->start != boot_only) {
        memset(counts, 0, sizeof(counts));
        fail_at = at;
        rc = job->start(w.client);
    }
    if (rc == ACME_OK) {
        rc = sim_world_drive(&w);
        assert_false(w.hung);
    }
    return rc;
}

/* The device afterwards, with a store that works. */
static void check(const struct job *job, int32_t rc)
{
    bool tried = heard.events[ACME_EVENT_ERROR] > 0;

    if (job->fallback && rc == ACME_ERR_CONNECT) {
        rc = ACME_OK; /* the other CA could not be turned to: the first one's failure stands */
    }
    if (failed && rc != fail_with && rc != ACME_OK && rc != job->result) {
        fail_msg("call %u, the %u.: the job says %s", fail_call, fail_at, acme_error_name(rc));
    }
    if (rc != ACME_OK && rc != job->result && w.client != NULL && tried) {
        assert_int_equal(heard.error, fail_with);
    }
    sim_world_halt(&w);
    fail_at = 0;
    memset(w.ca->faults, 0, sizeof(w.ca->faults));
    w.config.look_now = false;
    w.config.directory_url = job->moved ? CA_SIM_DIRECTORY : w.config.directory_url;
    device_forget();
    device_boot();
    if (!job->blank && !job->may_lose && !device_has_cert(0)) {
        fail_msg("call %u: the certificate is lost", fail_call);
    }
    rc = device_run();
    /* Of which CA its certificate is may be forgotten: then the first one is asked when to renew.
     */
    if (rc != ACME_OK && !(job->fallback && fail_call == WRITE_SCHEDULE)) {
        fail_msg("call %u: afterwards the device says %s", fail_call, acme_error_name(rc));
    }
    assert_true(device_has_cert(0));
    sim_world_halt(&w);
}

static void sweep(const struct job *job)
{
    uint32_t want[CALLS], call, at, hits = 0;

    fail_at = 0;
    prepare(job);
    assert_int_equal(run(job), job->result);
    sim_world_halt(&w);
    memcpy(want, counts, sizeof(want));
    for (call = 0; call < CALLS; call++) {
        fail_with = call >= JWS_START && call < TLS_INIT ? ACME_ERR_CRYPTO : ACME_ERR_STORE_IO;
        for (at = 1; at <= want[call]; at++) {
            if (at > CALLS_MAX && at + CALLS_MAX <= want[call] && !job->every) {
                continue;
            }
            prepare(job);
            fail_call = call;
            fail_at = at;
            check(job, run(job));
            assert_true(failed);
            hits++;
        }
    }
    assert_true(hits > 5);
}

#define SWEEP(name, ...)                                                                           \
    static void test_##name(void **state)                                                          \
    {                                                                                              \
        const struct job job = {__VA_ARGS__};                                                      \
                                                                                                   \
        (void)state;                                                                               \
        sweep(&job);                                                                               \
    }

SWEEP(a_boot, .start = boot_only)
SWEEP(a_first_run, .start = acme_start, .blank = true)
SWEEP(a_renewal, .start = acme_renew_start)
SWEEP(a_renewal_with_the_same_key, .start = acme_renew_start, .reuse = true)
SWEEP(a_look_at_renewal_information, .start = look, .look = true)
SWEEP(new_terms, .start = acme_account_start, .terms = true)
SWEEP(a_forgotten_account, .start = acme_renew_start, .forgotten = true)
SWEEP(a_closed_account, .start = acme_renew_start, .closed = true)
SWEEP(another_ca, .start = acme_start, .blank = true, .fallback = true, .every = true)
SWEEP(a_refused_key_change, .start = acme_account_rollover, .refused = true,
      .result = ACME_ERR_PROBLEM)
SWEEP(a_refused_key, .start = acme_renew_start, .reuse = true, .refused = true, .cut = true)
SWEEP(other_chains, .start = acme_renew_start, .links = true)
SWEEP(an_order_of_an_earlier_run, .start = acme_renew_start, .cut = true)
SWEEP(an_order_that_is_gone, .start = acme_renew_start, .cut = true, .gone = true)
SWEEP(an_order_of_another_account, .start = acme_renew_start, .cut = true, .moved = true)
SWEEP(an_update, .start = acme_account_update)
SWEEP(a_recovery, .start = acme_account_recover)
SWEEP(a_deactivation, .start = acme_account_deactivate)
SWEEP(a_key_change, .start = acme_account_rollover)
SWEEP(a_deauthorization, .start = deauthorize)
SWEEP(a_revocation, .start = revoke, .may_lose = true)

/* The CA has taken the new key, and the device does not know. */
static void test_a_key_change_that_was_cut(void **state)
{
    struct acme_account_status account;
    uint32_t at;

    (void)state;
    for (at = 1; at <= 12; at++) {
        const struct job job = {.start = acme_account_start};

        fail_at = 0;
        prepare(&job);
        device_boot();
        sim_edits_add(&edits, CA_SIM_KEY_CHANGE, NULL,
                      "HTTP/1.1 503 X\r\nRetry-After: 86400\r\n\r\n");
        assert_int_equal(device_finish(acme_account_rollover(w.client)), ACME_ERR_SERVER);
        device_forget();
        sim_world_halt(&w);
        memset(counts, 0, sizeof(counts));
        fail_call = at % 2 != 0 ? WRITE_ACCOUNT : DESTROY_KEY;
        fail_at = (at + 1) / 2;
        fail_with = ACME_ERR_STORE_IO;
        (void)run(&job);
        check(&job, ACME_OK);
        device_boot();
        assert_int_equal(device_finish(acme_account_start(w.client)), ACME_OK);
        assert_int_equal(acme_account_get_status(w.client, &account), ACME_OK);
        assert_memory_equal(account.thumbprint, ca_sim_account(w.ca, 0)->thumbprint, 43);
        assert_int_equal(w.ca->accounts_count, 1);
    }
}

/* What cannot be read of a slot is as nothing; what lies about can wait. */
static void sweep_boot(int32_t error, uint32_t call, uint32_t call_end)
{
    const struct job job = {.start = boot_only};
    uint32_t at;

    for (; call < call_end; call++) {
        for (at = 1; at <= 3; at++) {
            prepare(&job);
            fail_call = call;
            fail_with = error;
            fail_at = at;
            assert_int_equal(run(&job), ACME_OK);
            assert_true(failed);
            check(&job, ACME_OK);
        }
    }
}

static void test_a_boot_forgives_damage(void **state)
{
    (void)state;
    sweep_boot(ACME_ERR_STORE_CORRUPT, READ_ORDER, WRITE_ORDER);
    sweep_boot(ACME_ERR_STORE_CORRUPT, READ_CERT, INSTALL);
}

static void test_a_boot_forgives_a_full_store(void **state)
{
    (void)state;
    sweep_boot(ACME_ERR_STORE_FULL, REMOVE_CHAIN, ENSURE_KEY);
}

/* Whatever cannot be set up, the next job starts with the first CA as it should be. */
static void test_another_ca_that_cannot_be_set_up(void **state)
{
    const struct job job = {.start = acme_start, .blank = true, .fallback = true};
    uint32_t at;

    (void)state;
    for (at = 1; at <= 2; at++) {
        struct acme_account_status account;

        prepare(&job);
        fail_call = TLS_INIT;
        fail_with = ACME_ERR_CERT_PARSE;
        fail_at = at; /* the other CA, and the first one when the job has ended */
        (void)run(&job);
        assert_true(failed);
        device_forget();
        memset(counts, 0, sizeof(counts));
        if (at == 2) { /* nor can the first: then nothing is done */
            fail_at = 1;
            assert_int_equal(acme_account_start(w.client), ACME_ERR_CERT_PARSE);
            assert_int_equal(counts[TLS_START], 0);
        }
        fail_at = 0;
        assert_int_equal(device_run(), ACME_OK);
        assert_true(device_has_cert(0));
        assert_int_equal(acme_account_get_status(w.client, &account), ACME_OK);
        assert_false(account.exists); /* at the first CA, which is the one that is told of */
        sim_world_halt(&w);
    }
}

static void fail_once(enum call call, uint32_t at, int32_t error)
{
    memset(counts, 0, sizeof(counts));
    failed = false;
    fail_call = call;
    fail_at = at;
    fail_with = error;
}

static void test_a_damaged_order_is_made_anew(void **state)
{
    const struct job job = {.cut = true};
    uint32_t orders;

    (void)state;
    fail_at = 0;
    prepare(&job);
    orders = w.ca->orders_count;
    device_boot();
    fail_once(READ_ORDER, 1, ACME_ERR_STORE_CORRUPT);
    assert_int_equal(device_renew(), ACME_OK);
    assert_true(failed);
    assert_int_equal(w.ca->orders_count, orders + 1);
    sim_world_halt(&w);
}

static void test_an_invalid_order_that_cannot_be_dropped(void **state)
{
    const struct job job = {.start = acme_renew_start};

    (void)state;
    fail_at = 0;
    prepare(&job);
    device_boot();
    sim_edits_add(&edits, CA_SIM_NEW_ORDER, "\"status\":\"pending\"", "\"status\":\"invalid\"");
    fail_once(REMOVE, 1, ACME_ERR_STORE_IO);
    assert_int_equal(device_renew(), ACME_ERR_STORE_IO);
    assert_true(failed);
    check(&job, ACME_ERR_STORE_IO);
}

static void test_questions_are_answered_or_refused(void **state)
{
    const struct job job = {.start = boot_only};
    struct acme_account_status account;
    struct acme_cert_status status;
    uint32_t cursor = 0;
    uint8_t der[2048];
    char names[64];

    (void)state;
    fail_at = 0;
    prepare(&job);
    device_boot();
    fail_once(READ_ACCOUNT, 1, ACME_ERR_STORE_IO);
    assert_int_equal(acme_account_get_status(w.client, &account), ACME_ERR_STORE_IO);
    assert_false(account.exists);
    fail_once(READ_ACCOUNT, 2, ACME_ERR_STORE_IO);
    assert_int_equal(acme_account_get_status(w.client, &account), ACME_ERR_STORE_IO);
    assert_false(account.exists);
    fail_once(READ_CERT, 1, ACME_ERR_STORE_IO);
    assert_int_equal(acme_cert_list(w.client, &cursor, names, sizeof(names), &status),
                     ACME_ERR_STORE_IO);
    cursor = 0;
    fail_once(READ_CERT, 1, ACME_ERR_STORE_CORRUPT); /* the only one there is */
    assert_int_equal(acme_cert_list(w.client, &cursor, names, sizeof(names), &status),
                     ACME_ERR_NOT_FOUND);
    cursor = 0;
    assert_int_equal(acme_cert_list(w.client, &cursor, names, sizeof(names), &status), ACME_OK);
    fail_once(READ_CHAIN, 1, ACME_ERR_STORE_IO);
    assert_int_equal(acme_cert_read(w.client, 0, 0, der, sizeof(der)), ACME_ERR_STORE_IO);
    assert_true(acme_cert_read(w.client, 0, 0, der, sizeof(der)) > 0);
    assert_string_equal(names, "device.example.org");
    assert_true(acme_cert_can_serve(&status));
    sim_world_halt(&w);
}

static bool no_crypto;

psa_status_t __real_psa_crypto_init(void);
psa_status_t __wrap_psa_crypto_init(void);

psa_status_t __wrap_psa_crypto_init(void)
{
    return no_crypto ? PSA_ERROR_HARDWARE_FAILURE : __real_psa_crypto_init();
}

static void test_without_crypto_there_is_no_client(void **state)
{
    const struct job job = {.start = boot_only};

    (void)state;
    fail_at = 0;
    prepare(&job);
    no_crypto = true;
    assert_int_equal(sim_world_boot(&w), ACME_ERR_CRYPTO);
    assert_null(w.client);
    no_crypto = false;
    check(&job, ACME_OK);
}

/* ---- all of them ---- */

static int take_snapshots(void **state)
{
    (void)device_set_up(state);
    sim_world_save(&w, &blank);
    device_boot();
    assert_int_equal(device_run(), ACME_OK);
    sim_world_halt(&w);
    sim_world_save(&w, &issued);
    device_boot();
    device_forget();
    /* The CA still believes the name. */
    w.ca->options.authorization_s = 1;
    ca_sim_order(w.ca, 0)->authorizations[0].valid_until_ms = UINT64_MAX / 2;
    assert_int_equal(acme_renew_start(w.client), ACME_OK);
    while (heard.events[ACME_EVENT_ORDER] == 0) {
        struct acme_poll_result result;

        (void)acme_poll(w.client, &result);
        w.clock.now_ms += 10;
    }
    sim_world_halt(&w);
    sim_world_save(&w, &cut);
    return 0;
}

static int drop_snapshots(void **state)
{
    sim_snapshot_free(&blank);
    sim_snapshot_free(&issued);
    sim_snapshot_free(&cut);
    return device_tear_down(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_boot),
        cmocka_unit_test(test_a_first_run),
        cmocka_unit_test(test_a_renewal),
        cmocka_unit_test(test_a_renewal_with_the_same_key),
        cmocka_unit_test(test_a_look_at_renewal_information),
        cmocka_unit_test(test_new_terms),
        cmocka_unit_test(test_a_forgotten_account),
        cmocka_unit_test(test_a_closed_account),
        cmocka_unit_test(test_another_ca),
        cmocka_unit_test(test_a_refused_key_change),
        cmocka_unit_test(test_a_refused_key),
        cmocka_unit_test(test_other_chains),
        cmocka_unit_test(test_an_order_of_an_earlier_run),
        cmocka_unit_test(test_an_order_that_is_gone),
        cmocka_unit_test(test_an_order_of_another_account),
        cmocka_unit_test(test_a_damaged_order_is_made_anew),
        cmocka_unit_test(test_an_invalid_order_that_cannot_be_dropped),
        cmocka_unit_test(test_questions_are_answered_or_refused),
        cmocka_unit_test(test_without_crypto_there_is_no_client),
        cmocka_unit_test(test_a_key_change_that_was_cut),
        cmocka_unit_test(test_a_boot_forgives_damage),
        cmocka_unit_test(test_a_boot_forgives_a_full_store),
        cmocka_unit_test(test_another_ca_that_cannot_be_set_up),
        cmocka_unit_test(test_an_update),
        cmocka_unit_test(test_a_recovery),
        cmocka_unit_test(test_a_deactivation),
        cmocka_unit_test(test_a_key_change),
        cmocka_unit_test(test_a_deauthorization),
        cmocka_unit_test(test_a_revocation),
    };

    return cmocka_run_group_tests(tests, take_snapshots, drop_snapshots);
}
