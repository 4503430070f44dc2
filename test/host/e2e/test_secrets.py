"""Nothing secret in what is printed: every command with every verbosity, as text, as JSON and as
events, with keys of the account and of certificates, a key of an external account, a TSIG key and an
acme-dns password. The private keys are read from the store's image."""
import base64
import json
import os
import secrets
import subprocess

import pytest

from conftest import BUILD, Cli
from lab import Process, wait_until
from secret_search import keys_of_image, shows

NAME = "secret.example.org"


def test_the_search_finds_what_is_there():
    secret = secrets.token_bytes(32)
    for text in (secret[3:11], secret[::-1], secret.hex(), secret[5:13].hex().upper(),
                 base64.b64encode(b"x" + secret), base64.urlsafe_b64encode(b"xy" + secret),
                 b"noise " + base64.b64encode(secret[:20])):
        assert shows(text, [secret]), text
    assert not shows(secrets.token_bytes(100000), [secret])
    assert not shows(secret[3:10], [secret])


@pytest.fixture(name="world")
def _world(make_lab, tmp_path):
    """A CA that wants a binding, files with secrets, and all secrets so far."""
    raw = secrets.token_bytes(48)
    mac_key = base64.urlsafe_b64encode(raw).decode()
    lab = make_lab(config={"externalAccountBindingRequired": True,
                           "externalAccountMACKeys": {"kid-1": mac_key}})
    tsig, password = secrets.token_bytes(32), secrets.token_urlsafe(30)
    key_file, account_file = tmp_path / "tsig.key", tmp_path / "acmedns.json"
    key_file.write_text(f'key "k" {{ algorithm hmac-sha256; secret "{base64.b64encode(tsig).decode()}"; }};')
    account_file.write_text(json.dumps({"fulldomain": "x.example.org", "subdomain": "x",
                                        "username": "me", "password": password}))
    key_file.chmod(0o600)
    account_file.chmod(0o600)
    return {"lab": lab, "known": [raw, mac_key.encode(), tsig, base64.b64encode(tsig),
                                  password.encode()],
            "eab": ["--eab-kid", "kid-1", "--eab-hmac-key", mac_key], "key_file": str(key_file),
            "account_file": str(account_file), "tsig": base64.b64encode(tsig).decode(),
            "password": password}


def commands(world):
    """(needs its own store, arguments): each command, with what can go wrong as well."""
    http = ["--http-port", str(world["lab"].http_port)]
    dns = ["--challenge", "dns-01", "--dns-resolver", "127.0.0.1:9"]
    run = ["run", "-d", NAME, "--accept-tos", *http]
    return [
        [*run, *world["eab"], "--exportable-key"],
        [*run, "--force"],
        [*run, "--force", "--account-key-type", "p384", "--key-type", "p384"],
        [*run, "--force", *dns, "--dns-server", "127.0.0.1:9", "--tsig-key", world["key_file"]],
        [*run, "--force", *dns, "--dns-server", "127.0.0.1:9",
         "--tsig-key", f"k:hmac-sha256:{world['tsig']}"],
        [*run, "--force", *dns, "--dns-server", "127.0.0.1:9",
         "--tsig-key", f"k:hmac-md5:{world['tsig']}"],
        [*run, "--force", *dns, "--acme-dns", "https://127.0.0.1:9",
         "--acme-dns-account", world["account_file"]],
        [*run, "--force", *dns, "--tsig-key", world["account_file"]],
        ["run", "-d", "other." + NAME, "--accept-tos", *world["eab"][:3], "!" + world["eab"][3][1:]],
        ["renew", *http], ["list"], ["next"], ["store"], ["export", "-d", NAME],
        ["account", "show"], ["account", "rollover"], ["account", "update", "-m", "a@example.org"],
        ["doctor", "-d", NAME, *http], ["dns-record", "-d", NAME],
        ["run", "-d", NAME, "--eab-kid", "kid-1"], ["run", "--unknown", *world["eab"]],
        ["revoke", "-d", NAME, "--with-certificate-key"], ["account", "deactivate"]]


@pytest.mark.parametrize("how", [["-vvvv"], ["--json", "--events", "-vvvvvv"]],
                         ids=["verbose", "events"])
def test_nothing_secret_is_printed(world, tmp_path, how):
    cli = Cli(tmp_path, world["lab"])
    printed, good = [], 0
    for command in commands(world):
        done = cli.call(*command, *how, timeout=120)
        printed.append((command[:2], done.out + done.err))
        good += done.code == 0
    dump = subprocess.run([os.path.join(BUILD, "nanoacme"), "store", "dump", cli.store],
                          capture_output=True, text=True, check=False)
    printed.append((["store", "dump"], dump.stdout + dump.stderr))
    keys = keys_of_image(cli.store)
    # Two account keys, and those of certificates: what would be missed if the image were misread.
    assert len(keys) >= 5 and {len(k) for k in keys} >= {32, 48}, keys
    assert good >= 12, printed
    for what, text in printed:
        form = shows(text, [*world["known"], *keys])
        assert form is None, (what, form, text)
    # What is to be printed is: the check would find a key.
    with open(cli.store, "rb") as f:
        assert shows(f.read(), keys)


def test_an_exported_key_goes_where_it_was_asked_to(world, tmp_path):
    cli = Cli(tmp_path, world["lab"])
    http = ["--http-port", str(world["lab"].http_port)]
    assert cli.call("run", "-d", NAME, "--accept-tos", *http, *world["eab"],
                    "--exportable-key").code == 0
    out = tmp_path / "key.pem"
    done = cli.call("export", "-d", NAME, "--key", "-o", str(out), "-vvvv")
    keys = keys_of_image(cli.store)
    assert done.code == 0 and not shows(done.out + done.err, keys), done
    assert shows(out.read_bytes(), keys) and out.stat().st_mode & 0o077 == 0
    assert shows(cli.call("export", "-d", NAME, "--key").out, keys)


def test_a_running_daemon_shows_no_secret(world, tmp_path):
    """Not on its command line, and it leaves no core."""
    cli = Cli(tmp_path, world["lab"])
    argv = cli.argv("daemon", "-d", NAME, "--accept-tos", "--http-port",
                    str(world["lab"].http_port), *world["eab"], "-vvvv", "--events")
    daemon = Process("daemon", argv, str(tmp_path))
    try:
        wait_until(lambda: "CERTIFICATE" in daemon.log().upper() and keys_of_image(cli.store),
                   "the daemon's certificate", 60)
        proc = f"/proc/{daemon.popen.pid}"
        with open(proc + "/cmdline", "rb") as f:
            line = f.read()
        with open(proc + "/limits", encoding="ascii") as f:
            limits = f.read()
        assert b"--eab-hmac-key" in line and not shows(line, world["known"]), line
        soft = [row.split()[4] for row in limits.splitlines() if row.startswith("Max core file size")]
        assert soft == ["0"], limits
        assert not shows(daemon.log(), [*world["known"], *keys_of_image(cli.store)])
    finally:
        daemon.stop()
