"""One board at one CA of the zoo: the CA's HTTPS has the row's chain, the CA issues the row's chain, and a client that
trusts the row's anchor alone looks at what the device serves. What it took is measured, by instructions."""
import dataclasses
import os
import re
import socket
import ssl

from cryptography.hazmat.primitives import serialization

from board import BARE, BOARDS, Board
from chain_zoo import der, make_key, pem
from lab import ROOT
from scripted_ca import JSON, PEM, Reply, ScriptedCa

NAME = "device.example.org"
AT_25_MHZ_NS = 64                  # an instruction
VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
FAILED = ("acme: error", "panic:", "https: handshake, error", "https: cannot begin")
DONE = "https: serving until"


class ChainCa(ScriptedCa):
    """A scripted CA in front of and behind the chain of a row. large: whole replies in records of up to 16 KB, as
    OpenSSL and nginx send them, one of them full."""

    def __init__(self, folder, row, version, large):
        super().__init__(folder, address="10.0.2.2")
        self.row, self.certificates = row, []
        self.record = 16384 if large else 1400
        server = make_key(row.server)
        chain = [row.leaf(server.public_key(), ["ca.example.org", "localhost"], ["127.0.0.1", "10.0.2.2"]),
                 *row.intermediates()]
        paths = {name: os.path.join(self.folder, "row_" + name) for name in ("ca.pem", "chain.pem", "key.pem")}
        with open(paths["ca.pem"], "w", encoding="ascii") as f:
            f.write(pem(row.root()))
        with open(paths["chain.pem"], "w", encoding="ascii") as f:
            f.write(pem(*chain))
        with open(paths["key.pem"], "wb") as f:
            f.write(server.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                         serialization.NoEncryption()))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(paths["chain.pem"], paths["key.pem"])
        if version:
            context.minimum_version = context.maximum_version = VERSIONS[version]
        self.context = context
        self.certs["ca.pem"] = paths["ca.pem"]
        self.negotiated = set()
        if large:
            self.answers["authorization"] = self.full_record

    def full_record(self, _ca, request):
        """The reply, its head included, is more than a record can hold."""
        usual = self.on_authorization(request)
        return Reply(usual.body + " " * (17000 - len(usual.body)), content=JSON)

    def on_certificate(self, _request):
        self.certificates = [self.row.leaf(self.finalized.public_key(), self.names), *self.row.intermediates()]
        return Reply(pem(*self.certificates), content=PEM)

    def _answer(self, tls):
        self.negotiated.add(tls.version())
        return super()._answer(tls)


@dataclasses.dataclass
class Result:
    """What a cell of docs/chains.md says. error is empty when the chain was verified, stored, served, verified."""
    board: str
    row: str
    version: str                   # of the CA's TLS
    served_bytes: int = 0
    pool_peak: int = 0
    stack_peak: int = 0
    step_s: float = 0              # at 25 MHz
    busy_s: float = 0
    error: str = ""


def why(text):
    """The first lines that say that something went wrong."""
    lines = [line.strip() for line in text.splitlines() if line.startswith(("acme: error", "acme: problem", "panic:",
             "https: handshake", "https: cannot", "tls:", "fault"))]
    return "; ".join(lines[:3]) or "nothing happened"


def look(board, anchor, version=None):
    """The status page and the chain that is served, verified up to the anchor alone."""
    context = ssl.create_default_context(cafile=anchor)
    if version:
        context.minimum_version = context.maximum_version = VERSIONS[version]
    with socket.create_connection(("127.0.0.1", board.https_port), 30) as raw, \
            context.wrap_socket(raw, server_hostname=NAME) as s:
        chain = [c.public_bytes(ssl._ssl.ENCODING_DER) for c in s._sslobj.get_unverified_chain()]
        s.sendall(f"GET /status.json HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode())
        answer = b""
        while part := s.recv(4096):
            answer += part
    return dict(re.findall(r'"(\w+)":"([^"]*)"', answer.decode())), chain


def boot(folder, kind, ca):
    """A first boot, up to its end, good or bad."""
    board = Board(folder, kind, http_port=ca.http_port, icount=True)
    try:
        board.start().provision([NAME], ca.directory, ca.ca_file)
        board.wait_for_any((DONE, *FAILED), 60)
    except (RuntimeError, TimeoutError):
        board.cut_power()
        raise
    return board


def measure(result, status, chain):
    scale = AT_25_MHZ_NS / (1 << BOARDS[result.board][2]) / 1e6
    result.served_bytes = sum(map(len, chain))
    result.pool_peak, result.stack_peak = int(status["mbedtls_pool_peak"]), int(status["stack_peak"])
    result.step_s = max(int(status["longest_step_us"]), int(status["longest_https_step_us"])) * scale
    result.busy_s = int(status["busy_us"]) * scale


def run(folder, kind, name, row, version="1.2", large=True):
    """A row on a board, with the version of TLS at the CA. Never raises for what the device does."""
    result = Result(kind, name, version)
    ca = ChainCa(folder, row, version, large)
    board = None
    try:
        board = boot(folder, kind, ca)
        if DONE not in board.text:
            result.error = why(board.text)
            return result
        look(board, ca.ca_file)
        status, chain = look(board, ca.ca_file)  # again: now the peaks have a visitor's in them
        measure(result, status, chain)
        if chain != [der(c) for c in ca.certificates]:
            result.error = f"{len(chain)} certificates served of {len(ca.certificates)}"
    except (OSError, RuntimeError, TimeoutError) as e:
        last = why(board.text) if board is not None else ""
        result.error = f"{str(e).splitlines()[0]}; {last}"
    finally:
        if board is not None:
            board.cut_power()
        ca.stop()
    return result


def boards():
    return BARE


def versions(kind):
    """Of TLS, that a board has."""
    with open(os.path.join(ROOT, "boards", kind, "board.cmake"), encoding="ascii") as f:
        config = re.search(r"CMAKE_CURRENT_LIST_DIR}/(\S+mbedtls_config.h)", f.read())[1]
    with open(os.path.join(ROOT, "boards", kind, config), encoding="ascii") as f:
        return ("1.2", "1.3") if "MBEDTLS_SSL_PROTO_TLS1_3" in f.read() else ("1.2",)
