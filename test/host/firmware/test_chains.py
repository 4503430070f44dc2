"""Each board at the chains of today's public CAs (chain_zoo.py): what a CA's HTTPS shows is verified, what it issues is
stored, and served to a client that trusts the row's anchor alone. A run sees those that are hardest and some others,
which change from day to day; --all-chains sees all, with each version of TLS."""
import datetime
import os

import pytest

from chain_bench import boards, run, versions
from chain_zoo import ROWS
from lab import ROOT

HARDEST = ("le-y-e", "le-y-r", "gts-r", "sectigo-r", "private")
OTHERS = 4


def chosen(kind, everything):
    """(row, TLS version) of a board's run."""
    tls = versions(kind)
    if everything:
        return [(name, version) for name in ROWS for version in tls]
    day = datetime.date.today().toordinal()
    rest = [name for name in ROWS if name not in HARDEST]
    names = [*HARDEST, *(rest[(day * OTHERS + i) % len(rest)] for i in range(OTHERS))]
    return [(name, tls[(day + i) % len(tls)]) for i, name in enumerate(names)]


def pytest_generate_tests(metafunc):
    if "cell" in metafunc.fixturenames:
        everything = metafunc.config.getoption("--all-chains")
        cells = [(kind, name, version) for kind in boards() for name, version in chosen(kind, everything)]
        metafunc.parametrize("cell", cells, ids=["-".join(cell) for cell in cells])


def test_chain(tmp_path, cell):
    kind, name, version = cell
    result = run(tmp_path, kind, name, ROWS[name], version)
    assert not result.error, result.error


@pytest.mark.parametrize("name", ("le-x-e1", "private"))
def test_48_kb(tmp_path, monkeypatch, name):
    """Chains without a signature of RSA-4096, in an image that the linker has held to 48 KB of RAM."""
    monkeypatch.setenv("NANOACME_FIRMWARE", os.path.join(ROOT, "build", "48k"))
    result = run(tmp_path, "lm3s6965evb", name, ROWS[name])
    assert not result.error, result.error


@pytest.mark.parametrize("kind", boards())
def test_short_records(tmp_path, kind):
    """As a server written in Go sends them first."""
    result = run(tmp_path, kind, "gts-e", ROWS["gts-e"], versions(kind)[-1], large=False)
    assert not result.error, result.error
