/*
 * Files for others, which see them as they were before or whole. It must not know what is in them.
 */
#include "outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "say.h"

bool cli_make_path(char out[CLI_PATH_SIZE], const char *folder, const char *name)
{
    if (snprintf(out, CLI_PATH_SIZE, "%s/%s", folder, name) >= CLI_PATH_SIZE) {
        cli_error("%s/%s: the name is too long", folder, name);
        return false;
    }
    return true;
}

bool cli_sync_folder(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = fd >= 0 && fsync(fd) == 0;

    if (fd >= 0) {
        (void)close(fd);
    }
    return good;
}

static bool fail(const char *path)
{
    cli_error("%s: %s", path, strerror(errno));
    return false;
}

static bool take_descriptor(struct cli_outfile *f, int fd)
{
    f->out = fd < 0 ? NULL : fdopen(fd, "w");
    if (f->out == NULL && fd >= 0) {
        (void)close(fd);
    }
    return f->out != NULL;
}

/* Standard output under another name, such as /dev/stdout, where it leads to a file. */
static bool is_stdout(const struct stat *st)
{
    struct stat out;

    return fstat(STDOUT_FILENO, &out) == 0 && out.st_dev == st->st_dev && out.st_ino == st->st_ino;
}

static bool open_in_place(struct cli_outfile *f, const char *path, const struct stat *st)
{
    f->written[0] = '\0';
    return take_descriptor(f, is_stdout(st) ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)
                                            : open(path, O_WRONLY | O_NOCTTY | O_CLOEXEC));
}

/* Rights of a file that has no secret: as any program's. */
static mode_t usual_mode(void)
{
    mode_t mask = umask(0);

    (void)umask(mask);
    return 0644 & ~mask;
}

/* A name that nobody can know beforehand, and O_EXCL: what others have put there is never used. */
static bool open_beside(struct cli_outfile *f, bool secret)
{
    int fd;

    if (snprintf(f->written, sizeof(f->written), "%s.XXXXXX", f->target) >=
        (int)sizeof(f->written)) {
        errno = ENAMETOOLONG;
        return false;
    }
    fd = mkostemp(f->written, O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    if (fchmod(fd, secret ? S_IRUSR | S_IWUSR : usual_mode()) == 0) {
        if (take_descriptor(f, fd)) {
            return true;
        }
    } else {
        (void)close(fd);
    }
    (void)unlink(f->written);
    return false;
}

/* Where the file is that path names: there, or where links lead. */
static bool find_target(struct cli_outfile *f, const char *path, bool exists)
{
    struct stat st;
    char *real = exists ? realpath(path, NULL) : NULL;
    const char *target = exists ? real : path;
    bool good;

    if (!exists && lstat(path, &st) == 0) {
        errno = ENOENT; /* a link that leads nowhere: not ours to say where the file goes */
        return false;
    }
    good = target != NULL &&
           snprintf(f->target, sizeof(f->target), "%s", target) < (int)sizeof(f->target);
    free(real);
    return good;
}

bool cli_outfile_open(struct cli_outfile *f, const char *path, bool secret)
{
    struct stat st;
    bool exists = stat(path, &st) == 0;

    if (exists && (!S_ISREG(st.st_mode) || is_stdout(&st))) {
        (void)snprintf(f->target, sizeof(f->target), "%s", path);
        return open_in_place(f, path, &st) || fail(path);
    }
    return (find_target(f, path, exists) && open_beside(f, secret)) || fail(path);
}

static bool rename_whole(struct cli_outfile *f)
{
    char *slash = strrchr(f->target, '/');

    if (rename(f->written, f->target) != 0) {
        return false;
    }
    if (slash == NULL) {
        return cli_sync_folder(".");
    }
    slash[slash == f->target ? 1 : 0] = '\0';
    return cli_sync_folder(f->target);
}

/* Writes what is still in the program. Closes in any case. */
static bool finish(struct cli_outfile *f, bool in_place)
{
    bool good = fflush(f->out) == 0 && (in_place || fsync(fileno(f->out)) == 0);
    int why = errno;

    if (fclose(f->out) != 0 && good) {
        good = false;
        why = errno;
    }
    f->out = NULL;
    errno = why;
    return good;
}

bool cli_outfile_close(struct cli_outfile *f, bool keep)
{
    bool in_place = f->written[0] == '\0';
    bool good = finish(f, in_place) || fail(f->target);

    if (in_place) {
        return good;
    }
    if (good && keep) {
        good = rename_whole(f) || fail(f->target);
    }
    if (!good || !keep) {
        (void)unlink(f->written);
    }
    return good;
}
