/*
 * Settings as one structure in flash. It must not know the serial line.
 */
#include "settings.h"

#include <stddef.h>
#include <string.h>

#include "board.h"

#define CHUNK 64u /* a multiple of every program unit */

_Static_assert(sizeof(struct settings) % CHUNK == 0 || CHUNK % 32 == 0, "program units");

static uint32_t crc32(uint32_t crc, const uint8_t *data, size_t len)
{
    crc = ~crc;
    while (len-- > 0) {
        crc ^= *data++;
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc >> 1) ^ (0xEDB88320u & (0u - (crc & 1u)));
        }
    }
    return ~crc;
}

static uint32_t crc_of(const struct settings *s)
{
    uint32_t crc = crc32(0, (const uint8_t *)s, offsetof(struct settings, crc));

    return crc32(crc, s->anchor, sizeof(s->anchor));
}

bool settings_load(struct settings *s)
{
    if (board_flash_ops->read(board_settings_flash, 0, s, sizeof(*s)) == ACME_OK &&
        s->crc == crc_of(s) && settings_missing(s) == NULL) {
        return true;
    }
    memset(s, 0, sizeof(*s));
    return false;
}

static bool write_chunk(const uint8_t *data, uint32_t offset, size_t len)
{
    uint8_t chunk[CHUNK];

    memset(chunk, 0, sizeof(chunk));
    memcpy(chunk, data + offset, len < CHUNK ? len : CHUNK);
    return board_flash_ops->program(board_settings_flash, offset, chunk, CHUNK) == ACME_OK;
}

bool settings_save(struct settings *s)
{
    struct acme_flash_geometry g;
    uint32_t at;

    s->crc = crc_of(s);
    if (board_flash_ops->geometry(board_settings_flash, &g) != ACME_OK ||
        g.sector_size * g.sector_count < sizeof(*s) + CHUNK) {
        return false;
    }
    for (at = 0; at < g.sector_size * g.sector_count; at += g.sector_size) {
        if (board_flash_ops->erase(board_settings_flash, at) != ACME_OK) {
            return false;
        }
    }
    for (at = 0; at < sizeof(*s); at += CHUNK) {
        if (!write_chunk((const uint8_t *)s, at, sizeof(*s) - at)) {
            return false;
        }
    }
    return board_flash_ops->sync(board_settings_flash) == ACME_OK;
}

uint16_t settings_names_count(const struct settings *s)
{
    uint16_t n = 0;

    while (n < SETTINGS_NAMES_MAX && s->names[n][0] != '\0') {
        n++;
    }
    return n;
}

const char *settings_missing(const struct settings *s)
{
    if (s->names[0][0] == '\0') {
        return "a name is missing";
    }
    if (s->directory[0] == '\0') {
        return "the directory URL is missing";
    }
    return s->anchor_len == 0 ? "the CA's root is missing (anchor)" : NULL;
}

/* ---- lines ---- */

static const char *set_text(char *to, size_t size, const char *value)
{
    size_t len = strlen(value);

    if (len == 0 || len >= size) {
        return "empty or too long";
    }
    for (size_t i = 0; i < len; i++) {
        if (value[i] <= ' ' || value[i] > '~') {
            return "not printable";
        }
    }
    memcpy(to, value, len + 1);
    return NULL;
}

static const char *add_name(struct settings *s, const char *value)
{
    uint16_t n = settings_names_count(s);

    return n < SETTINGS_NAMES_MAX ? set_text(s->names[n], SETTINGS_NAME_SIZE, value)
                                  : "too many names";
}

static const char *add_challenge(struct settings *s, const char *value)
{
    for (size_t i = 0; i < SETTINGS_CHALLENGES; i++) {
        if (s->challenges[i][0] == '\0') {
            return set_text(s->challenges[i], SETTINGS_CHALLENGE_SIZE, value);
        }
    }
    return "too many challenges";
}

static int digit_of(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static const char *add_anchor(struct settings *s, const char *hex)
{
    for (; *hex != '\0'; hex += 2) {
        int high = digit_of(hex[0]), low = high < 0 ? -1 : digit_of(hex[1]);

        if (low < 0) {
            return "not lower-case hexadecimal";
        }
        if (s->anchor_len >= SETTINGS_ANCHOR_MAX) {
            return "too long";
        }
        s->anchor[s->anchor_len++] = (uint8_t)(high << 4 | low);
    }
    return NULL;
}

static const char *set_directory(struct settings *s, const char *value)
{
    return set_text(s->directory, sizeof(s->directory), value);
}

static const char *set_contact(struct settings *s, const char *value)
{
    return set_text(s->contact, sizeof(s->contact), value);
}

static const char *set_ntp(struct settings *s, const char *value)
{
    return set_text(s->ntp, sizeof(s->ntp), value);
}

static const struct {
    char word[10];
    const char *(*take)(struct settings *s, const char *value);
} settings_words[] = {
    {"name", add_name}, {"directory", set_directory}, {"contact", set_contact},
    {"ntp", set_ntp},   {"challenge", add_challenge}, {"anchor", add_anchor},
};

const char *settings_take_line(struct settings *s, const char *line)
{
    const char *value = strchr(line, ' ');
    size_t len = value == NULL ? strlen(line) : (size_t)(value - line), i;

    value = value == NULL ? "" : value + 1;
    for (i = 0; i < sizeof(settings_words) / sizeof(settings_words[0]); i++) {
        if (strlen(settings_words[i].word) == len &&
            memcmp(line, settings_words[i].word, len) == 0) {
            return settings_words[i].take(s, value);
        }
    }
    return "unknown; there are: name directory contact challenge ntp anchor save";
}
