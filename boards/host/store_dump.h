/* `nanoacme store dump IMAGE`: what a flash image holds. Knows the format, changes nothing. */
#ifndef NANOACME_STORE_DUMP_H
#define NANOACME_STORE_DUMP_H

/** Runs the command: argv[0] is "dump". when_open (or NULL) is called when no more files will be
 * opened. Returns an exit code of exit.h. */
int cli_store_dump(int argc, char **argv, void (*when_open)(void));

#endif
