"""A CA that misbehaves in every way we could think of: each gives a named error and a sentence,
within a bounded number of requests, and the good certificate that was stored before is still there
and still good."""
import json
import os
import re
import socket
import ssl
import struct
import time

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from conftest import Cli
from lab import ROOT
from scripted_ca import JSON, PEM, Reply, ScriptedCa, Wire, problem

NAME = "device.example.org"
AT_ONCE = {"Retry-After": "0"}
NOBODY = ec.generate_private_key(ec.SECP256R1())


@pytest.fixture(name="world")
def _world(tmp_path):
    """A scripted CA, and a store with a good certificate from it."""
    ca = ScriptedCa(tmp_path)
    cli = Cli(tmp_path, ca, "nanoacme-test")
    done = cli.run(NAME)
    assert done.code == 0, done
    yield ca, cli
    ca.stop()


REQUESTS_MAX = 150       # of a job, whatever the CA says; of bad nonces the host takes 200
CONNECTIONS_MAX = 40
SECONDS_MAX = 100        # with time-outs that come HURRY times as soon; 60 looks at what the CA is doing
                         # have a second between them


def suffer(ca, cli, *extra, requests_max=REQUESTS_MAX, hurry="20", leap=False):
    """Runs a job, and checks what holds whatever the CA does: it ends by itself, in time, with an
    exit code of its own and a word about it, after a bounded number of requests and connections;
    it gives back all memory; the certificate that was there, and its key, are as they were, unless
    there is a better one."""
    pool = cli.store + ".pool"
    before = cli.call("list", "--json").out, cli.call("export", "-d", NAME).out
    requests, connections = len(ca.log), ca.connections
    begin = time.monotonic()
    done = cli.run(NAME, extra=["--force", *extra], timeout=3 * SECONDS_MAX,
                   env={"NANOACME_TEST_HURRY": hurry, "NANOACME_TEST_POOL": pool,
                        **({"NANOACME_TEST_LEAP": "1"} if leap else {})})
    assert time.monotonic() - begin < SECONDS_MAX, done
    assert 0 <= done.code <= 6 and "Sanitizer" not in done.err, done
    assert len(ca.log) - requests < requests_max, len(ca.log) - requests
    assert ca.connections - connections < CONNECTIONS_MAX, ca.connections - connections
    with open(pool, encoding="ascii") as f:
        levels = [line.split()[1:] for line in f]
    os.unlink(pool)
    assert len(levels) == 2 and levels[0] == levels[1], levels
    assert (done.code == 0) == (done.json["result"] == "ACME_OK"), done
    if done.code != 0:
        assert f"({done.json['result']})" in done.err, done
        assert (cli.call("list", "--json").out, cli.call("export", "-d", NAME).out) == before
    return done


def raw(text):
    return lambda ca, request: text.encode("latin-1")


def say(body=None, *args, **options):
    return lambda ca, request: Reply(body, *args, **options)


def change(name, **changes):
    """The usual answer, with members changed; None removes one."""
    def answer(ca, request):
        reply = ca.usual(name, request)
        body = {**json.loads(reply.body), **changes}
        reply.body = json.dumps({k: v for k, v in body.items() if v is not None})
        return reply
    return answer


def without_header(name, header):
    def answer(ca, request):
        reply = ca.usual(name, request)
        del reply.headers[header]
        return reply
    return answer


def with_header(name, header, value):
    def answer(ca, request):
        reply = ca.usual(name, request)
        reply.headers[header] = value
        return reply
    return answer


def order(status, **more):
    return lambda ca, request: Reply(ca.order_body(status, **more))


def new_order(**changes):
    return change("order", **changes)


def authorization(state, **challenge):
    headers = challenge.pop("reply_headers", None)
    return lambda ca, request: Reply(ca.authorization_body(0, state, **challenge), headers=headers)


def authorization_with(**changes):
    return lambda ca, request: Reply({**ca.authorization_body(0, "pending"), **changes})


def chain(*make):
    return lambda ca, request: Reply(ca.pem(*(m(ca) for m in make)), content=PEM)


def leaf(**options):
    return lambda ca: ca.issue(**options)


def issuer(ca):
    return ca.issuer


def root(ca):
    return ca.root


OK = "HTTP/1.1 200 OK\r\n"
CLOSE = "Connection: close\r\n"

MISBEHAVIOUR = {
    # HTTP
    "status line of garbage": ("directory", raw("SSH-2.0-OpenSSH\r\n" + CLOSE + "\r\n"), "ACME_ERR_HTTP"),
    "HTTP/2 preface": ("directory", raw("PRI * HTTP/2.0\r\n" + CLOSE + "\r\n"), "ACME_ERR_HTTP"),
    "status 99": ("directory", raw("HTTP/1.1 099 No\r\n" + CLOSE + "\r\n"), "ACME_ERR_HTTP"),
    "header without colon": ("directory", raw(OK + "Nonsense\r\n\r\n"), "ACME_ERR_HTTP"),
    "header with a bare CR": ("directory", raw(OK + "Location: a\rb\r\n\r\n"), "ACME_ERR_HTTP"),
    "two lengths": ("directory", raw(OK + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}"), "ACME_ERR_HTTP"),
    "negative length": ("directory", raw(OK + "Content-Length: -1\r\n\r\n"), "ACME_ERR_HTTP"),
    "huge length": ("directory", raw(OK + "Content-Length: 99999999999999999999\r\n\r\n"), "ACME_ERR_HTTP_LIMIT"),
    "length over the limit": ("directory", raw(OK + "Content-Length: 4000000\r\n\r\n"), "ACME_ERR_HTTP_LIMIT"),
    "chunk length that overflows": ("directory", raw(OK + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n"), "ACME_ERR_HTTP_LIMIT"),
    "chunk over the limit": ("directory", raw(OK + "Transfer-Encoding: chunked\r\n\r\nfffffff0\r\n"), "ACME_ERR_HTTP_LIMIT"),
    "chunk that is no number": ("directory", raw(OK + "Transfer-Encoding: chunked\r\n\r\nzz\r\n"), "ACME_ERR_HTTP"),
    "gzip": ("directory", raw(OK + "Transfer-Encoding: gzip\r\n\r\n"), "ACME_ERR_HTTP"),
    "headers without end": ("directory", raw(OK + "X-Filler: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n" * 2000), "ACME_ERR_HTTP_LIMIT"),
    "a location that is too long": ("account", with_header("account", "Location", "https://127.0.0.1/" + "a" * 5000), "ACME_ERR_HTTP_LIMIT"),
    "body without end": ("directory", raw(OK + "Content-Type: application/json\r\n\r\n" + " " * 400000), "ACME_ERR_HTTP_LIMIT"),
    "redirect": ("directory", say("", 302, headers={"Location": "https://127.0.0.1/elsewhere"}), "ACME_ERR_HTTP_REDIRECT"),
    "status without problem": ("directory", say("go away", 404, "text/plain"), "ACME_ERR_HTTP_STATUS"),
    "nonce with quotes": ("nonce", raw(OK + 'Replay-Nonce: a"b\r\n\r\n'), "ACME_ERR_NONCE_NONE"),
    "no nonce": ("nonce", raw(OK + "\r\n"), "ACME_ERR_NONCE_NONE"),
    # directory
    "not JSON": ("directory", say("<html>hello</html>"), "ACME_ERR_JSON"),
    "not even close to JSON": ("directory", say("{\"newNonce\":"), "ACME_ERR_JSON"),
    "an array": ("directory", say([1, 2]), "ACME_ERR_JSON"),
    "JSON and more": ("directory", say("{} {}"), "ACME_ERR_JSON"),
    "deep JSON": ("directory", say("{\"a\":" + "[" * 5000 + "]" * 5000 + "}"), "ACME_ERR_FIELD"),
    "JSON larger than the arena": ("directory", say({"a": list(range(8000))}), "ACME_ERR_FIELD"),
    "text instead of JSON": ("directory", say("{}", content="text/html"), "ACME_ERR_CONTENT_TYPE"),
    "no newNonce": ("directory", change("directory", newNonce=None), "ACME_ERR_FIELD"),
    "no newAccount": ("directory", change("directory", newAccount=None), "ACME_ERR_FIELD"),
    "no newOrder": ("directory", change("directory", newOrder=None), "ACME_ERR_FIELD"),
    "newOrder is a number": ("directory", change("directory", newOrder=42), "ACME_ERR_FIELD"),
    "http URL": ("directory", change("directory", newOrder="http://127.0.0.1/order"), "ACME_ERR_URL"),
    "URL with line end": ("directory", change("directory", newOrder="https://127.0.0.1/o\r\nX: y"), "ACME_ERR_URL"),
    "URL with a user": ("directory", change("directory", newOrder="https://a@127.0.0.1/o"), "ACME_ERR_URL"),
    "foreign host": ("directory", change("directory", newNonce="https://evil.example/nonce"), "ACME_ERR_URL_POLICY"),
    "terms that are too long": ("directory", change("directory", meta={"termsOfService": "x" * 3000}), "ACME_OK"),
    "account binding demanded": ("directory", change("directory", meta={"externalAccountRequired": True}), None),
    # order
    "order refused": ("order", lambda c, r: problem("rejectedIdentifier", status=403), "ACME_ERR_ORDER"),
    "order rate limited": ("order", lambda c, r: problem("rateLimited", status=429), "ACME_ERR_RATE_LIMITED"),
    "unknown problem": ("order", lambda c, r: problem("somethingNew", status=418), "ACME_ERR_PROBLEM"),
    "account unknown for ever": ("order", lambda c, r: problem("accountDoesNotExist"), "ACME_ERR_ACCOUNT_NONE"),
    "order without location": ("order", without_header("order", "Location"), "ACME_ERR_FIELD"),
    "order location is http": ("order", with_header("order", "Location", "http://127.0.0.1/o"), "ACME_ERR_URL"),
    "order location elsewhere": ("order", with_header("order", "Location", "https://evil.example/o"), None),
    "order with status 200 and no location": ("order", say({"status": "pending"}), "ACME_ERR_FIELD"),
    "order for other names": ("order", new_order(identifiers=[{"type": "dns", "value": "evil.example"}]), "ACME_ERR_ORDER_IDENTIFIERS"),
    "order for more names": ("order", new_order(identifiers=[{"type": "dns", "value": NAME}] * 2), "ACME_ERR_ORDER_IDENTIFIERS"),
    "order for an address": ("order", new_order(identifiers=[{"type": "ip", "value": NAME}]), "ACME_ERR_ORDER_IDENTIFIERS"),
    "order without names": ("order", new_order(identifiers=None), "ACME_ERR_FIELD"),
    "order with strange names": ("order", new_order(identifiers=[NAME]), "ACME_ERR_FIELD"),
    "order without status": ("order", new_order(status=None), "ACME_ERR_FIELD"),
    "order with a new status": ("order", new_order(status="thinking"), "ACME_ERR_FIELD"),
    "order without finalize": ("order", new_order(finalize=None), "ACME_OK"),
    "order without authorizations": ("order", new_order(authorizations=None), "ACME_ERR_FIELD"),
    "order with numbers": ("order", new_order(authorizations=[1]), "ACME_ERR_FIELD"),
    "order with http URLs": ("order", new_order(authorizations=["http://a/"]), "ACME_ERR_URL"),
    "order with 200 authorizations": ("order", lambda c, r: new_order(authorizations=[c.base + "/authorization/0"] * 200)(c, r), "ACME_ERR_LIMIT"),
    "order with huge URLs": ("order", lambda c, r: new_order(authorizations=[c.base + "/" + "a" * 900] * 40)(c, r), "ACME_ERR_LIMIT"),
    "order is valid without a certificate": ("order", new_order(status="valid"), "ACME_OK"),
    "order is invalid": ("order", new_order(status="invalid", error={"type": "urn:ietf:params:acme:error:caa", "status": 403}), "ACME_ERR_ORDER_INVALID"),
    # authorization
    "authorization for another name": ("authorization", authorization_with(identifier={"type": "dns", "value": "evil.example"}), "ACME_ERR_ORDER_IDENTIFIERS"),
    "authorization without a name": ("authorization", authorization_with(identifier=None), "ACME_ERR_FIELD"),
    "authorization without challenges": ("authorization", authorization_with(challenges=[]), "ACME_ERR_CHALLENGE_NONE"),
    "authorization with other challenges": ("authorization", authorization_with(challenges=[{"type": "dns-01"}, {}]), "ACME_ERR_CHALLENGE_NONE"),
    "token with a slash": ("authorization", authorization("pending", token="../../../../../../etc/passwd"), "ACME_ERR_FIELD"),
    "token with a line end": ("authorization", authorization("pending", token="aaaaaaaaaaaaaaaaaaaaaaaa\r\nX"), "ACME_ERR_FIELD"),
    "token that is too short": ("authorization", authorization("pending", token="short"), "ACME_ERR_FIELD"),
    "token that is too long": ("authorization", authorization("pending", token="a" * 129), "ACME_ERR_FIELD"),
    "no token": ("authorization", authorization("pending", token=None), "ACME_ERR_FIELD"),
    "challenge without URL": ("authorization", authorization("pending", url=None), "ACME_ERR_FIELD"),
    "challenge elsewhere": ("authorization", authorization("pending", url="https://evil.example/"), "ACME_ERR_URL_POLICY"),
    "authorization invalid": ("authorization", authorization("invalid", error={"type": "urn:ietf:params:acme:error:connection", "detail": "no way in", "status": 400}), "ACME_ERR_AUTHORIZATION"),
    "authorization deactivated": ("authorization", authorization("deactivated"), "ACME_ERR_AUTHORIZATION"),
    "authorization pending for ever": ("authorization", authorization("pending", status="processing", reply_headers=AT_ONCE), "ACME_ERR_POLL_LIMIT"),
    # finalize
    "finalize refused": ("finalize", lambda c, r: problem("badCSR", status=403), "ACME_ERR_ORDER"),
    "never ready": ("finalize", lambda c, r: problem("orderNotReady", status=403, headers=AT_ONCE), "ACME_ERR_POLL_LIMIT"),
    "processing for ever": ("orders", lambda c, r: Reply(c.order_body("processing"), headers={"Retry-After": "0"}), "ACME_ERR_POLL_LIMIT"),
    "ready for ever": ("finalize", order("ready"), "ACME_ERR_POLL_LIMIT"),
    "back to pending for ever": ("finalize", order("pending"), "ACME_ERR_POLL_LIMIT"),
    "certificate URL elsewhere": ("orders", order("valid", certificate="https://evil.example/"), "ACME_ERR_URL_POLICY"),
    # certificate
    "certificate as JSON": ("certificate", lambda c, r: Reply(c.pem(c.issue()), content=JSON), "ACME_ERR_CONTENT_TYPE"),
    "no certificate": ("certificate", say("\n", content=PEM), "ACME_ERR_CERT_PARSE"),
    "garbage": ("certificate", say("garbage", content=PEM), "ACME_ERR_CERT_PARSE"),
    "a key": ("certificate", say("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", content=PEM), "ACME_ERR_CERT_PARSE"),
    "base64 of nothing": ("certificate", say("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", content=PEM), "ACME_ERR_CERT_PARSE"),
    "cut short": ("certificate", lambda c, r: Reply(c.pem(c.issue())[:-30], content=PEM), "ACME_ERR_CERT_PARSE"),
    "another key": ("certificate", chain(leaf(public=NOBODY.public_key()), issuer), "ACME_ERR_CERT_KEY"),
    "another name": ("certificate", chain(leaf(names=["evil.example"]), issuer), "ACME_ERR_CERT_NAMES"),
    "a name too many": ("certificate", chain(leaf(names=[NAME, "evil.example"]), issuer), "ACME_ERR_CERT_NAMES_ADDED"),
    "expired": ("certificate", chain(leaf(days=(-9, -1)), issuer), "ACME_ERR_CERT_DATES"),
    "of the future": ("certificate", chain(leaf(days=(0.8, 9)), issuer), "ACME_ERR_CERT_EARLY"),
    "wrong order": ("certificate", chain(issuer, leaf()), "ACME_OK"),
    "not by its issuer": ("certificate", chain(leaf(signer=NOBODY), issuer), "ACME_ERR_CERT_CHAIN"),
    "a link is missing": ("certificate", chain(leaf(), root), "ACME_ERR_CERT_CHAIN"),
    "too many links": ("certificate", chain(leaf(), *[issuer] * 12), "ACME_ERR_CERT_LIMIT"),
    "too large": ("certificate", chain(leaf(padding=17000), issuer), "ACME_ERR_CERT_LIMIT"),
    "status 204": ("certificate", say("", 204, None), "ACME_ERR_HTTP_STATUS"),
}



# ---- what goes wrong on the wire ----

def drip(text, seconds=0.05):
    """One byte after the other, for longer than anybody should wait."""
    def act(tls):
        for byte in text.encode("latin-1"):
            tls.sendall(bytes([byte]))
            time.sleep(seconds)
    return lambda ca, request: Wire(act)


def then(text, how=None):
    """Some bytes, and then something else, or the end without a word."""
    def act(tls):
        tls.sendall(text.encode("latin-1"))
        if how == "reset":
            tls.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif how == "garbage":
            os.write(tls.fileno(), b"\x16\x03\x03\x00\x04oops" * 50)
        elif how == "silence":
            time.sleep(4)
        socket.socket(fileno=os.dup(tls.fileno())).close()
    return lambda ca, request: Wire(act)


def many(head, piece, count=4000):
    def act(tls):
        tls.sendall(head.encode("latin-1"))
        for _ in range(count):
            tls.sendall(piece.encode("latin-1") * 16)
    return lambda ca, request: Wire(act)


def in_turn(*answers):
    """One after the other, over and over."""
    turn = []

    def answer(ca, request):
        turn.append(1)
        return answers[(len(turn) - 1) % len(answers)](ca, request)
    return answer


def with_links(count):
    def answer(ca, request):
        reply = Reply(ca.pem(ca.issue(), ca.issuer), content=PEM)
        reply.headers["Link"] = ", ".join(
            f'<{ca.base}/certificate/{request.path.count("/")}{i}{"/x" * (len(request.path) // 2)}>'
            f';rel="alternate"' for i in range(count))
        return reply
    return answer


def new_authorizations(ca, request):
    """An order that wants others each time it is looked at."""
    ca.authorized = True
    number = len(ca.log)
    return Reply(ca.order_body("pending", authorizations=[f"{ca.base}/authorization/{number}/0"]),
                 headers=AT_ONCE)


def same_nonce(ca, request):
    body = problem("badNonce").encode("AAAAAAAAAAAAAAAAAAAAAA")
    return body


PASSING = ("ACME_ERR_TIMEOUT", "ACME_ERR_NET", "ACME_ERR_CLOSED", "ACME_ERR_TLS")
LONG_OK = OK + "Content-Type: application/json\r\nContent-Length: 4000\r\n\r\n"
CHUNKED = OK + "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"

WIRE = {
    "drip of the head": ("directory", drip(OK + "X: " + "a" * 400), "ACME_ERR_TIMEOUT"),
    "drip of the body": ("directory", drip(LONG_OK + " " * 400), "ACME_ERR_TIMEOUT"),
    "drip of a chain": ("certificate", drip(OK + "Content-Type: " + PEM + "\r\n\r\n" + "A" * 400), "ACME_ERR_TIMEOUT"),
    "silence": ("order", then("", "silence"), "ACME_ERR_TIMEOUT"),
    "silence in the head": ("order", then(OK, "silence"), "ACME_ERR_TIMEOUT"),
    "silence in the body": ("order", then(LONG_OK + "{", "silence"), "ACME_ERR_TIMEOUT"),
    "reset": ("order", then("", "reset"), PASSING),
    "reset in the head": ("order", then(OK, "reset"), PASSING),
    "reset in the body": ("order", then(LONG_OK + "{", "reset"), PASSING),
    "reset in the chain": ("certificate", then(OK + f"Content-Type: {PEM}\r\nContent-Length: 4000\r\n\r\n-----BEGIN", "reset"), PASSING),
    "close without notify": ("order", then(LONG_OK + "{"), None),
    "close in the head": ("directory", then(OK + "X: y"), None),
    "TLS garbage": ("order", then("", "garbage"), PASSING),
    "TLS garbage in the body": ("order", then(LONG_OK, "garbage"), PASSING),
    "HTTP/0.9": ("directory", then("{}\r\n"), "ACME_ERR_HTTP"),
    "storm of 100": ("directory", many("", "HTTP/1.1 100 Continue\r\n\r\n"), None),
    "storm of 103": ("directory", many("", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"), None),
    "a 101": ("directory", raw("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"), None),
    "flood of header lines": ("directory", many(OK, "X: y\r\n"), "ACME_ERR_HTTP_LIMIT"),
    "flood of chunk extensions": ("directory", many(CHUNKED + "2", ";a=bbbbbbbbbbbbbbb"), None),
    "flood of one-byte chunks": ("directory", many(CHUNKED, "1\r\n \r\n", 20000), "ACME_ERR_HTTP_LIMIT"),
    "flood of trailers": ("directory", many(CHUNKED + "2\r\n{}\r\n0\r\n", "X: y\r\n"), "ACME_ERR_HTTP_LIMIT"),
    "length and chunks": ("directory", raw(OK + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"), None),
    "a compressed body": ("directory", raw(OK + "Content-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: 10\r\n\r\n\x1f\x8b\x08\0\0\0\0\0\0\x03"), "ACME_ERR_JSON"),
    "a folded line": ("directory", raw(OK + "X: y\r\n z\r\nContent-Length: 0\r\n\r\n"), None),
    "a NUL in a line": ("directory", raw(OK + "X: y\0z\r\n\r\n"), "ACME_ERR_HTTP"),
    "two nonces": ("order", with_header("order", "Replay-Nonce", "another"), None),
    "two locations": ("order", raw("HTTP/1.1 201 Created\r\nLocation: https://127.0.0.1/a\r\nLocation: https://127.0.0.1/b\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"), None),
    "an injected line": ("order", with_header("order", "Location", "https://127.0.0.1/a\r\nX: y"), None),
}

ORDERS = {
    "valid, then pending, in turn": ("orders", in_turn(order("processing"), order("pending")), "ACME_ERR_POLL_LIMIT"),
    "ready, processing, pending, in turn": ("orders", in_turn(order("ready"), order("processing"), order("pending")), "ACME_ERR_POLL_LIMIT"),
    "authorizations without end": ("orders", new_authorizations, "ACME_ERR_POLL_LIMIT"),
    "authorization goes back and forth": ("authorization", in_turn(authorization("pending", status="processing", reply_headers=AT_ONCE), authorization("pending", reply_headers=AT_ONCE)), "ACME_ERR_POLL_LIMIT"),
    "a pause of a thousand years": ("orders", lambda c, r: Reply(c.order_body("processing"), headers={"Retry-After": "31557600000"}), "ACME_ERR_POLL_LIMIT"),
    "a pause that overflows": ("orders", lambda c, r: Reply(c.order_body("processing"), headers={"Retry-After": "9" * 40}), "ACME_ERR_POLL_LIMIT"),
    "a pause until 9999": ("order", lambda c, r: problem("serverInternal", status=503, headers={"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"}), "ACME_ERR_SERVER"),
    "a negative pause": ("orders", lambda c, r: Reply(c.order_body("processing"), headers={"Retry-After": "-5"}), "ACME_ERR_POLL_LIMIT"),
    "bad nonces for ever": ("order", lambda c, r: problem("badNonce"), "ACME_ERR_NONCE"),
    "the same bad nonce for ever": ("order", same_nonce, "ACME_ERR_NONCE"),
    "yesterday's certificate": ("certificate", lambda c, r: Reply(c.old, content=PEM), "ACME_ERR_CERT_KEY"),
    "other chains without end": ("certificate", with_links(3), "ACME_OK"),
    "a thousand other chains": ("certificate", with_links(1000), None),
}
CASES = {**MISBEHAVIOUR, **WIRE, **ORDERS}
# The order has another URL than the CA said: it is lost, whatever the client does.
LOST_ORDERS = ("an injected line", "order location elsewhere")


@pytest.mark.parametrize("case", {**WIRE, **ORDERS}, ids=lambda c: c.replace(" ", "-"))
def test_what_holds_always(world, case):
    ca, cli = world
    resource, answer, error = CASES[case]
    ca.old = ca.pem(ca.issue(), ca.issuer)
    ca.answers[resource] = answer
    nonces = "nonce" in case and "bad" in case
    slow = "pause" in case
    done = suffer(ca, cli, *(["--preferred-issuer", "Nobody"] if "chains" in case else []),
                  requests_max=650 if nonces else REQUESTS_MAX, hurry="1" if slow else "20", leap=slow)
    if error is not None:
        assert done.json["result"] in (error if isinstance(error, tuple) else (error,)), done
    ca.answers.clear()
    if case in LOST_ORDERS:
        ca.oracle.lose_orders()
    again = cli.run(NAME, extra=["--force"])
    assert again.code == 0, again


def no_tls(text):
    def act(stream):
        stream.sendall(text)
        return True
    return act


def is_closed(stream):
    return True


def is_silent(stream):
    time.sleep(4)
    return True


def of_another_root(tmp_path):
    other = ScriptedCa(tmp_path)
    other.stop()
    return other.context


TLS = {"no TLS": (no_tls(b"HTTP/1.1 200 OK\r\n\r\n"), PASSING), "closed at once": (is_closed, PASSING),
       "no word at all": (is_silent, PASSING), "a record without end": (no_tls(b"\x16\x03\x03\xff\xff" + b"a" * 70000), PASSING),
       "an alert": (no_tls(b"\x15\x03\x03\x00\x02\x02\x28"), PASSING), "another root": (None, ("ACME_ERR_TLS_VERIFY",)),
       "a flood of tickets": (None, ("ACME_OK", *PASSING))}


@pytest.mark.parametrize("case", TLS, ids=lambda c: c.replace(" ", "-"))
def test_what_holds_without_good_tls(world, tmp_path, case):
    ca, cli = world
    ca.on_connect, errors = TLS[case]
    context = ca.context
    if case == "another root":
        (tmp_path / "other").mkdir()
        ca.context = of_another_root(tmp_path / "other")
    elif "tickets" in case:
        ca.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ca.context.load_cert_chain(ca.certs["server.pem"], ca.certs["server.key"])
        ca.context.num_tickets = 200
    done = suffer(ca, cli)
    assert done.json["result"] in errors, done
    ca.on_connect, ca.context = None, context
    again = cli.run(NAME, extra=["--force"])
    assert again.code == 0, again


def test_the_number_in_the_docs():
    """docs/security.md says how many kinds of misbehaviour there are."""
    with open(os.path.join(ROOT, "docs", "security.md"), encoding="utf-8") as f:
        said = re.search(r"([0-9]+) kinds of misbehaving CA", f.read())
    count = len(CASES) + len(TLS)
    assert len(CASES) == len(MISBEHAVIOUR) + len(WIRE) + len(ORDERS) and count >= 60
    assert int(said[1]) == count


@pytest.mark.parametrize("case", MISBEHAVIOUR, ids=lambda c: c.replace(" ", "-"))
def test_misbehaviour(world, case):
    ca, cli = world
    resource, answer, error = MISBEHAVIOUR[case]
    before = cli.call("list", "--json").out
    ca.answers[resource] = answer
    ca.give_nonces = resource != "nonce" and case != "foreign host"
    if resource == "account" or case == "account binding demanded":
        error = error or "ACME_ERR_EAB"
        cli.store += ".other"  # a store without an account
    if cli.store.endswith(".other"):
        start = len(ca.log)
        done = cli.run(NAME, extra=["--force"])
        assert len(ca.log) - start < REQUESTS_MAX
    else:
        done = suffer(ca, cli, hurry="1", leap="for ever" in case)  # a second at least between polls
    if error is None:
        error = "ACME_ERR_URL_POLICY" if "elsewhere" in case else "ACME_OK"
    assert done.json["result"] == error, done
    assert (done.code == 0) == (error == "ACME_OK"), done
    if error != "ACME_OK":
        assert f"({error})" in done.err
    if cli.store.endswith(".other"):
        return
    # Nothing that was good is lost, and a CA that comes to its senses is used again.
    assert error == "ACME_OK" or cli.call("list", "--json").out == before
    ca.answers.clear()
    ca.give_nonces = True
    if case in LOST_ORDERS:
        ca.oracle.lose_orders()
    again = cli.run(NAME, extra=["--force", "-vv"])
    assert again.code == 0, again


def test_passing_failures_are_overcome(world):
    ca, cli = world
    seen = []

    def twice(ca_, request):
        seen.append(request.path)
        return problem("serverInternal", status=500) if len(seen) < 3 else None

    ca.answers["order"] = twice
    done = cli.run(NAME, extra=["--force"])
    assert done.code == 0 and len(seen) == 3, done


def test_a_dropped_connection_is_made_anew(world):
    ca, cli = world
    seen = []

    def close_once(ca_, request):
        seen.append(1)
        reply = ca_.usual("orders", request).encode("n" * 30)
        return reply.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1)

    ca.answers["orders"] = close_once
    done = cli.run(NAME, extra=["--force"])
    assert done.code == 0 and done.json["counters"]["connections"] == 2, done


def test_server_errors_for_ever(world):
    ca, cli = world
    ca.answers["order"] = lambda c, r: problem("serverInternal", status=500, detail="\x1b[31mred\n")
    done = cli.run(NAME, extra=["--force"])
    assert done.json["result"] == "ACME_ERR_SERVER" and "\x1b" not in done.err, done
    assert ca.log.count("order") == 5


def test_bad_nonces_for_ever(world):
    ca, cli = world
    ca.answers["order"] = lambda c, r: problem("badNonce")
    done = cli.run(NAME, extra=["--force"])
    assert done.json["result"] == "ACME_ERR_NONCE" and done.code == 5, done
    assert len(ca.log) < 250


def test_an_order_that_vanished_is_made_anew(world):
    ca, cli = world
    ca.answers["finalize"] = lambda c, r: problem("serverInternal", status=500)
    assert cli.run(NAME, extra=["--force"]).code != 0
    ca.answers = {"orders": lambda c, r: problem("malformed", status=404) if c.finalized is None
                  else None}
    orders = ca.orders
    done = cli.run(NAME, extra=["--force"])
    assert done.code == 0 and ca.orders == orders + 1, done


@pytest.mark.parametrize("status", ["deactivated", "revoked"])
def test_account_is_not_valid(tmp_path, status):
    ca = ScriptedCa(tmp_path)
    ca.answers["account"] = change("account", status=status)
    done = Cli(tmp_path, ca).run(NAME)
    assert done.json["result"] == "ACME_ERR_ACCOUNT" and done.code == 5, done
    ca.stop()


def test_account_answers_that_lack_something(tmp_path):
    ca = ScriptedCa(tmp_path)
    cli = Cli(tmp_path, ca)
    for answer, error in ((change("account", status=None), "ACME_ERR_FIELD"),
                          (without_header("account", "Location"), "ACME_ERR_FIELD"),
                          (with_header("account", "Location", "http://127.0.0.1/a"), "ACME_ERR_URL"),
                          (say({"status": "valid"}, 202), "ACME_ERR_HTTP_STATUS"),
                          (lambda c, r: problem("invalidContact"), "ACME_ERR_ACCOUNT"),
                          (lambda c, r: problem("userActionRequired", status=403), "ACME_ERR_TOS")):
        ca.answers["account"] = answer
        done = cli.run(NAME)
        assert done.json["result"] == error, (error, done)
    ca.answers.clear()
    assert cli.run(NAME).code == 0
    ca.stop()


def test_terms_that_change(world):
    ca, cli = world
    ca.answers["directory"] = change("directory",
                                     meta={"termsOfService": ca.base + "/terms/2"})
    accounts = ca.log.count("account")
    for policy in ([], ["--accept-terms", ca.base + "/terms"]):
        kept = cli.call("run", "-d", NAME, "--force", *policy)
        assert kept.code == 0 and "not agreed to" in kept.err and "/terms/2" in kept.err, kept
        assert ca.log.count("account") == accounts
    agreed = cli.call("run", "-d", NAME, "--force", "--accept-terms", ca.base + "/terms/2")
    assert agreed.code == 0 and "/terms/2" in agreed.err, agreed
    assert ca.log.count("account") == accounts + 1
    assert cli.call("account", "--json").json["termsOfService"].endswith("/terms/2")
    again = cli.run(NAME, extra=["--force", "-vv"])
    assert again.code == 0, again
    assert ca.log.count("account") == accounts + 1


def test_revocation_that_fails_and_that_was_done_before(world):
    ca, cli = world
    ca.answers["revoke"] = lambda c, r: problem("unauthorized", status=403)
    refused = cli.call("revoke", "-d", NAME)
    assert refused.code == 5 and len(cli.call("list", "--json").json) == 1, refused
    ca.answers["directory"] = change("directory", revokeCert=None)
    assert "ACME_ERR_FIELD" in cli.call("revoke", "-d", NAME).err
    ca.answers = {"revoke": lambda c, r: problem("alreadyRevoked")}
    assert cli.call("revoke", "-d", NAME).code == 0
    assert cli.call("list", "--json").json == []
