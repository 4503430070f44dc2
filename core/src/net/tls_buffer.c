/*
 * The buffers of a TLS connection: replaced by others of another size, as mbedTLS itself does it
 * after a fragment length was agreed on. It must not know what is read.
 */
#define MBEDTLS_ALLOW_PRIVATE_ACCESS
#include "net/tls_buffer.h"

#include "acme/error.h"

#if defined(MBEDTLS_SSL_VARIABLE_BUFFER_LENGTH)

#include <string.h>

#include <mbedtls/platform.h>

#include "base/blocks.h"
#include "base/buf.h"

#define HEAD_LEN   5u    /* of a record: type, version, length */
#define BEGIN_SIZE 1088u /* for 1 KB, and what a record has around it */
#define BELOW_SIZE 512u
#define SHORT_SIZE 4352u /* records of 4 KB */
#define COUNT_LEN  8u    /* records are counted in front of the record's place */

/* mbedTLS's pointers into the buffer go with it. */
static void use(mbedtls_ssl_context *ssl, unsigned char *buffer, size_t size)
{
    uintptr_t old = (uintptr_t)ssl->in_buf; /* a number, for it may be free already */

    ssl->in_ctr = buffer + ((uintptr_t)ssl->in_ctr - old);
    ssl->in_hdr = buffer + ((uintptr_t)ssl->in_hdr - old);
    ssl->in_len = buffer + ((uintptr_t)ssl->in_len - old);
    ssl->in_iv = buffer + ((uintptr_t)ssl->in_iv - old);
    ssl->in_msg = buffer + ((uintptr_t)ssl->in_msg - old);
    ssl->in_buf = buffer;
    ssl->in_buf_len = size;
}

static size_t bytes_in(const mbedtls_ssl_context *ssl)
{
    return (size_t)(ssl->in_hdr - ssl->in_buf) + ssl->in_left;
}

/* Nothing is in it that was not looked at: no part of a record, no further message, no text. */
static bool is_read(const mbedtls_ssl_context *ssl)
{
    return bytes_in(ssl) == COUNT_LEN && ssl->in_offt == NULL && ssl->in_msglen <= ssl->in_hslen;
}

/* Memory that does not lie where the full buffer is to be later, if there is any. */
static unsigned char *allocate_beside(size_t size, size_t full)
{
    void *place = ACME_BLOCKS_APART ? NULL : mbedtls_calloc(1, full);
    unsigned char *buffer = mbedtls_calloc(1, size);

    mbedtls_free(place);
    return buffer != NULL ? buffer : mbedtls_calloc(1, size);
}

static void use_output(mbedtls_ssl_context *ssl, unsigned char *buffer, size_t size)
{
    uintptr_t old = (uintptr_t)ssl->out_buf;

    ssl->out_ctr = buffer + ((uintptr_t)ssl->out_ctr - old);
    ssl->out_hdr = buffer + ((uintptr_t)ssl->out_hdr - old);
    ssl->out_len = buffer + ((uintptr_t)ssl->out_len - old);
    ssl->out_iv = buffer + ((uintptr_t)ssl->out_iv - old);
    ssl->out_msg = buffer + ((uintptr_t)ssl->out_msg - old);
    ssl->out_buf = buffer;
    ssl->out_buf_len = size;
}

/* Nothing was read or written yet. The full ones go first: for both at once there may be no room.
 */
static int begin_small(mbedtls_ssl_context *ssl)
{
    size_t out_size = ssl->out_buf_len - (MBEDTLS_SSL_OUT_CONTENT_LEN - ACME_TLS_OUT_LEN);
    unsigned char *in, *out;

    mbedtls_free(ssl->in_buf);
    mbedtls_free(ssl->out_buf);
    out = mbedtls_calloc(1, out_size);
    in = mbedtls_calloc(1, BEGIN_SIZE);
    if (in == NULL || out == NULL) {
        mbedtls_free(in);
        mbedtls_free(out);
        ssl->in_buf = ssl->out_buf = NULL;
        return MBEDTLS_ERR_SSL_ALLOC_FAILED;
    }
    use(ssl, in, BEGIN_SIZE);
    use_output(ssl, out, out_size);
    return 0;
}

/* A client's buffers, as a pool of our own was told to give them to mbedTLS. */
#define SHORTENED (ACME_TLS_OUT_LEN < MBEDTLS_SSL_OUT_CONTENT_LEN ? 2 : 1)
#define OVER                                                                                       \
    (SHORTENED == 2 && MBEDTLS_SSL_OUT_CONTENT_LEN < MBEDTLS_SSL_IN_CONTENT_LEN                    \
         ? MBEDTLS_SSL_OUT_CONTENT_LEN                                                             \
         : MBEDTLS_SSL_IN_CONTENT_LEN)

static bool is_begun_small(mbedtls_ssl_context *ssl)
{
    size_t out_size = ssl->out_buf_len - (MBEDTLS_SSL_OUT_CONTENT_LEN - ACME_TLS_OUT_LEN);

    if (!acme_blocks_shortened() || (SHORTENED == 2 && out_size > BEGIN_SIZE)) {
        return false;
    }
    ssl->in_buf_len = BEGIN_SIZE;
    ssl->out_buf_len = out_size;
    return true;
}

/* mbedTLS's pool gives what lies lowest. So what stays after the handshake, keys of a few bytes,
 * finds its place below the full buffer's, which is in one piece again when it is asked for. */
int acme_tls_buffer_setup(mbedtls_ssl_context *ssl, const mbedtls_ssl_config *config, size_t *full)
{
    void *below = mbedtls_calloc(1, BELOW_SIZE);
    int ret;

    acme_blocks_shorten(OVER, BEGIN_SIZE, SHORTENED);
    ret = below != NULL ? mbedtls_ssl_setup(ssl, config) : MBEDTLS_ERR_SSL_ALLOC_FAILED;
    if (ret == 0) {
        *full = ssl->in_buf_len;
        ret = is_begun_small(ssl) ? 0 : begin_small(ssl);
    }
    (void)acme_blocks_shortened();
    mbedtls_free(below);
    return ret;
}

/* The full one goes first: between them there may be no room for both. */
int acme_tls_buffer_setup_short(mbedtls_ssl_context *ssl, const mbedtls_ssl_config *config)
{
    unsigned char *small;
    bool shortened;
    int ret;

    acme_blocks_shorten(MBEDTLS_SSL_IN_CONTENT_LEN, SHORT_SIZE,
                        SHORT_SIZE < MBEDTLS_SSL_IN_CONTENT_LEN);
    ret = mbedtls_ssl_setup(ssl, config);
    shortened = acme_blocks_shortened();
    if (ret != 0 || ssl->in_buf_len <= SHORT_SIZE) {
        return ret;
    }
    if (shortened) {
        ssl->in_buf_len = SHORT_SIZE;
        return 0;
    }
    mbedtls_free(ssl->in_buf);
    small = mbedtls_calloc(1, SHORT_SIZE);
    if (small == NULL) {
        ssl->in_buf = NULL;
        return MBEDTLS_ERR_SSL_ALLOC_FAILED;
    }
    use(ssl, small, SHORT_SIZE);
    return 0;
}

int32_t acme_tls_buffer_grow(mbedtls_ssl_context *ssl, size_t full)
{
    size_t used = bytes_in(ssl), size;
    unsigned char *old = ssl->in_buf, *larger;

    if (ssl->in_left < HEAD_LEN) {
        return ACME_ERR_TLS;
    }
    size = (size_t)(ssl->in_hdr - old) + HEAD_LEN + (size_t)(ssl->in_hdr[3] << 8 | ssl->in_hdr[4]);
    if (size <= ssl->in_buf_len || size > full || used > ssl->in_buf_len) {
        return ACME_ERR_TLS;
    }
    larger = allocate_beside(size, full);
    if (larger == NULL) {
        return ACME_ERR_TLS_MEMORY;
    }
    memcpy(larger, old, used);
    acme_zeroize(old, used);
    use(ssl, larger, size);
    mbedtls_free(old);
    return ACME_OK;
}

#if defined(MBEDTLS_SSL_KEEP_PEER_CERTIFICATE)
static void move_digest(mbedtls_ssl_session *session)
{
    (void)session;
}
#else
/* What mbedTLS keeps of the server's certificate was allocated behind all of its chain. */
static void move_digest(mbedtls_ssl_session *session)
{
    size_t len = session->peer_cert_digest_len;
    unsigned char *old = session->peer_cert_digest, *lower;

    lower = old != NULL ? mbedtls_calloc(1, len) : NULL;
    if (lower != NULL) {
        memcpy(lower, old, len);
        session->peer_cert_digest = lower;
        mbedtls_free(old);
    }
}
#endif

/* A buffer of another size, or if there is no memory for it, of the same. The old one goes first:
 * what is free in one piece is more then. */
static int32_t replace(mbedtls_ssl_context *ssl, size_t wanted)
{
    size_t size = ssl->in_buf_len;
    unsigned char *old = ssl->in_buf, *fresh, count[COUNT_LEN];

    memcpy(count, old, COUNT_LEN);
    acme_zeroize(old, size);
    mbedtls_free(old);
    move_digest(ssl->session);
    fresh = mbedtls_calloc(1, wanted);
    if (fresh != NULL) {
        size = wanted;
    } else {
        fresh = mbedtls_calloc(1, size);
    }
    if (fresh == NULL) { /* another thread has taken it: the connection cannot be read any more */
        ssl->in_buf = NULL;
        return ACME_ERR_TLS_MEMORY;
    }
    memcpy(fresh, count, COUNT_LEN);
    use(ssl, fresh, size);
    return ACME_OK;
}

int32_t acme_tls_buffer_settle(mbedtls_ssl_context *ssl, size_t full)
{
    return ssl->in_buf_len < full && is_read(ssl) ? replace(ssl, full) : ACME_OK;
}

int32_t acme_tls_buffer_rest(mbedtls_ssl_context *ssl)
{
    return ACME_BLOCKS_APART && ssl->in_buf_len > BEGIN_SIZE && is_read(ssl)
               ? replace(ssl, BEGIN_SIZE)
               : ACME_OK;
}

#else

int acme_tls_buffer_setup(mbedtls_ssl_context *ssl, const mbedtls_ssl_config *config, size_t *full)
{
    *full = 0;
    return mbedtls_ssl_setup(ssl, config);
}

int acme_tls_buffer_setup_short(mbedtls_ssl_context *ssl, const mbedtls_ssl_config *config)
{
    return mbedtls_ssl_setup(ssl, config);
}

int32_t acme_tls_buffer_grow(mbedtls_ssl_context *ssl, size_t full)
{
    (void)ssl;
    (void)full;
    return ACME_ERR_TLS;
}

int32_t acme_tls_buffer_settle(mbedtls_ssl_context *ssl, size_t full)
{
    (void)ssl;
    (void)full;
    return ACME_OK;
}

int32_t acme_tls_buffer_rest(mbedtls_ssl_context *ssl)
{
    (void)ssl;
    return ACME_OK;
}

#endif
