/*
 * Text for a person's terminal. Names, URLs and file names come from others: a terminal would take
 * some characters for orders, and a line end for another line. It must not know what is said.
 */
#include "clean.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINE_SIZE 32768 /* all names of a certificate */

/* How many bytes follow the first of a character in UTF-8 (RFC 3629); -1: it cannot be the first.
 */
static int more_after(unsigned char first)
{
    if (first < 0x80) {
        return 0;
    }
    if (first < 0xc0 || first > 0xf4) {
        return -1;
    }
    return first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
}

/* The character at p, of *len bytes; -1, and one byte, where it is none. */
static int32_t character_at(const unsigned char *p, size_t *len)
{
    static const int32_t least[] = {0, 0x80, 0x800, 0x10000}; /* of so many bytes more */
    int more = more_after(p[0]), i;
    int32_t c;

    *len = 1;
    if (more < 0) {
        return -1;
    }
    c = more == 0 ? p[0] : p[0] & (0x3f >> more);
    for (i = 1; i <= more; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return -1;
        }
        c = c << 6 | (p[i] & 0x3f);
    }
    if (c < least[more]) {
        return -1;
    }
    *len = (size_t)more + 1;
    return c;
}

/* First and last of what a terminal does not show, but obeys. */
static const int32_t not_shown[][2] = {
    {-1, 0x1f},       {0x7f, 0x9f},       {0x61c, 0x61c},         {0x200b, 0x200f},
    {0x2028, 0x202e}, {0x2060, 0x206f},   {0xd800, 0xdfff},       {0xfeff, 0xfeff},
    {0xfff9, 0xfffb}, {0xe0000, 0xe007f}, {0x110000, 0x7fffffff},
};

static bool is_shown(int32_t c)
{
    size_t i;

    for (i = 0; i < sizeof(not_shown) / sizeof(not_shown[0]); i++) {
        if (c >= not_shown[i][0] && c <= not_shown[i][1]) {
            return false;
        }
    }
    return true;
}

void cli_clean_write(FILE *out, const char *text)
{
    const unsigned char *p = (const unsigned char *)text;

    while (*p != '\0') {
        size_t len, i;
        bool shown = is_shown(character_at(p, &len));

        for (i = 0; i < len; i++) {
            (void)fprintf(out, shown ? "%c" : "\\x%02x", p[i]);
        }
        p += len;
    }
}

void cli_clean_vline(FILE *out, const char *format, va_list arguments)
{
    static char line[LINE_SIZE];

    (void)vsnprintf(line, sizeof(line), format, arguments);
    cli_clean_write(out, line);
    (void)fputc('\n', out);
}

void cli_clean_line(FILE *out, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    cli_clean_vline(out, format, arguments);
    va_end(arguments);
}
