/*
 * Problem documents to errors. It must not decide what to do about them: the client does.
 */
#include "json/problem.h"

#include <string.h>

#include "base/buf.h"

/* The second is that of drafts, which some CAs still send. */
static const char prefixes[] = "urn:ietf:params:acme:error:\0urn:acme:error:\0";

static void copy_printable(char *dst, size_t size, const char *src)
{
    size_t i;

    for (i = 0; src != NULL && src[i] != '\0' && i + 1 < size; i++) {
        dst[i] = src[i] >= ' ' && src[i] <= '~' ? src[i] : '?';
    }
    dst[i] = '\0';
}

static const char *behind_prefix(const char *type)
{
    for (const char *prefix = prefixes; *prefix != '\0'; prefix += strlen(prefix) + 1) {
        if (strncmp(type, prefix, strlen(prefix)) == 0) {
            return type + strlen(prefix);
        }
    }
    return type;
}

#if defined(CONFIG_ACME_PROBLEM_LINKS)
static void read_instance(struct acme_problem *problem, acme_json_value object)
{
    copy_printable(problem->instance, sizeof(problem->instance),
                   acme_json_string(object, "instance"));
}
#else
static void read_instance(struct acme_problem *problem, acme_json_value object)
{
    (void)problem;
    (void)object;
}
#endif

void acme_problem_read(struct acme_problem *problem, acme_json_value object, uint16_t http_status)
{
    const char *type = acme_json_string(object, "type");
    acme_json_value sub = acme_json_first(acme_json_array(object, "subproblems"));
    const char *name = acme_json_string(acme_json_object(sub, "identifier"), "value");

    memset(problem, 0, sizeof(*problem));
    problem->status = http_status;
    copy_printable(problem->type, sizeof(problem->type), type == NULL ? NULL : behind_prefix(type));
    copy_printable(problem->detail, sizeof(problem->detail), acme_json_string(object, "detail"));
    copy_printable(problem->identifier, sizeof(problem->identifier), name);
    read_instance(problem, object);
}

void acme_problem_read_error(struct acme_problem *problem, acme_json_value object)
{
    acme_json_value error = acme_json_object(object, "error");
    const char *text = acme_json_string(object, "error");

    if (error != NULL) {
        acme_problem_read(problem, error, (uint16_t)acme_json_int(error, "status", 0));
    } else if (text != NULL) { /* some CAs write a sentence there */
        acme_problem_read(problem, NULL, 0);
        copy_printable(problem->detail, sizeof(problem->detail), text);
    }
}

bool acme_problem_is(const struct acme_problem *problem, const char *type)
{
    return strcmp(problem->type, type) == 0;
}

/* The types that mean something here, and the errors that they are. */
#define TYPES(X)                                                                                   \
    X("badNonce", ACME_ERR_NONCE)                                                                  \
    X("rateLimited", ACME_ERR_RATE_LIMITED)                                                        \
    X("accountDoesNotExist", ACME_ERR_ACCOUNT_NONE)                                                \
    X("externalAccountRequired", ACME_ERR_EAB)                                                     \
    X("userActionRequired", ACME_ERR_TOS)                                                          \
    X("invalidContact", ACME_ERR_ACCOUNT)                                                          \
    X("unsupportedContact", ACME_ERR_ACCOUNT)                                                      \
    X("alreadyRevoked", ACME_ERR_ALREADY_REVOKED)                                                  \
    X("serverInternal", ACME_ERR_SERVER)                                                           \
    X("rejectedIdentifier", ACME_ERR_ORDER)                                                        \
    X("unsupportedIdentifier", ACME_ERR_ORDER)                                                     \
    X("badCSR", ACME_ERR_ORDER)                                                                    \
    X("invalidProfile", ACME_ERR_PROFILE)                                                          \
    X("notImplemented", ACME_ERR_NOT_OFFERED)
#define TYPE_NAME(name, error)  name "\0"
#define TYPE_ERROR(name, error) -(error),

int32_t acme_problem_error(const struct acme_problem *problem)
{
    static const char types[] = TYPES(TYPE_NAME);
    static const uint8_t errors[] = {TYPES(TYPE_ERROR) - ACME_ERR_PROBLEM};
    int32_t error = -(int32_t)errors[acme_str_find(problem->type, strlen(problem->type), types)];

    if (problem->status == 501) { /* whatever its type: some say rejectedIdentifier of keyChange */
        return ACME_ERR_NOT_OFFERED;
    }
    if (error != ACME_ERR_PROBLEM) {
        return error;
    }
    if (problem->status == 429) {
        return ACME_ERR_RATE_LIMITED;
    }
    return problem->status >= 500 ? ACME_ERR_SERVER : ACME_ERR_PROBLEM;
}
