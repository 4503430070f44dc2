/*
 * Fuzzes the DNS message reader: every entry lies inside the message, names end and can be written
 * again, and no record's data is read beyond its end.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "dns/message.h"

static void look_at(const struct acme_dns_reader *r, const struct acme_dns_entry *record)
{
    char name[ACME_DNS_NAME_SIZE], text[1024];
    struct acme_dns_caa caa;
    size_t end;
    int32_t n;

    CHECK(record->rdata + record->rdata_len <= r->len);
    if (acme_dns_read_name(r, record->start, name, &end) == ACME_OK) {
        CHECK(strlen(name) < sizeof(name) && end <= record->rdata);
        CHECK(acme_dns_check_name(name) == ACME_OK && acme_dns_is_name(r, record->start, name));
    }
    if (record->section != ACME_DNS_QUESTION) {
        if (acme_dns_read_target(r, record, name) == ACME_OK) {
            CHECK(acme_dns_check_name(name) == ACME_OK);
        }
        n = acme_dns_read_txt(r, record, text, sizeof(text));
        if (n >= 0 && memchr(text, 0, (size_t)n) == NULL) {
            CHECK(text[n] == '\0' && acme_dns_is_txt(r, record, text));
        }
        if (acme_dns_read_caa(r, record, &caa) == ACME_OK) {
            CHECK((const uint8_t *)caa.value + caa.value_len ==
                  r->data + record->rdata + record->rdata_len);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size + (size == 0)); /* exact, so that a read beyond it is seen */
    struct acme_dns_reader r;
    struct acme_dns_entry record;
    char name[ACME_DNS_NAME_SIZE];

    if (copy == NULL) {
        return 0;
    }
    memcpy(copy, data, size);
    if (acme_dns_read_begin(&r, copy, size) == ACME_OK) {
        while (acme_dns_read_next(&r, &record) == ACME_OK) {
            look_at(&r, &record);
        }
        for (size_t at = 0; at < size && at < 64; at++) {
            (void)acme_dns_read_name(&r, at, name, NULL);
        }
    }
    free(copy);
    return 0;
}
