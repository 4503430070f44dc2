/*
 * Files for others: seen as they were before, or whole.
 */
#ifndef NANOACME_OUTFILE_H
#define NANOACME_OUTFILE_H

#include <stdbool.h>
#include <stdio.h>

#define CLI_PATH_SIZE 4096

struct cli_outfile {
    FILE *out;                   /* to write to */
    char target[CLI_PATH_SIZE];  /* what is replaced at the end */
    char written[CLI_PATH_SIZE]; /* under which name it is written; "": in place */
};

/** Opens path for writing. A file is written under another name until it is whole; what is not a
 * file (a device, a pipe) is written into; a link stays, and what it leads to is written. A file
 * with a secret is its owner's only. False after an error was printed. */
bool cli_outfile_open(struct cli_outfile *f, const char *path, bool secret);
/** Ends it. keep false: the file that was there stays. False after an error was printed. */
bool cli_outfile_close(struct cli_outfile *f, bool keep);
/** Writes folder/name, or prints that it is too long. */
bool cli_make_path(char out[CLI_PATH_SIZE], const char *folder, const char *name);
/** Makes what was made and renamed in a folder last. */
bool cli_sync_folder(const char *folder);

#endif
