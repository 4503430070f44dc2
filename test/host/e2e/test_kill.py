"""A power cut (SIGKILL) at every event of a first issuance, then the same command again: the CA sees
one account and one order for the work, whatever the moment."""
import contextlib
import re

from conftest import Cli
from lab import Gateway, free_port, running_lab

EVENT = re.compile(r"^event (\d+) (\d+) (\w+)$", re.M)
INSTALLED = "5"  # enum acme_event_type


def test_kill_at_every_transition(tmp_path):
    (tmp_path / "lab").mkdir()
    with running_lab(tmp_path / "lab") as lab, gateway(lab):
        traced = start(lab, tmp_path, "trace.example.org", {"NANOACME_TRACE_EVENTS": "1"})
        assert traced.code == 0, traced
        events = EVENT.findall(traced.err)
        states = {state for _, _, state in events}
        assert {"DIRECTORY", "NEW_NONCE", "NEW_ACCOUNT", "NEW_ORDER", "AUTHORIZATION", "CHALLENGE",
                "AUTHORIZATION_WAIT", "FINALIZE", "ORDER_WAIT", "CERTIFICATE",
                "INSTALL"} <= states, states
        for number, _, state in events:
            accounts, orders = counts(lab)
            name = f"cut{number}.example.org"
            cut = start(lab, tmp_path, name, {"NANOACME_KILL_AT": number,
                                              "NANOACME_TRACE_EVENTS": "1"})
            # A CA that is quicker than before makes fewer events.
            assert cut.code == (-9 if len(EVENT.findall(cut.err)) == int(number) else 0), \
                (number, state, cut)
            again = start(lab, tmp_path, name, {})
            assert again.code == 0, (number, state, again)
            assert again.json["certificates"][0]["valid"]
            assert counts(lab) == (accounts + 1, orders + 1), (number, state, again)


@contextlib.contextmanager
def gateway(lab):
    lab.device_port = free_port()
    way = Gateway(lab.http_port, lab.device_port)
    yield
    way.stop()


def start(lab, folder, name, env):
    home = folder / name
    home.mkdir(exist_ok=True)
    cli = Cli(home, lab, "nanoacme-test")
    cli.http_port = lab.device_port
    return cli.run(name, env=env)


def counts(lab):
    log = lab.pebble.log()
    accounts = re.findall(r"There are now (\d+) accounts in memory", log)
    return int(accounts[-1]) if accounts else 0, log.count("Added order ")


def test_kill_during_renewal_keeps_the_old_certificate(tmp_path):
    (tmp_path / "lab").mkdir()
    with running_lab(tmp_path / "lab") as lab, gateway(lab):
        cli = Cli(tmp_path, lab, "nanoacme-test")
        cli.http_port = lab.device_port
        name = "renewal.example.org"
        assert cli.run(name).code == 0
        traced = cli.run(name, extra=["--force"], env={"NANOACME_TRACE_EVENTS": "1"})
        events = EVENT.findall(traced.err)
        assert any(kind == INSTALLED for _, kind, _ in events)
        for number, _, state in events:
            orders = counts(lab)[1]
            cut = cli.run(name, extra=["--force"], env={"NANOACME_KILL_AT": number,
                                                        "NANOACME_TRACE_EVENTS": "1"})
            seen = EVENT.findall(cut.err)  # a CA that is quicker than before makes fewer events
            assert cut.code == (-9 if len(seen) == int(number) else 0), (number, state, cut)
            kept = cli.call("list", "--json").json
            assert len(kept) == 1 and kept[0]["valid"], (number, state, kept)
            again = cli.run(name, extra=["--force"])
            assert again.code == 0, (number, state, again)
            # The order under way is finished; a renewal that was done before the cut is followed by
            # another one, because it is forced.
            expected = 2 if any(kind == INSTALLED for _, kind, _ in seen) else 1
            assert counts(lab)[1] - orders == expected, (number, state, again)
