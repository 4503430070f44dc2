"""The demonstration on a board: the real image boots in the emulator with nothing, gets its certificate
from Pebble in strict mode, and curl, which trusts Pebble's root only, reads its page over TLS; then
the power is cut, and the second boot serves the same certificate. Ends with one line."""
import os
import subprocess
import sys
import tempfile

from board import Board
from lab import PATIENCE, running_lab

NAME = "device.example.org"
SERVING = "https: serving until"


def echo(line):
    print("  | " + line, end="", flush=True)


def curl(board, root, path):
    """Shows the command, and returns what it got."""
    url = f"https://{NAME}:{board.https_port}{path}"
    argv = ["curl", "-sS", "--fail", "--max-time", "30", "--retry", "5", "--retry-connrefused",
            "--noproxy", "*", "--cacert", root, "--resolve", f"{NAME}:{board.https_port}:127.0.0.1"]
    print("\n$ " + " ".join([*argv[:2], "--cacert", os.path.basename(root), "--resolve",
                             argv[-1], url]), flush=True)
    answer = subprocess.run([*argv, url], check=True, capture_output=True, text=True,
                            timeout=200 * PATIENCE).stdout
    print(answer, flush=True)
    return answer


def main():
    kind = sys.argv[1]
    with tempfile.TemporaryDirectory(dir=os.path.abspath("build")) as folder, \
            running_lab(folder, address="10.0.2.2") as lab:
        print(f"demo: Pebble (strict mode) at {lab.directory}, the device is {kind} in QEMU\n"
              f"demo: first boot: no settings, no keys, no certificate", flush=True)
        board = Board(folder, kind, http_port=lab.http_port, echo=echo)
        try:
            board.start().provision([NAME], lab.directory, lab.ca_file)
            board.wait_for(SERVING, 120)
            root = lab.issuing_root()
            curl(board, root, "/")
            first = board.fetch_when_ready(NAME, root)[1]
            print("demo: the power is cut; second boot", flush=True)
            board.reset()
            board.wait_for(SERVING, 120, count=2)
            board.wait_for("net: address", 120, count=2)
            curl(board, root, "/status.json")
            status, second = board.fetch_when_ready(NAME, root)
        finally:
            board.cut_power()
        if second != first or status["new_orders"] != "0":
            sys.exit("demo: FAILED: the second boot serves another certificate")
    print(f"demo: done: {NAME} serves its own certificate from {kind}, the same after a power cut")


if __name__ == "__main__":
    main()
