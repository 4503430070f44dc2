"""The self-test of ports (port/selftest) over a good port, and over ports that break one promise
each: every one must be found, by the line that names it."""
import os
import subprocess
import threading

import pytest

from conftest import BUILD
from lab import PATIENCE, free_port
from peers import DELIVERED, Peers, visit_line, visit_take

SELFTEST = os.path.join(BUILD, "test", "selftest")


@pytest.fixture(scope="module")
def peers():
    servers = Peers()
    yield servers
    servers.stop()


def argv(fault, store="sim", mode="first", peers=None, net=False):
    ports = [peers.echo, peers.http, peers.refused, free_port()] if net else [0, 0, 0, 0]
    return [SELFTEST, fault, str(store), mode, *map(str, ports), "self"]


def call(*args, **options):
    done = subprocess.run(argv(*args, **options), capture_output=True, text=True, timeout=120 * PATIENCE,
                          check=False)
    assert done.returncode in (0, 1), done
    return done.returncode, done.stdout


GOOD = """entropy.fill entropy.random clock.moves clock.monotonic clock.step clock.wall clock.rate
    log.write flash.geometry flash.erase flash.program flash.addresses flash.read flash.erase_one
    flash.read_bounds flash.alignment flash.bounds flash.reprogram flash.sync net.connect net.again
    net.echo net.two_streams net.reuse net.http net.refused net.missing net.listen net.nobody
    net.accept net.serve net.closed net.delivered net.listen_again net.no_wait""".split()


@pytest.mark.parametrize("store", ["sim", "file"])
def test_a_good_port(tmp_path, peers, store):
    path = "sim" if store == "sim" else tmp_path / "flash.img"
    code, out = call("none", path, "both" if store == "sim" else "first", peers, net=True)
    assert code == 0, out
    for name in GOOD:
        assert f"selftest: {name} ok" in out, (name, out)
    assert "FAILED" not in out and "skipped\n" in out and f"selftest: {len(GOOD)} passed" in out
    for level in range(1, 5):
        assert f"log {level}: selftest: " in out
    if store == "file":  # another process is another boot
        code, out = call("none", path, "again", peers)
        assert code == 0, out
    assert "selftest: flash.kept ok" in out and "selftest: entropy.fresh ok" in out


def test_flash_is_left_alone_unless_asked(tmp_path):
    path = tmp_path / "flash.img"
    call("nothing", path, "look")
    before = path.read_bytes()
    code, out = call("nothing", path, "look")
    assert code == 0 and path.read_bytes() == before
    assert "flash.erase skipped: it would erase the area, and was not asked for" in out
    code, out = call("nothing", path, "again")
    assert code == 1 and path.read_bytes() == before
    assert "selftest: flash.kept FAILED: there is nothing of a first run\n" in out


def test_flash_that_forgets(tmp_path):
    path = tmp_path / "flash.img"
    assert call("nothing", path, "first")[0] == 0
    image = bytearray(path.read_bytes())
    image[-1] ^= 4  # one bit of the last sector's pattern
    path.write_bytes(image)
    code, out = call("nothing", path, "again")
    assert code == 1 and "flash.kept FAILED: the power has changed sector 7\n" in out
    image[-1] ^= 4
    image[-100] = 0
    path.write_bytes(image)
    code, out = call("nothing", path, "again")
    assert code == 1 and "flash.kept FAILED: what was erased in sector 7 is not erased" in out


def test_the_same_seed_at_every_boot(tmp_path):
    path = tmp_path / "flash.img"
    code, out = call("entropy-fixed-seed", path, "first")
    assert code == 0, out  # one boot cannot tell
    code, out = call("entropy-fixed-seed", path, "again")
    assert code == 1 and "entropy.fresh FAILED: the first bytes after two boots are the same" in out


FAULTS = {  # name: what must be among the lines
    "clock-stands-still": "clock.moves FAILED: uptime_ms stands still",
    "clock-goes-back": "clock.monotonic FAILED: uptime_ms goes back",
    "clock-is-coarse": "clock.step FAILED: uptime_ms moves 500 ms at once",
    "clock-runs-double": "clock.rate FAILED: uptime_ms counts ",
    "wall-is-1970": "clock.wall FAILED: not a time of today",
    "wall-unknown-but-written": "clock.wall FAILED: wall_s says NO_CLOCK, and gives a time",
    "wall-stands-still": "clock.rate FAILED: wall_s does not go on",
    "wall-error": "clock.wall FAILED: wall_s answers neither",
    "entropy-constant": "entropy.random FAILED: two draws are the same",
    "entropy-same-draw": "entropy.random FAILED: two draws are the same",
    "entropy-short": "entropy.fill FAILED: fill leaves bytes out at len = 33",
    "entropy-overrun": "entropy.fill FAILED: fill writes beyond len = 1",
    "entropy-biased": "entropy.random FAILED: the bits are not balanced",
    "entropy-repeats": "entropy.random FAILED: a byte comes too often in a row",
    "entropy-fails": "entropy.fill FAILED: fill fails",
    "entropy-stuck-byte": "entropy.random FAILED: a byte never changes",
    "geometry-odd": "flash.geometry FAILED: a sector of 3000 bytes",
    "geometry-unit": "flash.geometry FAILED: the program unit",
    "geometry-one-sector": "flash.geometry FAILED: it needs two sectors",
    "geometry-changes": "flash.geometry FAILED: it changes from call to call",
    "geometry-fails": "flash.geometry FAILED: geometry fails",
    "erase-nothing": "flash.erase_one FAILED: a sector that was programmed does not read 0xff",
    "erase-zeros": "flash.erase FAILED: after erase it does not read 0xff at offset 128",
    "erase-two": "flash.erase_one FAILED: erasing one sector changes another",
    "erase-fails": "flash.erase FAILED: erase fails at offset 0",
    "erase-anywhere": "flash.alignment FAILED: erases at an offset within a sector",
    "erase-beyond": "flash.bounds FAILED: erases beyond the area",
    "program-lost": "flash.program FAILED: what was programmed does not read back",
    "program-neighbour": "flash.program FAILED: programming one unit changes the next",
    "program-alias": "flash.addresses FAILED: what was programmed does not read back at offset ",
    "program-unaligned": "flash.alignment FAILED: programs what is not a multiple of the unit",
    "program-beyond": "flash.bounds FAILED: programs beyond the area",
    "program-fails": "flash.program FAILED: program fails for one unit",
    "reprogram-garbage": "flash.reprogram FAILED: a unit programmed twice has neither",
    "reprogram-silent": "flash.reprogram FAILED: program says OK, and nothing has changed",
    "read-aligned": "flash.read FAILED: a read that is not aligned differs",
    "read-overrun": "flash.read FAILED: read writes beyond the buffer",
    "read-beyond": "flash.read_bounds FAILED: reads beyond the area",
    "read-fails": "FAILED: ",
    "sync-fails": "flash.sync FAILED: sync fails",
    "recv-zero": "net.again FAILED: recv does not say AGAIN",
    "recv-corrupts": "net.echo FAILED: what comes back is not what was sent: byte ",
    "recv-never-closed": "net.closed FAILED: recv never says CLOSED",
    "recv-closed-early": "net.http FAILED: recv says CLOSED before",
    "close-leaks": "net.reuse FAILED: no free stream",
    "close-drops": "net.delivered FAILED: after close only ",
    "connect-lies": "net.refused FAILED: connects where nobody listens",
    "connect-waits": "net.no_wait FAILED: a call took ",
    "connect-wrong-error": "net.missing FAILED: the peer cannot be reached",
    "connect-one-stream": "net.two_streams FAILED: no free stream",
    "connect-nowhere": "net.connect FAILED: the peer cannot be reached",
    "listen-fails": "net.listen FAILED: the port cannot be opened",
    "listen-once": "net.listen_again FAILED: the port cannot be opened",
    "accept-nobody": "net.nobody FAILED: accept does not say AGAIN",
    "accept-nothing": "net.accept FAILED: no answer in time",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_port(peers, fault):
    net = fault.split("-")[0] in ("recv", "close", "connect", "listen", "accept")
    code, out = call(fault, peers=peers, net=net)
    assert code == 1, out
    assert f"selftest: {FAULTS[fault]}" in out or FAULTS[fault] in out, out
    assert " 0 failed" not in out
    # What has nothing to do with the fault passes.
    if fault.split("-")[0] not in ("entropy",):
        assert "selftest: entropy.random ok" in out
    if net:
        assert "selftest: flash.sync ok" in out


def test_flash_that_replaces_is_no_fault_but_named():
    code, out = call("reprogram-replaces")
    assert code == 0 and "flash.reprogram ok: replaces, as no NOR does" in out, out


def test_a_visitor_from_outside(peers):
    with subprocess.Popen(argv("none", peers=peers, net=True)[:-1], stdout=subprocess.PIPE,
                          text=True) as process:
        port = int(process.args[-1])
        got = []
        visitor = threading.Thread(
            target=lambda: (visit_line(port), got.append(visit_take(port))), daemon=True)
        visitor.start()
        out = process.communicate(timeout=60 * PATIENCE)[0]
        visitor.join(10)
    assert process.returncode == 0, out
    assert "selftest: net.delivered ok: if the visitor has 3000 bytes" in out
    assert len(got) == 1 and len(got[0]) == DELIVERED


def test_the_template_links_and_fails():
    """What is to be written yet is no success. (Its log is not written either: no lines.)"""
    done = subprocess.run([os.path.join(BUILD, "test", "acme_template_selftest")], timeout=60 * PATIENCE,
                          capture_output=True, check=False)
    assert done.returncode >= 3, done  # clock, entropy, flash; without a clock no network
    done = subprocess.run([os.path.join(BUILD, "test", "acme_template")], timeout=60 * PATIENCE,
                          capture_output=True, check=False)
    assert done.returncode == 1, done
