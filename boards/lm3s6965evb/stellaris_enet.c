/*
 * The LM3S6965's Ethernet controller: frames through its FIFO, word by word. Its interrupt only
 * ends the sleep; the loop does the work. It must not know lwIP beyond its pbufs.
 */
#include "board.h"

#include <lwip/pbuf.h>

#include "board_config.h"
#include "cortex_m.h"

#define ENET(offset) (*(volatile uint32_t *)(0x40048000u + (offset)))
#define ENET_RIS     ENET(0x00) /* written: acknowledges */
#define ENET_IM      ENET(0x04)
#define ENET_RCTL    ENET(0x08)
#define ENET_TCTL    ENET(0x0C)
#define ENET_DATA    ENET(0x10)
#define ENET_IA0     ENET(0x14)
#define ENET_IA1     ENET(0x18)
#define ENET_MCTL    ENET(0x20)
#define ENET_MDV     ENET(0x24)
#define ENET_MRXD    ENET(0x30)
#define ENET_NP      ENET(0x34)
#define ENET_TR      ENET(0x38)

#define INT_RX          1u
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
#define TRIES           100000u

static uint32_t phy_read(uint32_t which)
{
    ENET_MCTL = which << 3 | MCTL_START;
    for (uint32_t i = 0; i < TRIES && (ENET_MCTL & MCTL_START) != 0; i++) {
    }
    return ENET_MRXD & 0xffffu;
}

bool board_eth_init(uint8_t mac[6])
{
    uint32_t low = ENET_IA0, high = ENET_IA1;

    for (unsigned i = 0; i < 4; i++) {
        mac[i] = (uint8_t)(low >> (8u * i));
    }
    mac[4] = (uint8_t)high;
    mac[5] = (uint8_t)(high >> 8);
    ENET_IM = 0;
    ENET_MDV = MDV_2_5_MHZ;
    ENET_RCTL = RCTL_RESET_FIFO;
    ENET_RCTL = RCTL_ON;
    ENET_TCTL = TCTL_ON;
    ENET_RIS = 0x7f;
    ENET_IM = INT_RX;
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
    ENET_IM = 0;
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
            word = ENET_DATA;
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

struct pbuf *board_eth_receive(void)
{
    struct pbuf *frame = NULL;

    while (frame == NULL) {
        uint32_t word, len;

        if (ENET_NP == 0) {
            ENET_RIS = INT_RX;
            ENET_IM = INT_RX;
            return NULL;
        }
        word = ENET_DATA;
        len = word & 0xffffu;
        if (len > 6 + HEADER_LEN) {
            frame = pbuf_alloc(PBUF_RAW, (u16_t)(len - 6), PBUF_POOL);
        }
        read_frame(frame, word, len); /* without a buffer the frame is dropped */
    }
    return frame;
}

err_t board_eth_send(const struct pbuf *frame)
{
    uint32_t word, shift = 16;

    for (uint32_t i = 0; i < TRIES && (ENET_TR & TR_NEW) != 0; i++) {
    }
    if ((ENET_TR & TR_NEW) != 0 || frame->tot_len < HEADER_LEN) {
        return ERR_MEM;
    }
    word = frame->tot_len - HEADER_LEN;
    for (const struct pbuf *part = frame; part != NULL; part = part->next) {
        for (uint32_t i = 0; i < part->len; i++) {
            word |= (uint32_t)((const uint8_t *)part->payload)[i] << shift;
            shift += 8;
            if (shift == 32) {
                ENET_DATA = word;
                word = shift = 0;
            }
        }
    }
    if (shift != 0) {
        ENET_DATA = word;
    }
    ENET_TR = TR_NEW;
    return ERR_OK;
}
