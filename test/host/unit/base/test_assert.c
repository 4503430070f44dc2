/* base/assert.h where a violated invariant ends the program: as in all host tests. */
#include "base/assert.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"

/* The status with which a child ends that calls this function; what it prints goes to text. */
static int status_of(void (*function)(void), char *text, size_t size)
{
    int status = 0, ends[2];
    ssize_t n;
    pid_t child;

    assert_int_equal(pipe(ends), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        dup2(ends[1], STDERR_FILENO);
        function();
        _exit(0);
    }
    close(ends[1]);
    n = read(ends[0], text, size - 1);
    text[n > 0 ? n : 0] = '\0';
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void holds(void)
{
    ACME_ASSERT(1 + 1 == 2);
}

static void does_not_hold(void)
{
    volatile int two = 2;

    ACME_ASSERT(two == 3);
}

/* A buffer whose position lies behind its end, as after a stray write. */
static void torn_buffer(void)
{
    char data[8];
    struct acme_buf b;

    acme_buf_init(&b, data, sizeof(data));
    b.len = sizeof(data) + 1;
    acme_buf_add(&b, "x");
}

static void test_holds(void **state)
{
    char text[200];

    (void)state;
    assert_int_equal(status_of(holds, text, sizeof(text)), 0);
    assert_string_equal(text, "");
}

static void test_stops(void **state)
{
    char text[200];
    int status = status_of(does_not_hold, text, sizeof(text));

    (void)state;
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
    assert_non_null(strstr(text, "does not hold in does_not_hold, line "));
}

static void test_a_room_stops(void **state)
{
    char text[200];
    int status = status_of(torn_buffer, text, sizeof(text));

    (void)state;
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
    assert_non_null(strstr(text, "acme_buf_add_n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_holds),
        cmocka_unit_test(test_stops),
        cmocka_unit_test(test_a_room_stops),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
