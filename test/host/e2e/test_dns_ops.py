"""A firmware's own DNS provider (acme/dns.h), see dns_ops.c: late, without end, failing; whatever it
does, records that were presented are taken back, and nothing waits for ever."""
import os
import subprocess

import pytest

from conftest import BUILD, Cli
from lab import PATIENCE
from scripted_ca import TOKEN, Reply, ScriptedCa, problem

NAME = "firmware.example.org"


@pytest.fixture(name="ca")
def _ca(tmp_path):
    ca = ScriptedCa(tmp_path)
    ca.authorized = False
    ca.answers["authorization"] = authorization
    yield ca
    ca.stop()


def authorization(ca, request, types=("http-01", "dns-01", "dns-account-01")):
    name = ca.names[int(request.path.rsplit("/", 1)[1])]
    return Reply({"status": "valid" if ca.authorized else "pending",
                  "identifier": {"type": "dns", "value": name.removeprefix("*.")},
                  **({"wildcard": True} if name.startswith("*.") else {}),
                  "challenges": [{"type": t, "url": f"{ca.base}/challenge/{t}", "status": "pending",
                                  "token": TOKEN[:-1] + str(len(name) % 10)} for t in types]})


def call(ca, tmp_path, scenario, *names):
    done = subprocess.run([os.path.join(BUILD, "test", "dns_ops"), ca.directory, ca.ca_file,
                           str(tmp_path / "store.img"), scenario, *(names or [NAME])],
                          capture_output=True, text=True, timeout=150 * PATIENCE, check=False)  # 60 polls, a second between two
    lines = [line.split() for line in done.stdout.splitlines()]
    return done.returncode, lines


def words(lines, *kinds):
    return [line[0] for line in lines if line[0] in (kinds or ("present", "ready", "cleanup"))]


def test_late(ca, tmp_path):
    code, lines = call(ca, tmp_path, "late", "*." + NAME, NAME)
    assert code == 0, lines
    # Both values stand before the CA is told of one; all go in the end.
    assert words(lines, "present", "ready", "authorized", "cleanup") == [
        "present", "present", "ready", "authorized", "ready", "authorized", "cleanup", "cleanup"]
    records = [line[1:] for line in lines if line[0] == "present"]
    assert records[0][0] == records[1][0] == "_acme-challenge." + NAME
    assert records[0][1] != records[1][1]
    assert [line[1:] for line in lines if line[0] == "cleanup"] == records


def test_the_least_that_a_provider_has(ca, tmp_path):
    code, lines = call(ca, tmp_path, "least")
    assert code == 0 and words(lines) == ["present"], lines


def test_a_provider_that_cannot_publish(ca, tmp_path):
    code, lines = call(ca, tmp_path, "nothing")
    assert code == 1 and lines[-1] == ["result", "ACME_ERR_CHALLENGE_NONE"], lines


@pytest.mark.parametrize("scenario, error", [
    ("never-present", "ACME_ERR_DNS_TIMEOUT"), ("never-ready", "ACME_ERR_DNS_TIMEOUT"),
    ("fail-present", "ACME_ERR_DNS"), ("fail-ready", "ACME_ERR_DNS"),
    ("odd-present", "ACME_ERR_DNS"), ("odd-ready", "ACME_ERR_DNS")])
def test_the_next_type(ca, tmp_path, scenario, error):
    code, lines = call(ca, tmp_path, scenario)
    assert code == 0 and ca.orders == 1, lines
    assert ["failed", "dns-01", error] in lines
    assert ("stop" in words(lines, "stop")) and ["authorized", NAME] in lines
    # What may have been presented is taken back before the next type begins.
    begun = [line[1] for line in lines if line[0] in ("present", "cleanup")]
    assert begun[-1].startswith("_") and begun[-1].endswith("._acme-challenge." + NAME)
    assert ["cleanup", "_acme-challenge." + NAME] in [line[:2] for line in lines]


@pytest.mark.parametrize("scenario", ["never-cleanup", "fail-cleanup", "odd-cleanup"])
def test_what_cannot_be_removed_fails_nothing(ca, tmp_path, scenario):
    code, lines = call(ca, tmp_path, scenario)
    assert code == 0 and lines[-1] == ["result", "ACME_OK"], lines


@pytest.mark.parametrize("resource, answer, error", [
    ("challenge", problem("unauthorized", status=403), "ACME_ERR_POLL_LIMIT"),
    ("challenge", problem("rateLimited", status=429), "ACME_ERR_RATE_LIMITED"),
    ("challenge", Reply("gone", 404, "text/plain"), "ACME_ERR_HTTP_STATUS"),
    ("challenge", Reply("no", 302, headers={"Location": "/x"}), "ACME_ERR_HTTP_REDIRECT")])
def test_records_go_when_the_ca_fails(ca, tmp_path, resource, answer, error):
    ca.answers[resource] = lambda ca, request: answer
    ca.answers["authorization"] = lambda ca, request: with_retry(authorization(ca, request))
    code, lines = call(ca, tmp_path, "late")
    assert code == 1 and lines[-1] == ["result", error], lines
    assert words(lines, "present", "cleanup", "error") == ["present", "cleanup", "error"]


def with_retry(reply):
    reply.headers["Retry-After"] = "0"
    return reply


PERSIST = {"type": "dns-persist-01", "status": "pending"}


@pytest.mark.parametrize("changes", [
    {}, {"issuer-domain-names": []}, {"issuer-domain-names": "ca.example"},
    {"issuer-domain-names": [7]}, {"issuer-domain-names": ["ca.example; accounturi=x"]},
    {"issuer-domain-names": ["not a name"]}, {"issuer-domain-names": ["a.example"] * 11},
    {"issuer-domain-names": ["a" * 60 + ".example"] * 9},
    {"issuer-domain-names": ["ca.example"], "accounturi": "https://127.0.0.1/another"},
    {"issuer-domain-names": ["ca.example"], "url": "http://127.0.0.1/x"}], ids=str)
def test_malformed_persist_challenges(ca, tmp_path, changes):
    """The one type left is refused as it comes; the CA is told nothing."""
    challenge = {**PERSIST, "url": ca.base + "/challenge/persist", **changes}
    ca.answers["authorization"] = lambda ca, request: Reply(
        {"status": "pending", "identifier": {"type": "dns", "value": NAME},
         "challenges": [challenge]})
    done = Cli(tmp_path, ca).run(NAME, extra=["--challenge", "dns-persist-01", "--dns-resolver",
                                              "none"])
    assert done.code in (3, 5) and "challenge" not in ca.log, done
    assert "ACME_ERR_FIELD" in done.err or "ACME_ERR_URL" in done.err
    # With another type at hand it is that one.
    ca.answers["authorization"] = lambda ca, request: Reply(
        {"status": "valid" if ca.authorized else "pending",
         "identifier": {"type": "dns", "value": NAME},
         "challenges": [challenge, {"type": "http-01", "url": ca.base + "/challenge/http",
                                    "status": "pending", "token": TOKEN}]})
    done = Cli(tmp_path, ca).run(NAME, extra=["--challenge", "dns-persist-01", "--challenge",
                                              "http-01", "--dns-resolver", "none"])
    assert done.code == 0 and "dns-persist-01 failed" in done.err, done
