/*
 * Programs that are compiled with another configuration than the core they are linked with:
 * acme_init refuses them before it looks at anything whose place it cannot know, and says why. And
 * the version, of headers and core.
 */
#include <stdio.h>

#include "device.h"
#include "other_build.h"

static uint8_t spare[ACME_MEMORY_SIZE + 65536] __attribute__((aligned(8)));
static char logged[256];

static const struct other_build *const builds[OTHER_BUILDS] = {
    &other_build_0, &other_build_1, &other_build_2, &other_build_3,
    &other_build_4, &other_build_5, &other_build_6,
};

static void on_line(void *ctx, enum acme_log_level level, const char *line)
{
    (void)ctx;
    assert_int_equal(level, ACME_LOG_ERROR);
    (void)snprintf(logged, sizeof(logged), "%s", line);
}

static const struct acme_log_ops log_ops = {on_line};

static void test_the_core_s_own_is_taken(void **state)
{
    acme_client *client = NULL;

    (void)state;
    w.port.log = &log_ops;
    logged[0] = '\0';
    assert_int_equal(builds[0]->build, ACME_BUILD);
    assert_int_equal(builds[0]->init(&client, &w.port, spare, sizeof(spare)), ACME_OK);
    assert_non_null(client);
    assert_string_equal(logged, "");
    acme_deinit(client);
}

static void test_another_is_refused(void **state)
{
    size_t i;

    (void)state;
    for (i = 1; i < OTHER_BUILDS; i++) {
        acme_client *client = (acme_client *)(void *)spare;

        w.port.log = &log_ops;
        logged[0] = '\0';
        memset(spare, 0x5a, sizeof(spare));
        print_message("%s\n", builds[i]->how);
        assert_int_equal(builds[i]->init(&client, &w.port, spare, sizeof(spare)),
                         ACME_ERR_ARGUMENT);
        assert_null(client);
        assert_non_null(strstr(logged, "built with another configuration"));
        assert_int_equal(spare[0], 0x5a); /* nothing was begun */
        w.port.log = NULL;
        assert_int_equal(builds[i]->init(&client, &w.port, spare, sizeof(spare)),
                         ACME_ERR_ARGUMENT);
        assert_int_equal(builds[i]->init(&client, NULL, spare, sizeof(spare)), ACME_ERR_ARGUMENT);
    }
    device_boot(); /* and there is no client that would be in the way */
}

static void test_each_has_its_number(void **state)
{
    size_t i, j;

    (void)state;
    for (i = 0; i < OTHER_BUILDS; i++) {
        for (j = 0; j < i; j++) {
            if (builds[i]->build == builds[j]->build) {
                fail_msg("%s: %s", builds[i]->how, builds[j]->how);
            }
        }
    }
}

static void test_the_version_is_one(void **state)
{
    char text[32];

    (void)state;
    (void)snprintf(text, sizeof(text), "%d.%d.%d", ACME_VERSION_MAJOR, ACME_VERSION_MINOR,
                   ACME_VERSION_PATCH);
    assert_string_equal(ACME_VERSION, text);
    assert_string_equal(acme_version(), text);
    assert_int_equal(ACME_VERSION_NUMBER >> 16, ACME_VERSION_MAJOR);
    assert_int_equal(ACME_VERSION_NUMBER >> 8 & 255, ACME_VERSION_MINOR);
    assert_int_equal(ACME_VERSION_NUMBER & 255, ACME_VERSION_PATCH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DEVICE_TEST(test_the_core_s_own_is_taken),
        DEVICE_TEST(test_another_is_refused),
        DEVICE_TEST(test_each_has_its_number),
        DEVICE_TEST(test_the_version_is_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
