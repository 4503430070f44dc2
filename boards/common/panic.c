/*
 * What a board does that cannot go on: says why, waits, and begins anew. What fails at each start
 * would be a chip that resets for ever, hundreds of times a second, with flash and a network that
 * suffer it: the pause doubles with each panic in a row, from one second to five minutes. It must
 * not know what fails.
 */
#include "board.h"
#include "cortex_m.h"
#include "text.h"

#define PAUSE_MS     1000u
#define PAUSE_MAX_MS 300000u
#define FORGOTTEN_MS 600000u /* a run of so long says that what was wrong has passed */

/* Panics in a row, in memory that a reset leaves as it is; after power comes it holds anything, and
 * the check says so. */
static struct {
    uint32_t count, check;
} panics __attribute__((section(".noinit")));

static uint32_t count_panic(void)
{
    if (panics.check != ~panics.count || board_uptime_ms() >= FORGOTTEN_MS) {
        panics.count = 0;
    }
    panics.count += panics.count < UINT16_MAX ? 1 : 0;
    panics.check = ~panics.count;
    return panics.count;
}

static void back_off(void)
{
    uint32_t count = count_panic();
    uint32_t ms = count < 10 ? PAUSE_MS << (count - 1) : PAUSE_MAX_MS;
    char line[64];
    struct text t;

    ms = ms < PAUSE_MAX_MS ? ms : PAUSE_MAX_MS;
    text_init(&t, line, sizeof(line));
    text_add(&t, "panic: ");
    text_add_number(&t, count);
    text_add(&t, " in a row, reset in seconds ");
    text_add_number(&t, ms / 1000u);
    text_add(&t, "\r\n");
    board_write(line);
    cortex_m_wait_ms(ms);
}

void board_panic(const char *why)
{
    board_write("\r\npanic: ");
    board_write(why);
    board_write("\r\n");
    back_off();
    cortex_m_restart();
}
