/*
 * The memory of lwIP's port to FreeRTOS, which creates its semaphores and mailboxes while the
 * device runs: blocks of two sizes from static pools, so that nothing is cut into pieces, and one
 * piece that is given away once, for lwIP's thread. A device that has none left refuses a
 * connection. It must not know what is kept there.
 */
#include "kernel_memory.h"

#include <stdbool.h>
#include <stddef.h>

#include <FreeRTOS.h>
#include <semphr.h>
#include <task.h>

#include <lwip/opt.h>

/* A netconn has a semaphore and a mailbox, a listener a mailbox more, a select a semaphore; lwIP
 * two mutexes and its thread's mailbox. */
#define SMALL_SIZE  ((sizeof(StaticQueue_t) + 7u) & ~(size_t)7u)
#define SMALL_COUNT (MEMP_NUM_NETCONN + 2u + 2u)
#define LARGE_SIZE  (SMALL_SIZE + 16u * sizeof(void *))
#define LARGE_COUNT (MEMP_NUM_NETCONN + 2u + 1u)
#define ONCE_SIZE   (sizeof(StaticTask_t) + TCPIP_THREAD_STACKSIZE + 16u)

struct pool {
    uint8_t *memory;
    size_t size;
    uint32_t count;
    uint32_t used; /* a bit for each block */
};

_Static_assert(SMALL_COUNT <= 32 && LARGE_COUNT <= 32, "a bit for each block");
_Static_assert(TCPIP_MBOX_SIZE <= 16 && DEFAULT_TCP_RECVMBOX_SIZE <= 16, "mailboxes fit");

static _Alignas(8) uint8_t small[SMALL_COUNT][SMALL_SIZE];
static _Alignas(8) uint8_t large[LARGE_COUNT][LARGE_SIZE];
static _Alignas(8) uint8_t once[ONCE_SIZE];
static size_t once_used;
static struct pool pools[] = {{small[0], SMALL_SIZE, SMALL_COUNT, 0},
                              {large[0], LARGE_SIZE, LARGE_COUNT, 0}};
static uint32_t in_use, peak, refused;

static void *take_block(struct pool *pool)
{
    for (uint32_t i = 0; i < pool->count; i++) {
        if ((pool->used & 1u << i) == 0) {
            pool->used |= 1u << i;
            in_use++;
            peak = in_use > peak ? in_use : peak;
            return pool->memory + i * pool->size;
        }
    }
    return NULL;
}

static void *take_once(size_t size)
{
    uint8_t *taken = once + once_used;

    size = (size + 7u) & ~(size_t)7u;
    if (size > sizeof(once) - once_used) {
        return NULL;
    }
    once_used += size;
    return taken;
}

static void *take(size_t size)
{
    void *block = NULL;

    if (size > LARGE_SIZE) {
        return take_once(size);
    }
    /* A task's control block is about as large as a queue: it, too, may lie in a pool. */
    if (size <= SMALL_SIZE) {
        block = take_block(&pools[0]);
    }
    return block != NULL ? block : take_block(&pools[1]);
}

/* The kernel's names. */
void *pvPortMalloc(size_t size)
{
    void *block;

    taskENTER_CRITICAL();
    block = take(size);
    refused += block == NULL ? 1u : 0u;
    taskEXIT_CRITICAL();
    return block;
}

static bool give_back(struct pool *pool, const uint8_t *block)
{
    if (block < pool->memory || block >= pool->memory + pool->count * pool->size) {
        return false;
    }
    pool->used &= ~(1u << (uint32_t)((size_t)(block - pool->memory) / pool->size));
    in_use--;
    return true;
}

void vPortFree(void *block)
{
    taskENTER_CRITICAL();
    if (block != NULL && !give_back(&pools[0], block) && !give_back(&pools[1], block)) {
        board_panic("memory that was given away is given back");
    }
    taskEXIT_CRITICAL();
}

uint32_t kernel_memory_peak(void)
{
    return peak;
}

uint32_t kernel_memory_refused(void)
{
    return refused;
}
