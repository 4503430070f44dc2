"""What few CAs offer, against the scripted one: names proven before the order (RFC 8555 7.4.1), and names
proven by a domain above them (RFC 9444)."""
import pytest

from conftest import Cli
from scripted_ca import Reply, ScriptedCa, problem

NAMES = ["one.site.example.org", "two.site.example.org"]


def directory(subdomains, new_authz=True):
    def answer(ca, request):
        reply = ca.usual("directory", request)
        meta = f'"subdomainAuthAllowed": {"true" if subdomains else "false"}, "termsOfService"'
        reply.body = reply.body.replace('"termsOfService"', meta)
        if new_authz:
            reply.body = reply.body.replace('"newOrder"',
                                            f'"newAuthz": "{ca.base}/new_authz", "newOrder"')
        return reply
    return answer


@pytest.fixture(name="world")
def _world(tmp_path):
    ca = ScriptedCa(tmp_path)
    yield ca, Cli(tmp_path, ca)
    ca.stop()


def test_names_before_the_order(world):
    ca, cli = world
    ca.answers["directory"] = directory(False)
    done = cli.run(*NAMES, extra=["--pre-authorize"])
    assert done.code == 0, done
    assert ca.pre_authorized == [{"type": "dns", "value": n} for n in NAMES]
    # Both were proven before the order was asked for, and not again in it.
    assert ca.log.index("order") > max(i for i, n in enumerate(ca.log) if n == "prechallenge")
    assert ca.log.count("prechallenge") == 2 and "challenge" not in ca.log
    assert ca.orders == 1 and ca.identifiers == [{"type": "dns", "value": n} for n in NAMES]


def test_where_the_ca_has_none_the_order_does_it(world):
    ca, cli = world
    ca.authorized = False
    done = cli.run(*NAMES, extra=["--pre-authorize"])
    assert done.code == 0 and ca.pre_authorized == [], done
    assert "challenge" in ca.log


def test_wildcards_wait_for_the_order(world):
    ca, cli = world
    ca.answers["directory"] = directory(False)
    ca.answers["authorization"] = lambda ca, request: Reply(
        {"status": "valid", "identifier": {"type": "dns", "value": "site.example.org"},
         "wildcard": request.path.endswith("0"), "challenges": []})
    done = cli.run("*.site.example.org", "site.example.org", extra=["--pre-authorize"])
    assert done.code == 0, done
    assert ca.pre_authorized == [{"type": "dns", "value": "site.example.org"}]


def test_a_refused_pre_authorization(world):
    ca, cli = world
    ca.answers["directory"] = directory(False)
    ca.answers["new_authz"] = lambda ca, request: problem("rejectedIdentifier")
    done = cli.run(*NAMES, extra=["--pre-authorize"])
    assert done.code == 5 and "ACME_ERR_ORDER" in done.err and ca.orders == 0, done


@pytest.mark.parametrize("reply, error", [
    (Reply({}, 201), "ACME_ERR_FIELD"),
    (Reply({}, 204, headers={"Location": "https://127.0.0.1/x"}), "ACME_ERR_HTTP_STATUS"),
    (Reply({}, 201, headers={"Location": "http://127.0.0.1/x"}), "ACME_ERR_URL")])
def test_malformed_pre_authorizations(world, reply, error):
    ca, cli = world
    ca.answers["directory"] = directory(False)
    ca.answers["new_authz"] = lambda ca, request: reply
    done = cli.run(*NAMES, extra=["--pre-authorize"])
    assert done.code != 0 and error in done.err and ca.orders == 0, done


def test_an_ancestor_before_the_order(world):
    ca, cli = world
    ca.answers["directory"] = directory(True)
    done = cli.run(*NAMES, "elsewhere.example.net",
                   extra=["--pre-authorize", "--ancestor", "site.example.org"])
    assert done.code == 0, done
    # One proof for both names below, and one for the name that is elsewhere.
    assert ca.pre_authorized == [
        {"type": "dns", "value": "site.example.org", "subdomainAuthAllowed": True},
        {"type": "dns", "value": "elsewhere.example.net"}]
    assert ca.identifiers == [
        *({"type": "dns", "value": n, "ancestorDomain": "site.example.org"} for n in NAMES),
        {"type": "dns", "value": "elsewhere.example.net"}]


def ancestor_authorization(allowed, value="site.example.org"):
    def answer(ca, _request):
        return Reply({"status": "valid" if ca.authorized else "pending",
                      "identifier": {"type": "dns", "value": value},
                      "subdomainAuthAllowed": allowed,
                      "challenges": [{"type": "http-01", "url": ca.base + "/challenge/http",
                                      "status": "pending",
                                      "token": "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0"}]})
    return answer


def test_an_ancestor_in_the_order(world):
    ca, cli = world
    ca.authorized = False
    ca.answers["directory"] = directory(True, new_authz=False)
    ca.answers["authorization"] = ancestor_authorization(True)
    done = cli.run(*NAMES, extra=["--ancestor", "site.example.org"])
    assert done.code == 0 and "site.example.org: proven" in done.err, done


@pytest.mark.parametrize("allowed, value, ancestor", [
    (False, "site.example.org", "site.example.org"),  # the CA does not say that it is for subdomains
    (True, "example.org", "site.example.org"),        # another domain than was asked for
    (True, "site.example.org", None)])                # nobody asked for one
def test_ancestors_that_were_not_asked_for(world, allowed, value, ancestor):
    ca, cli = world
    ca.authorized = False
    ca.answers["directory"] = directory(True, new_authz=False)
    ca.answers["authorization"] = ancestor_authorization(allowed, value)
    done = cli.run(*NAMES, extra=["--ancestor", ancestor] if ancestor else [])
    assert done.code == 5 and "ACME_ERR_ORDER_IDENTIFIERS" in done.err, done
    assert "challenge" not in ca.log


def test_an_ancestor_that_the_ca_does_not_want(world):
    ca, cli = world
    done = cli.run(*NAMES, extra=["--ancestor", "site.example.org"])
    assert done.code == 0, done
    assert all("ancestorDomain" not in i for i in ca.identifiers)


def test_a_malformed_ancestor(world):
    _, cli = world
    assert cli.run(*NAMES, extra=["--ancestor", "*.example.org"]).code == 3
