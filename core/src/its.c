/*
 * PSA Internal Trusted Storage 1.0 on the flash log: where mbedTLS keeps persistent keys. It must
 * not know what the values are. PSA has one store per process, so there is one binding.
 */
#include <psa/crypto.h>

#include <psa/internal_trusted_storage.h>
#include "store.h"

static struct acme_flashlog *its_log;

void acme_store_bind_its(struct acme_flashlog *log)
{
    its_log = log;
}

static struct acme_flashlog_key its_key(psa_storage_uid_t uid)
{
    struct acme_flashlog_key key = {ACME_SPACE_ITS, uid};

    return key;
}

static struct acme_flashlog_key flags_key(psa_storage_uid_t uid)
{
    struct acme_flashlog_key key = {ACME_SPACE_ITS_FLAGS, uid};

    return key;
}

static int32_t its_result;

int32_t acme_store_its_result(void)
{
    return its_result;
}

static psa_status_t to_psa(int32_t rc)
{
    its_result = rc >= 0 ? ACME_OK : rc;
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

static uint8_t read_flags(psa_storage_uid_t uid)
{
    uint8_t flags = 0;

    (void)acme_flashlog_read(its_log, flags_key(uid), 0, &flags, 1);
    return flags;
}

psa_status_t psa_its_set(psa_storage_uid_t uid, uint32_t data_length, const void *p_data,
                         psa_storage_create_flags_t create_flags)
{
    uint8_t flags = (uint8_t)create_flags;
    int32_t rc;

    if (its_log == NULL || uid == 0) {
        return its_log == NULL ? PSA_ERROR_STORAGE_FAILURE : PSA_ERROR_INVALID_ARGUMENT;
    }
    if ((create_flags & ~(psa_storage_create_flags_t)PSA_STORAGE_FLAG_WRITE_ONCE) != 0) {
        return PSA_ERROR_NOT_SUPPORTED;
    }
    if ((read_flags(uid) & PSA_STORAGE_FLAG_WRITE_ONCE) != 0) {
        return PSA_ERROR_NOT_PERMITTED;
    }
    if (flags == 0) {
        return to_psa(acme_flashlog_set(its_log, its_key(uid), p_data, data_length));
    }
    rc = acme_flashlog_begin(its_log, (size_t)data_length + 1, 2);
    if (rc == ACME_OK) {
        rc = acme_flashlog_put(its_log, its_key(uid), p_data, data_length);
    }
    if (rc == ACME_OK) {
        rc = acme_flashlog_put(its_log, flags_key(uid), &flags, 1);
    }
    if (rc != ACME_OK) {
        acme_flashlog_abort(its_log);
        return to_psa(rc);
    }
    return to_psa(acme_flashlog_commit(its_log));
}

psa_status_t psa_its_get(psa_storage_uid_t uid, uint32_t data_offset, uint32_t data_length,
                         void *p_data, size_t *p_data_length)
{
    int32_t len;

    if (its_log == NULL) {
        return PSA_ERROR_STORAGE_FAILURE;
    }
    len = acme_flashlog_length(its_log, its_key(uid));
    if (len < 0) {
        return to_psa(len);
    }
    if (data_offset > (uint32_t)len || data_length > (uint32_t)len - data_offset) {
        return PSA_ERROR_INVALID_ARGUMENT;
    }
    len = acme_flashlog_read(its_log, its_key(uid), data_offset, p_data, data_length);
    if (len >= 0) {
        *p_data_length = (size_t)len;
    }
    return to_psa(len);
}

psa_status_t psa_its_get_info(psa_storage_uid_t uid, struct psa_storage_info_t *p_info)
{
    int32_t len;

    if (its_log == NULL) {
        return PSA_ERROR_STORAGE_FAILURE;
    }
    len = acme_flashlog_length(its_log, its_key(uid));
    if (len >= 0) {
        p_info->size = (uint32_t)len;
        p_info->flags = read_flags(uid);
    }
    return to_psa(len);
}

psa_status_t psa_its_remove(psa_storage_uid_t uid)
{
    int32_t rc;

    if (its_log == NULL) {
        return PSA_ERROR_STORAGE_FAILURE;
    }
    rc = acme_flashlog_length(its_log, its_key(uid));
    if (rc == ACME_ERR_NOT_FOUND) {
        return PSA_ERROR_DOES_NOT_EXIST;
    }
    if ((read_flags(uid) & PSA_STORAGE_FLAG_WRITE_ONCE) != 0) {
        return PSA_ERROR_NOT_PERMITTED;
    }
    return to_psa(acme_store_remove(its_log, ACME_SPACE_ITS, uid));
}
