/*
 * Edits of replies. It must not know why.
 */
#include "sim_edit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH "Content-Length: "

/* Replaces len bytes at a place. */
static size_t splice(char *text, size_t text_len, size_t size, char *at, size_t len,
                     const char *put)
{
    size_t put_len = strlen(put), behind = text_len - (size_t)(at - text) - len;

    if (text_len - len + put_len >= size) {
        abort();
    }
    memmove(at + put_len, at + len, behind);
    memcpy(at, put, put_len);
    return text_len - len + put_len;
}

/* Writes the length of the body, which may have changed, or has none yet. */
static size_t mend_length(char *reply, size_t len, size_t size)
{
    char *body = memmem(reply, len, "\r\n\r\n", 4), *at = memmem(reply, len, LENGTH, 16);
    char text[40];

    if (body == NULL) {
        return len;
    }
    (void)snprintf(text, sizeof(text), LENGTH "%zu\r\n", len - (size_t)(body + 4 - reply));
    if (at != NULL && at < body) {
        return splice(reply, len, size, at, strcspn(at, "\n") + 1, text);
    }
    return splice(reply, len, size, body + 2, 0, text);
}

static size_t apply(struct sim_edit *edit, char *reply, size_t len, size_t size)
{
    char *at = edit->find == NULL ? reply : memmem(reply, len, edit->find, strlen(edit->find));

    if (at == NULL) {
        return len;
    }
    edit->done++;
    len = splice(reply, len, size, at, edit->find == NULL ? len : strlen(edit->find), edit->put);
    return mend_length(reply, len, size);
}

static size_t on_reply(void *ctx, enum ca_sim_route route, char *reply, size_t len, size_t size)
{
    struct sim_edits *e = ctx;
    uint32_t i;

    for (i = 0; i < e->count; i++) {
        struct sim_edit *edit = &e->edits[i];

        if (edit->route != route) {
            continue;
        }
        if (edit->skip > 0) {
            edit->skip--;
        } else if (edit->count == 0 || edit->done < edit->count) {
            len = apply(edit, reply, len, size);
        }
    }
    return len;
}

void sim_edits_begin(struct sim_edits *e, struct sim_world *w)
{
    memset(e, 0, sizeof(*e));
    w->on_reply = on_reply;
    w->on_reply_ctx = e;
}

struct sim_edit *sim_edits_add(struct sim_edits *e, enum ca_sim_route route, const char *find,
                               const char *put)
{
    struct sim_edit *edit = &e->edits[e->count];

    if (e->count == SIM_EDITS_MAX) {
        abort();
    }
    e->count++;
    edit->route = (uint8_t)route;
    edit->find = find;
    edit->put = put;
    return edit;
}
