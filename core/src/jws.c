/*
 * JWK, thumbprint, JWS, EAB. Signatures are PSA's; this file only arranges bytes. It must not see
 * a private key.
 */
#include "jws.h"

#include <string.h>

#include <mbedtls/asn1.h>

#include "b64url.h"
#include "store.h"

struct key_kind {
    const char *alg, *crv;
    psa_key_type_t type;
    uint16_t bits;
    uint8_t coordinate; /* bytes of an EC coordinate; 0: RSA */
    psa_algorithm_t hash;
};

static const struct key_kind *kind_of(uint8_t key_type)
{
    static const struct key_kind kinds[] = {
        {"ES256", "P-256", PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1), 256, 32,
         PSA_ALG_SHA_256},
#if defined(CONFIG_ACME_KEY_P384)
        {"ES384", "P-384", PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1), 384, 48,
         PSA_ALG_SHA_384},
#else
        {NULL, NULL, 0, 0, 0, 0},
#endif
#if defined(CONFIG_ACME_KEY_RSA)
        {"RS256", NULL, PSA_KEY_TYPE_RSA_KEY_PAIR, 2048, 0, PSA_ALG_SHA_256},
        {"RS256", NULL, PSA_KEY_TYPE_RSA_KEY_PAIR, 3072, 0, PSA_ALG_SHA_256},
        {"RS256", NULL, PSA_KEY_TYPE_RSA_KEY_PAIR, 4096, 0, PSA_ALG_SHA_256},
#endif
    };

    if (key_type >= sizeof(kinds) / sizeof(kinds[0]) || kinds[key_type].alg == NULL) {
        return NULL;
    }
    return &kinds[key_type];
}

static psa_algorithm_t sign_alg(const struct key_kind *k)
{
    return k->coordinate != 0 ? PSA_ALG_ECDSA(k->hash) : PSA_ALG_RSA_PKCS1V15_SIGN(k->hash);
}

int32_t acme_jws_check_key_type(uint8_t key_type)
{
    return kind_of(key_type) != NULL ? ACME_OK : ACME_ERR_KEY_TYPE;
}

/* mbedTLS says no more than that a key could not be stored: the log knows why. */
static int32_t store_error(void)
{
    int32_t rc = acme_store_its_result();

    return rc != ACME_OK ? rc : ACME_ERR_CRYPTO;
}

static psa_status_t key_status(psa_key_id_t id)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_status_t status = psa_get_key_attributes(id, &attributes);

    if (status == PSA_ERROR_DATA_INVALID) {
        /* mbedTLS says so of a damaged key, and of one that could not be read this time. */
        status = psa_get_key_attributes(id, &attributes);
    }
    psa_reset_key_attributes(&attributes);
    return status;
}

bool acme_jws_key_exists(psa_key_id_t id)
{
    return key_status(id) == PSA_SUCCESS;
}

bool acme_jws_key_lost(psa_key_id_t id)
{
    psa_status_t status = key_status(id);

    return status == PSA_ERROR_INVALID_HANDLE || status == PSA_ERROR_DATA_CORRUPT ||
           status == PSA_ERROR_DATA_INVALID;
}

int32_t acme_jws_destroy_key(psa_key_id_t id)
{
    psa_status_t status = psa_destroy_key(id);

    if (status == PSA_SUCCESS || status == PSA_ERROR_INVALID_HANDLE) {
        return ACME_OK;
    }
    return store_error();
}

static int32_t generate(psa_key_id_t id, const struct key_kind *k, bool exportable)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_usage_t usage = PSA_KEY_USAGE_SIGN_HASH | PSA_KEY_USAGE_SIGN_MESSAGE;
    psa_status_t status;

    psa_set_key_id(&attributes, id);
    psa_set_key_type(&attributes, k->type);
    psa_set_key_bits(&attributes, k->bits);
    psa_set_key_usage_flags(&attributes, usage | (exportable ? PSA_KEY_USAGE_EXPORT : 0));
    if (k->coordinate != 0) {
        psa_set_key_algorithm(&attributes, PSA_ALG_ECDSA(PSA_ALG_ANY_HASH));
    } else {
        /* TLS 1.3 signs with PSS, everything else here with PKCS #1 v1.5. */
        psa_set_key_algorithm(&attributes, PSA_ALG_RSA_PKCS1V15_SIGN(PSA_ALG_ANY_HASH));
        psa_set_key_enrollment_algorithm(&attributes, PSA_ALG_RSA_PSS(PSA_ALG_ANY_HASH));
    }
    status = psa_generate_key(&attributes, &id);
    psa_reset_key_attributes(&attributes);
    switch (status) {
    case PSA_SUCCESS:
        return ACME_OK;
    case PSA_ERROR_STORAGE_FAILURE:
    case PSA_ERROR_DATA_INVALID:
        return store_error();
    case PSA_ERROR_INSUFFICIENT_ENTROPY:
        return ACME_ERR_ENTROPY;
    case PSA_ERROR_INSUFFICIENT_MEMORY:
        return ACME_ERR_TLS_MEMORY;
    default:
        return ACME_ERR_CRYPTO;
    }
}

int32_t acme_jws_ensure_key(psa_key_id_t id, uint8_t key_type, bool exportable, bool *made)
{
    const struct key_kind *k = kind_of(key_type);
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_status_t status;
    bool fits;

    *made = false;
    if (k == NULL) {
        return ACME_ERR_KEY_TYPE;
    }
    status = psa_get_key_attributes(id, &attributes);
    fits = status == PSA_SUCCESS && psa_get_key_type(&attributes) == k->type &&
           psa_get_key_bits(&attributes) == k->bits &&
           ((psa_get_key_usage_flags(&attributes) & PSA_KEY_USAGE_EXPORT) != 0) == exportable;
    psa_reset_key_attributes(&attributes);
    if (fits) {
        return ACME_OK;
    }
    if (status == PSA_SUCCESS || status == PSA_ERROR_DATA_CORRUPT ||
        status == PSA_ERROR_DATA_INVALID) {
        int32_t rc = acme_jws_destroy_key(id);

        if (rc != ACME_OK) {
            return rc;
        }
    }
    *made = true;
    return generate(id, k, exportable);
}

/* ---- JWK ---- */

static int32_t add_ec(struct acme_buf *out, const uint8_t *pub, size_t len, size_t bits)
{
    size_t coordinate = (len - 1) / 2;

    if (len < 3 || pub[0] != 4) {
        return ACME_ERR_CRYPTO;
    }
    acme_buf_add(out, "{\"crv\":\"P-");
    acme_buf_add_u32(out, (uint32_t)bits);
    acme_buf_add(out, "\",\"kty\":\"EC\",\"x\":\"");
    acme_b64url_add(out, pub + 1, coordinate);
    acme_buf_add(out, "\",\"y\":\"");
    acme_b64url_add(out, pub + 1 + coordinate, coordinate);
    acme_buf_add(out, "\"}");
    return ACME_OK;
}

#if defined(CONFIG_ACME_KEY_RSA)
static int32_t next_integer(uint8_t **p, const uint8_t *end, const uint8_t **value, size_t *len)
{
    if (mbedtls_asn1_get_tag(p, end, len, MBEDTLS_ASN1_INTEGER) != 0) {
        return ACME_ERR_CRYPTO;
    }
    *value = *p;
    *p += *len;
    while (*len > 1 && **value == 0) { /* JWK wants no leading zeros */
        (*value)++;
        (*len)--;
    }
    return ACME_OK;
}

static int32_t add_rsa(struct acme_buf *out, uint8_t *pub, size_t size)
{
    uint8_t *p = pub;
    const uint8_t *n, *e;
    size_t len, n_len, e_len;

    if (mbedtls_asn1_get_tag(&p, pub + size, &len,
                             MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE) != 0 ||
        next_integer(&p, pub + size, &n, &n_len) != ACME_OK ||
        next_integer(&p, pub + size, &e, &e_len) != ACME_OK) {
        return ACME_ERR_CRYPTO;
    }
    acme_buf_add(out, "{\"e\":\"");
    acme_b64url_add(out, e, e_len);
    acme_buf_add(out, "\",\"kty\":\"RSA\",\"n\":\"");
    acme_b64url_add(out, n, n_len);
    acme_buf_add(out, "\"}");
    return ACME_OK;
}
#endif

int32_t acme_jws_add_jwk(struct acme_buf *out, psa_key_id_t id, uint8_t *scratch, size_t size)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_type_t type;
    size_t len, bits;

    if (psa_get_key_attributes(id, &attributes) != PSA_SUCCESS ||
        psa_export_public_key(id, scratch, size, &len) != PSA_SUCCESS) {
        psa_reset_key_attributes(&attributes);
        return ACME_ERR_CRYPTO;
    }
    type = psa_get_key_type(&attributes);
    bits = psa_get_key_bits(&attributes);
    psa_reset_key_attributes(&attributes);
    if (PSA_KEY_TYPE_IS_ECC(type)) {
        return add_ec(out, scratch, len, bits);
    }
#if defined(CONFIG_ACME_KEY_RSA)
    return add_rsa(out, scratch, len);
#else
    return ACME_ERR_KEY_TYPE;
#endif
}

int32_t acme_jws_thumbprint(psa_key_id_t id, char out[44], uint8_t *scratch, size_t size)
{
    struct acme_buf jwk;
    uint8_t hash[32];
    size_t len, half = size / 2;
    int32_t rc;

    acme_buf_init(&jwk, (char *)scratch, half);
    rc = acme_jws_add_jwk(&jwk, id, scratch + half, size - half);
    if (rc != ACME_OK || acme_buf_result(&jwk) < 0) {
        return rc != ACME_OK ? rc : ACME_ERR_BUFFER;
    }
    if (psa_hash_compute(PSA_ALG_SHA_256, scratch, jwk.len, hash, sizeof(hash), &len) !=
        PSA_SUCCESS) {
        return ACME_ERR_CRYPTO;
    }
    rc = acme_b64url_encode(hash, sizeof(hash), out, 43);
    out[rc > 0 ? rc : 0] = '\0';
    return rc == 43 ? ACME_OK : ACME_ERR_INTERNAL;
}

/* ---- JWS ---- */

/* The protected header, as text in scratch; the second half of scratch takes the public key. */
static int32_t protected_header(const struct acme_jws_params *p, const struct key_kind *k,
                                uint8_t *scratch, size_t size, struct acme_buf *out)
{
    size_t text = size / 3 * 2;

    acme_buf_init(out, (char *)scratch, text);
    acme_buf_add(out, "{\"alg\":\"");
    acme_buf_add(out, k->alg);
    if (p->kid != NULL) {
        acme_buf_add(out, "\",\"kid\":\"");
        acme_buf_add_json(out, p->kid);
        acme_buf_add(out, "\"");
    } else {
        int32_t rc;

        acme_buf_add(out, "\",\"jwk\":");
        rc = acme_jws_add_jwk(out, p->key, scratch + text, size - text);
        if (rc != ACME_OK) {
            return rc;
        }
    }
    if (p->nonce != NULL) {
        acme_buf_add(out, ",\"nonce\":\"");
        acme_buf_add_json(out, p->nonce);
        acme_buf_add(out, "\"");
    }
    acme_buf_add(out, ",\"url\":\"");
    acme_buf_add_json(out, p->url);
    acme_buf_add(out, "\"}");
    return acme_buf_result(out) < 0 ? ACME_ERR_BUFFER : ACME_OK;
}

/* Hash over BASE64URL(header) "." BASE64URL(payload), which stand apart in the message. */
static int32_t hash_input(psa_algorithm_t alg, const char *head, size_t head_len,
                          const char *payload, size_t payload_len, uint8_t hash[64], size_t *len)
{
    psa_hash_operation_t op = PSA_HASH_OPERATION_INIT;

    if (psa_hash_setup(&op, alg) != PSA_SUCCESS ||
        psa_hash_update(&op, (const uint8_t *)head, head_len) != PSA_SUCCESS ||
        psa_hash_update(&op, (const uint8_t *)".", 1) != PSA_SUCCESS ||
        psa_hash_update(&op, (const uint8_t *)payload, payload_len) != PSA_SUCCESS ||
        psa_hash_finish(&op, hash, 64, len) != PSA_SUCCESS) {
        (void)psa_hash_abort(&op);
        return ACME_ERR_CRYPTO;
    }
    return ACME_OK;
}

int32_t acme_jws_write(const struct acme_jws_params *params, char *work, size_t work_size,
                       size_t offset, size_t payload_len, uint8_t *scratch, size_t scratch_size)
{
    const struct key_kind *k = kind_of(params->key_type);
    const uint8_t *payload = (const uint8_t *)work + work_size - payload_len;
    struct acme_buf out, header;
    uint8_t hash[64];
    size_t head_at, head_len, payload_at, len, encoded = acme_b64url_encoded_len(payload_len);
    int32_t rc;

    if (k == NULL || offset >= work_size || payload_len > work_size - offset) {
        return k == NULL ? ACME_ERR_KEY_TYPE : ACME_ERR_BUFFER;
    }
    acme_buf_init(&out, work + offset, work_size - offset - payload_len);
    acme_buf_add(&out, "{\"protected\":\"");
    head_at = out.len;
    rc = protected_header(params, k, scratch, scratch_size, &header);
    if (rc != ACME_OK) {
        return rc;
    }
    acme_b64url_add(&out, scratch, header.len);
    head_len = out.len - head_at;
    acme_buf_add(&out, "\",\"payload\":\"");
    payload_at = out.len;
    /* The encoder overtakes nothing that is still unread, if it ends before the payload does. */
    if (out.overflow || offset + payload_at + encoded + 4 > work_size) {
        return ACME_ERR_BUFFER;
    }
    out.size = work_size - offset;
    acme_b64url_add(&out, payload, payload_len);
    rc = hash_input(k->hash, out.data + head_at, head_len, out.data + payload_at,
                    out.len - payload_at, hash, &len);
    if (rc != ACME_OK) {
        return rc;
    }
    if (psa_sign_hash(params->key, sign_alg(k), hash, len, scratch, scratch_size, &len) !=
        PSA_SUCCESS) {
        return ACME_ERR_CRYPTO;
    }
    acme_buf_add(&out, "\",\"signature\":\"");
    acme_b64url_add(&out, scratch, len);
    acme_buf_add(&out, "\"}");
    return acme_buf_result(&out);
}

#if defined(CONFIG_ACME_EAB)
static int32_t hmac_sign(const char *hmac_key, const char *head, size_t head_len,
                         const char *payload, size_t payload_len, uint8_t mac[32])
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_mac_operation_t op = PSA_MAC_OPERATION_INIT;
    psa_key_id_t key = 0;
    psa_status_t status;
    uint8_t raw[128];
    size_t len;
    int32_t n = acme_b64url_decode(hmac_key, strlen(hmac_key), raw, sizeof(raw));

    if (n <= 0) {
        return ACME_ERR_EAB;
    }
    psa_set_key_type(&attributes, PSA_KEY_TYPE_HMAC);
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_SIGN_MESSAGE);
    psa_set_key_algorithm(&attributes, PSA_ALG_HMAC(PSA_ALG_SHA_256));
    status = psa_import_key(&attributes, raw, (size_t)n, &key);
    acme_zeroize(raw, sizeof(raw));
    if (status == PSA_SUCCESS) {
        status = psa_mac_sign_setup(&op, key, PSA_ALG_HMAC(PSA_ALG_SHA_256));
    }
    if (status == PSA_SUCCESS && (psa_mac_update(&op, (const uint8_t *)head, head_len) != 0 ||
                                  psa_mac_update(&op, (const uint8_t *)".", 1) != 0 ||
                                  psa_mac_update(&op, (const uint8_t *)payload, payload_len) != 0 ||
                                  psa_mac_sign_finish(&op, mac, 32, &len) != 0)) {
        status = PSA_ERROR_GENERIC_ERROR;
    }
    (void)psa_mac_abort(&op);
    (void)psa_destroy_key(key);
    return status == PSA_SUCCESS ? ACME_OK : ACME_ERR_CRYPTO;
}

int32_t acme_jws_add_eab(struct acme_buf *out, psa_key_id_t account_key, const char *kid,
                         const char *hmac_key, const char *url, uint8_t *scratch, size_t size)
{
    struct acme_buf text;
    size_t half = size / 2, head_at, head_len, payload_at, payload_len;
    uint8_t mac[32];
    int32_t rc;

    acme_buf_init(&text, (char *)scratch, half);
    acme_buf_add(&text, "{\"alg\":\"HS256\",\"kid\":\"");
    acme_buf_add_json(&text, kid);
    acme_buf_add(&text, "\",\"url\":\"");
    acme_buf_add_json(&text, url);
    acme_buf_add(&text, "\"}");
    acme_buf_add(out, "{\"protected\":\"");
    head_at = out->len;
    acme_b64url_add(out, scratch, text.len);
    head_len = out->len - head_at;
    acme_buf_add(out, "\",\"payload\":\"");
    payload_at = out->len;
    acme_buf_init(&text, (char *)scratch, half);
    rc = acme_jws_add_jwk(&text, account_key, scratch + half, size - half);
    if (rc != ACME_OK || text.overflow || out->overflow) {
        return rc != ACME_OK ? rc : ACME_ERR_BUFFER;
    }
    acme_b64url_add(out, scratch, text.len);
    payload_len = out->len - payload_at;
    rc = hmac_sign(hmac_key, out->data + head_at, head_len, out->data + payload_at, payload_len,
                   mac);
    if (rc != ACME_OK) {
        return rc;
    }
    acme_buf_add(out, "\",\"signature\":\"");
    acme_b64url_add(out, mac, sizeof(mac));
    acme_buf_add(out, "\"}");
    return acme_buf_result(out) < 0 ? ACME_ERR_BUFFER : ACME_OK;
}
#endif
