/*
 * A host's addresses, as whoever connects sees them: a list of each family, filled by ask.c in
 * lwIP's context and read in the client's, under lwIP's lightweight protection. It must not know
 * what the addresses are for.
 */
#include "question.h"

#include <string.h>

#include <lwip/sys.h>

#if !NO_SYS && !SYS_LIGHTWEIGHT_PROT
#error "with threads the lwIP ports need SYS_LIGHTWEIGHT_PROT"
#endif

/* So long the other family's addresses wait for the preferred one's. */
#define LATE_MS 1000u

void acme_lwip_set_stage(struct acme_lwip_lookup *lookup, uint8_t stage)
{
    SYS_ARCH_DECL_PROTECT(level);

    SYS_ARCH_PROTECT(level);
    lookup->stage = stage;
    SYS_ARCH_UNPROTECT(level);
}

int32_t acme_lwip_lookup_begin(struct acme_lwip_lookup *lookup, const char *host)
{
    size_t len = strlen(host);

    if (len > 0 && host[len - 1] == '.') {
        len--;
    }
    if (len >= sizeof(lookup->host) || !acme_lwip_is_name(host, len)) {
        return ACME_ERR_RESOLVE;
    }
    memset(lookup, 0, sizeof(*lookup));
    memcpy(lookup->host, host, len);
    lookup->begun_ms = sys_now();
    for (size_t i = 0; i < ACME_LWIP_FAMILIES; i++) {
        lookup->answers[i].state = ACME_LWIP_QUESTION_ASKED;
    }
    acme_lwip_set_stage(lookup, ACME_LWIP_STAGE_ASKING); /* now it is lwIP's, too */
    return ACME_OK;
}

void acme_lwip_lookup_hand_over(struct acme_lwip_lookup *lookup, bool handed_over)
{
    SYS_ARCH_DECL_PROTECT(level);

    SYS_ARCH_PROTECT(level);
    lookup->handed_over = handed_over;
    SYS_ARCH_UNPROTECT(level);
}

void acme_lwip_lookup_end(struct acme_lwip_lookup *lookup)
{
    acme_lwip_set_stage(lookup, ACME_LWIP_STAGE_ENDING);
}

bool acme_lwip_lookup_is_free(const struct acme_lwip_lookup *lookup)
{
    bool is_free;
    SYS_ARCH_DECL_PROTECT(level);

    SYS_ARCH_PROTECT(level);
    is_free = lookup->stage == ACME_LWIP_STAGE_FREE && !lookup->handed_over;
    SYS_ARCH_UNPROTECT(level);
    return is_free;
}

static bool is_done(const struct acme_lwip_answers *answers)
{
    return answers->state == ACME_LWIP_QUESTION_DONE;
}

/* The family whose turn it is: the first of those of whose addresses the fewest were taken. NULL:
 * *result says why. Protected by the caller. */
static struct acme_lwip_answers *turn_of(struct acme_lwip_lookup *lookup, uint32_t now_ms,
                                         int32_t *result)
{
    struct acme_lwip_answers *found = NULL;
    bool pending = false;

    for (size_t i = 0; i < ACME_LWIP_FAMILIES; i++) {
        struct acme_lwip_answers *answers = &lookup->answers[i];

        if (!is_done(answers)) {
            pending = true;
        } else if (answers->taken < answers->found &&
                   (found == NULL || answers->taken < found->taken)) {
            found = answers;
        }
    }
    if (found != NULL && !is_done(&lookup->answers[0]) && now_ms - lookup->begun_ms < LATE_MS) {
        found = NULL;
    }
    *result = pending ? ACME_ERR_AGAIN : lookup->any ? ACME_ERR_CONNECT : ACME_ERR_RESOLVE;
    return found;
}

int32_t acme_lwip_lookup_next(struct acme_lwip_lookup *lookup, ip_addr_t *address)
{
    uint32_t now_ms = sys_now();
    struct acme_lwip_answers *answers;
    int32_t result;
    SYS_ARCH_DECL_PROTECT(level);

    SYS_ARCH_PROTECT(level);
    answers = turn_of(lookup, now_ms, &result);
    if (answers != NULL) {
        *address = answers->addresses[answers->taken];
        answers->taken++;
        lookup->any = true;
        result = ACME_OK;
    }
    SYS_ARCH_UNPROTECT(level);
    return result;
}

bool acme_lwip_lookup_has_next(struct acme_lwip_lookup *lookup)
{
    uint32_t now_ms = sys_now();
    int32_t result;
    bool has;
    SYS_ARCH_DECL_PROTECT(level);

    SYS_ARCH_PROTECT(level);
    has = turn_of(lookup, now_ms, &result) != NULL;
    SYS_ARCH_UNPROTECT(level);
    return has;
}

bool acme_lwip_lookup_has_news(struct acme_lwip_lookup *lookup)
{
    uint32_t now_ms = sys_now();
    int32_t result;
    bool has;
    SYS_ARCH_DECL_PROTECT(level);

    SYS_ARCH_PROTECT(level);
    has = turn_of(lookup, now_ms, &result) != NULL || result != ACME_ERR_AGAIN;
    SYS_ARCH_UNPROTECT(level);
    return has;
}
