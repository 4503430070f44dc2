/*
 * What the client reads of JSON replies, as a list of names: everything else is skipped before it
 * takes any memory (json/filter.h). It knows names, not what they mean.
 */
#pragma once

#include <stddef.h>

/** Members that the filter does more with than to keep them; each is its place in the list. */
enum acme_json_member {
    ACME_JSON_DETAIL,      /* its text is cut at what a problem document keeps */
    ACME_JSON_SUBPROBLEMS, /* an array: its first element is kept */
    ACME_JSON_CHALLENGES,  /* an array: only objects of a type that is built in are kept */
    ACME_JSON_PROFILES,    /* an object: its members are kept whatever their names, without texts */
    ACME_JSON_TYPE         /* of a challenge, among others */
};

/** The names that are kept, wherever an object that is kept has them; as acme_str_find wants. */
extern const char acme_json_members[];
/** The types of challenge that are built in, likewise. */
extern const char acme_json_challenge_types[];
