"""The boards in a network with enemies and bad weather: see weather.py."""
import time

import pytest

from conftest import THOROUGH
from lab import PATIENCE, wait_until
from test_firmware import INSTALLED, SERVING
from weather import NAME, Caller, scan, site

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
