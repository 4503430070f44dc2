/*
 * Notes signals, for others to look at. It must not act on them.
 */
#include "signals.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t stop_signal, nudge;

static void on_signal(int number)
{
    if (number == SIGHUP) {
        nudge = 1;
    } else {
        stop_signal = number;
    }
}

void cli_signals_init(bool nudges)
{
    struct sigaction action = {.sa_handler = on_signal};

    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    if (nudges) {
        (void)sigaction(SIGHUP, &action, NULL);
    }
}

int cli_signal_stop(void)
{
    return (int)stop_signal;
}

bool cli_signal_is_nudged(void)
{
    return nudge != 0;
}

bool cli_signal_take_nudge(void)
{
    bool was = nudge != 0;

    nudge = 0;
    return was;
}
