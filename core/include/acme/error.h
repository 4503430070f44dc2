/*
 * Every failure of nanoacme is one value of enum acme_error, with a stable name, a severity and a
 * sentence that tells a person what to do. Functions return these as int32_t: 0 is success,
 * negative is an error; functions that count return a count >= 0 instead. Port functions return
 * the same values, and the core passes them through unchanged. Numbers never change meaning.
 *
 * @code{.c}
 * #include <stdbool.h>
 * #include <stdio.h>
 *
 * #include "acme/error.h"
 *
 * bool report(int32_t error); // whether somebody has to come and look
 * bool report(int32_t error)
 * {
 *     if (error != ACME_OK) {
 *         (void)printf("%s: %s\n", acme_error_name(error), acme_error_text(error));
 *     }
 *     return acme_error_severity(error) >= ACME_SEVERITY_PERMANENT;
 * }
 * @endcode
 */
#ifndef ACME_ERROR_H
#define ACME_ERROR_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** How bad a failure is, and so what the client does about it. */
enum acme_severity {
    ACME_SEVERITY_NONE,      /**< not a failure */
    ACME_SEVERITY_TRANSIENT, /**< tried again after a while, without anybody's help */
    ACME_SEVERITY_PERMANENT, /**< will fail again until a person changes something */
    ACME_SEVERITY_FATAL      /**< a fault of the program, the port or the flash */
};

/**
 * The one classification of errors: X(name, value, severity, scope, stay, whose, sentence). The
 * last four may be taken as "..." by a macro that needs only name and value.
 *
 * - severity: of enum acme_severity.
 * - scope: GLOBAL, the next certificate would meet it just the same, so the job ends; CERT, it
 *   concerns one certificate, and the job goes on with the others.
 * - stay: PASSING, it may be gone in a second, so the same step is tried again at once; LASTING.
 * - whose: THIS_CA, another CA may do better; ALL_CAS, the fault is the device's or its owner's,
 * and no other CA is turned to for it.
 */
#define ACME_ERROR_LIST(X)                                                                         \
    X(ACME_OK, 0, NONE, CERT, LASTING, ALL_CAS, "success")                                         \
    X(ACME_ERR_AGAIN, -1, NONE, CERT, LASTING, THIS_CA, "not ready yet; call again")               \
    X(ACME_ERR_ARGUMENT, -2, PERMANENT, CERT, LASTING, THIS_CA,                                    \
      "an argument is not usable; check the call")                                                 \
    X(ACME_ERR_MEMORY, -3, FATAL, GLOBAL, LASTING, ALL_CAS,                                        \
      "the memory block is too small; use ACME_MEMORY_SIZE")                                       \
    X(ACME_ERR_BUFFER, -4, PERMANENT, CERT, LASTING, THIS_CA,                                      \
      "a message does not fit the work buffer; raise CONFIG_ACME_WORK_SIZE")                       \
    X(ACME_ERR_ARENA, -5, PERMANENT, CERT, LASTING, THIS_CA,                                       \
      "a JSON reply does not fit the arena; raise CONFIG_ACME_JSON_ARENA_SIZE")                    \
    X(ACME_ERR_LIMIT, -6, PERMANENT, CERT, LASTING, THIS_CA,                                       \
      "a limit of the configuration is exceeded; see Kconfig")                                     \
    X(ACME_ERR_STATE, -7, PERMANENT, CERT, LASTING, THIS_CA,                                       \
      "not possible in this state; wait until the client is idle")                                 \
    X(ACME_ERR_NOT_FOUND, -8, PERMANENT, CERT, LASTING, THIS_CA, "there is no such record")        \
    X(ACME_ERR_INTERNAL, -9, FATAL, GLOBAL, LASTING, ALL_CAS,                                      \
      "a check inside the program failed; please report it")                                       \
    X(ACME_ERR_UNSUPPORTED, -10, PERMANENT, CERT, LASTING, THIS_CA,                                \
      "not built into this configuration; see Kconfig")                                            \
    X(ACME_ERR_RESOLVE, -20, TRANSIENT, GLOBAL, PASSING, THIS_CA,                                  \
      "the host name does not resolve; check DNS")                                                 \
    X(ACME_ERR_CONNECT, -21, TRANSIENT, GLOBAL, PASSING, THIS_CA,                                  \
      "the server cannot be reached; check the network and the URL")                               \
    X(ACME_ERR_NET, -22, TRANSIENT, GLOBAL, PASSING, THIS_CA,                                      \
      "the connection failed; it will be tried again")                                             \
    X(ACME_ERR_CLOSED, -23, TRANSIENT, GLOBAL, PASSING, THIS_CA, "the peer closed the connection") \
    X(ACME_ERR_TIMEOUT, -24, TRANSIENT, GLOBAL, PASSING, THIS_CA,                                  \
      "no answer in time; check the network")                                                      \
    X(ACME_ERR_LISTEN, -25, PERMANENT, GLOBAL, LASTING, ALL_CAS,                                   \
      "the challenge port cannot be opened; is it taken, or may this user not open it?")           \
    X(ACME_ERR_DNS, -26, TRANSIENT, CERT, LASTING, THIS_CA,                                        \
      "the DNS record could not be set; check the DNS server, its key and the log")                \
    X(ACME_ERR_DNS_TIMEOUT, -27, TRANSIENT, CERT, LASTING, THIS_CA,                                \
      "the DNS record was not seen in time; check the DNS server and delegation")                  \
    X(ACME_ERR_DNS_RECORD, -28, PERMANENT, CERT, LASTING, THIS_CA,                                 \
      "the record that a person sets once is not there; see nanoacme dns-record")                  \
    X(ACME_ERR_TLS, -30, TRANSIENT, GLOBAL, PASSING, THIS_CA,                                      \
      "the TLS handshake failed; see the log for mbedTLS's code")                                  \
    X(ACME_ERR_TLS_VERIFY, -31, PERMANENT, GLOBAL, LASTING, THIS_CA,                               \
      "the server's certificate is not trusted; check the CA roots (--ca-file) and the name")      \
    X(ACME_ERR_TLS_DATES, -32, PERMANENT, GLOBAL, LASTING, THIS_CA,                                \
      "the server's certificate is not valid now; check the clock")                                \
    X(ACME_ERR_TLS_MEMORY, -33, PERMANENT, GLOBAL, LASTING, THIS_CA,                               \
      "mbedTLS ran out of its pool; raise CONFIG_ACME_MBEDTLS_POOL_SIZE")                          \
    X(ACME_ERR_ROOTS_FORMAT, -34, PERMANENT, CERT, LASTING, ALL_CAS,                               \
      "the bundle of roots is not whole; send it again, or make it with scripts/roots")            \
    X(ACME_ERR_ROOTS_SIGNATURE, -35, PERMANENT, CERT, LASTING, ALL_CAS,                            \
      "the bundle of roots is not signed with the key that is pinned")                             \
    X(ACME_ERR_ROOTS_VERSION, -36, PERMANENT, CERT, LASTING, ALL_CAS,                              \
      "the bundle of roots is not newer than what the device has")                                 \
    X(ACME_ERR_URL, -40, PERMANENT, CERT, LASTING, THIS_CA, "the URL is malformed or not https")   \
    X(ACME_ERR_URL_POLICY, -41, PERMANENT, CERT, LASTING, THIS_CA,                                 \
      "the server named a URL on another host, which policy forbids")                              \
    X(ACME_ERR_HTTP, -42, TRANSIENT, CERT, LASTING, THIS_CA,                                       \
      "the server's HTTP reply is malformed")                                                      \
    X(ACME_ERR_HTTP_LIMIT, -43, PERMANENT, CERT, LASTING, THIS_CA,                                 \
      "the server's HTTP reply exceeds a limit")                                                   \
    X(ACME_ERR_HTTP_STATUS, -44, TRANSIENT, CERT, LASTING, THIS_CA,                                \
      "the server answered with an unexpected status")                                             \
    X(ACME_ERR_HTTP_REDIRECT, -45, PERMANENT, CERT, LASTING, THIS_CA,                              \
      "the server redirects, which is never followed; use the final URL")                          \
    X(ACME_ERR_CONTENT_TYPE, -46, PERMANENT, CERT, LASTING, THIS_CA,                               \
      "the reply has an unexpected content type")                                                  \
    X(ACME_ERR_JSON, -47, PERMANENT, CERT, LASTING, THIS_CA, "the reply is not valid JSON")        \
    X(ACME_ERR_FIELD, -48, PERMANENT, CERT, LASTING, THIS_CA,                                      \
      "the reply lacks a required field, or it has a wrong type; is this an ACME server?")         \
    X(ACME_ERR_NONCE, -49, TRANSIENT, GLOBAL, LASTING, THIS_CA,                                    \
      "the server rejected nonces too often")                                                      \
    X(ACME_ERR_NO_CLOCK, -50, TRANSIENT, CERT, LASTING, ALL_CAS,                                   \
      "the time is not known yet; set the clock")                                                  \
    X(ACME_ERR_ENTROPY, -51, FATAL, GLOBAL, LASTING, ALL_CAS,                                      \
      "the entropy source failed; no keys can be made")                                            \
    X(ACME_ERR_CRYPTO, -52, FATAL, GLOBAL, LASTING, ALL_CAS,                                       \
      "a PSA Crypto call failed; see the log for its status")                                      \
    X(ACME_ERR_KEY_TYPE, -53, PERMANENT, CERT, LASTING, THIS_CA,                                   \
      "the key type is not built in; see Kconfig")                                                 \
    X(ACME_ERR_KEY_EXPORT, -54, PERMANENT, CERT, LASTING, THIS_CA,                                 \
      "the key was not created exportable")                                                        \
    X(ACME_ERR_EAB_KEY, -55, PERMANENT, GLOBAL, LASTING, THIS_CA,                                  \
      "the HMAC key of the external account binding is not base64url of 1 to 128 bytes")           \
    X(ACME_ERR_STORE_IO, -60, FATAL, GLOBAL, LASTING, ALL_CAS,                                     \
      "the flash driver failed; check the hardware")                                               \
    X(ACME_ERR_STORE_FULL, -61, PERMANENT, GLOBAL, LASTING, ALL_CAS,                               \
      "the store is full; use a larger flash area")                                                \
    X(ACME_ERR_STORE_CORRUPT, -62, PERMANENT, CERT, LASTING, ALL_CAS,                              \
      "a stored record is damaged; run again to obtain it anew")                                   \
    X(ACME_ERR_STORE_FORMAT, -63, PERMANENT, CERT, LASTING, THIS_CA,                               \
      "the flash area holds something else; nothing was changed")                                  \
    X(ACME_ERR_STORE_GEOMETRY, -64, PERMANENT, CERT, LASTING, THIS_CA,                             \
      "the flash geometry is not usable")                                                          \
    X(ACME_ERR_STORE_SEAL, -65, PERMANENT, CERT, LASTING, THIS_CA,                                 \
      "the store is sealed with another key, or not sealed; nothing was changed")                  \
    X(ACME_ERR_STORE_ROLLBACK, -66, PERMANENT, CERT, LASTING, THIS_CA,                             \
      "the store is older than the device's counter says; nothing was changed")                    \
    X(ACME_ERR_STORE_VERSION, -67, PERMANENT, CERT, LASTING, THIS_CA,                              \
      "the store has a newer format, or is sealed otherwise; nothing was changed")                 \
    X(ACME_ERR_NAME, -70, PERMANENT, CERT, LASTING, THIS_CA,                                       \
      "a name is not a valid DNS name or address")                                                 \
    X(ACME_ERR_TOS, -71, PERMANENT, GLOBAL, LASTING, THIS_CA,                                      \
      "the CA's terms of service must be agreed to first (--accept-tos)")                          \
    X(ACME_ERR_ACCOUNT, -72, PERMANENT, GLOBAL, LASTING, THIS_CA,                                  \
      "the CA refused the account; see its problem document")                                      \
    X(ACME_ERR_ACCOUNT_NONE, -73, PERMANENT, GLOBAL, LASTING, THIS_CA,                             \
      "the CA knows no account for this key")                                                      \
    X(ACME_ERR_EAB, -74, PERMANENT, GLOBAL, LASTING, THIS_CA,                                      \
      "the CA demands an external account binding; get its identifier and key")                    \
    X(ACME_ERR_ORDER, -75, PERMANENT, CERT, LASTING, THIS_CA,                                      \
      "the CA refused the order; see its problem document")                                        \
    X(ACME_ERR_ORDER_INVALID, -76, PERMANENT, CERT, LASTING, THIS_CA,                              \
      "the order became invalid at the CA")                                                        \
    X(ACME_ERR_ORDER_IDENTIFIERS, -77, PERMANENT, CERT, LASTING, THIS_CA,                          \
      "the CA's order does not have the names that were asked for")                                \
    X(ACME_ERR_AUTHORIZATION, -78, PERMANENT, CERT, LASTING, ALL_CAS,                              \
      "the CA could not validate the name; see its problem document")                              \
    X(ACME_ERR_CHALLENGE_NONE, -79, PERMANENT, CERT, LASTING, THIS_CA,                             \
      "the CA offers no challenge type that is built in and allowed")                              \
    X(ACME_ERR_RATE_LIMITED, -80, TRANSIENT, CERT, LASTING, THIS_CA,                               \
      "the CA's rate limit is reached; wait as told")                                              \
    X(ACME_ERR_POLL_LIMIT, -81, TRANSIENT, CERT, LASTING, THIS_CA,                                 \
      "the CA did not finish in time; it is tried later")                                          \
    X(ACME_ERR_PROBLEM, -82, PERMANENT, CERT, LASTING, THIS_CA,                                    \
      "the CA answered with a problem; see its document")                                          \
    X(ACME_ERR_SERVER, -83, TRANSIENT, CERT, PASSING, THIS_CA,                                     \
      "the CA has an internal error; it is tried later")                                           \
    X(ACME_ERR_NONCE_NONE, -84, TRANSIENT, GLOBAL, LASTING, THIS_CA,                               \
      "the server sent no nonce, or none that is usable; is this an ACME server?")                 \
    X(ACME_ERR_CERT_PARSE, -90, PERMANENT, CERT, LASTING, THIS_CA,                                 \
      "the CA's certificate chain cannot be read")                                                 \
    X(ACME_ERR_CERT_KEY, -91, PERMANENT, CERT, LASTING, THIS_CA,                                   \
      "the CA's certificate is for another key")                                                   \
    X(ACME_ERR_CERT_NAMES, -92, PERMANENT, CERT, LASTING, THIS_CA,                                 \
      "the CA's certificate has other names")                                                      \
    X(ACME_ERR_CERT_DATES, -93, PERMANENT, CERT, LASTING, THIS_CA,                                 \
      "the CA's certificate is not valid now")                                                     \
    X(ACME_ERR_CERT_CHAIN, -94, PERMANENT, CERT, LASTING, THIS_CA,                                 \
      "the CA's chain is not in order: a certificate is not signed by the next")                   \
    X(ACME_ERR_CERT_LIMIT, -95, PERMANENT, CERT, LASTING, THIS_CA,                                 \
      "the CA's chain is longer than configured; raise CONFIG_ACME_CHAIN_CERTS_MAX")               \
    X(ACME_ERR_CERT_NONE, -96, PERMANENT, CERT, LASTING, THIS_CA,                                  \
      "there is no certificate for this name yet")                                                 \
    X(ACME_ERR_ALREADY_REVOKED, -97, NONE, CERT, LASTING, THIS_CA,                                 \
      "the certificate is revoked already")                                                        \
    X(ACME_ERR_ORDER_PAUSE, -85, TRANSIENT, CERT, LASTING, THIS_CA,                                \
      "certificates of earlier orders could not be installed; another is ordered later")           \
    X(ACME_ERR_CERT_NAMES_ADDED, -98, PERMANENT, CERT, LASTING, THIS_CA,                           \
      "the CA's certificate has more names than were asked for; it is kept, see the policy")       \
    X(ACME_ERR_CERT_EARLY, -100, TRANSIENT, CERT, LASTING, THIS_CA,                                \
      "the CA's certificate is not valid yet; it is waited for, check the clock")                  \
    X(ACME_ERR_CLOCK, -120, TRANSIENT, CERT, LASTING, ALL_CAS,                                     \
      "the wall clock and the CA do not agree on the time; set the clock")                         \
    X(ACME_ERR_PROFILE, -121, PERMANENT, CERT, LASTING, THIS_CA,                                   \
      "the CA does not offer the profile that is asked for; see its directory")                    \
    X(ACME_ERR_NOT_OFFERED, -122, PERMANENT, CERT, LASTING, THIS_CA,                               \
      "the CA does not offer what is asked for")

/** The same for the DNS parts: their sentences cost nothing where those are not built. */
#define ACME_ERROR_LIST_DNS(X)                                                                     \
    X(ACME_ERR_DNS_MESSAGE, -110, TRANSIENT, CERT, LASTING, THIS_CA,                               \
      "a name server's reply is malformed")                                                        \
    X(ACME_ERR_DNS_SERVER, -111, TRANSIENT, CERT, LASTING, THIS_CA,                                \
      "the name server failed (SERVFAIL or the like); it is tried again, see its log")             \
    X(ACME_ERR_DNS_REFUSED, -112, PERMANENT, CERT, LASTING, THIS_CA,                               \
      "the name server refuses; check its allow-update or update-policy for this key")             \
    X(ACME_ERR_DNS_ZONE, -113, PERMANENT, CERT, LASTING, THIS_CA,                                  \
      "no zone was found for the name, or the server is not its primary; check --dns-server")      \
    X(ACME_ERR_DNS_KEY, -114, PERMANENT, CERT, LASTING, THIS_CA,                                   \
      "the name server does not know the TSIG key; check its name and algorithm (BADKEY)")         \
    X(ACME_ERR_DNS_SIG, -115, PERMANENT, CERT, LASTING, THIS_CA,                                   \
      "the name server finds the TSIG signature wrong; check the key's secret (BADSIG)")           \
    X(ACME_ERR_DNS_TIME, -116, PERMANENT, CERT, LASTING, THIS_CA,                                  \
      "the name server's clock is not this device's; set the clock (BADTIME)")                     \
    X(ACME_ERR_DNS_REPLY_SIG, -117, TRANSIENT, CERT, LASTING, THIS_CA,                             \
      "the name server's reply has no good TSIG signature; nobody in between may change it")       \
    X(ACME_ERR_DNS_API, -118, PERMANENT, CERT, LASTING, THIS_CA,                                   \
      "the acme-dns server refuses; check its account and the CNAME of _acme-challenge")           \
    X(ACME_ERR_DNS_HOOK, -119, PERMANENT, CERT, LASTING, THIS_CA,                                  \
      "the hook program failed; see its output")

enum acme_error {
#define ACME_ERROR_ENUM(name, value, ...) name = (value),
    ACME_ERROR_LIST(ACME_ERROR_ENUM) ACME_ERROR_LIST_DNS(ACME_ERROR_ENUM)
#undef ACME_ERROR_ENUM
};

/** The stable name of an error. Threads: any.
 * @return the name ("ACME_ERR_TLS"); static, never NULL
 * @return "ACME_ERR_UNKNOWN": there is no such error
 * @return "ACME_ERR": CONFIG_ACME_ERROR_TEXTS is off */
const char *acme_error_name(int32_t error);

/** One sentence that says what is wrong and what to do. Threads: any.
 * @return the sentence, without a dot at its end; static, never NULL. Without
 *   CONFIG_ACME_ERROR_TEXTS always one that points to this file */
const char *acme_error_text(int32_t error);

/** The severity of an error. Threads: any.
 * @return ACME_SEVERITY_NONE: it is no failure
 * @return ACME_SEVERITY_TRANSIENT: it is tried again after a while
 * @return ACME_SEVERITY_PERMANENT: a person has to change something
 * @return ACME_SEVERITY_FATAL: the program, the port or the flash is at fault; also of what is in
 * no list */
enum acme_severity acme_error_severity(int32_t error);

#ifdef __cplusplus
}
#endif
#endif
