/* What the boards' rooms see of lwIP, for their tests on the host. */
#ifndef LWIP_ERR_H
#define LWIP_ERR_H

#include <stdint.h>

typedef int8_t err_t;
#define ERR_OK  0
#define ERR_MEM (-1)

#endif
