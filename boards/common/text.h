/*
 * Text without printf, which would bring newlib's heap along.
 */
#ifndef TEXT_H
#define TEXT_H

#include <stddef.h>
#include <stdint.h>

struct text {
    char *data;
    size_t size, len; /* always NUL-terminated; what does not fit is cut */
};

void text_init(struct text *t, char *data, size_t size);
void text_add(struct text *t, const char *more);
void text_add_number(struct text *t, int64_t number);
/** With 0x and eight digits. */
void text_add_hex(struct text *t, uint32_t number);
/** Unix seconds as 2026-01-31T12:00:00Z. */
void text_add_date(struct text *t, int64_t unix_s);

#endif
