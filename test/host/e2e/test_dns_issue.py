"""dns-01 from end to end: Pebble asks a real BIND 9 for the records that the client set there by
DNS UPDATE, through acme-dns, or with a hook program."""
import base64
import json
import os
import stat
import time

import pytest

from conftest import Cli
from dnslab import SECRET, AcmeDns, Bind
from lab import Lab, free_port, make_server_ca

KEY_FILE = 'key "key256" {\n\talgorithm hmac-sha256;\n\tsecret "%s";\n};\n'


@pytest.fixture(name="bind", scope="module")
def _bind(tmp_path_factory):
    server = Bind(tmp_path_factory.mktemp("bind"), records=(
        *(("example.org", f"{n} A 127.0.0.1") for n in ("@", "a", "b", "c", "*.w")),
        ("example.org", "_acme-challenge.c CNAME c.challenges.example.net."),
        ("example.org", f"_acme-challenge.d CNAME {AcmeDns.ACCOUNT['fulldomain']}.")))
    try:
        yield server.start()
    finally:
        server.stop()


@pytest.fixture(name="names", scope="module")
def _names(bind, tmp_path_factory):
    """acme-dns, which is the resolver of everybody here."""
    folder = tmp_path_factory.mktemp("acmedns")
    certs = make_server_ca(str(folder))
    server = AcmeDns(bind, certs)
    server.certs = certs
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(name="ca", scope="module")
def _ca(names, tmp_path_factory):
    lab = Lab(tmp_path_factory.mktemp("pebble"), names_at=names.resolver)
    try:
        lab.start_pebble()
        yield lab
    finally:
        lab.stop()


@pytest.fixture(name="cli")
def _cli(ca, tmp_path):
    return Cli(tmp_path, ca)


@pytest.fixture(name="key_file")
def _key_file(tmp_path):
    path = tmp_path / "tsig.key"
    path.write_text(KEY_FILE % base64.b64encode(SECRET).decode(), encoding="ascii")
    path.chmod(0o600)
    return str(path)


def update(bind, names, key_file):
    return ["--dns-server", f"127.0.0.1:{bind.port}", "--dns-resolver", names.resolver,
            "--dns-port", str(bind.port), "--tsig-key", key_file, "--challenge", "dns-01"]


def test_wildcard_and_base(cli, bind, names, key_file):
    """Two values at one name in one order; nothing is left."""
    done = cli.run("w.example.org", "*.w.example.org", extra=update(bind, names, key_file))
    assert done.code == 0, done
    assert bind.txt("_acme-challenge.w.example.org") == []
    exported = cli.call("export", *cli.domains("w.example.org"))
    assert exported.code == 0 and "BEGIN CERTIFICATE" in exported.out


def test_delegated(cli, bind, names, key_file):
    """The CNAME leads to another zone, where the record is set and removed."""
    done = cli.run("c.example.org", extra=update(bind, names, key_file))
    assert done.code == 0, done
    assert "c.challenges.example.net" in bind.log()
    assert bind.txt("c.challenges.example.net") == []


@pytest.mark.parametrize("text, word", [
    (KEY_FILE % base64.b64encode(b"wrong" * 6).decode(), "ACME_ERR_DNS_SIG"),
    (KEY_FILE.replace("key256", "nobody") % base64.b64encode(SECRET).decode(), "ACME_ERR_DNS_KEY"),
    (KEY_FILE.replace("sha256", "md5") % base64.b64encode(SECRET).decode(), "none of hmac-sha256"),
    (KEY_FILE % "***", "not base64"),
    ("nothing", "no TSIG key"),
    ('key "a" { algorithm hmac-sha256; };', "no TSIG key")])
def test_bad_key(cli, bind, names, key_file, text, word):
    with open(key_file, "w", encoding="ascii") as f:
        f.write(text)
    done = cli.run("a.example.org", extra=update(bind, names, key_file))
    assert done.code != 0 and word in done.out + done.err, done


def test_key_in_words(cli, bind, names):
    """On the command line it works, with a warning; comments in a file are fine."""
    extra = update(bind, names, "key512:hmac-sha512:" + base64.b64encode(SECRET).decode())
    done = cli.run("a.example.org", extra=extra)
    assert done.code == 0 and "can see a secret" in done.err, done


def test_key_file_forms(cli, bind, names, key_file):
    with open(key_file, "w", encoding="ascii") as f:
        f.write('# of tsig-keygen\n// and\n/* more */ key key384. { secret '
                f'"{base64.b64encode(SECRET).decode()}"; algorithm HMAC-SHA384.; }};')
    os.chmod(key_file, 0o644)
    done = cli.run("b.example.org", extra=update(bind, names, key_file))
    assert done.code == 0 and "chmod 600" in done.err, done


def acmedns(names, tmp_path, account=None, **change):
    path = tmp_path / "account.json"
    path.write_text(json.dumps(account or {**AcmeDns.ACCOUNT, **change}), encoding="ascii")
    path.chmod(0o600)
    return ["--acme-dns", names.url, "--acme-dns-account", str(path), "--acme-dns-ca-file",
            names.certs["ca.pem"], "--dns-resolver", names.resolver, "--dns-port",
            str(names.front.port), "--challenge", "dns-01"]


def test_acme_dns(cli, names, tmp_path):
    """A name and its wildcard; the account file as other clients keep it."""
    names.posts.clear()
    account = {"d.example.org": AcmeDns.ACCOUNT, "e.example.org": {**AcmeDns.ACCOUNT,
                                                                  "fulldomain": "x.auth.test"}}
    done = cli.run("d.example.org", "*.d.example.org", extra=acmedns(names, tmp_path, account))
    assert done.code == 0, done
    assert len(names.posts) == 2 and all(p[0] == "/update" for p in names.posts)
    assert names.posts[0][1]["User-Agent"].startswith("nanoacme/")


@pytest.mark.parametrize("change, answer, word", [
    ({"password": "wrong"}, None, "ACME_ERR_DNS_API"),
    ({"fulldomain": "other.auth.test"}, None, "ACME_ERR_DNS_API"),
    ({"subdomain": "other"}, None, "ACME_ERR_DNS_API"),
    ({}, (200, b"not json"), "ACME_ERR_JSON"),
    ({}, (200, b'{"txt":"another"}'), "ACME_ERR_FIELD"),
    ({}, (200, b"{" + b" " * 2000 + b"}"), "ACME_ERR_HTTP_LIMIT"),
    ({}, (302, b"{}"), "ACME_ERR_HTTP_REDIRECT"),
    ({}, (503, b""), "ACME_ERR_SERVER"),
    ({"username": "a b"}, None, "--acme-dns")])
def test_acme_dns_refuses(cli, names, tmp_path, change, answer, word):
    names.answer = answer
    try:
        done = cli.run("d.example.org", extra=acmedns(names, tmp_path, **change))
    finally:
        names.answer = None
    assert done.code != 0 and word in done.out + done.err, done


def test_acme_dns_is_verified(cli, names, tmp_path):
    """Without its root its certificate is not trusted: nothing is posted."""
    names.posts.clear()
    extra = acmedns(names, tmp_path)
    at = extra.index("--acme-dns-ca-file")
    done = cli.run("d.example.org", extra=extra[:at] + extra[at + 2:])
    assert done.code != 0 and "ACME_ERR_TLS_VERIFY" in done.out + done.err, done
    assert names.posts == []


def test_acme_dns_account_file(cli, names, tmp_path):
    extra = acmedns(names, tmp_path)
    (tmp_path / "account.json").write_text("[]", encoding="ascii")
    done = cli.run("d.example.org", extra=extra)
    assert done.code == 3 and "no acme-dns account" in done.err, done
    os.unlink(tmp_path / "account.json")
    assert cli.run("d.example.org", extra=extra).code == 3


HOOK = """#!/bin/sh
printf '%s|' "$#" "$@" >>"{log}"; echo >>"{log}"
[ -t 0 ] && exit 9
case "$1" in present) verb=add ;; cleanup) verb=delete ;; *) exit 8 ;; esac
echo "the hook speaks"
{{ echo "server 127.0.0.1 {port}"; echo "update $verb $2 5 TXT \\"$3\\""; echo send; }} |
    /usr/bin/nsupdate -y "hmac-sha256:key256:{secret}"
"""


def hook(tmp_path, names, text):
    path = tmp_path / "a hook's program"
    path.write_text(text, encoding="ascii")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return ["--dns-hook", str(path), "--dns-resolver", names.resolver, "--dns-port",
            str(names.front.port), "--challenge", "dns-01"]


def test_hook(cli, bind, names, tmp_path):
    log = tmp_path / "calls"
    text = HOOK.format(log=log, port=bind.port, secret=base64.b64encode(SECRET).decode())
    done = cli.run("a.example.org", "*.a.example.org", extra=hook(tmp_path, names, text))
    assert done.code == 0, done
    assert done.json and "the hook speaks" in done.err  # its output does not spoil ours
    calls = [line.split("|")[:-1] for line in log.read_text("ascii").splitlines()]
    assert [c[0] for c in calls] == ["3"] * 4
    assert sorted(c[1] for c in calls) == ["cleanup", "cleanup", "present", "present"]
    assert {c[2] for c in calls} == {"_acme-challenge.a.example.org."}
    presented = sorted(c[3] for c in calls if c[1] == "present")
    assert presented == sorted(c[3] for c in calls if c[1] == "cleanup")
    assert bind.txt("_acme-challenge.a.example.org") == []


@pytest.mark.parametrize("text, word", [
    ("#!/bin/sh\nexit 3\n", "exit code 3"), ("#!/bin/sh\nkill -9 $$\n", "signal 9")])
def test_hook_fails(cli, names, tmp_path, text, word):
    done = cli.run("a.example.org", extra=hook(tmp_path, names, text))
    assert done.code != 0 and word in done.err and "ACME_ERR_DNS_HOOK" in done.out + done.err, done


def test_hook_is_missing(cli, names, tmp_path):
    extra = hook(tmp_path, names, "#!/bin/sh\n")
    extra[1] = str(tmp_path / "nothing")
    done = cli.run("a.example.org", extra=extra)
    assert done.code != 0 and "No such file" in done.err, done


def test_hook_hangs(cli, names, tmp_path):
    """It and what it started are ended; the client goes on meanwhile."""
    mark = tmp_path / "pid"
    text = f"#!/bin/sh\ntrap '' TERM\nsleep 600 &\necho $! >'{mark}'\nwait; wait; sleep 600\n"
    begin = time.monotonic()
    done = cli.run("a.example.org", extra=[*hook(tmp_path, names, text), "--dns-hook-time", "1"])
    assert done.code != 0 and "not done after 1 s" in done.err, done
    assert time.monotonic() - begin < 50
    child = int(mark.read_text("ascii"))
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)
        # An orphan that is dead may wait for its new parent for a moment.
        with open(f"/proc/{child}/stat", encoding="ascii") as f:
            if f.read().split()[2] == "Z":
                raise ProcessLookupError


@pytest.mark.parametrize("args, word", [
    (["--dns-hook", "x", "--dns-server", "127.0.0.1"], "one of them"),
    (["--acme-dns", "https://x.example"], "go together"),
    (["--dns-port", "0"], "not a number"), (["--dns-hook-time", "x"], "not a number")])
def test_usage(cli, args, word):
    done = cli.run("a.example.org", extra=args)
    assert done.code == 2 and word in done.err, done


@pytest.mark.parametrize("args", [
    ["--dns-server", "127.0.0.1:0"], ["--dns-server", "127.0.0.1", "--dns-resolver", "name"],
    ["--dns-resolver", "1.2.3"], ["--dns-resolver", "[::1"]])
def test_bad_addresses(cli, args):
    done = cli.run("a.example.org", extra=args)
    assert done.code == 3 and "--dns-resolver" in done.err, done


def test_no_server(cli, names, key_file):
    extra = ["--dns-server", f"127.0.0.1:{free_port()}", "--dns-resolver", names.resolver,
             "--tsig-key", key_file, "--challenge", "dns-01"]
    done = cli.run("a.example.org", extra=extra, timeout=120)
    assert done.code != 0 and "ACME_ERR_CONNECT" in done.out + done.err, done
