/* Any text under construction, and what each function of buf keeps. After buf.h. */
#ifndef ACME_PROOF_BUF_H
#define ACME_PROOF_BUF_H

static inline bool is_buf(const struct acme_buf *b)
{
    return b->size == 0 ? b->len == 0 && b->overflow
                        : b->len < b->size && (b->overflow || b->data[b->len] == '\0');
}

static inline struct acme_buf any_buf(size_t size, size_t most)
{
    struct acme_buf b = {any_bytes(size, most), size, nondet_size(), nondet_bool()};

    ASSUME(is_buf(&b));
    return b;
}

#endif
