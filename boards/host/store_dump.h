/* `nanoacme store dump IMAGE`: what a flash image holds. Knows the format, changes nothing. */
#ifndef NANOACME_STORE_DUMP_H
#define NANOACME_STORE_DUMP_H

/** Runs the command: argv[0] is "dump". Returns an exit code of exit.h. */
int cli_store_dump(int argc, char **argv);

#endif
