"""nanoacme doctor: each finding in a lab that has just that fault, and none where all is well."""
import datetime
import http.server
import ipaddress
import os
import socket
import ssl
import threading
import time

import dns.message
import dns.rrset
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from conftest import Cli
from dnslab import Front
from lab import Lab, free_port, make_server_ca
from scripted_ca import ScriptedCa, problem

CA_NAME = "pebble.letsencrypt.org"


class Zone:
    """A resolver with scripted records: (name, type) -> list of texts, or a response code."""

    def __init__(self, records):
        self.records = records
        self.front = Front(1, self._answer)

    @property
    def address(self):
        return f"127.0.0.1:{self.front.port}"

    def _answer(self, query, tcp, number):
        found = self.records.get((query.name.lower(), query.type), [])
        if found is None:
            return b""
        if isinstance(found, int):
            return query.reply(found)
        reply = dns.message.make_response(dns.message.from_wire(query.wire))
        if found:
            reply.answer.append(dns.rrset.from_text_list(query.name + ".", 5, "IN", query.type,
                                                         found))
        elif not any(n == query.name.lower() for n, _ in self.records):
            reply.set_rcode(3)
        return reply.to_wire()

    def stop(self):
        self.front.stop()


@pytest.fixture(name="ca", scope="module")
def _ca(tmp_path_factory):
    lab = Lab(tmp_path_factory.mktemp("pebble"), config={"caaIdentities": [CA_NAME]})
    try:
        yield lab.start()
    finally:
        lab.stop()


@pytest.fixture(name="zone")
def _zone():
    zones = []

    def make(**records):
        zones.append(Zone({tuple(k.split("/")): v for k, v in records.items()}))
        return zones[-1]

    yield lambda records: make(**records)
    for each in zones:
        each.stop()


class Doctor:
    """One visit: the exit code and the findings by code."""

    def __init__(self, cli, *names, zone=None, extra=(), env=None):
        port = cli.http_port
        args = ["doctor", "--json", "--http-port", str(port), "--http-public", str(port),
                "--portal-port", "1"]
        for name in names:
            args += ["--domain", name]
        args += ["--dns-resolver", zone.address] if zone else []
        if "--own-address" not in extra:
            args += ["--own-address", "127.0.0.1"]
        begin = time.monotonic()
        self.done = cli.call(*args, *extra, env=env, timeout=120)
        self.seconds = time.monotonic() - begin
        assert self.done.code in (0, 1), self.done
        self.list = self.done.json
        self.codes = [f["code"] for f in self.list]

    def find(self, code):
        found = [f for f in self.list if f["code"] == code]
        assert len(found) == 1, self.done
        return found[0]

    def __repr__(self):
        return repr(self.done)


GOOD = {"ok.example.org/A": ["127.0.0.1"]}


def test_all_is_well(ca, tmp_path, zone):
    cli = Cli(tmp_path, ca)
    visit = Doctor(cli, "ok.example.org", "*.ok.example.org", zone=zone(GOOD))
    assert visit.codes == [] and visit.done.code == 0, visit
    assert not os.path.exists(cli.store)  # it changes nothing
    text = cli.call("doctor", "--domain", "ok.example.org", "--dns-resolver", zone(GOOD).address,
                    "--http-port", str(ca.http_port), "--http-public", str(ca.http_port),
                    "--own-address", "127.0.0.1")
    assert text.code == 0 and text.out == "0 in the way, 0 to look at\n", text


def test_name_unresolved(ca, tmp_path, zone):
    visit = Doctor(Cli(tmp_path, ca), "no.example.org", "fail.example.org",
                   zone=zone({"fail.example.org/A": 2}))
    assert visit.done.code == 1 and visit.codes[:2] == ["name-unresolved", "name-unresolved"], visit
    assert [f["subject"] for f in visit.list[:2]] == ["no.example.org", "fail.example.org"]
    assert visit.list[1]["error"] == "ACME_ERR_DNS_SERVER"
    text = Cli(tmp_path, ca).call("doctor", "-d", "no.example.org", "--dns-resolver",
                                  zone({}).address, "--http-port", str(ca.http_port))
    assert text.code == 1 and "error: name-unresolved no.example.org" in text.out, text
    assert "1 in the way" in text.out


def test_names_need_no_address_for_dns(ca, tmp_path, zone):
    visit = Doctor(Cli(tmp_path, ca), "no.example.org", zone=zone({}),
                   extra=["--challenge", "dns-01"])
    assert visit.codes == [], visit


def test_name_elsewhere(ca, tmp_path, zone):
    records = {"x.example.org/A": ["127.0.0.1", "127.0.0.9"]}
    visit = Doctor(Cli(tmp_path, ca), "x.example.org", zone=zone(records),
                   extra=["--own-address", "127.0.0.1"])
    assert visit.find("name-elsewhere")["detail"] == "127.0.0.9", visit
    visit = Doctor(Cli(tmp_path, ca), "x.example.org", zone=zone(records),
                   extra=["--own-address", "2001:db8::1"])  # of another family: nothing is known
    assert "name-elsewhere" not in visit.codes, visit


def test_ipv6_dead(ca, tmp_path, zone):
    visit = Doctor(Cli(tmp_path, ca), "x.example.org",
                   zone=zone({"x.example.org/A": ["127.0.0.1"], "x.example.org/AAAA": ["100::1"]}))
    assert visit.codes == ["ipv6-dead"] and visit.find("ipv6-dead")["detail"] == "100::1", visit


def test_port_unreachable(ca, tmp_path, zone):
    port = free_port()
    visit = Doctor(Cli(tmp_path, ca), "ok.example.org", zone=zone(GOOD),
                   extra=["--http-public", str(port)])
    found = visit.find("port-unreachable")
    assert (found["detail"], found["port"], found["error"]) == ("127.0.0.1", port,
                                                               "ACME_ERR_CONNECT")


def test_addresses_as_names(ca, tmp_path, zone):
    """They lead where they say, and need no resolver; 127.0.0.9 is this machine as well."""
    cli = Cli(tmp_path, ca)
    assert Doctor(cli, "127.0.0.1", zone=zone({})).codes == []
    visit = Doctor(cli, "127.0.0.9", "127.0.0.1", extra=["--dns-resolver", "none"])
    assert visit.codes == ["resolver", "name-elsewhere"], visit
    assert visit.find("name-elsewhere")["subject"] == "127.0.0.9"


def test_port_taken_and_foreign(ca, tmp_path, zone):
    with socket.create_server(("0.0.0.0", free_port())) as other:
        port = other.getsockname()[1]
        visit = Doctor(Cli(tmp_path, ca), "ok.example.org", zone=zone(GOOD),
                       extra=["--http-port", str(port), "--http-public", str(port)])
        assert visit.codes == ["port-taken"] and visit.find("port-taken")["port"] == port, visit
        visit = Doctor(Cli(tmp_path, ca), "ok.example.org", zone=zone(GOOD),
                       extra=["--http-public", str(port)])
        assert visit.codes == ["port-foreign"] and visit.done.code == 0, visit  # a warning


def test_tls_port(ca, tmp_path, zone):
    port = free_port()
    visit = Doctor(Cli(tmp_path, ca), "ok.example.org", zone=zone(GOOD), extra=[
        "--challenge", "tls-alpn-01", "--tls-port", str(ca.tls_port), "--tls-public", str(port)])
    assert visit.find("port-unreachable")["port"] == port, visit
    visit = Doctor(Cli(tmp_path, ca), "ok.example.org", zone=zone(GOOD), extra=[
        "--challenge", "tls-alpn-01", "--tls-port", str(ca.tls_port), "--tls-public",
        str(ca.tls_port)])
    assert visit.codes == [], visit


@pytest.mark.parametrize("name, records, forbids", [
    ("a.b.example.org", {"example.org/CAA": ['0 issue "other.example"']}, "example.org"),
    ("a.b.example.org", {"b.example.org/CAA": ['0 issue ";"']}, "b.example.org"),
    ("a.b.example.org", {"example.org/CAA": [f'0 issue "{CA_NAME}"']}, None),
    ("a.b.example.org", {"example.org/CAA": ['0 issue "x.example"',
                                             f'0 issue " {CA_NAME.upper()} ; a=b"']}, None),
    ("a.b.example.org", {"b.example.org/CAA": [f'0 issue "{CA_NAME}"'],
                         "example.org/CAA": ['0 issue ";"']}, None),
    ("a.b.example.org", {"b.example.org/CAA": ['0 issuewild ";"', '0 iodef "mailto:a@b"']}, None),
    ("*.b.example.org", {"b.example.org/CAA": [f'0 issue "{CA_NAME}"', '0 issuewild ";"']},
     "b.example.org"),
    ("*.b.example.org", {"b.example.org/CAA": ['0 issue ";"', f'0 issuewild "{CA_NAME}"']}, None),
    ("*.b.example.org", {"b.example.org/CAA": ['0 issue ";"']}, "b.example.org"),
    ("a.b.example.org", {"example.org/CAA": ['128 tbs "unknown"', f'0 issue "{CA_NAME}"']},
     "example.org"),
    ("a.b.example.org", {"example.org/CAA": ['0 tbs "unknown"']}, None)])
def test_caa(ca, tmp_path, zone, name, records, forbids):
    visit = Doctor(Cli(tmp_path, ca), name, zone=zone(records), extra=["--challenge", "dns-01"])
    if forbids is None:
        assert visit.codes == [], visit
    else:
        assert visit.codes == ["caa-forbids"] and visit.list[0]["detail"] == forbids, visit
        assert visit.done.code == 1


def test_caa_failed(ca, tmp_path, zone):
    visit = Doctor(Cli(tmp_path, ca), "a.example.org", zone=zone({"example.org/CAA": 2}),
                   extra=["--challenge", "dns-01"])
    found = visit.find("caa-failed")
    assert found["detail"] == "example.org" and found["error"] == "ACME_ERR_DNS_SERVER", visit


def test_resolver_is_silent(ca, tmp_path, zone):
    visit = Doctor(Cli(tmp_path, ca), "a.example.org", "b.example.org",
                   zone=zone({"a.example.org/A": None}))
    assert visit.codes == ["resolver"], visit  # said once


def test_clock_wrong(ca, tmp_path, zone):
    """The clock of the host binary is the kernel's; a CA with another one shows the same."""
    folder = tmp_path / "ca"
    folder.mkdir()
    server = DirectoryServer(folder, 200, {"Date": "Mon, 01 Jan 2024 00:00:00 GMT"})
    try:
        visit = Doctor(Cli(tmp_path, server), "ok.example.org", zone=zone(GOOD))
        found = visit.find("clock-wrong")
        assert found["aheadSeconds"] > 3600 * 24 * 365, visit
    finally:
        server.stop()


def expire(certs, days):
    """Gives the server a certificate by itself that ended so many days ago."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    end = datetime.datetime.utcnow() + datetime.timedelta(days=days)
    cert = (x509.CertificateBuilder().subject_name(name).issuer_name(name)
            .public_key(key.public_key()).serial_number(1)
            .not_valid_before(end - datetime.timedelta(days=5)).not_valid_after(end)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName(
                [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
            .sign(key, hashes.SHA256()))
    for path in ("ca.pem", "server.pem"):
        with open(certs[path], "wb") as f:
            f.write(cert.public_bytes(serialization.Encoding.PEM))
    with open(certs["server.key"], "wb") as f:
        f.write(key.private_bytes(serialization.Encoding.PEM,
                                  serialization.PrivateFormat.TraditionalOpenSSL,
                                  serialization.NoEncryption()))


class DirectoryServer:
    """HTTPS with one answer, on a port of its own."""

    def __init__(self, folder, status=200, headers=None, body=None, plain=False, days=30):
        self.certs = make_server_ca(str(folder))
        if days < 0:
            expire(self.certs, days)
        self.ca_file = self.certs["ca.pem"]
        self.http_port = free_port()
        text = body if body is not None else (
            b'{"newNonce":"https://x/n","newAccount":"https://x/a","newOrder":"https://x/o"}')

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):  # noqa: N802
                self.send_response_only(status)
                for name, value in {"Content-Type": "application/json",
                                    "Content-Length": str(len(text)), **(headers or {})}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, format, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port
        if not plain:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.certs["server.pem"], self.certs["server.key"])
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def directory(self):
        return f"https://127.0.0.1:{self.port}/dir"

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def visit_ca(tmp_path, url, ca_file, zone, extra=()):
    class Ca:
        directory = url
        http_port = free_port()
    Ca.ca_file = ca_file
    return Doctor(Cli(tmp_path, Ca), "ok.example.org", zone=zone(GOOD), extra=extra)


def test_ca_name(ca, tmp_path, zone):
    visit = visit_ca(tmp_path, "https://ca.nowhere.invalid/dir", ca.ca_file, zone)
    assert visit.find("ca-name")["subject"] == "ca.nowhere.invalid", visit


def test_ca_connect(ca, tmp_path, zone):
    visit = visit_ca(tmp_path, f"https://127.0.0.1:{free_port()}/dir", ca.ca_file, zone)
    assert visit.codes == ["ca-connect"], visit


def test_ca_tls(ca, tmp_path, zone):
    server = DirectoryServer(tmp_path, plain=True)
    try:
        visit = visit_ca(tmp_path, server.directory, ca.ca_file, zone)
        assert visit.codes == ["ca-tls"], visit
    finally:
        server.stop()


def test_ca_certificate(ca, tmp_path, zone):
    server = DirectoryServer(tmp_path)
    try:
        visit = visit_ca(tmp_path, server.directory, ca.ca_file, zone)  # another root
        assert visit.codes == ["ca-certificate"], visit
    finally:
        server.stop()


def test_ca_dates(tmp_path, zone):
    server = DirectoryServer(tmp_path, days=-2)
    try:
        visit = visit_ca(tmp_path, server.directory, server.ca_file, zone)
        assert visit.codes == ["ca-dates"], visit
    finally:
        server.stop()


@pytest.mark.parametrize("status, body", [(404, b"{}"), (200, b"{}"), (200, b"hello")])
def test_ca_http(tmp_path, zone, status, body):
    server = DirectoryServer(tmp_path, status, body=body)
    try:
        visit = visit_ca(tmp_path, server.directory, server.ca_file, zone)
        assert visit.codes == ["ca-http"], visit
    finally:
        server.stop()


@pytest.mark.parametrize("status, location, found", [
    (302, "http://portal.example/login", True), (511, None, True),
    (301, "https://127.0.0.1/dir", False), (301, "/elsewhere", False), (200, None, False),
    (302, "http://127.0.0.1.portal.example/", True)])
def test_captive_portal(ca, tmp_path, zone, status, location, found):
    """What answers for the CA has another certificate, and port 80 leads to a login."""
    portal = DirectoryServer(tmp_path, status, {"Location": location} if location else {},
                             plain=True)
    wrong = tmp_path / "wrong"
    wrong.mkdir()
    server = DirectoryServer(wrong)
    try:
        visit = visit_ca(tmp_path, server.directory, ca.ca_file, zone,
                         ["--portal-port", str(portal.port)])
        assert visit.codes == ["ca-certificate"] + (["captive-portal"] if found else []), visit
    finally:
        portal.stop()
        server.stop()


def test_paused(tmp_path, zone):
    """The CA said to come again later: the time is known to the next process, too."""
    server = ScriptedCa(tmp_path)
    server.answers["order"] = lambda c, r: problem(
        "rateLimited", "too many certificates", status=429, headers={"Retry-After": "7200"})
    try:
        cli = Cli(tmp_path, server)
        done = cli.run("ok.example.org")
        assert "ACME_ERR_RATE_LIMITED" in done.out, done
        visit = Doctor(cli, "ok.example.org", zone=zone(GOOD))
        found = visit.find("paused")
        until = datetime.datetime.strptime(found["until"], "%Y-%m-%dT%H:%M:%SZ")
        wait = (until - datetime.datetime.utcnow()).total_seconds()
        assert found["subject"] == "ok.example.org" and 7000 < wait < 9000, visit
    finally:
        server.stop()


def test_usage(ca, tmp_path):
    cli = Cli(tmp_path, ca)
    only_ca = cli.call("doctor", "--challenge", "dns-01", "--dns-resolver", "127.0.0.1")
    assert only_ca.code == 0, only_ca
    assert cli.call("doctor", "-d", "a.example", "--own-address", "x").code == 2
    assert cli.call("doctor", "-d", "a.example", "--portal-port", "0").code == 2
