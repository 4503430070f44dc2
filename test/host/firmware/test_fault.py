"""A fault says what it was and where, also when it is the stack that has overflowed: each board's image,
linked once more with a board_sleep that fails."""
import os
import re
import subprocess
import sys
import time

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "e2e"))
from board import BOARDS, Board  # noqa: E402
from lab import ROOT  # noqa: E402

UNDEFINED = "__asm__(\"udf #1\");"
OVERFLOW = "volatile unsigned char more[512]; more[0] = 0; __wrap_board_sleep(); more[1] = 0;"


def sleep_that(body):
    """A board_sleep with this body."""
    return f"void __wrap_board_sleep(void);\nvoid __wrap_board_sleep(void) {{ {body} }}\n"


def link_with(tmp_path, board, text, wraps=("board_sleep",), image="nanoacme", flags=(), folder=None):
    """The image, linked with a source that stands for these functions, or for what is weak."""
    folder = folder or os.path.join(ROOT, "build", board)
    line = subprocess.run(["ninja", "-C", folder, "-t", "commands", f"{image}-{board}.elf"],
                          capture_output=True, text=True, check=True).stdout.splitlines()[-1]
    argv = line.split(" && ")[1].split()
    linked = str(tmp_path / "image.elf")
    argv[argv.index("-o") + 1] = linked
    argv = [f"-Wl,-Map,{tmp_path}/map" if a.startswith("-Wl,-Map") else a for a in argv]
    source = tmp_path / "instead.c"
    source.write_text(text)
    done = subprocess.run([*argv, *flags, str(source), "-O1", *(f"-Wl,--wrap={name}" for name in wraps)], cwd=folder,
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return linked


def place_of(image, function):
    line = subprocess.run(["arm-none-eabi-nm", "-S", image], capture_output=True, text=True,
                          check=True).stdout
    start, size = re.search(rf"^(\w+) (\w+) T {function}$", line, re.M).groups()
    return range(int(start, 16) & ~1, (int(start, 16) & ~1) + int(size, 16))


def first_panic(tmp_path, board, image):
    device = Board(tmp_path, board)
    device.image = image
    try:
        device.start()
        device.wait_for("panic: ")
        device.wait_for("boot: ", count=2)  # the chip is reset
        return re.search("panic: (.*)", device.text)[1]
    finally:
        device.cut_power()


@pytest.mark.parametrize("board", sorted(BOARDS))
def test_an_undefined_instruction(tmp_path, board):
    image = link_with(tmp_path, board, sleep_that(UNDEFINED))
    said = first_panic(tmp_path, board, image)
    found = re.fullmatch("fault 0x00010000 at 0x([0-9a-f]{8})", said)
    assert found, said
    assert int(found[1], 16) in place_of(image, "__wrap_board_sleep")


@pytest.mark.parametrize("board", sorted(BOARDS))
def test_the_end_of_the_stack(tmp_path, board):
    """Nothing can be stacked any more, so there is no place to name. What follows is the chip's: the bus
    refuses, or what lies below the RAM reads as zeros (the emulated AN385), and so does the return."""
    said = first_panic(tmp_path, board, link_with(tmp_path, board, sleep_that(OVERFLOW)))
    assert re.fullmatch("fault 0x[0-9a-f]{8}", said) and said != "fault 0x00000000", said


PANICS = """
#include <stdint.h>
_Noreturn void board_panic(const char *why);
void __wrap_board_sleep(void);
void __wrap_board_sleep(void) { board_panic("a test's"); }
"""
LATER = """
uint64_t __real_board_uptime_ms(void);
uint64_t __wrap_board_uptime_ms(void);
uint64_t __wrap_board_uptime_ms(void) { return __real_board_uptime_ms() + 600000; }
"""


@pytest.mark.parametrize("board", sorted(BOARDS))
def test_panics_in_a_row_back_off(tmp_path, board):
    """A panic at each start: the resets come slower and slower, and the console says why and when. What
    counts them survives the reset, and not the power."""
    device = Board(tmp_path, board, icount=True)
    device.image = link_with(tmp_path, board, PANICS)
    times = []
    device.echo = lambda line: times.append(time.monotonic()) if line.startswith("boot: ") else None
    try:
        for _ in range(2):
            device.text = ""
            times.clear()
            device.start().wait_for("panic: 3 in a row, reset in seconds 4", 60)
            assert re.findall(r"panic: (.*)", device.text) == [
                word for n, s in ((1, 1), (2, 2), (3, 4))
                for word in ("a test's", f"{n} in a row, reset in seconds {s}")]
            gaps = [b - a for a, b in zip(times, times[1:])]
            assert gaps[0] > 0.3 and gaps[1] > 1, gaps  # a second and two, but for lines that were read late
            device.cut_power()
    finally:
        device.cut_power()


def test_a_panic_after_a_good_run_is_the_first(tmp_path):
    device = Board(tmp_path, "mps2_an385")
    device.image = link_with(tmp_path, "mps2_an385", PANICS + LATER, ("board_sleep", "board_uptime_ms"))
    try:
        device.start().wait_for("panic: ", count=6)
        assert device.text.count("panic: 1 in a row") >= 2 and "panic: 2 in a row" not in device.text
    finally:
        device.cut_power()
