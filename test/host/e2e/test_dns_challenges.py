"""The ways that go through the DNS, against a real Pebble in strict mode and its name server: dns-01 and
dns-account-01 by a hook program, wildcards, and dns-persist-01 by a record that is set once."""
import base64
import hashlib
import os
import signal
import subprocess
import time

import pytest
from cryptography import x509

from conftest import Cli
from lab import ROOT, free_port, running_lab, wait_until
from scripted_ca import ScriptedCa
from test_issuance import accounts, chain_of

HOOK = os.path.join(ROOT, "test", "host", "e2e", "challtest_hook.py")
ISSUERS = ["ca.example", "other.example"]


def names_of(cert):
    san = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return sorted(san.get_values_for_type(x509.DNSName))


class DnsCli(Cli):
    """The command line with a hook program, and the name server as its resolver."""

    def __init__(self, folder, lab):
        super().__init__(folder, lab)
        self.journal = os.path.join(str(folder), "records")
        self.env = {"NANOACME_CHALLTEST": str(lab.challtest_port), "NANOACME_RECORDS": self.journal}

    def prove(self, names, *types, hook=True, resolver="none", extra=(), env=None, **options):
        args = ["--tls-port", str(self.ca.tls_port), "--dns-resolver", resolver]
        args += ["--dns-hook", HOOK] if hook else []
        for each in types:
            args += ["--challenge", each]
        return self.run(*names, extra=[*args, *extra], env={**self.env, **(env or {})}, **options)

    def calls(self):
        if not os.path.exists(self.journal):
            return []
        with open(self.journal, encoding="ascii") as f:
            return [tuple(line.split()) for line in f]


@pytest.fixture(scope="module", name="dns_lab")
def _dns_lab(tmp_path_factory):
    with running_lab(tmp_path_factory.mktemp("lab"),
                     config={"caaIdentities": ISSUERS}) as lab:
        yield lab


@pytest.fixture(name="prover")
def _prover(tmp_path, dns_lab):
    return DnsCli(tmp_path, dns_lab)


def test_dns_01(prover):
    done = prover.prove(["one.example.org", "two.example.org"], "dns-01")
    assert done.code == 0, done
    assert names_of(chain_of(prover, "one.example.org")[0]) == ["one.example.org",
                                                                "two.example.org"]
    calls = prover.calls()
    assert [c[0] for c in calls] == ["present"] * 2 + ["cleanup"] * 2
    assert {c[1] for c in calls} == {f"_acme-challenge.{n}.example.org." for n in ("one", "two")}
    assert sorted(calls[:2], key=lambda c: c[1]) == sorted(
        (("present", *c[1:]) for c in calls[2:]), key=lambda c: c[1])
    # Again with a wildcard and its base: both values of the one name stand at the same time.
    done = prover.prove(["*.wild.example.org", "wild.example.org"], "dns-01")
    assert done.code == 0, done
    calls = prover.calls()[4:]
    assert [c[0] for c in calls] == ["present"] * 2 + ["cleanup"] * 2
    assert {c[1] for c in calls} == {"_acme-challenge.wild.example.org."}
    assert calls[0][2] != calls[1][2]
    assert names_of(chain_of(prover, "wild.example.org")[0]) == ["*.wild.example.org",
                                                                 "wild.example.org"]


def test_dns_account_01(prover):
    done = prover.prove(["*.acc.example.org", "acc.example.org"], "dns-account-01")
    assert done.code == 0, done
    url = prover.call("account", "--json").json["url"]
    label = base64.b32encode(hashlib.sha256(url.encode()).digest()[:10]).decode().lower()
    assert {c[1] for c in prover.calls()} == {f"_{label}._acme-challenge.acc.example.org."}
    told = prover.call("dns-record", "--domain", "acc.example.org", "--json").json
    assert told["accountName"] == f"_{label}._acme-challenge.acc.example.org"


def set_record(lab, name, value):
    lab._challtest("set-txt", {"host": name + ".", "value": value})


def record_of(prover, name, *extra):
    done = prover.call("dns-record", "--accept-tos", "--domain", name, "--json", *extra)
    assert done.code == 0, done
    return done.json


def test_dns_persist_01(prover, dns_lab):
    name = "persist.example.org"
    record = record_of(prover, name)
    assert record["name"] == "_validation-persist." + name
    url = prover.call("account", "--json").json["url"]
    assert record["value"] == f"ca.example; accounturi={url}"
    # Without the record the CA refuses; nobody can look before it.
    refused = prover.prove([name], "dns-persist-01", hook=False)
    assert refused.code == 5 and "ACME_ERR_AUTHORIZATION" in refused.err, refused
    set_record(dns_lab, record["name"], record["value"])
    for _ in range(2):  # and again: nothing has to be done for a renewal
        done = prover.prove([name], "dns-persist-01", hook=False, extra=["--force"])
        assert done.code == 0, done
    assert prover.calls() == []


def test_dns_persist_01_wildcard_and_end(prover, dns_lab):
    name = "wildpersist.example.org"
    plain = record_of(prover, name, "--days", "10")
    assert int(plain["value"].rsplit("=", 1)[1]) - time.time() == pytest.approx(864000, abs=120)
    set_record(dns_lab, plain["name"], plain["value"])
    refused = prover.prove(["*." + name], "dns-persist-01", hook=False)
    assert refused.code == 5, refused
    wild = record_of(prover, "*." + name, "--issuer", "other.example")
    assert wild["value"].startswith("other.example; ") and "policy=wildcard" in wild["value"]
    assert wild == record_of(prover, name, "--issuer", "other.example", "--wildcard")
    set_record(dns_lab, wild["name"], wild["value"])
    done = prover.prove(["*." + name, name], "dns-persist-01", hook=False)
    assert done.code == 0, done


def test_dns_persist_01_looks_before_the_ca(prover, dns_lab):
    """With a resolver the CA is not asked in vain: the next way has the same order."""
    name = "look.example.org"
    resolver = dns_lab.names_at
    done = prover.prove([name], "dns-persist-01", "http-01", hook=False, resolver=resolver)
    assert done.code == 0 and done.json["counters"]["newOrders"] == 1, done
    assert "dns-persist-01 failed" in done.err and "ACME_ERR_DNS_RECORD" in done.err
    none = prover.prove(["none." + name], "dns-persist-01", hook=False, resolver=resolver)
    assert none.code != 0 and "ACME_ERR_DNS_RECORD" in none.err, none
    record = record_of(prover, name)
    set_record(dns_lab, record["name"], record["value"])
    done = prover.prove([name], "dns-persist-01", hook=False, resolver=resolver,
                        extra=["--force"])
    assert done.code == 0, done


def test_dns_record_for_people(prover):
    done = prover.call("dns-record", "--accept-tos", "-d", "person.example.org", "--days", "1")
    assert done.code == 0, done
    first, second = done.out.splitlines()
    assert first.startswith('_validation-persist.person.example.org. IN TXT "ca.example; ')
    assert second.endswith("._acme-challenge.person.example.org")
    for bad in (["--issuer", "no name"], ["--days", "0"]):
        assert prover.call("dns-record", "--accept-tos", "-d", "person.example.org", *bad).code > 0


def test_a_ca_without_a_name(tmp_path):
    ca = ScriptedCa(tmp_path)
    prover = Cli(tmp_path, ca)
    done = prover.call("dns-record", "--accept-tos", "-d", "noname.example.org")
    assert done.code == 5 and "--issuer" in done.err, done
    given = prover.call("dns-record", "-d", "noname.example.org", "--issuer", "ca.example", "--json")
    ca.stop()
    assert given.code == 0 and given.json["value"].startswith("ca.example; "), given


def test_the_next_way_when_the_dns_cannot_be_changed(prover):
    done = prover.prove(["nohook.example.org"], "dns-01", "http-01",
                        env={"NANOACME_HOOK_FAILS": "present"})
    assert done.code == 0 and done.json["counters"]["newOrders"] == 1, done
    assert "dns-01 failed" in done.err
    # A record that cannot be removed is told, and fails nothing.
    done = prover.prove(["stays.example.org"], "dns-01", extra=["-v"],
                        env={"NANOACME_HOOK_FAILS": "cleanup"})
    assert done.code == 0 and "a record stays behind" in done.err, done


def test_the_next_way_when_the_ca_sees_no_record(tmp_path, make_lab):
    """The hook says yes and does nothing: the CA refuses, a new order goes another way, and what was
    presented is taken back before it."""
    lab = make_lab()
    prover = DnsCli(tmp_path, lab)
    lying = tmp_path / "hook"
    lying.write_text(f'#!/bin/sh\necho "$@" >> {prover.journal}\n')
    lying.chmod(0o755)
    done = prover.prove(["lie.example.org", "*.lie.example.org"], "dns-01", "dns-account-01",
                        "http-01", hook=False, extra=["--dns-hook", str(lying)])
    assert done.code == 5 and "ACME_ERR_" in done.err, done  # nothing is left for the wildcard
    calls = prover.calls()
    presented = {c[1:] for c in calls if c[0] == "present"}
    assert presented == {c[1:] for c in calls if c[0] == "cleanup"}
    done = prover.prove(["lie2.example.org", "lie3.example.org"], "dns-01", "http-01", hook=False,
                        extra=["--dns-hook", str(lying)])
    assert done.code == 0 and done.json["counters"]["newOrders"] == 2, done
    assert accounts(lab) == 1


def test_dns_01_after_a_cut(tmp_path, dns_lab):
    """Killed between present and the CA's look, and after it: the next run takes the same order up,
    and no record stays in the DNS."""
    prover = DnsCli(tmp_path, dns_lab)
    hook = tmp_path / "hook"
    marker = tmp_path / "reached"
    for number, call in enumerate(("present", "cleanup")):
        hook.write_text(f'#!/bin/sh\n"{HOOK}" "$@"\n[ "$1" = {call} ] && touch "{marker}" && sleep 60\n'
                        "exit 0\n")
        hook.chmod(0o755)
        name = f"cut{number}.example.org"
        args = prover.argv("run", "--accept-tos", "--json", "-d", name, "--challenge", "dns-01",
                           "--dns-resolver", "none", "--dns-hook", str(hook))
        process = subprocess.Popen(args, env={**os.environ, **prover.env},
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(marker.exists, "the hook")
        process.send_signal(signal.SIGKILL)
        process.wait()
        marker.unlink()
        done = prover.prove([name], "dns-01")
        assert done.code == 0 and done.json["counters"]["newOrders"] == 0, done
    left = {c[1:] for c in prover.calls() if c[0] == "present"}
    assert left == {c[1:] for c in prover.calls() if c[0] == "cleanup"}


def test_all_ways_fail(tmp_path, make_lab):
    lab = make_lab(config={"caaIdentities": ISSUERS})
    prover = DnsCli(tmp_path, lab)
    prover.http_port = free_port()
    done = prover.prove(["all.example.org"], "http-01", "dns-01", "dns-persist-01",
                        env={"NANOACME_HOOK_FAILS": "present"})
    assert done.code == 5 and done.json["counters"]["newOrders"] == 2, done
    for way in ("http-01", "dns-01"):
        assert f"{way} failed" in done.err
    # The next run has forgotten what failed.
    lab.challtest.stop()
    lab.start_names()
    prover.http_port = lab.http_port
    assert prover.prove(["all.example.org"], "http-01").code == 0
