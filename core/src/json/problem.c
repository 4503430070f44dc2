/*
 * Problem documents to errors. It must not decide what to do about them: the client does.
 */
#include "json/problem.h"

#include <string.h>

#include "base/buf.h"

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

void acme_problem_read_error(struct acme_problem *problem, acme_json_value object)
{
    acme_json_value error = acme_json_object(object, "error");

    if (error != NULL) {
        acme_problem_read(problem, error, (uint16_t)acme_json_int(error, "status", 0));
    }
}

bool acme_problem_is(const struct acme_problem *problem, const char *type)
{
    return strcmp(problem->type, type) == 0;
}

int32_t acme_problem_error(const struct acme_problem *problem)
{
    static const char types[] =
        "badNonce\0rateLimited\0accountDoesNotExist\0externalAccountRequired\0userActionRequired\0"
        "invalidContact\0unsupportedContact\0alreadyRevoked\0serverInternal\0rejectedIdentifier\0"
        "unsupportedIdentifier\0badCSR\0"
#if defined(CONFIG_ACME_PROFILES)
        "invalidProfile\0"
#endif
        ;
    static const uint8_t errors[] = {
        /* in this order, with their signs changed; last what any other type means */
        -ACME_ERR_NONCE,
        -ACME_ERR_RATE_LIMITED,
        -ACME_ERR_ACCOUNT_NONE,
        -ACME_ERR_EAB,
        -ACME_ERR_TOS,
        -ACME_ERR_ACCOUNT,
        -ACME_ERR_ACCOUNT,
        -ACME_ERR_ALREADY_REVOKED,
        -ACME_ERR_SERVER,
        -ACME_ERR_ORDER,
        -ACME_ERR_ORDER,
        -ACME_ERR_ORDER,
#if defined(CONFIG_ACME_PROFILES)
        -ACME_ERR_PROFILE,
#endif
        -ACME_ERR_PROBLEM
    };
    int32_t error = -(int32_t)errors[acme_str_find(problem->type, strlen(problem->type), types)];

    if (error != ACME_ERR_PROBLEM) {
        return error;
    }
    if (problem->status == 429) {
        return ACME_ERR_RATE_LIMITED;
    }
    return problem->status >= 500 ? ACME_ERR_SERVER : ACME_ERR_PROBLEM;
}
