"""The boards in a network with enemies and bad weather: see weather.py."""
import os
import sys
import threading
import time
import traceback

import pytest

from conftest import THOROUGH
from lab import PATIENCE, wait_until
from test_firmware import INSTALLED, SERVING
from weather import CA, NAME, Caller, scan, site
from wire import is_advertisement, is_dhcp, is_dns

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "lwip")]
import network  # noqa: E402
from names import Rule  # noqa: E402

VISITOR_WAITS_S = 20


@pytest.mark.parametrize("kind", THOROUGH)
def test_a_first_boot_and_a_renewal_among_enemies(tmp_path, kind):
    """Callers who say nothing, or a byte, or segments of a byte, and come again at once, at the status page
    and at the responder; scans. The device gets its certificate, renews it in time, and visitors see the page."""
    with site(tmp_path, kind) as here:
        here.start(profiles={"default": {"description": "short", "validityPeriod": 30}})
        here.board = board = here.boot()
        board.wait_for("net: address")
        enemies = [Caller(443), Caller(443, patience=2), Caller(443, patience=1), Caller(443, b"\x16", patience=5),
                   Caller(443, *[b"x"] * 12), Caller(80), Caller(80, b"GET /"), Caller(80, *[b"x"] * 12, patience=5)]
        here.calls += [enemy.stop for enemy in enemies]
        board.wait_for(SERVING, 60)
        root, seen, failed = here.lab.issuing_root(), 0, []
        end = time.monotonic() + 90 * PATIENCE
        while board.text.count(INSTALLED) < 2 and time.monotonic() < end:
            scan(range(70, 90))
            try:
                board.fetch(NAME, root, timeout=VISITOR_WAITS_S)
                seen += 1
            except OSError as e:
                failed.append(repr(e))
        print(f"{seen} visits, {failed[:5]}, calls {[e.count for e in enemies]}")
        assert board.text.count(INSTALLED) == 2, board.text
        assert seen >= 3 and len(failed) <= seen / 2, (seen, failed, board.text)
        assert "boot:" not in board.text[board.text.index(SERVING):]
        assert wait_until(lambda: here.lab.count("Issued certificate") >= 2, "the second certificate")


def test_a_network_that_has_ipv6_only(tmp_path):
    """A router's prefix, and no DHCP server: addresses, names, the CA, its look and visitors by IPv6. (The small
    board's image has IPv4 alone.)"""
    with site(tmp_path, "mps2_an385", family=6) as here:
        here.start()
        board = here.boot()
        board.wait_for("net: address FD66:")
        board.wait_for(SERVING, 60)
        status, _ = board.fetch_when_ready(NAME, here.lab.issuing_root())
        assert status["name"] == NAME and status["new_orders"] == "1"


def renew(here):
    """A first boot, a renewal, and a look at the page. What the wire did is printed."""
    here.start(profiles={"default": {"description": "short", "validityPeriod": 30}})
    board = here.boot()
    board.wait_for(SERVING, 120)
    board.wait_for(INSTALLED, 120, count=2)
    status, _ = board.fetch_when_ready(NAME, here.lab.issuing_root(), timeout=VISITOR_WAITS_S)
    assert status["name"] == NAME
    assert "boot:" not in board.text[board.text.index(SERVING):]
    assert wait_until(lambda: here.lab.count("Issued certificate") >= 2, "the second certificate")


SEED = int(os.environ.get("NANOACME_SEED", "1"))


def in_a_storm(folder, kind):
    """One frame in twenty is lost, one in twenty comes twice, each way, and they overtake each other; of DHCP and DNS
    the first answers are lost for certain."""
    with site(folder, kind, weather={"seed": SEED, "loss": 0.05, "copies": 0.05, "delay_s": (0.0, 0.04)}) as here:
        here.wire.lose(is_dhcp, 2).lose(is_dns, 2).lose(is_dns, 1, to_device=False)
        renew(here)
        done = here.wire.done
        assert done["chosen"] == 5 and min(done.values()) > 0, done
        return str(done)


def without_dhcp(folder, kind):
    """The server comes a minute after the device."""
    with site(folder, kind, dhcp_away=True) as here:
        here.start()
        board = here.boot()
        time.sleep(60)
        assert here.dhcp.ignored >= 4 and "net: address" not in board.text, board.text
        here.dhcp.away = False
        board.wait_for("net: address", 70)
        board.wait_for(SERVING, 60)
        return f"{here.dhcp.ignored} questions while it was away"


def without_advertisements(folder, kind):
    """A network of IPv6 whose router is not heard at first, and then badly."""
    with site(folder, kind, family=6, weather={"seed": SEED, "loss": 0.05, "delay_s": (0.0, 0.02)}) as here:
        here.wire.lose(is_advertisement, 8)
        here.start()
        board = here.boot()
        board.wait_for("net: address FD66:")
        board.wait_for(SERVING, 120)
        board.fetch_when_ready(NAME, here.lab.issuing_root(), timeout=VISITOR_WAITS_S)
        assert here.wire.done["chosen"] == 8
        return str(here.wire.done)


def with_dead_addresses(folder, kind):
    """The first name server is dead, the CA's first two addresses too, and the answer, which does not fit into a
    datagram, comes over TCP."""
    rule = Rule("10.66.0.77", "fd66::77", "10.66.0.78", network.PEER4, over_udp=1)
    with site(folder, kind, names={CA: rule}, dead_servers=["10.66.0.53"]) as here:
        here.start()
        board = here.boot()
        board.wait_for("net: address")
        began = time.monotonic()
        board.wait_for(SERVING, 60)
        took = time.monotonic() - began
        assert ("A", False) in rule.asked and ("A", True) in rule.asked and 10 < took, (rule.asked, took)
        board.fetch_when_ready(NAME, here.lab.issuing_root())
        assert "failed" not in board.text, board.text
        return f"{took:.0f} s from the network to the certificate"


SCENARIOS = {in_a_storm: THOROUGH, without_dhcp: THOROUGH, with_dead_addresses: THOROUGH,
             without_advertisements: ("mps2_an385",)}  # the small board's image has IPv4 alone


def test_bad_weather(tmp_path):
    """Side by side, each in a network of its own, since they spend their time waiting."""
    ended, failed = [], []

    def play(scenario, kind):
        folder = tmp_path / f"{scenario.__name__}-{kind}"
        folder.mkdir()
        try:
            ended.append(f"{folder.name}: {scenario(folder, kind)}")
        except BaseException:  # pylint: disable=broad-except
            failed.append(f"{folder.name}:\n{traceback.format_exc()}")
    wanted = os.environ.get("NANOACME_WEATHER", "")
    threads = [threading.Thread(target=play, args=(scenario, kind)) for scenario, kinds in SCENARIOS.items()
               for kind in kinds if wanted in f"{scenario.__name__}-{kind}"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print("\n".join(ended))
    assert threads and not failed, "\n\n".join(failed)
