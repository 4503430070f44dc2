/*
 * Which key is which. It must not know what a key is used for.
 */
#include "client/keys.h"

#include "client/state.h"

psa_key_id_t acme_keys_account_of(uint8_t slot, uint8_t generation)
{
    return CONFIG_ACME_KEY_ID_BASE + (psa_key_id_t)slot * 2u + generation;
}

#if defined(CONFIG_ACME_ACCOUNT_KEY_EXTERNAL)
bool acme_keys_is_external(const struct acme_client *c)
{
    return c->config.account_key_id != 0;
}

psa_key_id_t acme_keys_account(const struct acme_client *c)
{
    return acme_keys_is_external(c) ? c->config.account_key_id
                                    : acme_keys_account_of(c->account.slot, c->account.generation);
}
#else
bool acme_keys_is_external(const struct acme_client *c)
{
    (void)c;
    return false;
}

psa_key_id_t acme_keys_account(const struct acme_client *c)
{
    return acme_keys_account_of(c->account.slot, c->account.generation);
}
#endif

psa_key_id_t acme_keys_next_account(const struct acme_client *c)
{
    return acme_keys_is_external(c)
               ? PSA_KEY_ID_NULL
               : acme_keys_account_of(c->account.slot, c->account.generation ^ 1u);
}

psa_key_id_t acme_keys_cert(uint8_t store_slot, uint8_t generation)
{
    return CONFIG_ACME_KEY_ID_BASE + 0x100u + (psa_key_id_t)store_slot * 2u + generation;
}

/* PSA keeps what it has loaded. What it has not, costs a look. */
static void purge(psa_key_id_t first, uint8_t count)
{
    while (count > 0) {
        (void)psa_purge_key(first + --count);
    }
}

void acme_keys_purge_stored(void)
{
    purge(acme_keys_account_of(0, 0), CONFIG_ACME_ACCOUNT_SLOTS * 2);
    purge(acme_keys_cert(0, 0), CONFIG_ACME_CERT_SLOTS * 2);
}

void acme_keys_purge(const struct acme_client *c)
{
    if (acme_keys_is_external(c)) {
        (void)psa_purge_key(acme_keys_account(c));
    }
    acme_keys_purge_stored();
}
