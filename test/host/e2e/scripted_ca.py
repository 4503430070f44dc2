"""A small ACME server that says what a test tells it to: it keeps the protocol by itself, and a test
replaces single answers, down to the bytes on the wire. It verifies no signatures: it is here to
lie, not to judge."""
import base64
import datetime
import json
import os
import socket
import ssl
import threading

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from lab import free_port, make_server_ca

JSON = "application/json"
PEM = "application/pem-certificate-chain"
TOKEN = "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0"


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Reply:
    """An answer; raw bytes instead of it go out as they are."""

    def __init__(self, body=None, status=200, content=JSON, headers=None):
        self.body = json.dumps(body) if isinstance(body, (dict, list)) else (body or "")
        self.status, self.content, self.headers = status, content, dict(headers or {})

    def encode(self, nonce):
        lines = [f"HTTP/1.1 {self.status} Whatever", f"Content-Length: {len(self.body)}"]
        if nonce:
            lines.append(f"Replay-Nonce: {nonce}")
        if self.content:
            lines.append(f"Content-Type: {self.content}")
        lines += [f"{k}: {v}" for k, v in self.headers.items()]
        return ("\r\n".join(lines) + "\r\n\r\n" + self.body).encode("latin-1")


def problem(kind, detail="as the test wants it", status=400, headers=None, **more):
    return Reply({"type": "urn:ietf:params:acme:error:" + kind, "detail": detail, **more}, status,
                 "application/problem+json", headers)


class Wire:
    """An answer that a function gives by itself, on the TLS stream; then the connection ends."""

    def __init__(self, act):
        self.act = act


class ScriptedCa:
    """answers: resource name -> function(ca, request) that returns a Reply, bytes, a Wire, or None
    for the usual answer. request has .method, .path, .payload. on_connect: function(TCP stream)
    that returns true if the connection is done with."""

    def __init__(self, folder):
        self.folder = str(folder)
        self.certs = make_server_ca(self.folder)
        self.port, self.http_port = free_port(), free_port()
        self.base = f"https://127.0.0.1:{self.port}"
        self.answers = {}
        self.log = []
        self.orders, self.nonces = 0, 0
        self.give_nonces = True
        self.on_connect, self.connections = None, 0
        self.finalized = self.names = None
        self.proven = set()
        self.identifiers = []      # as the client asked for them
        self.pre_authorized = []   # of newAuthz
        self.authorized = True
        self.root_key = ec.generate_private_key(ec.SECP256R1())
        self.issuer_key = ec.generate_private_key(ec.SECP256R1())
        self.root = self.sign_ca("Scripted root", self.root_key, "Scripted root", self.root_key)
        self.issuer = self.sign_ca("Scripted issuer", self.issuer_key, "Scripted root",
                                   self.root_key)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(self.certs["server.pem"], self.certs["server.key"])
        self.listener = socket.create_server(("127.0.0.1", self.port))
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    @property
    def directory(self):
        return self.base + "/directory"

    @property
    def ca_file(self):
        return self.certs["ca.pem"]

    def stop(self):
        # The thread must be out of accept before its descriptor can be another socket's.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.listener.close()

    # ---- certificates ----

    @staticmethod
    def builder(subject, issuer, public, days=(-1, 90)):
        now = datetime.datetime.utcnow()
        return (x509.CertificateBuilder()
                .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
                .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
                .public_key(public).serial_number(x509.random_serial_number())
                .not_valid_before(now + datetime.timedelta(days=days[0]))
                .not_valid_after(now + datetime.timedelta(days=days[1])))

    def sign_ca(self, subject, key, issuer, issuer_key):
        return (self.builder(subject, issuer, key.public_key(), (-10, 1000))
                .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
                .sign(issuer_key, hashes.SHA256()))

    def issue(self, names=None, public=None, days=(-1, 90), signer=None, padding=0):
        """A leaf for the CSR that was sent, unless told otherwise."""
        names = self.names if names is None else names
        b = self.builder(names[0] if names else "nobody", "Scripted issuer",
                         public or self.finalized.public_key(), days)
        b = b.add_extension(x509.SubjectAlternativeName([x509.DNSName(n) for n in names]),
                            critical=False)
        if padding:
            b = b.add_extension(x509.UnrecognizedExtension(
                x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\0" * padding), critical=False)
        return b.sign(signer or self.issuer_key, hashes.SHA256())

    @staticmethod
    def pem(*certs):
        return "".join(c.public_bytes(serialization.Encoding.PEM).decode() for c in certs)

    # ---- resources ----

    def usual(self, name, request):
        return getattr(self, "on_" + name)(request)

    def on_directory(self, _request):
        return Reply({"newNonce": self.base + "/nonce", "newAccount": self.base + "/account",
                      "newOrder": self.base + "/order", "revokeCert": self.base + "/revoke",
                      "keyChange": self.base + "/key-change",
                      "meta": {"termsOfService": self.base + "/terms"}})

    def on_nonce(self, _request):
        return Reply("", 200, None)

    def on_account(self, _request):
        return Reply({"status": "valid"}, 201, headers={"Location": self.base + "/account/1"})

    def order_body(self, status, **more):
        body = {"status": status, "finalize": self.base + "/finalize",
                "identifiers": [{"type": "dns", "value": n} for n in self.names],
                "authorizations": [f"{self.base}/authorization/{i}"
                                   for i in range(len(self.names))]}
        if status == "valid":
            body["certificate"] = self.base + "/certificate"
        return {**body, **more}

    def on_order(self, request):
        self.orders += 1
        self.identifiers = request.payload["identifiers"]
        self.names = [i["value"] for i in self.identifiers]
        self.finalized = None
        return Reply(self.order_body("pending"), 201,
                     headers={"Location": f"{self.base}/orders/{self.orders}"})

    def on_new_authz(self, request):
        """Pre-authorization (RFC 8555 7.4.1); answers that say so in the directory come here."""
        self.pre_authorized.append(request.payload["identifier"])
        number = len(self.pre_authorized) - 1
        return Reply(self.pre_body(number, "pending"), 201,
                     headers={"Location": f"{self.base}/pre/{number}"})

    def pre_body(self, number, state):
        identifier = dict(self.pre_authorized[number])
        allowed = identifier.pop("subdomainAuthAllowed", False)
        body = {"status": state, "identifier": identifier,
                "challenges": [{"type": "http-01", "url": f"{self.base}/prechallenge/{number}",
                                "status": "pending", "token": TOKEN}]}
        return {**body, "subdomainAuthAllowed": True} if allowed else body

    def on_pre(self, request):
        number = int(request.path.rsplit("/", 1)[1])
        return Reply(self.pre_body(number, "valid" if number in self.proven else "pending"))

    def on_prechallenge(self, request):
        self.proven.add(int(request.path.rsplit("/", 1)[1]))
        return Reply({"type": "http-01", "status": "processing"}, headers={"Retry-After": "0"})

    def on_orders(self, _request):
        return Reply(self.order_body("valid" if self.finalized else "pending"))

    def authorization_body(self, number, state, **challenge):
        return {"status": state, "identifier": {"type": "dns", "value": self.names[number]},
                "challenges": [{"type": "dns-01", "url": self.base + "/challenge/dns",
                                "status": "pending", "token": TOKEN},
                               {"type": "http-01", "url": self.base + "/challenge/http",
                                "status": "pending", "token": TOKEN, **challenge}]}

    def on_authorization(self, request):
        number = int(request.path.rsplit("/", 1)[1])
        return Reply(self.authorization_body(number, "valid" if self.authorized else "pending"))

    def on_challenge(self, _request):
        self.authorized = True
        return Reply({"type": "http-01", "status": "processing"}, headers={"Retry-After": "0"})

    def on_finalize(self, request):
        self.finalized = x509.load_der_x509_csr(unb64(request.payload["csr"]))
        return Reply(self.order_body("processing"), headers={"Retry-After": "0"})

    def on_certificate(self, _request):
        return Reply(self.pem(self.issue(), self.issuer), content=PEM)

    def on_revoke(self, _request):
        return Reply("", 200, None)

    # ---- HTTP ----

    def _accept(self):
        while True:
            try:
                stream, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(stream,), daemon=True).start()

    def _serve(self, stream):
        try:
            self.connections += 1
            if self.on_connect is not None and self.on_connect(stream):
                stream.close()
                return
            with self.context.wrap_socket(stream, server_side=True) as tls:
                while self._answer(tls):
                    pass
        except (OSError, ssl.SSLError, ValueError):
            pass

    def _answer(self, tls):
        data = b""
        while b"\r\n\r\n" not in data:
            part = tls.recv(65536)
            if not part:
                return False
            data += part
        head, body = data.split(b"\r\n\r\n", 1)
        lines = head.decode().split("\r\n")
        fields = {k.lower(): v for k, v in (line.split(": ", 1) for line in lines[1:])}
        while len(body) < int(fields.get("content-length", 0)):
            body += tls.recv(65536)
        request = Request(lines[0], body)
        name = request.path.split("/")[1]
        self.log.append(name)
        answer = self.answers.get(name)
        reply = answer(self, request) if answer else None
        reply = self.usual(name, request) if reply is None else reply
        if isinstance(reply, Wire):
            reply.act(tls)
            return False
        if isinstance(reply, Reply):
            self.nonces += 1
            reply = reply.encode(f"nonce{os.urandom(9).hex()}" if self.give_nonces else None)
        tls.sendall(reply)
        return b"Connection: close" not in reply


class Request:
    def __init__(self, line, body):
        self.method, self.path, _ = line.split(" ")
        jws = json.loads(body) if body else {}
        self.protected = json.loads(unb64(jws["protected"])) if jws else {}
        self.payload = json.loads(unb64(jws["payload"]) or b"null") if jws else None
