"""Bad callers at a device with the small board's buffers, over lwIP's raw API: see callers.c."""
import os
import socket
import sys
import threading
import time

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "e2e")]
import lab as lab_module  # noqa: E402
import network  # noqa: E402

BUILD = os.environ.get("NANOACME_BUILD", os.path.join(lab_module.ROOT, "build"))
PROOF_PORT, BUSY_PORT, PEER_PORT = 18080, 18443, 18100
TOKEN = b"evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"
REQUEST = b"GET /.well-known/acme-challenge/" + TOKEN + b" HTTP/1.1\r\nHost: a.test\r\n\r\n"
CA_WAITS_S = 10  # a CA's look for the proof


class Peer:
    """Counts the device's own connections."""

    def __init__(self):
        self.socket = socket.create_server((network.PEER4, PEER_PORT))
        self.count = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                stream = self.socket.accept()[0]
            except OSError:
                return
            self.count += 1
            stream.close()


@pytest.fixture
def device(tmp_path):
    with network.tap_network():
        peer = Peer()
        process = lab_module.Process("device", [os.path.join(BUILD, "test", "callers_lwip_raw"),
                                                str(PROOF_PORT), str(BUSY_PORT), str(PEER_PORT)], str(tmp_path))
        process.peer, process.calls = peer, []
        try:
            lab_module.wait_until(lambda: "ready" in process.log(), "the device", 20)
            yield process
            assert process.popen.poll() is None, process.log()
        finally:
            for call in process.calls:
                call.close()
            process.stop()
            peer.socket.close()
        assert process.popen.returncode == 0, process.log()


def call(device, port, *segments):
    """A connection that is begun, and says something, in segments of their own, when it can."""
    stream = socket.socket()
    device.calls.append(stream)
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if segments:
        stream.settimeout(5 * lab_module.PATIENCE)
        stream.connect((network.DEVICE4, port))
        for segment in segments:
            stream.sendall(segment)
            time.sleep(0.02)
    stream.setblocking(False)
    if not segments:
        stream.connect_ex((network.DEVICE4, port))
    return stream


def end_of(stream):
    """How a connection ended: "open", "finished" or "reset"."""
    try:
        return "open" if stream.recv(4096) else "finished"
    except BlockingIOError:
        return "open"
    except OSError:
        return "reset"


def look(limit_s=CA_WAITS_S, pause_s=0.0):
    """A CA's look: the seconds it took. One try, as CAs have. A slow one's request comes in three pieces."""
    start = time.monotonic()
    answer = b""
    with socket.create_connection((network.DEVICE4, PROOF_PORT), timeout=limit_s) as stream:
        for begin, end in ((0, 50), (50, 70), (70, None)) if pause_s else ((0, None),):
            stream.sendall(REQUEST[begin:end])
            time.sleep(pause_s)
        stream.settimeout(limit_s - (time.monotonic() - start))
        while part := stream.recv(4096):
            answer += part
    assert answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(b"\r\n\r\n" + TOKEN + b".thumbprint"), answer
    took = time.monotonic() - start
    assert took < limit_s
    return took


def looks(count, **options):
    """Several at once: what went wrong with them."""
    failed = []

    def run():
        try:
            look(**options)
        except (OSError, AssertionError) as e:
            failed.append(repr(e))
    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failed


def goes_on(device):
    """The device's own connections."""
    before = device.peer.count
    lab_module.wait_until(lambda: device.peer.count >= before + 2, "the device's own connections", 5)


def test_segments_of_a_byte_hold_no_buffers(device):
    """At a server that accepts nobody: the small board has nine buffers."""
    for _ in range(2):
        call(device, BUSY_PORT, *[b"x"] * 12)
    assert look() < 3
    goes_on(device)


def test_what_a_waiting_caller_sends_is_bounded_and_not_lost(device):
    """As much as it likes: the device takes a segment of it. The responder's port is another matter: there
    a request in pieces, larger than a segment, is answered."""
    for _ in range(2):
        stream = call(device, BUSY_PORT, b"x")
        stream.setblocking(False)
        try:
            while True:
                stream.send(b"x" * 4096)
        except BlockingIOError:
            pass
    assert look() < 3
    goes_on(device)
    head = REQUEST[:-2] + b"X: " + b"y" * 3000 + b"\r\n\r\n"
    stream = call(device, PROOF_PORT, *[head[i:i + 700] for i in range(0, len(head), 700)])
    stream.setblocking(True)
    stream.settimeout(CA_WAITS_S)
    assert stream.recv(4096).startswith(b"HTTP/1.1 200 ")


def test_a_full_listener_says_nothing_and_takes_nothing_from_others(device):
    """A reset would tell a CA that nobody is there. TCP asks again, so a late caller is heard when another goes."""
    calls = [call(device, BUSY_PORT) for _ in range(12)]
    time.sleep(0.5)
    assert not [c for c in calls if end_of(c) == "reset"]
    for _ in range(3):
        assert look() < 2
    goes_on(device)


def test_who_waits_without_a_word_goes(device):
    """In time that is bounded, and another has the place."""
    calls = [call(device, BUSY_PORT) for _ in range(2)]
    time.sleep(0.2)
    assert [end_of(c) for c in calls] == ["open", "open"]
    late = call(device, BUSY_PORT)

    def heard():
        try:
            late.send(b"x")
        except OSError:
            return False
        return True
    lab_module.wait_until(heard, "a place for a late caller", 12)
    ends = []
    for c in calls:  # it is told when it speaks
        c.setblocking(True)
        c.settimeout(1)
        c.send(b"x")
        try:
            ends.append(c.recv(1))
        except OSError as e:
            ends.append(type(e))
    assert ConnectionResetError in ends


def test_six_validators_among_others(device):
    """Two that are slow, some that never finish, some that say nothing, garbage and a port scan."""
    for _ in range(2):
        call(device, PROOF_PORT, b"GET /.well-known/acme-ch")
        call(device, PROOF_PORT)
        call(device, BUSY_PORT)
    for port in range(18070, 18120):
        call(device, port)
    slow = []
    threads = [threading.Thread(target=lambda: slow.extend(looks(1, pause_s=1.5))) for _ in range(2)]
    for thread in threads:
        thread.start()
    garbage = threading.Thread(target=lambda: call(device, PROOF_PORT, os.urandom(300).replace(b"\n", b"\r")))
    threads.append(garbage)
    garbage.start()
    failed = looks(6)
    for thread in threads:
        thread.join()
    assert not failed and not slow, (failed, slow)
    goes_on(device)


def test_ten_validators_at_once(device):
    for _ in range(2):
        call(device, PROOF_PORT, b"G")
    assert not looks(10)
    goes_on(device)
