/*
 * DNS messages (RFC 1035, updates of RFC 2136): a bounded writer and a bounded reader over memory
 * of the caller. It knows no server, no socket and no key.
 *
 * Names are text here: labels with dots between, without a dot at the end; the root is "". A label
 * of a message that text cannot hold as it stands (a dot, a blank, a backslash, a byte that is not
 * ASCII) is an error of whoever asks for the text, not of the message.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "acme/error.h"

#define ACME_DNS_NAME_SIZE 254 /* of a name as text, the NUL included */
#define ACME_DNS_WIRE_SIZE 255 /* of a name in a message */
#define ACME_DNS_HEAD_SIZE 12

enum acme_dns_type {
    ACME_DNS_TYPE_A = 1,
    ACME_DNS_TYPE_NS = 2,
    ACME_DNS_TYPE_CNAME = 5,
    ACME_DNS_TYPE_SOA = 6,
    ACME_DNS_TYPE_TXT = 16,
    ACME_DNS_TYPE_AAAA = 28,
    ACME_DNS_TYPE_TSIG = 250,
    ACME_DNS_TYPE_CAA = 257
};

enum acme_dns_class { ACME_DNS_CLASS_IN = 1, ACME_DNS_CLASS_NONE = 254, ACME_DNS_CLASS_ANY = 255 };

enum acme_dns_rcode {
    ACME_DNS_NOERROR = 0,
    ACME_DNS_FORMERR = 1,
    ACME_DNS_SERVFAIL = 2,
    ACME_DNS_NXDOMAIN = 3,
    ACME_DNS_NOTIMP = 4,
    ACME_DNS_REFUSED = 5,
    ACME_DNS_NOTAUTH = 9,
    ACME_DNS_NOTZONE = 10
};

/* Sections; an update calls them zone, prerequisite, update, additional. */
enum acme_dns_section {
    ACME_DNS_QUESTION,
    ACME_DNS_ANSWER,
    ACME_DNS_AUTHORITY,
    ACME_DNS_ADDITIONAL,
    ACME_DNS_SECTIONS
};
#define ACME_DNS_ZONE   ACME_DNS_QUESTION
#define ACME_DNS_UPDATE ACME_DNS_AUTHORITY

/* Flags of the head. */
#define ACME_DNS_FLAG_QR       0x8000u
#define ACME_DNS_FLAG_AA       0x0400u
#define ACME_DNS_FLAG_TC       0x0200u
#define ACME_DNS_FLAG_RD       0x0100u
#define ACME_DNS_OPCODE_MASK   0x7800u
#define ACME_DNS_OPCODE_UPDATE 0x2800u
#define ACME_DNS_RCODE_MASK    0x000fu

/* ---- writing ---- */

struct acme_dns_writer {
    uint8_t *data;
    size_t size, len;
    bool failed; /* too long, or a name that is none; nothing is written any more */
};

/** Starts a message in size bytes. */
void acme_dns_write_begin(struct acme_dns_writer *w, uint8_t *data, size_t size, uint16_t id,
                          uint16_t flags);
/** Adds an entry of the first section. Sections must come in their order. */
void acme_dns_write_question(struct acme_dns_writer *w, const char *name, uint16_t type,
                             uint16_t rclass);
/** Adds a record with its data as it stands in the message. */
void acme_dns_write_record(struct acme_dns_writer *w, enum acme_dns_section section,
                           const char *name, uint16_t type, uint16_t rclass, uint32_t ttl,
                           const uint8_t *rdata, size_t rdata_len);
/** Adds a TXT record; a text of more than 255 characters becomes several strings. */
void acme_dns_write_txt(struct acme_dns_writer *w, enum acme_dns_section section, const char *name,
                        uint16_t rclass, uint32_t ttl, const char *text);
/** The length of the message, or ACME_ERR_BUFFER. */
int32_t acme_dns_write_result(const struct acme_dns_writer *w);

/** Writes a name as a message has it, in lower case where asked. Its length, ACME_ERR_NAME, or
 * ACME_ERR_BUFFER. */
int32_t acme_dns_name_to_wire(const char *name, bool lower, uint8_t *out, size_t size);

/* ---- reading ---- */

struct acme_dns_reader {
    const uint8_t *data;
    size_t len, at;
    uint16_t left[ACME_DNS_SECTIONS];
    uint16_t id, flags;
};

/** One entry; offsets are into the message. A question has no data. */
struct acme_dns_entry {
    uint8_t section; /* enum acme_dns_section */
    uint16_t type, rclass;
    uint32_t ttl;
    size_t start, rdata, rdata_len; /* start: of the name */
};

/** Starts to read a message: ACME_OK or ACME_ERR_DNS_MESSAGE. */
int32_t acme_dns_read_begin(struct acme_dns_reader *r, const uint8_t *data, size_t len);
/** The next entry: ACME_OK, ACME_ERR_NOT_FOUND at the end, ACME_ERR_DNS_MESSAGE (malformed; bytes
 * after the last entry too). */
int32_t acme_dns_read_next(struct acme_dns_reader *r, struct acme_dns_entry *record);

/** Reads the name at an offset, compressed or not (RFC 1035 4.1.4): pointers lead backwards only,
 * so that it ends. *end (or NULL) is where the name ends in its place. ACME_OK, or
 * ACME_ERR_DNS_MESSAGE. */
int32_t acme_dns_read_name(const struct acme_dns_reader *r, size_t at,
                           char name[ACME_DNS_NAME_SIZE], size_t *end);
/** Whether the name at an offset is this one, the case of letters aside. */
bool acme_dns_is_name(const struct acme_dns_reader *r, size_t at, const char *name);
/** The name that is a record's data (CNAME, NS) or that its data begins with (SOA: the primary
 * server). ACME_OK or ACME_ERR_DNS_MESSAGE. */
int32_t acme_dns_read_target(const struct acme_dns_reader *r, const struct acme_dns_entry *record,
                             char name[ACME_DNS_NAME_SIZE]);
/** Whether a TXT record's strings, joined, are this text. */
bool acme_dns_is_txt(const struct acme_dns_reader *r, const struct acme_dns_entry *record,
                     const char *text);
/** Copies a TXT record's strings, joined, NUL-terminated. Its length, ACME_ERR_DNS_MESSAGE or
 * ACME_ERR_BUFFER. */
int32_t acme_dns_read_txt(const struct acme_dns_reader *r, const struct acme_dns_entry *record,
                          char *text, size_t size);

/** A CAA record (RFC 8659); the strings are not terminated. */
struct acme_dns_caa {
    bool critical;
    const char *tag, *value;
    uint8_t tag_len;
    uint16_t value_len;
};
/** ACME_OK or ACME_ERR_DNS_MESSAGE. */
int32_t acme_dns_read_caa(const struct acme_dns_reader *r, const struct acme_dns_entry *record,
                          struct acme_dns_caa *caa);

/* ---- names ---- */

/** Whether the name can stand in a message: labels of 1 to 63 printable characters, 253 in all. */
int32_t acme_dns_check_name(const char *name);
/** Whether two names are the same. */
bool acme_dns_same_name(const char *a, const char *b);
/** Whether name is zone or below it. */
bool acme_dns_is_below(const char *name, const char *zone);
/** The name without its first label; "" for the last label. */
const char *acme_dns_parent(const char *name);
