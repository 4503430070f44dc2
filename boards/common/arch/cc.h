/*
 * lwIP's view of the compiler: the C library's types, and no printf.
 */
#ifndef ARCH_CC_H
#define ARCH_CC_H

#include <stdint.h>

uint32_t board_random(void);

#define LWIP_NO_INTTYPES_H 1
#define LWIP_NO_CTYPE_H    1
#define LWIP_PLATFORM_DIAG(x)
#define LWIP_RAND() board_random()

/* An assertion that fails is a fault, whose report says where; its text would be flash: 5 KB. */
#define LWIP_PLATFORM_ASSERT(x) __builtin_trap()

#define X8_F  "02x"
#define U16_F "u"
#define S16_F "d"
#define X16_F "x"
#define U32_F "u"
#define S32_F "d"
#define X32_F "x"
#define SZT_F "u"

#endif
