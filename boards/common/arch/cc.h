/*
 * lwIP's view of the compiler: the C library's types, and no printf.
 */
#ifndef ARCH_CC_H
#define ARCH_CC_H

#include <stdint.h>

_Noreturn void board_panic(const char *why);
uint32_t board_random(void);

#define LWIP_NO_INTTYPES_H 1
#define LWIP_PLATFORM_DIAG(x)
#define LWIP_PLATFORM_ASSERT(x) board_panic(x)
#define LWIP_RAND()             board_random()

#define X8_F  "02x"
#define U16_F "u"
#define S16_F "d"
#define X16_F "x"
#define U32_F "u"
#define S32_F "d"
#define X32_F "x"
#define SZT_F "u"

#endif
