/*
 * When a certificate is renewed, and how long to wait after a failure: arithmetic over dates. It
 * knows no certificates, no clock and no store.
 */
#pragma once

#include <stdint.h>

#include "acme/config.h"

/** Seconds to wait after so many failures in a row (1 and more): doubled each time from
 * CONFIG_ACME_RETRY_MIN_S to CONFIG_ACME_RETRY_MAX_S, at most a twentieth of lifetime_s (0: no
 * certificate yet), and of that between a half and all as random says. At least 1. */
int64_t acme_renewal_backoff(uint16_t failures, int64_t lifetime_s, uint32_t random);

/** The Unix second from which a certificate that is valid over this span is renewed: when a third
 * of its lifetime is left, or half of it where that is less than ten days. */
int64_t acme_renewal_time(int64_t not_before_s, int64_t not_after_s);

/** The least time from one installation to the next renewal. */
#define ACME_RENEWAL_CALM_S CONFIG_ACME_RENEW_PAUSE_S

#if defined(CONFIG_ACME_SCHEDULE)
/** That second, moved to earlier by up to a twentieth of the lifetime: by how much is in seed,
 * which differs between devices, so that a fleet that was set up at once is not renewed at once. */
int64_t acme_renewal_spread(int64_t not_before_s, int64_t not_after_s, uint32_t seed);
/** The last moment to begin with a renewal, whatever anybody suggests: a tenth of the lifetime is
 * left then. */
int64_t acme_renewal_latest(int64_t not_before_s, int64_t not_after_s);

/** That time in seconds: longer, up to an hour, where so many certificates in a row were due at
 * their birth, but at most half of left_s, which is left of the new one, if that is longer. */
int64_t acme_renewal_calm(uint8_t quick, int64_t left_s);
#endif

#if defined(CONFIG_ACME_ARI)
/** A uniformly random instant of the window that a CA suggests (RFC 9773 4.2). What of it lies
 * before the certificate's birth or after acme_renewal_latest is cut off; a window that ends before
 * now says: at once. random has 64 bits. */
int64_t acme_renewal_draw(int64_t start_s, int64_t end_s, int64_t not_before_s, int64_t not_after_s,
                          uint64_t random);
/** The pause before the next look, within the minute and the day, and short beside the lifetime. */
int64_t acme_renewal_look(int64_t asked_s, int64_t lifetime_s);
#endif
