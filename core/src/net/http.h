/*
 * The small HTTP/1.1 client: writes request heads and parses responses as they stream in, byte by
 * byte, with a limit on everything (RFC 9112). It knows no socket, no TLS and no ACME resource,
 * only the header fields that ACME uses. Nothing blocks, nothing allocates.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "acme/config.h"
#include "acme/error.h"
#include "base/limit.h"
#include "net/uri.h"

enum acme_http_content {
    ACME_HTTP_CONTENT_NONE,    /* no Content-Type */
    ACME_HTTP_CONTENT_JSON,    /* application/json */
    ACME_HTTP_CONTENT_PROBLEM, /* application/problem+json */
    ACME_HTTP_CONTENT_PEM,     /* application/pem-certificate-chain */
    ACME_HTTP_CONTENT_OTHER
};

/** What a response said, filled while it is parsed. Strings are NUL-terminated. */
struct acme_http_response {
    uint32_t body_len; /* body bytes seen so far */
    uint16_t status;   /* 200 ... */
    uint8_t content;   /* enum acme_http_content */
    bool close;        /* the connection can not be used again */
    bool truncated;    /* the body was longer than what was taken of it (an error's only) */
    bool has_retry_after;
    bool retry_after_is_date; /* retry_after is Unix seconds, not a delay */
    bool has_date;
    int64_t retry_after;                    /* seconds */
    int64_t date_s;                         /* Date, Unix seconds */
    struct acme_limit limit;                /* of which the reply fell foul; see base/limit.h */
    char nonce[CONFIG_ACME_NONCE_MAX + 1];  /* Replay-Nonce (base64url alphabet, checked), or "" */
    char location[CONFIG_ACME_URL_MAX + 1]; /* Location, visible ASCII only, or "" */
#if defined(CONFIG_ACME_PROBLEM_LINKS)
    char terms[CONFIG_ACME_URL_MAX + 1]; /* Link with rel="terms-of-service", likewise */
#endif
#if defined(CONFIG_ACME_ALTERNATE_CHAINS)
    uint8_t alternate_count; /* of Link with rel="alternate"; visible ASCII only */
    char alternates[CONFIG_ACME_ALTERNATES_MAX][CONFIG_ACME_URL_MAX + 1];
#endif
};

/** Takes body bytes as they come (chunking removed), all of them. Returns ACME_OK, or an error
 * other than ACME_ERR_AGAIN, which the parser returns from feed, or ACME_HTTP_ENOUGH. */
#define ACME_HTTP_ENOUGH 1 /* the reply is complete without the rest, which is not waited for */
typedef int32_t (*acme_http_body_fn)(void *ctx, const uint8_t *data, size_t len);

/** Parser. The caller owns it; the fields are the parser's own except `response`. */
struct acme_http_parser {
    acme_http_body_fn body_fn;
    void *body_ctx;
    uint32_t body_limit;
    uint32_t remaining; /* of the body or of the chunk */
    uint16_t line_len;
    uint16_t line_overflow; /* characters that did not fit */
    uint16_t header_bytes;  /* seen in all, against CONFIG_ACME_HTTP_HEADERS_MAX */
    uint8_t state;
    bool head_request; /* response to HEAD has no body */
    bool cut;          /* of the body only as much as fits is taken */
    bool line_cr;      /* the line's CR was seen, its LF is due */
    bool http10;
    bool have_length, chunked;
    struct acme_http_response response;
    char line[CONFIG_ACME_HTTP_LINE_MAX + 1];
};

/** Starts parsing one response. body_limit bounds the body in bytes: a longer one is
 * ACME_ERR_HTTP_LIMIT; but of a reply with a status of 400 and more, as much as fits is handed to
 * body_fn, the rest is left out (truncated), and the reply is complete: status and fields count. */
void acme_http_parser_init(struct acme_http_parser *p, bool head_request, uint32_t body_limit,
                           acme_http_body_fn body_fn, void *body_ctx);
/** Feeds bytes. *used says how many were taken (all, unless the response ended before them).
 * ACME_OK: the response is complete. ACME_ERR_AGAIN: more bytes are needed. ACME_ERR_HTTP,
 * ACME_ERR_HTTP_LIMIT (response.limit says which), or what body_fn returned; then the parser takes
 * no more, and *used counts the bytes before the offending ones. 1xx responses are skipped. */
int32_t acme_http_parser_feed(struct acme_http_parser *p, const uint8_t *data, size_t len,
                              size_t *used);
/** Says that the peer closed; whole: and that it said so (close_notify), which is what ends a body
 * without a length (RFC 9112 9.8): otherwise anybody on the way may have cut it. ACME_OK when the
 * body was ended by that, or complete already, or is an error's, which is of use without its end
 * (truncated); else ACME_ERR_CLOSED. */
int32_t acme_http_parser_finish(struct acme_http_parser *p, bool whole);

/** The URLs that the fields of a response had, "" where there was none, from index 0 on; NULL at
 * the end. */
char *acme_http_response_url(struct acme_http_response *r, size_t index);

/** A request head. */
struct acme_http_request {
    const char *method; /* "GET", "HEAD", "POST" */
    const char *url;    /* parsed into uri before: it has no character that could end a line */
    struct acme_uri uri;
    uint32_t content_length; /* of a body of application/jose+json; 0: none */
};
/** Writes the head, with User-Agent, to out. Returns its length or ACME_ERR_BUFFER. */
int32_t acme_http_request_write(const struct acme_http_request *request, char *out, size_t size);
