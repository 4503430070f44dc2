/*
 * A CA that misbehaves by the book: what a test wants changed in the simulated CA's replies, as a
 * short list. It knows HTTP's Content-Length, which it keeps right, and nothing of the resources.
 */
#ifndef SIM_EDIT_H
#define SIM_EDIT_H

#include "sim_world.h"

#define SIM_EDITS_MAX 8u

struct sim_edit {
    uint8_t route;        /* enum ca_sim_route */
    uint16_t skip, count; /* after so many replies of the route, so many are changed; 0: all */
    const char *find;     /* its first place in the reply, head or body, is replaced; or NULL */
    const char *put;      /* by this; without find it is the whole reply, but for the length */
    uint16_t done;        /* how often that happened */
};

struct sim_edits {
    struct sim_edit edits[SIM_EDITS_MAX];
    uint32_t count;
};

/** The world's CA is changed from now on; the list starts empty. */
void sim_edits_begin(struct sim_edits *e, struct sim_world *w);
/** Adds to the list; lends the strings. What follows find in a reply without it is left alone. */
struct sim_edit *sim_edits_add(struct sim_edits *e, enum ca_sim_route route, const char *find,
                               const char *put);

#endif
