"""The provider over DNS UPDATE against a real BIND 9, alone (no CA): keys, clocks, failures of the
server, truncation, delegation, several name servers. dns_probe runs the provider's operations."""
import os
import subprocess
import time

import pytest

from conftest import BUILD
from dnslab import KEYS, SECRET, Bind, Front
from lab import PATIENCE, free_port

NAME = "_acme-challenge.example.org"


@pytest.fixture(name="bind", scope="module")
def _bind(tmp_path_factory):
    server = Bind(tmp_path_factory.mktemp("bind"), records=(
        ("example.org", "_acme-challenge.moved CNAME moved.example.net."),
        ("example.org", "_acme-challenge.twice CNAME hop.example.org."),
        ("example.org", "hop CNAME twice.example.net."),
        ("example.org", "_acme-challenge.loop CNAME loop2.example.org."),
        ("example.org", "loop2 CNAME _acme-challenge.loop.example.org."),
        ("example.org", "_acme-challenge.away CNAME x.nowhere.invalid."),
        *(("example.org", f'big TXT "{i:03d}{"x" * 200}"') for i in range(30))))
    try:
        yield server.start()
    finally:
        server.stop()


class Probe:
    """One run: .code, .error of the last operation, .found texts, .seconds."""

    def __init__(self, port, *args, key="key256", secret=SECRET, algorithm=None, timeout=90 * PATIENCE):
        argv = [os.path.join(BUILD, "test", "dns_probe"), "--server", f"127.0.0.1:{port}"]
        if key:
            argv += ["--key", f"{key}:{algorithm or KEYS.get(key, 'hmac-sha256')}:{secret.hex()}"]
        begin = time.monotonic()
        done = subprocess.run([*argv, *args], capture_output=True, text=True, timeout=timeout,
                              check=False)
        self.seconds = time.monotonic() - begin
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr
        lines = [line.split(" ") for line in done.stdout.splitlines()]
        self.error = lines[-1][1] if lines else None
        self.found = [line[1] for line in lines if line[0] == "found"]

    def __repr__(self):
        return f"exit {self.code}\n{self.out}\n{self.err}"


def probe(bind, *args, port=None, **options):
    return Probe(port or bind.port, "--ns-port", str(bind.port), *args, **options)


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("how", ["udp", "tcp"])
def test_add_and_remove(bind, key, how):
    """Two values at once; each is removed alone, and what others put there stays."""
    name = f"_acme-challenge.{key}-{how}.example.org"
    bind.update(f"update add {name} 5 TXT \"other\"")
    extra = ["--no-udp"] if how == "tcp" else []
    done = probe(bind, *extra, "present", name, "one", "present", name, "two", "ready", name, "two",
                 "ready", name, "one", key=key)
    assert done.code == 0, done
    assert bind.txt(name) == ["one", "other", "two"]
    assert probe(bind, *extra, "present", name, "one", key=key).code == 0  # again: fine
    assert bind.txt(name) == ["one", "other", "two"]
    assert probe(bind, *extra, "cleanup", name, "one", key=key).code == 0
    assert bind.txt(name) == ["other", "two"]
    assert probe(bind, *extra, "cleanup", name, "two", "cleanup", name, "two", key=key).code == 0
    assert bind.txt(name) == ["other"]


def test_lookup(bind):
    bind.update("update add _look.example.org 5 TXT \"a\" \"b\"\nupdate add _look.example.org 5 TXT c")
    assert sorted(probe(bind, "lookup", "_look.example.org").found) == ["ab", "c"]
    assert sorted(probe(bind, "resolve", "_look.example.org").found) == ["ab", "c"]
    nothing = probe(bind, "lookup", "_none.example.org")
    assert nothing.code == 0 and nothing.found == []
    big = probe(bind, "lookup", "big.example.org")  # does not fit a datagram: TC, then TCP
    assert len(big.found) == 30 and len(set(big.found)) == 30, big


@pytest.mark.parametrize("options, error", [
    ({"key": "nobody"}, "ACME_ERR_DNS_KEY"),
    ({"secret": b"wrong" * 6}, "ACME_ERR_DNS_SIG"),
    ({"algorithm": "hmac-sha512"}, "ACME_ERR_DNS_KEY"),
    ({"key": None}, "ACME_ERR_DNS_REFUSED")])
def test_wrong_key(bind, options, error):
    done = probe(bind, "present", NAME, "v", **options)
    assert done.code == 1 and done.error == error, done
    assert done.seconds < 20
    assert bind.txt(NAME) == []


@pytest.mark.parametrize("skew", [-4000, 4000])
def test_clock_skew(bind, skew):
    done = probe(bind, "--skew", str(skew), "present", NAME, "v")
    assert done.code == 1 and done.error == "ACME_ERR_DNS_TIME", done
    assert f"({-skew})" in done.err or f"({-skew + 1})" in done.err, done  # says by how much
    assert bind.txt(NAME) == []
    assert probe(bind, "--skew", "200", "present", NAME, "v", "cleanup", NAME, "v").code == 0


def test_without_a_clock(bind):
    done = probe(bind, "--no-clock", "present", NAME, "v")
    assert done.error == "ACME_ERR_NO_CLOCK", done


@pytest.mark.parametrize("name, error", [
    ("_acme-challenge.locked.test", "ACME_ERR_DNS_REFUSED"),
    ("_acme-challenge.elsewhere.invalid", "ACME_ERR_DNS_ZONE"),
    ("_acme-challenge.loop.example.org", "ACME_ERR_LIMIT"),
    ("_acme-challenge.away.example.org", "ACME_ERR_DNS_ZONE")])
def test_refused(bind, name, error):
    done = probe(bind, "present", name, "v")
    assert done.code == 1 and done.error == error, done


@pytest.mark.parametrize("label, target", [("moved", "moved"), ("twice", "twice")])
def test_delegation(bind, label, target):
    """The proof is written where the CNAMEs lead to, in another zone."""
    name = f"_acme-challenge.{label}.example.org"
    done = probe(bind, "present", name, "v1", "present", name, "v2", "ready", name, "v1")
    assert done.code == 0, done
    assert bind.txt(f"{target}.example.net") == ["v1", "v2"]
    assert probe(bind, "cleanup", name, "v1").code == 0
    assert bind.txt(f"{target}.example.net") == ["v2"]


def with_front(bind, script, *args, **options):
    front = Front(bind.port, script)
    try:
        return Probe(front.port, "--ns-port", str(bind.port), *args, **options), front
    finally:
        front.stop()


def test_servfail_then_recovery(bind):
    done, front = with_front(bind, lambda q, tcp, n: q.reply(2) if n % 3 != 2 else None,
                             "present", "_acme-challenge.recover.example.org", "v")
    assert done.code == 0, done
    assert bind.txt("_acme-challenge.recover.example.org") == ["v"]
    assert len(front.requests) >= 6


def test_servfail_forever(bind):
    done, front = with_front(bind, lambda q, tcp, n: q.reply(2) if q.update else None,
                             "present", "_acme-challenge.fail.example.org", "v")
    assert done.error == "ACME_ERR_DNS_SERVER", done
    assert sum(q.update for _, q in front.requests) == 4  # bounded


def test_truncated(bind):
    """Every reply over UDP says TC: TCP gets them all."""
    done, front = with_front(bind, lambda q, tcp, n: None if tcp else q.reply(0, 2),
                             "present", "_acme-challenge.tc.example.org", "v")
    assert done.code == 0, done
    assert bind.txt("_acme-challenge.tc.example.org") == ["v"]
    assert [how for how, _ in front.requests][:4] == ["udp", "tcp"] * 2
    assert len({q.id for how, q in front.requests if how == "udp"}) > 1  # ids differ


def test_silent_udp(bind):
    done, front = with_front(bind, lambda q, tcp, n: None if tcp else b"",
                             "lookup", "big.example.org")
    assert done.code == 0 and len(done.found) == 30, done
    assert [how for how, _ in front.requests] == ["udp", "udp", "tcp"]


def test_silence(bind):
    done, front = with_front(bind, lambda q, tcp, n: b"", "lookup", "x.example.org")
    assert done.code == 1 and done.error in ("ACME_ERR_TIMEOUT", "ACME_ERR_NET"), done
    assert len(front.requests) == 4 and done.seconds < 30


def test_nobody_there(bind):
    done = probe(bind, "lookup", "x.example.org", port=free_port())
    assert done.code == 1 and done.error == "ACME_ERR_CONNECT", done


@pytest.mark.parametrize("forge", [
    lambda q: bytes([q.id[0] ^ 1]) + q.reply()[1:],                     # another id
    lambda q: q.reply()[:12] + q.reply()[12:].replace(b"org", b"net"),  # another question
    lambda q: q.wire,                                                   # a question, not a reply
    lambda q: q.reply()[:5] + b"\0" + q.reply()[6:],                    # no question
    lambda q: b"x"])
def test_forged_replies(bind, forge):
    """What does not belong to the request is as good as nothing."""
    done, front = with_front(bind, lambda q, tcp, n: None if tcp else forge(q),
                             "lookup", "big.example.org")
    assert done.code == 0 and len(done.found) == 30, done
    assert [how for how, _ in front.requests] == ["udp", "udp", "tcp"]


def test_reply_without_signature(bind):
    """Somebody in between says that all is well."""
    done, _ = with_front(bind, lambda q, tcp, n: q.reply(0) if q.update else None,
                         "present", "_acme-challenge.mitm.example.org", "v")
    assert done.error == "ACME_ERR_DNS_REPLY_SIG", done
    assert bind.txt("_acme-challenge.mitm.example.org") == []


def test_all_name_servers(tmp_path):
    """Ready means that every name server of the zone has the record; one that is dead does not
    count, and is told about."""
    bind = Bind(tmp_path, (("ns1", "127.0.0.1"), ("ns2", "127.0.0.2"), ("ns3", "127.0.0.3"),
                           ("ns4", "127.0.0.1")))
    late = []

    def second(query, tcp, number):
        return None if late else query.reply()

    front = None
    try:
        bind.start()
        front = Front(bind.port, second, "127.0.0.2", bind.port)
        name = "_acme-challenge.example.org"
        done = probe(bind, "present", name, "v")
        assert done.code == 0, done
        done = probe(bind, "--limit", "4", "ready", name, "v")
        assert done.error == "ACME_ERR_TIMEOUT", done
        asked = len(front.requests)
        assert asked >= 2
        late.append(True)
        done = probe(bind, "ready", name, "v")
        assert done.code == 0 and "does not answer" in done.err, done  # ns3
        assert len(front.requests) == asked + 1
    finally:
        if front:
            front.stop()
        bind.stop()


def test_server_named_by_the_zone(bind, tmp_path):
    """Without --server the primary is the one of the SOA, found through the resolver."""
    argv = [os.path.join(BUILD, "test", "dns_probe"), "--resolver", f"127.0.0.1:{bind.port}",
            "--ns-port", str(bind.port), "--key", f"key256:hmac-sha256:{SECRET.hex()}",
            "present", "_acme-challenge.soa.example.org", "v"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60 * PATIENCE, check=False)
    assert done.returncode == 0, done
    assert bind.txt("_acme-challenge.soa.example.org") == ["v"]
    argv[1:1] = ["--server", f"ns1.example.org:{bind.port}"]
    argv[-1] = "w"
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60 * PATIENCE, check=False)
    assert done.returncode == 0, done
    assert bind.txt("_acme-challenge.soa.example.org") == ["v", "w"]
