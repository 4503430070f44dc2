/*
 * DNS messages: names and their compression, what is written reads back, and what is malformed is
 * refused at every length.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dns/message.h"

#define LABEL63 "a23456789012345678901234567890123456789012345678901234567890123"

static void test_names(void **state)
{
    static const char *const bad[] = {".",
                                      "a.",
                                      ".a",
                                      "a..b",
                                      "a b",
                                      "a\\.b",
                                      "\x80",
                                      "a\x7f",
                                      "a\"",
                                      "a;",
                                      "a(",
                                      "a)",
                                      "a@",
                                      "a$",
                                      LABEL63 "4.org",
                                      LABEL63 "." LABEL63 "." LABEL63 "." LABEL63};
    uint8_t wire[ACME_DNS_WIRE_SIZE], large[300];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(acme_dns_check_name(bad[i]), ACME_ERR_NAME);
    }
    assert_int_equal(acme_dns_check_name(""), ACME_OK);
    assert_int_equal(acme_dns_name_to_wire("", false, wire, 0), ACME_ERR_BUFFER);
    assert_int_equal(acme_dns_check_name("_acme-challenge.*.example"), ACME_OK);
    assert_int_equal(acme_dns_name_to_wire("Ab.c", true, wire, sizeof(wire)), 6);
    assert_memory_equal(wire, "\2ab\1c\0", 6);
    for (i = 0; i < 6; i++) {
        assert_int_equal(acme_dns_name_to_wire("Ab.c", false, wire, i), ACME_ERR_BUFFER);
    }
    /* 63 + 63 + 63 + 61 and three dots: 253. */
    assert_int_equal(acme_dns_check_name(LABEL63 "." LABEL63 "." LABEL63
                                                 ".1234567890123456789012345678901234567890123456"
                                                 "789012345678901"),
                     ACME_OK);
    assert_int_equal(acme_dns_name_to_wire(LABEL63 "." LABEL63 "." LABEL63
                                                   ".1234567890123456789012345678901234567890123456"
                                                   "7890123456789012",
                                           false, large, sizeof(large)),
                     ACME_ERR_NAME); /* one more, whatever room there is */
    assert_true(acme_dns_same_name("Ex.ORG", "eX.org"));
    assert_false(acme_dns_same_name("ex.org", "ex.or"));
    assert_true(acme_dns_is_below("a.ex.org", "EX.org") && acme_dns_is_below("ex.org", "ex.org") &&
                acme_dns_is_below("a", ""));
    assert_false(acme_dns_is_below("aex.org", "ex.org") || acme_dns_is_below("org", "ex.org"));
    assert_string_equal(acme_dns_parent("a.b.c"), "b.c");
    assert_string_equal(acme_dns_parent("c"), "");
    assert_string_equal(acme_dns_parent(""), "");
}

/* A message with one name, at offset 12, that these bytes make. */
static int32_t name_of(const char *data, size_t len, size_t at, char name[ACME_DNS_NAME_SIZE])
{
    uint8_t message[600] = {0};
    struct acme_dns_reader r;
    size_t end = 0;
    int32_t rc;

    memcpy(message + 12, data, len);
    assert_int_equal(acme_dns_read_begin(&r, message, 12 + len), ACME_OK);
    rc = acme_dns_read_name(&r, 12 + at, name, &end);
    if (rc == ACME_OK) {
        assert_true(end > 12 + at && end <= 12 + len);
    } else {
        assert_string_equal(name, "");
    }
    return rc;
}

static void test_compression(void **state)
{
    char name[ACME_DNS_NAME_SIZE];
    char chain[300];
    size_t i;

    (void)state;
    assert_int_equal(name_of("\1b\1c\0\1a\xc0\x0c", 9, 5, name), ACME_OK);
    assert_string_equal(name, "a.b.c");
    assert_int_equal(name_of("\0\xc0\x0c", 3, 1, name), ACME_OK);
    assert_string_equal(name, "");
    assert_int_equal(name_of("\xc0\x0c", 2, 0, name), ACME_ERR_DNS_MESSAGE);      /* to itself */
    assert_int_equal(name_of("\1a\xc0\x0c", 4, 0, name), ACME_ERR_DNS_MESSAGE);   /* a loop */
    assert_int_equal(name_of("\xc0\x0e\1a\0", 5, 0, name), ACME_ERR_DNS_MESSAGE); /* forwards */
    assert_int_equal(name_of("\1a\xc0", 3, 0, name), ACME_ERR_DNS_MESSAGE);       /* cut */
    assert_int_equal(name_of("\1a", 2, 0, name), ACME_ERR_DNS_MESSAGE);
    assert_int_equal(name_of("\5abc\0", 5, 0, name), ACME_ERR_DNS_MESSAGE);
    assert_int_equal(name_of("\x40"
                             "abc\0",
                             5, 0, name),
                     ACME_ERR_DNS_MESSAGE); /* neither */
    assert_int_equal(name_of("\x80"
                             "abc\0",
                             5, 0, name),
                     ACME_ERR_DNS_MESSAGE);
    assert_int_equal(name_of("\3a.b\0", 5, 0, name),
                     ACME_ERR_DNS_MESSAGE); /* text cannot hold it */
    assert_int_equal(name_of("\2\0\1\0", 4, 0, name), ACME_ERR_DNS_MESSAGE);
    /* Pointers to pointers, each backwards: they end. */
    memcpy(chain, "\1x\0", 3);
    for (i = 0; i < 100; i++) {
        chain[3 + 2 * i] = (char)0xc0;
        chain[4 + 2 * i] = (char)(i == 0 ? 12 : 12 + 3 + 2 * (i - 1));
    }
    assert_int_equal(name_of(chain, 203, 201, name), ACME_OK);
    assert_string_equal(name, "x");
    /* Labels and pointers that make a name of more than 255 bytes. */
    for (i = 0; i < 4; i++) {
        chain[i * 64] = 63;
        memset(chain + i * 64 + 1, 'a', 63);
    }
    chain[256] = 0;
    assert_int_equal(name_of(chain, 257, 0, name), ACME_ERR_DNS_MESSAGE);
    assert_int_equal(name_of(chain, 257, 64, name), ACME_OK);
    assert_int_equal(strlen(name), 191);
}

static void test_round_trip(void **state)
{
    uint8_t message[2048];
    char long_text[600], text[700];
    struct acme_dns_writer w;
    struct acme_dns_reader r;
    struct acme_dns_entry record;
    struct acme_dns_caa caa;

    (void)state;
    memset(long_text, 'x', sizeof(long_text) - 1);
    long_text[sizeof(long_text) - 1] = '\0';
    acme_dns_write_begin(&w, message, sizeof(message), 0xbeef, ACME_DNS_OPCODE_UPDATE);
    acme_dns_write_question(&w, "example.org", ACME_DNS_TYPE_SOA, ACME_DNS_CLASS_IN);
    acme_dns_write_txt(&w, ACME_DNS_UPDATE, "a.example.org", ACME_DNS_CLASS_IN, 60, "one");
    acme_dns_write_txt(&w, ACME_DNS_UPDATE, "a.example.org", ACME_DNS_CLASS_NONE, 0, long_text);
    acme_dns_write_txt(&w, ACME_DNS_UPDATE, "a.example.org", ACME_DNS_CLASS_IN, 0, "");
    acme_dns_write_record(&w, ACME_DNS_ADDITIONAL, "", ACME_DNS_TYPE_CAA, ACME_DNS_CLASS_IN,
                          0x12345678, (const uint8_t *)"\x80\5issueca.example", 17);
    acme_dns_write_record(&w, ACME_DNS_ADDITIONAL, "b", ACME_DNS_TYPE_CNAME, ACME_DNS_CLASS_IN, 1,
                          (const uint8_t *)"\1a\xc0\x0c", 4);
    assert_int_equal(acme_dns_write_result(&w), (int32_t)w.len);

    assert_int_equal(acme_dns_read_begin(&r, message, w.len), ACME_OK);
    assert_int_equal(r.id, 0xbeef);
    assert_int_equal(r.flags, ACME_DNS_OPCODE_UPDATE);
    assert_int_equal(acme_dns_read_next(&r, &record), ACME_OK);
    assert_true(record.section == ACME_DNS_QUESTION && record.type == ACME_DNS_TYPE_SOA);
    assert_true(acme_dns_is_name(&r, record.start, "EXAMPLE.org"));
    assert_int_equal(acme_dns_read_next(&r, &record), ACME_OK);
    assert_true(record.section == ACME_DNS_UPDATE && record.ttl == 60);
    assert_true(acme_dns_is_txt(&r, &record, "one"));
    assert_false(acme_dns_is_txt(&r, &record, "on") || acme_dns_is_txt(&r, &record, "ones") ||
                 acme_dns_is_txt(&r, &record, "One") || acme_dns_is_txt(&r, &record, ""));
    assert_int_equal(acme_dns_read_next(&r, &record), ACME_OK);
    assert_int_equal(record.rclass, ACME_DNS_CLASS_NONE);
    assert_true(acme_dns_is_txt(&r, &record, long_text));
    assert_int_equal(acme_dns_read_txt(&r, &record, text, sizeof(text)), 599);
    assert_string_equal(text, long_text);
    assert_int_equal(acme_dns_read_txt(&r, &record, text, 599), ACME_ERR_BUFFER);
    assert_int_equal(acme_dns_read_next(&r, &record), ACME_OK);
    assert_true(acme_dns_is_txt(&r, &record, ""));
    assert_int_equal(acme_dns_read_next(&r, &record), ACME_OK);
    assert_int_equal(record.ttl, 0x12345678);
    assert_int_equal(acme_dns_read_caa(&r, &record, &caa), ACME_OK);
    assert_true(caa.critical && caa.tag_len == 5 && caa.value_len == 10);
    assert_memory_equal(caa.value, "ca.example", 10);
    assert_int_equal(acme_dns_read_next(&r, &record), ACME_OK);
    assert_int_equal(acme_dns_read_target(&r, &record, text), ACME_OK);
    assert_string_equal(text, "a.example.org");
    assert_int_equal(acme_dns_read_next(&r, &record), ACME_ERR_NOT_FOUND);
}

static int32_t read_all(const uint8_t *message, size_t len)
{
    struct acme_dns_reader r;
    struct acme_dns_entry record;
    int32_t rc = acme_dns_read_begin(&r, message, len);

    while (rc == ACME_OK) {
        rc = acme_dns_read_next(&r, &record);
    }
    return rc;
}

static void test_small_and_cut(void **state)
{
    uint8_t message[256], whole[256];
    struct acme_dns_writer w;
    size_t size, need = 12 + 13 + 4 + 3 + 10 + 6;

    (void)state;
    for (size = 0; size <= 200; size++) {
        memset(message, 0x55, sizeof(message));
        acme_dns_write_begin(&w, message, size, 1, 0);
        acme_dns_write_question(&w, "example.org", ACME_DNS_TYPE_TXT, ACME_DNS_CLASS_IN);
        acme_dns_write_txt(&w, ACME_DNS_ANSWER, "a", ACME_DNS_CLASS_IN, 60, "hello");
        assert_int_equal(acme_dns_write_result(&w), size >= need ? (int32_t)need : ACME_ERR_BUFFER);
        assert_int_equal(message[size], 0x55);
    }
    memcpy(whole, message, need);
    assert_int_equal(read_all(whole, need), ACME_ERR_NOT_FOUND);
    for (size = 0; size < need; size++) {
        assert_int_equal(read_all(whole, size), ACME_ERR_DNS_MESSAGE);
    }
    whole[need] = 0; /* a byte too many */
    assert_int_equal(read_all(whole, need + 1), ACME_ERR_DNS_MESSAGE);
    /* A name that is none spoils the message. */
    acme_dns_write_begin(&w, message, sizeof(message), 1, 0);
    acme_dns_write_question(&w, "a..b", ACME_DNS_TYPE_TXT, ACME_DNS_CLASS_IN);
    assert_int_equal(acme_dns_write_result(&w), ACME_ERR_BUFFER);
}

/* Data whose inner lengths lie. */
static void test_bad_data(void **state)
{
    static const struct {
        uint16_t type, len;
        const char *data;
    } cases[] = {{ACME_DNS_TYPE_TXT, 0, ""},         {ACME_DNS_TYPE_TXT, 3, "\3ab"},
                 {ACME_DNS_TYPE_TXT, 4, "\1a\5b"},   {ACME_DNS_TYPE_CAA, 2, "\0\1"},
                 {ACME_DNS_TYPE_CAA, 4, "\0\0ab"},   {ACME_DNS_TYPE_CAA, 4, "\0\3ab"},
                 {ACME_DNS_TYPE_CNAME, 0, ""},       {ACME_DNS_TYPE_CNAME, 2, "\1a"},
                 {ACME_DNS_TYPE_CNAME, 4, "\1a\0b"}, {ACME_DNS_TYPE_SOA, 2, "\1a"}};
    char text[ACME_DNS_NAME_SIZE];
    uint8_t message[64];
    struct acme_dns_writer w;
    struct acme_dns_reader r;
    struct acme_dns_entry record;
    struct acme_dns_caa caa;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int32_t rc;

        acme_dns_write_begin(&w, message, sizeof(message), 1, 0);
        acme_dns_write_record(&w, ACME_DNS_ANSWER, "a", cases[i].type, ACME_DNS_CLASS_IN, 0,
                              (const uint8_t *)cases[i].data, cases[i].len);
        assert_int_equal(acme_dns_read_begin(&r, message, w.len), ACME_OK);
        assert_int_equal(acme_dns_read_next(&r, &record), ACME_OK);
        if (cases[i].type == ACME_DNS_TYPE_TXT) {
            assert_false(acme_dns_is_txt(&r, &record, "ab") || acme_dns_is_txt(&r, &record, ""));
            rc = acme_dns_read_txt(&r, &record, text, sizeof(text));
        } else if (cases[i].type == ACME_DNS_TYPE_CAA) {
            rc = acme_dns_read_caa(&r, &record, &caa);
        } else {
            rc = acme_dns_read_target(&r, &record, text);
        }
        assert_int_equal(rc, ACME_ERR_DNS_MESSAGE);
    }
}

/* A name that ends, but only in what comes after its record. */
/* Reads all that there is of a message, in memory that ends with it. How reading ended. */
static int32_t read_whole(const uint8_t *message, size_t len)
{
    uint8_t *copy = malloc(len > 0 ? len : 1);
    char name[ACME_DNS_NAME_SIZE], text[300];
    struct acme_dns_reader r;
    struct acme_dns_entry e;
    struct acme_dns_caa caa;
    int32_t rc;

    assert_non_null(copy);
    memcpy(copy, message, len);
    rc = acme_dns_read_begin(&r, copy, len);
    while (rc == ACME_OK) {
        rc = acme_dns_read_next(&r, &e);
        if (rc == ACME_OK) {
            (void)acme_dns_read_name(&r, e.start, name, NULL);
            (void)acme_dns_read_target(&r, &e, name);
            (void)acme_dns_is_txt(&r, &e, "a text that is longer than what there is");
            (void)acme_dns_read_txt(&r, &e, text, sizeof(text));
            if (acme_dns_read_caa(&r, &e, &caa) == ACME_OK) {
                assert_true(caa.tag_len + caa.value_len + 2u == e.rdata_len);
            }
        }
    }
    free(copy);
    return rc;
}

/* Messages that end anywhere, and of which any byte is another. */
static void test_no_byte_is_read_behind_the_end(void **state)
{
    static const uint8_t targets[] = {3, 'n', 's', '1', 0xc0, 12};
    uint8_t message[256];
    struct acme_dns_writer w;
    size_t len, cut, at;
    uint32_t flip;

    (void)state;
    acme_dns_write_begin(&w, message, sizeof(message), 1, 0x8000);
    acme_dns_write_question(&w, "ex.org", ACME_DNS_TYPE_TXT, ACME_DNS_CLASS_IN);
    acme_dns_write_txt(&w, ACME_DNS_ANSWER, "a.ex.org", ACME_DNS_CLASS_IN, 60, "some text");
    acme_dns_write_record(&w, ACME_DNS_ANSWER, "b.ex.org", ACME_DNS_TYPE_CAA, ACME_DNS_CLASS_IN, 60,
                          (const uint8_t *)"\0\5issueca", 9);
    acme_dns_write_record(&w, ACME_DNS_ANSWER, "c.ex.org", ACME_DNS_TYPE_NS, ACME_DNS_CLASS_IN, 60,
                          targets, sizeof(targets));
    assert_true(acme_dns_write_result(&w) > 0);
    len = (size_t)acme_dns_write_result(&w);
    assert_int_equal(read_whole(message, len), ACME_ERR_NOT_FOUND);
    for (cut = 0; cut < len; cut++) {
        assert_int_equal(read_whole(message, cut), ACME_ERR_DNS_MESSAGE);
    }
    for (cut = 13; cut < len; cut++) { /* with half a pointer at its end */
        uint8_t last = message[cut - 1];

        message[cut - 1] = 0xc0;
        assert_int_equal(read_whole(message, cut), ACME_ERR_DNS_MESSAGE);
        message[cut - 1] = last;
    }
    for (at = 0; at < len; at++) {
        for (flip = 1; flip < 256; flip++) {
            message[at] ^= (uint8_t)flip;
            (void)read_whole(message, len);
            message[at] ^= (uint8_t)flip;
        }
    }
    memset(message, 'a', sizeof(message)); /* a label of a kind that nobody has */
    memset(message, 0, 12);
    message[5] = 1;
    message[12] = 0x40;
    message[12 + 0x41] = 0;
    assert_int_equal(read_whole(message, 12 + 0x42 + 4), ACME_ERR_DNS_MESSAGE);
}

/* 255 bytes are a name's most, also where pointers put it together. */
static void test_the_longest_name_of_pieces(void **state)
{
    uint8_t message[400] = {0};
    char name[ACME_DNS_NAME_SIZE];
    struct acme_dns_reader r;
    size_t at = 12, i, end, last;

    (void)state;
    for (i = 0; i < 3; i++) {
        message[at] = 63;
        memset(message + at + 1, 'a', 63);
        at += 64;
    }
    message[at++] = 0;
    for (last = 61; last <= 62; last++) {
        message[at] = (uint8_t)last;
        memset(message + at + 1, 'b', last);
        message[at + 1 + last] = 0xc0;
        message[at + 2 + last] = 12;
        assert_int_equal(acme_dns_read_begin(&r, message, at + 3 + last), ACME_OK);
        assert_int_equal(acme_dns_read_name(&r, at, name, &end),
                         last == 61 ? ACME_OK : ACME_ERR_DNS_MESSAGE);
        assert_int_equal(strlen(name), last == 61 ? 253 : 0);
    }
}

static void test_names_that_leave_their_record(void **state)
{
    static const uint16_t types[] = {ACME_DNS_TYPE_CNAME, ACME_DNS_TYPE_SOA};
    char name[ACME_DNS_NAME_SIZE];
    uint8_t message[64];
    struct acme_dns_writer w;
    struct acme_dns_reader r;
    struct acme_dns_entry record;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        acme_dns_write_begin(&w, message, sizeof(message), 1, 0);
        acme_dns_write_record(&w, ACME_DNS_ANSWER, "", types[i], ACME_DNS_CLASS_IN, 0,
                              (const uint8_t *)"\1a\1", 3);
        acme_dns_write_record(&w, ACME_DNS_ANSWER, "", types[i], ACME_DNS_CLASS_IN, 0,
                              (const uint8_t *)"\1b", 3);
        message[12 + 11 + 2] = 0; /* the name ends with its record */
        assert_int_equal(acme_dns_read_begin(&r, message, w.len), ACME_OK);
        assert_int_equal(acme_dns_read_next(&r, &record), ACME_OK);
        assert_int_equal(acme_dns_read_target(&r, &record, name), ACME_OK);
        message[12 + 11] = 0; /* the end is wanted there, and there is more */
        assert_int_equal(acme_dns_read_target(&r, &record, name),
                         types[i] == ACME_DNS_TYPE_SOA ? ACME_OK : ACME_ERR_DNS_MESSAGE);
        message[12 + 11] = 2; /* the next record's owner ends it */
        message[12 + 11 + 1] = 'a';
        message[12 + 11 + 2] = 'a';
        assert_int_equal(acme_dns_read_target(&r, &record, name), ACME_ERR_DNS_MESSAGE);
        assert_string_equal(name, "");
    }
}

/* What 16 bits of length cannot say. */
static void test_more_than_a_message_holds(void **state)
{
    static uint8_t large[70000], message[70000];
    struct acme_dns_writer w;
    struct acme_dns_reader r;

    (void)state;
    acme_dns_write_begin(&w, message, sizeof(message), 1, 0);
    acme_dns_write_record(&w, ACME_DNS_ANSWER, "a", ACME_DNS_TYPE_TXT, ACME_DNS_CLASS_IN, 0, large,
                          65536);
    assert_int_equal(acme_dns_write_result(&w), ACME_ERR_BUFFER);
    assert_int_equal(acme_dns_read_begin(&r, message, 65535), ACME_OK);
    assert_int_equal(acme_dns_read_begin(&r, message, 65536), ACME_ERR_DNS_MESSAGE);
}

/* Owners of records, which are skipped: too long, and cut within a pointer. */
static void test_owners_that_are_none(void **state)
{
    uint8_t message[12 + 5 * 64 + 1 + 4] = {0};
    size_t i;

    (void)state;
    message[5] = 1;
    for (i = 0; i < 5; i++) {
        message[12 + 64 * i] = 63;
        memset(message + 12 + 64 * i + 1, 'a', 63);
    }
    assert_int_equal(read_all(message, sizeof(message)), ACME_ERR_DNS_MESSAGE);
    memmove(message + 12, message + 12 + 2 * 64, sizeof(message) - 12 - 2 * 64); /* three of them */
    assert_int_equal(read_all(message, sizeof(message) - 2 * 64), ACME_ERR_NOT_FOUND);
    message[12] = 0xc0;
    assert_int_equal(read_all(message, 13), ACME_ERR_DNS_MESSAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_compression),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_small_and_cut),
        cmocka_unit_test(test_bad_data),
        cmocka_unit_test(test_no_byte_is_read_behind_the_end),
        cmocka_unit_test(test_the_longest_name_of_pieces),
        cmocka_unit_test(test_names_that_leave_their_record),
        cmocka_unit_test(test_more_than_a_message_holds),
        cmocka_unit_test(test_owners_that_are_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
