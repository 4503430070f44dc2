/*
 * Texts that the client puts into JSON: whatever they hold, the JSON reads back as the same text.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "json/json.h"
#include "script.h"

#define TEXT_MAX 1000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static _Alignas(8) uint8_t memory[8192];
    char text[TEXT_MAX + 1], json[TEXT_MAX * 6 + 64];
    struct acme_json_arena arena;
    acme_json_value root;
    struct acme_buf b;

    if (size < 1 || size > TEXT_MAX) {
        return 0;
    }
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    acme_buf_init(&b, json, sizeof(json));
    acme_buf_add_form(&b, "{\"before\":#,\"text\":\"@\",\"after\":\"$\"}", data[0], text, "x");
    CHECK(acme_buf_result(&b) > 0 && strlen(json) == b.len);
    acme_json_init(&arena, memory, sizeof(memory));
    CHECK(acme_json_parse(&arena, json, b.len, &root) == ACME_OK);
    CHECK(acme_json_int(root, "before", -1) == data[0]);
    CHECK(strcmp(acme_json_string(root, "text"), text) == 0);
    CHECK(strcmp(acme_json_string(root, "after"), "x") == 0);
    acme_buf_init(&b, json, data[0] + 1u); /* too short: an end, and no more */
    acme_buf_add_json(&b, text);
    CHECK(strlen(json) == b.len && b.len <= data[0]);
    return 0;
}
