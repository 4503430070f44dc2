/*
 * Settings in flash: a magic number, the length of what follows, records, and a CRC over all of it.
 * A record is a tag, a zero, its length in two bytes, and bytes; numbers are little-endian. A
 * firmware skips tags that it does not know, so that neither an update nor the way back forgets
 * what the factory has typed. What firmware before had no version is read, too. It must not know
 * the serial line.
 */
#include "settings.h"

#include <stddef.h>
#include <string.h>

#include "board.h"

#define CHUNK   64u         /* a multiple of every program unit */
#define MAGIC   0x3153414Eu /* "NAS1" */
#define OLD_LEN 564u        /* of the form without a version: all before its CRC and the anchor */

_Static_assert(CHUNK % 32 == 0, "program units");
_Static_assert(offsetof(struct settings, anchor_at) == OLD_LEN, "the old form is read in place");

enum tag {
    TAG_NAME = 1,
    TAG_DIRECTORY,
    TAG_CONTACT,
    TAG_CHALLENGE,
    TAG_NTP,
    TAG_ANCHOR,
    TAG_PADDING
};

uint32_t settings_crc32(uint32_t crc, const uint8_t *data, size_t len)
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

static uint32_t area_size(void)
{
    struct acme_flash_geometry g;

    return board_flash_ops->geometry(board_settings_flash, &g) == ACME_OK
               ? g.sector_size * g.sector_count
               : 0;
}

static bool read_at(uint32_t at, void *data, size_t len)
{
    return board_flash_ops->read(board_settings_flash, at, data, len) == ACME_OK;
}

/* Goes on with the CRC of a part of the area. */
static bool crc_area(uint32_t at, uint32_t len, uint32_t *crc)
{
    uint8_t chunk[CHUNK];

    while (len > 0) {
        uint32_t n = len < CHUNK ? len : CHUNK;

        if (!read_at(at, chunk, n)) {
            return false;
        }
        *crc = settings_crc32(*crc, chunk, n);
        at += n;
        len -= n;
    }
    return true;
}

/* ---- reading ---- */

static char *free_challenge(struct settings *s)
{
    size_t i = 0;

    while (i < SETTINGS_CHALLENGES && s->challenges[i][0] != '\0') {
        i++;
    }
    return i < SETTINGS_CHALLENGES ? s->challenges[i] : NULL;
}

/* Where a record's value goes, and how much fits; NULL: nowhere. Texts keep room for their end. */
static void *place_of(struct settings *s, uint8_t tag, size_t *size)
{
    uint16_t i = settings_names_count(s);

    *size = SETTINGS_NAME_SIZE - 1;
    switch (tag) {
    case TAG_NAME:
        return i < SETTINGS_NAMES_MAX ? s->names[i] : NULL;
    case TAG_DIRECTORY:
        *size = SETTINGS_URL_SIZE - 1;
        return s->directory;
    case TAG_CONTACT:
        return s->contact;
    case TAG_CHALLENGE:
        *size = SETTINGS_CHALLENGE_SIZE - 1;
        return free_challenge(s);
    case TAG_NTP:
        return s->ntp;
    default:
        return NULL;
    }
}

static bool load_records(struct settings *s, uint32_t at, uint32_t end)
{
    while (at + 4u <= end) {
        uint8_t head[4];
        size_t len, size;
        void *to;

        if (!read_at(at, head, sizeof(head))) {
            return false;
        }
        at += (uint32_t)sizeof(head);
        len = (size_t)head[2] | (size_t)head[3] << 8;
        to = place_of(s, head[0], &size);
        if (len > end - at || (to != NULL && (len > size || !read_at(at, to, len)))) {
            return false;
        }
        if (head[0] == TAG_ANCHOR) {
            s->anchor_at = at;
            s->anchor_len = (uint32_t)len;
        }
        at += (uint32_t)len;
    }
    return true;
}

static bool load_new(struct settings *s)
{
    uint32_t head[2], crc = 0, stored;

    return read_at(0, head, sizeof(head)) && head[0] == MAGIC && area_size() > sizeof(head) + 4u &&
           head[1] <= area_size() - sizeof(head) - 4u &&
           crc_area(0, (uint32_t)sizeof(head) + head[1], &crc) &&
           read_at((uint32_t)sizeof(head) + head[1], &stored, sizeof(stored)) && stored == crc &&
           load_records(s, sizeof(head), (uint32_t)sizeof(head) + head[1]);
}

/* The structure of before, as it lay in memory: its CRC is over what is before it and all of the
 * anchor's room, which had one of two sizes. */
static bool load_old(struct settings *s)
{
    static const uint16_t rooms[] = {704, 1536};
    uint32_t stored, crc, i;

    for (i = 0; i < sizeof(rooms) / sizeof(rooms[0]); i++) {
        crc = 0;
        if (read_at(0, s, OLD_LEN) && read_at(OLD_LEN, &stored, sizeof(stored)) &&
            crc_area(0, OLD_LEN, &crc) && crc_area(OLD_LEN + 4u, rooms[i], &crc) && crc == stored &&
            s->anchor_len <= rooms[i]) {
            s->anchor_at = OLD_LEN + 4u;
            return true;
        }
    }
    return false;
}

bool settings_load(struct settings *s)
{
    memset(s, 0, sizeof(*s));
    if (load_new(s) && settings_missing(s) == NULL) {
        return true;
    }
    memset(s, 0, sizeof(*s));
    if (load_old(s) && settings_missing(s) == NULL) {
        return true;
    }
    memset(s, 0, sizeof(*s));
    return false;
}

/* ---- writing ---- */

struct writer {
    uint32_t at, crc; /* of the chunk's start; of all before it and in it */
    size_t fill;
    bool failed;
    uint8_t chunk[CHUNK];
};

static void flush(struct writer *w)
{
    memset(w->chunk + w->fill, 0, CHUNK - w->fill);
    w->failed = w->failed ||
                board_flash_ops->program(board_settings_flash, w->at, w->chunk, CHUNK) != ACME_OK;
    w->at += CHUNK;
    w->fill = 0;
}

static void put(struct writer *w, const void *data, size_t len)
{
    const uint8_t *bytes = data;

    w->crc = settings_crc32(w->crc, bytes, len);
    while (len-- > 0) {
        w->chunk[w->fill++] = *bytes++;
        if (w->fill == CHUNK) {
            flush(w);
        }
    }
}

/* One record; without a writer only its length counts. An empty value needs none. */
static uint32_t put_record(struct writer *w, enum tag tag, const void *data, size_t len)
{
    uint8_t head[4] = {(uint8_t)tag, 0, (uint8_t)len, (uint8_t)(len >> 8)};

    if (len == 0) {
        return 0;
    }
    if (w != NULL) {
        put(w, head, sizeof(head));
        put(w, data, len);
    }
    return (uint32_t)(sizeof(head) + len);
}

/* *anchor_at is where the roots' record has its bytes. */
static uint32_t put_records(struct writer *w, const struct settings *s, const uint8_t *roots,
                            uint32_t roots_len, uint32_t *anchor_at)
{
    uint32_t len = 0;
    size_t i;

    for (i = 0; i < SETTINGS_NAMES_MAX; i++) {
        len += put_record(w, TAG_NAME, s->names[i], strlen(s->names[i]));
    }
    for (i = 0; i < SETTINGS_CHALLENGES; i++) {
        len += put_record(w, TAG_CHALLENGE, s->challenges[i], strlen(s->challenges[i]));
    }
    len += put_record(w, TAG_DIRECTORY, s->directory, strlen(s->directory));
    len += put_record(w, TAG_CONTACT, s->contact, strlen(s->contact));
    len += put_record(w, TAG_NTP, s->ntp, strlen(s->ntp));
    *anchor_at = (uint32_t)(2u * sizeof(uint32_t)) + len + 4u;
    return len + put_record(w, TAG_ANCHOR, roots, roots_len);
}

static bool erase_area(void)
{
    struct acme_flash_geometry g;
    uint32_t at;

    if (board_flash_ops->geometry(board_settings_flash, &g) != ACME_OK) {
        return false;
    }
    for (at = 0; at < g.sector_size * g.sector_count; at += g.sector_size) {
        if (board_flash_ops->erase(board_settings_flash, at) != ACME_OK) {
            return false;
        }
    }
    return true;
}

/* The CRC is alone in the last chunk, which settings_seal programs: what is before it lies in flash
 * already, and can be read. */
static struct writer ending;

/* Bytes of a record that fills len bytes up to a whole chunk. */
static uint32_t padding_for(uint32_t len)
{
    uint32_t n = (CHUNK - len % CHUNK) % CHUNK;

    return n > 0 && n < 4u ? n + CHUNK : n;
}

static void put_padding(struct writer *w, uint32_t n)
{
    static const uint8_t zeros[2u * CHUNK];

    if (n >= 4u) {
        uint8_t head[4] = {TAG_PADDING, 0, (uint8_t)(n - 4u), 0};

        put(w, head, sizeof(head));
        put(w, zeros, n - 4u);
    }
}

bool settings_write(struct settings *s, const uint8_t *roots, uint32_t len)
{
    uint32_t at, head[2] = {MAGIC, put_records(NULL, s, roots, len, &at)}, padding;

    padding = padding_for((uint32_t)sizeof(head) + head[1]);
    head[1] += padding;
    memset(&ending, 0, sizeof(ending));
    ending.failed =
        len > SETTINGS_ROOTS_MAX || sizeof(head) + head[1] + CHUNK > area_size() || !erase_area();
    if (ending.failed) {
        return false;
    }
    put(&ending, head, sizeof(head));
    (void)put_records(&ending, s, roots, len, &s->anchor_at);
    put_padding(&ending, padding);
    s->anchor_len = len;
    return !ending.failed;
}

bool settings_seal(void)
{
    uint32_t crc = ending.crc;

    put(&ending, &crc, sizeof(crc));
    if (ending.fill > 0) {
        flush(&ending);
    }
    return !ending.failed && board_flash_ops->sync(board_settings_flash) == ACME_OK;
}

bool settings_read(uint32_t at, void *data, size_t len)
{
    return read_at(at, data, len);
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
    return NULL;
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
    char *to = free_challenge(s);

    return to != NULL ? set_text(to, SETTINGS_CHALLENGE_SIZE, value) : "too many challenges";
}

static const char *set_directory(struct settings *s, const char *value)
{
    return set_text(s->directory, sizeof(s->directory), value);
}

static const char *set_contact(struct settings *s, const char *value)
{
    if (strncmp(value, "mailto:", 7) != 0) { /* a CA would refuse it, much later */
        return "a contact begins with mailto:";
    }
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
    {"ntp", set_ntp},   {"challenge", add_challenge},
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
    return "unknown; there are: name directory contact challenge ntp anchor roots clear save, and "
           "PEM";
}
