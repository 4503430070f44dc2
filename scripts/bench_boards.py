"""The boards' images by instructions, for scripts/bench firmware: each phase of a first boot against
a real Pebble, and a visit of the status page, in the emulator with -icount. There an instruction
takes a fixed time, so that the device's own clock, without the time it sleeps, counts them. Waiting
for the network counts a little: the device wakes each millisecond."""
import argparse
import os
import pathlib
import re
import statistics
import sys
import tempfile

import bench_report

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(ROOT, "test/host/firmware"), os.path.join(ROOT, "test/host/e2e")]
from board import BARE, BOARDS, Board  # noqa: E402
from lab import Lab  # noqa: E402
from test_fault import link_with  # noqa: E402

NAME = "device.example.org"
VISITS = 4
# Where a phase ends: the state that the client enters then. It begins where the one above ends.
PHASES = (("boot, until there is a network", "DIRECTORY"),
          ("TLS to the CA, directory", "ACCOUNT"),
          ("account: key, nonce, newAccount", "SELECT"),
          ("order to proof", "FINALIZE"),
          ("key, certificate request, finalize", "CERTIFICATE"),
          ("chain to flash", "INSTALL"),
          ("check and installation", "IDLE"))
VISIT = "one visit of the page: TLS handshake as server, page"
STEPS = (("longest step of the client", "longest_step_us"),
         ("longest step of the server", "longest_https_step_us"))
# Measured with a chain of P-384, too.
PRIVATE = ("TLS to the CA, directory", "the whole first boot", *(name for name, _ in STEPS))


def state_names():
    with open(os.path.join(ROOT, "core/src/client/machine.h"), encoding="ascii") as f:
        body = re.search(r"#define ACME_STATE_LIST\(X\)((?:.*\\\n)*.*)", f.read())[1]
    return re.findall(r"X\((\w+)\)", body)


def phases(text):
    """Microseconds of each phase, from what the device says at each change of state."""
    names, start, found = state_names(), 0, {}
    changes = [(names[int(number)] if number else "IDLE", int(us)) for number, us in re.findall(
        r"^acme: state \S+ ?(\d*)\ntime: busy us (\d+)$", text, re.M)]
    for name, end in PHASES:
        at = next((us for state, us in changes if state == end and us >= start), None)
        if at is None:
            sys.exit(f"bench: error: the device never came to {end}:\n{text}")
        found[name], start = at - start, at
    return found


def first_boot(board, chain):
    """{what: 1000 instructions}, with a CA whose own HTTPS has this chain."""
    with tempfile.TemporaryDirectory(prefix="bench") as folder:
        lab = Lab(folder, address="10.0.2.2", chain=chain)
        device = Board(folder, board, http_port=lab.http_port, icount=True)
        try:
            lab.start_names()
            device.start().provision([NAME], lab.directory, lab.ca_file)
            device.cut_power()
            lab.start_pebble()
            device.text = ""  # what counts is a boot with settings, and without a certificate
            device.start().wait_for("https: serving until", 180)
            found = phases(device.text)
            pages = [device.fetch_when_ready(NAME, lab.issuing_root(), timeout=30)[0]
                     for _ in range(VISITS)]
        finally:
            device.cut_power()
            lab.stop()
    found["the whole first boot"] = sum(found.values())
    busy = [int(page["busy_us"]) for page in pages]
    found[VISIT] = statistics.median(b - a for a, b in zip(busy, busy[1:]))
    found.update({name: int(pages[-1][key]) for name, key in STEPS})
    print(f"{board}, {chain}: the longest step of the client was in {pages[-1]['longest_step_state']}")
    return {name: int(us) >> BOARDS[board][2] for name, us in found.items()}


# The device's clock is six hours ahead every half minute, which is when it asks for renewal information
# (RFC 9773) again. Time alone passes: nothing is computed for it.
HOURS = """
#include <stdint.h>
uint64_t __real_board_uptime_ms(void);
uint64_t __wrap_board_uptime_ms(void);
uint64_t __wrap_board_uptime_ms(void)
{
    uint64_t now = __real_board_uptime_ms();

    return now + now / 30000u * UINT64_C(22000000);
}
"""
LOOK = "a look at renewal information"


def look_at_ari(board):
    """1000 instructions of the second look, six hours after the first; None: this board has none."""
    with open(os.path.join(ROOT, "build", board, "acme_kconfig.h"), encoding="ascii") as f:
        if "CONFIG_ACME_ARI 1" not in f.read():
            return None
    with tempfile.TemporaryDirectory(prefix="bench") as folder:
        lab = Lab(folder, address="10.0.2.2")
        device = Board(folder, board, http_port=lab.http_port, icount=True)
        device.image = link_with(pathlib.Path(folder), board, HOURS, ["board_uptime_ms"])
        try:
            lab.start()
            device.start().provision([NAME], lab.directory, lab.ca_file)
            device.wait_for("acme: state IDLE", 180, count=3)
        finally:
            device.cut_power()
            lab.stop()
    busy = [int(us) for us in re.findall(r"^acme: state IDLE ?\d*\ntime: busy us (\d+)$", device.text, re.M)]
    begin = [int(us) for us in re.findall(r"^acme: state DIRECTORY ?\d*\ntime: busy us (\d+)$", device.text, re.M)]
    return (busy[2] - begin[2]) >> BOARDS[board][2]


def median_of(runs):
    return {what: round(statistics.median(r[what] for r in runs)) for what in runs[0]}


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--runs", type=int, default=1)
    ap.add_argument("--write", action="store_true")
    ap.add_argument("--check", action="store_true")
    args = ap.parse_args()
    figures = {board: median_of([first_boot(board, "bench") for _ in range(args.runs)])
               for board in BARE}
    for board, figure in figures.items():  # what differs with the largest keys
        private = median_of([first_boot(board, "private") for _ in range(args.runs)])
        figure.update({f"{what}, P-384": private[what] for what in PRIVATE})
        figure[LOOK] = look_at_ari(board) or "-"
    table = bench_report.board_table(figures)
    print(table)
    good = bench_report.board_goal(figures, [name + more for name, _ in STEPS for more in ("", ", P-384")])
    if args.write:
        bench_report.replace("scripts/bench firmware --write", table)
        bench_report.replace("scripts/bench firmware --write", bench_report.board_steps(figures, [n for n, _ in STEPS]),
                             os.path.join(ROOT, "README.md"))
    return 1 if args.check and not good else 0


if __name__ == "__main__":
    sys.exit(main())
