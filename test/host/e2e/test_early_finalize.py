"""The certificate is asked for as soon as the CA has fetched the proof; a CA that is not that far says
so, and the authorization is waited for as ever."""
import threading
import urllib.request

import pytest

from conftest import Cli
from lab import PATIENCE
from scripted_ca import TOKEN, Reply, ScriptedCa, problem

NAME = "device.example.org"
OTHER = "other.example.org"
FROM_CHALLENGE = ["challenge", "finalize", "orders", "certificate"]


@pytest.fixture(name="world")
def _world(tmp_path):
    ca = ScriptedCa(tmp_path)
    yield ca, Cli(tmp_path, ca)
    ca.stop()


def fetch_proof(ca):
    url = f"http://127.0.0.1:{ca.http_port}/.well-known/acme-challenge/{TOKEN}"
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=20 * PATIENCE) as r:
        ca.proofs.append(r.read())


def validating(before_reply):
    """The challenge's answer of a CA that looks for the proof, before or after it has said so. It
    wants to be asked a minute later, which only a client that has seen it look does not wait."""
    def answer(ca, _request):
        if before_reply:
            fetch_proof(ca)
        else:
            threading.Timer(0.2, fetch_proof, (ca,)).start()
        ca.authorized = True
        return Reply({"type": "http-01", "status": "processing"}, headers={"Retry-After": "60"})
    return answer


def prepare(ca, before_reply=False):
    ca.proofs, ca.authorized = [], False
    ca.answers = {"challenge": validating(before_reply)}
    # Each authorization is pending until its own challenge was answered.
    ca.answers["authorization"] = lambda c, r: Reply(c.authorization_body(
        int(r.path.rsplit("/", 1)[1]), "valid" if c.authorized else "pending"))


def since_challenge(ca):
    return ca.log[ca.log.index("challenge"):]


@pytest.mark.parametrize("before_reply", [True, False], ids=["before its answer", "after it"])
def test_no_second_look_at_the_authorization(world, before_reply):
    ca, cli = world
    prepare(ca, before_reply)
    done = cli.run(NAME, timeout=40)
    assert done.code == 0 and f"{NAME}: proven" in done.err, done
    assert since_challenge(ca) == FROM_CHALLENGE and len(ca.proofs) == 1
    assert done.json["counters"]["connections"] == 1


@pytest.mark.parametrize("refusal", ["orderNotReady", "malformed", "unauthorized"])
def test_a_ca_that_is_not_ready(world, refusal):
    ca, cli = world
    prepare(ca)
    seen = []

    def not_yet(ca_, _request):
        seen.append(1)
        if len(seen) > 1:
            return None
        fetch_proof(ca_)  # the responder is still there
        return problem(refusal, status=403, headers={"Retry-After": "0"})
    ca.answers["finalize"] = not_yet
    done = cli.run(NAME, timeout=40)
    assert done.code == 0, done
    assert since_challenge(ca) == ["challenge", "finalize", "authorization", *FROM_CHALLENGE[1:]]
    assert len(ca.proofs) == 2


def test_a_ca_that_refuses_for_another_reason(world):
    ca, cli = world
    prepare(ca)
    ca.answers["finalize"] = lambda c, r: problem("badCSR", status=403, headers={"Retry-After": "0"})
    done = cli.run(NAME, timeout=40)
    assert done.json["result"] == "ACME_ERR_ORDER", done
    assert since_challenge(ca) == ["challenge", "finalize", "authorization", "finalize"]


def test_a_proof_that_the_ca_did_not_like(world):
    ca, cli = world
    prepare(ca)
    ca.answers["finalize"] = lambda c, r: problem("orderNotReady", status=403,
                                                  headers={"Retry-After": "0"})
    ca.answers["authorization"] = lambda c, r: Reply(c.authorization_body(
        0, "invalid" if c.authorized else "pending"))
    done = cli.run(NAME, timeout=40)
    assert done.json["result"] == "ACME_ERR_AUTHORIZATION", done
    assert since_challenge(ca) == ["challenge", "finalize", "authorization"]


def test_only_the_last_of_several_names(world):
    ca, cli = world
    prepare(ca)
    valid = set()

    def challenge(ca_, request):
        valid.add(len(valid))
        return validating(False)(ca_, request)

    ca.answers["challenge"] = challenge
    ca.answers["authorization"] = lambda c, r: Reply(c.authorization_body(
        int(r.path.rsplit("/", 1)[1]),
        "valid" if int(r.path.rsplit("/", 1)[1]) in valid else "pending"))
    done = cli.run(NAME, OTHER, timeout=60)
    assert done.code == 0, done
    assert since_challenge(ca) == ["challenge", "authorization", "authorization", *FROM_CHALLENGE]
