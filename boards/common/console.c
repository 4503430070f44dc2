/*
 * Provisioning over the serial line: one setting a line, then "save". A device with settings never
 * listens to its serial line, so that whoever finds it cannot redirect it. It must not know flash.
 */
#include "console.h"

#include <string.h>

#include "board.h"

#define LINE_SIZE 160

static void read_line(char line[LINE_SIZE])
{
    size_t len = 0;
    int c;

    do {
        c = board_read();
        if (c < 0) {
            board_sleep();
        } else if (c >= ' ' && len + 1 < LINE_SIZE) {
            line[len++] = (char)c;
        }
    } while (c != '\n' && c != '\r');
    line[len] = '\0';
}

static const char *save(struct settings *s)
{
    const char *wrong = settings_missing(s);

    if (wrong == NULL && !settings_save(s)) {
        wrong = "the flash refused them";
    }
    return wrong;
}

void console_provision(struct settings *s)
{
    char line[LINE_SIZE];
    bool saved = false;

    board_write("console: this device has no settings; give them, then: save\r\n");
    while (!saved) {
        const char *wrong = NULL;

        read_line(line);
        if (strcmp(line, "save") == 0) {
            wrong = save(s);
            saved = wrong == NULL;
        } else if (line[0] != '\0') {
            wrong = settings_take_line(s, line);
        }
        if (wrong != NULL) {
            board_write("console: error: ");
            board_write(wrong);
            board_write("\r\n");
        } else if (line[0] != '\0') {
            board_write("console: ok\r\n");
        }
    }
}
