/*
 * problem and json: what is made of a document that cJSON has parsed. cJSON is a stand-in: any tree
 * of up to three members, any strings that end.
 */
#include "proof.h"

#include "acme/config.h"
#undef CONFIG_ACME_PROBLEM_DETAIL_MAX
#define CONFIG_ACME_PROBLEM_DETAIL_MAX 6
#undef CONFIG_ACME_URL_MAX
#define CONFIG_ACME_URL_MAX 6

#include "json/problem.h"

#include "json/cjson.h"

/* One of the types that are known, or none of the 14. */
size_t acme_str_find(const char *text, size_t len, const char *words)
{
    PROVE(__CPROVER_r_ok(text, len + 1) && __CPROVER_r_ok(words, 1));
    return any_size(14);
}

#include "json/json.c"
#include "json/problem.c"

const char *any_string(acme_json_value object, const char *name)
{
    (void)object;
    PROVE(__CPROVER_r_ok(name, 1));
    return nondet_bool() ? any_text(8) : NULL;
}

/* proof: printable; unwind 10; any string of up to 8 characters, or none, into any room of up to 8
 */
/* of: json/problem.c copy_printable; size (> 0) bytes; a string, or NULL; "i + 1 < size" -> "i <
 * size" */
/* plant: json/problem.c copy_printable; "src[i] != '\0' && " -> "" */
void printable(void)
{
    size_t size = any_size(8);

    ASSUME(size > 0);
    copy_printable(any_bytes(size, 8), size, nondet_bool() ? any_text(8) : NULL);
    SHOW(size == 8);
}

/* proof: prefix; unwind 30; any string of up to 28 characters */
/* of: json/problem.c behind_prefix; a string; "return type + strlen(prefix);" -> "return type +
 * strlen(prefix) + 1;" */
void prefix(void)
{
    const char *text = any_text(28), *rest = behind_prefix(text);

    PROVE(__CPROVER_same_object(text, rest) && rest >= text && rest <= text + strlen(text));
    SHOW(rest - text == 27);
}

void any_copy(char *dst, size_t size, const char *src)
{
    PROVE(size > 0 && __CPROVER_w_ok(dst, size) && (src == NULL || __CPROVER_r_ok(src, 1)));
    dst[any_size(size - 1)] = '\0';
}

const char *any_behind(const char *type)
{
    PROVE(__CPROVER_r_ok(type, 1));
    return type;
}

static struct acme_problem problem;

/* proof: read; unwind 2; any document */
/* calls: acme_json_string -> any_string */
/* calls: copy_printable -> any_copy */
/* calls: behind_prefix -> any_behind */
/* of: json/problem.c acme_problem_read; a value of a document, or NULL; "type == NULL ? NULL :
 * behind_prefix(type)" -> "behind_prefix(type)" */
/* of: json/problem.c read_instance; a value of a document, or NULL; "sizeof(problem->instance)," ->
 * "sizeof(*problem)," */
/* of: json/problem.c acme_problem_read_error; a value of a document, or NULL;
 * "sizeof(problem->detail), text" -> "sizeof(*problem), text" */
void read(void)
{
    cJSON error = {0};
    cJSON object = {0};

    error.type = object.type = cJSON_Object;
    object.child = nondet_bool() ? &error : NULL;
    if (nondet_bool()) {
        acme_problem_read(&problem, nondet_bool() ? &object : NULL, nondet_u16());
    } else {
        acme_problem_read_error(&problem, nondet_bool() ? &object : NULL);
    }
    SHOW(problem.status == 400);
}

/* proof: meaning; unwind 18; any problem whose type has up to 16 characters */
/* loop: strcmp.0 18 */
/* of: json/problem.c acme_problem_error; a problem that was read; "TYPES(TYPE_ERROR) -
 * ACME_ERR_PROBLEM}" -> "TYPES(TYPE_ERROR)}" */
/* of: json/problem.c acme_problem_is; a problem that was read; a string; "strcmp(problem->type,
 * type)" -> "strcmp(problem->type + sizeof(*problem), type)" */
void meaning(void)
{
    FORGET(problem);
    problem.type[any_size(15)] = '\0';
    problem.type[15] = '\0';
    problem.status = nondet_u16();
    PROVE(acme_problem_error(&problem) < 0);
    SHOW(acme_problem_error(&problem) == ACME_ERR_NONCE);
    SHOW(acme_problem_is(&problem, "badNonce"));
}

/* ---- json.c ---- */

static cJSON node[3];

/* Any object of up to three members, with names of up to 2 characters. */
static acme_json_value any_object(void)
{
    static cJSON object;

    for (size_t i = 0; i < 3; i++) {
        node[i].next = i < 2 && nondet_bool() ? &node[i + 1] : NULL;
        node[i].type = (int)any_size(255);
        node[i].string = nondet_bool() ? any_text(2) : NULL;
        node[i].valuestring = node[i].type == cJSON_String ? any_text(2) : NULL;
        node[i].valueint = nondet_i32();
        node[i].child = NULL;
    }
    object.type = cJSON_Object;
    object.child = nondet_bool() ? &node[0] : NULL;
    return nondet_bool() ? &object : NULL;
}

/* proof: members; unwind 5; any object of up to three members */
/* of: json/json.c member; a value of a document, or NULL; a string; "child->string != NULL &&" ->
 * "" */
/* of: json/json.c typed; a value of a document, or NULL; "value != NULL && " -> "" */
/* of: json/json.c acme_json_string; a value of a document, or NULL; "member(object, name,
 * cJSON_String)" -> "(object->child)" */
/* of: json/json.c acme_json_text; a value of a document, or NULL; "value != NULL ?
 * value->valuestring : NULL" -> "value->valuestring" */
/* of: json/json.c acme_json_object; a value of a document, or NULL; "member(object," ->
 * "member(object + 1," */
/* of: json/json.c acme_json_array; a value of a document, or NULL; "member(object," ->
 * "member(object + 1," */
/* of: json/json.c acme_json_true; a value of a document, or NULL; "member(object," ->
 * "member(object + 1," */
/* of: json/json.c acme_json_int; a value of a document, or NULL; "value != NULL && " -> "" */
/* of: json/json.c acme_json_first; a value of a document, or NULL; "array == NULL ? NULL : " -> ""
 */
/* of: json/json.c acme_json_next; a value of a document, or NULL; "element == NULL ? NULL : " -> ""
 */
void members(void)
{
    acme_json_value object = any_object();
    const char *text = acme_json_string(object, "a");

    PROVE(text == NULL || strlen(text) <= 2);
    SHOW(text != NULL && strlen(text) == 2);
    SHOW(acme_json_first(acme_json_array(object, "a")) == NULL);
    SHOW(acme_json_next(acme_json_first(object)) != NULL);
    SHOW(acme_json_object(object, "b") == &node[2]);
    SHOW(acme_json_true(object, "c"));
    PROVE(acme_json_int(object, "d", 7) >= 0);
}

static const char *the_text;
static size_t the_len;

cJSON *cJSON_ParseWithLengthOpts(const char *text, size_t len, const char **end, cJSON_bool whole)
{
    static cJSON root;

    (void)whole;
    PROVE(__CPROVER_r_ok(text, len));
    *end = text + any_size(len);
    root.type = (int)any_size(255);
    return nondet_bool() ? &root : NULL;
}

void acme_json_reset(struct acme_json_arena *arena)
{
    arena->used = 0;
}

void acme_json_arena_use(struct acme_json_arena *arena)
{
    (void)arena;
}

/* proof: document; unwind 10; any document of up to 8 characters, of which cJSON takes any part */
/* of: json/json.c acme_json_parse; an arena; len characters; "while (end < text + len &&" -> "while
 * (end <= text + len &&" */
void document(void)
{
    struct acme_json_arena arena;
    acme_json_value root;

    the_len = any_size(8);
    the_text = any_bytes(the_len, 8);
    SHOW(acme_json_parse(&arena, the_text, the_len, &root) == ACME_OK);
}
