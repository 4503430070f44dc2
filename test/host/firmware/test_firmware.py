"""The real images in the emulator, from a first boot with nothing to HTTPS with their own
certificate, and what may go wrong on the way."""
import datetime
import os
import random
import re
import socket
import ssl
import struct
import threading
import time
import zlib

import pytest
from cryptography import x509

from board import BOARDS, der_of
from conftest import NAME
from lab import PATIENCE, Gateway, free_port, wait_until

SERVING = "https: serving until"
INSTALLED = "acme: certificate installed"


def accounts(lab):
    found = re.findall(r"There are now (\d+) accounts in memory", lab.pebble.log())
    return int(found[-1]) if found else 0


def orders(lab):
    return lab.count("Added order ")


def check_served(bench, board, name=NAME):
    """A verifying client gets the page; the page says what the certificate says."""
    status, der = board.fetch_when_ready(name, bench.lab.issuing_root())
    certificate = x509.load_der_x509_certificate(der)
    assert status["name"] == name and status["board"] == bench.kind
    assert status["expires"] == certificate.not_valid_after.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert status["valid_from"] == certificate.not_valid_before.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert status["valid_from"] < status["next_renewal"] < status["expires"]
    return status, der


def test_first_boot_and_second(every_bench):
    lab = every_bench.start_lab()
    board = every_bench.new_board()
    board.wait_for(SERVING)
    status, first = check_served(every_bench, board)
    assert int(status["new_orders"]) == 1
    assert 0 < int(status["stack_peak"]) < int(status["stack_size"])
    assert "<dt>name</dt><dd>" + NAME in board.fetch(NAME, lab.issuing_root(), path="/")[0]
    requests = len(lab.requests())
    board.reset()
    board.wait_for("net: address", count=2)
    status, second = check_served(every_bench, board)
    assert second == first
    assert status["new_orders"] == "0"
    # Nobody tells the time here, so the CA is asked for it; for nothing that it would have to do.
    assert {method for method, _ in lab.requests()[requests:]} <= {"GET"}
    assert (accounts(lab), orders(lab)) == (1, 1)


def test_half_of_the_nonces_are_bad(bench):
    lab = bench.start_lab(nonce_reject=50)
    board = bench.new_board()
    board.wait_for(SERVING)
    check_served(bench, board)
    assert (accounts(lab), orders(lab)) == (1, 1)


def test_ca_is_down_at_boot(bench):
    lab = bench.start_lab()
    board = bench.new_board(start=False)
    lab.pebble.stop()
    board.start()
    board.wait_for("acme: next try in seconds")
    assert SERVING not in board.text
    lab.start_pebble()
    board.wait_for(SERVING)
    check_served(bench, board)
    assert accounts(lab) == 1


def test_link_is_lost_in_the_middle_of_an_order(bench):
    lab = bench.start_lab()
    port = free_port()
    gateway = Gateway(lab.http_port, port, seconds=60)
    try:
        board = bench.new_board(http_port=port)
        board.wait_for("acme: order ")
        board.set_link(False)
        time.sleep(3)  # the time that the cable is out, not a wait for something
        assert INSTALLED not in board.text
        board.set_link(True)
        board.wait_for(SERVING, 120)
        check_served(bench, board)
        assert accounts(lab) == 1
    finally:
        gateway.stop()


def first_boots_that_are_cut(bench, lab, count):
    """So many devices, each with its power cut at one random instant of its first boot, when they serve at last:
    (number, name, board, the seed of the instants)."""
    seed = int(os.environ.get("NANOACME_SEED", random.randrange(1 << 30)))
    print(f"seed {seed}")
    instants = random.Random(seed)
    port = free_port()
    gateway = Gateway(lab.http_port, port)
    try:
        whole = time_first_boot(bench, port)
        for number in range(count):
            name = f"device{number}.example.org"
            board = bench.new_board(name, http_port=port)
            cut_at(board, instants.uniform(0, whole))
            board.start()
            board.wait_for(SERVING)
            yield number, name, board, seed
            board.cut_power()
    finally:
        gateway.stop()


def test_resets_at_random_instants_of_the_first_boot(bench):
    lab = bench.start_lab()
    for number, name, board, seed in first_boots_that_are_cut(bench, lab, 10):
        board.wait_for("net: address")
        check_served(bench, board, name)
        assert accounts(lab) == number + 2, (seed, number, board.text)


def time_first_boot(bench, port):
    """Seconds of a first boot that nothing disturbs."""
    board = bench.new_board(http_port=port)
    begin = time.monotonic()
    board.wait_for(SERVING)
    board.cut_power()
    return time.monotonic() - begin


def cut_at(board, seconds):
    end = time.monotonic() + seconds
    wait_until(lambda: time.monotonic() >= end, "the instant", seconds + 1)
    board.cut_power()
    board.text = ""


def test_a_new_certificate_is_served_by_the_same_listener(bench):
    """Renewal two thirds into a short lifetime, while a client looks all the time. On a machine
    under load the renewal may come late: then the client may be refused, but only then."""
    profile = {"description": "short", "validityPeriod": 60}
    bench.start_lab(config={"profiles": {"default": profile}})
    board = bench.new_board()
    board.wait_for(SERVING)
    _, first = check_served(bench, board)
    expires = x509.load_der_x509_certificate(first).not_valid_after.replace(
        tzinfo=datetime.timezone.utc).timestamp()
    root = bench.lab.issuing_root()
    seen, failures = {first}, []
    end = time.monotonic() + 180 * PATIENCE
    while len(seen) < 2 and time.monotonic() < end:
        renewed = board.text.count(INSTALLED) > 1
        try:
            seen.add(board.fetch(NAME, root)[1])
        except (ConnectionRefusedError, ssl.SSLCertVerificationError) as e:
            if renewed or time.time() < expires:
                failures.append(repr(e))
    assert len(seen) == 2, board.text
    assert not failures, board.text
    assert board.text.count(INSTALLED) == 2
    assert "cannot begin" not in board.text


def test_a_handshake_that_is_under_way_when_the_certificate_changes(bench):
    """A client that has connected, and is slow with its first message, until the new certificate
    might be in force: the key that its handshake began with must still be there."""
    profile = {"description": "short", "validityPeriod": 60}
    bench.start_lab(config={"profiles": {"default": profile}})
    board = bench.new_board()
    board.wait_for(SERVING)
    check_served(bench, board)
    root = bench.lab.issuing_root()
    board.wait_for("acme: order", count=2)
    with socket.create_connection(("127.0.0.1", board.https_port), 20 * PATIENCE) as raw:
        end = time.monotonic() + 6  # less than the server's patience
        while board.text.count(INSTALLED) < 2 and time.monotonic() < end:
            time.sleep(0.05)
        context = ssl.create_default_context(cafile=root)
        with context.wrap_socket(raw, server_hostname=NAME) as s:
            s.sendall(b"GET /status.json HTTP/1.1\r\n\r\n")
            assert s.recv(64).startswith(b"HTTP/1.1 200 ")
    board.wait_for(INSTALLED, count=2)
    check_served(bench, board)


def test_silent_and_hostile_clients_do_not_block_the_server(bench):
    lab = bench.start_lab()
    board = bench.new_board()
    board.wait_for(SERVING)
    alert = b"\x15\x03\x03\x00\x02\x02\x0a"  # fatal, unexpected_message
    for garbage in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\xff\xff" + bytes(4096), b"\x80\x01\x02\x03\x04"):
        with socket.create_connection(("127.0.0.1", board.https_port), 20 * PATIENCE) as s:
            s.sendall(garbage)
            s.settimeout(20 * PATIENCE)
            assert drain(s) in (alert, b"")  # a reset may overtake it
    with socket.create_connection(("127.0.0.1", board.https_port), 20 * PATIENCE) as s:
        s.sendall(b"\x80\x01")  # and then nothing
        check_served(bench, board)
    with socket.create_connection(("127.0.0.1", board.https_port), 20 * PATIENCE):
        check_served(bench, board)  # after ten seconds of the silent one
    context = ssl.create_default_context(cafile=lab.issuing_root())
    with socket.create_connection(("127.0.0.1", board.https_port), 20 * PATIENCE) as raw, \
            context.wrap_socket(raw, server_hostname=NAME) as s:
        s.sendall(b"GET /nothing HTTP/1.1\r\n\r\n")
        assert s.recv(64).startswith(b"HTTP/1.1 404 ")
    check_served(bench, board)


def drain(s):
    """What comes until the end. Whoever is not told of the end fails here."""
    text = b""
    try:
        while part := s.recv(4096):
            text += part
    except ConnectionResetError:
        pass
    return text


@pytest.mark.parametrize("whole", [False, True], ids=["some", "all"])
def test_a_spoilt_flash_image_is_obtained_anew(bench, whole):
    bench.start_lab()
    board = bench.new_board()
    board.wait_for(SERVING)
    board.cut_power()
    path = os.path.join(board.folder, f"{bench.kind}.flash")
    with open(path, "r+b") as f:
        f.write(os.urandom(bench.store_size if whole else bench.sector_size))
    board.text = ""
    board.start()
    if whole:  # it may be worth something to somebody
        board.wait_for("to erase it, type: erase")
        board.type("yes")
        board.wait_for("to erase it, type: erase", count=2)
        board.type("erase")
    board.wait_for(SERVING)
    board.wait_for("net: address")
    check_served(bench, board)


def test_settings_are_checked_on_the_serial_line(reference_bench):
    lab = reference_bench.start_lab()
    board = reference_bench.new_board(start=False)
    os.unlink(os.path.join(board.folder, "mps2_an385.flash"))
    board.text = ""
    board.start()
    board.wait_for("console: this device has no settings")
    lines = (("save", "a name is missing"), ("name a b", "not printable"), ("colour red", "unknown"),
             ("name " + "x" * 70, "too long"), ("anchor zz", "hexadecimal"), ("anchor 3", "hexadecimal"),
             ("anchor 3082zz", "hexadecimal"), ("anchor " + "30" * 77, "159 characters"), ("anchor", "empty"),
             ("contact somebody", "mailto:"),
             ("anchor " + "3" * 200 + "\nname a.example\ndirectory https://a.example/dir\nsave", "159 characters"))
    for number, (line, answer) in enumerate(lines):
        board.popen.stdin.write(line.encode() + b"\r\n")
        board.popen.stdin.flush()
        board.wait_for("console: error: ", count=number + 1)
        assert answer in re.findall("console: error: (.*)", board.text)[number]
    # Of the refused anchors nothing is left.
    board.wait_for("console: error: the CA's root is missing")
    board.reset()
    board.provision([NAME], lab.directory, lab.ca_file)
    board.wait_for(SERVING)


def old_settings(kind, names, directory, root, contact=""):
    """The settings as firmware before 2026-12 wrote them: the structure as it lay in memory."""
    def text(value, size):
        return value.encode().ljust(size, b"\0")
    room, root = {"lm3s6965evb": 704}.get(kind, 1536), der_of(root)
    head = b"".join(text(name, 64) for name in [*names, "", "", "", ""][:4]) + text(directory, 128)
    head += text(contact, 64) + bytes(48) + bytes(64) + struct.pack("<I", len(root))
    root = root.ljust(room, b"\0")
    return head + struct.pack("<I", zlib.crc32(head + root)) + root


def put_settings(bench, board, settings):
    with open(os.path.join(board.folder, f"{bench.kind}.flash"), "r+b") as f:
        f.seek(bench.store_size)
        f.write(settings.ljust((len(settings) + 63) // 64 * 64, b"\0"))


def test_an_update_knows_the_settings_of_before(bench):
    lab = bench.start_lab()
    board = bench.new_board(start=False)
    put_settings(bench, board, old_settings(bench.kind, [NAME], lab.directory, lab.ca_file, "mailto:a@example.org"))
    board.text = ""
    board.start()
    board.wait_for(SERVING)
    check_served(bench, board)
    assert "console:" not in board.text


def test_a_typo_is_mended_at_the_console(bench):
    """Settings that the client refuses are not saved; those that were saved by a firmware that did not look
    bring the console back, and no reset."""
    lab = bench.start_lab()
    board = bench.new_board(start=False)
    put_settings(bench, board, old_settings(bench.kind, [NAME], "http://ca.example.org/dir", lab.ca_file))
    board.text = ""
    board.start()
    board.wait_for("console: the settings are refused")
    for number, line in enumerate(("save", "directory htps://ca.example.org/dir\nsave",
                                   f"directory {lab.directory}\nname no_such..name\nsave")):
        board.type(line)
        board.wait_for("console: error: refused: ", count=number + 1)
    anchor = der_of(lab.ca_file).hex()
    lines = ["clear", f"name {NAME}", f"directory {lab.directory}", "contact mailto:somebody@example.org",
             *("anchor " + anchor[at:at + 128] for at in range(0, len(anchor), 128)), "save"]
    done = board.text.count("console: ok")
    for number, line in enumerate(lines):
        board.type(line)
        board.wait_for("console: ok", count=done + number + 1)
    board.wait_for(SERVING)
    check_served(bench, board)
    assert board.text.count("boot: ") == 1


@pytest.mark.parametrize("fault", ["root", "name"])
def test_a_wrong_ca_is_refused(reference_bench, fault):
    """Another root, and a CA under a name that its certificate does not have."""
    lab = reference_bench.start_lab()
    folder = reference_bench.folder / "wrong"
    folder.mkdir()
    from board import Board  # pylint: disable=import-outside-toplevel
    board = Board(folder, http_port=lab.http_port, network="10.0.3" if fault == "name" else "10.0.2")
    reference_bench.boards.append(board)
    root = lab.issuing_root() if fault == "root" else lab.ca_file
    url = lab.directory.replace("10.0.2.2", board.network + ".2")
    board.start().provision([NAME], url, root)
    board.wait_for("acme: error ACME_ERR_TLS_VERIFY")
    assert SERVING not in board.text
    assert accounts(lab) == 0


@pytest.mark.parametrize("chain", ["bench", "private"])
def test_no_step_is_felt(bench, chain):
    """At most 312,000 instructions between two breaths, or the end of a step: 20 ms at 25 MHz and 1.6
    cycles an instruction. Over a first boot and three visits, with P-256 and with P-384."""
    lab = bench.start_lab(chain=chain)
    board = bench.new_board(icount=True)
    board.wait_for(SERVING)
    check_served(bench, board)
    pages = [board.fetch_when_ready(NAME, lab.issuing_root())[0] for _ in range(3)]
    for key in ("longest_step_us", "longest_https_step_us"):
        assert 0 < int(pages[-1][key]) >> BOARDS[bench.kind][2] <= 312, pages[-1]


def test_a_root_of_rsa_4096_is_felt_a_little(reference_bench):
    """One multiplication of so many bits is 390,000 instructions, 25 ms at 25 MHz: mbedTLS calls nothing in
    the middle of it."""
    lab = reference_bench.start_lab(chain="rsa")
    board = reference_bench.new_board(icount=True)
    board.wait_for(SERVING)
    page, _ = board.fetch_when_ready(NAME, lab.issuing_root())
    assert 0 < int(page["longest_step_us"]) >> BOARDS["mps2_an385"][2] <= 430, page


class TimeServer:
    """SNTP (RFC 4330) on the host's port 123, which tells a time that nobody else would."""

    def __init__(self, ahead_s):
        self.ahead_s = ahead_s
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        wait_until(self._bind, "port 123, which another test may have", 120)
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _bind(self):
        try:
            self.socket.bind(("127.0.0.1", 123))
        except OSError:
            return False
        return True

    def _serve(self):
        while True:
            request, client = self.socket.recvfrom(64)
            if len(request) < 48:
                return
            now = struct.pack(">II", int(time.time()) + self.ahead_s + 2208988800, 0)
            self.socket.sendto(b"\x24\x01\x00\xe8" + bytes(8) + b"TEST" + now + request[40:48] +
                               now + now, client)

    def stop(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.sendto(b"", ("127.0.0.1", 123))
        self.thread.join(5)
        self.socket.close()


def test_the_clock_comes_from_a_time_server(bench):
    lab = bench.start_lab()
    server = TimeServer(600)
    try:
        board = bench.new_board(ntp="10.0.2.2")
        board.wait_for(SERVING)
        clock = []

        def known():  # a fleet that is switched on at once must not ask at once: lwIP waits a little
            clock[:] = [check_served(bench, board)[0]["clock"]]
            return clock != ["unknown"]
        wait_until(known, "the time", 30)
        clock = datetime.datetime.strptime(clock[0], "%Y-%m-%dT%H:%M:%SZ")
        assert 590 < (clock - datetime.datetime.utcnow()).total_seconds() < 610
    finally:
        server.stop()
    board.cut_power()
    board = bench.new_board("other.example.org")
    board.wait_for(SERVING)
    assert check_served(bench, board, "other.example.org")[0]["clock"] == "unknown"
    assert accounts(lab) == 2


def test_a_ca_that_has_ipv6_only(reference_bench):
    lab = reference_bench.start_lab()
    board = reference_bench.new_board(directory=lab.directory.replace("10.0.2.2", "[fec0::2]"))
    board.wait_for(SERVING)
    check_served(reference_bench, board)
    assert accounts(lab) == 1
