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
#include "mmio.h"

#define RX_DATA_FIFO   0x00
#define TX_DATA_FIFO   0x20
#define RX_STATUS_FIFO 0x40
#define TX_STATUS_FIFO 0x48
#define ID_REV         0x50
#define IRQ_CFG        0x54
#define INT_STS        0x58
#define INT_EN         0x5C
#define BYTE_TEST      0x64
#define FIFO_INT       0x68
#define RX_CFG         0x6C
#define TX_CFG         0x70
#define HW_CFG         0x74
#define RX_FIFO_INF    0x7C
#define TX_FIFO_INF    0x80
#define MAC_CSR_CMD    0xA4
#define MAC_CSR_DATA   0xA8

#define HW_CFG_SRST   1u
#define HW_CFG_FIFOS  0x00050000u /* 5 KB for what is sent */
#define IRQ_ACTIVE    0x111u      /* enabled, active high, push-pull */
#define INT_RX_STATUS 0x8u
#define INT_TX_ERROR  0x2000u
#define INT_RX_ERROR  0x4000u
#define INT_RX_STOP   0x01000000u
#define INT_WAKING    (INT_RX_STATUS | INT_RX_ERROR)
#define RX_CFG_DUMP   0x8000u
#define TX_CFG_ON     2u
#define TX_FIRST_LAST 0x3000u
#define RX_ERROR      0x8000u
#define MAC_BUSY      0x80000000u
#define MAC_READ      0x40000000u
#define BYTE_ORDER_OK 0x87654321u
#define TRIES         100000u
#define FRAME_LEN_MAX 1522u /* with VLAN tag and checksum */

enum { MAC_CR = 1, MAC_ADDRH = 2, MAC_ADDRL = 3, MAC_MII_ACC = 6, MAC_MII_DATA = 7 };
#define MAC_CR_FULL_DUPLEX 0x00100000u
#define MAC_CR_TX          0x00000008u
#define MAC_CR_RX          0x00000004u
#define MAC_CR_MULTICAST   0x00080000u /* all of it, for IPv6 */
#define MAC_CR_ON          (MAC_CR_FULL_DUPLEX | MAC_CR_MULTICAST | MAC_CR_TX | MAC_CR_RX)
#define MII_PHY            (1u << 11)
#define MII_BUSY           1u
#define PHY_STATUS         1u
#define PHY_STATUS_LINK    4u
#define PHY_CONTROL        0u
#define PHY_AUTONEGOTIATE  0x1200u

static uint32_t get(uint32_t offset)
{
    return mmio_read(BOARD_LAN9118_BASE + offset);
}

static void put(uint32_t offset, uint32_t value)
{
    mmio_write(BOARD_LAN9118_BASE + offset, value);
}

static uint32_t mac_read(uint32_t which)
{
    put(MAC_CSR_CMD, MAC_BUSY | MAC_READ | which);
    for (uint32_t i = 0; i < TRIES && (get(MAC_CSR_CMD) & MAC_BUSY) != 0; i++) {
    }
    return get(MAC_CSR_DATA);
}

static void mac_write(uint32_t which, uint32_t value)
{
    put(MAC_CSR_DATA, value);
    put(MAC_CSR_CMD, MAC_BUSY | which);
    for (uint32_t i = 0; i < TRIES && (get(MAC_CSR_CMD) & MAC_BUSY) != 0; i++) {
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

/* Stopped, emptied, started: a receiver that runs must not be emptied, says the data sheet. */
static void restart_receiver(void)
{
    mac_write(MAC_CR, MAC_CR_ON & ~MAC_CR_RX);
    for (uint32_t i = 0; i < TRIES && (get(INT_STS) & INT_RX_STOP) == 0; i++) {
    }
    put(RX_CFG, RX_CFG_DUMP);
    for (uint32_t i = 0; i < TRIES && (get(RX_CFG) & RX_CFG_DUMP) != 0; i++) {
    }
    put(INT_STS, INT_RX_STOP | INT_RX_ERROR | INT_RX_STATUS);
    mac_write(MAC_CR, MAC_CR_ON);
}

bool board_eth_init(uint8_t mac[6])
{
    uint32_t low, high;

    if (get(BYTE_TEST) != BYTE_ORDER_OK || get(ID_REV) >> 16 != 0x0118u) {
        return false;
    }
    put(HW_CFG, HW_CFG_SRST);
    for (uint32_t i = 0; i < TRIES && (get(HW_CFG) & HW_CFG_SRST) != 0; i++) {
    }
    put(HW_CFG, HW_CFG_FIFOS);
    phy_write(PHY_CONTROL, PHY_AUTONEGOTIATE);
    low = mac_read(MAC_ADDRL);
    high = mac_read(MAC_ADDRH);
    for (unsigned i = 0; i < 4; i++) {
        mac[i] = (uint8_t)(low >> (8u * i));
    }
    mac[4] = (uint8_t)high;
    mac[5] = (uint8_t)(high >> 8);
    put(INT_STS, 0xffffffffu);
    put(FIFO_INT, 0x48000000u); /* at the first frame */
    put(IRQ_CFG, IRQ_ACTIVE);
    put(TX_CFG, TX_CFG_ON);
    mac_write(MAC_CR, MAC_CR_ON);
    put(INT_EN, INT_WAKING);
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
    put(INT_EN, 0);
    board_wake();
}

static void read_frame(struct pbuf *frame, uint32_t len)
{
    struct pbuf *part = frame;
    uint32_t at = 0;

    for (uint32_t done = 0; done < len; done += 4) {
        uint32_t word = get(RX_DATA_FIFO);

        for (uint32_t i = 0; i < 4 && part != NULL; i++, word >>= 8) {
            ((uint8_t *)part->payload)[at++] = (uint8_t)word;
            if (at == part->len) {
                part = part->next;
                at = 0;
            }
        }
    }
}

/* Whether it can be: there are so many bytes, and a frame that is good has no other length. */
static bool is_plausible(uint32_t status, uint32_t len)
{
    uint32_t there = get(RX_FIFO_INF) & 0xffffu;

    return ((len + 3u) & ~3u) <= there &&
           ((status & RX_ERROR) != 0 || (len > 4 && len <= FRAME_LEN_MAX));
}

/* When the chip drops frames for want of room, the others are good. Where its two FIFOs are out of
 * step, which it may say or not, nobody knows where a frame begins: all is given up, and sent again
 * by who wants to be heard. */
struct pbuf *board_eth_receive(void)
{
    struct pbuf *frame = NULL;

    while (frame == NULL) {
        uint32_t status, len; /* with the checksum at its end */

        if ((get(INT_STS) & INT_RX_ERROR) != 0) {
            restart_receiver();
        }
        if ((get(RX_FIFO_INF) >> 16 & 0xffu) == 0) {
            put(INT_STS, INT_RX_STATUS);
            put(INT_EN, INT_WAKING);
            return NULL;
        }
        status = get(RX_STATUS_FIFO);
        len = status >> 16 & 0x3fffu;
        if (!is_plausible(status, len)) {
            restart_receiver();
            continue;
        }
        if ((status & RX_ERROR) == 0) {
            frame = pbuf_alloc(PBUF_RAW, (u16_t)(len - 4), PBUF_POOL);
        }
        read_frame(frame, len); /* without a buffer the frame is dropped; its sender tries again */
    }
    return frame;
}

/* A transmitter that has lost its place in what is written to it wants the chip to be reset. */
static void mend_transmitter(void)
{
    uint8_t mac[6];

    if ((get(INT_STS) & INT_TX_ERROR) != 0) {
        (void)board_eth_init(mac);
    }
}

err_t board_eth_send(const struct pbuf *frame)
{
    uint32_t word = 0, shift = 0;

    mend_transmitter();
    while ((get(TX_FIFO_INF) >> 16 & 0xffu) != 0) {
        (void)get(TX_STATUS_FIFO);
    }
    if ((get(TX_FIFO_INF) & 0xffffu) < (uint32_t)frame->tot_len + 16u) {
        return ERR_MEM;
    }
    put(TX_DATA_FIFO, TX_FIRST_LAST | frame->tot_len);
    put(TX_DATA_FIFO, frame->tot_len);
    for (const struct pbuf *part = frame; part != NULL; part = part->next) {
        for (uint32_t i = 0; i < part->len; i++) {
            word |= (uint32_t)((const uint8_t *)part->payload)[i] << shift;
            shift += 8;
            if (shift == 32) {
                put(TX_DATA_FIFO, word);
                word = shift = 0;
            }
        }
    }
    if (shift != 0) {
        put(TX_DATA_FIFO, word);
    }
    return ERR_OK;
}
