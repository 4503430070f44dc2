/*
 * What the tests of Ethernet drivers share: packet buffers in small pieces, frames, and the board's
 * functions that drivers call. The test brings the chip, mmio_read and mmio_write.
 */
#ifndef ETH_BENCH_H
#define ETH_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <lwip/pbuf.h>

#include "board.h"
#include "cortex_m.h"
#include "mmio.h"

#define PIECE     100u
#define FRAME_MAX 1600u

static struct pbuf pieces[FRAME_MAX / PIECE];
static uint8_t payloads[FRAME_MAX / PIECE][PIECE];
static bool no_buffers;
static uint32_t accesses; /* of registers */

struct pbuf *pbuf_alloc(pbuf_layer layer, u16_t len, pbuf_type type)
{
    u16_t left = len;

    (void)layer;
    (void)type;
    if (no_buffers || len > FRAME_MAX) {
        return NULL;
    }
    for (uint32_t i = 0; left > 0; i++) {
        pieces[i].tot_len = left;
        pieces[i].len = left < PIECE ? left : (u16_t)PIECE;
        pieces[i].payload = payloads[i];
        left = (u16_t)(left - pieces[i].len);
        pieces[i].next = left > 0 ? &pieces[i + 1] : NULL;
    }
    return pieces;
}

void cortex_m_enable_irq(uint32_t number)
{
    (void)number;
}

void board_wake(void)
{
}

static inline uint8_t frame_byte(uint32_t seed, uint32_t at)
{
    return (uint8_t)(seed * 37u + at * 11u + (at >> 8));
}

static inline bool is_frame(const struct pbuf *p, uint32_t seed, uint32_t len)
{
    uint32_t at = 0;

    if (p == NULL || p->tot_len != len) {
        return false;
    }
    for (; p != NULL; p = p->next) {
        for (uint32_t i = 0; i < p->len; i++, at++) {
            if (((const uint8_t *)p->payload)[i] != frame_byte(seed, at)) {
                return false;
            }
        }
    }
    return at == len;
}

/* In pieces; the whole is len bytes. */
static inline struct pbuf *frame_to_send(uint32_t seed, uint32_t len)
{
    struct pbuf *p = pbuf_alloc(PBUF_RAW, (u16_t)len, PBUF_POOL);
    uint32_t at = 0;

    for (struct pbuf *part = p; part != NULL; part = part->next) {
        for (uint32_t i = 0; i < part->len; i++) {
            ((uint8_t *)part->payload)[i] = frame_byte(seed, at++);
        }
    }
    return p;
}

#endif
