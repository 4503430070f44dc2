/*
 * Provisioning over the serial line: one setting a line, then "save". A device whose settings are
 * good never listens to its serial line, so that whoever finds it cannot redirect it. It must not
 * know flash.
 */
#include "console.h"

#include <string.h>

#include "board.h"

#define LINE_SIZE 160

/* A line without its end; false: it was longer than there is room for. */
static bool read_line(char line[LINE_SIZE])
{
    size_t len = 0;
    bool fits = true;
    int c;

    do {
        c = board_read();
        if (c < 0) {
            board_sleep();
        } else if (c >= ' ') {
            fits = fits && len + 1 < LINE_SIZE;
            if (fits) {
                line[len++] = (char)c;
            }
        }
    } while (c != '\n' && c != '\r');
    line[len] = '\0';
    return fits;
}

static void tell(const char *what, const char *more)
{
    board_write("console: ");
    board_write(what);
    board_write(more);
    board_write("\r\n");
}

/* Only what the client would begin with is kept: a device with other settings would be lost. */
static const char *save(struct settings *s, console_check check)
{
    const char *wrong = settings_missing(s);

    wrong = wrong == NULL ? check() : wrong;
    if (wrong == NULL && !settings_save(s)) {
        wrong = "the flash refused them";
    }
    return wrong;
}

void console_provision(struct settings *s, const char *why, console_check check)
{
    char line[LINE_SIZE];
    bool saved = false;

    tell(why, "; give them, then: save");
    while (!saved) {
        const char *wrong = NULL;

        if (!read_line(line)) {
            wrong = "a line has 159 characters at most";
        } else if (strcmp(line, "save") == 0) {
            wrong = save(s, check);
            saved = wrong == NULL;
        } else if (strcmp(line, "clear") == 0) {
            memset(s, 0, sizeof(*s));
        } else if (line[0] != '\0') {
            wrong = settings_take_line(s, line);
        }
        if (wrong != NULL) {
            tell("error: ", wrong);
        } else if (line[0] != '\0') {
            tell("ok", "");
        }
    }
}

void console_confirm(const char *question, const char *word)
{
    char line[LINE_SIZE];

    do {
        tell(question, word);
    } while (!read_line(line) || strcmp(line, word) != 0);
    tell("ok", "");
}
