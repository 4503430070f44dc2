/*
 * The behaviour of uri: what a URL splits into, and which URLs and names are refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "net/uri.h"

struct split {
    const char *url, *host, *authority, *path;
    uint16_t port;
};

static const struct split good[] = {
    {"https://ca.example", "ca.example", "ca.example", "", 443},
    {"https://ca.example/", "ca.example", "ca.example", "/", 443},
    {"HTTPS://CA.Example/dir?x=1&y=/?", "CA.Example", "CA.Example", "/dir?x=1&y=/?", 443},
    {"https://localhost:14000/dir", "localhost", "localhost:14000", "/dir", 14000},
    {"https://ca.example:443/a", "ca.example", "ca.example", "/a", 443},
    {"https://ca_1.example-x:1", "ca_1.example-x", "ca_1.example-x:1", "", 1},
    {"https://192.0.2.7:65535/", "192.0.2.7", "192.0.2.7:65535", "/", 65535},
    {"https://[2001:db8::7]/p", "2001:db8::7", "[2001:db8::7]", "/p", 443},
    {"https://[::ffff:192.0.2.7]:8443/p", "::ffff:192.0.2.7", "[::ffff:192.0.2.7]:8443", "/p",
     8443},
    {"https://[::1]:443", "::1", "[::1]", "", 443},
    {"https://h/a:b@c", "h", "h", "/a:b@c", 443},
    {"https://h/%41~!$&'()*+,;=", "h", "h", "/%41~!$&'()*+,;=", 443},
};

static void assert_part(const char *url, size_t offset, size_t len, const char *want)
{
    assert_int_equal(len, strlen(want));
    assert_memory_equal(url + offset, want, len);
}

static void test_split(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        const struct split *g = &good[i];
        struct acme_uri uri;

        assert_int_equal(acme_uri_parse(g->url, &uri), ACME_OK);
        assert_part(g->url, uri.host_offset, uri.host_len, g->host);
        assert_part(g->url, ACME_URI_AUTHORITY, uri.authority_len, g->authority);
        assert_string_equal(g->url + uri.path_offset, g->path);
        assert_int_equal(uri.port, g->port);
    }
}

static const char *const bad_urls[] = {
    "",
    "h",
    "https",
    "https:",
    "https:/",
    "https://",
    "https:///",
    "https:///path",
    "https://?q",
    "http://h/",
    "httpss://h/",
    "ftp://h/",
    "//h/p",
    "/p",
    "https:/h/p",
    " https://h/",
    "https://h/ ",
    "https://h/a b",
    "https://h/\t",
    "https://h/\r\nX: y",
    "https://h/\x7f",
    "https://h/\xc3\xa9",
    "https://\xc3\xa9/",
    "https://h/#f",
    "https://h#f",
    "https://h/p?q#f",
    "https://user@h/",
    "https://user:pw@h/",
    "https://@h/",
    "https://h:443@evil/",
    "https://h?q",
    "https://h:1?q",
    "https://h:/",
    "https://h:",
    "https://:443/",
    "https://h:0/",
    "https://h:00/",
    "https://h:0443/",
    "https://h:65536/",
    "https://h:99999/",
    "https://h:100000/",
    "https://h:4294967739/",
    "https://h:-1/",
    "https://h:+1/",
    "https://h:4 /",
    "https://h:4a/",
    "https://h:1:2/",
    "https://h\\evil/",
    "https://h/\\evil",
    "https://h/\"",
    "https://h/<",
    "https://h/>",
    "https://h/^",
    "https://h/`",
    "https://h/{",
    "https://h/|",
    "https://h/}",
    "https://h%2eexample/",
    "https://h,example/",
    "https://[::1",
    "https://[::1/",
    "https://[]/",
    "https://[::1]x/",
    "https://[::1]:/",
    "https://[::1]]/",
    "https://[fe80::1%25eth0]/",
    "https://[::g]/",
    "https://::1/",
    "https://h]/",
    "https://x[::1]/",
};

static void test_refused(void **state)
{
    struct acme_uri uri;

    (void)state;
    for (size_t i = 0; i < sizeof(bad_urls) / sizeof(bad_urls[0]); i++) {
        assert_int_equal(acme_uri_parse(bad_urls[i], &uri), ACME_ERR_URL);
    }
    assert_int_equal(acme_uri_parse(NULL, &uri), ACME_ERR_URL);
}

static void test_lengths(void **state)
{
    char url[CONFIG_ACME_URL_MAX + 2];
    char long_host[300] = "https://";
    struct acme_uri uri;

    (void)state;
    memset(url, 'a', sizeof(url));
    memcpy(url, "https://h/", 10);
    url[CONFIG_ACME_URL_MAX + 1] = '\0';
    assert_int_equal(acme_uri_parse(url, &uri), ACME_ERR_URL);
    url[CONFIG_ACME_URL_MAX] = '\0';
    assert_int_equal(acme_uri_parse(url, &uri), ACME_OK);
    assert_int_equal(uri.path_offset, 9);
    memset(long_host + 8, 'a', ACME_URI_HOST_MAX + 1);
    assert_int_equal(acme_uri_parse(long_host, &uri), ACME_ERR_URL);
}

static bool same(const char *a, const char *b)
{
    struct acme_uri ua, ub;

    assert_int_equal(acme_uri_parse(a, &ua), ACME_OK);
    assert_int_equal(acme_uri_parse(b, &ub), ACME_OK);
    assert_int_equal(acme_uri_same_origin(a, &ua, b, &ub), acme_uri_same_origin(b, &ub, a, &ua));
    return acme_uri_same_origin(a, &ua, b, &ub);
}

static void test_same_origin(void **state)
{
    (void)state;
    assert_true(same("https://ca.example/a", "https://CA.EXAMPLE:443"));
    assert_true(same("https://[::AB]:1/a", "https://[::ab]:1/b"));
    assert_false(same("https://ca.example/a", "https://ca.example:444/a"));
    assert_false(same("https://ca.example/a", "https://ca.example.evil/a"));
    assert_false(same("https://ca.example/", "https://cb.example/"));
    assert_false(same("https://ca_example/", "https://ca.example/"));
}

static const char *const good_names[] = {
    "a",         "localhost", "device.example", "A.Example", "xn--bcher-kva.example",
    "1.example", "1a",        "a-b.c--d.e",     "0.0.0.0a",  "a.b.c.d.e.f",
};

static const char *const bad_names[] = {
    "",
    ".",
    "..",
    ".a",
    "a.",
    "a..b",
    "-a",
    "a-",
    "a.-b",
    "a-.b",
    "a_b.example",
    "a b",
    "a\n",
    "*",
    "*.",
    "*a.example",
    "a.*.example",
    "*.*.example",
    "192.0.2.7",
    "1",
    "example.7",
    "a/b",
    "a:443",
    "[::1]",
    "::1",
    "\xc3\xa9.example",
    "a%.b",
    "a@b",
};

static void test_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(good_names) / sizeof(good_names[0]); i++) {
        assert_int_equal(acme_uri_check_name(good_names[i], false), ACME_OK);
        assert_int_equal(acme_uri_check_name(good_names[i], true), ACME_OK);
    }
    for (size_t i = 0; i < sizeof(bad_names) / sizeof(bad_names[0]); i++) {
        assert_int_equal(acme_uri_check_name(bad_names[i], false), ACME_ERR_NAME);
        assert_int_equal(acme_uri_check_name(bad_names[i], true), ACME_ERR_NAME);
    }
    assert_int_equal(acme_uri_check_name(NULL, false), ACME_ERR_NAME);
    assert_int_equal(acme_uri_check_name("*.example.org", true), ACME_OK);
    assert_int_equal(acme_uri_check_name("*.example.org", false), ACME_ERR_NAME);
    assert_int_equal(acme_uri_check_name("*.7", true), ACME_ERR_NAME);
}

static void test_name_lengths(void **state)
{
    char name[ACME_URI_HOST_MAX + 2];

    (void)state;
    memset(name, 'a', sizeof(name));
    name[64] = '\0';
    assert_int_equal(acme_uri_check_name(name, false), ACME_ERR_NAME);
    name[63] = '\0';
    assert_int_equal(acme_uri_check_name(name, false), ACME_OK);
    memset(name, 'a', sizeof(name));
    name[63] = name[127] = name[191] = '.';
    name[ACME_URI_HOST_MAX] = '\0';
    assert_int_equal(acme_uri_check_name(name, false), ACME_OK);
    name[ACME_URI_HOST_MAX] = 'a';
    name[ACME_URI_HOST_MAX + 1] = '\0';
    assert_int_equal(acme_uri_check_name(name, false), ACME_ERR_NAME);
}

/* RFC 3986 5.4, and what a CA may write. */
static void test_resolve(void **state)
{
    static const char base[] = "https://ca.example:8443/b/c/d;p?q";
    static const struct {
        const char *reference, *want;
    } cases[] = {{"g:h", "g:h"},
                 {"g", "https://ca.example:8443/b/c/g"},
                 {"./g", "https://ca.example:8443/b/c/g"},
                 {"g/", "https://ca.example:8443/b/c/g/"},
                 {"/g", "https://ca.example:8443/g"},
                 {"//g", "https://g"},
                 {"//g/./h", "https://g/h"},
                 {"?y", "https://ca.example:8443/b/c/d;p?y"},
                 {"g?y", "https://ca.example:8443/b/c/g?y"},
                 {"g#s", "https://ca.example:8443/b/c/g"},
                 {"g?y#s", "https://ca.example:8443/b/c/g?y"},
                 {";x", "https://ca.example:8443/b/c/;x"},
                 {"g;x", "https://ca.example:8443/b/c/g;x"},
                 {"g;x?y", "https://ca.example:8443/b/c/g;x?y"},
                 {"", ""},
                 {".", "https://ca.example:8443/b/c/"},
                 {"./", "https://ca.example:8443/b/c/"},
                 {"..", "https://ca.example:8443/b/"},
                 {"../", "https://ca.example:8443/b/"},
                 {"../g", "https://ca.example:8443/b/g"},
                 {"../..", "https://ca.example:8443/"},
                 {"../../", "https://ca.example:8443/"},
                 {"../../g", "https://ca.example:8443/g"},
                 {"../../../g", "https://ca.example:8443/g"},
                 {"../../../../g", "https://ca.example:8443/g"},
                 {"/./g", "https://ca.example:8443/g"},
                 {"/../g", "https://ca.example:8443/g"},
                 {"g.", "https://ca.example:8443/b/c/g."},
                 {".g", "https://ca.example:8443/b/c/.g"},
                 {"g..", "https://ca.example:8443/b/c/g.."},
                 {"..g", "https://ca.example:8443/b/c/..g"},
                 {"./../g", "https://ca.example:8443/b/g"},
                 {"./g/.", "https://ca.example:8443/b/c/g/"},
                 {"g/./h", "https://ca.example:8443/b/c/g/h"},
                 {"g/../h", "https://ca.example:8443/b/c/h"},
                 {"g;x=1/./y", "https://ca.example:8443/b/c/g;x=1/y"},
                 {"g;x=1/../y", "https://ca.example:8443/b/c/y"},
                 {"g?y/./x", "https://ca.example:8443/b/c/g?y/./x"},
                 {"g?y/../x", "https://ca.example:8443/b/c/g?y/../x"},
                 {"/acme/order/1", "https://ca.example:8443/acme/order/1"},
                 {"https://other.example/x", "https://other.example/x"},
                 {"HTTPS://ca.example/x#f", "HTTPS://ca.example/x#f"}};
    struct acme_uri uri;
    char text[CONFIG_ACME_URL_MAX + 1];

    (void)state;
    assert_int_equal(acme_uri_parse(base, &uri), ACME_OK);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        strcpy(text, cases[i].reference);
        if (acme_uri_resolve(base, &uri, text, sizeof(text)) != strlen(cases[i].want) ||
            strcmp(text, cases[i].want) != 0) {
            fail_msg("%s: %s", cases[i].reference, text);
        }
    }
    /* a base without a path */
    assert_int_equal(acme_uri_parse("https://h", &uri), ACME_OK);
    strcpy(text, "g");
    assert_int_equal(acme_uri_resolve("https://h", &uri, text, sizeof(text)), 11);
    assert_string_equal(text, "https://h/g");
    strcpy(text, "?q");
    (void)acme_uri_resolve("https://h", &uri, text, sizeof(text));
    assert_string_equal(text, "https://h/?q");
    /* where there is no room for it, it stays, and its length is said */
    for (size_t size = 4; size < 12; size++) {
        strcpy(text, "/ab");
        assert_int_equal(acme_uri_resolve("https://h", &uri, text, size), size < 13 ? 13 : 12);
        assert_string_equal(text, "/ab");
    }
    memset(text, 'u', sizeof(text) - 1);
    text[0] = '/';
    text[sizeof(text) - 1] = '\0';
    assert_true(acme_uri_resolve("https://h", &uri, text, sizeof(text)) > CONFIG_ACME_URL_MAX);
    assert_int_equal(strlen(text), CONFIG_ACME_URL_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_split),   cmocka_unit_test(test_refused),
        cmocka_unit_test(test_lengths), cmocka_unit_test(test_same_origin),
        cmocka_unit_test(test_names),   cmocka_unit_test(test_name_lengths),
        cmocka_unit_test(test_resolve),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
