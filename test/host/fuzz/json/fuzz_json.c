/*
 * JSON replies as a hostile CA may send them: parsed in an arena whose size the input chooses,
 * walked by every accessor, and read as a problem document, which must come out printable.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "json/json.h"
#include "json/problem.h"

static void walk(acme_json_value value, int depth)
{
    static const char *const names[] = {"status", "authorizations", "identifier", "url", ""};
    size_t i;

    for (; value != NULL && depth < 12; value = acme_json_next(value)) {
        for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
            const char *text = acme_json_string(value, names[i]);

            if (text != NULL && strlen(text) > 70000) {
                abort();
            }
            (void)acme_json_true(value, names[i]);
            if (acme_json_int(value, names[i], 0) < 0) {
                abort();
            }
            walk(acme_json_first(acme_json_array(value, names[i])), depth + 1);
            walk(acme_json_object(value, names[i]), depth + 1);
        }
        (void)acme_json_text(value);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static _Alignas(8) uint8_t memory[65536];
    struct acme_json_arena arena;
    struct acme_problem problem;
    acme_json_value root;
    size_t i, arena_size;

    if (size < 1) {
        return 0;
    }
    arena_size = 256u * (data[0] + 1u);
    acme_json_init(&arena, memory, arena_size);
    if (acme_json_parse(&arena, (const char *)data + 1, size - 1, &root) == ACME_OK) {
        walk(root, 0);
    }
    if (arena.peak > arena_size) {
        abort();
    }
    acme_problem_read(&problem, root, 400);
    for (i = 0; problem.detail[i] != '\0'; i++) {
        if (problem.detail[i] < ' ' || problem.detail[i] > '~') {
            abort();
        }
    }
    (void)acme_problem_error(&problem);
    return 0;
}
