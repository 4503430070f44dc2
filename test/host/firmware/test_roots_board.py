"""The CA's roots on a board: typed at the console, several and in PEM, and a vendor's signed bundle of
them when the CA moves. The images are linked once more, with a pinned key (scripts/roots c)."""
import os
import re
import subprocess

import pytest
from conftest import NAME
from board import Board, der_of
from lab import ROOT, make_server_ca, wait_until
from test_fault import link_with
from test_firmware import SERVING, check_served

TOOL = os.path.join(ROOT, "scripts/roots")
SHORT_LIVES = {"profiles": {"default": {"description": "short", "validityPeriod": 60}}}
INSTALLED = "acme: certificate installed"


def roots(*argv):
    done = subprocess.run([TOOL, *map(str, argv)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


class Vendor:
    """Who makes the device: a key, and what is signed with it."""

    def __init__(self, folder):
        self.folder = folder
        self.key, self.public = folder / "vendor.pem", folder / "vendor_public.pem"
        for argv in (["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", self.key],
                     ["ec", "-in", self.key, "-pubout", "-out", self.public]):
            subprocess.run(["openssl", *map(str, argv)], capture_output=True, check=True)

    def image(self, board, *built_in):
        """The board's image that pins the key, with roots that are compiled in."""
        commands = subprocess.run(["ninja", "-C", os.path.join(ROOT, "build", board), "-t", "commands",
                                   f"nanoacme-{board}.elf"], capture_output=True, text=True, check=True).stdout
        line = next(line for line in commands.splitlines() if "common/roots.c" in line).split()
        flags = [word for at, word in enumerate(line) if word[:2] in ("-D", "-I") or line[at - 1] == "-isystem"]
        flags = [flag if flag[0] == "-" else f"-isystem{flag}" for flag in flags]
        flags = [flag.replace('\\"', '"') for flag in flags]
        return link_with(self.folder, board, roots("c", "--key", self.public, *built_in), wraps=(), flags=flags)

    def sign(self, version, *pem):
        path = self.folder / f"bundle{version}"
        roots("sign", "--key", self.key, "--version", version, "--out", path, *pem)
        assert f"version {version}, {len(pem)} roots" in roots("show", "--key", self.public, path)
        return path


def answers(board):
    return re.findall(r"^console: (ok|error: .*)$", board.text, re.M)


def type_line(board, line):
    """Its answer."""
    before = len(answers(board))
    board.type(line)
    wait_until(lambda: len(answers(board)) > before, f"an answer to {line[:30]}", 60, lambda: board.text)
    return answers(board)[before]


def send(board, bundle):
    """The answer to its end. What is not whole, the tool does not make lines of."""
    with open(bundle, "rb") as f:
        data = f.read().hex()
    lines = ["roots begin", *("roots " + data[at:at + 128] for at in range(0, len(data), 128)), "roots end"]
    assert str(bundle).endswith(".flawed") or lines == roots("lines", bundle).splitlines()
    for line in lines:
        answer = type_line(board, line)
        assert answer == "ok" or line == "roots end", answer
    return answer


def flawed(bundle, at):
    with open(bundle, "rb") as f:
        data = bytearray(f.read())
    data[at] ^= 0x40
    path = str(bundle) + ".flawed"
    with open(path, "wb") as f:
        f.write(data)
    return path


def error(board, name, number):
    """As the board says it, which may have no names."""
    return f"{'ACME_ERR' if board.board == 'lm3s6965evb' else name} {number}"


def new_server_ca(lab, folder):
    folder.mkdir()
    lab.pebble.stop()
    lab.certs = make_server_ca(str(folder), lab.address)
    lab.start_pebble()


def test_the_old_roots_die(bench):
    """The CA's HTTPS moves to another root. The device says so, keeps its certificate, is sent the new roots,
    and renews; what is not signed, not whole or not newer changes nothing."""
    vendor = Vendor(bench.folder)
    lab = bench.start_lab(config=SHORT_LIVES)
    board = bench.new_board(start=False)
    board.image = vendor.image(bench.kind)
    board.text = ""
    board.start().wait_for(SERVING)
    old_root = lab.ca_file
    new_server_ca(lab, bench.folder / "moved")
    board.wait_for("acme: error " + error(board, "ACME_ERR_TLS_VERIFY", -31), 120)
    assert board.text.count(INSTALLED) == 1

    first, second = vendor.sign(1, old_root), vendor.sign(2, old_root, lab.ca_file)
    assert error(board, "ACME_ERR_ROOTS_SIGNATURE", -35) in send(board, flawed(second, 200))
    assert error(board, "ACME_ERR_ROOTS_FORMAT", -34) in send(board, flawed(second, 11))
    assert "roots begin" in type_line(board, "roots 00")  # of the refused one nothing is left
    assert "signed roots only" in type_line(board, "directory https://evil.example/dir")
    board.wait_for("acme: error " + error(board, "ACME_ERR_TLS_VERIFY", -31), 120, count=2)

    assert send(board, second) == "ok"
    board.wait_for("console: roots: version 2, on trial")
    board.wait_for(INSTALLED, 120, count=2)
    board.wait_for("roots: confirmed, version 2")
    check_served(bench, board)
    assert error(board, "ACME_ERR_ROOTS_VERSION", -36) in send(board, first)
    assert error(board, "ACME_ERR_ROOTS_VERSION", -36) in send(board, second)
    board.text = ""
    board.reset().wait_for(INSTALLED, 120)  # they are there after a power cut
    assert type_line(board, "roots") == "ok"
    board.wait_for("console: roots: version 2, in use")


def test_a_vendor_s_error_costs_nothing(reference_bench):
    """A bundle without the CA's root: the roots before are tried in turn, until a better bundle comes."""
    vendor = Vendor(reference_bench.folder)
    lab = reference_bench.start_lab(config=SHORT_LIVES)
    board = reference_bench.new_board(start=False)
    board.image = vendor.image(board.board)
    board.text = ""
    board.start().wait_for(SERVING)
    folder = reference_bench.folder / "another"
    folder.mkdir()
    assert send(board, vendor.sign(7, make_server_ca(str(folder))["ca.pem"])) == "ok"
    board.wait_for("roots: on trial and refused, those before are tried", 120)
    board.wait_for(INSTALLED, 120, count=2)
    board.wait_for("roots: on trial again, version 7")
    assert "ROOTS_VERSION" in send(board, vendor.sign(6, lab.ca_file))
    board.reset()  # the version of what has made room is remembered
    board.wait_for("net: address", count=2)
    assert "ROOTS_VERSION" in send(board, vendor.sign(7, lab.ca_file))
    assert send(board, vendor.sign(8, lab.ca_file)) == "ok"
    board.wait_for("roots: confirmed, version 8", 120)


def test_roots_that_are_compiled_in(reference_bench):
    """A device that is told a name and a directory, and no root."""
    vendor = Vendor(reference_bench.folder)
    lab = reference_bench.start_lab()
    board = reference_bench.new_board(start=False)
    os.unlink(os.path.join(board.folder, f"{board.board}.flash"))
    folder = reference_bench.folder / "another"
    folder.mkdir()
    board.image = vendor.image(board.board, make_server_ca(str(folder))["ca.pem"], lab.ca_file)
    board.text = ""
    board.start().wait_for("console: this device has no settings")
    for line in (f"name {NAME}", f"directory {lab.directory}", "save"):
        assert type_line(board, line) == "ok"
    board.wait_for(SERVING)
    check_served(reference_bench, board)


def pem_lines(path):
    with open(path, encoding="ascii") as f:
        return f.read().split()


def hex_lines(der):
    return ["anchor " + der.hex()[at:at + 128] for at in range(0, 2 * len(der), 128)]


def frame(path):
    lines = pem_lines(path)
    return ["-----BEGIN CERTIFICATE-----", *lines[2:-2], "-----END CERTIFICATE-----"]


@pytest.mark.parametrize("kind", ["mps2_an385", "lm3s6965evb"])
def test_several_roots_at_the_console(tmp_path, a_lab, kind):
    """Added one after the other, in PEM and in hexadecimal, listed and removed. What is refused leaves
    nothing; the limit has a name and a size."""
    others = []
    for number, chain in enumerate(("private", "rsa", "rsa", "rsa", "bench")):
        folder = tmp_path / f"ca{number}"
        folder.mkdir()
        others.append(make_server_ca(str(folder), chain=chain)["ca.pem"])
    board = Board(tmp_path, kind, http_port=a_lab.http_port)
    try:
        board.start().wait_for("console: this device has no settings")

        def listed():
            before = board.text.count("console: root ")
            assert type_line(board, "roots") == "ok"
            return re.findall("console: root (.*)", board.text)[before:]
        for line in (f"name {NAME}", f"directory {a_lab.directory}"):
            assert type_line(board, line) == "ok"
        for path in others[:2]:
            for line in frame(path):
                assert type_line(board, line) == "ok"
        assert "no such root" in type_line(board, "remove 3")
        assert "no such root" in type_line(board, "remove x")
        good = frame(a_lab.ca_file)
        for spoilt, why in ((["-----BEGIN KEY-----"], "not PEM"), ([*good[:3], "*" * 9], "not base64"),
                            ([*good[:3], good[-1]], "not whole"), (["anchor 3003020100"], "no certificate"),
                            ([good[0], good[0]], "not PEM"), (["anchor 31"], None), (["anchor 31820101"], "DER")):
            said = [type_line(board, line) for line in spoilt]
            assert why is None or why in said[-1], said
            if why is None:
                continue
        assert [re.sub(r"\d+ bytes", "bytes", line) for line in listed()] == [
            "1: bytes, Private root", "2: bytes, Test bench root"]
        for line in hex_lines(der_of(a_lab.ca_file)):
            assert type_line(board, line) == "ok"
        for path in others[2:4]:
            for line in frame(path):
                assert type_line(board, line) == "ok"
        assert len(listed()) == 5
        assert type_line(board, "remove 5") == "ok"
        assert type_line(board, "remove 1") == "ok"
        lengths = [int(re.match(r"\d: (\d+) bytes", line)[1]) for line in listed()]
        assert lengths == [len(der_of(path)) for path in (others[1], a_lab.ca_file, others[2])]

        broken = bytearray(der_of(others[4]))  # its frame is whole, and what is inside is not
        broken[5] ^= 0xff
        for line in hex_lines(bytes(broken)):
            assert type_line(board, line) == "ok"
        assert error(board, "ACME_ERR_CERT_PARSE", -90) + ", root 4" in type_line(board, "save")
        assert len(listed()) == 4
        assert type_line(board, "remove 4") == "ok"
        rsa, full = frame(others[3]), ""
        while full in ("", "ok"):  # until there is no room
            full = next((said for said in (type_line(board, line) for line in rsa) if said != "ok"), "ok")
        assert "too long: SETTINGS_ROOTS_MAX is 6144 bytes" in full
        assert type_line(board, "save") == "ok"
        board.wait_for(SERVING)
        board.text = ""
        board.reset().wait_for(SERVING)
    finally:
        board.cut_power()
