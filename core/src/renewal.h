/*
 * When a certificate is renewed. It knows dates, not certificates.
 */
#ifndef ACME_RENEWAL_H
#define ACME_RENEWAL_H

#include <stdint.h>

/** The Unix second from which a certificate that is valid over this span is renewed: when a third
 * of its lifetime is left. */
int64_t acme_renewal_time(int64_t not_before_s, int64_t not_after_s);

#endif
