"""What CAs really send: each kind of answer that a public report shows, at a scripted CA. The names of
the tests are those in docs/cas.md."""
import base64
import datetime
import json
import os
import re
import socket
import time
from email.utils import format_datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from ca_oracle import thumbprint
from ca_profiles import USED_BINDING
from conftest import Cli
from lab import Process, has_open, wait_until
from scripted_ca import PEM, Reply, ScriptedCa, Wire, huge_authorization, problem
from test_hostile_ca import change, say, with_header
from test_issuance import names_of

NAME = "device.example.org"
HMAC = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"
EAB = ["--eab-kid", "kid-1", "--eab-hmac-key", HMAC, "--email", "a@example.org"]
PAGE = "<html><head><title>503</title></head><body>" + "<p>We will be back.</p>\n" * 5000
HURRY = {"NANOACME_TEST_HURRY": "20"}
LEAP = {"NANOACME_TEST_LEAP": "1"}


@pytest.fixture(name="ca")
def _ca(tmp_path):
    ca = ScriptedCa(tmp_path)
    yield ca
    ca.stop()


@pytest.fixture(name="cli")
def _cli(tmp_path, ca):
    return Cli(tmp_path, ca, "nanoacme-test")


def once(answer):
    """The first time; then as usual."""
    turns = iter([answer])
    return lambda ca, request: next(turns)(ca, request) if turns.__length_hint__() else None


def page(size, status=503, **headers):
    return lambda ca, request: Reply(PAGE[:size], status, "text/html", headers)


def issued(ca, cli, names=(NAME,), extra=(), orders=1, **options):
    """The certificate is there, for one order, and a second run does not want another."""
    done = cli.run(*names, extra=extra, **options)
    assert done.code == 0 and done.json["result"] == "ACME_OK", done
    chain_there = cli.chain(names[0])
    assert sorted(names_of(chain_there[0])) == sorted(names) and len(chain_there) == 2
    assert ca.orders == orders, done
    assert len(ca.keys) == 1
    return done


def pauses(done, kind="wait"):
    """The waits that the client announced, in seconds; kind "next": until the next job."""
    lines = [json.loads(line) for line in done.out.splitlines() if line.startswith('{"event"')]
    return [line["waitMs"] / 1000 for line in lines if line["event"] == kind]


# ---- answers after which the job goes on as if nothing were ----

def member(resource, **changes):
    return lambda ca: ca.answers.update({resource: change(resource, **changes)})


def first(resource, answer):
    return lambda ca: ca.answers.update({resource: once(answer)})


def always(resource, answer):
    return lambda ca: ca.answers.update({resource: answer})


def nonce_of(length):
    return lambda ca: setattr(ca, "nonce_length", length)


def without(body, name):
    return {k: v for k, v in body.items() if k != name}


def proven(state, authorizations):
    """An order of names that were proven outside of ACME: in one state the member is odd."""
    def body(ca, status):
        body = {**ca.order_body(status), "replaces": ""}
        if status == state:
            body["authorizations"] = authorizations
        return without(body, "authorizations") if body["authorizations"] == "absent" else body

    def new(ca, request):
        ca.usual("order", request)
        return Reply(body(ca, "ready"), 201, headers={"Location": f"{ca.base}/orders/{ca.orders}"})

    def finalize(ca, request):
        ca.usual("finalize", request)
        return Reply(body(ca, "processing"), headers={"Retry-After": "1"})

    def prepare(ca):
        ca.answers.update(order=new, finalize=finalize,
                          orders=lambda c, r: Reply(body(c, "valid" if c.finalized else "ready")))
    return prepare


def finalize_says(reply):
    def answer(ca, request):
        ca.usual("finalize", request)
        return reply
    return always("finalize", answer)


def certificate_a_poll_later(ca):
    turns = []

    def answer(ca_, request):
        turns.append(1)
        body = json.loads(ca_.usual("orders", request).body)
        return Reply(without(body, "certificate") if len(turns) == 1 else body)
    ca.answers["orders"] = answer


def replaced(status, kind):
    def prepare(ca):
        ca.answers["order"] = lambda c, r: problem(kind, status=status) if "replaces" in r.payload else None
    return prepare


def location(text):
    return always("order", lambda c, r: with_header("order", "Location", text(c))(c, r))


def pem_with(change_text):
    def answer(ca, request):
        return Reply(change_text(*[ca.pem(c) for c in (ca.issue(), ca.issuer)]), content=PEM)
    return always("certificate", answer)


def chain(*order):
    def answer(ca, request):
        certs = {"leaf": ca.leaf_once(), "issuer": ca.issuer, "root": ca.root}
        return Reply(ca.pem(*(certs[n] for n in order)), content=PEM)

    def prepare(ca):
        kept = []

        def leaf_once():
            if not kept:
                kept.append(ca.issue())
            return kept[0]
        ca.leaf_once = leaf_once
        ca.answers["certificate"] = answer
    return prepare


def directory_text(**members):
    """With members whose text is JSON as it stands here."""
    def answer(ca, request):
        reply = ca.usual("directory", request)
        extra = ", ".join(f'"{k.replace("_", "-")}": {v}' for k, v in members.items())
        reply.body = reply.body[:-1] + ", " + extra + "}"
        return reply
    return always("directory", answer)


def terms(text):
    return member("directory", meta={"termsOfService": text})


def processing_authorization(ca):
    turns = []

    def answer(ca_, request):
        turns.append(1)
        return Reply(ca_.authorization_body(ca_.number(request), "processing" if len(turns) < 3 else "valid"),
                     headers={"Retry-After": "1"})
    ca.answers["authorization"] = answer


def nonce_by_get(answer):
    return always("nonce", lambda c, r: answer(c) if r.method == "HEAD" else None)


def cut_once(ca):
    """No length, the connection's end for the body's, in the middle of the chain and without close_notify."""
    def answer(ca_, request):
        text = ca_.pem(ca_.issue()) + ca_.pem(ca_.issuer)[:100]
        whole = ca_.pem(ca_.issue())

        def act(tls):
            tls.sendall(f"HTTP/1.1 200 OK\r\nContent-Type: {PEM}\r\nConnection: close\r\n\r\n{whole or text}".encode())
            socket.socket(fileno=os.dup(tls.fileno())).close()
        return Wire(act)
    ca.answers["certificate"] = once(answer)


def early_finalize_limited(ca):
    """Asked for while the proof is looked at, the certificate comes after a pause."""
    ca.authorized = False
    ca.answers["finalize"] = once(lambda c, r: problem("rateLimited", status=429, headers={"Retry-After": "2"}))


GOES_ON = {
    **{f"nonce-of-{n}": nonce_of(n) for n in (129, 136, 138, 160, 191)},
    "order-200": always("order", lambda c, r: Reply(c.usual("order", r).body, 200, headers={
        "Location": f"{c.base}/orders/{c.orders}"})),
    **{f"authorizations-{name}-{state}": proven(state, value)
       for state in ("ready", "processing", "valid")
       for name, value in (("null", None), ("empty", []), ("absent", "absent"))},
    "finalize-says-processing-only": finalize_says(Reply({"status": "processing"})),
    "finalize-says-nothing": finalize_says(Reply("", 200, None)),
    "certificate-a-poll-later": certificate_a_poll_later,
    **{f"bad-nonce-as-page-{n}": first("order", page(n, 500)) for n in (2000, 60000)},
    "bad-nonce-without-nonce": first("order", lambda c, r: problem("badNonce").encode(None)),
    "bad-nonce-old-name": first("order", lambda c, r: Reply(
        {"type": "urn:acme:error:badNonce", "detail": "x"}, 400, "application/problem+json")),
    "location-relative": location(lambda c: f"/orders/{c.orders + 1}"),
    "location-relative-path": location(lambda c: f"orders/{c.orders + 1}"),
    "account-unknown-once": first("order", lambda c, r: problem("accountDoesNotExist")),
    "account-unauthorized-once": first("order", lambda c, r: problem("unauthorized", status=403)),
    "certificate-404-once": first("certificate", lambda c, r: problem("malformed", status=404)),
    "order-404-once": first("orders", lambda c, r: problem("malformed", status=404)),
    "authorization-404-once": first("authorization", lambda c, r: problem("malformed", status=404)),
    "pem-text-before": pem_with(lambda a, b: "subject=CN = x\nissuer=CN = y\n" + a + b),
    "pem-text-between": pem_with(lambda a, b: a + "# the issuer\nsubject=/CN=x\n" + b),
    "pem-text-after": pem_with(lambda a, b: a + b + "# end\nfriendlyName: x\n"),
    "pem-crlf": pem_with(lambda a, b: (a + b).replace("\n", "\r\n")),
    "pem-blank-lines": pem_with(lambda a, b: "\n\n" + a + "\n\n\n" + b + "\n\n"),
    "chain-leaf-root-issuer": chain("leaf", "root", "issuer"),
    "chain-issuer-leaf": chain("issuer", "leaf"),
    "chain-leaf-twice": chain("leaf", "leaf", "issuer"),
    "chain-issuer-twice": chain("leaf", "issuer", "issuer"),
    "chain-with-root": chain("leaf", "issuer", "root"),
    "directory-fraction": directory_text(x_load="0.25"),
    "directory-exponent": directory_text(x="1e3", y="-2.5E-10", z="[1.5, {}]"),
    "directory-40-unknown": directory_text(**{f"unknown{i}": f'"https://ca.example/{i}/' + "u" * 60 + '"' for i in range(40)}),
    "directory-no-new-authz": directory_text(newAuthz='""'),
    "directory-no-renewal-info": directory_text(renewalInfo='""'),
    "directory-null-members": directory_text(newAuthz="null", renewalInfo="null"),
    "terms-with-space": terms("https://ca.example/terms of service.pdf"),
    "terms-not-ascii": terms("https://ca.example/condizioni-è.pdf"),
    "authorization-of-64-KB": huge_authorization,
    "authorization-processing": processing_authorization,
    "nonce-405-with-nonce": nonce_by_get(lambda c: Reply("", 405, None)),
    "nonce-404-without": nonce_by_get(lambda c: Reply("", 404, None).encode(None)),
    "chain-cut-without-notify": cut_once,
    "finalize-429-early": early_finalize_limited,
}


@pytest.mark.parametrize("case", GOES_ON)
def test_goes_on(ca, cli, case):
    GOES_ON[case](ca)
    issued(ca, cli)


# ---- external account bindings ----

def eab_ca(tmp_path, words):
    ca = ScriptedCa(tmp_path, "google" if words == "google" else "sectigo")
    ca.nonce_length = 43  # the size of a nonce is another test's
    return ca


def lost(ca, request):
    """The CA has done it, and nobody hears of it."""
    ca.usual("account", request)
    return Wire(lambda tls: None)


@pytest.mark.parametrize("words", USED_BINDING)
@pytest.mark.parametrize("trouble", ["answer-lost", "unknown-once", "unauthorized-once", "other-terms"])
def test_a_binding_is_used_once(tmp_path, words, trouble):
    """Whatever makes the client doubt its account: it looks for the one of its key, without a binding."""
    ca = eab_ca(tmp_path, words)
    cli = Cli(tmp_path, ca, "nanoacme-test")
    extra = EAB
    if trouble == "answer-lost":
        ca.answers["account"] = once(lost)
        cli.run(NAME, extra=extra, env=HURRY)
    else:
        assert cli.run(NAME, extra=extra).code == 0
        kind = {"unknown-once": ("accountDoesNotExist", 400), "unauthorized-once": ("unauthorized", 403)}
        if trouble in kind:
            ca.answers["order"] = once(lambda c, r: problem(kind[trouble][0], status=kind[trouble][1]))
        else:
            ca.answers["directory"] = lambda c, r: change("directory", meta={
                "termsOfService": c.base + "/terms/2", "externalAccountRequired": True})(c, r)
    done = cli.run(NAME, extra=["--force", *extra], env=HURRY)
    assert done.code == 0 and len(ca.keys) == 1, done
    with_binding = [r for r in ca.requests if "externalAccountBinding" in (r.payload or {})]
    assert len(with_binding) == 1
    ca.stop()


@pytest.mark.parametrize("words", USED_BINDING)
def test_a_binding_that_is_too_old(tmp_path, words):
    """The CA's words are shown, the key stays, and a new binding brings it its account."""
    ca = eab_ca(tmp_path, words)
    cli = Cli(tmp_path, ca, "nanoacme-test")
    ca.bindings.add("kid-1")
    done = cli.run(NAME, extra=EAB)
    assert done.code == 5 and USED_BINDING[words][2][:40] in done.err, done
    done = cli.run(NAME, extra=["--eab-kid", "kid-2", *EAB[2:]])
    assert done.code == 0, done
    assert len({thumbprint(r.protected["jwk"]) for r in ca.requests if "jwk" in r.protected}) == 1
    ca.stop()


@pytest.mark.parametrize("kind", ["padding", "plus-and-slash", "newline"])
def test_a_binding_key_in_another_form(tmp_path, kind):
    ca = eab_ca(tmp_path, "google")
    cli = Cli(tmp_path, ca, "nanoacme-test")
    raw = bytes(range(200, 237)) + b"\xff\xfe\xfb\xef\xbe"
    url = base64.urlsafe_b64encode(raw).decode()
    text = {"padding": base64.urlsafe_b64encode(raw[:40]).decode(),
            "plus-and-slash": base64.b64encode(raw).decode(), "newline": url + "\n"}[kind]
    assert {"padding": "=" in text, "plus-and-slash": "+" in text and "/" in text, "newline": True}[kind]
    done = cli.run(NAME, extra=["--eab-kid", "kid-1", "--eab-hmac-key", text, "--email", "a@example.org"])
    assert done.code == 0, done
    ca.stop()


def test_a_binding_key_coded_twice(tmp_path):
    """It is said before anything goes out."""
    ca = eab_ca(tmp_path, "google")
    twice = base64.b64encode(HMAC.encode()).decode()
    done = Cli(tmp_path, ca, "nanoacme-test").run(NAME, extra=["--eab-kid", "kid-1", "--eab-hmac-key", twice, *EAB[4:]])
    assert done.code != 0 and "base64url" in done.err and not ca.log, done
    ca.stop()


def test_no_contact(ca, cli):
    ca.answers["account"] = lambda c, r: problem("invalidContact", "a contact is what we want")
    done = cli.run(NAME)
    assert done.code == 5 and "a contact is what we want" in done.err, done


@pytest.mark.parametrize("option,key", [("--not-before", "notBefore"), ("--not-after", "notAfter")])
def test_a_wish_for_dates(ca, cli, option, key):
    when = (datetime.datetime.utcnow() + datetime.timedelta(days=10)).strftime("%Y-%m-%dT%H:%M:%SZ")
    asked = []
    ca.answers["order"] = lambda c, r: asked.append(r.payload.get(key))
    issued(ca, cli, extra=[option, when])
    assert asked == [when]


@pytest.mark.parametrize("profile", ["standard", "minimal"])
def test_a_wish_for_a_profile(ca, cli, profile):
    asked = []
    ca.answers["directory"] = lambda c, r: change("directory", meta={
        "termsOfService": c.base + "/terms", "profiles": {"standard": "", "minimal": ""}})(c, r)
    ca.answers["order"] = lambda c, r: asked.append(r.payload.get("profile"))
    issued(ca, cli, extra=["--profile", profile])
    assert asked == [profile]


# ---- orders ----

@pytest.mark.parametrize("resource", ["order", "orders", "finalize"])
def test_an_error_that_is_a_text(ca, cli, resource):
    ca.answers[resource] = lambda c, r: (c.usual(resource, r), Reply(
        c.order_body("invalid", error="the domain is on our list"), 201 if resource == "order" else 200,
        headers={"Location": f"{c.base}/orders/{c.orders}"}))[1]
    done = cli.run(NAME)
    assert done.json["result"] == "ACME_ERR_ORDER_INVALID" and "the domain is on our list" in done.err, done


def with_www(ca, request):
    return Reply(ca.pem(ca.issue(names=[NAME, "www." + NAME]), ca.issuer), content=PEM)


def test_names_that_the_ca_adds(ca, cli):
    """Kept for a person and said, and not ordered again by itself; taken where that is configured."""
    ca.answers["certificate"] = with_www
    for _ in range(3):
        done = cli.run(NAME, extra=["--force"])
        assert done.code != 0 and "ACME_ERR_CERT_NAMES" in done.err and "www." + NAME in done.err, done
    assert ca.orders == 1


def test_names_that_the_ca_may_add(ca, cli):
    ca.answers["certificate"] = with_www
    done = cli.run(NAME, extra=["--allow-added-names"])
    assert done.code == 0 and ca.orders == 1, done
    assert names_of(cli.chain(NAME)[0]) == [NAME, "www." + NAME]


@pytest.mark.parametrize("status,kind", [(409, "alreadyReplaced"), (409, "conflict"), (400, "malformed"),
                                         (403, "unauthorized"), (404, "malformed"), (500, "serverInternal")])
def test_what_it_replaces_is_refused(ca, cli, status, kind):
    ca.answers["directory"] = lambda c, r: change("directory", renewalInfo=c.base + "/renewal-info")(c, r)
    ca.issuer = (ca.builder("Scripted issuer", "Scripted root", ca.issuer_key.public_key(), (-10, 1000))
                 .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
                 .add_extension(x509.SubjectKeyIdentifier.from_public_key(ca.issuer_key.public_key()), False)
                 .sign(ca.root_key, hashes.SHA256()))
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca.issuer_key.public_key())
    ca.answers["certificate"] = lambda c, r: Reply(c.pem(extended(c, [(identifier, False)]), c.issuer), content=PEM)
    assert cli.run(NAME).code == 0
    ca.answers["order"] = lambda c, r: problem(kind, status=status) if "replaces" in r.payload else None
    done = cli.run(NAME, extra=["--force", "--no-ari"])
    assert done.code == 0, done
    asked = ["replaces" in r.payload for r in ca.requests if r.path.startswith("/order/") or r.path == "/order"]
    assert asked[1:][-1] is False and len(asked) <= 7


# ---- private CAs ----

def test_no_other_key_is_offered(ca, cli):
    assert cli.run(NAME).code == 0
    ca.answers["key-change"] = lambda c, r: problem("notImplemented", "this API is not implemented", 501)
    before = cli.call("account", "--json").json
    done = cli.call("account", "rollover", "--json")
    assert done.code == 5 and "order" not in done.err and "does not offer" in done.err, done
    assert cli.call("account", "--json").json == before


@pytest.mark.parametrize("size", [2000, 10000, 60000])
@pytest.mark.parametrize("status", [503, 429])
def test_a_page_that_says_how_long(ca, cli, status, size):
    """As a CDN has them: the pause counts, however large the page."""
    ca.answers["order"] = page(size, status, **{"Retry-After": "3600"})
    done = cli.run(NAME, extra=["--events"])
    result = json.loads(done.out.splitlines()[-1])["result"]
    assert result == {503: "ACME_ERR_SERVER", 429: "ACME_ERR_RATE_LIMITED"}[status], done
    assert all(3600 <= w <= 3600 * 1.2 for w in pauses(done, "next")) and pauses(done, "next"), done
    assert ca.log.count("order") == 1


def extended(ca, extensions, names=None, days=(-1, 90)):
    """A leaf with more extensions: (value, critical)."""
    names = names or ca.names
    b = ca.builder(names[0], "Scripted issuer", ca.finalized.public_key(), days)
    b = b.add_extension(x509.SubjectAlternativeName([x509.DNSName(n) for n in names]), critical=False)
    for value, critical in extensions:
        b = b.add_extension(value, critical=critical)
    return b.sign(ca.issuer_key, hashes.SHA256())


CONSTRAINTS = {
    "name-constraints": lambda: x509.NameConstraints([x509.DNSName("example.org")], None),
    "policy-constraints": lambda: x509.PolicyConstraints(0, None),
    "inhibit-any-policy": lambda: x509.InhibitAnyPolicy(0),
    "policies": lambda: x509.CertificatePolicies([x509.PolicyInformation(x509.ObjectIdentifier("2.23.140.1.2.1"), None)]),
}


@pytest.mark.parametrize("kind", CONSTRAINTS)
def test_a_critical_constraint_of_the_issuer(ca, cli, kind):
    ca.issuer = (ca.builder("Scripted issuer", "Scripted root", ca.issuer_key.public_key(), (-10, 1000))
                 .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
                 .add_extension(CONSTRAINTS[kind](), critical=True).sign(ca.root_key, hashes.SHA256()))
    issued(ca, cli)


def test_critical_policies_of_the_leaf(ca, cli):
    ca.answers["certificate"] = lambda c, r: Reply(c.pem(extended(c, [(CONSTRAINTS["policies"](), True)]), c.issuer), content=PEM)
    issued(ca, cli)


@pytest.mark.parametrize("kind", CONSTRAINTS)
def test_a_critical_constraint_of_the_anchor(ca, cli, kind, tmp_path):
    """A root of --ca-file that is also there, beside the CA's own."""
    b = (ca.builder("Company root", "Company root", ca.root_key.public_key(), (-10, 1000))
         .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
         .add_extension(CONSTRAINTS[kind](), critical=True))
    both = tmp_path / "both.pem"
    with open(ca.ca_file, "rb") as f:
        both.write_bytes(b.sign(ca.root_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM) + f.read())
    issued(ca, cli, extra=["--ca-file", str(both)])


def test_a_clock_ahead(ca, cli):
    """The leaf is valid five minutes from now: it is waited for, and nothing else is ordered."""
    minutes = 5 / 1440
    kept = []

    def answer(ca_, request):
        kept.append(kept[0] if kept else ca_.issue(days=(minutes, 90)))
        return Reply(ca_.pem(kept[0], ca_.issuer), content=PEM)
    ca.answers["certificate"] = answer
    done = cli.run(NAME, extra=["--events"], env=LEAP)
    assert ca.orders == 1 and (done.code == 0 or any(200 <= w <= 400 for w in pauses(done))), done
    assert done.code == 0 or "ACME_ERR_CERT_EARLY" in done.err, done


def test_no_name_for_an_address(ca, cli):
    """RFC 6066 3: a server name is never an address."""
    names = []
    ca.context.sni_callback = lambda tls, name, context: names.append(name)
    issued(ca, cli)
    assert names and set(names) == {None}


@pytest.mark.parametrize("life,seconds,most", [(24 * 3600, 4, 1), (600, 4, 1), (20, 45, 4)],
                         ids=["a-day", "ten-minutes", "twenty-seconds"])
def test_certificates_that_do_not_last(ca, cli, tmp_path, life, seconds, most):
    """The daemon renews, and does not burn orders: each pause between two renewals is longer."""
    ca.answers["certificate"] = lambda c, r: Reply(
        c.pem(c.issue(days=(-1 / 86400, life / 86400)), c.issuer), content=PEM)
    daemon = Process("daemon", cli.argv("daemon", "-d", NAME, "--accept-tos", "--http-port",
                                        str(ca.http_port)), str(tmp_path))
    wait_until(lambda: ca.orders >= 1, "the first order", log=daemon.log)
    time.sleep(seconds)  # in which no more may come than these
    daemon.stop()
    assert 1 <= ca.orders <= most, ca.orders


WILDCARDS = {"flag-missing": {"value": "example.org"}, "star-in-the-value": {"value": "*.example.org"},
             "star-and-flag": {"value": "*.example.org", "wildcard": True},
             "as-it-should-be": {"value": "example.org", "wildcard": True}}


@pytest.mark.parametrize("kind", WILDCARDS)
def test_the_authorization_of_a_wildcard(ca, cli, kind, tmp_path):
    body = WILDCARDS[kind]
    hook = tmp_path / "hook"
    hook.write_text("#!/bin/sh\nexit 0\n")
    hook.chmod(0o755)

    def answer(ca_, request):
        usual = ca_.authorization_body(0, "valid" if ca_.authorized else "pending")
        usual["identifier"]["value"] = body["value"]
        return Reply({**usual, **({"wildcard": True} if body.get("wildcard") else {})})
    ca.authorized = False
    ca.answers["authorization"] = answer
    done = cli.run("*.example.org", extra=["--challenge", "dns-01", "--dns-hook", str(hook), "--dns-resolver", "none"])
    assert done.code == 0 and ca.orders == 1, done


# ---- pauses ----

def polls_with(ca, header, count=4):
    """So many polls say "processing" with a pause; then the order is valid."""
    times = []

    def answer(ca_, request):
        times.append(time.monotonic())
        if len(times) > count:
            return None
        return Reply(ca_.order_body("processing"), headers={"Retry-After": header})
    ca.answers["orders"] = answer
    return times


@pytest.mark.parametrize("kind", ["zero", "past"])
def test_a_pause_of_nothing(ca, cli, kind):
    header = "0" if kind == "zero" else format_datetime(
        datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=1), usegmt=True)
    times = polls_with(ca, header, 6)
    issued(ca, cli)
    # Two looks may come early: most certificates are there by then.
    gaps = [b - a for a, b in zip(times, times[1:])]
    assert len(gaps) == 6 and all(gap >= 0.95 for gap in gaps[2:]), gaps


@pytest.mark.parametrize("kind", ["a-day", "three-days"])
def test_a_pause_of_days(ca, cli, kind):
    told = 86400 if kind == "a-day" else 3 * 86400
    header = str(told) if kind == "a-day" else format_datetime(
        datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=3), usegmt=True)
    polls_with(ca, header, 4)
    done = cli.run(NAME, extra=["--events"], env=LEAP)
    # Within the job, or until the next: then it is stored.
    waits = pauses(done) + pauses(done, "next")
    assert max(waits, default=0) >= told - 60, (waits, done)


def test_a_pause_of_days_across_resets(ca, cli, tmp_path):
    """Three more starts of a daemon within the pause: no request for another order."""
    ca.answers["order"] = lambda c, r: problem("rateLimited", status=429, headers={"Retry-After": "259200"})
    for number in range(4):
        daemon = Process(f"daemon{number}", cli.argv("daemon", "-d", NAME, "--accept-tos", "--http-port",
                                                     str(ca.http_port)), str(tmp_path))
        wait_until(lambda: "order" in ca.log and has_open(daemon.popen, cli.store), "the daemon and the order",
                   log=daemon.log)
        time.sleep(1)  # in which no other order may come
        daemon.stop()
    assert ca.log.count("order") == 1


# ---- terms ----

def other_terms(ca):
    ca.answers["directory"] = lambda c, r: change("directory", meta={"termsOfService": c.base + "/terms/2"})(c, r)


def test_terms_that_only_change(ca, cli):
    """The CA asks when it wants something; until then it is an event."""
    assert cli.run(NAME).code == 0
    other_terms(ca)
    done = cli.call("run", "-d", NAME, "--force", "--http-port", str(ca.http_port))
    assert done.code == 0 and "/terms/2" in done.err, done


def test_what_the_user_has_to_do(ca, cli):
    assert cli.run(NAME).code == 0
    ca.answers["order"] = lambda c, r: Reply(
        {"type": "urn:ietf:params:acme:error:userActionRequired", "detail": "agree", "instance": "https://ca.example/agree/7"},
        403, "application/problem+json", {"Link": '<https://ca.example/terms/3>;rel="terms-of-service"'})
    done = cli.run(NAME, extra=["--force"])
    assert done.code == 5 and "https://ca.example/agree/7" in done.err and "https://ca.example/terms/3" in done.err, done


# ---- limits say their name ----

def test_a_nonce_over_the_limit(ca, cli):
    ca.nonce_length = 1000
    done = cli.run(NAME)
    assert done.code != 0 and re.search(r"ACME_NONCE_MAX", done.err) and "1000" in done.err, done
