"""The main job against a real Pebble in strict mode: issue, use, issue again, fail one by one."""
import re
import socket
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from conftest import Cli
from lab import Process, finish, free_port, listens, wait_until


def chain_of(cli, name):
    done = cli.call("export", *cli.domains(name))
    assert done.code == 0, done
    end = "-----END CERTIFICATE-----\n"
    return [x509.load_pem_x509_certificate((text + end).encode())
            for text in done.out.split(end)[:-1]]


def names_of(cert):
    san = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return sorted(san.get_values_for_type(x509.DNSName))


def use(cli, lab, name, folder):
    """Serves TLS with the stored certificate; openssl and curl verify it against Pebble's root."""
    chain, key, root = folder / "chain.pem", folder / "key.pem", lab.issuing_root()
    assert cli.call("export", *cli.domains(name), "-o", str(chain)).code == 0
    assert cli.call("export", *cli.domains(name), "--key", "-o", str(key)).code == 0
    assert (key.stat().st_mode & 0o077) == 0
    port = free_port()
    server = Process("server", ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert",
                                str(chain), "-cert_chain", str(chain), "-key", str(key), "-www"],
                     str(folder))
    try:
        wait_until(lambda: listens(port), "the TLS server")
        done = finish(["openssl", "s_client", "-connect", f"127.0.0.1:{port}",
                       "-servername", name, "-verify_hostname", name, "-CAfile", root,
                       "-verify_return_error"], 20, input="")
        assert done.returncode == 0 and "Verify return code: 0 (ok)" in done.stdout, done
        done = finish(["curl", "-sS", "--fail", "--cacert", root, "--noproxy", "*",
                       "--resolve", f"{name}:{port}:127.0.0.1", f"https://{name}:{port}/"], 20)
        assert done.returncode == 0, done
    finally:
        server.stop()


@pytest.mark.parametrize("options", [
    {"nonce_reject": 90}, {"authz_reuse": 0}, {"authz_reuse": 100}, {"chain_length": 3},
    {"nonce_reject": 90, "authz_reuse": 100, "chain_length": 3}], ids=str)
def test_issue_use_and_renew(make_lab, tmp_path, options):
    lab = make_lab(**options)
    cli = Cli(tmp_path, lab)
    names = ["one.example.org", "two.example.org", "three.example.org"]
    done = cli.run(*names, extra=["--exportable-key"])
    assert done.code == 0, done
    chain = chain_of(cli, names[1])
    assert names_of(chain[0]) == sorted(names)
    assert len(chain) == options.get("chain_length", 1) + 1
    use(cli, lab, names[0], tmp_path)
    if options.get("nonce_reject"):
        assert done.json["counters"]["badNonces"] > 0
    # Again: what is good stays, and the network is left alone.
    before = len(lab.requests())
    again = cli.run(*names, extra=["--exportable-key"])
    assert again.code == 0 and again.json["certificates"] == done.json["certificates"], again
    assert len(lab.requests()) == before
    # A forced renewal: another certificate with another key, the account is the same.
    forced = cli.run(*names, extra=["--exportable-key", "--force"])
    assert forced.code == 0, forced
    renewed = chain_of(cli, names[0])[0]
    assert renewed.serial_number != chain[0].serial_number
    assert renewed.public_key().public_numbers() != chain[0].public_key().public_numbers()
    assert accounts(lab) == 1
    if options.get("authz_reuse") == 100:
        assert lab.count("Attempting to validate") == 3 * len(names)
    use(cli, lab, names[2], tmp_path)


def accounts(lab):
    found = re.findall(r"There are now (\d+) accounts in memory", lab.pebble.log())
    return int(found[-1]) if found else 0


def test_ten_certificates_in_one_store(make_lab, tmp_path):
    lab = make_lab()
    cli = Cli(tmp_path, lab)
    names = [f"host{i}.example.org" for i in range(10)]
    done = cli.run(*names, extra=["--each"], timeout=120)
    assert done.code == 0, done
    listed = cli.call("list", "--json").json
    assert sorted(c["names"][0] for c in listed) == sorted(names)
    assert all(c["valid"] and len(c["names"]) == 1 for c in listed)
    serials = {chain_of(cli, n)[0].serial_number for n in names}
    assert len(serials) == 10 and accounts(lab) == 1
    assert done.json["counters"]["connections"] == 1


def test_one_name_of_three_fails(cli, shared_lab):
    shared_lab.set_name("broken.example.org", None)
    done = cli.run("good1.example.org", "broken.example.org", "good2.example.org",
                   extra=["--each"])
    assert done.code == 1, done
    by_name = {c["names"][0]: c for c in done.json["certificates"]}
    assert by_name["good1.example.org"]["valid"] and by_name["good2.example.org"]["valid"]
    broken = by_name["broken.example.org"]
    assert not broken["valid"] and broken["error"] == "ACME_ERR_AUTHORIZATION"
    assert broken["problem"]["type"] and broken["problem"]["identifier"] == "broken.example.org"
    assert "broken.example.org" in done.err and "the CA says" in done.err
    assert len(cli.call("list", "--json").json) == 2


def test_known_account_needs_nine_requests_on_one_connection(make_lab, tmp_path):
    """Pebble says Retry-After 3 (authorization) and 5 (order) s, and has its answers at once: none of them is
    waited for. On a busy machine it may really not have them yet: then it is asked for another name."""
    pause, tries = 3, 8
    lab = make_lab()
    cli = Cli(tmp_path, lab)
    assert cli.call("account", "create", "--accept-tos").code == 0
    for number in range(tries):
        before, start = len(lab.requests()), time.monotonic()
        done = cli.run(f"known{number}.example.org")
        elapsed = time.monotonic() - start
        assert done.code == 0, done
        assert done.json["counters"]["connections"] == 1
        assert len(lab.requests()) - before == done.json["counters"]["requests"]
        if elapsed < pause:
            break
    assert elapsed < pause, f"{tries} times it was waited for"
    assert done.json["counters"]["requests"] <= 9


@pytest.mark.parametrize("key_type, check", [
    ("p256", lambda k: isinstance(k, ec.EllipticCurvePublicKey) and k.key_size == 256),
    ("p384", lambda k: isinstance(k, ec.EllipticCurvePublicKey) and k.key_size == 384),
    ("rsa2048", lambda k: isinstance(k, rsa.RSAPublicKey) and k.key_size == 2048)])
def test_key_types(cli, key_type, check):
    name = f"{key_type}.example.org"
    done = cli.run(name, extra=["--key-type", key_type, "--account-key-type", key_type])
    assert done.code == 0, done
    assert check(chain_of(cli, name)[0].public_key())
    account = cli.call("account", "--json").json
    assert account["keyType"] == key_type and account["exists"]


def test_export(cli):
    assert cli.run("export.example.org").code == 0
    whole = cli.call("export", "-d", "export.example.org").out
    leaf = cli.call("export", "-d", "export.example.org", "--no-intermediates").out
    assert whole.startswith(leaf) and leaf.count("BEGIN") == 1 and whole.count("BEGIN") == 2
    key = cli.call("export", "-d", "export.example.org", "--key")
    assert key.code == 3 and "ACME_ERR_KEY_EXPORT" in key.err and key.out == ""
    none = cli.call("export", "-d", "other.example.org")
    assert none.code == 3 and "no certificate for other.example.org" in none.err


def test_contact_and_deactivation(make_lab, tmp_path):
    lab = make_lab()
    cli = Cli(tmp_path, lab)
    created = cli.call("account", "create", "--accept-tos", "--email", "a@example.org", "--json")
    assert created.code == 0, created
    url = created.json["url"]
    assert created.json["termsOfService"] and len(created.json["thumbprint"]) == 43
    assert cli.call("account", "update", "--email", "b@example.org").code == 0
    assert cli.call("account", "--json").json["url"] == url
    assert cli.call("account", "deactivate").code == 0
    gone = cli.call("account", "--json")
    assert gone.code == 3 and not gone.json["exists"]
    # The next account has another key.
    again = cli.call("account", "create", "--accept-tos", "--json").json
    assert again["url"] != url and again["thumbprint"] != created.json["thumbprint"]


def test_account_is_found_again_by_its_key(make_lab, tmp_path):
    lab = make_lab()
    cli = Cli(tmp_path, lab)
    none = cli.call("account", "create", "--only-existing", "--accept-tos")
    assert none.code == 5 and "ACME_ERR_ACCOUNT_NONE" in none.err, none
    first = cli.call("account", "create", "--accept-tos", "--json").json
    second = cli.call("account", "create", "--only-existing", "--json").json
    assert first == second and accounts(lab) == 1


def test_a_restarted_ca_that_forgot_everything(make_lab, tmp_path):
    lab = make_lab()
    cli = Cli(tmp_path, lab)
    assert cli.run("forgot.example.org").code == 0
    lab.pebble.stop()
    lab.start_pebble()
    done = cli.run("forgot.example.org", extra=["--force"])
    assert done.code == 0, done


@pytest.mark.parametrize("extra", [[], ["--with-certificate-key"]], ids=["account", "certificate"])
def test_revoke(cli, shared_lab, extra):
    name = f"revoke{len(extra)}.example.org"
    assert cli.run(name).code == 0
    serial = chain_of(cli, name)[0].serial_number
    done = cli.call("revoke", "-d", name, "--reason", "1", *extra)
    assert done.code == 0, done
    status = shared_lab.management(f"/cert-status-by-serial/{serial:x}").decode()
    assert '"Revoked"' in status
    assert cli.call("list", "--json").json == []
    assert cli.call("revoke", "-d", name).code == 3
    assert cli.run(name).code == 0
    assert chain_of(cli, name)[0].serial_number != serial


def test_external_account_binding(make_lab, tmp_path):
    key = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"
    lab = make_lab(config={"externalAccountBindingRequired": True,
                           "externalAccountMACKeys": {"kid-1": key}})
    cli = Cli(tmp_path, lab)
    refused = cli.run("eab.example.org")
    assert refused.code == 5 and "(ACME_ERR_EAB)" in refused.err, refused
    for kid, wrong_key, error in (
            ("kid-1", "AAAA", "the CA says"), ("kid-1", key[:-1] + "X", "the CA says"),
            ("kid-2", key, "the CA says"), ("kid-1", "not base64url!", "ACME_ERR_EAB_KEY")):
        wrong = cli.run("eab.example.org", extra=["--eab-kid", kid, "--eab-hmac-key", wrong_key])
        assert wrong.code == 5 and error in wrong.err and accounts(lab) == 0, wrong
    done = cli.run("eab.example.org", extra=["--eab-kid", "kid-1", "--eab-hmac-key", key])
    assert done.code == 0 and accounts(lab) == 1, done
    # The account exists now: it needs no binding any more.
    assert cli.run("eab.example.org", extra=["--force"]).code == 0


def test_terms_must_be_agreed_to(cli, shared_lab):
    done = cli.call("run", "-d", "terms.example.org", "--http-port", str(shared_lab.http_port))
    assert done.code == 3 and "ACME_ERR_TOS" in done.err and "--accept-tos" in done.err


def test_port_taken(cli, shared_lab):
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("0.0.0.0", shared_lab.http_port))
        s.listen()
        done = cli.run("taken.example.org")
    assert done.code == 3 and "ACME_ERR_LISTEN" in done.err, done
    assert cli.run("taken.example.org").code == 0


def test_untrusted_server(cli, tmp_path, shared_lab):
    root = shared_lab.issuing_root()
    done = cli.call("run", "-d", "x.example.org", "--accept-tos", "--ca-file", root)
    assert done.code == 4 and "ACME_ERR_TLS_VERIFY" in done.err, done


def test_quiet_and_interrupt(cli):
    assert cli.run("quiet.example.org", extra=["-q"]).err == ""
