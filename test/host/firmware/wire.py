"""The wire between an emulated board and a TAP interface, as bad as a test likes: frames are lost, late, overtaken by
others, or come twice, each way; and of a kind so many are lost for certain. A seed repeats what it does, as far as
the frames are the same."""
import fcntl
import heapq
import os
import random
import select
import socket
import struct
import threading
import time

TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 2, 0x1000


def _ports(frame):
    """Protocol, source and destination port; of IPv6 without further headers, of IPv4 with any."""
    kind = frame[12:14]
    if kind == b"\x08\x00" and len(frame) > 34:
        at, protocol = 14 + 4 * (frame[14] & 15), frame[23]
    elif kind == b"\x86\xdd" and len(frame) > 54:
        at, protocol = 54, frame[20]
    else:
        return None, 0, 0
    source, destination = struct.unpack_from("!HH", frame.ljust(at + 4, b"\0"), at)
    return protocol, source, destination


def is_dhcp(frame):
    return _ports(frame)[0] == 17 and {67, 68} & set(_ports(frame)[1:])


def is_dns(frame):
    return _ports(frame)[0] in (6, 17) and 53 in _ports(frame)[1:]


def is_advertisement(frame):
    return _ports(frame)[0] == 58 and _ports(frame)[1] >> 8 == 134


class Wire:
    """Frames of the emulator come as datagrams to own_port and go to its port. loss and copies are parts of one;
    delay_s is the least and the most: what is drawn anew for each frame puts them out of order. Counters, by what was
    done with frames, are in done."""

    def __init__(self, seed=1, loss=0.0, copies=0.0, delay_s=(0.0, 0.0)):
        self.random, self.loss, self.copies, self.delay_s = random.Random(seed), loss, copies, delay_s
        self.tap = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
        fcntl.ioctl(self.tap, TUNSETIFF, struct.pack("16sH22x", b"tap0", IFF_TAP | IFF_NO_PI))
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.own_port = self.socket.getsockname()[1]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.losing = []  # [kind, to the device, how many]
        self.done = dict.fromkeys(("carried", "lost", "chosen", "copied", "overtaken"), 0)
        self.queue, self.number, self.stopped = [], 0, False
        self.thread = threading.Thread(target=self._carry, daemon=True)
        self.thread.start()

    def lose(self, kind, count, to_device=True):
        """The next frames of a kind (a function of a frame) in one direction."""
        self.losing.append([kind, to_device, count])
        return self

    def _is_chosen(self, frame, to_device):
        for entry in self.losing:
            kind, direction, count = entry
            if direction == to_device and count > 0 and kind(frame):
                entry[2] -= 1
                return True
        return False

    def _take(self, frame, to_device):
        if self._is_chosen(frame, to_device):
            self.done["chosen"] += 1
            return
        if self.random.random() < self.loss:
            self.done["lost"] += 1
            return
        for copy in range(2 if self.random.random() < self.copies else 1):
            due = time.monotonic() + self.random.uniform(*self.delay_s)
            self.done["copied"] += copy
            self.done["overtaken"] += any(due < other[0] and other[2] == to_device for other in self.queue)
            heapq.heappush(self.queue, (due, self.number, to_device, frame))
            self.number += 1

    def _give(self, frame, to_device):
        self.done["carried"] += 1
        try:
            if to_device:
                self.socket.sendto(frame, ("127.0.0.1", self.port))
            else:
                os.write(self.tap, frame)
        except OSError:  # the emulator is off, or the frame is not one
            pass

    def _carry(self):
        while not self.stopped:
            wait = max(0.0, self.queue[0][0] - time.monotonic()) if self.queue else 0.2
            ready, _, _ = select.select([self.tap, self.socket], [], [], min(wait, 0.2))
            if self.tap in ready:
                self._take(os.read(self.tap, 2048), True)
            if self.socket in ready:
                self._take(self.socket.recv(2048), False)
            while self.queue and self.queue[0][0] <= time.monotonic():
                _, _, to_device, frame = heapq.heappop(self.queue)
                self._give(frame, to_device)

    def stop(self):
        self.stopped = True
        self.thread.join(5)
        self.socket.close()
        os.close(self.tap)
