"""CA servers of others behind one small interface, for tests that hold for all of them: started on
free ports of the loopback and stopped here, each with the lab's name server. Whatever a server does
otherwise is told by its class, not asked for in the tests."""
import datetime
import json
import os
import random
import re
import socket
import subprocess
import threading

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from lab import BIN, ROOT, Lab, Process, free_port, listens, make_server_ca, wait_until

DEVICES = [f"device{i}.example.org" for i in range(40)]
REFUSED = "refused.example.org"      # by the server's policy
NOWHERE = "nowhere.example.org"      # has no address


class Relay:
    """A way from a port where a server looks to the one where the device listens."""

    def __init__(self, address, port, device_port):
        self.device_port = device_port
        self.listener = socket.create_server((address, port))
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
        try:
            with stream, socket.create_connection(("127.0.0.1", self.device_port), 5) as device:
                device.settimeout(20)
                stream.settimeout(20)
                back = threading.Thread(target=self._copy, args=(device, stream), daemon=True)
                back.start()
                self._copy(stream, device)
                back.join(20)
        except OSError:
            pass

    @staticmethod
    def _copy(source, target):
        try:
            while part := source.recv(4096):
                target.sendall(part)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.listener.close()


class Server:
    """What the tests ask a server for. rollover: a new key for the account is taken."""

    challenges = ("http-01", "tls-alpn-01", "dns-01")
    rollover = True
    refusal = "rejectedIdentifier"       # to a name that its policy refuses
    fails_dead_names = True              # an unreachable name makes the authorization invalid at once

    def __init__(self, folder):
        self.folder = str(folder)
        self.lab = Lab(folder)           # its ports, and its name server
        self.http_port, self.tls_port = self.lab.http_port, self.lab.tls_port
        self.challtest_port = self.lab.challtest_port
        self.process = None

    @property
    def ca_file(self):
        return self.lab.ca_file

    def start(self):
        self.lab.start_names()
        self.lab.set_name(NOWHERE, None)
        self.start_server()
        return self

    def stop(self):
        self.lab.stop()
        if self.process is not None:
            self.process.stop()

    def log(self):
        return self.process.log()


class Pebble210(Server):
    """In strict mode, the newest."""

    program = os.path.join(BIN, "pebble")

    def __init__(self, folder):
        super().__init__(folder)
        self.lab = Lab(folder, pebble_program=self.program,
                       config={"domainBlocklist": [REFUSED]})
        self.http_port, self.tls_port = self.lab.http_port, self.lab.tls_port
        self.challtest_port = self.lab.challtest_port

    @property
    def directory(self):
        return self.lab.directory

    def start_server(self):
        self.lab.start_pebble()

    def log(self):
        return self.lab.pebble.log()

    def revoked(self, serial):
        return '"Revoked"' in self.lab.management(f"/cert-status-by-serial/{serial:x}").decode()


class Pebble26(Pebble210):
    """Without dns-persist-01, dns-account-01 and pre-authorization."""

    program = os.path.join(ROOT, "third_party", "bench", "usr", "bin", "pebble")


class Caddy(Server):
    """Its acme_server with a CA of its own. It takes names from /etc/hosts and looks at ports 80 and
    443: it has its own /etc/hosts (a mount namespace) and an address of the loopback to itself."""

    rollover = False
    fails_dead_names = False

    def __init__(self, folder):
        super().__init__(folder)
        self.port = free_port()
        self.address = f"127.{random.randrange(16, 250)}.{random.randrange(250)}.{random.randrange(1, 250)}"
        self.relays = []

    @property
    def directory(self):
        return f"https://127.0.0.1:{self.port}/acme/local/directory"

    def start_server(self):
        self.relays = [Relay(self.address, 80, self.http_port), Relay(self.address, 443, self.tls_port)]
        hosts = os.path.join(self.folder, "hosts")
        with open(hosts, "w", encoding="ascii") as f:
            f.write("127.0.0.1 localhost\n")
            f.writelines(f"{self.address} {name}\n" for name in DEVICES)
        certs = self.lab.certs
        config = {
            "admin": {"disabled": True},
            "storage": {"module": "file_system", "root": os.path.join(self.folder, "caddy")},
            "logging": {"logs": {"default": {"level": "DEBUG"}}},
            "apps": {
                "pki": {"certificate_authorities": {"local": {"install_trust": False}}},
                "tls": {"certificates": {"load_files": [
                    {"certificate": certs["server.pem"], "key": certs["server.key"]}]}},
                "http": {"servers": {"acme": {
                    "listen": [f"127.0.0.1:{self.port}"], "automatic_https": {"disable": True},
                    "tls_connection_policies": [{}],
                    "routes": [{"handle": [{
                        "handler": "acme_server", "lifetime": "24h",
                        "resolvers": [f"udp/{self.lab.names_at}"],
                        "policy": {"deny": {"domains": [REFUSED]}, "allow_wildcard_names": True}}]}]}}}}}
        path = os.path.join(self.folder, "caddy.json")
        with open(path, "w", encoding="ascii") as f:
            json.dump(config, f)
        ours = [] if os.geteuid() == 0 else ["--map-root-user"]
        self.process = Process("caddy-log", [
            "unshare", "--mount", *ours, "sh", "-c",
            'mount --bind "$1" /etc/hosts && exec "$2" run --config "$3"', "sh", hosts,
            os.path.join(BIN, "caddy"), path], self.folder,
            {"HOME": self.folder, "XDG_DATA_HOME": self.folder, "XDG_CONFIG_HOME": self.folder})
        wait_until(lambda: listens(self.port), "Caddy", 60)

    def stop(self):
        super().stop()
        for relay in self.relays:
            relay.stop()

    def revoked(self, serial):
        """It publishes neither OCSP nor a CRL: known from its own database only."""
        return None


class StepCa(Server):
    """step-ca's library, with a root, an issuer and a database here."""

    rollover = False
    fails_dead_names = False

    def __init__(self, folder):
        super().__init__(folder)
        self.port, self.plain_port = free_port(), free_port()

    @property
    def directory(self):
        return f"https://127.0.0.1:{self.port}/acme/acme/directory"

    @property
    def ca_file(self):
        return os.path.join(self.folder, "step-root.pem")

    def _write(self, name, data):
        path = os.path.join(self.folder, name)
        with open(path, "wb") as f:
            f.write(data)
        return path

    def make_ca(self):
        now = datetime.datetime.utcnow()
        keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
        names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, n)])
                 for n in ("Step root", "Step issuer")]
        paths = []
        for number, name in enumerate(("step-root.pem", "step-issuer.pem")):
            usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
            cert = (x509.CertificateBuilder().subject_name(names[number]).issuer_name(names[0])
                    .public_key(keys[number].public_key()).serial_number(x509.random_serial_number())
                    .not_valid_before(now - datetime.timedelta(hours=1))
                    .not_valid_after(now + datetime.timedelta(days=400))
                    .add_extension(x509.BasicConstraints(True, 1 - number), critical=True)
                    .add_extension(usage, critical=True)
                    .add_extension(x509.SubjectKeyIdentifier.from_public_key(
                        keys[number].public_key()), critical=False)
                    .sign(keys[0], hashes.SHA256()))
            paths.append(self._write(name, cert.public_bytes(serialization.Encoding.PEM)))
        paths.append(self._write("step-issuer.key", keys[1].private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption())))
        return paths

    def start_server(self):
        root, issuer, key = self.make_ca()
        config = {
            "root": root, "crt": issuer, "key": key, "address": f"127.0.0.1:{self.port}",
            "insecureAddress": f"127.0.0.1:{self.plain_port}",
            "dnsNames": ["127.0.0.1", "localhost"], "logger": {"format": "text"},
            "db": {"type": "bbolt", "dataSource": os.path.join(self.folder, "step.db")},
            "crl": {"enabled": True, "generateOnRevoke": True},
            "authority": {"provisioners": [{"type": "ACME", "name": "acme",
                                            "challenges": list(self.challenges)}],
                          "policy": {"x509": {"deny": {"dns": [REFUSED]},
                                              "allowWildcardNames": True}}}}
        path = self._write("step.json", json.dumps(config).encode())
        self.process = Process("step-log", [
            os.path.join(BIN, "step-ca"), path, str(self.http_port), str(self.tls_port),
            self.lab.names_at], self.folder, {"HOME": self.folder, "STEPPATH": self.folder})
        wait_until(lambda: listens(self.port), "step-ca", 60)

    def revoked(self, serial):
        done = subprocess.run(["curl", "-sS", "--max-time", "10", f"http://127.0.0.1:{self.plain_port}/crl"],
                              capture_output=True, check=True)
        crl = x509.load_der_x509_crl(done.stdout)
        return crl.get_revoked_certificate_by_serial_number(serial) is not None


SERVERS = {"pebble-2.6": Pebble26, "pebble-2.10": Pebble210, "caddy": Caddy, "step-ca": StepCa}
