"""The smallest board at a CA with the answers of each public one: the sizes of nonces, URLs and
authorizations are not the CA's to choose for a device's memory."""
import dataclasses

import pytest

from ca_profiles import PROFILES
from conftest import Bench
from scripted_ca import ScriptedCa, huge_authorization
from test_firmware import INSTALLED

SMALLEST = "lm3s6965evb"


@pytest.fixture(name="small")
def _small(tmp_path):
    bench = Bench(tmp_path, SMALLEST)
    yield bench
    bench.stop()
    if bench.lab is not None:
        bench.lab.stop()


def start_ca(bench, profile):
    """The board's settings have no binding, and none is asked for here: that is not a size."""
    folder = bench.folder / "ca"
    folder.mkdir()
    profile = dataclasses.replace(profile, eab="", contact="", adds_www=False)
    bench.lab = ScriptedCa(folder, profile, address="10.0.2.2")
    bench.lab.authorized = False
    bench.lab.oracle.begin(None, "board")
    return bench.lab


@pytest.mark.parametrize("name", PROFILES)
def test_a_first_boot(small, name):
    ca = start_ca(small, PROFILES[name])
    board = small.new_board()
    board.wait_for(INSTALLED, 60)
    assert ca.orders == 1
    ca.oracle.end(True)
    ca.oracle.check()


def test_an_authorization_of_64_KB(small):
    ca = start_ca(small, PROFILES["google"])
    ca.nonce_length = 43
    huge_authorization(ca)
    board = small.new_board()
    board.wait_for(INSTALLED, 60)
    assert ca.orders == 1
    ca.oracle.end(True)
    ca.oracle.check()
