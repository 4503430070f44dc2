/*
 * The command line's options: any words, with NULs between them. What is accepted is what the rest
 * of the program may rely on; what is not, ends with an exit code that says so.
 */
#include <getopt.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "exit.h"
#include "options.h"
#include "script.h"

#define WORDS_MAX 24

static void check_options(const struct cli_options *o)
{
    uint16_t i, k;

    CHECK(o->command < CLI_COMMANDS && o->account <= CLI_ACCOUNT_RECOVER);
    CHECK(o->domains_count <= CLI_NAMES_MAX && o->pins_count <= CLI_PINS_MAX);
    CHECK(o->fallbacks_count <= CLI_FALLBACKS_MAX);
    CHECK(!o->each || o->domains_count <= CONFIG_ACME_CERT_SLOTS);
    CHECK(o->key_type <= ACME_KEY_RSA_4096 && o->account_key_type <= ACME_KEY_RSA_4096);
    CHECK(o->reason <= 10 && o->reason != 7 && o->clock_policy <= ACME_CLOCK_AGREE);
    CHECK(o->days <= 36500 && o->dns.hook_seconds <= 3600);
    CHECK((o->eab_kid == NULL) == (o->eab_hmac_key == NULL));
    for (i = 0; i < o->domains_count; i++) {
        CHECK(strpbrk(o->domains[i], "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == NULL);
        for (k = 0; k < i; k++) {
            CHECK(strcmp(o->domains[i], o->domains[k]) != 0);
        }
    }
    for (i = 0; i < ACME_CHALLENGE_TYPES; i++) {
        CHECK(o->challenges[i] <= ACME_CHALLENGE_TYPES);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char text[2048];
    char *argv[WORDS_MAX + 2] = {(char *)(uintptr_t) "nanoacme"};
    struct cli_options o;
    int argc = 1, code = -1;
    size_t at = 0;

    if (size >= sizeof(text)) {
        return 0;
    }
    if (size > 0) {
        memcpy(text, data, size);
    }
    text[size] = '\0';
    while (at < size && argc <= WORDS_MAX) {
        argv[argc++] = text + at;
        at += strlen(text + at) + 1;
    }
    argv[argc] = NULL;
    optind = 0; /* getopt starts over */
    opterr = 0;
    if (cli_options_parse(argc, argv, &o, &code)) {
        check_options(&o);
    } else {
        CHECK(code == CLI_USAGE || code == CLI_OK);
    }
    return 0;
}
