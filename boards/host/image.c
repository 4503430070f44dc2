/*
 * Opens the flash image of --store, and says why it cannot be opened. It must not know what is in
 * it.
 */
#include "image.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "exit.h"
#include "say.h"

static const struct acme_flash_geometry geometry = {
    .sector_size = 4096, .sector_count = 128, .program_size = 8};

/* The doctor changes nothing: without a store, or while another process has it, it works with one
 * that is gone when it ends. */
static int open_no_store(struct acme_posix_flash *flash)
{
    char path[64];

    (void)snprintf(path, sizeof(path), "/tmp/nanoacme-doctor-%ld.img", (long)getpid());
    if (acme_posix_flash_open(flash, path, &geometry) != ACME_OK) {
        cli_error("%s: %s", path, strerror(errno));
        return CLI_CONFIG;
    }
    (void)unlink(path);
    return CLI_OK;
}

/* Commands that have something to do in a store that is new. */
static bool makes_store(enum cli_command command)
{
    return command == CLI_RUN || command == CLI_ACCOUNT || command == CLI_DNS_RECORD ||
           command == CLI_DAEMON;
}

static void say_why(const char *path, int32_t rc)
{
    if (rc == ACME_ERR_STORE_FORMAT) {
        cli_error("store %s: not a nanoacme flash image, or cut short; it was left as it is", path);
    } else if (errno == EAGAIN || errno == EACCES) {
        cli_error("store %s: in use by another process, or not yours", path);
    } else {
        cli_error("store %s: %s", path, strerror(errno));
    }
}

int cli_image_open(struct acme_posix_flash *flash, const struct cli_options *o)
{
    bool exists = access(o->store, F_OK) == 0;
    int32_t rc;

    if (o->command == CLI_DOCTOR && !exists) {
        return open_no_store(flash);
    }
    if (!exists && !makes_store(o->command)) {
        cli_error("store %s: %s; name another with --store", o->store, strerror(errno));
        return CLI_CONFIG;
    }
    rc = acme_posix_flash_open(flash, o->store, &geometry);
    if (rc == ACME_OK) {
        return CLI_OK;
    }
    if (o->command == CLI_DOCTOR && rc == ACME_ERR_STORE_IO) {
        return open_no_store(flash);
    }
    say_why(o->store, rc);
    return CLI_CONFIG;
}
