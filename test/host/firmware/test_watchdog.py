"""The watchdog: a program that hangs is reset, wherever that is; one that computes for seconds is not,
for it breathes. The images are linked once more, with functions that hang, or with less patience."""
import re

import pytest
from conftest import NAME
from board import BOARDS, Board
from test_fault import link_with, place_of
from test_firmware import SERVING, check_served

SHORT = """
#include <stdint.h>
void __real_board_watchdog_start(uint32_t ms);
void __wrap_board_watchdog_start(uint32_t ms);
void __wrap_board_watchdog_start(uint32_t ms) { (void)ms; __real_board_watchdog_start(%d); }
"""
# What the emulator sleeps is time of its host, where others want the processor, too.
NOT_ASLEEP = """
void __real_board_sleep(void);
void __wrap_board_sleep(void);
void __wrap_board_sleep(void)
{
    __real_board_watchdog_start(10000);
    __real_board_sleep();
    __real_board_watchdog_start(%d);
}
"""
HANG = """
void __wrap_%(name)s(void);
void __wrap_%(name)s(void) { __asm__("%(first)s"); for (;;) { } }
"""


def run(tmp_path, board, source, wraps):
    device = Board(tmp_path, board, icount=True)
    device.image = link_with(tmp_path, board, source, wraps)
    return device


@pytest.mark.parametrize("board", sorted(BOARDS))
@pytest.mark.parametrize("where", ["in the loop", "without interrupts"])
def test_a_hang_resets(a_lab, tmp_path, board, where):
    """Half of the time is over: an interrupt says where it is. Where interrupts are off, and the
    watchdog's is not the NMI, nobody can say so, and the chip is reset all the same."""
    first = "cpsid i" if where == "without interrupts" else "nop"
    device = run(tmp_path, board, SHORT % 400 + HANG % {"name": "ethif_next_ms", "first": first},
                 ["board_watchdog_start", "ethif_next_ms"])
    try:
        device.start().provision([NAME], a_lab.directory, a_lab.ca_file)
        device.wait_for("boot: ", count=3)  # it hangs again
        said = re.findall("panic: (.*)", device.text)
        if said or where == "in the loop":
            at = re.fullmatch("watchdog at 0x([0-9a-f]{8})", said[0])
            assert at, device.text
            assert int(at[1], 16) in place_of(device.image, "__wrap_ethif_next_ms")
    finally:
        device.cut_power()


def test_a_first_boot_with_large_keys_is_not_bitten(bench, tmp_path):
    """A watchdog of 100 ms, where one computation of the handshake takes seconds."""
    lab = bench.start_lab(chain="private")
    device = Board(tmp_path, bench.kind, http_port=lab.http_port, icount=True)
    device.image = link_with(tmp_path, bench.kind, SHORT % 100 + NOT_ASLEEP % 100,
                             ["board_watchdog_start", "board_sleep"])
    bench.boards.append(device)
    device.start().provision([NAME], lab.directory, lab.ca_file)
    device.wait_for(SERVING)
    check_served(bench, device)
    assert "panic" not in device.text and device.text.count("boot: ") == 1, device.text
