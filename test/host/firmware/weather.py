"""A network for an emulated board that is of our own making: a namespace with a TAP interface where a
frame of the board's comes out as it went in. QEMU's own user network would open and end the
connections itself, and hide what is wrong with them. Needs root."""
import contextlib
import os
import socket
import struct
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "e2e"), os.path.join(HERE, "..", "lwip")]
import network  # noqa: E402
from board import Board  # noqa: E402
from lab import Lab  # noqa: E402

CA, NAME = "ca.test", "device.test"
DISCOVER, OFFER, REQUEST, ACK = 1, 2, 3, 5


class Dhcp:
    """Gives every device the one address (RFC 2131), and names the name server."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"tap0")
        self.socket.bind(("", 67))
        threading.Thread(target=self._serve, daemon=True).start()

    @staticmethod
    def _kind(request):
        at = 240
        while at + 2 < len(request) and request[at] != 255:
            if request[at] == 53:
                return request[at + 2]
            at += 1 if request[at] == 0 else 2 + request[at + 1]
        return 0

    def _serve(self):
        own, device = socket.inet_aton(network.PEER4), socket.inet_aton(network.DEVICE4)
        while True:
            try:
                request = self.socket.recv(2048)
            except OSError:
                return
            answer = {DISCOVER: OFFER, REQUEST: ACK}.get(self._kind(request))
            if len(request) < 240 or answer is None:
                continue
            options = bytes([53, 1, answer, 1, 4, 255, 255, 255, 0, 51, 4]) + struct.pack("!I", 86400)
            for number in (54, 3, 6):
                options += bytes([number, 4]) + own
            reply = b"\2\1\6\0" + request[4:8] + bytes(8) + device + own + bytes(4) + request[28:44]
            reply += bytes(192) + b"\x63\x82\x53\x63" + options + b"\xff"
            self.socket.sendto(reply.ljust(300, b"\0"), ("255.255.255.255", 68))

    def stop(self):
        self.socket.close()


class Site:
    """A CA, its name server, and a board, on one wire."""

    def __init__(self, folder, kind):
        self.folder, self.kind = folder, kind
        self.lab = Lab(folder, address=CA, listen="", names_at=f"{network.PEER4}:53", default_address="")
        self.lab.http_port = 80
        self.dhcp = self.board = None
        self.calls = []

    def start(self, **config):
        self.dhcp = Dhcp()
        self.lab.extra_config = config
        self.lab.start_names()
        self.lab.set_name(CA, network.PEER4)
        self.lab.set_name(NAME, network.DEVICE4)
        self.lab.start_pebble()
        return self

    def boot(self):
        folder = self.folder / "device"
        folder.mkdir()
        self.board = Board(folder, self.kind, tap="tap0", address=network.DEVICE4, https_port=443)
        self.board.start().provision([NAME], self.lab.directory, self.lab.ca_file)
        return self.board

    def stop(self):
        for stop in [*self.calls, self.board and self.board.cut_power, self.dhcp and self.dhcp.stop, self.lab.stop]:
            if stop is not None:
                stop()


@contextlib.contextmanager
def site(folder, kind):
    with network.tap_network():
        here = Site(folder, kind)
        try:
            yield here
        finally:
            here.stop()


class Caller:
    """Somebody who connects to a port of the device, says what he has to say, slowly, and waits until
    he is sent away; then again at once, until it is stopped."""

    def __init__(self, port, *segments, patience=120):
        self.port, self.segments, self.patience = port, segments, patience
        self.stopped, self.stream, self.count = False, None, 0
        threading.Thread(target=self._run, daemon=True).start()

    def _call(self):
        with socket.socket() as stream:
            self.stream = stream
            stream.settimeout(self.patience)
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            stream.connect((network.DEVICE4, self.port))
            self.count += 1
            for segment in self.segments:
                stream.sendall(segment)
                time.sleep(0.05)
            while stream.recv(4096):
                pass

    def _run(self):
        while not self.stopped:
            with contextlib.suppress(OSError):
                self._call()
            time.sleep(0.01)

    def stop(self):
        self.stopped = True
        with contextlib.suppress(OSError):
            self.stream.shutdown(socket.SHUT_RDWR)


def scan(ports):
    """A port scan by connections, each ended as soon as it is there."""
    for port in ports:
        with socket.socket() as s:
            s.settimeout(0.05)
            s.connect_ex((network.DEVICE4, port))
