/*
 * The serial line at the factory: takes the settings of a device that has none, or whose settings
 * the client refuses, and asks a person. The device does nothing else meanwhile. Later it takes
 * roots that the vendor has signed.
 */
#ifndef CONSOLE_H
#define CONSOLE_H

#include "acme/port.h"
#include "settings.h"

/** What is wrong with the settings and the roots that were typed, or NULL. */
typedef const char *(*console_check)(void);

/** Says why, and asks for settings until "save" has written them, which check finds good. The
 * memory is lent for the roots; check may use it, too. */
void console_provision(struct settings *s, const char *why, console_check check, uint8_t *memory,
                       uint32_t size);
/** Asks until the word is typed. */
void console_confirm(const char *question, const char *word);
/** On a device whose settings are good: takes what has come on the serial line, where it listens to
 * nothing but signed roots. True: there are new ones. */
bool console_poll(const struct acme_port *port);

#endif
