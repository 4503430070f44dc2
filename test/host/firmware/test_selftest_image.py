"""The self-test image of the emulated boards: the real drivers and the real lwIP port, with peers and
a visitor on the host, over a power cut."""
import os
import sys
import threading

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "e2e"))
from board import BARE, Board  # noqa: E402
from test_fault import link_with  # noqa: E402
from peers import DELIVERED, Peers, visit_line, visit_take  # noqa: E402

CHECKS = """entropy.fill entropy.random clock.moves clock.monotonic clock.step clock.wall log.write
    flash.geometry flash.erase flash.program flash.addresses flash.read flash.erase_one
    flash.read_bounds flash.alignment flash.bounds flash.reprogram flash.sync net.connect net.again
    net.echo net.two_streams net.reuse net.http net.refused net.missing net.listen net.accept net.serve
    net.closed net.delivered net.listen_again net.no_wait""".split()


@pytest.fixture(params=BARE)
def board(request, tmp_path):
    device = Board(tmp_path, request.param, image="selftest")
    device.start()
    yield device
    device.cut_power()


def set_up(board, peers):
    board.wait_for("selftest: say what to test")
    settings = ["peer 10.0.2.2", f"echo {peers.echo}", f"http {peers.http}",
                f"refused {peers.refused}", "missing nanoacme-selftest.invalid", "listen 80"]
    for number, line in enumerate(settings):
        board.type(line)
        board.wait_for("selftest: set", count=number + 1)


def visit(board, got):
    """Once the device listens: what the emulator forwards before, it would only reset."""
    board.wait_for("net.listen ok", seconds=300)
    visit_line(board.http_port)
    board.wait_for("net.closed ", seconds=60)
    got.append(visit_take(board.http_port))


def test_the_drivers(board):
    peers, got = Peers(), []
    try:
        set_up(board, peers)
        board.type("destroy")
        visitor = threading.Thread(target=visit, args=(board, got), daemon=True)
        visitor.start()
        board.wait_for(" skipped\n", seconds=300)
        visitor.join(30)
    finally:
        peers.stop()
    for name in ["board.checksum", "board.interrupt", *CHECKS]:
        assert f"selftest: {name} ok" in board.text, board.text
    # There is no time server here: no wall clock, and no rate to hold against it.
    assert f"selftest: {len(CHECKS)} passed, 0 failed, 1 skipped\n" in board.text, board.text
    assert "flash.reprogram ok: refused" in board.text
    assert len(got) == 1 and len(got[0]) == DELIVERED
    board.text = ""
    board.reset()
    board.wait_for("selftest: say what to test")
    board.type("again")
    board.wait_for(" skipped\n", seconds=120)
    assert "selftest: flash.kept ok" in board.text and "selftest: entropy.fresh ok" in board.text
    assert " 0 failed" in board.text, board.text


def test_nothing_is_erased_before_it_is_asked_for(board):
    board.wait_for("selftest: say what to test")
    path = os.path.join(board.folder, f"{board.board}.flash")
    with open(path, "r+b") as f:
        f.seek(5000)
        f.write(b"precious")
    board.type("destroy it")
    board.wait_for("selftest: not understood")
    board.type("look")
    board.wait_for(" skipped\n", seconds=120)
    assert "flash.erase skipped: it would erase the area" in board.text
    with open(path, "rb") as f:
        f.seek(5000)
        assert f.read(8) == b"precious"
    board.type("again")
    board.wait_for(" skipped\n", seconds=120, count=2)
    assert "selftest: flash.kept FAILED: there is nothing of a first run\n" in board.text


# As a compiler has done it: words that do not begin where words do, summed with the wrong bytes.
MISCOMPILED = """
#include <stdint.h>
uint16_t __real_inet_chksum(const void *data, uint16_t len);
uint16_t __wrap_inet_chksum(const void *data, uint16_t len);
uint16_t __wrap_inet_chksum(const void *data, uint16_t len)
{
    return (uint16_t)(__real_inet_chksum(data, len) ^ (len >= 16 && (uintptr_t)data % 4 == 2 ? 0x0100 : 0));
}
"""


def test_checksums_that_a_compiler_has_spoilt(tmp_path):
    device = Board(tmp_path, "mps2_an385", image="selftest")
    device.image = link_with(tmp_path, "mps2_an385", MISCOMPILED, ["inet_chksum"], image="selftest")
    try:
        device.start().wait_for("selftest: say what to test")
        device.type("look")
        device.wait_for("selftest: board.checksum FAILED")
    finally:
        device.cut_power()
