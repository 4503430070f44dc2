/*
 * PSA Internal Trusted Storage 1.0 over the records: where mbedTLS keeps persistent keys. PSA has
 * one storage for the whole program, so there is one store behind it. It must not know what the
 * values are.
 */
#include <psa/crypto.h>

#include <psa/internal_trusted_storage.h>

#include "base/assert.h"
#include "store/store.h"

static struct acme_store *bound;

void acme_store_bind_its(struct acme_store *store)
{
    bound = store;
}

static int32_t its_result;

int32_t acme_store_its_result(void)
{
    return its_result;
}

static psa_status_t to_psa(int32_t rc)
{
    its_result = rc >= 0 || rc == ACME_ERR_NOT_FOUND ? ACME_OK : rc;
    switch (rc) {
    case ACME_ERR_NOT_FOUND:
        return PSA_ERROR_DOES_NOT_EXIST;
    case ACME_ERR_STORE_FULL:
        return PSA_ERROR_INSUFFICIENT_STORAGE;
    case ACME_ERR_STORE_CORRUPT:
        return PSA_ERROR_DATA_CORRUPT;
    default:
        return rc >= 0 ? PSA_SUCCESS : PSA_ERROR_STORAGE_FAILURE;
    }
}

/* The length of a value, or an error; that of a missing store, too. */
static int32_t length_of(psa_storage_uid_t uid)
{
    return bound == NULL ? ACME_ERR_STATE
                         : acme_record_length(bound, ACME_KEY(ACME_SPACE_ITS, uid));
}

#if defined(CONFIG_ACME_ITS_WRITE_ONCE)

static psa_status_t read_flags(psa_storage_uid_t uid, psa_storage_create_flags_t *flags)
{
    uint8_t raw = 0;
    int32_t rc = acme_record_read(bound, ACME_KEY(ACME_SPACE_ITS_FLAGS, uid), 0, &raw, 1);

    *flags = raw;
    return rc == ACME_ERR_NOT_FOUND ? PSA_SUCCESS : to_psa(rc);
}

static psa_status_t set_once(psa_storage_uid_t uid, uint32_t data_length, const void *p_data)
{
    uint8_t flags = PSA_STORAGE_FLAG_WRITE_ONCE;
    int32_t rc = acme_record_begin(bound, (size_t)data_length + 1, 2);

    if (rc == ACME_OK) {
        rc = acme_record_put(bound, ACME_KEY(ACME_SPACE_ITS, uid), p_data, data_length);
    }
    if (rc == ACME_OK) {
        rc = acme_record_put(bound, ACME_KEY(ACME_SPACE_ITS_FLAGS, uid), &flags, 1);
    }
    if (rc != ACME_OK) {
        acme_record_abort(bound);
        return to_psa(rc);
    }
    return to_psa(acme_record_commit(bound));
}

#else

static psa_status_t read_flags(psa_storage_uid_t uid, psa_storage_create_flags_t *flags)
{
    (void)uid;
    *flags = 0;
    return PSA_SUCCESS;
}

static psa_status_t set_once(psa_storage_uid_t uid, uint32_t data_length, const void *p_data)
{
    (void)uid;
    (void)data_length;
    (void)p_data;
    return PSA_ERROR_NOT_SUPPORTED;
}

#endif

static psa_status_t check_writable(psa_storage_uid_t uid)
{
    psa_storage_create_flags_t flags;
    psa_status_t status;

    ACME_ASSERT(bound != NULL);
    status = read_flags(uid, &flags);

    return status == PSA_SUCCESS && flags != 0 ? PSA_ERROR_NOT_PERMITTED : status;
}

psa_status_t psa_its_set(psa_storage_uid_t uid, uint32_t data_length, const void *p_data,
                         psa_storage_create_flags_t create_flags)
{
    psa_status_t status;

    if (bound == NULL) {
        return PSA_ERROR_STORAGE_FAILURE;
    }
    if (uid == 0 || uid > ACME_KEY_ID_MAX) {
        return PSA_ERROR_INVALID_ARGUMENT;
    }
    status = check_writable(uid);
    if (status != PSA_SUCCESS) {
        return status;
    }
    if (create_flags == PSA_STORAGE_FLAG_WRITE_ONCE) {
        return set_once(uid, data_length, p_data);
    }
    if (create_flags != 0) {
        return PSA_ERROR_NOT_SUPPORTED;
    }
    return to_psa(acme_record_set(bound, ACME_KEY(ACME_SPACE_ITS, uid), p_data, data_length));
}

psa_status_t psa_its_get(psa_storage_uid_t uid, uint32_t data_offset, uint32_t data_length,
                         void *p_data, size_t *p_data_length)
{
    int32_t len = length_of(uid);

    if (len >= 0) {
        if (data_offset > (uint32_t)len || data_length > (uint32_t)len - data_offset) {
            return PSA_ERROR_INVALID_ARGUMENT;
        }
        len = acme_record_read(bound, ACME_KEY(ACME_SPACE_ITS, uid), data_offset, p_data,
                               data_length);
        *p_data_length = len > 0 ? (size_t)len : 0;
    }
    return to_psa(len);
}

psa_status_t psa_its_get_info(psa_storage_uid_t uid, struct psa_storage_info_t *p_info)
{
    int32_t len = length_of(uid);

    if (len < 0) {
        return to_psa(len);
    }
    p_info->size = (uint32_t)len;
    return read_flags(uid, &p_info->flags);
}

psa_status_t psa_its_remove(psa_storage_uid_t uid)
{
    int32_t len = length_of(uid);
    psa_status_t status;

    /* A damaged value can be removed, too. */
    if (len < 0 && len != ACME_ERR_STORE_CORRUPT) {
        return to_psa(len);
    }
    status = check_writable(uid);
    return status == PSA_SUCCESS ? to_psa(acme_store_remove(bound, ACME_SPACE_ITS, uid)) : status;
}
