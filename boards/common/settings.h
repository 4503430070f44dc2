/*
 * What a device is told at the factory: its names, its CA and the CA's root. Kept in a flash area
 * of its own, apart from the store, as records that a later firmware can read (settings.c). It must
 * not know what they are for.
 */
#ifndef SETTINGS_H
#define SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SETTINGS_NAMES_MAX      4
#define SETTINGS_NAME_SIZE      64
#define SETTINGS_URL_SIZE       128
#define SETTINGS_CHALLENGES     3
#define SETTINGS_CHALLENGE_SIZE 16
#define SETTINGS_ROOTS_MAX      6144 /* bytes of all roots */

struct settings {
    char names[SETTINGS_NAMES_MAX][SETTINGS_NAME_SIZE];
    char directory[SETTINGS_URL_SIZE];
    char contact[SETTINGS_NAME_SIZE];                              /* "mailto:...", or empty */
    char challenges[SETTINGS_CHALLENGES][SETTINGS_CHALLENGE_SIZE]; /* in order; none: http-01 */
    char ntp[SETTINGS_NAME_SIZE]; /* a time server, or empty: only what DHCP names */
    uint32_t anchor_len; /* the CA's roots, DER, one after the other: they stay in flash, ... */
    uint32_t anchor_at;  /* ... so many bytes into the area */
};

/** Reads them from flash, be they of this firmware or of an earlier one; false: the device has
 * none, or they are damaged. */
bool settings_load(struct settings *s);
/** Writes them, with roots that are somewhere in memory, but not what makes them count: until
 * settings_seal they are not there for settings_load, though the roots can be read. s->anchor_at
 * and anchor_len say where. What was there before is gone. False: the flash refused, or has no
 * room. */
bool settings_write(struct settings *s, const uint8_t *roots, uint32_t len);
/** Makes what settings_write has written count; false: the flash refused. A cut before its end
 * leaves a device without settings. */
bool settings_seal(void);
/** Reads of the area. */
bool settings_read(uint32_t at, void *data, size_t len);
/** Takes one line ("name x", "directory https://…", "contact mailto:…", "ntp x",
 * "challenge tls-alpn-01"). NULL, or what is wrong with it: then nothing has changed. */
const char *settings_take_line(struct settings *s, const char *line);
/** The byte that two lower-case digits stand for, or -1. */
int settings_hex_byte(const char *hex);
/** CRC-32 of data that follow on those of crc, 0 at first: the roots are kept with it, too. */
uint32_t settings_crc32(uint32_t crc, const uint8_t *data, size_t len);
/** What is missing before they can be saved, or NULL; the roots are not looked at. */
const char *settings_missing(const struct settings *s);
uint16_t settings_names_count(const struct settings *s);

#endif
