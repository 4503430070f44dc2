/*
 * lwIP for the host tests: both families, DNS, SNTP; LWIP_TEST_NO_SYS says whether it has threads.
 */
#ifndef LWIPOPTS_H
#define LWIPOPTS_H

#include <stdint.h>

#define NO_SYS                      LWIP_TEST_NO_SYS
#define SYS_LIGHTWEIGHT_PROT        (!NO_SYS)
#define LWIP_SOCKET                 (!NO_SYS)
#define LWIP_NETCONN                (!NO_SYS)
#define LWIP_COMPAT_SOCKETS         0
#define LWIP_POSIX_SOCKETS_IO_NAMES 0

#ifdef LWIP_TEST_ONLY_IPV6 /* compiled, not run */
#define LWIP_IPV4 0
#else
#define LWIP_IPV4 1
#endif
#ifdef LWIP_TEST_ONLY_IPV4
#define LWIP_IPV6 0
#else
#define LWIP_IPV6 1
#endif
#define LWIP_DNS                      1
#define LWIP_IPV6_SEND_ROUTER_SOLICIT 0
#define IPV6_FRAG_COPYHEADER          1 /* pointers of 64 bits */

#define SO_REUSE           1
#define TCP_LISTEN_BACKLOG 1

#define MEM_ALIGNMENT        8
#define MEM_SIZE             (64 * 1024)
#define ETH_PAD_SIZE         0
#define MEMP_NUM_NETCONN     40
#define MEMP_NUM_TCP_SEG     64
#define MEMP_NUM_SYS_TIMEOUT (LWIP_NUM_SYS_TIMEOUT_INTERNAL + 2)
#define TCP_WND              (4 * TCP_MSS)
#define TCP_SND_BUF          (4 * TCP_MSS)
#define TCP_SND_QUEUELEN     16
#define TCP_MSL              1000

#ifdef LWIP_TEST_SMALL /* as boards/lm3s6965evb */
#define ACME_LWIP_RAW_STREAMS 7
#define MEMP_NUM_TCP_PCB      7
#define PBUF_POOL_SIZE        9
#define PBUF_POOL_BUFSIZE     608
#define TCP_MSS               536
#else
#define ACME_LWIP_RAW_STREAMS 9
#define MEMP_NUM_TCP_PCB      40
#define PBUF_POOL_SIZE        64
#define TCP_MSS               1440
#endif

/* With threads the mailboxes hold what the window lets in. */
#define TCPIP_MBOX_SIZE           32
#define DEFAULT_ACCEPTMBOX_SIZE   8
#define DEFAULT_TCP_RECVMBOX_SIZE 16
#define DEFAULT_UDP_RECVMBOX_SIZE 4

#if !NO_SYS /* calls from the wrong thread end the test */
void sys_check_core_locking(void);
#define LWIP_ASSERT_CORE_LOCKED() sys_check_core_locking()
#endif

#define SNTP_SERVER_DNS    1
#define SNTP_STARTUP_DELAY 0
void acme_lwip_set_time(uint32_t unix_s);
#define SNTP_SET_SYSTEM_TIME(s) acme_lwip_set_time(s)

#define LWIP_STATS 0

#endif
