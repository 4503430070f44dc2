/*
 * SMSC LAN9118: frames through its FIFOs, without DMA. Where it is, the board's board_config.h
 * says. Its interrupt only ends the sleep; the loop does the work. It must not know lwIP beyond its
 * pbufs.
 */
#include "board.h"

#include <string.h>

#include <lwip/pbuf.h>

#include "board_config.h"
#include "cortex_m.h"

#define REGISTER(offset) (*(volatile uint32_t *)(BOARD_LAN9118_BASE + (offset)))
#define RX_DATA_FIFO     REGISTER(0x00)
#define TX_DATA_FIFO     REGISTER(0x20)
#define RX_STATUS_FIFO   REGISTER(0x40)
#define TX_STATUS_FIFO   REGISTER(0x48)
#define ID_REV           REGISTER(0x50)
#define IRQ_CFG          REGISTER(0x54)
#define INT_STS          REGISTER(0x58)
#define INT_EN           REGISTER(0x5C)
#define BYTE_TEST        REGISTER(0x64)
#define FIFO_INT         REGISTER(0x68)
#define TX_CFG           REGISTER(0x70)
#define HW_CFG           REGISTER(0x74)
#define RX_FIFO_INF      REGISTER(0x7C)
#define TX_FIFO_INF      REGISTER(0x80)
#define MAC_CSR_CMD      REGISTER(0xA4)
#define MAC_CSR_DATA     REGISTER(0xA8)

#define HW_CFG_SRST   1u
#define HW_CFG_FIFOS  0x00050000u /* 5 KB for what is sent */
#define IRQ_ACTIVE    0x111u      /* enabled, active high, push-pull */
#define INT_RX_STATUS 0x8u
#define TX_CFG_ON     2u
#define TX_FIRST_LAST 0x3000u
#define RX_ERROR      0x8000u
#define MAC_BUSY      0x80000000u
#define MAC_READ      0x40000000u
#define BYTE_ORDER_OK 0x87654321u
#define TRIES         100000u

enum { MAC_CR = 1, MAC_ADDRH = 2, MAC_ADDRL = 3, MAC_MII_ACC = 6, MAC_MII_DATA = 7 };
#define MAC_CR_FULL_DUPLEX 0x00100000u
#define MAC_CR_TX_RX       0x0000000Cu
#define MII_PHY            (1u << 11)
#define MII_BUSY           1u
#define PHY_STATUS         1u
#define PHY_STATUS_LINK    4u
#define PHY_CONTROL        0u
#define PHY_AUTONEGOTIATE  0x1200u

static uint32_t mac_read(uint32_t which)
{
    MAC_CSR_CMD = MAC_BUSY | MAC_READ | which;
    for (uint32_t i = 0; i < TRIES && (MAC_CSR_CMD & MAC_BUSY) != 0; i++) {
    }
    return MAC_CSR_DATA;
}

static void mac_write(uint32_t which, uint32_t value)
{
    MAC_CSR_DATA = value;
    MAC_CSR_CMD = MAC_BUSY | which;
    for (uint32_t i = 0; i < TRIES && (MAC_CSR_CMD & MAC_BUSY) != 0; i++) {
    }
}

static uint32_t phy_read(uint32_t which)
{
    mac_write(MAC_MII_ACC, MII_PHY | which << 6 | MII_BUSY);
    for (uint32_t i = 0; i < TRIES && (mac_read(MAC_MII_ACC) & MII_BUSY) != 0; i++) {
    }
    return mac_read(MAC_MII_DATA);
}

static void phy_write(uint32_t which, uint32_t value)
{
    mac_write(MAC_MII_DATA, value);
    mac_write(MAC_MII_ACC, MII_PHY | which << 6 | 2u | MII_BUSY);
    for (uint32_t i = 0; i < TRIES && (mac_read(MAC_MII_ACC) & MII_BUSY) != 0; i++) {
    }
}

bool board_eth_init(uint8_t mac[6])
{
    uint32_t low, high;

    if (BYTE_TEST != BYTE_ORDER_OK || ID_REV >> 16 != 0x0118u) {
        return false;
    }
    HW_CFG = HW_CFG_SRST;
    for (uint32_t i = 0; i < TRIES && (HW_CFG & HW_CFG_SRST) != 0; i++) {
    }
    HW_CFG = HW_CFG_FIFOS;
    phy_write(PHY_CONTROL, PHY_AUTONEGOTIATE);
    low = mac_read(MAC_ADDRL);
    high = mac_read(MAC_ADDRH);
    for (unsigned i = 0; i < 4; i++) {
        mac[i] = (uint8_t)(low >> (8u * i));
    }
    mac[4] = (uint8_t)high;
    mac[5] = (uint8_t)(high >> 8);
    INT_STS = 0xffffffffu;
    FIFO_INT = 0x48000000u; /* at the first frame */
    IRQ_CFG = IRQ_ACTIVE;
    TX_CFG = TX_CFG_ON;
    mac_write(MAC_CR,
              MAC_CR_FULL_DUPLEX | MAC_CR_TX_RX | 0x00080000u /* all multicast, for IPv6 */);
    INT_EN = INT_RX_STATUS;
    cortex_m_enable_irq(BOARD_ETH_IRQ);
    return true;
}

bool board_eth_link_is_up(void)
{
    (void)phy_read(PHY_STATUS); /* it latches a loss */
    return (phy_read(PHY_STATUS) & PHY_STATUS_LINK) != 0;
}

/* The level stays until the frames are read: off until the loop has read them. */
void cortex_m_eth(void)
{
    INT_EN = 0;
    board_wake();
}

static void read_frame(struct pbuf *frame, uint32_t len)
{
    struct pbuf *part = frame;
    uint32_t at = 0;

    for (uint32_t done = 0; done < len; done += 4) {
        uint32_t word = RX_DATA_FIFO;

        for (uint32_t i = 0; i < 4 && part != NULL; i++, word >>= 8) {
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
        uint32_t status, len; /* with the checksum at its end */

        if ((RX_FIFO_INF >> 16 & 0xffu) == 0) {
            INT_STS = INT_RX_STATUS;
            INT_EN = INT_RX_STATUS;
            return NULL;
        }
        status = RX_STATUS_FIFO;
        len = status >> 16 & 0x3fffu;
        if ((status & RX_ERROR) == 0 && len > 4) {
            frame = pbuf_alloc(PBUF_RAW, (u16_t)(len - 4), PBUF_POOL);
        }
        read_frame(frame, len); /* without a buffer the frame is dropped; its sender tries again */
    }
    return frame;
}

err_t board_eth_send(const struct pbuf *frame)
{
    uint32_t word = 0, shift = 0;

    while ((TX_FIFO_INF >> 16 & 0xffu) != 0) {
        (void)TX_STATUS_FIFO;
    }
    if ((TX_FIFO_INF & 0xffffu) < (uint32_t)frame->tot_len + 16u) {
        return ERR_MEM;
    }
    TX_DATA_FIFO = TX_FIRST_LAST | frame->tot_len;
    TX_DATA_FIFO = frame->tot_len;
    for (const struct pbuf *part = frame; part != NULL; part = part->next) {
        for (uint32_t i = 0; i < part->len; i++) {
            word |= (uint32_t)((const uint8_t *)part->payload)[i] << shift;
            shift += 8;
            if (shift == 32) {
                TX_DATA_FIFO = word;
                word = shift = 0;
            }
        }
    }
    if (shift != 0) {
        TX_DATA_FIFO = word;
    }
    return ERR_OK;
}
