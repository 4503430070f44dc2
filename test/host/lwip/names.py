"""A name server that answers as it is told: some names have many addresses, in this order, more than fit into a
datagram, or are answered late, wrongly, or for one family only. What it has no rule for, another one is asked."""
import os
import socket
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "e2e")]
from dnslab import Front  # noqa: E402

SILENT = b""
TRUNCATED = 2  # in the third byte of a head
TYPES = {"A": (1, socket.AF_INET), "AAAA": (28, socket.AF_INET6)}


class Rule:
    """The addresses of a name. over_udp: so many of them fit into a datagram, which says that there are more (None:
    all). lost: so many questions of each type get no answer. silent: types that never get one. strange: before the
    answer comes one to another question, with another address. tcp: whether there is an answer over TCP. alias: the
    name is another name of this one, which has the addresses. failing: so many questions are answered by SERVFAIL."""

    def __init__(self, *addresses, over_udp=None, lost=0, silent=(), strange=False, tcp=True, alias=None, failing=0):
        self.addresses, self.over_udp, self.lost, self.silent = addresses, over_udp, lost, silent
        self.strange, self.tcp, self.alias, self.failing = strange, tcp, alias, failing
        self.asked = []

    def _records(self, query, addresses):
        number, family = TYPES[query.type]
        out, count, owner = b"", 0, b"\xc0\x0c"
        if self.alias:
            name = b"".join(bytes([len(label)]) + label.encode() for label in self.alias.split(".")) + b"\0"
            out, count, owner = owner + b"\0\5\0\1\0\0\0\5" + len(name).to_bytes(2, "big") + name, 1, name
        for address in addresses:
            data = socket.inet_pton(family, address)
            out += owner + number.to_bytes(2, "big") + b"\0\1\0\0\0\5" + len(data).to_bytes(2, "big") + data
        return out, count + len(addresses)

    def _reply(self, query, addresses, more):
        records, count = self._records(query, addresses)
        head = query.reply(flags=TRUNCATED if more else 0)
        head = head[:3] + b"\x80" + head[4:]  # it recurses: else an empty answer is a lame server's to some
        return head[:6] + count.to_bytes(2, "big") + head[8:] + records

    def answer(self, query, tcp):
        if query.type not in TYPES:
            return query.reply()
        self.asked.append((query.type, tcp))
        turn = self.asked.count((query.type, tcp))
        addresses = [a for a in self.addresses if (":" in a) == (query.type == "AAAA")]
        if query.type in self.silent or (tcp and not self.tcp) or (not tcp and turn <= self.lost):
            return SILENT
        if turn <= self.failing:
            return query.reply(rcode=2)
        if self.strange and turn == 1:
            return bytes([query.id[0] ^ 1, query.id[1]]) + self._reply(query, addresses[:1], False)[2:]
        more = not tcp and self.over_udp is not None and self.over_udp < len(addresses)
        return self._reply(query, addresses[:self.over_udp] if more else addresses, more)


def name_server(address, upstream_port, rules):
    """rules: of names. Stop it."""
    def script(query, tcp, _):
        rule = rules.get(query.name.lower())
        return rule.answer(query, tcp) if rule else None
    return Front(upstream_port, script, address=address, port=53)
