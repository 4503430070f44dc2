/*
 * tls_buffer: a record's length, as a server says it, against the input buffers. What mbedTLS keeps
 * of its buffer is written down once, as is_input(): each
 * function takes any such state to such a state, or leaves no buffer at all.
 */
#include "proof.h"

#include "acme/config.h"
#define MBEDTLS_SSL_VARIABLE_BUFFER_LENGTH
#define MBEDTLS_ALLOW_PRIVATE_ACCESS
#include <mbedtls/platform.h>
#include <mbedtls/ssl.h>

#define BUFFER_MAX    (16384 + 1024)
#define OUT_SIZE(len) ((size_t)(len) + COUNT_LEN + HEAD_LEN + 35) /* of mbedTLS's buffer */

/* Memory may lack. */
void *any_calloc(size_t count, size_t size)
{
    PROVE(count == 1 && size <= BUFFER_MAX);
    return nondet_bool() ? malloc(size) : NULL;
}

#undef mbedtls_calloc
#define mbedtls_calloc any_calloc

/* A client whose output is shortened, and a pool that does it. */
#undef MBEDTLS_MEMORY_BUFFER_ALLOC_C
#undef MBEDTLS_SSL_SESSION_TICKETS
#undef MBEDTLS_SSL_PROTO_TLS1_3

#include "net/tls_buffer.c"

/* The pointers stand in the order of a record's parts, which begin in the buffer. */
static bool is_input(const mbedtls_ssl_context *ssl)
{
    const unsigned char *b = ssl->in_buf;

    return __CPROVER_w_ok(b, ssl->in_buf_len) && ssl->in_buf_len >= BELOW_SIZE &&
           ssl->in_ctr == b && ssl->in_hdr == b + COUNT_LEN && ssl->in_len == b + COUNT_LEN + 3 &&
           ssl->in_iv == b + COUNT_LEN + HEAD_LEN && __CPROVER_same_object(ssl->in_msg, b) &&
           ssl->in_msg >= ssl->in_iv && ssl->in_msg <= ssl->in_iv + 16;
}

void any_zeroize(void *data, size_t len)
{
    PROVE(__CPROVER_w_ok(data, len));
}

static bool is_output(const mbedtls_ssl_context *ssl)
{
    const unsigned char *b = ssl->out_buf;

    return __CPROVER_w_ok(b, ssl->out_buf_len) && ssl->out_ctr == b &&
           ssl->out_hdr == b + COUNT_LEN && ssl->out_len == b + COUNT_LEN + 3 &&
           ssl->out_iv == b + COUNT_LEN + HEAD_LEN && ssl->out_msg == ssl->out_iv;
}

/* What the pool is told, and whether it does it. */
static struct {
    size_t to;
    uint8_t count;
    bool done;
} shortened;

void any_shorten(size_t over, size_t to, uint8_t count)
{
    (void)over;
    shortened.to = to;
    shortened.count = count;
    shortened.done = nondet_bool();
}

bool any_shortened(void)
{
    return shortened.done;
}

/* As mbedTLS makes it. */
static void full_output(mbedtls_ssl_context *ssl)
{
    ssl->out_buf_len = OUT_SIZE(MBEDTLS_SSL_OUT_CONTENT_LEN);
    ssl->out_buf = malloc(shortened.done && shortened.count == 2 ? shortened.to : ssl->out_buf_len);
    ssl->out_ctr = ssl->out_buf;
    ssl->out_hdr = ssl->out_buf + COUNT_LEN;
    ssl->out_len = ssl->out_hdr + 3;
    ssl->out_iv = ssl->out_msg = ssl->out_hdr + HEAD_LEN;
}

/* Any state of a buffer of this size. */
static void any_input(mbedtls_ssl_context *ssl, size_t size)
{
    ASSUME(size >= BELOW_SIZE);
    ssl->in_buf = malloc(size);
    ssl->in_buf_len = size;
    ssl->in_ctr = ssl->in_buf;
    ssl->in_hdr = ssl->in_buf + COUNT_LEN;
    ssl->in_len = ssl->in_hdr + 3;
    ssl->in_iv = ssl->in_hdr + HEAD_LEN;
    ssl->in_msg = ssl->in_iv + any_size(16);
    ssl->in_left = any_size(BUFFER_MAX);
    ssl->in_offt = nondet_bool() ? ssl->in_msg : NULL;
    ssl->in_msglen = nondet_size();
    ssl->in_hslen = nondet_size();
}

/* proof: grow; unwind 2; any record's head in any buffer of 512 to 17408 bytes, any full size up to
 * that */
/* calls: acme_zeroize -> any_zeroize */
/* of: net/tls_buffer.c acme_tls_buffer_grow; a connection that mbedTLS has set up; what is read is
 * in the buffer; "size > full || " -> "" */
/* plant: net/tls_buffer.c acme_tls_buffer_grow; "size <= ssl->in_buf_len || " -> "" */
/* plant: net/tls_buffer.c acme_tls_buffer_grow; " || used > ssl->in_buf_len" -> "" */
/* of: net/tls_buffer.c use; a larger buffer; "ssl->in_buf_len = size;" -> "ssl->in_buf_len = size +
 * 1;" */
/* plant: net/tls_buffer.c use; "ssl->in_msg = buffer + ((uintptr_t)ssl->in_msg - old);" -> "" */
/* of: net/tls_buffer.c bytes_in; a connection that mbedTLS has set up; "+ ssl->in_left" -> "" */
/* of: net/tls_buffer.c allocate_beside; nothing; "*buffer = mbedtls_calloc(1, size);" -> "*buffer = mbedtls_calloc(1, size - 1);" */
void grow(void)
{
    static mbedtls_ssl_context ssl;
    size_t full = any_size(BUFFER_MAX), size = any_size(BUFFER_MAX);
    int32_t rc;

    any_input(&ssl, size);
    rc = acme_tls_buffer_grow(&ssl, full);
    PROVE(is_input(&ssl) && (ssl.in_buf_len == size || rc == ACME_OK));
    PROVE(rc != ACME_OK || (ssl.in_buf_len > size && ssl.in_buf_len <= full));
    PROVE(rc != ACME_OK || COUNT_LEN + ssl.in_left <= ssl.in_buf_len);
    SHOW(rc == ACME_OK && ssl.in_buf_len == 17000);
    SHOW(rc == ACME_ERR_TLS_MEMORY);
}

/* proof: settle; unwind 2; any buffer of 512 to 17408 bytes, any full size up to that */
/* calls: acme_zeroize -> any_zeroize */
/* of: net/tls_buffer.c acme_tls_buffer_settle; a connection that mbedTLS has set up;
 * "ssl->in_buf_len < full &&" -> "" */
/* of: net/tls_buffer.c replace; a buffer in which nothing is; "fresh == NULL) {" -> "size == 0) {" */
/* of: net/tls_buffer.c acme_tls_buffer_rest; a connection that mbedTLS has set up;
 * "ssl->in_buf_len > BEGIN_SIZE &&" -> "" */
/* of: net/tls_buffer.c is_read; a connection that mbedTLS has set up; "bytes_in(ssl) == COUNT_LEN &&" ->
 * "" */
void settle(void)
{
    static mbedtls_ssl_context ssl;
    size_t full = any_size(BUFFER_MAX), size = any_size(BUFFER_MAX);
    int32_t rc;

    any_input(&ssl, size);
    if (nondet_bool()) {
        rc = acme_tls_buffer_rest(&ssl);
        PROVE(rc == ACME_OK ? is_input(&ssl) && ssl.in_buf_len <= size : ssl.in_buf == NULL);
        SHOW(rc == ACME_OK && ssl.in_buf_len == BEGIN_SIZE && size == 17000);
        return;
    }
    rc = acme_tls_buffer_settle(&ssl, full);
    PROVE(rc == ACME_OK ? is_input(&ssl) && ssl.in_buf_len >= size : ssl.in_buf == NULL);
    PROVE(ssl.in_buf_len == size || (ssl.in_buf_len == full && ssl.in_left == 0));
    SHOW(rc == ACME_OK && ssl.in_buf_len == 17000 && size == 600);
    SHOW(rc == ACME_OK && ssl.in_buf_len == 600 && full == 17000 && ssl.in_left == 0);
    SHOW(rc == ACME_ERR_TLS_MEMORY);
}

/* What mbedTLS leaves: a full buffer in which nothing was read, or none. */
int any_setup(mbedtls_ssl_context *ssl, const mbedtls_ssl_config *config)
{
    (void)config;
    if (nondet_bool()) {
        return MBEDTLS_ERR_SSL_ALLOC_FAILED;
    }
    any_input(ssl, any_size(BUFFER_MAX));
    if (shortened.done) { /* who asks is told the length that mbedTLS asked for */
        ssl->in_buf = malloc(shortened.to);
        ssl->in_ctr = ssl->in_buf;
        ssl->in_hdr = ssl->in_buf + COUNT_LEN;
        ssl->in_len = ssl->in_hdr + 3;
        ssl->in_iv = ssl->in_msg = ssl->in_hdr + HEAD_LEN;
        ASSUME(ssl->in_buf_len > MBEDTLS_SSL_IN_CONTENT_LEN);
    }
    full_output(ssl);
    return 0;
}

/* proof: setup; unwind 2; any full size of 512 to 17408 bytes */
/* calls: mbedtls_ssl_setup -> any_setup */
/* calls: acme_blocks_shorten -> any_shorten */
/* calls: acme_blocks_shortened -> any_shortened */
/* of: net/tls_buffer.c is_begun_small; a connection that was just set up; "ssl->in_buf_len = BEGIN_SIZE;" -> "" */
/* plant: net/tls_buffer.c is_begun_small; "ssl->out_buf_len = out_size;" -> "" */
/* of: net/tls_buffer.c acme_tls_buffer_setup; nothing; "ret = is_begun_small(ssl) ? 0 : begin_small(ssl);" -> "(void)begin_small(ssl);" */
/* of: net/tls_buffer.c begin_small; a connection that was just set up; "use(ssl, in, BEGIN_SIZE);" ->
 * "use(ssl, in, BEGIN_SIZE + 1);" */
/* plant: net/tls_buffer.c begin_small; "ssl->in_buf = ssl->out_buf = NULL;" -> "" */
/* of: net/tls_buffer.c use_output; a connection that was just set up; "ssl->out_buf_len = size;" -> "" */
/* plant: net/tls_buffer.c use_output; "ssl->out_msg = buffer + ((uintptr_t)ssl->out_msg - old);" -> "" */
/* of: net/tls_buffer.c acme_tls_buffer_setup_short; nothing; "use(ssl, small, SHORT_SIZE);" -> "use(ssl, small, SHORT_SIZE + 1);" */
/* plant: net/tls_buffer.c acme_tls_buffer_setup_short; "ssl->in_buf = NULL;" -> "" */
void setup(void)
{
    static mbedtls_ssl_context ssl;
    bool is_short = nondet_bool();
    size_t full = 0;
    int ret = is_short ? acme_tls_buffer_setup_short(&ssl, NULL)
                       : acme_tls_buffer_setup(&ssl, NULL, &full);

    PROVE(ret == 0 ? is_input(&ssl) && is_output(&ssl) : ssl.in_buf == NULL);
    PROVE(ret != 0 || is_short ||
          (ssl.in_buf_len == BEGIN_SIZE && ssl.out_buf_len == OUT_SIZE(ACME_TLS_OUT_LEN)));
    SHOW(ret == 0 && ssl.in_buf_len == SHORT_SIZE);
    SHOW(ret == 0 && full == BUFFER_MAX);
    SHOW(ret != 0 && full == 0);
}

/* not: net/tls_buffer.c move_digest; it reads a digest that mbedTLS has made itself, by its length
 */
