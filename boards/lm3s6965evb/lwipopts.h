/*
 * lwIP on the small board: raw API, IPv4, DHCP, DNS, SNTP; small segments and few buffers.
 */
#ifndef LWIPOPTS_H
#define LWIPOPTS_H

#include <stdint.h>

#define NO_SYS               1
#define SYS_LIGHTWEIGHT_PROT 0 /* lwIP never runs in an interrupt */
#define LWIP_SOCKET          0
#define LWIP_NETCONN         0

#define LWIP_IPV4                1
#define LWIP_IPV6                0
#define LWIP_DHCP                1
#define LWIP_DHCP_GET_NTP_SRV    1
#define LWIP_DNS                 1
#define LWIP_DHCP_DOES_ACD_CHECK 0 /* RFC 5227 probing: seven seconds of each boot */
#define LWIP_NETIF_HOSTNAME      1
#define LWIP_SINGLE_NETIF        1

/* Its assertions are 3 KB; the reference board has them. */
#define LWIP_NOASSERT 1

#define MEM_ALIGNMENT           4
#define MEM_SIZE                3072
#define MEMP_NUM_PBUF           1 /* of data that is not lwIP's: the port has it copied */
#define ACME_LWIP_RAW_STREAMS   7 /* the CA's, two of the status page, four of the responder */
#define MEMP_NUM_TCP_PCB        7
#define MEMP_NUM_TCP_PCB_LISTEN 2
#define MEMP_NUM_TCP_SEG        12
#define MEMP_NUM_SYS_TIMEOUT    (LWIP_NUM_SYS_TIMEOUT_INTERNAL + 2)
#define PBUF_POOL_SIZE          9
#define PBUF_POOL_BUFSIZE       608

#define TCP_MSS            536
#define TCP_WND            (4 * TCP_MSS)
#define TCP_SND_BUF        (2 * TCP_MSS)
#define TCP_SND_QUEUELEN   6
#define TCP_LISTEN_BACKLOG 1
#define SO_REUSE           1    /* listen again while old connections are in TIME_WAIT */
#define TCP_MSL            5000 /* a device has few pcbs, and its links are short */

/* The address of a host never leaves the cache for longer than its record says. */
#define DNS_TABLE_SIZE      1
#define DNS_MAX_NAME_LENGTH 128
#define ACME_LWIP_LOOKUPS   1 /* nobody but the client connects, to one host at a time */
#define MEMP_NUM_FRAG_PBUF  1
#define IP_REASSEMBLY       0
#define IP_FRAG             0
#define ARP_TABLE_SIZE      4
#define ARP_QUEUEING        0

#define SNTP_SERVER_DNS  1
#define SNTP_MAX_SERVERS 1
void acme_lwip_set_time(uint32_t unix_s);
#define SNTP_SET_SYSTEM_TIME(s) acme_lwip_set_time(s)
/* An answer is of the server that was asked, and repeats what nobody else has seen. */
#define SNTP_CHECK_RESPONSE 2
#define SNTP_GET_SYSTEM_TIME_NTP(s, f)                                                             \
    do {                                                                                           \
        (s) = (s32_t)LWIP_RAND();                                                                  \
        (f) = LWIP_RAND();                                                                         \
    } while (0)

#define LWIP_STATS   1
#define MEM_STATS    1
#define MEMP_STATS   1
#define LINK_STATS   0
#define ETHARP_STATS 0
#define IP_STATS     0
#define IPFRAG_STATS 0
#define ICMP_STATS   0
#define UDP_STATS    0
#define TCP_STATS    0
#define SYS_STATS    0

#endif
