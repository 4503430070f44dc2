/*
 * The objects of ACME's resources: directory, account, order, authorization, challenge,
 * renewalInfo, in the client's own readers, several in a row as the input says. A client that has
 * just been set up is put into the state in which such a reply comes. Whatever the reply says, the
 * client is in a state that there is, its URLs are https ones inside the pool, what it is going to
 * publish or to show to people is printable, and its counts are in their bounds.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <psa/crypto.h>

#include "acme_posix.h"
#include "client/account.h"
#include "client/account_manage.h"
#include "client/ari.h"
#include "client/authorization.h"
#include "client/challenge.h"
#include "client/order.h"
#include "client/pool.h"
#include "client/pre_authorization.h"
#include "client/state.h"
#include "flash_sim.h"
#include "client/schedule.h"
#include "script.h"

static const char *const names[] = {"device.example.org", "*.example.net", "192.0.2.1"};
static const struct acme_cert_request requests[] = {{.names = names, .names_count = 3}};
static const struct acme_trust_anchor no_anchor;
static struct flash_sim flash;
static struct flash_sim_image *blank;
static _Alignas(8) uint8_t memory[ACME_MEMORY_SIZE], pristine[ACME_MEMORY_SIZE];
static acme_client *c;

static uint64_t uptime_ms(void *ctx)
{
    (void)ctx;
    return 1000000;
}

static int32_t wall_s(void *ctx, int64_t *unix_s)
{
    (void)ctx;
    *unix_s = 1767225600;
    return ACME_OK;
}

static const struct acme_clock_ops clock_ops = {uptime_ms, wall_s};

static void check_text(const char *text)
{
    for (; text != NULL && *text != '\0'; text++) {
        CHECK(*text >= ' ' && *text <= '~');
    }
}

static void on_event(void *ctx, const struct acme_event *event)
{
    (void)ctx;
    check_text(event->text);
    if (event->problem != NULL) {
        check_text(event->problem->detail);
        check_text(event->problem->type);
        check_text(event->problem->identifier);
    }
}

/* An offset into the pool that names a text, or nothing. */
static const char *check_offset(uint16_t offset)
{
    CHECK(offset == 0 || offset < c->pool_len);
    return acme_pool_get(c, offset);
}

static void check_url(uint16_t offset)
{
    struct acme_uri uri;

    CHECK(offset == 0 || acme_uri_parse(check_offset(offset), &uri) == ACME_OK);
}

static void check_order(const struct acme_order *o)
{
    uint16_t i;

    check_url(o->url);
    check_url(o->finalize);
    check_url(o->certificate);
    check_url(o->challenge);
    check_text(check_offset(o->token));
    check_text(check_offset(o->key_authorization));
    CHECK(acme_word_len(check_offset(o->token), strlen(check_offset(o->token)), "-_") ==
          strlen(check_offset(o->token)));
    CHECK(o->authorization_count <= CONFIG_ACME_NAMES_MAX);
    CHECK(o->authorization_index <= o->authorization_count);
    CHECK(o->name < requests[0].names_count);
    for (i = 0; i < o->authorization_count; i++) {
        check_url(o->authorizations[i]);
    }
}

static void check_client(void)
{
    const struct acme_schedule *s = &c->slots[0].schedule;
    size_t i;

    CHECK(c->machine.state < ACME_STATE_COUNT);
    CHECK(c->pool_len <= sizeof(c->pool) && c->pool[c->pool_len - 1] == '\0');
    for (i = 0; i < ACME_URL_COUNT; i++) {
        check_url(c->directory.urls[i]);
    }
    check_text(check_offset(c->directory.tos));
    check_text(c->account_url);
    check_order(&c->order);
    CHECK(s->renew_at_s == 0 || s->window_end_s > s->window_start_s);
    CHECK(c->arena.peak <= sizeof(c->arena_memory.bytes));
    CHECK(!flash.violation);
}

/* One reply: which, its status and fields, its body. False: it has ended the work at hand, whose
 * URLs mean nothing any more. */
static bool reply(struct script *s)
{
    static const struct {
        uint8_t state;
        int32_t (*read)(struct acme_client *c);
    } kinds[] = {
        {ACME_STATE_DIRECTORY, acme_reply_directory},
        {ACME_STATE_NEW_ACCOUNT, acme_reply_new_account},
        {ACME_STATE_NEW_ORDER, acme_reply_new_order},
        {ACME_STATE_ORDER, acme_reply_order},
        {ACME_STATE_AUTHORIZATION, acme_reply_authorization},
        {ACME_STATE_CHALLENGE, acme_reply_challenge},
        {ACME_STATE_FINALIZE, acme_reply_finalize},
        {ACME_STATE_RENEWAL_INFO, acme_reply_renewal_info},
        {ACME_STATE_NEW_AUTHORIZATION, acme_reply_new_authorization},
        {ACME_STATE_ACCOUNT_UPDATE, acme_reply_account_update},
    };
    static const char *const locations[] = {"", "https://ca.example/a/1", "https://ca.example/o/2"};
    struct acme_http_response *r = &c->exchange.parser.response;
    size_t kind = script_byte(s) % (sizeof(kinds) / sizeof(kinds[0])), len = script_word(s);
    uint8_t how = script_byte(s);
    int32_t rc;

    memset(r, 0, sizeof(*r));
    r->status = how % 2 != 0 ? 201 : 200;
    r->content = ACME_HTTP_CONTENT_JSON;
    r->has_retry_after = how % 4 > 1;
    r->retry_after = (int64_t)how * how * how * how;
    (void)acme_str_copy(r->location, sizeof(r->location), locations[how / 16u % 3u]);
    len = len < s->len ? len : s->len;
    len = len < sizeof(c->work.text) ? len : sizeof(c->work.text);
    acme_json_filter_init(&c->body.filter, c->work.text, sizeof(c->work.text));
    (void)acme_json_filter_feed(&c->body.filter, s->data, len);
    s->data += len;
    s->len -= len;
    c->io.has_json = true;
    r->body_len = (uint32_t)len;
    c->machine.state = kinds[kind].state;
    c->slot = 0;
    c->order.pool_mark = c->order.pool_mark != 0 ? c->order.pool_mark : c->pool_len;
    rc = kinds[kind].read(c);
    CHECK(rc <= ACME_OK);
    if (rc == ACME_OK) {
        check_client();
    }
    return rc == ACME_OK;
}

static void set_up(void)
{
    static const struct acme_net_ops net; /* nobody is called */
    static struct acme_port port = {.net = &net,
                                    .clock = &clock_ops,
                                    .entropy = &acme_posix_entropy_ops,
                                    .flash = &flash_sim_ops,
                                    .flash_ctx = &flash};
    struct acme_config config = {.port = &port,
                                 .directory_url = "https://ca.example/directory",
                                 .certs = requests,
                                 .certs_count = 1,
                                 .anchors = &no_anchor,
                                 .tos_agreed = true,
                                 .on_event = on_event};

    flash_sim_init(&flash, 4096, 8, 4, 1);
    CHECK(acme_init(&c, &config, memory, sizeof(memory)) == ACME_OK);
    c->machine.job = ACME_JOB_RUN;
    c->pool_len = 1;
    c->pool_order_mark = 1;
    CHECK(acme_str_copy(c->account_url, sizeof(c->account_url), "https://ca.example/a/1") ==
          ACME_OK);
    memcpy(pristine, memory, sizeof(memory));
    blank = flash_sim_save(&flash, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct script s = {data, size};
    int i;

    if (c == NULL) {
        set_up();
    }
    memcpy(memory, pristine, sizeof(memory));
    if (flash.operations != 0) {
        flash_sim_restore(&flash, blank);
        flash_sim_power_on(&flash);
        CHECK(acme_flashlog_mount(&c->log.log, &flash_sim_ops, &flash) == ACME_OK);
    }
    for (i = 0; i < 6 && s.len > 4 && reply(&s); i++) {
    }
    return 0;
}
