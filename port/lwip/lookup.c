/*
 * A host's addresses by lwIP's resolver, which gives one address of one family for a question: so
 * both families are asked for at once, and who connects takes one after the other. The answers come
 * in lwIP's context and are read in the client's, under lwIP's lightweight protection. It must not
 * know what the addresses are for.
 */
#include "acme_lwip.h"

#include <string.h>

#include <lwip/dns.h>
#include <lwip/sys.h>

#if !NO_SYS && !SYS_LIGHTWEIGHT_PROT
#error "with threads the lwIP ports need SYS_LIGHTWEIGHT_PROT"
#endif

#if LWIP_IPV4 && LWIP_IPV6
#define IPV6_FIRST                                                                                 \
    (LWIP_DNS_ADDRTYPE_DEFAULT == LWIP_DNS_ADDRTYPE_IPV6_IPV4 ||                                   \
     LWIP_DNS_ADDRTYPE_DEFAULT == LWIP_DNS_ADDRTYPE_IPV6)
static const uint8_t families[ACME_LWIP_FAMILIES] = {
    IPV6_FIRST ? LWIP_DNS_ADDRTYPE_IPV6 : LWIP_DNS_ADDRTYPE_IPV4,
    IPV6_FIRST ? LWIP_DNS_ADDRTYPE_IPV4 : LWIP_DNS_ADDRTYPE_IPV6};
#else
static const uint8_t families[ACME_LWIP_FAMILIES] = {LWIP_DNS_ADDRTYPE_DEFAULT};
#endif

static void set_answer(struct acme_lwip_answer *answer, const ip_addr_t *address)
{
    SYS_ARCH_DECL_PROTECT(level);

    SYS_ARCH_PROTECT(level);
    if (address != NULL) {
        answer->address = *address;
    }
    answer->state = address != NULL ? ACME_LWIP_ANSWER_FOUND : ACME_LWIP_ANSWER_NONE;
    SYS_ARCH_UNPROTECT(level);
}

static uint8_t state_of(const struct acme_lwip_answer *answer)
{
    uint8_t state;
    SYS_ARCH_DECL_PROTECT(level);

    SYS_ARCH_PROTECT(level);
    state = answer->state;
    SYS_ARCH_UNPROTECT(level);
    return state;
}

/* lwIP has an answer, or has given up: once for each question. */
static void on_answer(const char *name, const ip_addr_t *address, void *answer)
{
    (void)name;
    set_answer(answer, address);
}

void acme_lwip_lookup_begin(struct acme_lwip_lookup *lookup)
{
    memset(lookup, 0, sizeof(*lookup));
    for (size_t i = 0; i < ACME_LWIP_FAMILIES; i++) {
        lookup->answers[i].state = ACME_LWIP_ANSWER_PENDING;
    }
}

/* The only answer is this one, or none. */
static void set_single(struct acme_lwip_lookup *lookup, const ip_addr_t *address)
{
    for (size_t i = 0; i < ACME_LWIP_FAMILIES; i++) {
        set_answer(&lookup->answers[i], i == 0 ? address : NULL);
    }
}

void acme_lwip_lookup_drop(struct acme_lwip_lookup *lookup)
{
    set_single(lookup, NULL);
}

bool acme_lwip_lookup_literal(struct acme_lwip_lookup *lookup, const char *host)
{
    ip_addr_t address;

    /* A zone is the name of a netif, which only lwIP's context may look for. */
    if (strchr(host, '%') != NULL || !ipaddr_aton(host, &address)) {
        return false;
    }
    memset(lookup, 0, sizeof(*lookup));
    set_single(lookup, &address);
    return true;
}

void acme_lwip_lookup_ask(struct acme_lwip_lookup *lookup, const char *host)
{
    ip_addr_t address;

    /* A colon is in no name: an address with a zone, or of a family that is not built in. */
    if (strchr(host, ':') != NULL) {
        set_single(lookup, ipaddr_aton(host, &address) ? &address : NULL);
        return;
    }
    for (size_t i = 0; i < ACME_LWIP_FAMILIES; i++) {
        struct acme_lwip_answer *answer = &lookup->answers[i];
        err_t err = dns_gethostbyname_addrtype(host, &address, on_answer, answer, families[i]);

        if (err != ERR_INPROGRESS) {
            set_answer(answer, err == ERR_OK ? &address : NULL);
        }
    }
}

/* The first answer that there is or will be: it goes before the others. NULL: none. */
static struct acme_lwip_answer *front(struct acme_lwip_lookup *lookup)
{
    for (size_t i = 0; i < ACME_LWIP_FAMILIES; i++) {
        if (state_of(&lookup->answers[i]) != ACME_LWIP_ANSWER_NONE) {
            return &lookup->answers[i];
        }
    }
    return NULL;
}

int32_t acme_lwip_lookup_next(struct acme_lwip_lookup *lookup, ip_addr_t *address)
{
    struct acme_lwip_answer *answer = front(lookup);

    if (answer == NULL) {
        return lookup->any ? ACME_ERR_CONNECT : ACME_ERR_RESOLVE;
    }
    if (state_of(answer) != ACME_LWIP_ANSWER_FOUND) {
        return ACME_ERR_AGAIN;
    }
    *address = answer->address; /* lwIP is done with it: it is the caller's */
    answer->state = ACME_LWIP_ANSWER_NONE;
    lookup->any = true;
    return ACME_OK;
}

bool acme_lwip_lookup_has_next(struct acme_lwip_lookup *lookup)
{
    const struct acme_lwip_answer *answer = front(lookup);

    return answer != NULL && state_of(answer) == ACME_LWIP_ANSWER_FOUND;
}

bool acme_lwip_lookup_is_over(const struct acme_lwip_lookup *lookup)
{
    bool pending = false;

    for (size_t i = 0; i < ACME_LWIP_FAMILIES; i++) {
        pending = pending || state_of(&lookup->answers[i]) == ACME_LWIP_ANSWER_PENDING;
    }
    return !pending;
}
