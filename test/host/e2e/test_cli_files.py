"""What the command line must never do to files and certificates of its user: with closed descriptors, with
outputs that are no plain files, with names that fit several certificates, over a restart of the daemon."""
import os
import subprocess
import threading

import pytest

from conftest import BUILD, Cli, Result
from scripted_ca import ScriptedCa

NAME = "device.example.org"


@pytest.fixture(name="ca")
def _ca(tmp_path):
    ca = ScriptedCa(tmp_path)
    yield ca
    ca.stop()


@pytest.fixture(name="cli")
def _cli(tmp_path, ca):
    return Cli(tmp_path, ca)


@pytest.fixture(name="filled")
def _filled(cli):
    assert cli.run(NAME, extra=["--exportable-key"]).code == 0
    return cli


def shell(cli, redirections, *args):
    """The command line as a shell starts it with these redirections."""
    return subprocess.run(["/bin/sh", "-c", f'exec "$@" {redirections}', "sh", *cli.argv(*args)],
                          capture_output=True, text=True, timeout=60, check=False)


# ---- closed descriptors ----

@pytest.mark.parametrize("closed", ["0<&-", "1>&-", "2>&-", "0<&- 1>&-", "1>&- 2>&-", "0<&- 1>&- 2>&-"])
def test_closed_descriptors_never_become_the_store(cli, closed):
    done = shell(cli, closed, "run", "-vv", "--events", "--accept-tos", "--http-port", str(cli.http_port), "-d", NAME)
    assert done.returncode == 0, done
    with open(cli.store, "rb") as f:
        assert f.read(16) == b"nanoacme flash i"
    for _ in range(2):
        done = shell(cli, closed, "list", "-vv")
        assert done.returncode == 0, done
    listed = cli.call("list", "--json")
    assert listed.code == 0 and listed.json[0]["valid"], listed
    assert cli.call("store").code == 0


def test_the_port_takes_no_standard_descriptor_for_a_store(cli, ca):
    """A program that does not open them itself: its store is refused, and nothing is left of it."""
    der = os.path.join(ca.folder, "root.der")
    subprocess.run(["openssl", "x509", "-in", ca.ca_file, "-outform", "DER", "-out", der], check=True)
    argv = [os.path.join(BUILD, "test", "example_minimal"), ca.directory, der, cli.store, NAME, str(ca.http_port)]
    before = set(os.listdir(ca.folder))
    done = subprocess.run(["/bin/sh", "-c", 'exec "$@" 0<&- 1>&- 2>&-', "sh", *argv], timeout=60, check=False)
    assert done.returncode == 1 and set(os.listdir(ca.folder)) == before
    assert subprocess.run(argv, timeout=60, check=False).returncode == 0
