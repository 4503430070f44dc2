/*
 * The serial line at the factory: takes the settings of a device that has none, or whose settings
 * the client refuses, and asks a person. The device does nothing else meanwhile.
 */
#ifndef CONSOLE_H
#define CONSOLE_H

#include "settings.h"

/** What is wrong with the settings, or NULL. */
typedef const char *(*console_check)(void);

/** Says why, and asks for settings until "save" has written them, which check finds good. */
void console_provision(struct settings *s, const char *why, console_check check);
/** Asks until the word is typed. */
void console_confirm(const char *question, const char *word);

#endif
