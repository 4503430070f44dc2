"""Certificate after certificate is handed to a live TLS server, as fast as it takes them, while clients dial it
without a pause and verify it: none of their handshakes ever fails, and every certificate arrives. The
daemon is the real one: two stores with a certificate for the same name each, published in turn."""
import os
import socket
import ssl
import subprocess

import pytest
from cryptography import x509

from conftest import Cli
from lab import PATIENCE, wait_until
from tls_servers import SERVERS, Handshakes

NAME = "swaps.example.org"
# NANOACME_SWAPS=1000 is the whole proof (docs/tests.md), by hand; a part of it at each run.
SWAPS = {"own": 200, "nginx": 100, "haproxy": 100}
CLIENTS = 2


class Daemons:
    """A daemon that publishes what a store has, runs the hook, and is ended by it."""

    def __init__(self, folder, lab):
        self.folder, self.out = folder, folder / "pem"
        self.clis, self.serials = [], []
        for number in range(2):
            (folder / str(number)).mkdir()
            self.clis.append(Cli(folder / str(number), lab))
            done = self.clis[-1].run(NAME, extra=["--exportable-key"])
            assert done.code == 0, done
            self.serials.append(self.clis[-1].chain(NAME)[0].serial_number)
        self.hook = folder / "hook"
        self.tell("true")

    def tell(self, reload):
        self.hook.write_text(f'#!/bin/sh\n{reload}\ncode=$?\nkill -TERM "$DAEMON"\nexit $code\n')
        self.hook.chmod(0o755)

    def publish(self, number):
        cli = self.clis[number]
        argv = cli.argv("daemon", "--domain", NAME, "--out-dir", str(self.out), "--hook", str(self.hook))
        done = subprocess.run(["/bin/sh", "-c", 'DAEMON=$$ exec "$@"', "sh", *argv], capture_output=True,
                              text=True, timeout=60 * PATIENCE, check=False)
        assert done.returncode == 0 and "hook" not in done.stderr, done


def served(port, context):
    """The serial number of what the server has now."""
    with socket.create_connection(("127.0.0.1", port), 10 * PATIENCE) as stream, \
            context.wrap_socket(stream, server_hostname=NAME) as tls:
        return x509.load_der_x509_certificate(tls.getpeercert(True)).serial_number


@pytest.mark.parametrize("kind", SERVERS)
def test_no_handshake_fails(shared_lab, tmp_path, kind):
    daemons = Daemons(tmp_path, shared_lab)
    daemons.publish(0)
    server = SERVERS[kind](tmp_path, daemons.out / NAME).start()
    swaps = int(os.environ.get("NANOACME_SWAPS", SWAPS[kind]))
    clients = []
    try:
        daemons.tell(server.reload)
        root = shared_lab.issuing_root()
        context = ssl.create_default_context(cafile=root)
        clients = [Handshakes(server.port, NAME, root) for _ in range(CLIENTS)]
        for swap in range(1, swaps + 1):
            daemons.publish(swap % 2)
            wait_until(lambda: served(server.port, context) == daemons.serials[swap % 2],
                       f"certificate {swap} at the clients", 20, server.log)
    finally:
        for each in clients:
            each.stop()
        server.stop()
    assert [f for each in clients for f in each.failures] == [], server.log()[-2000:]
    assert all(len(each.serials) > swaps // 4 for each in clients), [len(each.serials) for each in clients]
