/*
 * How values are written and read. It must not know where they come from.
 */
#include "words.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* As enum acme_key_type. */
static const char *const key_types[] = {"p256", "p384", "rsa2048", "rsa3072", "rsa4096"};

#define KEY_TYPES (sizeof(key_types) / sizeof(key_types[0]))

int cli_find_word(const char *const *words, size_t count, const char *text)
{
    size_t i;

    for (i = 0; i < count; i++) {
        if (strcmp(text, words[i]) == 0) {
            return (int)i;
        }
    }
    return -1;
}

const char *cli_key_type_name(uint8_t key_type)
{
    return key_type < KEY_TYPES ? key_types[key_type] : "unknown";
}

int cli_find_key_type(const char *text)
{
    return cli_find_word(key_types, KEY_TYPES, text);
}

void cli_format_time(int64_t unix_s, char out[32])
{
    time_t t = (time_t)unix_s;
    struct tm tm;

    if (gmtime_r(&t, &tm) == NULL || strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0) {
        (void)snprintf(out, 32, "?");
    }
}

uint16_t cli_split_names(char *names, const char **out, uint16_t max)
{
    uint16_t count = 0;
    char *save = NULL, *name;

    for (name = strtok_r(names, ",", &save); name != NULL && count < max;
         name = strtok_r(NULL, ",", &save)) {
        out[count++] = name;
    }
    return count;
}
