/*
 * Proofs in the DNS through a provider that a test writes: what it refuses, when it is slow, what
 * the CA offers instead, what an earlier run has left. No record stays behind without need, and the
 * certificate is had where there is any way.
 */
#include "device.h"

#include "acme/tls_alpn.h"

#define RECORDS 8u

/* ---- the provider ---- */

enum operation { PRESENT, READY, CLEANUP, LOOKUP, OPERATIONS };

static struct provider {
    int32_t result[OPERATIONS]; /* ACME_OK, or what it says instead */
    uint32_t times[OPERATIONS]; /* so often, 0: always */
    uint32_t calls[OPERATIONS], stops, ends;
    int64_t now_s;            /* what the last record said */
    char names[RECORDS][128]; /* of the records that stand */
    char values[RECORDS][600];
    const char *txt; /* what a look finds, or NULL */
} p;

static int32_t say(enum operation operation)
{
    p.calls[operation]++;
    return p.times[operation] == 0 || p.calls[operation] <= p.times[operation] ? p.result[operation]
                                                                               : ACME_OK;
}

static int32_t present(void *ctx, const struct acme_dns_record *record, uint32_t *wait_ms)
{
    int32_t rc = say(PRESENT);
    size_t i;

    (void)ctx;
    p.now_s = record->now_s;
    *wait_ms = 500;
    for (i = 0; rc == ACME_OK && i < RECORDS; i++) {
        if (p.names[i][0] == '\0') {
            strcpy(p.names[i], record->name);
            strcpy(p.values[i], record->value);
            break;
        }
    }
    return rc;
}

static int32_t ready(void *ctx, const struct acme_dns_record *record, uint32_t *wait_ms)
{
    (void)ctx;
    (void)record;
    *wait_ms = 500;
    return say(READY);
}

static int32_t cleanup(void *ctx, const struct acme_dns_record *record, uint32_t *wait_ms)
{
    int32_t rc = say(CLEANUP);
    size_t i;

    (void)ctx;
    (void)wait_ms;
    for (i = 0; rc == ACME_OK && i < RECORDS; i++) {
        if (strcmp(p.names[i], record->name) == 0 && strcmp(p.values[i], record->value) == 0) {
            p.names[i][0] = '\0';
        }
    }
    return rc;
}

static int32_t lookup(void *ctx, const char *name, acme_dns_txt_fn found, void *found_ctx,
                      uint32_t *wait_ms)
{
    (void)ctx;
    (void)name;
    (void)wait_ms;
    if (p.txt != NULL) {
        found(found_ctx, p.txt, strlen(p.txt));
        found(found_ctx, "ca.example.org; accounturi=x", 28);
    }
    return say(LOOKUP);
}

static void stop(void *ctx)
{
    (void)ctx;
    p.stops++;
}

static void end(void *ctx)
{
    (void)ctx;
    p.ends++;
}

static const struct acme_dns_ops whole = {present, ready, cleanup, lookup, stop, end};
static struct acme_dns_ops ops;

static uint32_t standing(void)
{
    uint32_t i, count = 0;

    for (i = 0; i < RECORDS; i++) {
        count += p.names[i][0] != '\0' ? 1u : 0u;
    }
    return count;
}

static int set_up(void **state)
{
    (void)device_set_up(state);
    memset(&p, 0, sizeof(p));
    ops = whole;
    w.config.dns = &ops;
    w.ca->options.trusting = true;
    w.ca->options.types = "dns-01";
    return 0;
}

static void want(uint16_t slot_names, const char *const *list)
{
    requests[0].names = list;
    requests[0].names_count = slot_names;
}

/* ---- the provider fails ---- */

/* A provider is told the time that the client trusts, with every record, and each job's end. Where
 * the wall clock is dead, that is the CA's time. */
static void test_the_time_and_the_end_are_told(void **state)
{
    int dead;

    (void)state;
    for (dead = 0; dead < 2; dead++) {
        uint32_t ends = p.ends;
        int64_t begin_s = sim_clock_true_s(&w.clock);

        w.clock.skew_s = dead == 1 ? -20 * INT64_C(31557600) : 0;
        device_boot();
        p.now_s = 0;
        assert_int_equal(dead == 1 ? device_renew() : device_run(), ACME_OK);
        assert_in_range(p.now_s, begin_s - 5, sim_clock_true_s(&w.clock) + 5);
        assert_true(p.ends > ends && p.stops >= p.ends);
        sim_world_halt(&w);
    }
}

static void test_all_goes_well(void **state)
{
    static const char *const list[] = {"*.example.org", "example.org"};

    (void)state;
    want(2, list);
    device_boot();
    assert_int_equal(device_run(), ACME_OK);
    assert_int_equal(p.calls[PRESENT], 2);
    assert_int_equal(standing(), 0);
    assert_true(device_has_cert(0));
}

/* Each authorization is its own name's, whichever of the two comes first. */
static const char *const base_and_wildcard[] = {"example.org", "*.example.org", "example.org"};
static uint32_t authorized[2]; /* the base name, the wildcard */

static void count_authorized(void *ctx, const struct acme_event *event)
{
    (void)ctx;
    if (event->type == ACME_EVENT_AUTHORIZED) {
        authorized[event->text[0] == '*' ? 1 : 0]++;
    }
}

static void test_a_wildcard_and_its_base_are_two(void **state)
{
    size_t first;

    (void)state;
    w.config.on_event = count_authorized;
    for (first = 0; first < 2; first++) {
        want(2, base_and_wildcard + first);
        device_boot();
        memset(authorized, 0, sizeof(authorized));
        assert_int_equal(device_renew(), ACME_OK);
        assert_int_equal(authorized[0], 1);
        assert_int_equal(authorized[1], 1);
        sim_world_halt(&w);
    }
}

/* Tokens have 128 bits of entropy (RFC 8555 8.3) in base64url, and an end. */
static void test_tokens(void **state)
{
    static const struct {
        const char *with;
        size_t len;
        bool good;
    } table[] = {{"a", 22, true},  {"-", 22, true},  {"_", 43, true},  {"a", 21, false},
                 {"a", 1, false},  {"", 0, false},   {"a", 128, true}, {"a", 129, false},
                 {".", 43, false}, {"=", 43, false}, {"/", 43, false}, {"+", 43, false},
                 {" ", 43, false}};
    size_t i;

    (void)state;
    device_boot();
    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        char put[200] = "\"token\":\"";
        size_t len = strlen(put);

        memset(put + len, 'a', table[i].len);
        memcpy(put + len + table[i].len / 2, table[i].with, table[i].len > 0 ? 1 : 0);
        (void)strcpy(put + len + table[i].len, "\",\"other\":\"");
        memset(&p, 0, sizeof(p));
        device_forget();
        sim_edits_add(&edits, CA_SIM_AUTHORIZATION, "\"token\":\"", put);
        assert_int_equal(device_renew(), table[i].good ? ACME_OK : ACME_ERR_FIELD);
        assert_int_equal(p.calls[PRESENT], table[i].good ? 1 : 0);
    }
}

static void test_a_provider_that_fails(void **state)
{
    (void)state;
    device_boot();
    p.result[PRESENT] = ACME_ERR_DNS_REFUSED;
    assert_int_equal(device_run(), ACME_ERR_DNS_REFUSED);
    assert_int_equal(device_asked(CA_SIM_CHALLENGE), 0);
    memset(&p, 0, sizeof(p));
    p.result[PRESENT] = 1; /* no error of ours */
    assert_int_equal(device_run(), ACME_ERR_DNS);
    memset(&p, 0, sizeof(p));
    p.result[READY] = ACME_ERR_DNS_SERVER;
    assert_int_equal(device_run(), ACME_ERR_DNS_SERVER);
    assert_int_equal(standing(), 0);
    memset(&p, 0, sizeof(p));
    assert_int_equal(device_run(), ACME_OK);
}

static void test_a_provider_that_never_ends(void **state)
{
    (void)state;
    device_boot();
    p.result[PRESENT] = ACME_ERR_AGAIN;
    assert_int_equal(device_run(), ACME_ERR_DNS_TIMEOUT);
    assert_true(p.stops > 0);
    memset(&p, 0, sizeof(p));
    ops.stop = NULL;
    p.result[READY] = ACME_ERR_AGAIN;
    assert_int_equal(device_run(), ACME_ERR_DNS_TIMEOUT);
    assert_int_equal(standing(), 0);
    memset(&p, 0, sizeof(p));
    p.result[CLEANUP] = ACME_ERR_AGAIN;
    assert_int_equal(device_run(), ACME_OK); /* a record stays behind: no reason to fail */
    assert_int_equal(standing(), 1);
    assert_true(device_has_cert(0));
}

static void test_a_provider_that_is_slow(void **state)
{
    (void)state;
    device_boot();
    p.result[PRESENT] = p.result[READY] = p.result[CLEANUP] = ACME_ERR_AGAIN;
    p.times[PRESENT] = p.times[READY] = p.times[CLEANUP] = 3;
    assert_int_equal(device_run(), ACME_OK);
    assert_int_equal(p.calls[PRESENT], 4);
    assert_int_equal(standing(), 0);
}

static void test_a_provider_without_more_than_it_must_have(void **state)
{
    (void)state;
    ops.ready = NULL;
    ops.cleanup = NULL;
    ops.stop = NULL;
    device_boot();
    assert_int_equal(device_run(), ACME_OK);
    assert_int_equal(standing(), 1);
}

static void test_a_clean_up_that_fails_is_no_failure(void **state)
{
    (void)state;
    device_boot();
    p.result[CLEANUP] = ACME_ERR_DNS;
    assert_int_equal(device_run(), ACME_OK);
    assert_int_equal(standing(), 1);
    assert_true(device_has_cert(0));
}

/* The network goes away while records stand: they are taken back, and it is told why. */
static void test_records_go_after_an_error(void **state)
{
    (void)state;
    device_boot();
    sim_edits_add(&edits, CA_SIM_AUTHORIZATION, NULL, PROBLEM("403", ERROR_TYPE("caa")))->skip = 1;
    assert_int_equal(device_run(), ACME_ERR_PROBLEM);
    assert_string_equal(heard.problem_type, "caa");
    assert_int_equal(p.calls[CLEANUP], 1);
    assert_int_equal(standing(), 0);
}

static void test_records_that_are_too_long(void **state)
{
    static char put[600];

    (void)state;
    device_boot();
    /* The token fits no buffer of a challenge: 129 characters. */
    strcpy(put, "\"token\":\"");
    memset(put + strlen(put), 'a', 129);
    sim_edits_add(&edits, CA_SIM_AUTHORIZATION, "\"token\":\"", put);
    assert_int_equal(device_run(), ACME_ERR_FIELD);
    assert_int_equal(p.calls[PRESENT], 0);
}

/* ---- other ways ---- */

static void test_the_next_way_is_tried(void **state)
{
    (void)state;
    w.ca->options.types = "dns-01 http-01 dns-account-01";
    w.config.challenges[0] = ACME_CHALLENGE_DNS_01;
    w.config.challenges[1] = ACME_CHALLENGE_DNS_ACCOUNT_01;
    w.config.challenges[2] = ACME_CHALLENGE_HTTP_01;
    device_boot();
    p.result[PRESENT] = ACME_ERR_DNS;
    p.times[PRESENT] = 1;
    assert_int_equal(device_run(), ACME_OK);
    assert_int_equal(heard.events[ACME_EVENT_CHALLENGE_FAILED], 1);
    assert_int_equal(p.calls[PRESENT], 2);
    assert_int_equal(standing(), 0);
    assert_true(device_has_cert(0));
}

/* What failed for one name comes last for the next one. */
static void test_what_has_failed_comes_last(void **state)
{
    static const char *const list[] = {"a.example.org", "b.example.org"};

    (void)state;
    want(2, list);
    w.ca->options.types = "dns-01 http-01";
    w.config.challenges[0] = ACME_CHALLENGE_DNS_01;
    w.config.challenges[1] = ACME_CHALLENGE_HTTP_01;
    device_boot();
    p.result[PRESENT] = ACME_ERR_DNS;
    assert_int_equal(device_run(), ACME_OK);
    assert_int_equal(p.calls[PRESENT], 1);
    assert_int_equal(heard.events[ACME_EVENT_CHALLENGE_FAILED], 1);
    assert_true(device_has_cert(0));
}

/* The CA looks, and does not find it; a new order tries the next way. */
static void test_a_failed_authorization_needs_a_new_order(void **state)
{
    (void)state;
    w.ca->options.types = "dns-01 http-01";
    w.config.challenges[0] = ACME_CHALLENGE_DNS_01;
    w.config.challenges[1] = ACME_CHALLENGE_HTTP_01;
    device_boot();
    sim_edits_add(&edits, CA_SIM_AUTHORIZATION, "\"status\":\"valid\"", "\"status\":\"invalid\"")
        ->count = 1;
    assert_int_equal(device_run(), ACME_OK);
    assert_int_equal(device_asked(CA_SIM_NEW_ORDER), 2);
    assert_int_equal(heard.events[ACME_EVENT_CHALLENGE_FAILED], 1);
    assert_int_equal(standing(), 0);
    assert_true(device_has_cert(0));
}

static void test_no_way_suits(void **state)
{
    static const char *const wildcard[] = {"*.example.org"};

    (void)state;
    want(1, wildcard);
    w.ca->options.types = "http-01 tls-alpn-01";
    device_boot();
    assert_int_equal(device_run(), ACME_ERR_CHALLENGE_NONE);
    sim_world_halt(&w);
    w.ca->options.types = "dns-01";
    ops.present = NULL;
    device_boot();
    assert_int_equal(device_run(), ACME_ERR_CHALLENGE_NONE);
    sim_world_halt(&w);
    w.config.dns = NULL;
    device_boot();
    assert_int_equal(device_run(), ACME_ERR_CHALLENGE_NONE);
    assert_int_equal(w.ca->counters.certificates, 0);
}

/* ---- what an earlier run has left ---- */

static void cut_in(const char *state)
{
    struct acme_poll_result result;

    assert_int_equal(acme_start(w.client), ACME_OK);
    while (device_entered(state) == 0) {
        (void)acme_poll(w.client, &result);
        ca_sim_tick(w.ca, w.clock.now_ms);
        w.clock.now_ms += 10;
    }
    sim_world_halt(&w);
    device_forget();
}

static void test_a_record_of_an_earlier_run_goes(void **state)
{
    (void)state;
    device_boot();
    cut_in("AUTHORIZATION_WAIT");
    assert_int_equal(standing(), 1);
    sim_world_sleep(&w, 60000); /* the CA has looked meanwhile */
    w.ca->options.types = "telepathy-01 dns-01 http-01";
    device_boot();
    sim_edits_add(&edits, CA_SIM_ORDER, "\"status\":\"ready\"", "\"status\":\"pending\"");
    assert_int_equal(device_run(), ACME_OK);
    assert_int_equal(standing(), 0);
    assert_int_equal(device_asked(CA_SIM_NEW_ORDER), 0);
    assert_true(device_has_cert(0));
}

static void test_a_record_of_an_earlier_run_without_a_provider(void **state)
{
    (void)state;
    device_boot();
    cut_in("AUTHORIZATION_WAIT");
    sim_world_sleep(&w, 60000);
    ops.cleanup = NULL;
    device_boot();
    sim_edits_add(&edits, CA_SIM_ORDER, "\"status\":\"ready\"", "\"status\":\"pending\"");
    assert_int_equal(device_run(), ACME_OK);
    assert_int_equal(standing(), 1);
}

/* It is still being looked at: the same way is gone on with, though another comes first. */
static void go_on_with_the_way(bool own_order)
{
    w.ca->options.validate_ms = 20000;
    device_boot();
    cut_in("AUTHORIZATION_WAIT");
    w.ca->options.types = "http-01 dns-01";
    w.config.challenges[0] = own_order ? ACME_CHALLENGE_DNS_01 : ACME_CHALLENGE_NONE;
    w.config.challenges[1] = own_order ? ACME_CHALLENGE_HTTP_01 : ACME_CHALLENGE_NONE;
    device_boot();
    sim_edits_add(&edits, CA_SIM_AUTHORIZATION, "\"http-01\",\"status\":\"processing\"",
                  "\"http-01\",\"status\":\"pending\"");
    assert_int_equal(device_run(), ACME_OK);
    assert_int_equal(device_asked(CA_SIM_CHALLENGE), 0);
    assert_int_equal(p.calls[PRESENT], 2);
    assert_true(device_has_cert(0));
}

static void test_the_way_that_the_ca_is_at_is_gone_on_with(void **state)
{
    (void)state;
    go_on_with_the_way(false);
}

static void test_and_so_is_the_first_way(void **state)
{
    (void)state;
    go_on_with_the_way(true);
}

/* Challenges of the proven authorization that nobody can read, or that were not the way. */
static void test_a_record_of_an_earlier_run_that_cannot_be_told(void **state)
{
    static const char *const puts[] = {"\"type\":7", "\"type\":\"dns-01\",\"status\":\"pending\""};
    size_t i;

    (void)state;
    for (i = 0; i < 2; i++) {
        device_boot();
        cut_in("AUTHORIZATION_WAIT");
        sim_world_sleep(&w, 60000);
        device_boot();
        sim_edits_add(&edits, CA_SIM_ORDER, "\"status\":\"ready\"", "\"status\":\"pending\"");
        sim_edits_add(&edits, CA_SIM_AUTHORIZATION,
                      i == 0 ? "\"type\":\"dns-01\"" : "\"type\":\"dns-01\",\"status\":\"valid\"",
                      puts[i]);
        assert_int_equal(device_run(), ACME_OK);
        assert_int_equal(standing(), i + 1);
        assert_true(device_has_cert(0));
        w.clock.now_ms += 80ull * 86400000u;
        sim_world_halt(&w);
        device_forget();
    }
}

/* ---- dns-persist-01 ---- */

static void use_persist(void)
{
    w.ca->options.types = "dns-persist-01";
    w.config.challenges[0] = ACME_CHALLENGE_DNS_PERSIST_01;
    device_boot();
}

static void offer_issuers(const char *put)
{
    device_forget();
    sim_edits_add(&edits, CA_SIM_AUTHORIZATION, "\"token\":", put);
}

#define ISSUERS "\"issuer-domain-names\":[\"ca.example.org\"],\"token\":"

static void test_a_standing_record_is_enough(void **state)
{
    (void)state;
    use_persist();
    p.txt = "ca.example.org; accounturi=https://ca.example.org/account/0";
    offer_issuers(ISSUERS);
    assert_int_equal(device_run(), ACME_OK);
    assert_int_equal(p.calls[PRESENT], 0);
    assert_int_equal(p.calls[LOOKUP], 1);
    assert_true(device_has_cert(0));
}

static void test_a_record_that_does_not_stand(void **state)
{
    (void)state;
    use_persist();
    offer_issuers(ISSUERS);
    assert_int_equal(device_run(), ACME_ERR_DNS_RECORD);
    assert_int_equal(device_asked(CA_SIM_CHALLENGE), 0);
    p.result[LOOKUP] = ACME_ERR_UNSUPPORTED; /* then the CA decides */
    assert_int_equal(device_run(), ACME_OK);
}

static void test_challenges_of_persist_are_checked(void **state)
{
    static const char *const puts[] = {
        "\"token\":",
        "\"issuer-domain-names\":[],\"token\":",
        "\"issuerDomainNames\":[],\"token\":",
        "\"issuerDomainNames\":[],\"issuer-domain-names\":[\"ca.example.org\"],\"token\":",
        "\"issuer-domain-names\":[7],\"token\":",
        "\"issuer-domain-names\":[\"not a name\"],\"token\":",
        "\"issuer-domain-names\":[\"a.b\",\"a.b\",\"a.b\",\"a.b\",\"a.b\",\"a.b\",\"a.b\","
        "\"a.b\",\"a.b\",\"a.b\",\"a.b\"],\"token\":",
        "\"accounturi\":\"https://ca.example.org/account/7\"," ISSUERS};
    size_t i;

    (void)state;
    use_persist();
    for (i = 0; i < sizeof(puts) / sizeof(puts[0]); i++) {
        offer_issuers(puts[i]);
        assert_int_equal(device_run(), ACME_ERR_FIELD);
        assert_int_equal(device_asked(CA_SIM_CHALLENGE), 0);
    }
    offer_issuers("\"accounturi\":\"https://ca.example.org/account/0\"," ISSUERS);
    p.result[LOOKUP] = ACME_ERR_UNSUPPORTED;
    assert_int_equal(device_run(), ACME_OK);
}

/* The newest draft's name of the member; where a CA gives both, it counts. */
static void test_members_of_the_newest_draft(void **state)
{
    static const char *const puts[] = {
        "\"issuerDomainNames\":[\"ca.example.org\"],\"token\":",
        "\"issuerDomainNames\":[\"b.example.org\",\"ca.example.org\"],"
        "\"issuer-domain-names\":[\"old.example.org\"],\"token\":"};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(puts) / sizeof(puts[0]); i++) {
        use_persist();
        p.txt = "ca.example.org; accounturi=https://ca.example.org/account/0";
        offer_issuers(puts[i]);
        assert_int_equal(i == 0 ? device_run() : device_renew(), ACME_OK);
        assert_int_equal(p.calls[LOOKUP], i + 1);
        sim_world_halt(&w);
    }
}

/* Nobody can look for the record: it is tried where it was asked for by name, and only there. */
static void test_persist_in_the_dark(void **state)
{
    (void)state;
    w.ca->options.types = "dns-persist-01";
    w.config.dns = NULL;
    device_boot();
    offer_issuers(ISSUERS);
    assert_int_equal(device_run(), ACME_ERR_CHALLENGE_NONE);
    sim_world_halt(&w);
    ops.lookup = NULL;
    w.config.dns = &ops;
    device_boot();
    assert_int_equal(device_run(), ACME_ERR_CHALLENGE_NONE);
    sim_world_halt(&w);
    requests[0].challenges[0] = ACME_CHALLENGE_DNS_PERSIST_01;
    device_boot();
    assert_int_equal(device_run(), ACME_OK);
    sim_world_halt(&w);
    requests[0].challenges[0] = ACME_CHALLENGE_NONE;
    ops.lookup = lookup;
    device_boot();
    p.txt = "ca.example.org; accounturi=https://ca.example.org/account/0";
    assert_int_equal(device_renew(), ACME_OK);
    assert_int_equal(p.calls[LOOKUP], 1);
}

static void test_issuers_of_the_directory(void **state)
{
    static char put[2048] = "\"meta\":{\"caaIdentities\":[";
    struct acme_dns_persist what = {"device.example.org", false, NULL, 0};
    char name[128], value[256];
    int i;

    (void)state;
    device_boot();
    sim_edits_add(&edits, CA_SIM_DIRECTORY_GET, "\"meta\":{",
                  "\"meta\":{\"caaIdentities\":[\"ca.example.org\"],");
    assert_int_equal(device_run(), ACME_OK);
    assert_int_equal(
        acme_dns_persist_record(w.client, &what, name, sizeof(name), value, sizeof(value)),
        ACME_OK);
    assert_string_equal(value, "ca.example.org; accounturi=https://ca.example.org/account/0");
    /* More than there is room for is as none. */
    for (i = 0; i < 10; i++) {
        strcat(put, i > 0 ? ",\"" : "\"");
        memset(put + strlen(put), 'a', 60);
        strcat(put, ".org\"");
    }
    strcat(put, "],");
    device_forget();
    sim_edits_add(&edits, CA_SIM_DIRECTORY_GET, "\"meta\":{", put);
    assert_int_equal(device_renew(), ACME_OK);
    assert_int_equal(
        acme_dns_persist_record(w.client, &what, name, sizeof(name), value, sizeof(value)),
        ACME_ERR_FIELD);
}

/* ---- tls-alpn-01 is for who asks ---- */

static void test_the_firmwares_server_is_asked(void **state)
{
    (void)state;
    w.ca->options.types = "tls-alpn-01";
    w.ca->options.validate_ms = 60000;
    w.config.tls_shared = true;
    device_boot();
    assert_false(acme_tls_alpn_is_wanted(w.client));
    cut_in("AUTHORIZATION_WAIT");
    device_boot();
    assert_int_equal(acme_start(w.client), ACME_OK);
    while (device_entered("AUTHORIZATION_WAIT") == 0) {
        struct acme_poll_result result;

        (void)acme_poll(w.client, &result);
        w.clock.now_ms += 10;
    }
    assert_true(acme_tls_alpn_is_wanted(w.client));
    assert_int_equal(w.net.listening, 0);
    assert_int_equal(sim_world_drive(&w), ACME_OK);
    assert_false(acme_tls_alpn_is_wanted(w.client));
    assert_true(device_has_cert(0));
}

#define DNS_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, device_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        DNS_TEST(test_the_time_and_the_end_are_told),
        DNS_TEST(test_all_goes_well),
        DNS_TEST(test_a_wildcard_and_its_base_are_two),
        DNS_TEST(test_tokens),
        DNS_TEST(test_a_provider_that_fails),
        DNS_TEST(test_a_provider_that_never_ends),
        DNS_TEST(test_a_provider_that_is_slow),
        DNS_TEST(test_a_provider_without_more_than_it_must_have),
        DNS_TEST(test_a_clean_up_that_fails_is_no_failure),
        DNS_TEST(test_records_go_after_an_error),
        DNS_TEST(test_records_that_are_too_long),
        DNS_TEST(test_the_next_way_is_tried),
        DNS_TEST(test_what_has_failed_comes_last),
        DNS_TEST(test_a_failed_authorization_needs_a_new_order),
        DNS_TEST(test_no_way_suits),
        DNS_TEST(test_a_record_of_an_earlier_run_goes),
        DNS_TEST(test_a_record_of_an_earlier_run_without_a_provider),
        DNS_TEST(test_the_way_that_the_ca_is_at_is_gone_on_with),
        DNS_TEST(test_and_so_is_the_first_way),
        DNS_TEST(test_a_record_of_an_earlier_run_that_cannot_be_told),
        DNS_TEST(test_a_standing_record_is_enough),
        DNS_TEST(test_a_record_that_does_not_stand),
        DNS_TEST(test_challenges_of_persist_are_checked),
        DNS_TEST(test_members_of_the_newest_draft),
        DNS_TEST(test_persist_in_the_dark),
        DNS_TEST(test_issuers_of_the_directory),
        DNS_TEST(test_the_firmwares_server_is_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
