#!/usr/bin/env python3
"""Who holds what of mbedTLS's pool at its fullest: an image that was built with -DACME_POOL_TRACE=ON meets chains of
the zoo, and its allocations are listed by who made them.

    cmake --preset lm3s6965evb -B build/trace/lm3s6965evb -DACME_POOL_TRACE=ON && cmake --build build/trace/lm3s6965evb
    NANOACME_FIRMWARE=build/trace test/host/firmware/pool_trace.py lm3s6965evb sectigo-r"""
import argparse
import array
import bisect
import collections
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e")]
import chain_bench  # noqa: E402
from chain_zoo import ROWS  # noqa: E402
from lab import ROOT  # noqa: E402

RECORD = 324   # words
FREED = 0xffffffff
# Every caller's caller: they say nothing.
PLAIN = ("__wrap_", "acme_poll", "main", "mbedtls_calloc", "poll_and_measure", "https_poll", "serve", "acme_breathe")


class Code:
    """Return addresses of an image."""

    def __init__(self, image):
        lines = subprocess.run(["arm-none-eabi-nm", "-n", image], capture_output=True, text=True, check=True).stdout
        named = [line.split() for line in lines.splitlines()]
        code = [(int(a, 16) & ~1, name) for a, kind, name in named if kind in "tTwW" and not name.startswith("$")]
        self.starts, self.names = [a for a, _ in code], [n for _, n in code]
        self.pool = next(int(a, 16) for a, _, name in named if name == "mbedtls_pool")
        with tempfile.NamedTemporaryFile() as f:
            subprocess.run(["arm-none-eabi-objcopy", "-O", "binary", "-j", ".text", image, f.name], check=True)
            self.text = pathlib.Path(f.name).read_bytes()

    def caller(self, word):
        """The function that a word of the stack returns to, if it does."""
        at = word & ~1
        if word % 2 == 0 or at < 8 or at >= len(self.text):
            return None
        high = int.from_bytes(self.text[at - 4:at - 2], "little")
        low = int.from_bytes(self.text[at - 2:at], "little")
        if not (high & 0xf800 == 0xf000 and low & 0xd000 == 0xd000) and low & 0xff87 != 0x4780:
            return None
        return self.names[bisect.bisect_right(self.starts, at) - 1]

    def path(self, words, most=7):
        """From the caller of the allocation outwards; a stale word of the stack may be among them."""
        path = []
        for word in words:
            name = self.caller(word)
            if name and not name.startswith(PLAIN) and (not path or path[-1] != name):
                path.append(name)
        return tuple(path[:most])


# By whom an allocation was made, the innermost first.
PHASES = {"acme_tls_buffer_setup_short": "server: set-up", "acme_mbedtls_use": "server: set-up",
          "acme_tls_start": "client: set-up", "acme_tls_handshake": "client: handshake",
          "acme_tls_recv": "client: transfer", "acme_tls_send": "client: transfer",
          "acme_cert_check_chain": "client: check of the chain", "acme_cert_write_csr": "client: request, keys",
          "acme_jws_build": "client: request, keys", "acme_jws_generate_key": "client: request, keys",
          "https_poll": "server: handshake", "do_request": "server: transfer", "do_reply": "server: transfer"}


def peaks(trace, code):
    """{phase: (bytes, end of the used memory, {place: (size, words)})}"""
    live, total, best, phase, head = {}, 0, {}, "start", trace[3]
    for at in range(0, len(trace) - RECORD + 1, RECORD):
        size, place = trace[at], trace[at + 1]
        if size == FREED:
            total -= live.pop(place)[0]
            continue
        if place == 0:
            print("refused:", size, " < ".join(code.path(trace[at + 2:at + RECORD])))
            continue
        words = trace[at + 2:at + RECORD]
        live[place] = (size + head, words)
        total += size + head
        phase = next((PHASES[name] for name in map(code.caller, words) if name in PHASES), phase)
        if total > best.get(phase, (0,))[0]:
            best[phase] = (total, max(p - head + s[0] for p, s in live.items()) - code.pool, dict(live))
    return best


def report(phase, peak, code):
    total, end, live = peak
    print(f"\n{phase}: {total} bytes in {len(live)} blocks, with what the allocator adds; the last ends at {end}")
    held = collections.defaultdict(lambda: [0, 0])
    for size, words in live.values():
        cell = held[code.path(words)]
        cell[0] += size
        cell[1] += 1
    for path, (size, count) in sorted(held.items(), key=lambda item: -item[1][0]):
        print(f"{size:7} {count:3}  {' < '.join(path)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("board")
    parser.add_argument("rows", nargs="*", default=["sectigo-r"])
    options = parser.parse_args()
    builds = os.environ.get("NANOACME_FIRMWARE", os.path.join(ROOT, "build"))
    code = Code(os.path.join(builds, options.board, f"nanoacme-{options.board}.elf"))
    for row in options.rows:
        with tempfile.TemporaryDirectory() as folder:
            result = chain_bench.run(pathlib.Path(folder), options.board, row, ROWS[row],
                                     chain_bench.versions(options.board)[-1])
            data = pathlib.Path(folder, "pool.trace").read_bytes()
            trace = array.array("I", data[:len(data) // (4 * RECORD) * 4 * RECORD])
        print(f"\n{options.board} {row}: {result.error or 'verified, served'}, pool_peak {result.pool_peak},"
              f" {len(trace) // RECORD} calls")
        for phase, peak in sorted(peaks(trace, code).items()):
            report(phase, peak, code)


if __name__ == "__main__":
    main()
