"""What every client job is, at a CA with the answers of each public one (ca_profiles.py): the usual way,
and what goes wrong on the way. Each test ends with what holds always (ca_oracle.py)."""
import pytest

from ca_profiles import PROFILES, USED_BINDING
from conftest import Cli
from scripted_ca import Reply, ScriptedCa, Wire, problem
from test_ca_answers import EAB, HURRY, PAGE, once
from test_issuance import names_of

NAME = "device.example.org"
NAMES = [f"device{i}.example.org" for i in range(3)]


class Customer(Cli):
    """With what this CA wants from a customer."""

    def __init__(self, folder, ca):
        super().__init__(folder, ca, "nanoacme-test")
        self.extra = EAB if ca.profile.eab else EAB[4:] if ca.profile.contact else []

    def want(self, *names, extra=(), **options):
        more = ["--allow-added-names"] if self.ca.profile.adds_www else []
        return self.run(*names, extra=[*self.extra, *more, *extra], **options)


@pytest.fixture(name="world", params=PROFILES)
def _world(request, tmp_path):
    ca = ScriptedCa(tmp_path, request.param)
    yield ca, Customer(tmp_path, ca)
    ca.stop()


def has(cli, name):
    return name in names_of(cli.chain(name)[0])


def accounts_asked(ca):
    return [r.payload for r in ca.requests
            if r.path.split("/")[1] == "account" and "jwk" in r.protected]


def test_first_certificate(world):
    ca, cli = world
    done = cli.want(NAME)
    assert done.code == 0 and has(cli, NAME) and ca.orders == 1, done


def test_a_renewal(world):
    ca, cli = world
    assert cli.want(NAME).code == 0
    first = cli.chain(NAME)[0].serial_number
    done = cli.want(NAME, extra=["--force"])
    assert done.code == 0 and cli.chain(NAME)[0].serial_number != first, done
    assert ca.orders == 2 and len(ca.keys) == 1
    assert len([p for p in accounts_asked(ca) if p.get("externalAccountBinding")]) <= 1


def test_several_names(world):
    ca, cli = world
    done = cli.want(*NAMES)
    if ca.profile.names < len(NAMES):
        assert done.code == 5 and "at most 1 names" in done.err and ca.orders == 1, done
    else:
        assert done.code == 0 and set(NAMES) <= set(names_of(cli.chain(NAMES[0])[0])), done


def test_a_revocation(world):
    ca, cli = world
    assert cli.want(NAME).code == 0
    done = cli.call("revoke", "-d", NAME)
    assert done.code == 0 and "revoke" in ca.log, done
    # Neither a binding nor terms are needed for it.
    assert len(accounts_asked(ca)) == 1


def test_the_accounts_answer_is_lost(world):
    ca, cli = world

    def lost(ca_, request):
        ca_.usual("account", request)
        return Wire(lambda tls: None)
    ca.answers["account"] = once(lost)
    cli.want(NAME, env=HURRY)
    done = cli.want(NAME, env=HURRY)
    assert done.code == 0 and len(ca.keys) == 1, done


def test_an_account_in_doubt(world):
    ca, cli = world
    assert cli.want(NAME).code == 0
    ca.answers["order"] = once(lambda c, r: problem("accountDoesNotExist"))
    done = cli.want(NAME, extra=["--force"])
    assert done.code == 0 and len(ca.keys) == 1, done


@pytest.mark.parametrize("resource", ["order", "finalize", "orders", "certificate"])
def test_a_page_of_its_front(world, resource):
    """A CDN answers in the CA's place, once."""
    ca, cli = world
    ca.answers[resource] = once(lambda c, r: Reply(PAGE[:9000], 503, "text/html", {"Retry-After": "1"}))
    done = cli.want(NAME)
    assert done.code == 0 and ca.orders == 1, done


@pytest.mark.parametrize("resource", ["orders", "certificate"])
def test_a_replica_lags(world, resource):
    ca, cli = world
    ca.answers[resource] = once(lambda c, r: problem("malformed", "no such thing", 404))
    done = cli.want(NAME)
    assert done.code == 0 and ca.orders == 1, done


def test_a_bad_nonce(world):
    ca, cli = world
    ca.answers["order"] = once(lambda c, r: problem("badNonce"))
    done = cli.want(NAME)
    assert done.code == 0 and ca.orders == 1, done


def test_too_many_orders(world):
    """The CA's words reach the person, and nothing is asked again."""
    ca, cli = world
    ca.answers["order"] = lambda c, r: problem("rateLimited", "too many certificates", 429,
                                               {"Retry-After": "7200"})
    done = cli.want(NAME)
    assert done.code == 5 and "too many certificates" in done.err, done
    assert ca.log.count("order") == 1


def test_no_binding(world):
    ca, cli = world
    done = cli.run(NAME, extra=EAB[4:])
    if not ca.profile.eab:
        assert done.code == 0, done
        return
    assert done.code == 5 and "account binding" in done.err, done
    ca.answers.clear()
    assert cli.want(NAME).code == 0 and len(ca.keys) == 1


def test_every_profile_names_its_sources():
    assert len(PROFILES) >= 9 and set(USED_BINDING) >= {p.eab for p in PROFILES.values()} - {""}
    for name, profile in PROFILES.items():
        assert profile.sources and all(s.startswith("https://") for s in profile.sources), name
