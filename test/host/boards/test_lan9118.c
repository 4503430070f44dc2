/*
 * The driver of the LAN9118 (boards/common/lan9118.c) against registers that behave as the data
 * sheet says, where the emulator's do not: a receiver whose FIFOs are out of step says so, and
 * gives nonsense until it is stopped and emptied; a transmitter that has lost its place wants a
 * reset.
 */
#include "eth_bench.h"

#include "board_config.h"

#define WORDS    2048u
#define FRAMES   64u
#define STS_RXE  0x4000u
#define STS_TXE  0x2000u
#define STS_RXST 0x01000000u /* the receiver has stopped */
#define MAC_RXEN 4u
#define MAC_TXEN 8u

static struct {
    uint32_t words[WORDS], first, count;
    uint32_t statuses[FRAMES], status_first, status_count;
    uint32_t int_sts, int_en, rx_cfg, mac[12], mac_data;
    uint32_t noise, resets, dumps;
    bool lost, tx_lost;
    uint32_t out[WORDS], out_count;
} chip;

static void empty(void)
{
    chip.first = chip.count = chip.status_first = chip.status_count = 0;
    chip.lost = false;
}

static uint32_t noise(void)
{
    chip.noise = chip.noise * 1664525u + 1013904223u;
    return chip.noise;
}

static uint32_t take_word(void)
{
    if (chip.lost) {
        chip.count = chip.count > 0 ? chip.count - 1 : 0;
        return noise();
    }
    if (chip.count == 0) { /* read beyond its end: an error by itself */
        chip.int_sts |= STS_RXE;
        chip.lost = true;
        return 0;
    }
    chip.count--;
    return chip.words[chip.first++ % WORDS];
}

static uint32_t take_status(void)
{
    if (chip.status_count == 0) {
        return 0;
    }
    chip.status_count--;
    return chip.lost ? noise() & 0x3fff0000u : chip.statuses[chip.status_first++ % FRAMES];
}

uint32_t mmio_read(uint32_t address)
{
    accesses++;
    switch (address - BOARD_LAN9118_BASE) {
    case 0x00:
        return take_word();
    case 0x40:
        return take_status();
    case 0x50:
        return 0x01180001u;
    case 0x58:
        return chip.int_sts;
    case 0x5C:
        return chip.int_en;
    case 0x64:
        return 0x87654321u;
    case 0x6C:
        return chip.rx_cfg;
    case 0x7C:
        return chip.status_count << 16 | (4u * chip.count & 0xffffu);
    case 0x80:
        return 4600u;
    case 0xA8:
        return chip.mac_data;
    default:
        return 0;
    }
}

static void mac_command(uint32_t value)
{
    uint32_t which = value & 0xfu;

    assert_true(which < 12);
    if ((value & 0x40000000u) != 0) {
        chip.mac_data = chip.mac[which];
        return;
    }
    if (which == 1 && (chip.mac[1] & MAC_RXEN) != 0 && (chip.mac_data & MAC_RXEN) == 0) {
        chip.int_sts |= STS_RXST;
    }
    chip.mac[which] = which == 6 ? chip.mac_data & ~1u : chip.mac_data;
}

static void write_int(uint32_t value)
{
    chip.int_sts &= ~value;
    if (chip.lost && (chip.mac[1] & MAC_RXEN) != 0) {
        chip.int_sts |= STS_RXE; /* it still is */
    }
    if (chip.tx_lost) {
        chip.int_sts |= STS_TXE;
    }
}

static void dump(void)
{
    assert_int_equal(chip.mac[1] & MAC_RXEN, 0); /* a receiver that runs must not be emptied */
    chip.dumps++;
    empty();
}

static void reset(void)
{
    uint32_t resets = chip.resets + 1, dumps = chip.dumps;

    memset(&chip, 0, sizeof(chip));
    chip.resets = resets;
    chip.dumps = dumps;
}

void mmio_write(uint32_t address, uint32_t value)
{
    accesses++;
    switch (address - BOARD_LAN9118_BASE) {
    case 0x20:
        assert_true(chip.out_count < WORDS);
        chip.out[chip.out_count++] = value;
        break;
    case 0x58:
        write_int(value);
        break;
    case 0x5C:
        chip.int_en = value;
        break;
    case 0x6C:
        if ((value & 0x8000u) != 0) {
            dump();
        }
        break;
    case 0x74:
        if ((value & 1u) != 0) {
            reset();
        }
        break;
    case 0xA4:
        mac_command(value);
        break;
    case 0xA8:
        chip.mac_data = value;
        break;
    default:
        break;
    }
}

/* A frame comes from the wire; error: its checksum is wrong. */
static void wire(uint32_t seed, uint32_t len, bool error)
{
    uint32_t words = (len + 4u + 3u) / 4u;

    if ((chip.mac[1] & MAC_RXEN) == 0 || chip.lost || chip.status_count == FRAMES ||
        chip.count + words > WORDS) {
        return; /* dropped, and counted */
    }
    for (uint32_t i = 0; i < 4 * words; i += 4) {
        uint32_t word = 0;

        for (uint32_t byte = 0; byte < 4; byte++) {
            word |= (uint32_t)frame_byte(seed, i + byte) << (8 * byte);
        }
        chip.words[(chip.first + chip.count++) % WORDS] = word;
    }
    chip.statuses[(chip.status_first + chip.status_count++) % FRAMES] =
        (len + 4u) << 16 | (error ? 0x8002u : 0u);
}

static struct pbuf *receive(void)
{
    struct pbuf *p;

    accesses = 0;
    p = board_eth_receive();
    assert_true(accesses < 300000); /* whatever is in the FIFOs */
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

static void check_works(uint32_t seed)
{
    wire(seed, 60 + seed, false);
    assert_true(is_frame(receive(), seed, 60 + seed));
    assert_null(receive());
    assert_int_equal(chip.mac[1] & (MAC_RXEN | MAC_TXEN), MAC_RXEN | MAC_TXEN);
    assert_int_not_equal(chip.int_en & 8u, 0);
}

static void test_frames(void **state)
{
    (void)state;
    for (uint32_t len = 60; len < 1515; len += 13) {
        wire(len, len, false);
        wire(len + 1, 64, false);
        assert_true(is_frame(receive(), len, len));
        assert_true(is_frame(receive(), len + 1, 64));
        assert_null(receive());
    }
    assert_int_equal(chip.dumps, 0);
    assert_int_equal(chip.resets, 1);
}

/* More than there is room for: the chip drops, what is in there is good, and nothing is thrown
 * away. */
static void test_a_full_fifo(void **state)
{
    uint32_t n = 0;

    (void)state;
    for (uint32_t i = 0; i < 100; i++) {
        wire(i, 500, false);
    }
    while (is_frame(receive(), n, 500)) {
        n++;
    }
    assert_true(n >= 16);
    assert_int_equal(chip.dumps, 0);
    check_works(3);
}

static void test_errors_of_frames(void **state)
{
    (void)state;
    wire(1, 100, true);
    wire(2, 100, false);
    wire(3, 1514, true);
    assert_true(is_frame(receive(), 2, 100));
    assert_null(receive());
    no_buffers = true;
    wire(4, 100, false);
    assert_null(receive());
    no_buffers = false;
    check_works(5);
    assert_int_equal(chip.dumps, 0);
}

static void test_an_error_of_the_receiver(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < 50; round++) {
        wire(1, 200, false);
        wire(2, 200, false);
        chip.lost = true; /* in the middle of a frame */
        chip.int_sts |= STS_RXE;
        for (uint32_t i = 0; i < 40 && receive() != NULL; i++) {
        }
        assert_false(chip.lost);
        assert_int_equal(chip.int_sts & STS_RXE, 0);
        check_works(round);
    }
    assert_int_equal(chip.resets, 1);
}

/* A status that promises more than the other FIFO has, or what no frame is: without a word of the
 * chip's. */
static void test_fifos_out_of_step(void **state)
{
    static const uint32_t wrong[] = {0, 1, 4, 300, 1519, 5000, 0x3fff};

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        wire(1, 100, false);
        chip.statuses[chip.status_first % FRAMES] = wrong[i] << 16;
        for (uint32_t n = 0; n < 5; n++) {
            (void)receive();
        }
        check_works(7);
    }
}

static void test_the_interrupt_of_errors(void **state)
{
    (void)state;
    assert_null(receive());
    assert_int_not_equal(chip.int_en & STS_RXE, 0);
}

static void test_sending(void **state)
{
    (void)state;
    for (uint32_t len = 14; len <= 1514; len += 25) {
        chip.out_count = 0;
        assert_int_equal(board_eth_send(frame_to_send(len, len)), ERR_OK);
        assert_int_equal(chip.out_count, 2 + (len + 3) / 4);
        assert_int_equal(chip.out[0], 0x3000u | len);
        for (uint32_t i = 0; i < len; i++) {
            assert_int_equal(chip.out[2 + i / 4] >> (8 * (i % 4)) & 0xffu, frame_byte(len, i));
        }
    }
    assert_int_equal(chip.resets, 1);
    /* It has lost its place: nothing that is written then goes out in one piece. */
    chip.tx_lost = true;
    chip.int_sts |= STS_TXE;
    (void)board_eth_send(frame_to_send(1, 100));
    assert_int_equal(chip.resets, 2);
    assert_false(chip.tx_lost);
    chip.out_count = 0;
    assert_int_equal(board_eth_send(frame_to_send(2, 100)), ERR_OK);
    assert_int_equal(chip.out_count, 27);
    check_works(9);
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_frames),
        TEST(test_a_full_fifo),
        TEST(test_errors_of_frames),
        TEST(test_an_error_of_the_receiver),
        TEST(test_fifos_out_of_step),
        TEST(test_the_interrupt_of_errors),
        TEST(test_sending),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
