"""The boards' images by instructions, for scripts/bench firmware: each phase of a first boot against
a real Pebble, and a visit of the status page, in the emulator with -icount. There an instruction
takes a fixed time, so that the device's own clock, without the time it sleeps, counts them. Waiting
for the network counts a little: the device wakes each millisecond."""
import argparse
import os
import re
import statistics
import sys
import tempfile

import bench_report

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "test/host/e2e"))
from board import BOARDS, Board  # noqa: E402
from lab import Lab  # noqa: E402

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


def first_boot(board):
    """{what: 1000 instructions}"""
    with tempfile.TemporaryDirectory(prefix="bench") as folder:
        lab = Lab(folder, address="10.0.2.2")
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
    return {name: int(us) >> BOARDS[board][2] for name, us in found.items()}


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--runs", type=int, default=1)
    ap.add_argument("--write", action="store_true")
    ap.add_argument("--check", action="store_true")
    args = ap.parse_args()
    figures = {}
    for board in BOARDS:
        runs = [first_boot(board) for _ in range(args.runs)]
        figures[board] = {what: round(statistics.median(r[what] for r in runs)) for what in runs[0]}
    table = bench_report.board_table(figures)
    print(table)
    good = bench_report.board_goal(figures, [name for name, _ in STEPS])
    if args.write:
        bench_report.replace("scripts/bench firmware --write", table)
    return 1 if args.check and not good else 0


if __name__ == "__main__":
    sys.exit(main())
