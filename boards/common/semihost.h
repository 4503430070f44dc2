/*
 * Files of the machine that runs the emulator, over Arm semihosting (BKPT 0xAB). For emulated
 * boards only: on silicon without a debugger the breakpoint is a fault.
 */
#ifndef SEMIHOST_H
#define SEMIHOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum semihost_mode { SEMIHOST_READ = 1, SEMIHOST_UPDATE = 3, SEMIHOST_CREATE = 7 };

/** A file's handle, or -1. */
int32_t semihost_open(const char *path, enum semihost_mode mode);
/** Bytes of the file, or -1. */
int32_t semihost_length(int32_t file);
bool semihost_seek(int32_t file, uint32_t offset);
bool semihost_read(int32_t file, void *data, size_t len);
bool semihost_write(int32_t file, const void *data, size_t len);

#endif
