/*
 * The filter in front of the JSON parser, over a reply that is cut into two pieces at a place that
 * the input chooses, with as much room as it chooses: the pieces must not matter, nothing is
 * written behind the room, and what is kept is kept when it is filtered again.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "acme/error.h"
#include "check.h"
#include "json/filter.h"
#include "json/json.h"

#define ROOM_MAX 4096U

static int32_t run(const uint8_t *data, size_t size, size_t cut, char *out, size_t room,
                   struct acme_json_filter *f)
{
    int32_t rc;

    memset(out, '#', ROOM_MAX + 1);
    acme_json_filter_init(f, out, room);
    rc = acme_json_filter_feed(f, data, cut);
    if (rc == ACME_OK) {
        rc = acme_json_filter_feed(f, data + cut, size - cut);
    }
    if (rc == ACME_OK) {
        rc = acme_json_filter_finish(f);
    }
    CHECK(out[room] == '#');
    CHECK(rc <= (int32_t)room && (rc >= 0 || rc == ACME_ERR_JSON || rc == ACME_ERR_BUFFER));
    CHECK((rc == ACME_ERR_BUFFER) == (f->limit.id == ACME_LIMIT_WORK));
    CHECK(rc != ACME_ERR_BUFFER || f->limit.size > room);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char one[ROOM_MAX + 1], two[ROOM_MAX + 1];
    static _Alignas(8) uint8_t memory[256 * 1024];
    struct acme_json_filter f;
    struct acme_json_arena arena;
    acme_json_value root;
    size_t room;
    int32_t rc;

    if (size < 2) {
        return 0;
    }
    room = data[1] == 255 ? ROOM_MAX : data[1] * 4U;
    rc = run(data + 2, size - 2, 0, one, room, &f);
    CHECK(rc == run(data + 2, size - 2, data[0] % (size - 1), two, room, &f));
    if (rc < 0) {
        return 0;
    }
    CHECK(memcmp(one, two, (size_t)rc) == 0);
    CHECK(run((const uint8_t *)one, (size_t)rc, 0, two, room, &f) == rc);
    CHECK(memcmp(one, two, (size_t)rc) == 0);
    /* The parser takes it, but for what is no number and no literal, and where it is no object. */
    acme_json_init(&arena, memory, sizeof(memory));
    CHECK(acme_json_parse(&arena, one, (size_t)rc, &root) != ACME_ERR_ARENA);
    return 0;
}
