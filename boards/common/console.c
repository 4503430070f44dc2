/*
 * Provisioning over the serial line: one setting a line, then "save". A device whose settings are
 * good takes nothing from its serial line but roots that its vendor has signed, so that whoever
 * finds it cannot redirect it. It must not know flash.
 */
#include "console.h"

#include <string.h>

#include "board.h"
#include "root_list.h"
#include "roots.h"
#include "text.h"

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

/* ---- the roots ---- */

static void tell_root(uint32_t number, const uint8_t *der, uint32_t len)
{
    char line[96], name[64];
    struct text t;

    text_init(&t, line, sizeof(line));
    text_add(&t, "root ");
    text_add_number(&t, number);
    text_add(&t, ": ");
    text_add_number(&t, len);
    text_add(&t, " bytes, ");
    text_add(&t, root_list_name(der, len, name, sizeof(name)) ? name : "no common name");
    tell(line, "");
}

static void tell_roots(const struct root_list *list)
{
    uint32_t at = 0, number = 0;

    while (at < list->len) {
        uint32_t len = root_list_der_len(list->data + at, list->len - at);

        len = len == 0 || len > list->len - at ? list->len - at : len;
        tell_root(++number, list->data + at, len);
        at += len;
    }
}

static uint32_t number_of(const char *text)
{
    uint32_t number = 0;

    for (; *text >= '0' && *text <= '9' && number < 1000u; text++) {
        number = number * 10u + (uint32_t)(*text - '0');
    }
    return *text == '\0' ? number : 0;
}

/* ---- a device without good settings ---- */

struct provision {
    struct settings *settings;
    console_check check;
    uint8_t *memory;
    uint32_t size;
    struct root_list list;
    bool typed; /* roots were: then they count, and no bundle */
    bool saved;
};

/* Those that are in flash. */
static void load_list(struct provision *p)
{
    uint32_t len = p->settings->anchor_len < p->size ? p->settings->anchor_len : 0;

    len = settings_read(p->settings->anchor_at, p->memory, len) ? len : 0;
    root_list_init(&p->list, p->memory, p->size, len);
}

/* Only what the client would begin with is kept: a device with other settings would be lost. The
 * check uses the memory that the roots are in; by then they are in flash, where it looks at them.
 */
static const char *save(struct provision *p)
{
    const char *wrong = settings_missing(p->settings);

    wrong = wrong == NULL ? root_list_unfinished(&p->list) : wrong;
    if (wrong == NULL && p->list.len == 0 && (p->typed || roots_anchor(ROOTS_NEWEST).len == 0)) {
        wrong = "the CA's root is missing (anchor, or PEM)";
    }
    if (wrong != NULL) {
        return wrong;
    }
    if (!settings_write(p->settings, p->list.data, p->list.len)) {
        return "the flash refused them";
    }
    wrong = p->check();
    load_list(p);
    if (wrong == NULL && ((p->typed && !roots_forget()) || !settings_seal())) {
        wrong = "the flash refused them";
    }
    p->saved = wrong == NULL;
    return wrong;
}

static const char *take_roots(struct provision *p, const char *line)
{
    const char *wrong = NULL;

    if (root_list_is_pem(&p->list, line)) {
        wrong = root_list_pem(&p->list, line);
    } else if (strncmp(line, "anchor", 6) == 0 && (line[6] == ' ' || line[6] == '\0')) {
        wrong = root_list_hex(&p->list, line[6] == ' ' ? line + 7 : "");
    } else if (strncmp(line, "remove ", 7) == 0) {
        wrong = root_list_remove(&p->list, number_of(line + 7));
    } else if (strcmp(line, "roots") == 0) {
        tell_roots(&p->list);
        return NULL;
    } else {
        return settings_take_line(p->settings, line);
    }
    p->typed = p->typed || wrong == NULL;
    return wrong;
}

static const char *take_line(struct provision *p, const char *line)
{
    if (strcmp(line, "save") == 0) {
        return save(p);
    }
    if (strcmp(line, "clear") == 0) {
        memset(p->settings, 0, sizeof(*p->settings));
        root_list_init(&p->list, p->memory, p->size, 0);
        p->typed = true;
        return NULL;
    }
    return line[0] == '\0' ? NULL : take_roots(p, line);
}

void console_provision(struct settings *s, const char *why, console_check check, uint8_t *memory,
                       uint32_t size)
{
    struct provision p = {.settings = s, .check = check, .memory = memory, .size = size};
    char line[LINE_SIZE];

    load_list(&p);
    tell(why, "; give them, then: save");
    while (!p.saved) {
        const char *wrong =
            read_line(line) ? take_line(&p, line) : "a line has 159 characters at most";

        if (wrong != NULL) {
            tell("error: ", wrong);
        } else if (line[0] != '\0') {
            tell("ok", "");
        }
    }
}

/* ---- a device at work ---- */

static void tell_bundle(void)
{
    char line[64];
    struct text t;

    text_init(&t, line, sizeof(line));
    text_add(&t, "roots: version ");
    text_add_number(&t, roots_version());
    text_add(&t, roots_on_trial() ? ", on trial" : ", in use");
    tell(line, "");
}

static const char *add_hex(const char *hex)
{
    uint8_t data[LINE_SIZE / 2];
    uint32_t len = 0;

    for (; *hex != '\0'; hex += 2) {
        int byte = settings_hex_byte(hex);

        if (byte < 0) {
            return "not lower-case hexadecimal";
        }
        data[len++] = (uint8_t)byte;
    }
    return roots_add(data, len);
}

static const char *end_bundle(const struct acme_port *port, bool *more)
{
    static char refused[48];
    int32_t rc = roots_end(port);
    struct text t;

    *more = rc == ACME_OK;
    if (rc == ACME_OK) {
        return NULL;
    }
    text_init(&t, refused, sizeof(refused));
    text_add(&t, "refused: ");
    text_add(&t, acme_error_name(rc));
    text_add(&t, " ");
    text_add_number(&t, rc);
    return refused;
}

static const char *take_signed(const struct acme_port *port, const char *line, bool *more)
{
    if (strcmp(line, "roots") == 0) {
        return NULL;
    }
    if (strcmp(line, "roots begin") == 0) {
        return roots_begin();
    }
    if (strcmp(line, "roots end") == 0) {
        return end_bundle(port, more);
    }
    return strncmp(line, "roots ", 6) == 0 ? add_hex(line + 6)
                                           : "this device takes signed roots only: roots begin";
}

static bool answer(const struct acme_port *port, char *line, bool fits)
{
    bool more = false;
    const char *wrong = fits ? take_signed(port, line, &more) : "a line has 159 characters at most";

    if (wrong != NULL) {
        tell("error: ", wrong);
    } else {
        tell("ok", "");
        if (more || strcmp(line, "roots") == 0) {
            tell_bundle();
        }
    }
    return more;
}

bool console_poll(const struct acme_port *port)
{
    static char line[LINE_SIZE];
    static uint8_t len;
    static bool too_long;
    int c;

    for (c = board_read(); c >= 0; c = board_read()) {
        if (c >= ' ') {
            too_long = too_long || len + 1u >= LINE_SIZE;
            line[len] = (char)c;
            len = (uint8_t)(len + (too_long ? 0 : 1));
        } else if (len > 0 && (c == '\n' || c == '\r')) {
            bool fits = !too_long;

            line[len] = '\0';
            len = 0;
            too_long = false;
            return answer(port, line, fits);
        }
    }
    return false;
}

void console_confirm(const char *question, const char *word)
{
    char line[LINE_SIZE];

    do {
        tell(question, word);
    } while (!read_line(line) || strcmp(line, word) != 0);
    tell("ok", "");
}
