"""The years after, against a real Pebble: renewals as the CA suggests, profiles, the account's key and
fate, and a daemon that keeps a TLS server in good certificates."""
import base64
import contextlib
import datetime
import hashlib
import json
import os
import signal
import socket
import ssl
import time
import urllib.request

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from conftest import Cli
from lab import PATIENCE, Process, free_port, has_open, running_lab, wait_until
from scripted_ca import PEM, Reply, ScriptedCa, problem, unb64
from test_issuance import accounts, chain_of
from test_kill import EVENT
from tls_servers import Handshakes, Own

PROFILES = {"profiles": {
    "default": {"description": "ninety days", "validityPeriod": 7776000},
    "shortlived": {"description": "six days", "validityPeriod": 518400},
    "brief": {"description": "two minutes", "validityPeriod": 120}}}


def rfc3339(when):
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def suggest(lab, cli, name, start, end, **more):
    """Moves the window that Pebble suggests for a stored certificate; seconds from now."""
    now = datetime.datetime.utcnow()
    leaf = cli.call("export", "-d", name, "--no-intermediates").out
    answer = {"suggestedWindow": {"start": rfc3339(now + datetime.timedelta(seconds=start)),
                                  "end": rfc3339(now + datetime.timedelta(seconds=end))}, **more}
    request = urllib.request.Request(
        f"https://127.0.0.1:{lab.management_port}/set-renewal-info/",
        json.dumps({"Certificate": leaf, "ARIResponse": json.dumps(answer)}).encode(),
        method="POST")
    context = ssl.create_default_context(cafile=lab.ca_file)
    with urllib.request.urlopen(request, context=context, timeout=5 * PATIENCE) as r:
        assert r.status == 200


def renew(cli, *args, **options):
    return cli.call("renew", "--accept-tos", "--json", "--http-port", str(cli.http_port), *args,
                    **options)


def next_of(cli):
    done = cli.call("next", "--json")
    assert done.code == 0, done
    return done.json["certificates"][0]


def seconds(text):
    return datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").timestamp()


def serial(cli, name):
    return chain_of(cli, name)[0].serial_number


def test_the_cas_window_moves_the_renewal(cli, shared_lab):
    name = "window.example.org"
    assert cli.run(name).code == 0
    first = serial(cli, name)
    assert not next_of(cli)["suggestedByCa"]
    # Pebble's own window: a third of the lifetime is left, a day more or less.
    done = renew(cli)
    assert done.code == 0 and serial(cli, name) == first, done
    plan = next_of(cli)
    third = (seconds(plan["notAfter"]) - seconds(plan["notBefore"])) / 3
    assert plan["suggestedByCa"]
    assert abs(seconds(plan["renewAfter"]) - (seconds(plan["notAfter"]) - third)) <= 86400 + 60
    # The same window again, in another process: the instant that was drawn stays.
    assert renew(cli).code == 0
    assert next_of(cli)["renewAfter"] == plan["renewAfter"]
    # Another window, not yet open: another instant, within it.
    suggest(shared_lab, cli, name, 3600, 7200)
    assert renew(cli).code == 0
    assert serial(cli, name) == first
    assert 3500 < seconds(next_of(cli)["renewAfter"]) - time.mktime(time.gmtime()) < 7300
    # The CA wants it gone: it is renewed at once, and the order says what it replaces.
    suggest(shared_lab, cli, name, -7200, -3600, explanationURL="https://ca.example/why")
    before = shared_lab.count("is a replacement of")
    done = renew(cli)
    assert done.code == 0 and serial(cli, name) != first, done
    assert "https://ca.example/why" in done.err
    assert shared_lab.count("is a replacement of") == before + 1
    assert not next_of(cli)["suggestedByCa"]  # that was the old certificate's


def test_a_look_is_not_a_request_at_every_run(cli, shared_lab):
    name = "quiet-look.example.org"
    assert cli.run(name).code == 0
    before = len(shared_lab.requests())
    assert cli.run(name).code == 0
    assert cli.call("next").code == 0
    assert shared_lab.requests()[before:] == []
    done = renew(cli, "--no-ari")
    assert done.code == 0
    assert shared_lab.requests()[before:] == [], done


def test_what_was_replaced_already_is_replaced_again(cli, shared_lab):
    """The store is put back to before a renewal: the CA refuses `replaces`, and the order goes on."""
    name = "twice.example.org"
    assert cli.run(name).code == 0
    with open(cli.store, "rb") as f:
        old = f.read()
    assert cli.run(name, extra=["--force"]).code == 0
    with open(cli.store, "wb") as f:
        f.write(old)
    done = cli.run(name, extra=["--force"])
    assert done.code == 0, done
    assert done.json["counters"]["newOrders"] == 1


def test_events_and_next(cli):
    done = cli.run("events.example.org", extra=["--events"])
    lines = [json.loads(line) for line in done.out.splitlines()]
    events = [line["event"] for line in lines[:-1]]
    assert done.code == 0 and lines[-1]["result"] == "ACME_OK"
    assert {"state", "account", "order", "authorized", "installed", "next"} <= set(events)
    assert events[-1] == "next" and lines[-2]["waitMs"] > 3600 * 1000
    text = cli.call("next")
    assert text.code == 0 and "next work: 20" in text.out


@pytest.fixture(scope="module")
def profiled(tmp_path_factory):
    with running_lab(tmp_path_factory.mktemp("profiled"), config=PROFILES) as lab:
        yield lab


def test_profiles(profiled, tmp_path):
    cli = Cli(tmp_path, profiled)
    done = cli.run("six.example.org", extra=["--profile", "shortlived"])
    assert done.code == 0, done
    cert = done.json["certificates"][0]
    life = seconds(cert["notAfter"]) - seconds(cert["notBefore"])
    assert abs(life - 518400) < 5
    # Half of it is left, a twentieth more at most for the spread.
    left = seconds(cert["notAfter"]) - seconds(cert["renewAfter"])
    assert life / 2 - 1 <= left <= life / 2 + life / 20 + 1
    before = profiled.count("Added order ")
    none = cli.run("none.example.org", extra=["--profile", "gold"])
    assert none.code == 5 and "ACME_ERR_PROFILE" in none.err, none
    assert profiled.count("Added order ") == before


def issuer_of(cert):
    return cert.issuer.rfc4514_string()


def test_alternate_chains(make_lab, tmp_path):
    lab = make_lab(alternate_roots=2, chain_length=2)
    cli = Cli(tmp_path, lab)
    first = Cli(tmp_path / "first", lab)
    (tmp_path / "first").mkdir()
    assert first.run("chains.example.org").code == 0
    usual = issuer_of(chain_of(first, "chains.example.org")[-1])
    roots = []
    for number in range(3):
        with open(lab.issuing_root(number), "rb") as f:
            roots.append(x509.load_pem_x509_certificate(f.read()))
    others = [r.subject for r in roots if r.subject.rfc4514_string() != usual]
    assert len(others) == 2, (usual, roots)
    for number, other in enumerate(others):
        name = f"chain{number}.example.org"
        common = other.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value
        done = cli.run(name, extra=["--preferred-issuer", common])
        assert done.code == 0, done
        assert issuer_of(chain_of(cli, name)[-1]) == other.rfc4514_string()
    # One that the CA does not offer: its own choice. The shortest of equals: likewise.
    assert cli.run("none.example.org", extra=["--preferred-issuer", "Nobody"]).code == 0
    assert issuer_of(chain_of(cli, "none.example.org")[-1]) == usual
    assert cli.run("short.example.org", extra=["--shortest-chain"]).code == 0
    assert issuer_of(chain_of(cli, "short.example.org")[-1]) == usual


def test_chains_of_a_ca_that_misleads(tmp_path):
    ca = ScriptedCa(tmp_path)
    links = ", ".join([f'<{ca.base}/shorter>;rel="alternate"', "<garbage",
                       f'<{ca.base}/gone>; title="a, b"; rel="other alternate"'])

    # The root by an older one: a root that signs itself would be cut.
    cross = ca.sign_ca("Scripted root", ca.root_key, "Older root", ec.generate_private_key(ec.SECP256R1()))

    def certificate(c, _request):
        leaf = c.issue()
        c.leaf = leaf
        return Reply(c.pem(leaf, c.issuer, cross), content=PEM, headers={"Link": links})

    ca.answers = {"certificate": certificate,
                  "shorter": lambda c, r: Reply(c.pem(c.leaf, c.issuer), content=PEM),
                  "gone": lambda c, r: problem("malformed", status=404)}
    ca.on_shorter = ca.on_gone = None
    cli = Cli(tmp_path, ca)
    try:
        plain = cli.run("a.example.org")
        assert plain.code == 0 and plain.json["certificates"][0]["chainCertificates"] == 3, plain
        assert "shorter" not in ca.log
        # The alternate is fetched, and taken because it is shorter.
        links = f'<{ca.base}/shorter>;rel=alternate'
        short = cli.run("b.example.org", extra=["--shortest-chain"])
        assert short.code == 0 and short.json["certificates"][0]["chainCertificates"] == 2, short
        # One that is not there costs nothing but the request.
        links = f'<{ca.base}/gone>;rel="alternate"'
        gone = cli.run("c.example.org", extra=["--preferred-issuer", "Nobody"])
        assert gone.code == 0 and gone.json["certificates"][0]["chainCertificates"] == 3, gone
        assert "gone" in ca.log
    finally:
        ca.stop()


def test_revoke_replaced(cli, shared_lab):
    name = "superseded.example.org"
    assert cli.run(name, extra=["--revoke-replaced"]).code == 0
    first = serial(cli, name)
    done = cli.run(name, extra=["--revoke-replaced", "--force"])
    assert done.code == 0, done
    second = serial(cli, name)
    state = [shared_lab.management(f"/cert-status-by-serial/{n:x}").decode()
             for n in (first, second)]
    assert '"Revoked"' in state[0] and '"Valid"' in state[1]


def test_a_renewal_keeps_the_key_where_that_is_wanted(cli, shared_lab):
    name = "pinned.example.org"

    def issue(*extra):
        """The SubjectPublicKeyInfo of a certificate that was not there before, and the log."""
        done = cli.run(name, extra=["-v", "--force", *extra])
        assert done.code == 0, done
        leaf = chain_of(cli, name)[0]
        assert leaf.serial_number not in serials
        serials.append(leaf.serial_number)
        return leaf.public_key().public_bytes(serialization.Encoding.DER,
                                              serialization.PublicFormat.SubjectPublicKeyInfo), done

    serials, refusal = [], "the old key cannot be kept"
    plain, _ = issue()
    # A key that was made without the option stays where it is: a new one, and it is said.
    first, done = issue("--reuse-key")
    assert first != plain and refusal in done.err and name in done.err, done
    for _ in range(2): # both generations
        kept, done = issue("--reuse-key")
        assert kept == first and refusal not in done.err, done
    # `renew` takes the name from the store, and the wish from the command line.
    suggest(shared_lab, cli, name, -7200, -3600)
    done = renew(cli, "--reuse-key")
    assert done.code == 0 and serial(cli, name) not in serials, done
    assert issue("--reuse-key")[0] == first
    # Another type, another right to export: a new key. So without the option.
    larger, done = issue("--reuse-key", "--key-type", "p384")
    assert len(larger) > len(first) and refusal in done.err, done
    assert issue("--reuse-key", "--key-type", "p384")[0] == larger
    exportable, done = issue("--reuse-key", "--key-type", "p384", "--exportable-key")
    assert exportable != larger and refusal in done.err, done
    exported = cli.call("export", "-d", name, "--key")
    assert exported.code == 0, exported
    key = serialization.load_pem_private_key(exported.out.encode(), None)
    assert key.public_key().public_bytes(serialization.Encoding.DER,
                                         serialization.PublicFormat.SubjectPublicKeyInfo) == exportable
    assert issue("--key-type", "p384", "--exportable-key")[0] != exportable
    # The account's key goes its own way.
    assert cli.call("account", "rollover", "--accept-tos").code == 0
    kept, _ = issue("--reuse-key")
    assert issue("--reuse-key")[0] == kept


@pytest.mark.parametrize("refusal", ["badPublicKey", "badCSR"])
def test_a_kept_key_that_the_ca_will_not_have(tmp_path, refusal):
    """As when it is known to be compromised: another key, in the same order. Once only."""
    ca, name, blocked = ScriptedCa(tmp_path), "device.example.org", []

    def finalize(_ca, request):
        key = x509.load_der_x509_csr(unb64(request.payload["csr"])).public_key().public_numbers()
        keys.append(key)
        return problem(refusal) if key in blocked or None in blocked else None

    ca.answers = {"finalize": finalize}
    cli = Cli(tmp_path, ca)
    try:
        for expected in (1, 2):
            keys = []
            done = cli.run(name, extra=["-v", "--reuse-key", "--force"])
            assert done.code == 0 and len(keys) == expected, done
            assert ("old key cannot be kept" in done.err) == (expected == 2)
            blocked = [keys[0]]
        orders = ca.log.count("order")
        kept = keys[1]
        assert kept != keys[0]
        # The new one is kept in its turn, and nothing goes on for ever.
        keys = []
        assert cli.run(name, extra=["--reuse-key", "--force"]).code == 0 and keys == [kept]
        assert ca.log.count("order") == orders + 1
        keys, blocked = [], [None]
        done = cli.run(name, extra=["--reuse-key", "--force"])
        assert done.code != 0 and len(keys) == 2, done
        assert cli.call("list", "--json").json[0]["valid"]
    finally:
        ca.stop()


def test_fallback_ca(make_lab, tmp_path):
    first, second = make_lab(), make_lab()
    second.set_name("fallback.example.org", "127.0.0.1")
    cli = Cli(tmp_path, first)
    both = tmp_path / "both.pem"
    both.write_text("".join(open(lab.ca_file, encoding="ascii").read() for lab in (first, second)))
    first.pebble.stop()

    def run(name, port, *extra):
        return cli.call("run", "-d", name, "--accept-tos", "--json", "--http-port", str(port),
                        "--ca-file", str(both), "--fallback", second.directory, *extra)

    # No certificate yet: the next CA at once.
    done = run("fallback.example.org", second.http_port)
    assert done.code == 0 and f"turning to {second.directory}" in done.err, done
    # One that is good is not renewed elsewhere for a first failure, only after the third.
    old = serial(cli, "fallback.example.org")
    for number in range(3):
        done = run("fallback.example.org", second.http_port, "--force")
        assert (done.code == 0) == (number == 2), (number, done)
    assert serial(cli, "fallback.example.org") != old
    # The first CA is back, and is the first again; its order replaces none of its own.
    first.start_pebble()
    done = run("fallback.example.org", first.http_port, "--force")
    assert done.code == 0 and "turning to" not in done.err, done
    assert first.count("is a replacement of") == 0
    # What is the device's own fault is no CA's.
    with socket.create_server(("0.0.0.0", free_port())) as taken:
        done = run("other.example.org", taken.getsockname()[1])
    assert done.code == 3 and "turning to" not in done.err, done


def test_account_rollover(make_lab, tmp_path):
    lab = make_lab(nonce_reject=30)
    cli = Cli(tmp_path, lab)
    assert cli.run("roll.example.org").code == 0
    old = cli.call("account", "--json").json
    done = cli.call("account", "rollover", "--json")
    assert done.code == 0, done
    assert done.json["url"] == old["url"] and done.json["thumbprint"] != old["thumbprint"]
    # To another type of key, and then an order signed by it.
    done = cli.call("account", "rollover", "--account-key-type", "p384", "--json")
    assert done.code == 0 and done.json["keyType"] == "p384", done
    assert cli.run("roll.example.org", extra=["--force"]).code == 0
    assert accounts(lab) == 1


def test_kill_at_every_step_of_a_rollover(tmp_path):
    (tmp_path / "lab").mkdir()
    with running_lab(tmp_path / "lab") as lab:
        cli = Cli(tmp_path, lab, "nanoacme-test")
        account = cli.call("account", "create", "--accept-tos", "--json").json
        traced = cli.call("account", "rollover", env={"NANOACME_TRACE_EVENTS": "1"})
        assert traced.code == 0, traced
        events = EVENT.findall(traced.err)
        assert "KEY_CHANGE" in {state for _, _, state in events}
        for number, _, state in events:
            cut = cli.call("account", "rollover", env={"NANOACME_KILL_AT": number})
            assert cut.code == -9, (number, state, cut)
            # Whatever the CA has, an order is signed by a key that it knows.
            after = cli.call("account", "update", "--email", f"a{number}@example.org")
            assert after.code == 0, (number, state, after)
        assert cli.call("account", "--json").json["url"] == account["url"]
        assert accounts(lab) == 1


def test_rollover_whose_answer_is_lost(make_lab, tmp_path):
    """The CA has the new key, but the client cannot know: it asks, and goes on with it."""
    (tmp_path / "ca").mkdir()
    ca = ScriptedCa(tmp_path / "ca")
    keys = {}

    def account(c, request):
        jwk = json.dumps(request.protected.get("jwk"), sort_keys=True)
        if request.payload and request.payload.get("onlyReturnExisting") and jwk != keys["now"]:
            return problem("accountDoesNotExist")
        keys["now"] = jwk
        return None

    def key_change(_c, request):
        inner = json.loads(unb64(request.payload["protected"]))
        keys["now"] = json.dumps(inner["jwk"], sort_keys=True)
        assert inner["url"].endswith("/key-change") and "nonce" not in inner
        return b""  # the connection ends without an answer

    ca.answers = {"account": account, "key-change": key_change}
    cli = Cli(tmp_path, ca)
    try:
        created = cli.call("account", "create", "--accept-tos", "--json")
        assert created.code == 0, created
        first = keys["now"]
        done = cli.call("account", "rollover", "--json")
        assert done.code == 0, done
        assert keys["now"] != first
        assert done.json["thumbprint"] != created.json["thumbprint"]
        assert ca.log.count("key-change") == 1
        # A CA that refuses keeps the old key, and so does the client.
        ca.answers["key-change"] = lambda c, r: problem("malformed", status=409)
        kept = cli.call("account", "rollover", "--json")
        assert kept.code == 5, kept
        assert cli.call("account", "--json").json["thumbprint"] == done.json["thumbprint"]
        assert cli.call("account", "update").code == 0
    finally:
        ca.stop()


def test_an_account_that_somebody_deactivated(make_lab, tmp_path):
    """Another store with the same key deactivates the account: the next order gets a new one."""
    lab = make_lab()
    cli = Cli(tmp_path, lab)
    assert cli.run("gone.example.org").code == 0
    with open(cli.store, "rb") as f:
        before = f.read()
    old = cli.call("account", "--json").json
    assert cli.call("account", "deactivate").code == 0
    with open(cli.store, "wb") as f:
        f.write(before)
    done = cli.run("gone.example.org", extra=["--force"])
    assert done.code == 0, done
    new = cli.call("account", "--json").json
    assert new["url"] != old["url"] and new["thumbprint"] != old["thumbprint"]
    # `recover` says the same without an order.
    with open(cli.store, "wb") as f:
        f.write(before)
    done = cli.call("account", "recover", "--accept-tos", "--json")
    assert done.code == 0 and done.json["url"] not in (old["url"], new["url"]), done
    with open(cli.store, "wb") as f:
        f.write(before)
    refused = cli.call("account", "recover", "--accept-tos", "--only-existing")
    assert refused.code == 5, refused


def test_a_wiped_store_whose_key_survived(make_lab, tmp_path):
    lab = make_lab()
    cli = Cli(tmp_path, lab)
    key = tmp_path / "account.pem"
    key.write_bytes(ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption()))
    none = cli.call("account", "recover", "--only-existing", "--account-key", str(key))
    assert none.code == 5 and "ACME_ERR_ACCOUNT_NONE" in none.err, none
    done = cli.run("wiped.example.org", extra=["--account-key", str(key)])
    assert done.code == 0, done
    url = cli.call("account", "--json", "--account-key", str(key)).json["url"]
    os.remove(cli.store)
    done = cli.call("account", "recover", "--only-existing", "--account-key", str(key), "--json")
    assert done.code == 0 and done.json["url"] == url, done
    assert cli.run("wiped.example.org", extra=["--account-key", str(key)]).code == 0
    assert accounts(lab) == 1
    refused = cli.call("account", "rollover", "--account-key", str(key))
    assert "ACME_ERR_UNSUPPORTED" in refused.err, refused
    key.write_text("no key")
    assert cli.call("account", "recover", "--account-key", str(key)).code == 3


def test_deauthorize(make_lab, tmp_path):
    lab = make_lab(authz_reuse=100)
    cli = Cli(tmp_path, lab)
    names = ["one.example.net", "two.example.net"]
    assert cli.run(*names).code == 0
    assert cli.run(*names, extra=["--force"]).code == 0
    assert lab.count("Attempting to validate") == 6  # three looks a name; reused the second time
    assert cli.call("deauthorize", "-d", names[0]).code == 2  # the other name would go, too
    done = cli.call("deauthorize", "-d", names[0], "-d", names[1])
    assert done.code == 0, done
    assert cli.run(*names, extra=["--force"]).code == 0
    assert lab.count("Attempting to validate") == 12


def pin_of(path):
    with open(path, "rb") as f:
        key = x509.load_pem_x509_certificate(f.read()).public_key()
    der = key.public_bytes(serialization.Encoding.DER,
                           serialization.PublicFormat.SubjectPublicKeyInfo)
    return "sha256//" + base64.b64encode(hashlib.sha256(der).digest()).decode()


def test_pins(cli, shared_lab):
    wrong = "sha256//" + base64.b64encode(bytes(32)).decode()
    for path in (shared_lab.ca_file, shared_lab.certs["server.pem"]):
        done = cli.call("account", "create", "--accept-tos", "--pin", wrong, "--pin", pin_of(path))
        assert done.code == 0, done
    done = cli.call("account", "update", "--pin", wrong)
    assert done.code == 4 and "ACME_ERR_TLS_VERIFY" in done.err, done
    assert cli.call("account", "update", "--pin", "sha256//AAAA").code == 2


def test_clock_policies(cli):
    for policy in ("wall", "ca", "agree"):
        done = cli.run(f"{policy}.example.org", extra=["--clock", policy])
        assert done.code == 0, done
    assert cli.run("x.example.org", extra=["--clock", "moon"]).code == 2


# ---- the daemon ----

@contextlib.contextmanager
def daemon(cli, folder, name, *extra):
    process = Process("daemon", cli.argv("daemon", "--accept-tos", "--http-port",
                                         str(cli.http_port), "--domain", name,
                                         "--exportable-key", *extra), str(folder))
    try:
        yield process
    finally:
        process.stop()


def test_daemon_renews_under_a_live_server(profiled, tmp_path):
    """A certificate of two minutes: renewed again and again, and no handshake ever fails."""
    cli, name = Cli(tmp_path, profiled), "live.example.org"
    pem = tmp_path / "pem"
    hook, pid_file = tmp_path / "hook", tmp_path / "pid"
    hook.write_text("#!/bin/sh\n"
                    f'echo "$NANOACME_NAME $NANOACME_DIR" >> {tmp_path}/calls\n'
                    f"test -f {pid_file} && kill -USR1 $(cat {pid_file}) || true\n")
    hook.chmod(0o755)
    current = pem / name / "current"
    with daemon(cli, tmp_path, name, "--profile", "brief", "--out-dir", str(pem), "--hook",
                str(hook), "--json", "--events") as process:
        wait_until(lambda: (tmp_path / "calls").exists(), "the first certificate", 40,
                   process.log)
        assert (current / "privkey.pem").stat().st_mode & 0o077 == 0
        server = Own(tmp_path, pem / name).start()
        try:
            pid_file.write_text(str(server.process.popen.pid))
            clients = Handshakes(server.port, name, profiled.issuing_root())
            try:
                nudged = [time.monotonic()]

                def renewed():
                    """By itself the daemon leaves minutes between two renewals; nudged it looks at once."""
                    if time.monotonic() > nudged[-1] + 3:
                        process.popen.send_signal(signal.SIGHUP)
                        nudged.append(time.monotonic())
                    return len(clients.serials) >= 4
                wait_until(renewed, "three renewals", 300, process.log)
            finally:
                clients.stop()
        finally:
            pid_file.unlink()
            server.stop()
        assert clients.failures == [] and clients.count > 100, clients.failures[:3]
        assert len(list((pem / name).glob("at-*"))) == 2
        process.popen.send_signal(signal.SIGTERM)
        assert process.ended() == 0
    calls = (tmp_path / "calls").read_text().splitlines()
    assert set(calls) == {f"{name} {current}"} and len(calls) >= 4
    events = [json.loads(line)["event"] for line in process.log().splitlines()
              if line.startswith("{")]
    assert events.count("installed") == len(calls)
    # A second daemon goes on with what is there, and hands it on again.
    with daemon(cli, tmp_path, name, "--out-dir", str(pem), "--hook", "/bin/false"):
        wait_until(lambda: "hook: it failed" in (tmp_path / "daemon.log").read_text(), "the hook", 40)


def test_daemon_waits_for_a_ca_and_looks_when_nudged(make_lab, tmp_path):
    lab = make_lab()
    cli, name = Cli(tmp_path, lab), "late.example.org"
    lab.pebble.stop()
    with daemon(cli, tmp_path, name, "--out-dir", str(tmp_path / "pem")) as process:
        wait_until(lambda: "ACME_ERR_CONNECT" in process.log(), "a failure", 60, process.log)
        lab.start_pebble()
        assert "certificate stored" not in process.log()
        process.popen.send_signal(signal.SIGHUP)  # not in a minute: now
        wait_until(lambda: "certificate stored" in process.log(), "the certificate", 60, process.log)
        process.popen.send_signal(signal.SIGHUP)
        wait_until(lambda: "suggests when to renew" in process.log(), "a look", 30, process.log)
        process.popen.send_signal(signal.SIGTERM)
        assert process.ended() == 0


@pytest.mark.parametrize("status, kind", [(429, "rateLimited"), (503, "serverInternal")])
def test_the_ca_says_when_to_come_back(tmp_path, status, kind):
    """Retry-After is an absolute time in the store; up to an eighth is added, for the fleet's sake."""
    ca = ScriptedCa(tmp_path)
    ca.answers = {"order": lambda c, r: problem(kind, status=status,
                                                headers={"Retry-After": "7200"})}
    cli = Cli(tmp_path, ca)
    try:
        assert cli.run("later.example.org").code == 5
        assert ca.log.count("order") == 1  # nobody insists
        log = (tmp_path / "daemon.log")
        with daemon(cli, tmp_path, "later.example.org", "--events") as process:
            wait_until(lambda: has_open(process.popen, cli.store), "the daemon", log=process.log)
            time.sleep(3)  # in which no order may come
            process.popen.send_signal(signal.SIGTERM)
            assert process.ended() == 0
        assert log.exists() and ca.log.count("order") == 1  # after a reset neither
        ca.answers = {}
        assert cli.run("later.example.org").code == 0
        ca.answers = {"order": lambda c, r: problem(kind, status=status,
                                                    headers={"Retry-After": "7200"})}
        assert cli.run("later.example.org", extra=["--force"]).code == 5
        left = seconds(next_of(cli)["retryAt"]) - time.mktime(time.gmtime())
        assert 7190 <= left <= 7200 * 9 / 8
    finally:
        ca.stop()


def test_a_failure_is_remembered(make_lab, tmp_path):
    lab = make_lab()
    cli = Cli(tmp_path, lab)
    assert cli.run("pause.example.org").code == 0
    lab.pebble.stop()
    failed = cli.run("pause.example.org", extra=["--force"])
    assert failed.code == 4, failed
    plan = next_of(cli)
    assert plan["failures"] == 1
    # The pause after the failure, within the four minutes that an installation is left in peace.
    assert 61 < seconds(plan["retryAt"]) - time.mktime(time.gmtime()) <= 240
    lab.start_pebble()
    assert cli.run("pause.example.org", extra=["--force"]).code == 0  # a person may insist
    assert next_of(cli)["failures"] == 0
