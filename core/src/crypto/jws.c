/*
 * JWK, thumbprint, JWS, EAB. Signatures are PSA's; this file only arranges bytes. It must not see
 * a private key.
 */
#include "crypto/jws.h"

#include <string.h>

#include <psa/internal_trusted_storage.h>

#include <mbedtls/asn1.h>

#include "base/assert.h"
#include "base/b64url.h"
#include "base/option.h"
#include "store/store.h"

struct key_kind {
    const char *alg, *crv;
    psa_key_type_t type;
    uint16_t bits;
    uint8_t coordinate; /* bytes of an EC coordinate; 0: RSA */
    psa_algorithm_t hash;
};

static const struct key_kind kinds[] = {
    [ACME_KEY_EC_P256] = {"ES256", "P-256", PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1), 256,
                          32, PSA_ALG_SHA_256},
#if defined(CONFIG_ACME_KEY_P384)
    [ACME_KEY_EC_P384] = {"ES384", "P-384", PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1), 384,
                          48, PSA_ALG_SHA_384},
#endif
#if defined(CONFIG_ACME_KEY_RSA)
    [ACME_KEY_RSA_2048] = {"RS256", NULL, PSA_KEY_TYPE_RSA_KEY_PAIR, 2048, 0, PSA_ALG_SHA_256},
    [ACME_KEY_RSA_3072] = {"RS256", NULL, PSA_KEY_TYPE_RSA_KEY_PAIR, 3072, 0, PSA_ALG_SHA_256},
    [ACME_KEY_RSA_4096] = {"RS256", NULL, PSA_KEY_TYPE_RSA_KEY_PAIR, 4096, 0, PSA_ALG_SHA_256},
#endif
};

static const struct key_kind *kind_of(uint8_t key_type)
{
    if (key_type >= sizeof(kinds) / sizeof(kinds[0]) || kinds[key_type].alg == NULL) {
        return NULL;
    }
    return &kinds[key_type];
}

static bool is_ec(const struct key_kind *k)
{
    return !ACME_ENABLED(CONFIG_ACME_KEY_RSA) || k->coordinate != 0;
}

static psa_algorithm_t sign_alg(const struct key_kind *k)
{
    return is_ec(k) ? PSA_ALG_ECDSA(k->hash) : PSA_ALG_RSA_PKCS1V15_SIGN(k->hash);
}

/* mbedTLS says no more than that a key could not be stored: the log knows why. */
static int32_t store_error(void)
{
    int32_t rc = acme_store_its_result();

    return rc != ACME_OK ? rc : ACME_ERR_CRYPTO;
}

static int32_t from_psa(psa_status_t status)
{
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

int32_t acme_jws_check_key_type(uint8_t key_type)
{
    return kind_of(key_type) != NULL ? ACME_OK : ACME_ERR_KEY_TYPE;
}

/* mbedTLS says DATA_INVALID of a damaged key, and of one that could not be read this time: so it is
 * asked twice. */
static psa_status_t read_attributes(psa_key_id_t id, psa_key_attributes_t *attributes)
{
    psa_status_t status = psa_get_key_attributes(id, attributes);

    return status == PSA_ERROR_DATA_INVALID ? psa_get_key_attributes(id, attributes) : status;
}

static psa_status_t key_status(psa_key_id_t id)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_status_t status = read_attributes(id, &attributes);

    psa_reset_key_attributes(&attributes);
    (void)psa_purge_key(id); /* which that has loaded */
    return status;
}

/* What gives a key away. Only keys that are to be reused can be copied. */
#define KEY_USAGE_GIVES                                                                            \
    (PSA_KEY_USAGE_EXPORT | (ACME_ENABLED(CONFIG_ACME_KEY_REUSE) ? PSA_KEY_USAGE_COPY : 0U))

static psa_key_usage_t key_usage(bool exportable)
{
    return PSA_KEY_USAGE_SIGN_HASH | PSA_KEY_USAGE_SIGN_MESSAGE |
           (exportable ? PSA_KEY_USAGE_EXPORT : 0);
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

    /* PSA loads a key before it destroys it, which a damaged one does not survive. */
    if (status == PSA_ERROR_DATA_CORRUPT || status == PSA_ERROR_DATA_INVALID) {
        status = psa_its_remove(id);
    }
    return status == PSA_ERROR_INVALID_HANDLE ? ACME_OK : from_psa(status);
}

static void describe(psa_key_attributes_t *attributes, psa_key_id_t id, const struct key_kind *k,
                     psa_key_usage_t usage)
{
    psa_set_key_id(attributes, id);
    psa_set_key_type(attributes, k->type);
    psa_set_key_bits(attributes, k->bits);
    psa_set_key_usage_flags(attributes, usage);
    if (is_ec(k)) {
        psa_set_key_algorithm(attributes, PSA_ALG_ECDSA(PSA_ALG_ANY_HASH));
    } else {
        /* TLS 1.3 signs with PSS, everything else here with PKCS #1 v1.5. */
        psa_set_key_algorithm(attributes, PSA_ALG_RSA_PKCS1V15_SIGN(PSA_ALG_ANY_HASH));
        psa_set_key_enrollment_algorithm(attributes, PSA_ALG_RSA_PSS(PSA_ALG_ANY_HASH));
    }
}

static int32_t generate(psa_key_id_t id, const struct key_kind *k, psa_key_usage_t usage)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_status_t status;

    describe(&attributes, id, k, usage);
    status = psa_generate_key(&attributes, &id);
    psa_reset_key_attributes(&attributes);
    return from_psa(status);
}

/* Whether a key is of this kind, and may or may not be given away as usage says. */
static psa_status_t look_at_key(psa_key_id_t id, const struct key_kind *k, psa_key_usage_t usage,
                                bool *fits)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_status_t status = read_attributes(id, &attributes);

    *fits = psa_get_key_type(&attributes) == k->type && psa_get_key_bits(&attributes) == k->bits &&
            ((psa_get_key_usage_flags(&attributes) ^ usage) & KEY_USAGE_GIVES) == 0;
    psa_reset_key_attributes(&attributes);
    return status;
}

/* What is not said here (no room, a flash that fails) is no reason for another key: the next try
 * may bring the copy. */
static bool is_refusal(psa_status_t status)
{
    return status == PSA_ERROR_NOT_PERMITTED || status == PSA_ERROR_NOT_SUPPORTED ||
           status == PSA_ERROR_INVALID_ARGUMENT || status == PSA_ERROR_INVALID_HANDLE;
}

static psa_status_t copy(psa_key_id_t id, psa_key_id_t old, const struct key_kind *k,
                         psa_key_usage_t usage)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_status_t status;
    bool fits;

    if (old == PSA_KEY_ID_NULL || acme_jws_key_lost(old)) {
        return PSA_ERROR_INVALID_HANDLE;
    }
    status = look_at_key(old, k, usage, &fits);
    if (status == PSA_SUCCESS && !fits) {
        status = PSA_ERROR_NOT_PERMITTED;
    }
    if (status == PSA_SUCCESS) {
        describe(&attributes, id, k, usage);
        status = psa_copy_key(old, &attributes, &id);
        psa_reset_key_attributes(&attributes);
    }
    return status;
}

/* The copy where there is something to copy, else a new key. */
static int32_t copy_or_generate(psa_key_id_t id, psa_key_id_t old, const struct key_kind *k,
                                psa_key_usage_t usage, bool *copied)
{
    psa_status_t status = copy(id, old, k, usage);

    *copied = !is_refusal(status);
    return *copied ? from_psa(status) : generate(id, k, usage);
}

/* copied: NULL if a copy is not wanted. */
static int32_t ensure(psa_key_id_t id, psa_key_id_t old, uint8_t key_type, psa_key_usage_t usage,
                      bool *made, bool *copied)
{
    const struct key_kind *k = kind_of(key_type);
    psa_status_t status;
    bool fits;

    *made = false;
    if (k == NULL) {
        return ACME_ERR_KEY_TYPE;
    }
    status = look_at_key(id, k, usage, &fits);
    if (status == PSA_SUCCESS && fits) {
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
    if (ACME_ENABLED(CONFIG_ACME_KEY_REUSE) && copied != NULL) {
        return copy_or_generate(id, old, k, usage, copied);
    }
    return generate(id, k, usage);
}

int32_t acme_jws_ensure_key(psa_key_id_t id, uint8_t key_type, bool exportable, bool *made)
{
    return ensure(id, PSA_KEY_ID_NULL, key_type, key_usage(exportable), made, NULL);
}

#if defined(CONFIG_ACME_KEY_REUSE) /* else copied is NULL for the compiler, too */
int32_t acme_jws_ensure_copy(psa_key_id_t id, psa_key_id_t old, uint8_t key_type, bool exportable,
                             bool *made, bool *copied)
{
    *copied = false;
    return ensure(id, old, key_type, key_usage(exportable) | PSA_KEY_USAGE_COPY, made, copied);
}
#endif

/* ---- JWK ---- */

static int32_t add_ec(struct acme_buf *out, const uint8_t *pub, size_t len)
{
    size_t coordinate = (len - 1) / 2;

    acme_buf_add_form(out, "{\"crv\":\"P-#\",\"kty\":\"EC\",\"x\":\"", (uint32_t)coordinate * 8U);
    acme_b64url_add(out, pub + 1, coordinate);
    acme_buf_add(out, "\",\"y\":\"");
    acme_b64url_add(out, pub + 1 + coordinate, coordinate);
    acme_buf_add(out, "\"}");
    return ACME_OK;
}

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

int32_t acme_jws_add_jwk(struct acme_buf *out, psa_key_id_t id, uint8_t *scratch, size_t size)
{
    size_t len;

    if (psa_export_public_key(id, scratch, size, &len) != PSA_SUCCESS) {
        return ACME_ERR_CRYPTO;
    }
    (void)psa_purge_key(id);
    if (scratch[0] == 4) { /* an uncompressed point; PSA exports RSA keys as a SEQUENCE */
        return add_ec(out, scratch, len);
    }
    return ACME_ENABLED(CONFIG_ACME_KEY_RSA) ? add_rsa(out, scratch, len) : ACME_ERR_CRYPTO;
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
    acme_buf_init(&jwk, out, 44);
    acme_b64url_add(&jwk, hash, sizeof(hash));
    return ACME_OK;
}

/* ---- JWS ---- */

#if defined(MBEDTLS_ECP_RESTARTABLE)
/* Curves are computed in steps; RSA is not. */
static bool has_steps(const struct acme_jws_signing *s)
{
    return !ACME_ENABLED(CONFIG_ACME_KEY_RSA) || PSA_ALG_IS_ECDSA(s->alg);
}

static psa_status_t start_steps(struct acme_jws_signing *s)
{
    psa_interruptible_set_max_ops(CONFIG_ACME_ECC_MAX_OPS);
    return has_steps(s) ? psa_sign_hash_start(&s->op, s->key, s->alg, s->hash, s->hash_len)
                        : PSA_SUCCESS;
}

static psa_status_t sign(struct acme_jws_signing *s, uint8_t *signature, size_t size, size_t *len)
{
    return has_steps(s) ? psa_sign_hash_complete(&s->op, signature, size, len)
                        : psa_sign_hash(s->key, s->alg, s->hash, s->hash_len, signature, size, len);
}

static void abort_steps(struct acme_jws_signing *s)
{
    (void)psa_sign_hash_abort(&s->op);
}
#else
static psa_status_t start_steps(struct acme_jws_signing *s)
{
    (void)s;
    return PSA_SUCCESS;
}

static psa_status_t sign(struct acme_jws_signing *s, uint8_t *signature, size_t size, size_t *len)
{
    return psa_sign_hash(s->key, s->alg, s->hash, s->hash_len, signature, size, len);
}

static void abort_steps(struct acme_jws_signing *s)
{
    (void)s;
}
#endif

/* The scratch memory has two lives. In the first it holds the text of the protected header, and
 * behind that the public key that goes into it. Both are in the message when the second begins: the
 * signing under way, and behind that the signature. */
static size_t first_life_text(size_t size)
{
    return size / 3 * 2;
}

static struct acme_jws_signing *second_life(uint8_t *scratch)
{
    return (struct acme_jws_signing *)(void *)scratch;
}

static int32_t protected_header(const struct acme_jws_params *p, const struct key_kind *k,
                                uint8_t *scratch, size_t size, struct acme_buf *out)
{
    size_t text_size = first_life_text(size);

    acme_buf_init(out, (char *)scratch, text_size);
    acme_buf_add_form(out, "{\"alg\":\"$\",", k->alg);
    if (p->kid != NULL) {
        acme_buf_add_form(out, "\"kid\":\"@\"", p->kid);
    } else {
        int32_t rc;

        acme_buf_add(out, "\"jwk\":");
        rc = acme_jws_add_jwk(out, p->key, scratch + text_size, size - text_size);
        if (rc != ACME_OK) {
            return rc;
        }
    }
    if (p->nonce != NULL) {
        acme_buf_add_form(out, ",\"nonce\":\"@\"", p->nonce);
    }
    acme_buf_add_form(out, ",\"url\":\"@\"}", p->url);
    return acme_buf_result(out);
}

/* Hashes what is signed. */
static int32_t start_signing(const struct acme_jws_params *params, const struct key_kind *k,
                             const char *input, size_t len, uint8_t *scratch)
{
    struct acme_jws_signing *s = second_life(scratch);

    memset(s, 0, sizeof(*s));
    s->key = params->key;
    s->alg = sign_alg(k);
    if (psa_hash_compute(k->hash, (const uint8_t *)input, len, s->hash, sizeof(s->hash),
                         &s->hash_len) != PSA_SUCCESS) {
        return ACME_ERR_CRYPTO;
    }
    return start_steps(s) == PSA_SUCCESS ? ACME_OK : ACME_ERR_CRYPTO;
}

int32_t acme_jws_start(const struct acme_jws_params *params, char *work, size_t work_size,
                       size_t offset, size_t payload_len, uint8_t *scratch, size_t scratch_size)
{
    static const char between[] = "\",\"payload\":\"";
    const size_t gap = sizeof(between) - 2; /* what it is longer than a dot */
    const struct key_kind *k = kind_of(params->key_type);
    struct acme_buf out, header;
    char *input, *dot;
    size_t encoded = acme_b64url_encoded_len(payload_len);
    int32_t rc;

    if (k == NULL) {
        return ACME_ERR_KEY_TYPE;
    }
    if (offset >= work_size || payload_len > work_size - offset ||
        scratch_size < sizeof(struct acme_jws_signing)) {
        return ACME_ERR_BUFFER;
    }
    rc = protected_header(params, k, scratch, scratch_size, &header);
    if (rc < 0) {
        return rc;
    }
    acme_buf_init(&out, work + offset, work_size - offset - payload_len);
    acme_buf_add(&out, "{\"protected\":\"");
    input = out.data + out.len;
    acme_b64url_add(&out, scratch, header.len);
    dot = out.data + out.len;
    acme_buf_add(&out, ".");
    /* The encoder overtakes nothing that is still unread, if it ends before the payload does. */
    if (out.overflow || offset + out.len + encoded + gap + 4 > work_size) {
        return ACME_ERR_BUFFER;
    }
    out.size = work_size - offset;
    acme_b64url_add(&out, (const uint8_t *)work + work_size - payload_len, payload_len);
    rc = start_signing(params, k, input, (size_t)(out.data + out.len - input), scratch);
    /* What is signed is header, dot, payload; in the JSON text they stand apart. */
    out.len += gap;
    memmove(dot + 1 + gap, dot + 1, encoded);
    memcpy(dot, between, 1 + gap);
    second_life(scratch)->out = out;
    return rc;
}

int32_t acme_jws_sign(uint8_t *scratch, size_t scratch_size)
{
    struct acme_jws_signing *s = second_life(scratch);
    uint8_t *signature = scratch + sizeof(*s);
    size_t len;
    psa_status_t status;

    ACME_ASSERT(s->alg != 0 && s->hash_len <= sizeof(s->hash) && s->out.len < s->out.size);
    status = sign(s, signature, scratch_size - sizeof(*s), &len);
    if (status != PSA_SUCCESS) {
        return status == PSA_OPERATION_INCOMPLETE ? ACME_ERR_AGAIN : ACME_ERR_CRYPTO;
    }
    acme_buf_add(&s->out, "\",\"signature\":\"");
    acme_b64url_add(&s->out, signature, len);
    acme_buf_add(&s->out, "\"}");
    return acme_buf_result(&s->out);
}

void acme_jws_abort(uint8_t *scratch)
{
    abort_steps(second_life(scratch));
}

/* ---- external account binding ---- */

#define EAB_KEY_MAX 128U

/* base64url of a key, as CAs and people give it: with padding, with the two characters of base64
 * that are others, with a line end. Returns its bytes, or ACME_ERR_EAB_KEY. */
static int32_t decode_eab_key(const char *text, uint8_t raw[EAB_KEY_MAX])
{
    char clean[(EAB_KEY_MAX * 4 + 2) / 3 + 1];
    size_t len = strlen(text), i;
    int32_t n;

    while (len > 0 && strchr("= \t\r\n", text[len - 1]) != NULL) {
        len--;
    }
    if (len == 0 || len >= sizeof(clean)) {
        return ACME_ERR_EAB_KEY;
    }
    for (i = 0; i < len; i++) {
        char c = text[i] == '+' ? '-' : text[i];

        clean[i] = c == '/' ? '_' : c;
    }
    n = acme_b64url_decode(clean, len, raw, EAB_KEY_MAX);
    acme_zeroize(clean, sizeof(clean));
    return n > 0 ? n : ACME_ERR_EAB_KEY;
}

/* Whether a key is itself the base64 of one: as long as that of 32 random bytes, of its characters
 * alone, and of each kind of them. */
static bool is_base64(const uint8_t *key, size_t len)
{
    uint32_t seen = 0;
    size_t i;

    for (i = 0; i < len; i++) {
        if (key[i] >= 'a' && key[i] <= 'z') {
            seen |= 1U;
        } else if (key[i] >= 'A' && key[i] <= 'Z') {
            seen |= 2U;
        } else if (acme_is_digit((char)key[i])) {
            seen |= 4U;
        }
    }
    return len >= 40 && seen == 7U && acme_word_len((const char *)key, len, "-_+/=\r\n") == len;
}

int32_t acme_jws_check_eab_key(const char *hmac_key)
{
    uint8_t raw[EAB_KEY_MAX];
    int32_t n = decode_eab_key(hmac_key, raw);
    bool twice = n > 0 && is_base64(raw, (size_t)n);

    acme_zeroize(raw, sizeof(raw));
    return n > 0 && !twice ? ACME_OK : ACME_ERR_EAB_KEY;
}

static int32_t hmac_sign(const char *hmac_key, const char *head, size_t head_len,
                         const char *payload, size_t payload_len, uint8_t mac[32])
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_mac_operation_t op = PSA_MAC_OPERATION_INIT;
    psa_key_id_t key = 0;
    psa_status_t status;
    uint8_t raw[EAB_KEY_MAX];
    size_t len;
    int32_t n = decode_eab_key(hmac_key, raw);

    if (n <= 0) {
        acme_zeroize(raw, sizeof(raw)); /* what was decoded before the fault */
        return ACME_ERR_EAB_KEY;
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
    out->overflow = out->overflow || text.overflow;
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
