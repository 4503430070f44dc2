"""What a CA is for, at each CA server that can be had: a first certificate in every way that the server
offers, several names, a renewal, a revocation, another key for the account, and answers of the
server's own that are not good ones. docs/cas.md says what each of them does otherwise."""
import itertools
import shutil
import subprocess

import pytest
from cryptography.hazmat.primitives import serialization

from servers import DEVICES, NOWHERE, REFUSED, SERVERS
from test_dns_challenges import DnsCli, names_of

fresh = itertools.cycle(DEVICES)


@pytest.fixture(name="server", scope="module", params=SERVERS)
def _server(request, tmp_path_factory):
    server = SERVERS[request.param](tmp_path_factory.mktemp("server"))
    try:
        yield server.start()
    finally:
        server.stop()


@pytest.fixture(name="prover")
def _prover(tmp_path, server):
    return DnsCli(tmp_path, server)


def issued_by(folder, leaf, issuer):
    for name, cert in (("leaf.pem", leaf), ("issuer.pem", issuer)):
        (folder / name).write_bytes(cert.public_bytes(serialization.Encoding.PEM))
    return subprocess.run(["openssl", "verify", "-partial_chain", "-trusted", "issuer.pem", "leaf.pem"],
                          cwd=folder, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("way", ["http-01", "tls-alpn-01", "dns-01"])
def test_the_main_job(tmp_path, server, prover, way):
    """In every way that the server offers: a chain that fits together and a key that fits to it."""
    assert way in server.challenges
    name = next(fresh)
    done = prover.prove([name], way)
    assert done.code == 0 and done.json["result"] == "ACME_OK", done
    leaf, *rest = prover.chain(name)
    assert names_of(leaf) == [name] and rest
    assert issued_by(tmp_path, leaf, rest[0])
    assert done.json["counters"]["newOrders"] == 1
    # It is not due at birth: the same command again asks for nothing.
    again = prover.prove([name], way)
    assert again.code == 0 and prover.chain(name)[0].serial_number == leaf.serial_number, again


def test_several_names(server, prover):
    names = sorted(next(fresh) for _ in range(4))
    done = prover.prove(names, "http-01")
    assert done.code == 0, done
    assert names_of(prover.chain(names[0])[0]) == names
    assert done.json["counters"]["newOrders"] == 1


def test_a_wildcard_and_its_base(server, prover):
    names = ["*.wild.example.org", "wild.example.org"]
    done = prover.prove(names, "dns-01")
    assert done.code == 0, done
    assert names_of(prover.chain(names[0])[0]) == names


def test_a_renewal(server, prover):
    name = next(fresh)
    assert prover.prove([name], "http-01").code == 0
    first = prover.chain(name)[0]
    account = prover.call("account", "--json").json["url"]
    done = prover.prove([name], "http-01", extra=["--force"])
    assert done.code == 0 and done.json["counters"]["newOrders"] == 1, done
    assert prover.chain(name)[0].serial_number != first.serial_number
    assert prover.call("account", "--json").json["url"] == account


@pytest.mark.parametrize("extra", [[], ["--with-certificate-key"]], ids=["account", "certificate"])
def test_a_revocation(server, prover, extra):
    name = next(fresh)
    assert prover.prove([name], "http-01").code == 0
    serial = prover.chain(name)[0].serial_number
    assert not server.revoked(serial)
    shutil.copy(prover.store, prover.store + ".before")
    done = prover.call("revoke", "-d", name, "--reason", "1", *extra)
    assert done.code == 0, done
    assert server.revoked(serial) in (True, None)
    assert prover.call("list", "--json").json == []
    # A device that lost the answer asks again: the CA says that this was done, and that is success.
    shutil.copy(prover.store + ".before", prover.store)
    again = prover.call("revoke", "-d", name, "--reason", "1", "-vv", *extra)
    assert again.code == 0 and "alreadyRevoked" in again.err, again


def test_another_key_for_the_account(server, prover):
    name = next(fresh)
    assert prover.prove([name], "http-01").code == 0
    before = prover.call("account", "--json").json
    done = prover.call("account", "rollover", "--json")
    after = prover.call("account", "--json").json
    assert after["url"] == before["url"]
    if server.rollover:
        assert done.code == 0 and after["thumbprint"] != before["thumbprint"], done
    else:
        # The account keeps its key, and the message says what it is that the CA does not offer.
        assert done.code == 5 and after["thumbprint"] == before["thumbprint"], done
        assert "501" in done.err, done
    again = prover.prove([name], "http-01", extra=["--force"])
    assert again.code == 0, again


def test_what_the_server_does_not_offer(server, prover):
    """No other key, where that is so, has nothing to do with an order, and the message says so."""
    assert prover.call("account", "create", "--accept-tos").code == 0
    done = prover.call("account", "rollover", "--json")
    assert (done.code == 0) == server.rollover, done
    assert "order" not in done.err and (server.rollover or "does not offer" in done.err), done


def test_a_name_that_the_server_refuses(server, prover):
    name = next(fresh)
    assert prover.prove([name], "http-01").code == 0
    before = prover.call("list", "--json").out
    done = prover.prove([REFUSED], "http-01")
    assert done.code == 5 and server.refusal in done.err, done
    assert done.json["certificates"][0]["error"] == "ACME_ERR_ORDER", done
    assert done.json["counters"]["newOrders"] <= 1
    assert prover.call("list", "--json").out == before


def test_a_name_that_leads_nowhere(server, prover):
    """Some make the authorization invalid, others wait for a better answer: either way the job ends by
    itself, with the name and what the CA saw."""
    prover.binary += "-test"
    done = prover.prove([NOWHERE], "http-01", env={"NANOACME_TEST_HURRY": "20"}, timeout=180)
    assert done.code == 5 and NOWHERE in done.err, done
    assert done.json["certificates"][0]["problem"]["type"], done
    assert done.json["counters"]["newOrders"] == 1


def test_an_account_that_is_gone(server, prover):
    """Deactivated elsewhere, with a copy of the store: the key is given up only on the CA's word."""
    name = next(fresh)
    assert prover.prove([name], "http-01").code == 0
    shutil.copy(prover.store, prover.store + ".before")
    assert prover.call("account", "deactivate").code == 0
    shutil.copy(prover.store + ".before", prover.store)
    done = prover.prove([name], "http-01", extra=["--force"])
    assert 0 <= done.code <= 6 and done.json["counters"]["newOrders"] <= 3, done
    assert len(prover.call("list", "--json").json) == 1
