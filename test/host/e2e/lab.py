"""Servers for the end-to-end tests and the demo: a real Pebble in strict mode, a name server
(pebble-challtestsrv), each on free ports of the loopback, started and stopped here."""
import contextlib
import datetime
import ipaddress
import json
import os
import random
import re
import socket
import ssl
import subprocess
import threading
import time
import urllib.request

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
BIN = os.path.join(ROOT, "third_party", "bin")


def free_port():
    """A port that was free a moment ago, below those that the kernel hands out by itself: else a
    client that tries again and again could end up connected to itself."""
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass


# How much longer than on a quiet machine anything may take before a test gives up. A bound is there to
# end a test that hangs, never to measure: it costs nothing where all is well.
PATIENCE = float(os.environ.get("NANOACME_PATIENCE", "6"))


def wait_until(condition, what, seconds=20, log=None):
    """Waits for a condition and returns what it gives, once that is true. Bounded: by PATIENCE times the
    seconds that it takes on a quiet machine. Who is late says what it waited for, and ends with the
    log's last lines."""
    bound = seconds * PATIENCE
    end = time.monotonic() + bound
    while True:
        late = time.monotonic() >= end  # before the last look, which may itself be slow
        result = condition()
        if result:
            return result
        if late:
            tail = "" if log is None else "\n" + "\n".join(log().splitlines()[-30:])
            raise TimeoutError(f"waited {bound:.0f} s for {what}{tail}")
        time.sleep(0.02)


def finish(argv, seconds=60, **options):
    """Runs a program to its end, bounded as wait_until; its output is text."""
    bound = seconds * PATIENCE
    try:
        return subprocess.run(argv, **{"capture_output": True, "text": True, "check": False, **options},
                              timeout=bound)
    except subprocess.TimeoutExpired as e:
        said = [part.decode(errors="replace") if isinstance(part, bytes) else part or ""
                for part in (e.stdout, e.stderr)]
        raise TimeoutError(f"waited {bound:.0f} s for the end of {argv}\n" + "\n".join(said)[-4000:]) from None


def ended(popen, what, seconds=20, log=None):
    """The exit code of a process that is to end by itself."""
    wait_until(lambda: popen.poll() is not None, f"the end of {what}", seconds, log)
    return popen.returncode


def has_open(popen, path):
    """Whether a process has opened a file: it has begun."""
    folder = f"/proc/{popen.pid}/fd"
    try:
        return any(os.readlink(os.path.join(folder, fd)) == os.path.realpath(path) for fd in os.listdir(folder))
    except OSError:
        return False


def listens(port):
    with socket.socket() as s:
        s.settimeout(0.2)
        return s.connect_ex(("127.0.0.1", port)) == 0


def _names_of_server(address):
    names = {"localhost", address if re.search("[a-z]", address) else "localhost"}
    return x509.SubjectAlternativeName([
        *map(x509.DNSName, sorted(names)),
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
        x509.IPAddress(ipaddress.ip_address("10.0.2.2")),
        x509.IPAddress(ipaddress.ip_address("fec0::2"))])


class Issuer:
    """A key with a name, which signs others."""

    def __init__(self, name, key, digest, issuer=None, days=30, more=()):
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.key, self.digest = key, digest
        self.cert = (issuer or self).sign(self.name, self.key.public_key(), True, days, more)

    def sign(self, subject, public, ca, days, more):
        now = datetime.datetime.utcnow()
        b = (x509.CertificateBuilder().subject_name(subject).issuer_name(self.name)
             .public_key(public).serial_number(x509.random_serial_number())
             .not_valid_before(now - datetime.timedelta(hours=1))
             .not_valid_after(now + datetime.timedelta(days=days))
             .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True))
        for extension, critical in more:
            b = b.add_extension(extension, critical=critical)
        return b.sign(self.key, self.digest)


def make_server_ca(folder, address="127.0.0.1", chain="bench"):
    """The root and the certificates that the CA's own HTTPS has. The address may be a name. Chain bench
    is a root and a certificate on P-256; rsa is the same with a root of RSA, 4096 bits; private is a root for
    twenty years, an intermediate with nameConstraints (not critical: mbedTLS refuses those in a handshake),
    and a certificate, all on P-384."""
    if chain == "private":
        curve, digest = ec.SECP384R1(), hashes.SHA384()
        root = Issuer("Private root", ec.generate_private_key(curve), digest, days=7300)
        allowed = x509.NameConstraints(
            [x509.DNSName("localhost"), *([x509.DNSName(address)] if re.search("[a-z]", address) else []),
             x509.IPAddress(ipaddress.ip_network("0.0.0.0/0")),
             x509.IPAddress(ipaddress.ip_network("::/0"))], None)
        issuer = Issuer("Private intermediate", ec.generate_private_key(curve), digest, root, 3650, [(allowed, False)])
        sent = [issuer.cert]
    else:
        curve, digest = ec.SECP256R1(), hashes.SHA256()
        root = issuer = Issuer("Test bench root", ec.generate_private_key(curve) if chain == "bench" else
                               rsa.generate_private_key(65537, 4096), digest)
        sent = []
    key = ec.generate_private_key(curve)
    sent.insert(0, issuer.sign(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")]),
                               key.public_key(), False, 30, [(_names_of_server(address), False)]))
    paths = {n: os.path.join(folder, n) for n in ("ca.pem", "server.pem", "server.key")}
    with open(paths["ca.pem"], "wb") as f:
        f.write(root.cert.public_bytes(serialization.Encoding.PEM))
    with open(paths["server.pem"], "wb") as f:
        for cert in sent:
            f.write(cert.public_bytes(serialization.Encoding.PEM))
    with open(paths["server.key"], "wb") as f:
        f.write(key.private_bytes(serialization.Encoding.PEM,
                                  serialization.PrivateFormat.TraditionalOpenSSL,
                                  serialization.NoEncryption()))
    return paths


class Process:
    """A server of the bench: its output goes to a log; it ends with the test."""

    def __init__(self, name, argv, folder, env=None):
        self.log_path = os.path.join(folder, name + ".log")
        self.name = name
        self._log = open(self.log_path, "ab")
        self.popen = subprocess.Popen(argv, stdout=self._log, stderr=subprocess.STDOUT,
                                      cwd=folder, env={**os.environ, **(env or {})})

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as f:
            return f.read()

    def ended(self, seconds=20):
        """Its exit code, when it is to end by itself."""
        return ended(self.popen, self.name, seconds, self.log)

    def stop(self):
        if self.popen.poll() is None:
            self.popen.terminate()
            try:
                self.popen.wait(5 * PATIENCE)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait()
        self._log.close()


class Lab:
    """Pebble and its name server. Every name resolves to default_address ("": none) unless told
    otherwise. The CA is at the address, which may be a name; listen "" is every address, IPv6's
    included; the name server is at names_at (address:port)."""

    def __init__(self, folder, nonce_reject=0, authz_reuse=0, chain_length=1, alternate_roots=0,
                 config=None, va_always_valid=False, address="127.0.0.1", names_at=None,
                 default_address="127.0.0.1", listen="0.0.0.0", chain="bench",
                 pebble_program=os.path.join(BIN, "pebble")):
        self.folder = str(folder)
        self.address = address
        self.port, self.management_port = free_port(), free_port()
        self.names_at = names_at or f"127.0.0.1:{free_port()}"
        self.default_address, self.listen = default_address, listen
        self.challtest_port = free_port()
        self.http_port, self.tls_port = free_port(), free_port()
        self.env = {
            "PEBBLE_WFE_NONCEREJECT": str(nonce_reject),
            "PEBBLE_AUTHZREUSE": str(authz_reuse),
            "PEBBLE_CHAIN_LENGTH": str(chain_length),
            "PEBBLE_ALTERNATE_ROOTS": str(alternate_roots),
            "PEBBLE_VA_NOSLEEP": "1",
        }
        if va_always_valid:
            self.env["PEBBLE_VA_ALWAYS_VALID"] = "1"
        self.extra_config = config or {}
        self.certs = make_server_ca(self.folder, address, chain)
        self.pebble_program = pebble_program
        self.pebble = self.challtest = None

    @property
    def directory(self):
        return f"https://{self.address}:{self.port}/dir"

    @property
    def ca_file(self):
        return self.certs["ca.pem"]

    def start_names(self):
        self.challtest = Process("names", [
            os.path.join(BIN, "pebble-challtestsrv"), "-defaultIPv6", "",
            "-defaultIPv4", self.default_address, "-dnsserver", self.names_at,
            "-management", f"127.0.0.1:{self.challtest_port}",
            "-http01", "", "-https01", "", "-tlsalpn01", "", "-doh", ""], self.folder)
        wait_until(lambda: listens(self.challtest_port), "the name server", log=self.challtest.log)

    def start_pebble(self):
        config = {"pebble": {
            "listenAddress": f"{self.listen}:{self.port}",
            "managementListenAddress": f"127.0.0.1:{self.management_port}",
            "certificate": self.certs["server.pem"], "privateKey": self.certs["server.key"],
            "httpPort": self.http_port, "tlsPort": self.tls_port, "ocspResponderURL": "",
            "externalAccountBindingRequired": False,
            "retryAfter": {"authz": 3, "order": 5}, **self.extra_config}}
        path = os.path.join(self.folder, "pebble.json")
        with open(path, "w", encoding="ascii") as f:
            json.dump(config, f)
        self.pebble = Process("pebble", [
            self.pebble_program, "-strict", "-config", path,
            "-dnsserver", self.names_at], self.folder, self.env)
        wait_until(lambda: listens(self.port) and listens(self.management_port), "Pebble",
                   log=self.pebble.log)

    def start(self):
        self.start_names()
        self.start_pebble()
        return self

    def stop(self):
        for p in (self.pebble, self.challtest):
            if p is not None:
                p.stop()
        self.pebble = self.challtest = None

    def set_name(self, name, address):
        """Adds an address of either family to a name; none makes it not resolve."""
        body = {"host": name + ".", "addresses": [address] if address else []}
        call = "set-servfail" if not address else "add-aaaa" if ":" in address else "add-a"
        self._challtest(call, body if address else {"host": name + "."})

    def _challtest(self, call, body):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.challtest_port}/{call}", json.dumps(body).encode(),
            method="POST")
        with urllib.request.urlopen(request, timeout=5 * PATIENCE) as r:
            assert r.status == 200

    def management(self, path):
        context = ssl.create_default_context(cafile=self.ca_file)
        with urllib.request.urlopen(f"https://127.0.0.1:{self.management_port}{path}",
                                    context=context, timeout=5 * PATIENCE) as r:
            return r.read()

    def issuing_root(self, number=0):
        """The root of the certificates that Pebble issues, as a PEM file."""
        path = os.path.join(self.folder, f"root{number}.pem")
        with open(path, "wb") as f:
            f.write(self.management(f"/roots/{number}"))
        return path

    def requests(self):
        """The requests in Pebble's log: (method, path)."""
        return re.findall(r"(GET|HEAD|POST) (/\S*) -> ", self.pebble.log())

    def count(self, text):
        return self.pebble.log().count(text)


class Gateway:
    """A patient way into the device: takes the CA's connections and hands them on as soon as the
    device listens, be it after a reset. Without it a CA that looks while the device is off makes
    the authorization invalid, which no client can mend."""

    def __init__(self, port, device_port, seconds=20):
        self.device_port, self.seconds = device_port, seconds
        self.listener = socket.create_server(("127.0.0.1", port))
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def _accept(self):
        while True:
            try:
                stream, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(stream,), daemon=True).start()

    def _carry(self, stream):
        end = time.monotonic() + self.seconds
        with stream:
            request = b""
            while b"\r\n\r\n" not in request:
                part = stream.recv(4096)
                if not part:
                    return
                request += part
            while time.monotonic() < end:
                answer = self._ask(request)
                if answer.startswith(b"HTTP/1.1 200"):
                    stream.sendall(answer)
                    return
                time.sleep(0.02)

    def _ask(self, request):
        answer = b""
        try:
            with socket.create_connection(("127.0.0.1", self.device_port), 5) as device:
                device.sendall(request)
                while part := device.recv(4096):
                    answer += part
        except OSError:
            return b""
        return answer

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.listener.close()


@contextlib.contextmanager
def running_lab(folder, **options):
    lab = Lab(folder, **options)
    try:
        yield lab.start()
    finally:
        lab.stop()
