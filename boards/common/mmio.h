/*
 * A chip's registers, by their addresses. A test of a driver brings its own (MMIO_FAKE).
 */
#ifndef MMIO_H
#define MMIO_H

#include <stdint.h>

#if defined(MMIO_FAKE)
uint32_t mmio_read(uint32_t address);
void mmio_write(uint32_t address, uint32_t value);
#else
static inline uint32_t mmio_read(uint32_t address)
{
    return *(volatile uint32_t *)address;
}

static inline void mmio_write(uint32_t address, uint32_t value)
{
    *(volatile uint32_t *)address = value;
}
#endif

#endif
