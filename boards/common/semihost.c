/*
 * Arm semihosting. It must not know what the files hold.
 */
#include "semihost.h"

#include <string.h>

enum { SYS_OPEN = 0x01, SYS_WRITE = 0x05, SYS_READ = 0x06, SYS_SEEK = 0x0A, SYS_FLEN = 0x0C };

static int32_t call(uint32_t operation, const uint32_t *arguments)
{
    register uint32_t r0 __asm__("r0") = operation;
    register const uint32_t *r1 __asm__("r1") = arguments;

    __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
    return (int32_t)r0;
}

int32_t semihost_open(const char *path, enum semihost_mode mode)
{
    const uint32_t arguments[] = {(uint32_t)(uintptr_t)path, (uint32_t)mode, strlen(path)};

    return call(SYS_OPEN, arguments);
}

int32_t semihost_length(int32_t file)
{
    const uint32_t arguments[] = {(uint32_t)file};

    return call(SYS_FLEN, arguments);
}

bool semihost_seek(int32_t file, uint32_t offset)
{
    const uint32_t arguments[] = {(uint32_t)file, offset};

    return call(SYS_SEEK, arguments) == 0;
}

/* Both answer with how many bytes were left over. */
bool semihost_read(int32_t file, void *data, size_t len)
{
    const uint32_t arguments[] = {(uint32_t)file, (uint32_t)(uintptr_t)data, len};

    return call(SYS_READ, arguments) == 0;
}

bool semihost_write(int32_t file, const void *data, size_t len)
{
    const uint32_t arguments[] = {(uint32_t)file, (uint32_t)(uintptr_t)data, len};

    return call(SYS_WRITE, arguments) == 0;
}
