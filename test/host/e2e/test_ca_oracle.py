"""What is checked after every scenario of a scripted CA can fail: devices that lose what they must keep
are found out, by the events alone and with the real command line."""
import os
import shutil

import pytest

from ca_oracle import Oracle
from conftest import Cli
from scripted_ca import ScriptedCa, problem

NAMES = ("device.example.org",)


class Kept:
    """A command line that shows this account key; its store has none."""

    def __init__(self, store, key):
        self.store, self.key = str(store), key

    def quietly(self, *_args):
        return type("Result", (), {"out": '{"thumbprint": "%s"}' % self.key})()

    @staticmethod
    def records():
        return []


def told(*events, client=None):
    """An oracle that was told: job (succeeded), finalize, invalid, missing, account KEY, gone."""
    oracle = Oracle()
    oracle.begin(client, "device")
    for event, *more in (e.split() for e in events):
        if event == "job":
            oracle.end(more == ["done"])
            oracle.begin(client, "device")
        elif event == "finalize":
            oracle.order_finalized(NAMES)
        elif event == "invalid":
            oracle.order_given_up(NAMES)
        elif event == "missing":
            oracle.order_missing(1, NAMES)
        elif event == "account":
            oracle.account_valid(more[0])
        elif event == "gone":
            oracle.account_gone()
    return oracle


@pytest.mark.parametrize("events", [
    ("finalize", "finalize", "job done"), ("finalize", "finalize", "job failed"),
    ("finalize", "job failed", "finalize", "job done"),
    ("finalize", "job failed", "job failed", "finalize", "job failed"),
    ("finalize", "missing", "finalize", "job done"),
    ("finalize", "job done", "finalize", "invalid", "finalize", "finalize", "job done"),
    ("account a", "account b"), ("account a", "job done", "account b", "job done")], ids=" ".join)
def test_a_breach_is_found(events):
    with pytest.raises(AssertionError):
        told(*events).check()


@pytest.mark.parametrize("events", [
    ("finalize", "job done", "finalize", "job done"), ("job failed", "finalize", "job done"),
    ("finalize", "job failed", "job done", "finalize", "job done"),
    ("finalize", "invalid", "finalize", "job done"),
    ("finalize", "invalid", "job failed", "finalize", "job done"),
    ("finalize", "missing", "missing", "finalize", "job done"),
    ("account a", "gone", "account b"), ("account a", "job done", "account a")], ids=" ".join)
def test_what_is_right_is_no_breach(events):
    told(*events).check()


@pytest.mark.parametrize("key,good", [("a", True), ("b", False), ("", False)])
def test_a_key_that_is_gone(tmp_path, key, good):
    store = tmp_path / "store.img"
    store.write_bytes(b"")
    oracle = told("account a", client=Kept(store, key))
    if good:
        oracle.check()
    else:
        with pytest.raises(AssertionError):
            oracle.check()


@pytest.fixture(name="world")
def _world(tmp_path):
    ca = ScriptedCa(tmp_path)
    yield ca, Cli(tmp_path, ca, "nanoacme-test")
    ca.stop()


def found(ca):
    """The breaches, and none of them any more: this test is about them."""
    try:
        ca.oracle.check()
    except AssertionError:
        breaches, ca.oracle.breaches = ca.oracle.breaches, []
        ca.oracle.accounts.clear()
        return " ".join(breaches)
    return ""


def test_a_device_that_forgets_its_account(world):
    ca, cli = world
    assert cli.run(*NAMES).code == 0
    assert not found(ca)
    os.unlink(cli.store)
    assert cli.run(*NAMES).code == 0
    assert "another account key" in found(ca)


def test_a_device_that_forgets_its_order(world):
    ca, cli = world
    assert cli.call("account", "create", "--accept-tos").code == 0
    shutil.copy(cli.store, cli.store + ".before")
    ca.answers["certificate"] = lambda c, r: problem("serverInternal", status=500)
    # A job that is stopped, as by a reset, with its order finalized.
    ca.oracle.begin(cli, cli.device(()))
    cli.quietly("run", "--accept-tos", "-d", NAMES[0], "--http-port", str(ca.http_port),
                env={"NANOACME_TEST_HURRY": "20"})
    ca.oracle.end(False)
    ca.oracle.breaches = []  # of the core's own
    shutil.copy(cli.store + ".before", cli.store)
    ca.answers.clear()
    assert cli.run(*NAMES).code == 0
    assert "reached finalize" in found(ca)


def test_a_store_without_the_key(world):
    ca, cli = world
    assert cli.run(*NAMES).code == 0
    with open(cli.store, "r+b") as f:
        f.write(b"\xff" * os.path.getsize(cli.store))
    assert "gone" in found(ca)
