/* What the boards' Ethernet drivers see of lwIP, for their tests on the host. */
#ifndef LWIP_PBUF_H
#define LWIP_PBUF_H

#include <stdint.h>

typedef uint16_t u16_t;
typedef enum { PBUF_RAW } pbuf_layer;
typedef enum { PBUF_POOL } pbuf_type;

struct pbuf {
    struct pbuf *next;
    void *payload;
    u16_t tot_len, len;
};

struct pbuf *pbuf_alloc(pbuf_layer layer, u16_t len, pbuf_type type);

#endif
