/*
 * How values are written: key types, times, lists of names.
 */
#ifndef NANOACME_WORDS_H
#define NANOACME_WORDS_H

#include <stddef.h>
#include <stdint.h>

/** The place of text among count words, or -1. */
int cli_find_word(const char *const *words, size_t count, const char *text);
/** The name of a key type as --key-type takes it. */
const char *cli_key_type_name(uint8_t key_type);
/** The key type of that name, or -1. */
int cli_find_key_type(const char *text);
/** Writes Unix seconds as an RFC 3339 date. */
void cli_format_time(int64_t unix_s, char out[32]);
/** Splits a list of names at its commas, in place. Returns how many of them are in out. */
uint16_t cli_split_names(char *names, const char **out, uint16_t max);

#endif
