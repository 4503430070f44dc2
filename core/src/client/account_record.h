/*
 * The account as the store has it: which of its slots is the CA's, which key is in use, which slot
 * can be had for another. It must not know requests.
 */
#pragma once

#include "acme/client.h"

struct acme_client;

/** What is known of the account at the CA in use. Its URL and its key's thumbprint are texts of the
 * client. */
struct acme_account {
    bool exists : 1;            /* the CA has it, as far as is known */
    bool recorded : 1;          /* the store has a record of it */
    bool creating : 1;          /* NEW_ACCOUNT is for a new one, not for a look-up by the key */
    bool asked_again : 1;       /* the CA did not know it, and was asked again, in this job */
    bool retried : 1;           /* a lost account was looked up by its key in this job */
    bool replaced : 1;          /* a deactivated account got a successor in this job */
    bool rollover_in_doubt : 1; /* the CA may have taken the new key */
    uint8_t sent;       /* 1 + tries that had failed when a new account was asked for; 0: never */
    uint8_t rollover;   /* as in the account's record */
    uint8_t successor;  /* likewise */
    uint8_t slot;       /* of the store; UINT8_MAX: none, and none is free */
    uint8_t type;       /* enum acme_key_type of the key in use */
    uint8_t generation; /* of the key in use */
    uint16_t used;      /* for the record: above those of all others */
    uint32_t binding;   /* as in the record */
};

/** Loads the account of the directory URL, if the store has one. ACME_ERR_STORE_IO. */
int32_t acme_account_load(struct acme_client *c);
/** Reads the record of a slot into the arena. As acme_store_read_account. */
int32_t acme_account_read_record(struct acme_client *c, uint8_t slot);
/** Writes the record anew, with the client's URL and this agreement; NULL: the one that it has.
 * ACME_ERR_STORE_*. */
int32_t acme_account_write_record(struct acme_client *c, const char *tos_url);
/** Writes the record again with the keys as the client has them. ACME_ERR_STORE_*. */
int32_t acme_account_rewrite_keys(struct acme_client *c);
/** Notes that the account is in use, where another was later. ACME_ERR_STORE_*. */
int32_t acme_account_touch(struct acme_client *c);
/** Removes a slot's account: its own keys, the orders under way, the record. ACME_ERR_STORE_*. */
int32_t acme_account_remove(struct acme_client *c, uint8_t slot);
/** Gives the CA in use the slot of an account that no configured CA has, the one that was not in
 * use for longest. ACME_ERR_LIMIT: there is none. ACME_ERR_STORE_*. */
int32_t acme_account_make_room(struct acme_client *c);
/** The type of the key that a rollover under way brings. */
uint8_t acme_account_next_type(const struct acme_client *c);
