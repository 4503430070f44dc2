"""Fixtures of the end-to-end tests: the command line under test, and the servers around it."""
import functools
import json
import os
import sys

import pytest
from cryptography import x509

sys.path.insert(0, os.path.dirname(__file__))
import lab as lab_module  # noqa: E402
from scripted_ca import ScriptedCa  # noqa: E402

BUILD = os.environ.get("NANOACME_BUILD", os.path.join(lab_module.ROOT, "build"))


JOBS = ("run", "renew", "account", "revoke", "deauthorize")


class Result:
    """What one call of the command line did."""

    def __init__(self, done):
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr

    @property
    def json(self):
        return json.loads(self.out)

    def __repr__(self):
        return f"exit {self.code}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"


class Cli:
    """The command line with a store, and the CA it talks to."""

    def __init__(self, folder, ca, binary="nanoacme"):
        self.binary = os.path.join(BUILD, binary)
        self.store = os.path.join(str(folder), "store.img")
        self.ca = ca
        self.http_port = ca.http_port

    def argv(self, *args):
        return [*os.environ.get("NANOACME_WRAP", "").split(), self.binary, "--store", self.store, "--server", self.ca.directory,
                "--ca-file", self.ca.ca_file, *args]

    def call(self, *args, env=None, timeout=60):
        oracle = getattr(self.ca, "oracle", None)
        if oracle is None or args[0] not in JOBS:
            return self.quietly(*args, env=env, timeout=timeout)
        oracle.begin(self, self.device(args))
        result = self.quietly(*args, env=env, timeout=timeout)
        oracle.end(result.code == 0)
        return result

    def device(self, args):
        """Whose account key it is: the store's, or that of a file."""
        return (self.store, args[args.index("--account-key") + 1] if "--account-key" in args else "")

    def quietly(self, *args, env=None, timeout=60):
        """Without a word to the CA's oracle."""
        return Result(lab_module.finish(self.argv(*args), timeout, env={**os.environ, **(env or {})}))

    def domains(self, name):
        """--domain for each name of the only stored certificate that has this one."""
        found = [c["names"] for c in self.call("list", "--json").json if name in c["names"]]
        assert len(found) == 1, (name, found)
        return [arg for each in found[0] for arg in ("--domain", each)]

    def chain(self, name):
        """The stored chain with this name among others."""
        done = self.quietly("export", *self.domains(name))
        assert done.code == 0, done
        end = "-----END CERTIFICATE-----\n"
        return [x509.load_pem_x509_certificate((text + end).encode())
                for text in done.out.split(end)[:-1]]

    def records(self):
        """What the store's image holds."""
        done = lab_module.finish([self.binary, "store", "dump", self.store, "--json"])
        return json.loads(done.stdout or "{}").get("records", [])

    def run(self, *names, extra=(), **options):
        args = ["run", "--accept-tos", "--json", "--http-port", str(self.http_port)]
        for name in names:
            args += ["--domain", name]
        return self.call(*args, *extra, **options)


@pytest.fixture(autouse=True)
def _oracle(request):
    """At the end of each test, what holds over every scenario of its scripted CAs."""
    ScriptedCa.made = []
    test = request.node.obj

    @functools.wraps(test)
    def checked(*args, **named):
        test(*args, **named)
        for ca in ScriptedCa.made:
            ca.oracle.check()

    request.node.obj = checked


@pytest.fixture
def make_lab(tmp_path):
    """Starts a lab with options; it ends with the test."""
    labs = []

    def make(**options):
        folder = tmp_path / f"lab{len(labs)}"
        folder.mkdir()
        labs.append(lab_module.Lab(folder, **options))
        return labs[-1].start()

    yield make
    for each in labs:
        each.stop()


@pytest.fixture(scope="module")
def shared_lab(tmp_path_factory):
    """One plain Pebble for all tests of a file that need nothing special."""
    with lab_module.running_lab(tmp_path_factory.mktemp("lab")) as lab:
        yield lab


@pytest.fixture
def cli(tmp_path, shared_lab):
    return Cli(tmp_path, shared_lab)
