/*
 * lwIP with its thread and sockets; all else is as on the other MPS2.
 */
#ifndef FREERTOS_LWIPOPTS_H
#define FREERTOS_LWIPOPTS_H

#include <sys/time.h>

#define NO_SYS                  0
#define SYS_LIGHTWEIGHT_PROT    1
#define LWIP_NETCONN            1
#define LWIP_SOCKET             1
#define LWIP_COMPAT_SOCKETS     0
#define LWIP_TIMEVAL_PRIVATE    0 /* newlib has one */
#define LWIP_ERRNO_STDINCLUDE   1 /* newlib's, in kernel.c one for each task */
#define LWIP_TCPIP_CORE_LOCKING 1

/* The time is the board's (ethif.c). */
#define LWIP_FREERTOS_SYS_NOW_FROM_FREERTOS 0

#define TCPIP_THREAD_NAME         "lwip"
#define TCPIP_THREAD_STACKSIZE    3072
#define TCPIP_THREAD_PRIO         3
#define TCPIP_MBOX_SIZE           16
#define DEFAULT_TCP_RECVMBOX_SIZE 16
#define DEFAULT_UDP_RECVMBOX_SIZE 4
#define DEFAULT_RAW_RECVMBOX_SIZE 4
#define DEFAULT_ACCEPTMBOX_SIZE   4
#define MEMP_NUM_NETCONN          14 /* of two contexts of port/lwip_socket, less than both could have */
#define MEMP_NUM_NETBUF           2
#define MEMP_NUM_TCPIP_MSG_API    8
#define MEMP_NUM_TCPIP_MSG_INPKT  4 /* frames come under the core's lock, not as messages */
#define MEMP_NUM_SELECT_CB        4

#include "../common/mps2/lwip/lwipopts.h"

#endif
