/*
 * What a device is told at the factory: its names, its CA and the CA's root. Kept in a flash area
 * of its own, apart from the store, as records that a later firmware can read (settings.c). It must
 * not know what they are for.
 */
#ifndef SETTINGS_H
#define SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#define SETTINGS_NAMES_MAX      4
#define SETTINGS_NAME_SIZE      64
#define SETTINGS_URL_SIZE       128
#define SETTINGS_CHALLENGES     3
#define SETTINGS_CHALLENGE_SIZE 16
#ifndef SETTINGS_ANCHOR_MAX
#define SETTINGS_ANCHOR_MAX 1536
#endif

struct settings {
    char names[SETTINGS_NAMES_MAX][SETTINGS_NAME_SIZE];
    char directory[SETTINGS_URL_SIZE];
    char contact[SETTINGS_NAME_SIZE];                              /* "mailto:...", or empty */
    char challenges[SETTINGS_CHALLENGES][SETTINGS_CHALLENGE_SIZE]; /* in order; none: http-01 */
    char ntp[SETTINGS_NAME_SIZE]; /* a time server, or empty: only what DHCP names */
    uint32_t anchor_len;
    uint8_t anchor[SETTINGS_ANCHOR_MAX];
};

/** Reads them from flash, be they of this firmware or of an earlier one; false: the device has
 * none, or they are damaged. */
bool settings_load(struct settings *s);
/** Writes them; false: the flash refused. A cut in between leaves a device without settings. */
bool settings_save(const struct settings *s);
/** Takes one line ("name x", "directory https://…", "contact mailto:…", "ntp x",
 * "challenge tls-alpn-01", "anchor HEX…"; an
 * anchor may come in several lines). NULL, or what is wrong with it: then nothing has changed. */
const char *settings_take_line(struct settings *s, const char *line);
/** What is missing before they can be saved, or NULL. */
const char *settings_missing(const struct settings *s);
uint16_t settings_names_count(const struct settings *s);

#endif
