/*
 * See root_list.h. Bytes come in one by one, from hexadecimal or from base64; a certificate is
 * whole when it has as many as its first four say.
 */
#include "root_list.h"

#include <stddef.h>
#include <string.h>

#include "settings.h"
#include "text.h"

#define TEXT_OF(number)       #number
#define LIMIT(name)           "too long: " #name " is " TEXT_OF_VALUE(name) " bytes"
#define TEXT_OF_VALUE(number) TEXT_OF(number)

#define BEGIN "-----BEGIN CERTIFICATE-----"
#define END   "-----END CERTIFICATE-----"

void root_list_init(struct root_list *list, uint8_t *data, uint32_t size, uint32_t len)
{
    memset(list, 0, sizeof(*list));
    list->data = data;
    list->size = size < SETTINGS_ROOTS_MAX ? size : SETTINGS_ROOTS_MAX;
    list->len = len;
}

uint32_t root_list_der_len(const uint8_t *der, uint32_t left)
{
    uint32_t len;

    if (left < 4 || der[0] != 0x30) {
        return 0;
    }
    switch (der[1]) {
    case 0x81:
        len = 3u + der[2];
        break;
    case 0x82:
        len = 4u + ((uint32_t)der[2] << 8 | der[3]);
        break;
    default: /* a certificate is longer than 127 bytes, and shorter than 64 KB */
        len = 0;
    }
    return len;
}

/* One byte more. */
static const char *add_byte(struct root_list *list, uint8_t byte)
{
    const uint8_t *der = list->data + list->len;

    if (list->len + list->part >= list->size) {
        return LIMIT(SETTINGS_ROOTS_MAX);
    }
    list->data[list->len + list->part++] = byte;
    if (list->part < 4) {
        return der[0] == 0x30 ? NULL : "no certificate: DER begins with 30";
    }
    if (root_list_der_len(der, list->part) < 5) {
        return "no certificate: DER begins with 3082 or 3081";
    }
    if (root_list_der_len(der, list->part) == list->part) {
        list->len += list->part;
        list->part = 0;
    }
    return NULL;
}

/* ---- hexadecimal ---- */

static int digit_of(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int settings_hex_byte(const char *hex)
{
    int high = digit_of(hex[0]), low = high < 0 ? -1 : digit_of(hex[1]);

    return low < 0 ? -1 : high << 4 | low;
}

const char *root_list_hex(struct root_list *list, const char *hex)
{
    struct root_list before = *list;
    const char *wrong = *hex == '\0' ? "empty or too long" : NULL;

    for (; *hex != '\0' && wrong == NULL; hex += 2) {
        int byte = settings_hex_byte(hex);

        if (byte < 0) {
            wrong = "not lower-case hexadecimal";
            break;
        }
        wrong = add_byte(list, (uint8_t)byte);
    }
    if (wrong != NULL) {
        *list = before;
    }
    return wrong;
}

/* ---- PEM ---- */

bool root_list_is_pem(const struct root_list *list, const char *line)
{
    return list->is_pem || strncmp(line, "-----", 5) == 0;
}

static int value_of(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *found = c == '\0' ? NULL : strchr(digits, c);

    return found == NULL ? -1 : (int)(found - digits);
}

static const char *add_base64(struct root_list *list, char c)
{
    int value = value_of(c);

    if (c == '=' && list->bits_count > 0) {
        list->padded = true;
        return NULL;
    }
    if (value < 0 || list->padded) {
        return "not base64";
    }
    list->bits = list->bits << 6 | (uint32_t)value;
    list->bits_count = (uint8_t)(list->bits_count + 6);
    if (list->bits_count < 8) {
        return NULL;
    }
    list->bits_count = (uint8_t)(list->bits_count - 8);
    return add_byte(list, (uint8_t)(list->bits >> list->bits_count));
}

static const char *add_text(struct root_list *list, const char *line)
{
    const char *wrong = NULL;

    for (; *line != '\0' && wrong == NULL; line++) {
        wrong = add_base64(list, *line);
    }
    return wrong;
}

/* A certificate as long as itself says ends where its frame does. */
static const char *frame(struct root_list *list, const char *line)
{
    if (!list->is_pem && strcmp(line, BEGIN) == 0) {
        if (list->part > 0) {
            return "the certificate before is not whole";
        }
        list->is_pem = true;
        list->padded = false;
        list->bits_count = 0;
        return NULL;
    }
    if (list->is_pem && strcmp(line, END) == 0) {
        list->is_pem = false;
        return list->part > 0 ? "the certificate is not whole" : NULL;
    }
    return "not PEM of a certificate";
}

const char *root_list_pem(struct root_list *list, const char *line)
{
    const char *wrong = line[0] == '-' ? frame(list, line) : add_text(list, line);

    if (wrong != NULL) {
        list->is_pem = false;
        list->part = 0;
    }
    return wrong;
}

/* ---- the list ---- */

const char *root_list_remove(struct root_list *list, uint32_t number)
{
    uint32_t at = 0, len;

    if (list->part > 0 || list->is_pem) {
        return "the last certificate is not whole";
    }
    while (at < list->len) {
        len = root_list_der_len(list->data + at, list->len - at);
        len = len == 0 || len > list->len - at ? list->len - at : len;
        if (--number == 0) {
            memmove(list->data + at, list->data + at + len, list->len - at - len);
            list->len -= len;
            return NULL;
        }
        at += len;
    }
    return "there is no such root; see: roots";
}

const char *root_list_unfinished(const struct root_list *list)
{
    return list->part > 0 || list->is_pem ? "the last certificate is not whole" : NULL;
}

bool root_list_name(const uint8_t *der, uint32_t len, char *name, uint32_t size)
{
    static const uint8_t oid[] = {0x06, 0x03, 0x55, 0x04, 0x03};
    bool found = false;

    for (uint32_t at = 0; at + sizeof(oid) + 2 <= len; at++) {
        uint32_t n = der[at + sizeof(oid) + 1];

        if (memcmp(der + at, oid, sizeof(oid)) == 0 && n < size &&
            n <= len - at - sizeof(oid) - 2) {
            for (uint32_t i = 0; i < n; i++) {
                char c = (char)der[at + sizeof(oid) + 2 + i];

                name[i] = c >= ' ' && c <= '~' ? c : '?';
            }
            name[n] = '\0';
            found = true;
        }
    }
    return found;
}
