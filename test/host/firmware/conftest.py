"""Fixtures of the firmware tests: each board's image in the emulator, against a real Pebble."""
import os
import re
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "e2e"))
from board import BOARDS, Board  # noqa: E402
from lab import ROOT, running_lab  # noqa: E402

NAME = "device.example.org"
# What goes wrong on the way does not depend on the processor: two boards see all of it, the others a
# first boot, a second one and the self-test.
THOROUGH = ("lm3s6965evb", "mps2_an385")


def pytest_addoption(parser):
    parser.addoption("--all-chains", action="store_true", help="every chain of the zoo on every board")


def flash_map(board):
    """The size of a sector and of the store, of the board's board_config.h."""
    path = os.path.join(ROOT, "boards", board, "board_config.h")
    with open(path, encoding="ascii") as f:
        text = f.read()
    other = re.search(r'#include "(\.\..*board_config\.h)"', text)
    if other:
        with open(os.path.join(os.path.dirname(path), other[1]), encoding="ascii") as f:
            text += f.read()
    numbers = dict(re.findall(r"#define (BOARD_SECTOR_SIZE|BOARD_STORE_SECTORS) +(\d+)u", text))
    sector_size = int(numbers["BOARD_SECTOR_SIZE"])
    return sector_size, sector_size * int(numbers["BOARD_STORE_SECTORS"])


class Bench:
    """A CA and the devices in front of it."""

    def __init__(self, folder, kind):
        self.folder, self.kind, self.boards, self.labs = folder, kind, [], []
        self.lab = None
        self.sector_size, self.store_size = flash_map(kind)

    def start_lab(self, **options):
        folder = self.folder / "lab"
        folder.mkdir()
        running = running_lab(folder, address="10.0.2.2", listen="", **options)
        self.labs.append(running)
        self.lab = running.__enter__()
        return self.lab

    def new_board(self, name=NAME, http_port=None, start=True, ntp=None, directory=None,
                  challenge=None, **options):
        """A device with settings, off or on its first boot."""
        folder = self.folder / f"device{len(self.boards)}"
        folder.mkdir()
        board = Board(folder, self.kind, http_port=http_port or self.lab.http_port, **options)
        self.boards.append(board)
        board.start().provision([name], directory or self.lab.directory, self.lab.ca_file,
                                **({"ntp": ntp} if ntp else {}),
                                **({"challenge": challenge} if challenge else {}))
        if not start:
            board.cut_power()
        return board

    def stop(self):
        for board in self.boards:
            board.cut_power()
        for lab in self.labs:
            lab.__exit__(None, None, None)


@pytest.fixture(params=THOROUGH)
def bench(tmp_path, request):
    each = Bench(tmp_path, request.param)
    yield each
    each.stop()


@pytest.fixture(params=sorted(BOARDS))
def every_bench(tmp_path, request):
    each = Bench(tmp_path, request.param)
    yield each
    each.stop()


@pytest.fixture
def a_lab(tmp_path):
    """A CA, for whoever brings a device of its own."""
    with running_lab(tmp_path, address="10.0.2.2", listen="") as lab:
        yield lab


@pytest.fixture
def reference_bench(tmp_path):
    each = Bench(tmp_path, "mps2_an385")
    yield each
    each.stop()


@pytest.fixture
def rtos_bench(tmp_path):
    each = Bench(tmp_path, "mps2_an385_freertos")
    yield each
    each.stop()
