"""Name servers for the end-to-end tests: a real BIND 9 with TSIG keys in the foreground, and a
scripted server (dnspython) that misbehaves in front of it."""
import base64
import os
import socket
import subprocess
import threading

import dns.exception
import dns.message
import dns.query
import dns.rdatatype

from lab import Process, free_port, wait_until

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
                       capture_output=True, timeout=20)

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
        with stream:
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
