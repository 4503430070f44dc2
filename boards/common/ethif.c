/*
 * lwIP over the board's Ethernet. It must not know the chip or the application.
 */
#include "ethif.h"

#include <string.h>

#include <lwip/apps/sntp.h>
#include <lwip/dhcp.h>
#include <lwip/etharp.h>
#include <lwip/ethip6.h>
#include <lwip/init.h>
#include <lwip/netif.h>
#include <lwip/stats.h>
#include <lwip/sys.h>
#include <lwip/timeouts.h>
#include <netif/ethernet.h>

#include "board.h"
#include "text.h"

#define MTU          1500
#define LINK_LOOK_MS 100u
#define FRAMES_MAX   8 /* a turn; the application is not starved by a flood */

#define KEPT_MAX (PBUF_POOL_SIZE / 2)

static struct netif ethif;
static struct pbuf *kept[KEPT_MAX]; /* frames that came while lwIP could not run */
static uint32_t kept_count;
static uint64_t link_looked_at;
static bool was_ready;

u32_t sys_now(void)
{
    return (u32_t)board_uptime_ms();
}

static err_t send_frame(struct netif *netif, struct pbuf *frame)
{
    (void)netif;
    return board_eth_send(frame);
}

static err_t set_up(struct netif *netif)
{
    netif->hwaddr_len = 6;
    netif->mtu = MTU;
    netif->name[0] = 'e';
    netif->name[1] = 'n';
    netif->hostname = "nanoacme";
    netif->output = etharp_output;
#if LWIP_IPV6
    netif->output_ip6 = ethip6_output;
#endif
    netif->linkoutput = send_frame;
    netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET;
    if (!board_eth_init(netif->hwaddr)) {
        board_panic("no Ethernet");
    }
    return ERR_OK;
}

void ethif_start(void)
{
    struct netif *added;

    if (NO_SYS) { /* else tcpip_init has done it */
        lwip_init();
    }
    added = netif_add_noaddr(&ethif, NULL, set_up, ethernet_input);
    if (added == NULL) {
        board_panic("netif_add");
    }
#if LWIP_IPV6
    netif_create_ip6_linklocal_address(added, 1);
    netif_set_ip6_autoconfig_enabled(added, 1);
#endif
    sntp_servermode_dhcp(1); /* before the lease, which may name a time server */
    netif_set_default(added);
    netif_set_up(added);
    (void)dhcp_start(added);
}

static void follow_link(void)
{
    bool up;

    if (board_uptime_ms() - link_looked_at < LINK_LOOK_MS) {
        return;
    }
    link_looked_at = board_uptime_ms();
    up = board_eth_link_is_up();
    if (up == (netif_is_link_up(&ethif) != 0)) {
        return;
    }
    board_write(up ? "net: link up\r\n" : "net: link down\r\n");
    if (up) {
        netif_set_link_up(&ethif);
    } else {
        netif_set_link_down(&ethif);
    }
}

/* An address by which the world is reached: IPv4's, else IPv6's that a router has given a prefix
 * for. NULL: there is none yet. */
static const ip_addr_t *find_address(void)
{
    if (!ip4_addr_isany_val(*netif_ip4_addr(&ethif))) {
        return netif_ip_addr4(&ethif);
    }
#if LWIP_IPV6
    for (s8_t i = 1; i < LWIP_IPV6_NUM_ADDRESSES; i++) { /* 0 is the link's own */
        if (ip6_addr_ispreferred(netif_ip6_addr_state(&ethif, i))) {
            return netif_ip_addr6(&ethif, i);
        }
    }
#endif
    return NULL;
}

static void report_address(void)
{
    char line[64], address[IPADDR_STRLEN_MAX];
    struct text t;

    text_init(&t, line, sizeof(line));
    text_add(&t, "net: address ");
    text_add(&t, ipaddr_ntoa_r(find_address(), address, sizeof(address)));
    text_add(&t, "\r\n");
    board_write(line);
}

void ethif_breathe(void)
{
    while (kept_count < KEPT_MAX && lwip_stats.memp[MEMP_PBUF_POOL]->used < PBUF_POOL_SIZE / 2) {
        struct pbuf *frame = board_eth_receive();

        if (frame == NULL) {
            return;
        }
        kept[kept_count++] = frame;
    }
}

/* The oldest of those that were kept, else the chip's next. */
static struct pbuf *next_frame(void)
{
    struct pbuf *frame;

    if (kept_count == 0) {
        return board_eth_receive();
    }
    frame = kept[0];
    kept_count--;
    memmove(&kept[0], &kept[1], kept_count * sizeof(kept[0]));
    return frame;
}

bool ethif_poll(void)
{
    bool active = false;
    struct pbuf *frame;

    for (int i = 0; i < FRAMES_MAX; i++) {
        frame = next_frame();
        if (frame == NULL) {
            break;
        }
        active = true;
        if (ethif.input(frame, &ethif) != ERR_OK) {
            (void)pbuf_free(frame);
        }
    }
    follow_link();
    sys_check_timeouts();
    if (ethif_is_ready() != was_ready) {
        was_ready = !was_ready;
        if (was_ready) {
            report_address();
        }
        active = true;
    }
    return active;
}

uint32_t ethif_next_ms(void)
{
    u32_t ms = sys_timeouts_sleeptime();

    return ms < LINK_LOOK_MS ? ms : LINK_LOOK_MS;
}

bool ethif_is_ready(void)
{
    return netif_is_link_up(&ethif) && find_address() != NULL;
}
