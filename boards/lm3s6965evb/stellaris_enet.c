/*
 * The LM3S6965's Ethernet controller: frames through its FIFO, word by word. Its interrupt only
 * ends the sleep; the loop does the work. It must not know lwIP beyond its pbufs.
 */
#include "board.h"

#include <lwip/pbuf.h>

#include "board_config.h"
#include "cortex_m.h"
#include "mmio.h"

#define ENET_BASE 0x40048000u
#define ENET_RIS  0x00 /* written: acknowledges */
#define ENET_IM   0x04
#define ENET_RCTL 0x08
#define ENET_TCTL 0x0C
#define ENET_DATA 0x10
#define ENET_IA0  0x14
#define ENET_IA1  0x18
#define ENET_MCTL 0x20
#define ENET_MDV  0x24
#define ENET_MRXD 0x30
#define ENET_NP   0x34
#define ENET_TR   0x38

#define INT_RX          1u
#define INT_TX_ERROR    2u
#define INT_OVERRUN     8u    /* of the FIFO of what has come */
#define INT_RX_ERROR    0x10u /* of a frame, which the chip has refused */
#define INT_WAKING      (INT_RX | INT_OVERRUN | INT_RX_ERROR)
#define RCTL_RESET_FIFO 0x10u
#define RCTL_ON         0x09u /* frames with a bad checksum are refused */
#define TCTL_ON         0x17u /* full duplex, checksums and padding by the chip */
#define TR_NEW          1u
#define MDV_2_5_MHZ     9u
#define MCTL_START      1u
#define PHY_STATUS      1u
#define PHY_ID          2u
#define PHY_STATUS_LINK 4u
#define HEADER_LEN      14u
#define FIFO_LEN_MAX    1528u /* with length, VLAN tag and checksum */
#define TRIES           100000u

static uint32_t get(uint32_t offset)
{
    return mmio_read(ENET_BASE + offset);
}

static void put(uint32_t offset, uint32_t value)
{
    mmio_write(ENET_BASE + offset, value);
}

static uint32_t phy_read(uint32_t which)
{
    put(ENET_MCTL, which << 3 | MCTL_START);
    for (uint32_t i = 0; i < TRIES && (get(ENET_MCTL) & MCTL_START) != 0; i++) {
    }
    return get(ENET_MRXD) & 0xffffu;
}

/* Off, then empty, then on: in this order, says the data sheet. */
static void start_receiver(void)
{
    put(ENET_RCTL, 0);
    put(ENET_RCTL, RCTL_RESET_FIFO);
    put(ENET_RCTL, RCTL_ON);
    put(ENET_RIS, INT_WAKING);
}

bool board_eth_init(uint8_t mac[6])
{
    uint32_t low = get(ENET_IA0), high = get(ENET_IA1);

    for (unsigned i = 0; i < 4; i++) {
        mac[i] = (uint8_t)(low >> (8u * i));
    }
    mac[4] = (uint8_t)high;
    mac[5] = (uint8_t)(high >> 8);
    put(ENET_IM, 0);
    put(ENET_MDV, MDV_2_5_MHZ);
    start_receiver();
    put(ENET_TCTL, TCTL_ON);
    put(ENET_RIS, 0x7f);
    put(ENET_IM, INT_WAKING);
    cortex_m_enable_irq(BOARD_ETH_IRQ);
    return true;
}

/* The emulator has no PHY behind this controller: its registers read 0, and the link counts as up.
 */
bool board_eth_link_is_up(void)
{
    return phy_read(PHY_ID) == 0 || (phy_read(PHY_STATUS) & PHY_STATUS_LINK) != 0;
}

/* Off until the loop has read all frames. */
void cortex_m_eth(void)
{
    put(ENET_IM, 0);
    board_wake();
}

/* The FIFO gives words; the first two bytes of a frame's first word are its length, which counts
 * themselves and the four bytes of checksum at the end. */
static void read_frame(struct pbuf *frame, uint32_t word, uint32_t len)
{
    struct pbuf *part = frame;
    uint32_t at = 0;

    word >>= 16;
    for (uint32_t position = 2; position < len; position++, word >>= 8) {
        if (position % 4 == 0) {
            word = get(ENET_DATA);
        }
        if (part != NULL) {
            ((uint8_t *)part->payload)[at++] = (uint8_t)word;
            if (at == part->len) {
                part = part->next;
                at = 0;
            }
        }
    }
}

/* After an overrun nobody knows where in the FIFO a frame begins, and a length that no frame has
 * says the same: all that is in it is given up, and sent again by who wants to be heard. */
struct pbuf *board_eth_receive(void)
{
    struct pbuf *frame = NULL;

    while (frame == NULL) {
        uint32_t word, len;

        if ((get(ENET_RIS) & INT_OVERRUN) != 0) {
            start_receiver();
        }
        if (get(ENET_NP) == 0) {
            put(ENET_RIS, INT_RX | INT_RX_ERROR);
            put(ENET_IM, INT_WAKING);
            return NULL;
        }
        word = get(ENET_DATA);
        len = word & 0xffffu;
        if (len <= 6 + HEADER_LEN || len > FIFO_LEN_MAX) {
            start_receiver();
            continue;
        }
        frame = pbuf_alloc(PBUF_RAW, (u16_t)(len - 6), PBUF_POOL);
        read_frame(frame, word, len); /* without a buffer the frame is dropped */
    }
    return frame;
}

err_t board_eth_send(const struct pbuf *frame)
{
    uint32_t word, shift = 16;

    for (uint32_t i = 0; i < TRIES && (get(ENET_TR) & TR_NEW) != 0; i++) {
    }
    if ((get(ENET_TR) & TR_NEW) != 0 || frame->tot_len < HEADER_LEN) {
        return ERR_MEM;
    }
    if ((get(ENET_RIS) & INT_TX_ERROR) != 0) {
        put(ENET_RIS, INT_TX_ERROR); /* also takes what is left of a frame out of its FIFO */
    }
    word = frame->tot_len - HEADER_LEN;
    for (const struct pbuf *part = frame; part != NULL; part = part->next) {
        for (uint32_t i = 0; i < part->len; i++) {
            word |= (uint32_t)((const uint8_t *)part->payload)[i] << shift;
            shift += 8;
            if (shift == 32) {
                put(ENET_DATA, word);
                word = shift = 0;
            }
        }
    }
    if (shift != 0) {
        put(ENET_DATA, word);
    }
    put(ENET_TR, TR_NEW);
    return ERR_OK;
}
