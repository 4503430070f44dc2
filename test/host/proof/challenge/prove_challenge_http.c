/*
 * challenge_http's reader of requests: bytes in any state of a stream, so that requests of any
 * length are covered up to the limit of the head, which read_some tests after each piece.
 */
#include "proof.h"

#include "base/buf.c"
#include "challenge/http.c"

/* proof: request; unwind 6; any 0 to 4 bytes in any state of a stream, with any token of up to 4 */
/* loop: strlen.0 6 */
/* of: challenge/http.c wanted; a token, or NULL; "return at < sizeof(tail) ? tail[at]" -> "return
 * tail[at]" */
/* plant: challenge/http.c wanted; "if (at < sizeof(head) - 1) {" -> "if (at <= sizeof(head)) {" */
/* of: challenge/http.c take; len bytes; a stream that was set up, or read before; "s->newlines++;"
 * -> "s->newlines += 3;" */
void request(void)
{
    struct acme_responder r;
    struct acme_responder_stream s;
    size_t len = any_size(4);

    FORGET(r);
    FORGET(s);
    r.token = nondet_bool() ? any_text(4) : NULL;
    ASSUME(s.head_len <= HEAD_MAX + 128U && s.matched <= s.head_len && s.newlines <= 2);
    take(&r, &s, any_bytes(len, 4), len);
    PROVE(s.matched <= s.head_len && s.newlines <= 2 && s.head_len <= HEAD_MAX + 132U);
    SHOW(s.newlines == 2 && wanted(&r, s.matched) == '\0' && r.token != NULL);
}

/* not: challenge/http.c acme_responder_init acme_responder_open acme_responder_set drop accept_one
 * answer serve may_yield find_room acme_responder_poll acme_responder_close; they read no foreign
 * byte: streams, times and the token of our own */
/* not: challenge/http.c read_some; the port fills its 128 bytes, of which take is proved for any */
