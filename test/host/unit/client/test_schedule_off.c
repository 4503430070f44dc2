/*
 * What is due where no schedule is kept (without CONFIG_ACME_SCHEDULE): the dates, and the pause
 * after an installation, so that a CA whose certificates are due at their birth does not wear the
 * flash out. The room is compiled here in that configuration, under names of its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "acme/config.h"

#undef CONFIG_ACME_SCHEDULE
#undef CONFIG_ACME_ARI
#undef CONFIG_ACME_FALLBACK
#undef CONFIG_ACME_DOCTOR

#define acme_schedule_is_due     off_is_due
#define acme_schedule_renew_time off_renew_time
#define acme_schedule_next       off_next
#define acme_schedule_installed  off_installed
#define acme_next_wakeup_s       off_wakeup_s
#define acme_clock_now           off_now
#define acme_clock_uptime_ms     off_uptime_ms

#define acme_slots_at      off_slots_at
#define acme_slots_request off_slots_request
#define acme_slots_current off_slots_current

#include "client/keys.h"
#include "crypto/jws.h"

#define acme_jws_key_lost(key)  ((void)(key), false)
#define acme_keys_cert(slot, g) ((psa_key_id_t)1 + (slot) + (g))

#include "client/schedule.c"

static int64_t now_s = 1800000000;

int32_t off_now(const struct acme_clock *c, int64_t *unix_s)
{
    (void)c;
    *unix_s = now_s;
    return ACME_OK;
}

uint64_t off_uptime_ms(const struct acme_clock *c)
{
    (void)c;
    return (uint64_t)(now_s - 1800000000 + 5) * 1000u;
}

static struct acme_client client;

static void install(int64_t from_s, int64_t to_s)
{
    client.slots[0].has_cert = true;
    client.slots[0].cert.not_before_s = now_s + from_s;
    client.slots[0].cert.not_after_s = now_s + to_s;
    off_installed(&client, &client.slots[0]);
}

static void test_due_at_birth(void **state)
{
    static const struct {
        int32_t from_s, to_s;
        uint32_t wakeup_s;
    } table[] = {{-1, 20, 240},      {0, 0, 240},       {-3600, -1, 240},
                 {-7200, 1800, 240}, {0, 300, 240},     {0, 600, 300},
                 {-60, 600, 270},    {0, 86400, 43200}, {0, 864000, 576000}};
    size_t i;

    (void)state;
    client.config.certs_count = 1;
    assert_int_equal(off_wakeup_s(&client), 0); /* there is none */
    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        install(table[i].from_s, table[i].to_s);
        assert_int_equal(off_wakeup_s(&client), table[i].wakeup_s);
        assert_false(off_is_due(&client, &client.slots[0]));
        now_s += table[i].wakeup_s - 1;
        assert_int_equal(off_wakeup_s(&client), 1);
        assert_false(off_is_due(&client, &client.slots[0]));
        now_s++;
        assert_int_equal(off_wakeup_s(&client), 0);
        assert_true(off_is_due(&client, &client.slots[0]));
    }
    install(0, 20);
    client.config.force_renewal = true;
    assert_true(off_is_due(&client, &client.slots[0]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_due_at_birth),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
