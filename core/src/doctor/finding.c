/*
 * How the doctor's findings are told. It must not know how one is found.
 */
#include "acme/config.h"

#if defined(CONFIG_ACME_DOCTOR)

#include "doctor/finding.h"

#if defined(CONFIG_ACME_ERROR_TEXTS)
struct meaning {
    uint8_t value;
    uint8_t severity;
    const char *code;
    const char *text;
};
#define MEANING(name, value, severity, code, sentence)                                             \
    {(value), ACME_FINDING_##severity, (code), (sentence)},
#define TEXT_OF(meaning) ((meaning)->text)
#else
struct meaning {
    uint8_t value;
    uint8_t severity;
    const char *code;
};
#define MEANING(name, value, severity, code, sentence) {(value), ACME_FINDING_##severity, (code)},
#define TEXT_OF(meaning)                               ((void)(meaning), "look its code up in acme/doctor.h")
#endif

/* The last one stands for what is in no list. */
static const struct meaning *meaning_of(enum acme_finding_code code)
{
    static const struct meaning meanings[] = {
        ACME_FINDING_LIST(MEANING) MEANING(NONE, 0, ERROR, "unknown", "an unknown finding")};
    size_t i = 0;

    while (i < sizeof(meanings) / sizeof(meanings[0]) - 1 && meanings[i].value != (uint8_t)code) {
        i++;
    }
    return &meanings[i];
}

const char *acme_finding_name(enum acme_finding_code code)
{
    return meaning_of(code)->code;
}

const char *acme_finding_text(enum acme_finding_code code)
{
    return TEXT_OF(meaning_of(code));
}

void acme_doctor_tell(struct acme_doctor *d, enum acme_finding_code code, const char *subject,
                      const char *detail, const struct acme_finding *more)
{
    struct acme_finding finding = {0};

    if (more != NULL) {
        finding = *more;
    }
    finding.code = code;
    finding.severity = (enum acme_finding_severity)meaning_of(code)->severity;
    finding.subject = subject;
    finding.detail = detail;
    d->config.on_finding(d->config.ctx, &finding);
}

uint64_t acme_doctor_now_ms(const struct acme_doctor *d)
{
    return acme_clock_uptime_ms(&d->client->clock);
}

#endif
