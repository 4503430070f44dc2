/*
 * What the tests of whole clients with all options share: one device in its world, what it has
 * said, and a CA whose replies can be changed. It knows no test.
 */
#ifndef DEVICE_H
#define DEVICE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sim_edit.h"
#include "sim_world.h"

#define DEVICE_EVENTS (ACME_EVENT_CHAIN_CUT + 1)

/* A whole reply of the CA. */
#define REPLY(status, type, body)                                                                  \
    "HTTP/1.1 " status " X\r\nContent-Type: application/" type "\r\n\r\n" body
#define JSON(body)            REPLY("200", "json", body)
#define PROBLEM(status, body) REPLY(status, "problem+json", body)
#define ERROR_TYPE(name)      "{\"type\":\"urn:ietf:params:acme:error:" name "\",\"detail\":\"x\"}"

/** What the client's events have said. */
struct heard {
    uint32_t events[DEVICE_EVENTS];
    int32_t error;  /* of the last ERROR or CHALLENGE_FAILED */
    int16_t slot;   /* of the last of them */
    char route[32]; /* and where it was met */
    char member[32];
    char problem_type[64]; /* that came with it */
    char problem_detail[256];
    char problem_instance[CONFIG_ACME_URL_MAX + 1];
    char problem_terms[CONFIG_ACME_URL_MAX + 1];
    char terms[128];   /* of the last TOS */
    char text[128];    /* of the last event with one, STATE aside */
    char states[4096]; /* the first ones entered, each with a space behind it */
};

extern struct sim_world w;
extern struct sim_edits edits;
extern struct heard heard;
/* The device's requests; one at first, for device.example.org. May be changed while it is off. */
extern struct acme_cert_request requests[4];

/** A blank device, switched off. */
int device_set_up(void **state);
/** One that has its certificate, and is idle. */
int device_set_up_issued(void **state);
int device_tear_down(void **state);
/** Switches it on, which must succeed. */
void device_boot(void);
/** Off and on again. */
void device_reboot(void);
/** acme_start to its end: the job's result. */
int32_t device_run(void);
/** acme_renew_start to its end. */
int32_t device_renew(void);
/** Drives a job that was started with rc, which must be ACME_OK, to its end. */
int32_t device_finish(int32_t rc);
/** What was heard is forgotten, the CA's counters start over, and its replies are its own. */
void device_forget(void);
/** How often a state was entered. */
uint32_t device_entered(const char *state);
/** Drives a renewal until a state is entered. */
void device_renew_to(const char *state);
/** Whether the certificate of a slot is there and its key signs. */
bool device_has_cert(uint16_t slot);
/** Requests to a route. */
uint32_t device_asked(enum ca_sim_route route);
/** The next count requests to a route fail. */
void device_fault(enum ca_sim_route route, uint16_t status, const char *type, uint16_t count);

#define DEVICE_TEST(test) cmocka_unit_test_setup_teardown(test, device_set_up, device_tear_down)
#define DEVICE_TEST_ISSUED(test)                                                                   \
    cmocka_unit_test_setup_teardown(test, device_set_up_issued, device_tear_down)

#endif
