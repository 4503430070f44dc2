/*
 * DNS on the wire (RFC 1035), as much as an address needs: a question, and the addresses of its
 * reply, read where lwIP has put it. It must not know where questions go and how often.
 */
#include "question.h"

#include <string.h>

#include <lwip/pbuf.h>

#define HEAD_SIZE    12u
#define LABEL_MAX    63u
#define DNS_NAME_MAX 253u
#define TYPE_A       1u
#define TYPE_AAAA    28u
#define CLASS_IN     1u
#define FLAG_QR      0x8000u
#define OPCODE_MASK  0x7800u
#define FLAG_TC      0x0200u
#define FLAG_RD      0x0100u
#define RCODE_MASK   0x000fu
#define NXDOMAIN     3u
#define POINTER      0xc0u

#if LWIP_IPV4 && LWIP_IPV6
#define IPV6_FIRST                                                                                 \
    (LWIP_DNS_ADDRTYPE_DEFAULT == LWIP_DNS_ADDRTYPE_IPV6_IPV4 ||                                   \
     LWIP_DNS_ADDRTYPE_DEFAULT == LWIP_DNS_ADDRTYPE_IPV6)
static const bool is_ipv6[ACME_LWIP_FAMILIES] = {IPV6_FIRST, !IPV6_FIRST};
#else
static const bool is_ipv6[ACME_LWIP_FAMILIES] = {LWIP_IPV6};
#endif

static uint16_t type_of(size_t family)
{
    return is_ipv6[family] ? TYPE_AAAA : TYPE_A;
}

/* Characters up to the next dot, or the end. */
static size_t label_len(const char *name)
{
    return strcspn(name, ".");
}

bool acme_lwip_is_name(const char *host, size_t len)
{
    bool good = len > 0 && len <= DNS_NAME_MAX;
    size_t at = 0;

    while (good && at < len) {
        size_t label = label_len(host + at);

        good = label > 0 && label <= LABEL_MAX;
        at += label + 1;
    }
    return good;
}

/* ---- writing ---- */

static uint8_t *put16(uint8_t *out, uint16_t value)
{
    out[0] = (uint8_t)(value >> 8);
    out[1] = (uint8_t)value;
    return out + 2;
}

struct pbuf *acme_lwip_question_write(const struct acme_lwip_lookup *lookup, size_t family,
                                      uint16_t room)
{
    size_t len = room + HEAD_SIZE + strlen(lookup->host) + 2 + 4;
    struct pbuf *p = pbuf_alloc(PBUF_TRANSPORT, (u16_t)len, PBUF_RAM);
    const char *label = lookup->host;
    uint8_t *out;

    if (p == NULL) {
        return NULL;
    }
    memset(p->payload, 0, len);
    out = (uint8_t *)p->payload + room;
    (void)put16(out, lookup->answers[family].id);
    (void)put16(out + 2, FLAG_RD);
    (void)put16(out + 4, 1);
    out += HEAD_SIZE;
    while (*label != '\0') {
        size_t n = label_len(label);

        *out++ = (uint8_t)n;
        memcpy(out, label, n);
        out += n;
        label += n + (label[n] != '\0' ? 1u : 0u);
    }
    out++;
    (void)put16(put16(out, type_of(family)), CLASS_IN);
    return p;
}

/* ---- reading ---- */

struct reader {
    const struct pbuf *p;
    uint32_t at;
    bool cut; /* it was read beyond the end, where all bytes are 0 */
};

static uint8_t take(struct reader *r)
{
    int byte = r->at <= UINT16_MAX ? pbuf_try_get_at(r->p, (u16_t)r->at) : -1;

    r->at++;
    r->cut = r->cut || byte < 0;
    return byte < 0 ? 0 : (uint8_t)byte;
}

static uint16_t take16(struct reader *r)
{
    uint16_t high = take(r);

    return (uint16_t)(high << 8 | take(r));
}

/* Ends: a step takes at least a byte, and behind the last one comes the end of a name. */
static void skip_name(struct reader *r)
{
    uint8_t n;

    do {
        n = take(r);
        if ((n & POINTER) == POINTER) {
            (void)take(r);
            return;
        }
        r->cut = r->cut || n > LABEL_MAX;
        r->at += n;
    } while (n != 0 && !r->cut);
}

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20u) : c;
}

/* Whether the next name is the host: whole, for nothing stands before it that could shorten it. */
static bool takes_name(struct reader *r, const char *host)
{
    bool same = true;

    while (same && *host != '\0') {
        size_t n = label_len(host);

        same = take(r) == n;
        for (size_t i = 0; same && i < n; i++) {
            same = lower(take(r)) == lower((uint8_t)host[i]);
        }
        host += n + (host[n] != '\0' ? 1u : 0u);
    }
    return same && take(r) == 0;
}

/* Takes the head and the question: whether they are a reply's to the family's. */
static bool takes_head(struct reader *r, const struct acme_lwip_lookup *lookup, size_t family,
                       uint16_t *flags, uint16_t *count)
{
    bool good = take16(r) == lookup->answers[family].id;

    *flags = take16(r);
    good = take16(r) == 1 && good && (*flags & FLAG_QR) != 0 && (*flags & OPCODE_MASK) == 0;
    *count = take16(r);
    r->at += 4;
    return good && takes_name(r, lookup->host) && take16(r) == type_of(family) &&
           take16(r) == CLASS_IN && !r->cut;
}

static void take_address(struct reader *r, bool ipv6, ip_addr_t *address)
{
    uint8_t bytes[16];

    for (size_t i = 0; i < (ipv6 ? 16u : 4u); i++) {
        bytes[i] = take(r);
    }
    memset(address, 0, sizeof(*address));
#if LWIP_IPV6
    if (ipv6) {
        IP_SET_TYPE(address, IPADDR_TYPE_V6);
        memcpy(ip_2_ip6(address)->addr, bytes, 16);
        return;
    }
#endif
#if LWIP_IPV4
    memcpy(&ip_2_ip4(address)->addr, bytes, 4);
#endif
}

/* Takes a record; an address of the family goes to the list. */
static void take_record(struct reader *r, size_t family, struct acme_lwip_answers *answers)
{
    uint16_t type, class, len;

    skip_name(r);
    type = take16(r);
    class = take16(r);
    r->at += 4; /* how long it holds */
    len = take16(r);
    if (type != type_of(family) || class != CLASS_IN || len != (is_ipv6[family] ? 16u : 4u)) {
        r->at += len;
        return;
    }
    take_address(r, is_ipv6[family], &answers->addresses[answers->found]);
    answers->found = (uint8_t)(answers->found + (r->cut ? 0u : 1u));
}

enum acme_lwip_verdict acme_lwip_question_read(struct acme_lwip_lookup *lookup, size_t family,
                                               const struct pbuf *reply, uint16_t start)
{
    struct acme_lwip_answers *answers = &lookup->answers[family];
    struct reader r = {reply, start, false};
    uint16_t flags, count;

    if (!takes_head(&r, lookup, family, &flags, &count)) {
        return ACME_LWIP_REPLY_FOREIGN;
    }
    if ((flags & RCODE_MASK) != 0 && (flags & RCODE_MASK) != NXDOMAIN) {
        return ACME_LWIP_REPLY_FAILED;
    }
    answers->found = 0;
    for (; count > 0 && !r.cut && answers->found < ACME_LWIP_ADDRESSES; count--) {
        take_record(&r, family, answers);
    }
    if (answers->found < ACME_LWIP_ADDRESSES && (r.cut || (flags & FLAG_TC) != 0)) {
        return ACME_LWIP_REPLY_TRUNCATED;
    }
    return ACME_LWIP_REPLY_WHOLE;
}
