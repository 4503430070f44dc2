/*
 * Problem documents to errors. It must not decide what to do about them: the client does.
 */
#include "problem.h"

#include <string.h>

#define URN_PREFIX "urn:ietf:params:acme:error:"

static void copy_printable(char *dst, size_t size, const char *src)
{
    size_t i;

    for (i = 0; src != NULL && src[i] != '\0' && i + 1 < size; i++) {
        dst[i] = src[i] >= ' ' && src[i] <= '~' ? src[i] : '?';
    }
    dst[i] = '\0';
}

void acme_problem_read(struct acme_problem *problem, acme_json_value object, uint16_t http_status)
{
    const char *type = acme_json_string(object, "type");
    acme_json_value sub = acme_json_first(acme_json_array(object, "subproblems"));
    const char *name = acme_json_string(acme_json_object(sub, "identifier"), "value");

    memset(problem, 0, sizeof(*problem));
    problem->status = http_status;
    if (type != NULL && strncmp(type, URN_PREFIX, sizeof(URN_PREFIX) - 1) == 0) {
        type += sizeof(URN_PREFIX) - 1;
    }
    copy_printable(problem->type, sizeof(problem->type), type);
    copy_printable(problem->detail, sizeof(problem->detail), acme_json_string(object, "detail"));
    copy_printable(problem->identifier, sizeof(problem->identifier), name);
}

bool acme_problem_is(const struct acme_problem *problem, const char *type)
{
    return strcmp(problem->type, type) == 0;
}

int32_t acme_problem_error(const struct acme_problem *problem)
{
    static const struct {
        const char *type;
        int32_t error;
    } map[] = {
        {"badNonce", ACME_ERR_NONCE},
        {"rateLimited", ACME_ERR_RATE_LIMITED},
        {"accountDoesNotExist", ACME_ERR_ACCOUNT_NONE},
        {"externalAccountRequired", ACME_ERR_EAB},
        {"userActionRequired", ACME_ERR_TOS},
        {"invalidContact", ACME_ERR_ACCOUNT},
        {"unsupportedContact", ACME_ERR_ACCOUNT},
        {"alreadyRevoked", ACME_ERR_ALREADY_REVOKED},
        {"serverInternal", ACME_ERR_SERVER},
        {"rejectedIdentifier", ACME_ERR_ORDER},
        {"unsupportedIdentifier", ACME_ERR_ORDER},
        {"badCSR", ACME_ERR_ORDER},
#if defined(CONFIG_ACME_PROFILES)
        {"invalidProfile", ACME_ERR_PROFILE},
#endif
    };
    size_t i;

    for (i = 0; i < sizeof(map) / sizeof(map[0]); i++) {
        if (acme_problem_is(problem, map[i].type)) {
            return map[i].error;
        }
    }
    if (problem->status == 429) {
        return ACME_ERR_RATE_LIMITED;
    }
    return problem->status >= 500 ? ACME_ERR_SERVER : ACME_ERR_PROBLEM;
}
