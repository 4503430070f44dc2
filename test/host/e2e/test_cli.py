"""The command line: words, options, exit codes, stores that are not stores."""
import os
import signal
import socket
import subprocess
import threading

import pytest

from conftest import BUILD, Cli, Result
from lab import PATIENCE, ended, finish, free_port, make_server_ca, wait_until
from scripted_ca import ScriptedCa


class NoCa:
    """Nobody is there."""

    def __init__(self, folder):
        self.ca_file = make_server_ca(str(folder))["ca.pem"]
        self.directory = f"https://127.0.0.1:{free_port()}/directory"
        self.http_port = free_port()


@pytest.fixture(name="alone")
def _alone(tmp_path):
    return Cli(tmp_path, NoCa(tmp_path))


def call(*args):
    return Result(finish([os.path.join(BUILD, "nanoacme"), *args], 20))


def test_help_and_version():
    done = call("--help")
    assert done.code == 0 and "usage: nanoacme" in done.out and "Exit codes" in done.out
    assert call("--version").out.startswith("nanoacme ")


@pytest.mark.parametrize("args, word", [
    ([], "usage:"), (["fly"], "unknown command 'fly'"), (["run"], "--domain NAME"),
    (["run", "extra", "-d", "a"], "one word too many"), (["account", "burn"], "unknown word"),
    (["run", "-d", "a", "-d", "A"], "given twice"), (["run", "--wrong"], "unrecognized option"),
    (["run", "-d", "a", "--key-type", "dsa"], "none of p256"),
    (["run", "-d", "a", "--http-port", "0"], "not a number from 1"),
    (["run", "-d", "a", "--http-port", "12x"], "not a number"),
    (["run", "-d", "a", "--account-key-type", "x"], "none of p256"),
    (["revoke", "-d", "a", "--reason", "11"], "not a number"),
    (["run", "-d", "a", "--eab-kid", "x"], "go together"),
    (["run", "-d", "a", "-m", "x" * 2000], "too long")])
def test_usage(args, word):
    done = call(*args)
    assert done.code == 2 and word in done.err and done.out == "", done


@pytest.mark.parametrize("name", ["a_b.example", "-a.example", "a..b", "a.example.", "*.*.example.org", "a.*.example",
                                  "a\nb.example", "192.0.2.256", "a" * 64 + ".example", "ü.example",
                                  "a b.example", "a,b.example"])
def test_bad_names(alone, name):
    done = alone.run(name)
    assert done.code == 3 and "ACME_ERR_NAME" in done.err, done


@pytest.mark.parametrize("url", ["http://127.0.0.1/dir", "ftp://x", "127.0.0.1", "https://",
                                 "https://a b/", "https://127.0.0.1:99999/", "https://u@h/"])
def test_bad_urls(alone, url):
    done = alone.run("a.example", extra=["--server", url])
    assert done.code == 3 and "ACME_ERR_URL" in done.err, done


def test_nobody_listens(alone):
    done = alone.run("a.example")
    assert done.code == 4 and done.json["result"] == "ACME_ERR_CONNECT", done


def test_no_such_host(alone):
    done = alone.run("a.example", extra=["--server", "https://no-such-host.invalid/dir"])
    assert done.code == 4 and done.json["result"] == "ACME_ERR_RESOLVE", done


def test_a_server_without_tls(tmp_path, alone):
    with socket.create_server(("127.0.0.1", 0)) as s:
        s.settimeout(20 * PATIENCE)
        url = f"https://127.0.0.1:{s.getsockname()[1]}/"
        process = subprocess.Popen(alone.argv("run", "-d", "a.example", "--accept-tos", "--server",
                                              url), stderr=subprocess.PIPE, text=True)
        for _ in range(4):
            stream, _ = s.accept()
            stream.recv(100)
            stream.sendall(b"220 mail.example.org ESMTP\r\n")
            stream.close()
        assert ended(process, "the command") == 4
        assert "ACME_ERR_TLS" in process.stderr.read()


@pytest.mark.parametrize("content", [b"", b"hello", b"\xff" * 8192, b"nanoacme flash image, version 9\n" + b"\0" * 99])
def test_a_store_that_is_none(alone, content):
    with open(alone.store, "wb") as f:
        f.write(content)
    for args in (["list"], ["run", "-d", "a.example"]):
        done = alone.call(*args)
        assert done.code == 3 and "not a nanoacme flash image" in done.err, done
    with open(alone.store, "rb") as f:
        assert f.read() == content


def test_store_errors(alone, tmp_path):
    done = alone.call("list")
    assert done.code == 3 and "No such file" in done.err, done
    alone.store = str(tmp_path)
    assert alone.call("list").code == 3
    alone.store = str(tmp_path / "none" / "store.img")
    assert alone.call("run", "-d", "a.example").code == 3


def test_ca_file_errors(alone, tmp_path):
    for text, word in (("", "no certificates"), ("-----BEGIN CERTIFICATE-----\n!", "cannot be read"),
                       ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "")):
        path = tmp_path / "ca.pem"
        path.write_text(text)
        done = alone.call("run", "-d", "a.example", "--ca-file", str(path))
        assert done.code != 0 and word in done.err, done
    assert alone.call("run", "-d", "a.example", "--ca-file", "/nowhere").code == 3


@pytest.fixture(name="filled")
def _filled(tmp_path):
    ca = ScriptedCa(tmp_path)
    cli = Cli(tmp_path, ca)
    assert cli.run("device.example.org").code == 0
    yield cli
    ca.stop()


def test_clock_reset(cli):
    def floors():
        return [r for r in cli.records() if r["record"] == "time"]
    assert cli.run("device.example.org").code == 0
    assert floors()
    done = cli.call("clock-reset")
    assert done.code == 0 and done.out == "", done
    assert not floors()
    assert cli.call("clock-reset").code == 0  # there is nothing to forget
    assert cli.run("device.example.org", extra=["--force"]).code == 0
    assert floors()
    assert cli.call("clock-reset", "now").code == 2


def test_give_up(cli):
    assert cli.run("device.example.org").code == 0
    with open(cli.store, "rb") as f:
        image = bytearray(f.read())
    image[4096 + 48 + 4] ^= 1  # in the head of the first record
    with open(cli.store, "wb") as f:
        f.write(image)
    assert "ACME_ERR_STORE_CORRUPT" in cli.call("list").err
    assert cli.call("give-up", "all").code == 2
    done = cli.call("give-up")
    assert done.code == 0, done
    done = cli.call("list")
    assert "ACME_ERR_STORE_CORRUPT" not in done.err, done
    assert cli.run("device.example.org").code == 0


def test_a_store_cut_short_is_left_alone(filled):
    with open(filled.store, "rb") as f:
        whole = f.read()
    with open(filled.store, "wb") as f:
        f.write(whole[:-4096])
    done = filled.call("list")
    assert done.code == 3 and "cut short" in done.err, done
    with open(filled.store, "wb") as f:
        f.write(whole)
    assert len(filled.call("list", "--json").json) == 1


def test_flipped_bits_never_give_a_wrong_answer(filled):
    good = filled.call("list", "--json").out
    chain = filled.call("export", "-d", "device.example.org").out
    with open(filled.store, "rb") as f:
        whole = bytearray(f.read())
    used = [i for i in range(4096, len(whole)) if whole[i] != 0xff]
    for offset in used[::max(1, len(used) // int(os.environ.get("NANOACME_FLIPS", "60")))]:
        broken = bytearray(whole)
        broken[offset] ^= 0x10
        with open(filled.store, "wb") as f:
            f.write(broken)
        listed = filled.call("list", "--json")
        assert listed.code in (0, 3), (offset, listed)
        exported = filled.call("export", "-d", "device.example.org")
        assert exported.out in ("", chain) or exported.code != 0, (offset, exported)
        if listed.out not in (good, "[]\n"):
            # Served is what is whole: of such a certificate the names alone may be what is damaged.
            assert all(not c["valid"] or (c["names"] == [] and c["error"] == "ACME_ERR_STORE_CORRUPT")
                       for c in listed.json), (offset, listed)
    # A damaged store is mended by the next run.
    done = filled.run("device.example.org")
    assert done.code == 0, done
    assert filled.call("list", "--json").json[0]["valid"]


def test_one_process_at_a_time(filled):
    over = threading.Event()
    filled.ca.answers["directory"] = lambda ca, r: (over.wait(60 * PATIENCE), None)[1]
    first = subprocess.Popen(filled.argv("run", "-d", "device.example.org", "--force"),
                             stderr=subprocess.PIPE)
    wait_until(lambda: filled.ca.log.count("directory") > 1, "the first process at the CA")
    done = filled.call("list")
    assert done.code == 3 and "in use by another process" in done.err, done
    first.send_signal(signal.SIGTERM)
    assert ended(first, "the first process") == 128 + signal.SIGTERM
    over.set()
    assert b"run the same command again" in first.stderr.read()
    assert filled.call("list").code == 0


def test_text_output(filled):
    listed = filled.call("list")
    assert "device.example.org: good until" in listed.out
    assert "bytes used" in filled.call("store").out
    assert filled.call("store", "--json").json["usedBytes"] > 0
    account = filled.call("account")
    assert account.code == 0 and "thumbprint" in account.out
    run = filled.call("run", "-d", "device.example.org", "-vv", "--force", "--accept-tos")
    assert "requests on" in run.err and "POST https" in run.err
    assert "\x1b" not in run.err


def test_system_roots(tmp_path):
    """Without --ca-file the system's roots are read, those with algorithms of the past left out."""
    done = call("run", "-d", "a.example.org", "--accept-tos", "--store", str(tmp_path / "s.img"),
                "--server", f"https://127.0.0.1:{free_port()}/dir")
    assert done.code == 4 and "ACME_ERR_CONNECT" in done.out + done.err, done
