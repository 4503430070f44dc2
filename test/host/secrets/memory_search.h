/*
 * Looks for secrets in this process's memory, and in any bytes. What it knows of a secret is kept
 * masked, so that it does not find itself. A secret counts as found where 8 bytes of it in a row
 * show: as they are, in reverse order (the numbers of a little-endian processor), in hexadecimal of
 * either case, in base64 or base64url at any alignment. It knows no ACME and no mbedTLS.
 */
#ifndef MEMORY_SEARCH_H
#define MEMORY_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Learns a secret of at least 8 bytes; one that is known, or a part of it, is not learnt again. */
void memory_search_add(const char *name, const void *secret, size_t len);
/** Learns a secret that is text: only as it is, and its bytes in reverse are of no interest. */
void memory_search_add_text(const char *name, const char *text);
/** How many secrets are known. */
unsigned memory_search_known(void);
/** Leaves a range of memory out: a flash chip's, say, or a key's legitimate place. */
void memory_search_exclude(const void *start, size_t len);

/** How often any secret shows in some bytes. The first few are told on stderr, with where. */
unsigned memory_search_bytes(const char *where, const void *data, size_t len);
/** Whether one secret, by the order in which they were learnt, shows in some bytes. */
bool memory_search_shows(unsigned number, const void *data, size_t len);
/** As memory_search_bytes for all memory that this process can write, and shares with nobody:
 * .data, .bss, heap, the whole stack. */
unsigned memory_search_process(void);
/** Nothing is told until it is switched on again. */
void memory_search_quiet(bool quiet);

#endif
