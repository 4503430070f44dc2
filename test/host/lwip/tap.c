/*
 * See tap.h. Frames are copied through a buffer: this is a bench.
 */
#include "tap.h"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <lwip/dns.h>
#include <lwip/etharp.h>
#include <lwip/ethip6.h>
#include <lwip/netif.h>
#include <lwip/pbuf.h>

#define FRAME_MAX 1514

static struct netif tap_netif;
static int tap_fd;

static err_t send_frame(struct netif *netif, struct pbuf *frame)
{
    uint8_t bytes[FRAME_MAX];
    u16_t len = pbuf_copy_partial(frame, bytes, sizeof(bytes), 0);

    (void)netif;
    return write(tap_fd, bytes, len) == len ? ERR_OK : ERR_IF;
}

static err_t set_up(struct netif *netif)
{
    static const uint8_t mac[6] = {0x02, 0, 0, 0x66, 0, 2};

    memcpy(netif->hwaddr, mac, sizeof(mac));
    netif->hwaddr_len = sizeof(mac);
    netif->mtu = 1500;
    netif->name[0] = 't';
    netif->name[1] = 'p';
    netif->output = etharp_output;
    netif->output_ip6 = ethip6_output;
    netif->linkoutput = send_frame;
    netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET | NETIF_FLAG_MLD6;
    return ERR_OK;
}

static void open_tap(void)
{
    struct ifreq request;

    memset(&request, 0, sizeof(request));
    strcpy(request.ifr_name, "tap0");
    request.ifr_flags = IFF_TAP | IFF_NO_PI;
    tap_fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (tap_fd < 0 || ioctl(tap_fd, TUNSETIFF, &request) != 0) {
        perror("tap0");
        exit(3);
    }
}

void tap_start(netif_input_fn input)
{
    ip4_addr_t address, mask, gateway;
    ip6_addr_t address6;
    ip_addr_t names;
    s8_t index;

    open_tap();
    IP4_ADDR(&address, 10, 66, 0, 2);
    IP4_ADDR(&mask, 255, 255, 255, 0);
    IP4_ADDR(&gateway, 10, 66, 0, 1);
    if (netif_add(&tap_netif, &address, &mask, &gateway, NULL, set_up, input) == NULL ||
        !ip6addr_aton("fd66::2", &address6)) {
        (void)fprintf(stderr, "no netif\n");
        exit(3);
    }
    netif_set_default(&tap_netif);
    netif_create_ip6_linklocal_address(&tap_netif, 1);
    netif_ip6_addr_set_state(&tap_netif, 0, IP6_ADDR_PREFERRED);
    if (netif_add_ip6_address(&tap_netif, &address6, &index) != ERR_OK) {
        (void)fprintf(stderr, "no IPv6 address\n");
        exit(3);
    }
    netif_set_link_up(&tap_netif);
    netif_set_up(&tap_netif);
    netif_ip6_addr_set_state(&tap_netif, index, IP6_ADDR_PREFERRED);
    ip_addr_copy_from_ip4(names, gateway);
    dns_setserver(0, &names);
}

static bool receive_one(void)
{
    uint8_t bytes[FRAME_MAX];
    ssize_t len = read(tap_fd, bytes, sizeof(bytes));
    struct pbuf *frame;

    if (len <= 0) {
        return false;
    }
    frame = pbuf_alloc(PBUF_RAW, (u16_t)len, PBUF_POOL);
    if (frame == NULL) {
        return true; /* lost, as on a wire */
    }
    (void)pbuf_take(frame, bytes, (u16_t)len);
    if (tap_netif.input(frame, &tap_netif) != ERR_OK) {
        (void)pbuf_free(frame);
    }
    return true;
}

void tap_receive(int wait_ms)
{
    struct pollfd p = {.fd = tap_fd, .events = POLLIN};

    (void)poll(&p, 1, wait_ms);
    while (receive_one()) {
    }
}
