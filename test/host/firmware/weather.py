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
from lab import Lab, free_port  # noqa: E402
from names import name_server  # noqa: E402
from wire import Wire  # noqa: E402

CA, NAME = "ca.test", "device.test"
DISCOVER, OFFER, REQUEST, ACK = 1, 2, 3, 5


class Dhcp:
    """Gives every device the one address (RFC 2131), and names the name servers: those before, and the right one.
    It is away until it is told to serve."""

    def __init__(self, before=(), away=False):
        self.before, self.away, self.ignored = before, away, 0
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
            if self.away:
                self.ignored += 1
                continue
            options = bytes([53, 1, answer, 1, 4, 255, 255, 255, 0, 51, 4]) + struct.pack("!I", 86400)
            for number in (54, 3):
                options += bytes([number, 4]) + own
            names_at = b"".join(map(socket.inet_aton, self.before)) + own
            options += bytes([6, len(names_at)]) + names_at
            reply = b"\2\1\6\0" + request[4:8] + bytes(8) + device + own + bytes(4) + request[28:44]
            reply += bytes(192) + b"\x63\x82\x53\x63" + options + b"\xff"
            self.socket.sendto(reply.ljust(300, b"\0"), ("255.255.255.255", 68))

    def stop(self):
        self.socket.close()


class Router:
    """Of IPv6: says each second which prefix is the link's, and where the name server is (RFC 4861, 8106)."""

    def __init__(self):
        self.stopped = False
        self.socket = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"tap0")
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
        threading.Thread(target=self._advertise, daemon=True).start()

    def _advertise(self):
        own = socket.inet_pton(socket.AF_INET6, network.PEER6)
        text = struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, 1800, 0, 0)
        text += struct.pack("!BBBBIII", 3, 4, 64, 0xC0, 86400, 14400, 0) + own[:8] + bytes(8)
        text += struct.pack("!BBHI", 25, 3, 0, 600) + own
        while not self.stopped:
            with contextlib.suppress(OSError):  # before the interface has an address of the link
                self.socket.sendto(text, ("ff02::1", 0, 0, socket.if_nametoindex("tap0")))
            time.sleep(1)

    def stop(self):
        self.stopped = True
        self.socket.close()


# What QEMU's first network card makes of the prefix.
DEVICE_BY_PREFIX = "fd66::5054:ff:fe12:3456"


class Site:
    """A CA, its name server, and a board, on one wire, that has IPv4 with DHCP, or IPv6 with a router. With names (see
    names.py) the device asks a server that knows them first. With weather the wire is a Wire."""

    def __init__(self, folder, kind, family=4, names=None, dead_servers=(), dhcp_away=False, weather=None):
        self.folder, self.kind, self.family = folder, kind, family
        self.own, self.device = (network.PEER4, network.DEVICE4) if family == 4 else (network.PEER6, DEVICE_BY_PREFIX)
        self.names, self.dead_servers, self.dhcp_away = names, dead_servers, dhcp_away
        names_at = f"{self.own}:53" if family == 4 else f"[{self.own}]:53"
        if names is not None:
            names_at = f"127.0.0.1:{free_port()}"
        self.lab = Lab(folder, address=CA, listen="", names_at=names_at, default_address="")
        self.lab.http_port = 80
        self.dhcp = self.board = self.front = None
        self.wire = Wire(**weather) if weather is not None else None
        self.calls = []

    def start(self, **config):
        self.dhcp = Dhcp(self.dead_servers, self.dhcp_away) if self.family == 4 else Router()
        self.lab.extra_config = config
        self.lab.start_names()
        if self.names is not None:
            self.front = name_server(self.own, int(self.lab.names_at.split(":")[1]), self.names)
        self.lab.set_name(CA, self.own)
        self.lab.set_name(NAME, self.device)
        self.lab.start_pebble()
        return self

    def boot(self):
        folder = self.folder / "device"
        folder.mkdir()
        self.board = Board(folder, self.kind, tap="tap0", address=self.device, https_port=443, wire=self.wire)
        self.board.start().provision([NAME], self.lab.directory, self.lab.ca_file)
        return self.board

    def stop(self):
        for stop in [*self.calls, self.board and self.board.cut_power, self.dhcp and self.dhcp.stop,
                     self.front and self.front.stop, self.lab.stop, self.wire and self.wire.stop]:
            if stop is not None:
                stop()


@contextlib.contextmanager
def site(folder, kind, **options):
    with network.tap_network():
        here = Site(folder, kind, **options)
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
