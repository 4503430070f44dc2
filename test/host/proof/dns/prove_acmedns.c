/*
 * acmedns: the reply of an acme-dns server. The parsers of HTTP and of JSON are stand-ins.
 */
#include "proof.h"

#include "acme/config.h"
#undef CONFIG_ACME_DNS_MESSAGE_MAX
#define CONFIG_ACME_DNS_MESSAGE_MAX 512

#include "acme/dns_acmedns.h"
/* mbedTLS is not configured here as it is for a device, and its contexts are larger. */
#undef ACME_DNS_ACMEDNS_SIZE
#define ACME_DNS_ACMEDNS_SIZE 65536

#include "base/log.h"
#include "json/json.h"

/* A log takes a text that ends. */
void acme_log_line(const struct acme_port *port, enum acme_log_level level, const char *text,
                   const char *detail, int32_t number)
{
    (void)port;
    (void)level;
    (void)text;
    (void)number;
    PROVE(detail == NULL || __CPROVER_r_ok(detail, 1));
}

void acme_json_init(struct acme_json_arena *arena, uint8_t *data, size_t size)
{
    (void)arena;
    PROVE(__CPROVER_w_ok(data, size));
}

#include "dns/acmedns.c"

static struct acme_dns_acmedns provider, *const the_provider = &provider;

int32_t acme_json_parse(struct acme_json_arena *arena, const char *text, size_t len,
                        acme_json_value *root)
{
    (void)arena;
    PROVE(text == the_provider->body && len <= sizeof(the_provider->body));
    *root = NULL;
    return nondet_bool() ? ACME_OK : ACME_ERR_JSON;
}

const char *acme_json_string(acme_json_value object, const char *name)
{
    (void)object;
    (void)name;
    return nondet_bool() ? any_text(4) : NULL;
}

int32_t acme_exchange_poll(struct acme_exchange *x)
{
    (void)x;
    return nondet_i32();
}

static void any_provider(void)
{
    provider.body_len = (uint16_t)any_size(BODY_SIZE);
    provider.exchange.parser.response.status = nondet_u16();
    provider.exchange.more = nondet_bool();
}

void *any_memcpy(void *to, const void *from, size_t len)
{
    size_t at = (size_t)((char *)to - provider.body);

    PROVE(__CPROVER_same_object(to, &provider) && at <= BODY_SIZE && len <= BODY_SIZE - at);
    PROVE(__CPROVER_r_ok(from, len));
    return to;
}

/* proof: body; unwind 2; any piece of a body, as the parser bounds it */
/* calls: memcpy -> any_memcpy */
/* of: dns/acmedns.c on_body; len bytes, of a body of BODY_SIZE at most; "a->body + a->body_len,
 * data, len);" -> "a->body + a->body_len, data, len + 1);" */
void body(void)
{
    size_t len = any_size(BODY_SIZE);

    any_provider();
    ASSUME(len <= (size_t)BODY_SIZE - the_provider->body_len); /* body_bytes in net/http.c */
    PROVE(on_body(the_provider, any_bytes(len, BODY_SIZE), len) == ACME_OK);
    PROVE(the_provider->body_len <= BODY_SIZE);
    SHOW(the_provider->body_len == BODY_SIZE);
}

/* proof: reply; unwind 6; any reply, texts of up to 4 characters */
/* of: dns/acmedns.c on_reply; a provider with a reply; a string; "error != NULL && is_token(error)"
 * -> "*error != 0" */
/* plant: dns/acmedns.c on_reply; "txt != NULL && " -> "" */
/* of: dns/acmedns.c poll_reply; a provider that waits for its reply; "on_reply(a, value)" ->
 * "(a->body_len += BODY_SIZE + 1, on_reply(a, value))" */
/* of: dns/acmedns.c status_error; nothing; "status >= 500" -> "100 / (status - 500) == 0" */
/* of: dns/acmedns.c is_token; a string, or NULL; "text == NULL || " -> "" */
void reply(void)
{
    uint32_t wait_ms;

    any_provider();
    (void)is_token(nondet_bool() ? any_text(4) : NULL);
    SHOW(poll_reply(the_provider, any_text(4), &wait_ms) == ACME_OK);
}

/* not: dns/acmedns.c check_config set_url acme_dns_acmedns_init find_account write_head
 * write_request post poll_present acmedns_stop acmedns_present acmedns_ready acmedns_lookup
 * acmedns_end; they read no foreign byte: the application's accounts, and results of the functions
 * above */
