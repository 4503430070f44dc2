/*
 * address: who has sent a datagram, and endpoints. ipaddr is proved apart.
 */
#include "proof.h"

#include "net/address.h"

int32_t acme_ipaddr_parse(const char *text, uint8_t out[16])
{
    PROVE(__CPROVER_r_ok(text, 1) && __CPROVER_w_ok(out, 16));
    return nondet_bool() ? 4 : nondet_bool() ? 16 : ACME_ERR_NAME;
}

void acme_buf_init(struct acme_buf *b, char *data, size_t size)
{
    (void)b;
    PROVE(__CPROVER_w_ok(data, size));
}

void acme_ipaddr_add(struct acme_buf *b, const uint8_t *bytes, size_t len)
{
    (void)b;
    PROVE(__CPROVER_r_ok(bytes, len));
}

#include "net/address.c"

/* proof: equal; unwind 18; any two addresses */
/* of: net/address.c acme_address_equal; two addresses; "a->family == 4 ? 4 : 16) == 0" ->
 * "a->family
 * == 4 ? 4 : 19) == 0" */
/* of: net/address.c acme_address_format; an address, and room for ACME_IPADDR_TEXT;
 * "ACME_IPADDR_TEXT);" -> "ACME_IPADDR_TEXT + 1);" */
/* of: net/address.c acme_address_parse; a string; "address->bytes);" -> "address->bytes + 4);" */
void equal(void)
{
    struct acme_address *a = malloc(sizeof(*a)), *b = malloc(sizeof(*b));
    char *text = malloc(ACME_IPADDR_TEXT);

    SHOW(acme_address_equal(a, b));
    acme_address_format(a, text);
    SHOW(acme_address_parse(any_text(2), a) == ACME_OK);
}

/* proof: split; unwind 10; any string of up to 8 characters into any room of up to 8 */
/* of: net/address.c acme_endpoint_split; a string; host_size bytes; "len >= host_size ||" -> "len >
 * host_size ||" */
/* of: net/address.c host_end; a string; "return strcspn(text, "]");" -> "return strcspn(text, "]")
 * + 2;" */
/* of: net/address.c read_port; len characters; "value <= UINT16_MAX; text++" -> "value <=
 * UINT32_MAX; text++" */
/* plant: net/address.c read_port; "*text >= '0' && *text <= '9' && value" -> "*text <= '9' &&
 * value"
 */
void split(void)
{
    size_t size = any_size(8);
    uint16_t port;

    SHOW(acme_endpoint_split(any_text(8), nondet_u16(), any_bytes(size, 8), size, &port) ==
         ACME_OK);
}
