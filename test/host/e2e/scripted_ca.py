"""A small ACME server that says what a test tells it to: it keeps the protocol by itself, and a test
replaces single answers, down to the bytes on the wire. It verifies no signatures: it is here to
lie, not to judge. With a profile (ca_profiles.py) its usual answers are those of a public CA."""
import base64
import datetime
import json
import os
import re
import socket
import ssl
import threading

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ca_oracle import Oracle, thumbprint
from ca_profiles import PROFILES, USED_BINDING, Profile
from lab import free_port, make_server_ca

JSON = "application/json"
PEM = "application/pem-certificate-chain"
LOST = 599   # the status of an answer that is none
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


def seen(reply):
    """Status and JSON body of an answer, as far as it has them."""
    if isinstance(reply, Wire):
        return LOST, {}
    if isinstance(reply, bytes):
        head, _, text = reply.partition(b"\r\n\r\n")
        words = head.split(b" ", 2)
        status = int(words[1]) if len(words) > 1 and words[1].isdigit() else LOST
    else:
        status, text = reply.status, reply.body
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        body = {}
    return status, body if isinstance(body, dict) else {}


class ScriptedCa:
    """answers: resource name -> function(ca, request) that returns a Reply, bytes, a Wire, or None
    for the usual answer. request has .method, .path, .payload. on_connect: function(TCP stream)
    that returns true if the connection is done with."""

    made = []                      # in this test, for its end

    def __init__(self, folder, profile=None, address="127.0.0.1"):
        self.folder = str(folder)
        self.profile = PROFILES[profile] if isinstance(profile, str) else profile or Profile(())
        self.nonce_length = self.profile.nonce if profile else 0
        self.oracle = Oracle()
        self.keys = []             # of the accounts, in the order in which they came
        self.key_lost = set()      # newAccount was answered, and the answer lost
        self.bindings = set()      # that were used
        ScriptedCa.made.append(self)
        self.certs = make_server_ca(self.folder)
        self.record = 1400         # bytes of the most: servers of many CAs begin with short ones
        self.port, self.http_port = free_port(), free_port()
        self.base = f"https://{address}:{self.port}"
        self.answers = {}
        self.log = []
        self.orders, self.nonces = 0, 0
        self.give_nonces = True
        self.on_connect, self.connections = None, 0
        self.finalized = self.names = None
        self.requests = []
        self.oracle_finalized = set()
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

    def url(self, path):
        """As long as the profile's are."""
        return f"{self.base}/{path}" + ("/" + "p" * (self.profile.path - 1) if self.profile.path else "")

    def on_directory(self, _request):
        p = self.profile
        meta = {"termsOfService": self.base + "/terms", **dict(p.meta)}
        if p.eab and p.eab_told:
            meta["externalAccountRequired"] = True
        body = {"newNonce": self.url("nonce"), "newAccount": self.url("account"),
                "newOrder": self.url("order"), "revokeCert": self.url("revoke"),
                "keyChange": self.url("key-change"), "meta": meta, **dict(p.members)}
        if p.ari_problem:
            body["renewalInfo"] = self.url("renewal-info")
        return Reply(body)

    def on_renewal_info(self, _request):
        return problem("malformed", "ARI Feature not enabled", 404)

    def on_nonce(self, _request):
        return Reply("", 200, None)

    def on_account(self, request):
        number = self.number(request)
        if number is not None:
            state = (request.payload or {}).get("status", "valid")
            return Reply({"status": state})
        key, p = thumbprint(request.protected["jwk"]), self.profile
        known = key in self.keys
        if not known and request.payload.get("onlyReturnExisting"):
            return problem("accountDoesNotExist", status=400)
        refused = self.refuse_account(request, p)
        if refused is not None:
            return refused
        if not known:
            self.keys.append(key)
        location = self.base + f"/account/{self.keys.index(key) + 1}"
        return Reply({"status": "valid"}, 200 if known else 201, headers={"Location": location})

    def refuse_account(self, request, p):
        """A new one without a contact or a binding, or any whose binding was used (as the CAs do that
        know a binding only once)."""
        if request.payload.get("onlyReturnExisting"):
            return None
        binding = request.payload.get("externalAccountBinding")
        if binding:
            kid = json.loads(unb64(binding["protected"]))["kid"]
            if p.eab and kid in self.bindings:
                status, kind, words = USED_BINDING[p.eab]
                return problem(kind, words, status)
            self.bindings.add(kid)
        elif p.eab:
            return problem("externalAccountRequired", "an external account binding is required")
        if p.contact and not request.payload.get("contact"):
            if binding:
                self.bindings.discard(kid)
            return problem(p.contact, "a contact is required")
        return None

    @staticmethod
    def number(request):
        """Of a resource's URL, its last one; None where it has none."""
        numbers = [part for part in request.path.split("/") if part.isdigit()]
        return int(numbers[-1]) if numbers else None

    def order_body(self, status, **more):
        p = self.profile
        body = {"status": status, "finalize": self.url("finalize"),
                "identifiers": [{"type": "dns", "value": n} for n in self.names],
                "authorizations": [self.url(f"authorization/{i}") for i in range(len(self.names))]}
        if p.bare != "kept" and status in ("ready", "processing", "valid"):
            body["authorizations"] = p.bare
            if p.bare == "absent":
                del body["authorizations"]
        if p.replaces:
            body["replaces"] = ""
        if status == "valid":
            body["certificate"] = self.url("certificate")
        return {**body, **more}

    def on_order(self, request):
        self.orders += 1
        self.identifiers = request.payload["identifiers"]
        self.names = [i["value"] for i in self.identifiers]
        self.finalized = None
        if len(self.names) > self.profile.names:
            return problem("rejectedIdentifier", f"at most {self.profile.names} names", 400)
        return Reply(self.order_body("ready" if self.profile.proven else "pending"),
                     self.profile.order_status,
                     headers={"Location": self.url(f"orders/{self.orders}")})

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
        proven = "ready" if self.profile.proven else "pending"
        return Reply(self.order_body("valid" if self.finalized else proven))

    def authorization_body(self, number, state, **challenge):
        if self.profile.sources:
            return {"status": state, "identifier": {"type": "dns", "value": self.names[number]},
                    "expires": "2099-01-01T00:00:00Z",
                    "challenges": [{"type": t, "url": self.url("challenge"), "status": "pending",
                                    "token": TOKEN, **(challenge if t == "http-01" else {})}
                                   for t in self.profile.types]}
        return {"status": state, "identifier": {"type": "dns", "value": self.names[number]},
                "challenges": [{"type": "dns-01", "url": self.base + "/challenge/dns",
                                "status": "pending", "token": TOKEN},
                               {"type": "http-01", "url": self.base + "/challenge/http",
                                "status": "pending", "token": TOKEN, **challenge}]}

    def on_authorization(self, request):
        number = self.number(request)
        return Reply(self.authorization_body(number, "valid" if self.authorized else "pending"))

    def on_challenge(self, _request):
        self.authorized = True
        return Reply({"type": "http-01", "status": "processing"}, headers={"Retry-After": "0"})

    def on_finalize(self, request):
        self.finalized = x509.load_der_x509_csr(unb64(request.payload["csr"]))
        return Reply(self.order_body("processing"), headers={"Retry-After": "0"})

    def on_certificate(self, _request):
        if self.profile.adds_www:
            names = [*self.names, *("www." + n for n in self.names)]
            return Reply(self.pem(self.issue(names=names), self.issuer), content=PEM)
        return Reply(self.pem(self.issue(), self.issuer), content=PEM)

    def on_revoke(self, _request):
        return Reply("", 200, None)

    # ---- what holds always (ca_oracle.py) ----

    def tell_oracle(self, name, request, reply):
        status, body = seen(reply)
        if name == "finalize" and status < 300:
            if self.names and self.orders not in self.oracle_finalized:
                self.oracle_finalized.add(self.orders)
                self.oracle.order_finalized(self.names)
        if name in ("order", "orders", "finalize") and body.get("status") == "invalid" and self.names:
            self.oracle.order_given_up(self.names)
        if name == "orders" and status in (404, 410) and self.names:
            self.oracle.order_missing(self.orders, self.names)
        elif name == "orders" and status < 300:
            self.oracle.missing.pop(self.orders, None)
        if name == "account":
            self.tell_account(request, status, body)
        if name == "key-change" and not 400 <= status < LOST:
            self.change_key(request)

    def change_key(self, request):
        """Also where the answer is lost: the CA has done it."""
        new = thumbprint(json.loads(unb64(request.payload["protected"]))["jwk"])
        number = int(re.search(r"/account/([0-9]+)", request.protected["kid"])[1]) - 1
        self.oracle.key_changed(self.keys[number], new)
        self.keys[number] = new

    def tell_account(self, request, status, body):
        jwk = request.protected.get("jwk")
        key = thumbprint(jwk) if jwk else None
        if body.get("status") in ("deactivated", "revoked"):
            self.oracle.account_gone(key)
        elif status < 300 and key and body.get("status") == "valid":
            self.oracle.account_valid(key)
        elif request.payload and request.payload.get("onlyReturnExisting") and \
                body.get("type", "").endswith("accountDoesNotExist"):
            self.oracle.account_gone(key)

    # ---- HTTP ----

    def new_nonce(self):
        if not self.nonce_length:
            return f"nonce{os.urandom(9).hex()}"
        text = "AEkAAAAK" + base64.urlsafe_b64encode(os.urandom(self.nonce_length)).decode()
        return text[:self.nonce_length]

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
        self.requests.append(request)
        answer = self.answers.get(name)
        reply = answer(self, request) if answer else None
        reply = self.usual(name.replace("-", "_"), request) if reply is None else reply
        self.tell_oracle(name, request, reply)
        if isinstance(reply, Wire):
            reply.act(tls)
            return False
        if isinstance(reply, Reply):
            self.nonces += 1
            for header, value in self.profile.headers:
                reply.headers.setdefault(header, value)
            reply = reply.encode(self.new_nonce() if self.give_nonces else None)
        for start in range(0, len(reply), self.record):
            tls.sendall(reply[start:start + self.record])
        return b"Connection: close" not in reply


DEVICE = "device.example.org"


def huge_authorization(ca):
    """Thirty types, twenty validation records, 64 KB in all."""
    def answer(ca_, request):
        number = ca_.number(request)
        body = ca_.authorization_body(number, "valid" if ca_.authorized else "pending")
        odd = [{"type": f"future-{i:02}", "url": f"{ca_.base}/challenge/{i}", "status": "pending", "token": TOKEN,
                "hints": [{"a": [1, 2.5, {"b": None}]}] * 3, "padding": "p" * 700} for i in range(27)]
        records = [{"url": f"http://{DEVICE}/{i}", "hostname": DEVICE, "port": "80", "addressUsed": "192.0.2.1",
                    "addressesResolved": ["192.0.2.1", "2001:db8::1"], "resolverAddrs": ["[::1]:53"],
                    "padding": "q" * 1500} for i in range(20)]
        body["challenges"] = odd[:14] + body["challenges"] + odd[14:]
        body["challenges"][15]["validationRecord"] = records
        text = json.dumps(body)
        return Reply(text + " " * (65536 - len(text)))
    ca.authorized = False
    ca.answers["authorization"] = answer


class Request:
    def __init__(self, line, body):
        self.method, self.path, _ = line.split(" ")
        jws = json.loads(body) if body else {}
        self.protected = json.loads(unb64(jws["protected"])) if jws else {}
        self.payload = json.loads(unb64(jws["payload"]) or b"null") if jws else None
