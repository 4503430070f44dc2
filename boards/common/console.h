/*
 * The serial line at the factory: takes the settings of a device that has none.
 */
#ifndef CONSOLE_H
#define CONSOLE_H

#include "settings.h"

/** Asks for settings until "save" has written them. The device does nothing else meanwhile. */
void console_provision(struct settings *s);

#endif
