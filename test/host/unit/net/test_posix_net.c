/*
 * Several networks of the POSIX port in a process: each look-up belongs to the one that asked, and
 * closing one leaves no descriptor behind, be a look-up under way or not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <netdb.h>
#include <time.h>
#include <unistd.h>

#include "acme_posix.h"

#define SLOW_MS 150

int __real_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                       struct addrinfo **list);
int __wrap_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                       struct addrinfo **list);

static void sleep_ms(long ms)
{
    const struct timespec t = {.tv_nsec = ms * 1000000};

    (void)nanosleep(&t, NULL);
}

/* A name server that takes its time; each name is this host. */
int __wrap_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                       struct addrinfo **list)
{
    sleep_ms(strncmp(host, "slow", 4) == 0 ? SLOW_MS : 0);
    return __real_getaddrinfo("127.0.0.1", service, hints, list);
}

static uint64_t now_ms(void)
{
    return acme_posix_clock_ops.uptime_ms(NULL);
}

static unsigned descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    unsigned count = 0;

    assert_non_null(dir);
    while (readdir(dir) != NULL) {
        count++;
    }
    (void)closedir(dir);
    return count;
}

static void test_each_has_its_own_look_ups(void **state)
{
    static struct acme_posix_net nets[2];
    acme_handle handles[2];
    uint64_t start = now_ms();
    int i;

    (void)state;
    for (i = 0; i < 2; i++) {
        assert_int_equal(acme_posix_net_init(&nets[i]), ACME_OK);
        handles[i] = acme_posix_net_ops.connect(&nets[i], i == 0 ? "slow.test" : "fast.test", 9);
        assert_true(handles[i] >= 0);
    }
    /* The first one's wait is ended by its own answer, and by no other's. */
    acme_posix_net_wait(&nets[0], 5000);
    assert_in_range(now_ms() - start, SLOW_MS - 10, 2500);
    assert_int_equal(nets[0].sockets[handles[0]].address_count, 1);
    assert_int_equal(nets[1].sockets[handles[1]].address_count, 1);
    for (i = 0; i < 2; i++) {
        acme_posix_net_close(&nets[i]);
    }
}

static void test_closing_leaves_nothing(void **state)
{
    static struct acme_posix_net nets[8];
    unsigned before = descriptors(), i;

    (void)state;
    for (i = 0; i < 8; i++) {
        assert_int_equal(acme_posix_net_init(&nets[i]), ACME_OK);
        if (i % 2 == 0) {
            assert_true(acme_posix_net_ops.connect(&nets[i], "slow.test", 9) >= 0);
        }
        acme_posix_net_close(&nets[i]);
    }
    sleep_ms(2 * SLOW_MS);
    for (i = 0; i < 50 && descriptors() != before; i++) {
        sleep_ms(100); /* for the threads, on a machine that is busy */
    }
    assert_int_equal(descriptors(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_has_its_own_look_ups),
        cmocka_unit_test(test_closing_leaves_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
