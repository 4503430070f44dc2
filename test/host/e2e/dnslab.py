"""Name servers for the end-to-end tests: a real BIND 9 with TSIG keys in the foreground, and a
scripted server (dnspython) that misbehaves in front of it."""
import base64
import contextlib
import http.server
import json
import os
import socket
import ssl
import subprocess
import threading

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from lab import PATIENCE, Process, free_port, wait_until

SECRET = bytes(range(32))
KEYS = {f"key{bits}": f"hmac-sha{bits}" for bits in (256, 384, 512)}


def dns_answers(port, address="127.0.0.1"):
    try:
        dns.query.udp(dns.message.make_query("example.org", "SOA"), address, 0.5, port)
        return True
    except (OSError, dns.exception.DNSException):
        return False


class Bind:
    """BIND 9 for the zones example.org (updates with any of KEYS), example.net (updates with key256
    for TXT) and locked.test (no updates); records adds (zone, line). Their name servers are those given; their addresses are of the loopback and listen on self.port."""

    ZONES = ("example.org", "example.net", "locked.test")

    def __init__(self, folder, name_servers=(("ns1", "127.0.0.1"),), records=(), options=""):
        self.folder = str(folder)
        self.port = free_port()
        self.name_servers, self.records, self.options = name_servers, records, options
        self.process = None

    def _write(self, name, text):
        with open(os.path.join(self.folder, name), "w", encoding="ascii") as f:
            f.write(text)

    def _zone(self, zone):
        lines = ["$TTL 5", f"@ SOA ns1.{zone}. hostmaster.{zone}. 1 60 60 3600 1"]
        for name, address in self.name_servers:
            lines += [f"@ NS {name}.{zone}.", f"{name} A {address}"]
        lines += [line for line_zone, line in self.records if line_zone == zone]
        return "\n".join(lines) + "\n"

    def start(self):
        secret = base64.b64encode(SECRET).decode()
        config = [f"""options {{
            directory "{self.folder}"; pid-file none; session-keyfile "{self.folder}/session.key";
            listen-on port {self.port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};
            recursion no; dnssec-validation no; notify no; {self.options} }};
            controls {{ }};"""]
        config += [f'key "{name}" {{ algorithm {algorithm}; secret "{secret}"; }};'
                   for name, algorithm in KEYS.items()]
        for zone in self.ZONES:
            self._write(zone + ".zone", self._zone(zone))
            policy = {"example.org": "".join(f"grant {k} zonesub ANY;" for k in KEYS),
                      "example.net": "grant key256 zonesub TXT;", "locked.test": ""}[zone]
            config.append(f'zone "{zone}" {{ type primary; file "{zone}.zone"; '
                          + (f"update-policy {{ {policy} }}; " if policy else "") + "};")
        self._write("named.conf", "\n".join(config))
        self.process = Process("named", ["/usr/sbin/named", "-g", "-n", "1", "-c",
                                         os.path.join(self.folder, "named.conf")], self.folder)
        wait_until(lambda: self.process.popen.poll() is None and dns_answers(self.port), "named", 30)
        return self

    def stop(self):
        if self.process is not None:
            self.process.stop()

    def txt(self, name):
        reply = dns.query.udp(dns.message.make_query(name, "TXT"), "127.0.0.1", 5, self.port)
        return sorted(b"".join(r.strings).decode() for rrset in reply.answer
                      if rrset.rdtype == dns.rdatatype.TXT for r in rrset)

    def update(self, command):
        """What nsupdate does with key256."""
        script = f"server 127.0.0.1 {self.port}\n{command}\nsend\n"
        subprocess.run(["/usr/bin/nsupdate", "-y", "hmac-sha256:key256:"
                        + base64.b64encode(SECRET).decode()], input=script, text=True, check=True,
                       capture_output=True, timeout=20 * PATIENCE)

    def log(self):
        return self.process.log()


class Front:
    """A server that hands on to another one what its script lets through. script(query, tcp,
    number) is called for each request with the parsed message; it returns None (hand on), b"" (stay
    silent), or the bytes to answer with."""

    def __init__(self, upstream_port, script, address="127.0.0.1", port=None):
        self.upstream_port, self.script = upstream_port, script
        self.address, self.port = address, port or free_port()
        self.requests = []
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind((address, self.port))
        self.tcp = socket.create_server((address, self.port))
        for target in (self._serve_udp, self._serve_tcp):
            threading.Thread(target=target, daemon=True).start()

    def _answer(self, wire, tcp):
        query = Query(wire)
        number = len(self.requests)
        self.requests.append(("tcp" if tcp else "udp", query))
        answer = self.script(query, tcp, number)
        if answer is not None:
            return answer
        with socket.create_connection(("127.0.0.1", self.upstream_port), 5) as s:
            s.sendall(len(wire).to_bytes(2, "big") + wire)
            return _read_message(s)

    def _serve_udp(self):
        while True:
            try:
                wire, peer = self.udp.recvfrom(65535)
            except OSError:
                return
            if not wire:  # shut down
                return
            answer = self._answer(wire, False)
            if answer:
                self.udp.sendto(answer, peer)

    def _serve_tcp(self):
        while True:
            try:
                stream, _ = self.tcp.accept()
            except OSError:
                return
            threading.Thread(target=self._serve_stream, args=(stream,), daemon=True).start()

    def _serve_stream(self, stream):
        with stream, contextlib.suppress(ConnectionResetError):  # whoever has enough may reset it
            while wire := _read_message(stream):
                answer = self._answer(wire, True)
                if not answer:
                    return
                stream.sendall(len(answer).to_bytes(2, "big") + answer)

    def stop(self):
        for s in (self.udp, self.tcp):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()


def _read(stream, count):
    data = b""
    while len(data) < count:
        part = stream.recv(count - len(data))
        if not part:
            return b""
        data += part
    return data


def _read_message(stream):
    head = _read(stream, 2)
    return _read(stream, int.from_bytes(head, "big")) if head else b""


class Query:
    """The parts of a request that scripts ask for; its bytes are in wire."""

    def __init__(self, wire):
        self.wire = wire
        self.id = wire[:2]
        self.update = wire[2] >> 3 & 15 == 5
        at, labels = 12, []
        while wire[at]:
            labels.append(wire[at + 1:at + 1 + wire[at]].decode("latin-1"))
            at += wire[at] + 1
        self.name = ".".join(labels)
        self.type = dns.rdatatype.to_text(int.from_bytes(wire[at + 1:at + 3], "big"))
        self.question = wire[12:at + 5]

    def reply(self, rcode=0, flags=0):
        """An answer without records, and with nobody's signature."""
        head = self.id + bytes([0x80 | (self.wire[2] & 0x79) | flags, rcode])
        return head + b"\0\1\0\0\0\0\0\0" + self.question


class AcmeDns:
    """A server that does what acme-dns does, for one account: HTTPS POST /update, and DNS for the
    zone auth.test. It is also a resolver that knows what BIND knows, and follows its CNAMEs into
    auth.test. Keeps the last two values, as acme-dns does."""

    ACCOUNT = {"username": "c36f50e8-4632-44f0-83fe-e070fef28a10", "password": "htB9mR9DYgcu9bX_afHF",
               "subdomain": "8e5700ea-a4bf-41c7-8a77-e990661dcc6a", "allowfrom": [],
               "fulldomain": "8e5700ea-a4bf-41c7-8a77-e990661dcc6a.auth.test"}

    def __init__(self, bind, certs, address="127.0.0.4"):
        self.values, self.posts, self.answer = [], [], None
        self.bind, self.address = bind, address
        self.front = Front(bind.port, self._resolve, address, bind.port)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certs["server.pem"], certs["server.key"])
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):  # noqa: N802
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, reply = server._update(self.path, self.headers, body)
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(reply)))
                self.end_headers()
                self.wfile.write(reply)

            def log_message(self, format, *args):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.socket = context.wrap_socket(self.http.socket, server_side=True)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"https://localhost:{self.http.server_port}"

    @property
    def resolver(self):
        return f"{self.address}:{self.front.port}"

    def _update(self, path, headers, body):
        self.posts.append((path, dict(headers), body))
        if self.answer is not None:
            return self.answer
        if (headers["X-Api-User"], headers["X-Api-Key"]) != (self.ACCOUNT["username"],
                                                            self.ACCOUNT["password"]):
            return 401, b'{"error":"forbidden"}'
        wanted = json.loads(body)
        if path != "/update" or wanted["subdomain"] != self.ACCOUNT["subdomain"]:
            return 400, b'{"error":"bad_subdomain"}'
        if len(wanted["txt"]) != 43:
            return 400, b'{"error":"bad_txt"}'
        self.values = (self.values + [wanted["txt"]])[-2:]
        return 200, json.dumps({"txt": wanted["txt"]}).encode()

    def _records(self, name, rtype):
        name, ns = name.lower(), "ns.auth.test."
        found = {("auth.test", "SOA"): [f"{ns} host.auth.test. 1 60 60 60 1"],
                 ("auth.test", "NS"): [ns], ("ns.auth.test", "A"): [self.address],
                 (self.ACCOUNT["fulldomain"], "TXT"): [f'"{v}"' for v in self.values]}
        return found.get((name, rtype), [])

    def _resolve(self, query, tcp, number):
        if query.name.lower().endswith("auth.test"):
            reply = dns.message.make_response(dns.message.from_wire(query.wire))
            reply.flags |= dns.flags.AA
        else:
            reply = dns.query.tcp(dns.message.from_wire(query.wire), "127.0.0.1", 5,
                                  self.bind.port)
        name = query.name
        for rrset in reply.answer:
            if rrset.rdtype == dns.rdatatype.CNAME:
                name = rrset[0].target.to_text(omit_final_dot=True)
        if name != query.name and query.type != "CNAME" and not name.endswith("auth.test") and \
                not reply.get_rrset(reply.answer, dns.name.from_text(name), dns.rdataclass.IN,
                                    dns.rdatatype.from_text(query.type)):
            more = dns.message.make_query(name, query.type)
            reply.answer += dns.query.tcp(more, "127.0.0.1", 5, self.bind.port).answer
        records = self._records(name, query.type) if name.lower().endswith("auth.test") else []
        if records:
            reply.answer.append(dns.rrset.from_text_list(name + ".", 1, "IN", query.type, records))
        elif query.name.lower().endswith("auth.test"):
            reply.authority.append(dns.rrset.from_text(
                "auth.test.", 1, "IN", "SOA", *self._records("auth.test", "SOA")))
        return reply.to_wire()

    def stop(self):
        self.http.shutdown()
        self.http.server_close()
        self.front.stop()
