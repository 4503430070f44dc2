/*
 * What the kernel's pools were used for, at most.
 */
#ifndef KERNEL_MEMORY_H
#define KERNEL_MEMORY_H

#include <stdint.h>

/** Blocks of both kinds that were in use at once. */
uint32_t kernel_memory_peak(void);
/** How often there was none left: whoever asked for it was told so. */
uint32_t kernel_memory_refused(void);

#endif
