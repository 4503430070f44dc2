/*
 * The driver of the LM3S6965's Ethernet (boards/lm3s6965evb/stellaris_enet.c) against registers
 * that behave as the data sheet says, where the emulator's do not: an overrun leaves a FIFO without
 * rhyme until it is reset, errors of the transmitter keep its FIFO's write pointer.
 */
#include "eth_bench.h"

#define BASE       0x40048000u
#define WORDS      512u /* 2 KB */
#define RIS_RX     1u
#define RIS_TXER   2u
#define RIS_FOV    8u
#define RIS_RXER   16u
#define RCTL_ON    1u
#define RCTL_RESET 16u
#define TCTL_ON    1u
#define NP_MAX     31u

static struct {
    uint32_t words[WORDS];
    uint32_t first, count, np;
    uint32_t rest; /* words of the frame that is being read */
    uint32_t ris, im, rctl;
    bool lost; /* after an overrun: what is read has no meaning */
    uint32_t noise;
    uint32_t out[WORDS], out_count;
    bool sending; /* and never done */
    bool stuck;
} chip;

static void fifo_reset(void)
{
    chip.first = chip.count = chip.np = chip.rest = 0;
    chip.lost = false;
}

/* A frame counts until its last word is read. */
static uint32_t take_word(void)
{
    uint32_t word;

    if (chip.count == 0) {
        return 0;
    }
    chip.count--;
    word = chip.words[chip.first++ % WORDS];
    chip.rest = chip.rest > 0 ? chip.rest - 1 : ((word & 0xffffu) + 3u) / 4u - 1u;
    chip.np -= chip.rest == 0 && chip.np > 0 ? 1 : 0;
    return word;
}

uint32_t mmio_read(uint32_t address)
{
    accesses++;
    switch (address - BASE) {
    case 0x00:
        return chip.ris;
    case 0x04:
        return chip.im;
    case 0x08:
        return chip.rctl;
    case 0x10:
        if (chip.lost) {
            chip.noise = chip.noise * 1664525u + 1013904223u;
            return chip.noise;
        }
        return take_word();
    case 0x34:
        return chip.np;
    case 0x38:
        return chip.stuck ? 1 : 0;
    default:
        return 0;
    }
}

void mmio_write(uint32_t address, uint32_t value)
{
    accesses++;
    switch (address - BASE) {
    case 0x00:
        if ((value & RIS_TXER) != 0) {
            chip.out_count = 0;
        }
        chip.ris &= ~value;
        break;
    case 0x04:
        chip.im = value;
        break;
    case 0x08:
        chip.rctl = value;
        if ((value & RCTL_RESET) != 0) {
            assert_int_equal(value & RCTL_ON, 0); /* while it is off, says the data sheet */
            fifo_reset();
        }
        break;
    case 0x10:
        assert_true(chip.out_count < WORDS);
        chip.out[chip.out_count++] = value;
        break;
    case 0x38:
        chip.sending = true;
        break;
    default:
        break;
    }
}

/* A frame comes from the wire. */
static void wire(uint32_t seed, uint32_t len)
{
    uint32_t words = (2u + len + 4u + 3u) / 4u, at = 0;

    if ((chip.rctl & RCTL_ON) == 0) {
        return;
    }
    if (chip.lost || chip.count + words > WORDS || chip.np >= NP_MAX) {
        chip.ris |= RIS_FOV; /* half of it is in there, and the counter counts what it likes */
        chip.lost = true;
        chip.np = chip.np < NP_MAX ? chip.np + 1 : NP_MAX;
        return;
    }
    for (uint32_t i = 0; i < words; i++) {
        uint32_t word = 0;

        for (uint32_t byte = 0; byte < 4; byte++, at++) {
            uint32_t value = at < 2         ? (len + 6u) >> (8u * at)
                             : at < 2 + len ? frame_byte(seed, at - 2)
                                            : 0xEE;

            word |= (value & 0xffu) << (8u * byte);
        }
        chip.words[(chip.first + chip.count++) % WORDS] = word;
    }
    chip.np++;
    chip.ris |= RIS_RX;
}

static struct pbuf *receive(void)
{
    struct pbuf *p;

    accesses = 0;
    p = board_eth_receive();
    assert_true(accesses < 3000); /* whatever is in the FIFO */
    return p;
}

static int set_up(void **state)
{
    uint8_t mac[6];

    (void)state;
    memset(&chip, 0, sizeof(chip));
    no_buffers = false;
    return board_eth_init(mac) ? 0 : -1;
}

static void test_frames(void **state)
{
    (void)state;
    assert_null(receive());
    for (uint32_t len = 60; len < 1515; len += 13) {
        wire(len, len);
        assert_true(is_frame(receive(), len, len));
        assert_null(receive());
    }
    assert_int_not_equal(chip.im & RIS_RX, 0);
}

static void test_an_overrun(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < 20; round++) {
        for (uint32_t i = 0; i < 5 + round; i++) {
            wire(i, 600); /* three fit */
        }
        assert_true(chip.lost);
        for (uint32_t i = 0; i < 40 && receive() != NULL; i++) {
        }
        assert_false(chip.lost);
        assert_int_equal(chip.ris & RIS_FOV, 0);
        wire(round, 300 + round);
        assert_true(is_frame(receive(), round, 300 + round));
        assert_null(receive());
    }
}

/* The chip has refused a frame whose checksum was wrong: the others stay. */
static void test_an_error_of_a_frame(void **state)
{
    (void)state;
    wire(1, 100);
    chip.ris |= RIS_RXER;
    wire(2, 200);
    assert_true(is_frame(receive(), 1, 100));
    assert_true(is_frame(receive(), 2, 200));
    assert_null(receive());
    assert_int_equal(chip.ris & RIS_RXER, 0);
}

/* Without any sign of it in the interrupts: the length alone tells. */
static void test_lengths_that_cannot_be(void **state)
{
    static const uint32_t wrong[] = {0, 1, 6, 19, 20, 1529, 1600, 2048, 4000, 0xffff};

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        wire(1, 100);
        chip.words[chip.first % WORDS] = (chip.words[chip.first % WORDS] & 0xffff0000u) | wrong[i];
        for (uint32_t n = 0; n < 5; n++) {
            (void)receive();
        }
        fifo_reset();
        wire(3, 64);
        assert_true(is_frame(receive(), 3, 64));
        assert_null(receive());
        assert_int_not_equal(chip.rctl & RCTL_ON, 0);
    }
}

static void test_without_buffers(void **state)
{
    (void)state;
    no_buffers = true;
    wire(1, 500);
    (void)receive();
    no_buffers = false;
    wire(2, 500);
    assert_true(is_frame(receive(), 2, 500));
}

/* The interrupt wakes the loop for an error, too. */
static void test_interrupts(void **state)
{
    (void)state;
    assert_null(receive());
    assert_int_equal(chip.im & (RIS_RX | RIS_FOV | RIS_RXER), RIS_RX | RIS_FOV | RIS_RXER);
    cortex_m_eth();
    assert_int_equal(chip.im, 0);
}

static void check_sent(uint32_t seed, uint32_t len)
{
    assert_true(chip.sending);
    assert_int_equal(chip.out_count, (2 + len + 3) / 4);
    assert_int_equal(chip.out[0] & 0xffffu, len - 14);
    for (uint32_t i = 0; i < len; i++) {
        assert_int_equal(chip.out[(i + 2) / 4] >> (8 * ((i + 2) % 4)) & 0xffu, frame_byte(seed, i));
    }
    chip.sending = false;
    chip.out_count = 0;
}

static void test_sending(void **state)
{
    (void)state;
    for (uint32_t len = 14; len <= 1514; len += 25) {
        assert_int_equal(board_eth_send(frame_to_send(len, len)), ERR_OK);
        check_sent(len, len);
    }
    chip.stuck = true;
    accesses = 0;
    assert_int_equal(board_eth_send(frame_to_send(1, 100)), ERR_MEM);
    assert_int_equal(chip.out_count, 0);
    chip.stuck = false;
    /* An error has left half a frame in its FIFO. */
    chip.out_count = 7;
    chip.ris |= RIS_TXER;
    assert_int_equal(board_eth_send(frame_to_send(5, 100)), ERR_OK);
    check_sent(5, 100);
    assert_int_equal(chip.ris & RIS_TXER, 0);
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_frames),
        TEST(test_an_overrun),
        TEST(test_an_error_of_a_frame),
        TEST(test_lengths_that_cannot_be),
        TEST(test_without_buffers),
        TEST(test_interrupts),
        TEST(test_sending),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
