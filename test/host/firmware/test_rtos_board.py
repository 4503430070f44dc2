"""The board with an operating system: a control loop that nobody disturbs, renewal, power cuts, and a
server that others' silence does not stop. What all boards do, the other files try on it, too."""
import re
import socket

import pytest

from board import Board
from conftest import NAME
from lab import PATIENCE
from test_fault import link_with, place_of
from test_firmware import INSTALLED, SERVING, accounts, check_served, first_boots_that_are_cut, orders
from test_watchdog import HANG, SHORT

PERIOD_US = 10000
# The control task's priority is what its caller says, but not in this image.
LOWEST = """
void __real_control_start(unsigned long priority);
void __wrap_control_start(unsigned long priority);
void __wrap_control_start(unsigned long priority) { (void)priority; __real_control_start(0); }
"""


def latest_start_us(bench, tmp_path, wrap):
    """Of the control loop, during a first boot, in time that the emulator counts; and its periods."""
    tmp_path.mkdir(exist_ok=True)
    device = Board(tmp_path, bench.kind, http_port=bench.lab.http_port, icount=True)
    if wrap:
        device.image = link_with(tmp_path, bench.kind, LOWEST, ["control_start"])
    bench.boards.append(device)
    device.start().provision([NAME], bench.lab.directory, bench.lab.ca_file)
    device.wait_for(SERVING, 180)
    periods, latest = re.search(r"control: periods (\d+)\ncontrol: latest start in us (\d+)", device.text).groups()
    device.cut_power()
    print(f"{periods} periods, latest start {latest} us")
    return int(latest), int(periods)


def test_the_control_loop_keeps_its_period(rtos_bench, tmp_path):
    """Through handshakes and signatures, which take many periods. Below the client it would not."""
    rtos_bench.start_lab()
    latest, periods = latest_start_us(rtos_bench, tmp_path, wrap=False)
    assert periods > 100 and latest < PERIOD_US / 4
    latest, _ = latest_start_us(rtos_bench, tmp_path / "lowest", wrap=True)
    assert latest > PERIOD_US


def test_renewal_while_others_are_silent(rtos_bench):
    """The next certificate comes and is served, with a caller all the while who says nothing."""
    rtos_bench.start_lab(config={"profiles": {"default": {"description": "short", "validityPeriod": 30}}})
    board = rtos_bench.new_board()
    board.wait_for(SERVING)
    _, first = check_served(rtos_bench, board)
    with socket.create_connection(("127.0.0.1", board.https_port), 20 * PATIENCE):
        board.wait_for(INSTALLED, count=2)
        board.wait_for(SERVING, count=2)
        _, second = check_served(rtos_bench, board)
    assert first != second and "panic" not in board.text and "cannot begin" not in board.text
    assert re.findall(r"memory: kernel's refusals(.*)", board.text)[-1] == ""


def test_power_cuts(rtos_bench):
    lab = rtos_bench.start_lab()
    for number, name, board, seed in first_boots_that_are_cut(rtos_bench, lab, 2):
        check_served(rtos_bench, board, name)
        assert accounts(lab) == number + 2 and orders(lab) <= 2 * number + 3, (seed, number, board.text)


@pytest.mark.parametrize("hangs", ["acme_poll", "https_poll"])
def test_a_task_that_hangs_resets(rtos_bench, tmp_path, hangs):
    """The server's task feeds the watchdog, and cannot while another has what it needs."""
    lab = rtos_bench.start_lab()
    device = Board(tmp_path, rtos_bench.kind, http_port=lab.http_port)
    device.image = link_with(tmp_path, rtos_bench.kind, SHORT % 2000 + HANG % {"name": hangs, "first": "nop"},
                             ["board_watchdog_start", hangs])
    rtos_bench.boards.append(device)
    device.start().provision([NAME], lab.directory, lab.ca_file)
    device.wait_for("boot: ", count=2)
    at = re.search("panic: watchdog at 0x([0-9a-f]{8})", device.text)
    assert at and int(at[1], 16) in place_of(device.image, "__wrap_" + hangs), device.text
