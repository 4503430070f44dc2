/*
 * The doctor among servers that answer whatever the script says: a resolver, the CA's host, the
 * addresses of the names, its own listeners. It ends in a bounded number of steps and requests;
 * each finding has a word, a sentence and texts that end; nothing stays open.
 */
#include <string.h>

#include "acme/doctor.h"
#include "acme_posix.h"
#include "client/state.h"
#include "flash_sim.h"
#include "name_server.h"

static const char *const names[] = {"device.example.org", "*.example.net", "192.0.2.1"};
static const struct acme_cert_request requests[] = {{.names = names, .names_count = 3}};
static const struct acme_address own[] = {{.family = 4, .bytes = {192, 0, 2, 1}}};
static struct flash_sim flash;
static acme_client *client;
static uint32_t findings;

static void on_finding(void *ctx, const struct acme_finding *f)
{
    (void)ctx;
    CHECK(f->subject != NULL && strlen(f->subject) < 512 && f->detail != NULL);
    CHECK(strlen(f->detail) < 2048);
    CHECK(strcmp(acme_finding_name(f->code), "unknown") != 0);
    CHECK(f->address.family == 0 || f->address.family == 4 || f->address.family == 6);
    CHECK(++findings < 200);
}

static void set_up(void)
{
    static _Alignas(8) uint8_t memory[ACME_MEMORY_SIZE];
    static struct acme_port port;
    static const struct acme_trust_anchor no_anchor;
    struct acme_config config = {.port = &port,
                                 .directory_url = "https://ca.example/directory",
                                 .certs = requests,
                                 .certs_count = 1,
                                 .anchors = &no_anchor,
                                 .tos_agreed = true};
    struct script none = {NULL, 0};

    name_server_begin(&none);
    port = name_server_port;
    port.entropy = &acme_posix_entropy_ops;
    port.flash = &flash_sim_ops;
    port.flash_ctx = &flash;
    flash_sim_init(&flash, 4096, 8, 4, 1);
    CHECK(acme_init(&client, &config, memory, sizeof(memory)) == ACME_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static _Alignas(8) uint8_t memory[ACME_DOCTOR_SIZE];
    struct script script = {data, size};
    struct acme_doctor_config config = {.on_finding = on_finding,
                                        .resolver = "127.0.0.1",
                                        .own = own,
                                        .own_count = 1,
                                        .http_port = 80,
                                        .tls_port = 443};
    struct acme_poll_result result;
    uint8_t first;
    int i;

    if (client == NULL) {
        set_up();
    }
    name_server_begin(&script);
    first = script_byte(&script);
    config.resolver = first % 8 == 7 ? NULL : config.resolver;
    config.own_count = first / 8 % 2;
    config.http_port = first / 16 % 2 != 0 ? 80 : 0;
    findings = 0;
    CHECK(acme_doctor_start(client, &config, memory, sizeof(memory)) == ACME_OK);
    for (i = 0; i < 20000; i++) {
        enum acme_want want = acme_poll(client, &result);

        if (want == ACME_WANT_IDLE) {
            break;
        }
        if (want == ACME_WANT_EVENT) {
            name_server_wait(result.wait_ms < 1000 ? result.wait_ms : 1000);
        }
    }
    CHECK(i < 20000 && result.error == ACME_OK);
    CHECK(name_server_requests < 2000 && flash.operations == 0);
    acme_exchange_close(&client->exchange); /* the one connection that it may keep */
    return 0;
}
