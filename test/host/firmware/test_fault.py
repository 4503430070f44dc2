"""A fault says what it was and where, also when it is the stack that has overflowed: each board's image,
linked once more with a board_sleep that fails."""
import os
import re
import subprocess
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "e2e"))
from board import BOARDS, Board  # noqa: E402
from lab import ROOT  # noqa: E402

UNDEFINED = "__asm__(\"udf #1\");"
OVERFLOW = "volatile unsigned char more[512]; more[0] = 0; __wrap_board_sleep(); more[1] = 0;"


def sleep_that(body):
    """A board_sleep with this body."""
    return f"void __wrap_board_sleep(void);\nvoid __wrap_board_sleep(void) {{ {body} }}\n"


def link_with(tmp_path, board, text, wraps=("board_sleep",), image="nanoacme"):
    """The image, linked with a source that stands for these functions."""
    folder = os.path.join(ROOT, "build", board)
    line = subprocess.run(["ninja", "-C", folder, "-t", "commands", f"{image}-{board}.elf"],
                          capture_output=True, text=True, check=True).stdout.splitlines()[-1]
    argv = line.split(" && ")[1].split()
    linked = str(tmp_path / "image.elf")
    argv[argv.index("-o") + 1] = linked
    argv = [f"-Wl,-Map,{tmp_path}/map" if a.startswith("-Wl,-Map") else a for a in argv]
    source = tmp_path / "instead.c"
    source.write_text(text)
    done = subprocess.run([*argv, str(source), "-O1", *(f"-Wl,--wrap={name}" for name in wraps)], cwd=folder,
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
