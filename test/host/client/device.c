/*
 * One device for the tests. It must not know what they expect.
 */
#include "device.h"

#include <psa/crypto.h>

struct sim_world w;
struct sim_edits edits;
struct heard heard;
struct acme_cert_request requests[4];

static const char *const names[] = {"device.example.org"};

static void note(char *to, size_t size, const char *text)
{
    size_t len = strlen(text);

    len = len < size ? len : size > 0 ? size - 1 : 0;

    memcpy(to, text, len);
    to[len] = '\0';
}

static void note_problem(const struct acme_problem *problem)
{
    static const struct acme_problem none;

    problem = problem == NULL ? &none : problem;
    note(heard.problem_type, sizeof(heard.problem_type), problem->type);
    note(heard.problem_detail, sizeof(heard.problem_detail), problem->detail);
    note(heard.problem_instance, sizeof(heard.problem_instance), problem->instance);
    note(heard.problem_terms, sizeof(heard.problem_terms), problem->terms);
}

static void on_event(void *ctx, const struct acme_event *event)
{
    size_t used = strlen(heard.states);

    (void)ctx;
    heard.events[event->type]++;
    if (event->type == ACME_EVENT_STATE) {
        if (used + strlen(event->text) + 2 < sizeof(heard.states)) {
            strcat(strcat(heard.states, event->text), " ");
        }
        return;
    }
    if (event->type == ACME_EVENT_ERROR || event->type == ACME_EVENT_CHALLENGE_FAILED) {
        heard.error = event->error;
        heard.slot = event->slot;
        note(heard.route, sizeof(heard.route), event->route != NULL ? event->route : "");
        note(heard.member, sizeof(heard.member), event->member != NULL ? event->member : "");
        note_problem(event->problem);
    }
    if (event->type == ACME_EVENT_TOS) {
        note(heard.terms, sizeof(heard.terms), event->text);
    }
    if (event->text != NULL) {
        note(heard.text, sizeof(heard.text), event->text);
    }
}

int device_set_up(void **state)
{
    const struct sim_options options = {4096, 16, 4, 5, 8, 0};

    (void)state;
    assert_true(sim_world_init(&w, &options));
    sim_edits_begin(&edits, &w);
    memset(requests, 0, sizeof(requests));
    requests[0].names = names;
    requests[0].names_count = 1;
    w.config.certs = requests;
    w.config.certs_count = 1;
    w.config.on_event = on_event;
    device_forget();
    return 0;
}

int device_set_up_issued(void **state)
{
    (void)device_set_up(state);
    device_boot();
    assert_int_equal(device_run(), ACME_OK);
    assert_true(device_has_cert(0));
    device_forget();
    return 0;
}

int device_tear_down(void **state)
{
    (void)state;
    sim_world_halt(&w);
    if (w.ca->counters.violations > 0) {
        print_error("the CA says: %s\n", w.ca->counters.violation);
        return -1;
    }
    sim_world_free(&w);
    return 0;
}

void device_boot(void)
{
    assert_int_equal(sim_world_boot(&w), ACME_OK);
}

void device_reboot(void)
{
    sim_world_halt(&w);
    device_boot();
}

int32_t device_finish(int32_t rc)
{
    assert_int_equal(rc, ACME_OK);
    rc = sim_world_drive(&w);
    assert_false(w.hung);
    return rc;
}

int32_t device_run(void)
{
    return device_finish(acme_start(w.client));
}

int32_t device_renew(void)
{
    return device_finish(acme_renew_start(w.client));
}

void device_forget(void)
{
    memset(&heard, 0, sizeof(heard));
    memset(&edits, 0, sizeof(edits));
    memset(w.ca->counters.requests, 0, sizeof(w.ca->counters.requests));
}

uint32_t device_entered(const char *state)
{
    uint32_t count = 0;
    const char *at;

    for (at = heard.states; *at != '\0'; at += strcspn(at, " ") + 1) {
        count += strncmp(at, state, strlen(state)) == 0 && at[strlen(state)] == ' ' ? 1u : 0u;
    }
    return count;
}

bool device_has_cert(uint16_t slot)
{
    static const uint8_t hash[32] = {1};
    struct acme_cert_status status;
    uint8_t signature[64];
    size_t len;

    return acme_cert_get_status(w.client, slot, &status) == ACME_OK &&
           acme_cert_can_serve(&status) &&
           psa_sign_hash(status.key_id, PSA_ALG_ECDSA(PSA_ALG_SHA_256), hash, sizeof(hash),
                         signature, sizeof(signature), &len) == PSA_SUCCESS;
}

uint32_t device_asked(enum ca_sim_route route)
{
    return w.ca->counters.requests[route];
}

void device_fault(enum ca_sim_route route, uint16_t status, const char *type, uint16_t count)
{
    uint32_t i = 0;

    while (i < CA_SIM_FAULTS - 1 && w.ca->faults[i].count > 0) {
        i++;
    }
    w.ca->faults[i] = (struct ca_sim_fault){(uint8_t)route, count, status, 0, type};
}

void device_renew_to(const char *state)
{
    struct acme_poll_result result;
    uint32_t n;

    assert_int_equal(acme_renew_start(w.client), ACME_OK);
    for (n = 0; n < 2000 && device_entered(state) == 0; n++) {
        enum acme_want want = acme_poll(w.client, &result);

        assert_int_not_equal(want, ACME_WANT_IDLE);
        if (want == ACME_WANT_EVENT) {
            w.clock.now_ms += 10;
            ca_sim_tick(w.ca, w.clock.now_ms);
        }
    }
    assert_true(device_entered(state) > 0);
}
