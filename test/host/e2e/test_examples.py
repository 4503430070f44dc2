"""The programs of examples/, against a real Pebble: what integrators copy has to work."""
import os
import socket
import ssl
import subprocess

import pytest

from conftest import BUILD
from lab import PATIENCE, Process, free_port, wait_until

NAME = "example.example.org"


@pytest.fixture(name="root", scope="module")
def _root(shared_lab, tmp_path_factory):
    """The root of the CA's own HTTPS, DER."""
    path = tmp_path_factory.mktemp("root") / "root.der"
    with open(shared_lab.ca_file, encoding="ascii") as f:
        path.write_bytes(ssl.PEM_cert_to_DER_cert(f.read()))
    return str(path)


def run(program, *args):
    return subprocess.run([os.path.join(BUILD, "test", program), *map(str, args)],
                          capture_output=True, text=True, timeout=60 * PATIENCE, check=False)


def test_minimal(tmp_path, shared_lab, root):
    args = (shared_lab.directory, root, tmp_path / "store.img", NAME, shared_lab.http_port)
    done = run("example_minimal", *args)
    assert done.returncode == 0 and "ACME_OK, a certificate is stored" in done.stdout, done
    requests = len(shared_lab.requests())
    done = run("example_minimal", *args)
    assert done.returncode == 0 and "a certificate is stored" in done.stdout, done
    assert len(shared_lab.requests()) == requests  # it is good: nobody is asked
    done = run("example_minimal", *args[:2], tmp_path / "other.img", NAME, free_port())
    assert done.returncode == 1 and "no certificate" in done.stdout, done  # not the port of the CA's
    assert run("example_minimal").returncode == 2


def test_dns_provider_and_record_back_end(shared_lab, root):
    done = run("example_dns_issue", shared_lab.directory, root, NAME, shared_lab.challtest_port)
    assert done.returncode == 0, done
    done = run("example_dns_issue", shared_lab.directory, root, NAME, free_port())
    assert done.returncode == 1 and "ACME_ERR_CONNECT" in done.stdout, done


def fetch(port, context):
    with socket.create_connection(("127.0.0.1", port), 40) as raw, \
            context.wrap_socket(raw, server_hostname=NAME) as s:
        s.sendall(b"GET / HTTP/1.1\r\n\r\n")
        answer = b""
        while part := s.recv(4096):
            answer += part
        return answer, s.getpeercert(binary_form=True)


def test_tls_server_proves_and_serves_on_one_port(tmp_path, shared_lab, root):
    argv = [os.path.join(BUILD, "test", "example_tls_server"), shared_lab.directory, root,
            str(tmp_path / "store.img"), NAME, str(shared_lab.tls_port)]
    context = None
    certificates = []
    for _ in range(2):  # the second one has the certificate, and asks nobody
        server = Process("server", argv, str(tmp_path))
        try:
            wait_until(lambda: "client: ACME_OK" in server.log(), "the certificate", 60)
            context = context or ssl.create_default_context(cafile=shared_lab.issuing_root())
            for _ in range(2):
                answer, certificate = fetch(shared_lab.tls_port, context)
                assert answer.startswith(b"HTTP/1.1 200 OK") and answer.endswith(b"hello\n")
                certificates.append(certificate)
        finally:
            server.stop()
        os.unlink(server.log_path)
    assert len(set(certificates)) == 1


def test_tls_server_drops_who_is_silent(tmp_path, shared_lab, root):
    argv = [os.path.join(BUILD, "test", "example_tls_server"), shared_lab.directory, root,
            str(tmp_path / "store.img"), NAME, str(shared_lab.tls_port)]
    server = Process("server", argv, str(tmp_path))
    try:
        wait_until(lambda: "client: ACME_OK" in server.log(), "the certificate", 60)
        context = ssl.create_default_context(cafile=shared_lab.issuing_root())
        with socket.create_connection(("127.0.0.1", shared_lab.tls_port), 10):
            assert fetch(shared_lab.tls_port, context)[0].endswith(b"hello\n")
    finally:
        server.stop()
