"""What of mbedTLS's pool is used when, for scripts/size pool: a first boot and three visits of the page in the
emulator, stopped by its debugger's interface at each change of the client's state and at the end of each
TLS connection, where the peak since the last stop is read out of mbedTLS's allocator and begun anew."""
import collections
import os
import re
import socket
import sys
import tempfile
import threading

import size_boards

ROOT = size_boards.ROOT
STOPS = ("acme_client_go", "mbedtls_ssl_free")
TOTAL, MAXIMUM, BLOCKS, MAXIMUM_BLOCKS = 28, 32, 36, 40  # in mbedTLS's buffer_alloc_ctx
BLOCK_HEADER = 32  # of each block, which the counters of peaks leave out
USED, PEAK = 12, 16  # in core/src/base/blocks.c, where that is the allocator: with what blocks cost
NAME = "device.example.org"
# What the states do, as a person would say it.
PHASES = (("TLS handshake with the CA, directory", ("DIRECTORY",)),
          ("account: key, nonce, newAccount", ("ACCOUNT", "NEW_ACCOUNT", "NEW_NONCE", "ACCOUNT_READY")),
          ("order, authorizations, proof", ("SELECT", "NEW_ORDER", "ORDER", "AUTHORIZATION", "CHALLENGE",
                                            "AUTHORIZATION_WAIT")),
          ("key, certificate request, finalize", ("FINALIZE", "ORDER_WAIT")),
          ("chain, checks, installation", ("CERTIFICATE", "INSTALL")),
          ("three visits of the page: the device's server", ("IDLE",)))


class Debugger:
    """As much of GDB's remote protocol as this takes."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), 10)
        self.socket.settimeout(None)
        self.buffer = b""

    def send(self, text):
        self.socket.sendall(b"$%s#%02x" % (text.encode(), sum(text.encode()) % 256))

    def receive(self):
        while True:
            match = re.search(rb"\$([^#]*)#..", self.buffer, re.S)
            if match:
                self.buffer = self.buffer[match.end():]
                self.socket.sendall(b"+")
                return match[1].decode()
            data = self.socket.recv(4096)
            if not data:
                raise EOFError
            self.buffer += data

    def ask(self, text):
        self.send(text)
        answer = self.receive()
        while answer.startswith("T") and text not in ("c", "s"):  # the stop of the attachment itself
            answer = self.receive()
        return answer

    def word(self, address):
        return int.from_bytes(bytes.fromhex(self.ask(f"m{address:x},4")), "little")

    def set_word(self, address, value):
        self.ask(f"M{address:x},4:{value.to_bytes(4, 'little').hex()}")

    def register(self, number):
        return int.from_bytes(bytes.fromhex(self.ask("g"))[number * 4:number * 4 + 4], "little")


def symbols(board):
    image = os.path.join(ROOT, f"build/{board}/nanoacme-{board}.elf")
    lines = [line.split() for line in size_boards.run(["arm-none-eabi-nm", image]).splitlines()]
    return {line[2]: int(line[0], 16) for line in lines if len(line) == 3}


class Watch(threading.Thread):
    """Follows the device; peaks has the most that was used in each state of the client, and while it
    was idle, which is the server's."""

    def __init__(self, port, board, names):
        super().__init__(daemon=True)
        self.debugger, self.symbols, self.names = Debugger(port), symbols(board), names
        self.peaks, self.state = collections.OrderedDict(), "before"
        for stop in STOPS:
            self.debugger.ask(f"Z1,{self.symbols[stop]:x},2")

    def note(self):
        """(bytes, blocks) at the peak; both rise and fall together closely enough."""
        if "heap" not in self.symbols:
            self.note_blocks()
            return
        heap = self.symbols["heap"]
        most = self.debugger.word(heap + MAXIMUM), self.debugger.word(heap + MAXIMUM_BLOCKS)
        self.debugger.set_word(heap + MAXIMUM, self.debugger.word(heap + TOTAL))
        self.debugger.set_word(heap + MAXIMUM_BLOCKS, self.debugger.word(heap + BLOCKS))
        self.peaks[self.state] = max(most, self.peaks.get(self.state, (0, 0)))

    def note_blocks(self):
        most = self.debugger.word(self.symbols["blocks"] + PEAK), 0
        self.debugger.set_word(self.symbols["blocks"] + PEAK, self.debugger.word(self.symbols["blocks"] + USED))
        self.peaks[self.state] = max(most, self.peaks.get(self.state, (0, 0)))

    def run(self):
        try:
            while True:
                self.debugger.ask("c")
                self.note()
                at = self.debugger.register(15) & ~1
                if at == self.symbols["acme_client_go"]:
                    self.state = self.names[self.debugger.register(1)]
                self.debugger.ask(f"z1,{at:x},2")  # else it would stop here again
                self.debugger.ask("s")
                self.debugger.ask(f"Z1,{at:x},2")
        except (EOFError, OSError):
            return


def measure(board):
    """{state: (bytes, blocks)}"""
    sys.path.insert(0, os.path.join(ROOT, "test/host/e2e"))
    from board import Board  # pylint: disable=import-outside-toplevel
    from lab import free_port, running_lab  # pylint: disable=import-outside-toplevel
    import bench_boards  # pylint: disable=import-outside-toplevel
    with tempfile.TemporaryDirectory() as folder, \
            running_lab(folder, address="10.0.2.2") as lab:
        device, port = Board(folder, board, http_port=lab.http_port), free_port()
        try:
            device.start().wait_for("console: this device has no settings")
            device.monitor(f"gdbserver tcp:127.0.0.1:{port}")
            watch = Watch(port, board, bench_boards.state_names())
            watch.start()
            device.provision([NAME], lab.directory, lab.ca_file)
            device.wait_for("https: serving until", 120)
            for _ in range(3):
                device.fetch_when_ready(NAME, lab.issuing_root(), timeout=60)
        finally:
            device.cut_power()
    return watch.peaks


def table(boards):
    """The peaks of the phases, each with its blocks' headers."""
    peaks = [measure(board) for board in boards]
    text = "| mbedTLS's pool, bytes (blocks) | " + " | ".join(boards) + " |\n|---|" + \
        "---:|" * len(boards) + "\n"
    for what, states in PHASES:
        cells = []
        for each in peaks:
            most, blocks = max(each[s] for s in states if s in each)
            cells.append(f"{most + blocks * BLOCK_HEADER} ({blocks})" if blocks else str(most))
        text += f"| {what} | " + " | ".join(cells) + " |\n"
    return text
