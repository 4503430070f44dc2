/*
 * CA roots as a person types them: lines of hexadecimal or of PEM become DER certificates, one
 * after the other, in memory that is lent. A line that is refused leaves nothing behind. It must
 * not know where they are kept, nor whether they are any good.
 */
#ifndef ROOT_LIST_H
#define ROOT_LIST_H

#include <stdbool.h>
#include <stdint.h>

struct root_list {
    uint8_t *data;
    uint32_t size, len; /* of the memory; of the roots that are whole */
    uint32_t part;      /* bytes of the one that is being typed, behind them */
    uint32_t bits;      /* of base64, fewer than eight, and how many */
    uint8_t bits_count;
    bool is_pem, padded; /* between BEGIN and END; after its first '=' */
};

/** Lends the memory, with len bytes of whole roots in it. */
void root_list_init(struct root_list *list, uint8_t *data, uint32_t size, uint32_t len);
/** More of a root, in hexadecimal; a new one begins where the last is whole. NULL, or what is
 * wrong: then nothing has changed. */
const char *root_list_hex(struct root_list *list, const char *hex);
/** Whether a line is PEM's: its frame, or what is inside. */
bool root_list_is_pem(const struct root_list *list, const char *line);
/** A line of PEM. NULL, or what is wrong: then nothing is left of this certificate. */
const char *root_list_pem(struct root_list *list, const char *line);
/** Forgets one, counted from 1. NULL, or what is wrong. */
const char *root_list_remove(struct root_list *list, uint32_t number);
/** NULL, or that the last one is not whole. */
const char *root_list_unfinished(const struct root_list *list);
/** The length of the certificate whose first bytes (four, or as many as there are) these are, by
 * itself; 0: it is none. */
uint32_t root_list_der_len(const uint8_t *der, uint32_t left);
/** The common name that stands last in a certificate, its subject's as a rule; false: none. */
bool root_list_name(const uint8_t *der, uint32_t len, char *name, uint32_t size);

#endif
