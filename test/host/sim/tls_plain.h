/*
 * Plain text in the place of TLS, with a server's certificate of which there are the dates. It
 * knows no HTTP.
 */
#ifndef TLS_PLAIN_H
#define TLS_PLAIN_H

#include "net/tls.h"

/** Tells the dates of the server's certificate; NULL: it is good at any time. */
extern void (*tls_plain_dates)(int64_t *from_s, int64_t *to_s);
/** So many are set up and not freed. */
extern uint32_t tls_plain_up;

#endif
