"""Every way to prove a name, against a real Pebble in strict mode: tls-alpn-01, addresses, the next way
when one fails."""
import socket
import ssl
import threading
import time

import pytest
from cryptography import x509

from conftest import Cli
from lab import PATIENCE, free_port
from test_issuance import accounts, chain_of


def names_in(cert):
    san = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return (sorted(san.get_values_for_type(x509.DNSName)),
            sorted(str(a) for a in san.get_values_for_type(x509.IPAddress)))


class Challenges(Cli):
    """The command line with the ports of the lab's challenges."""

    def prove(self, names, *types, extra=(), **options):
        args = ["--tls-port", str(self.ca.tls_port)]
        for each in types:
            args += ["--challenge", each]
        return self.run(*names, extra=[*args, *extra], **options)


@pytest.fixture(name="prover")
def _prover(tmp_path, shared_lab):
    return Challenges(tmp_path, shared_lab)


def test_tls_alpn_01(prover, shared_lab):
    names = ["alpn1.example.org", "alpn2.example.org", "alpn3.example.org"]
    done = prover.prove(names, "tls-alpn-01")
    assert done.code == 0, done
    assert names_in(chain_of(prover, names[0])[0]) == (sorted(names), [])
    assert "http://alpn1" not in shared_lab.pebble.log()


def test_long_name_by_tls_alpn_01(prover):
    """The certificate of a name of the greatest length still fits its buffer."""
    name = ".".join(["a" * 60] * 3 + ["b" * 58, "example.org"])[-253:]
    assert len(name) == 253
    done = prover.prove([name], "tls-alpn-01")
    assert done.code == 0, done
    assert names_in(chain_of(prover, name)[0]) == ([name], [])


@pytest.mark.parametrize("kind", ["http-01", "tls-alpn-01"])
@pytest.mark.parametrize("address, spelled", [
    ("127.0.0.1", "127.0.0.1"), ("::1", "0:0:0:0:0:0:0:1")], ids=["v4", "v6"])
def test_addresses(prover, kind, address, spelled):
    done = prover.prove([spelled], kind)
    assert done.code == 0, done
    assert names_in(chain_of(prover, address)[0]) == ([], [address])
    assert done.json["certificates"][0]["names"] == [address]


def test_names_and_addresses_in_one_certificate(prover):
    done = prover.prove(["mixed.example.org", "127.0.0.1", "::1"], "http-01")
    assert done.code == 0, done
    assert names_in(chain_of(prover, "::1")[0]) == (["mixed.example.org"], ["127.0.0.1", "::1"])


@pytest.mark.parametrize("address", ["127.0.0.01", "1::2::3", "fe80::1%lo", "[::1]", "1.2.3"])
def test_malformed_addresses(prover, address):
    done = prover.prove([address], "http-01")
    assert done.code == 3 and "ACME_ERR_NAME" in done.err, done


@pytest.mark.parametrize("name, good", [
    ("xn--bcher-kva.example.org", True), ("xn--bcher-kv!.example.org", False),
    ("xn--99999999.example.org", False), ("ab--cd.example.org", False)])
def test_internationalized_names(prover, name, good):
    done = prover.prove([name], "http-01")
    assert done.code == (0 if good else 3), done
    assert good or "ACME_ERR_NAME" in done.err


def test_the_next_way_when_the_ca_cannot_see_the_first(tmp_path, make_lab):
    lab = make_lab()
    prover = Challenges(tmp_path, lab)
    prover.http_port = free_port()  # where the CA does not look
    names = ["next1.example.org", "next2.example.org", "next3.example.org"]
    done = prover.prove(names, "http-01", "tls-alpn-01")
    assert done.code == 0, done
    assert "http-01 failed" in done.err and "ACME_ERR_AUTHORIZATION" in done.err
    # What failed for one name comes last for the others: two orders, not four.
    assert done.json["counters"]["newOrders"] == 2
    serial = chain_of(prover, names[0])[0].serial_number
    assert accounts(lab) == 1
    # A renewal goes the same way, though each of its orders names what it replaces.
    renewed = prover.prove(names, "http-01", "tls-alpn-01", extra=["--force"])
    assert renewed.code == 0 and chain_of(prover, names[0])[0].serial_number != serial, renewed
    # Each way once: then the certificate has failed, with the CA's word for it.
    lab.set_name("next4.example.org", None)
    failed = prover.prove(["next4.example.org"], "http-01", "tls-alpn-01")
    assert failed.code == 5 and failed.json["counters"]["newOrders"] == 2, failed
    broken = failed.json["certificates"][0]
    assert broken["error"] == "ACME_ERR_AUTHORIZATION" and broken["problem"]["type"]


def test_the_next_way_when_a_port_is_taken(prover, shared_lab):
    """The CA was not told: the same order goes on by the other way."""
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("0.0.0.0", shared_lab.http_port))
        s.listen()
        done = prover.prove(["taken2.example.org"], "http-01", "tls-alpn-01")
    assert done.code == 0, done
    assert "ACME_ERR_LISTEN" in done.err and done.json["counters"]["newOrders"] == 1


def test_a_wildcard_has_no_way_without_dns(prover):
    done = prover.prove(["*.example.org"], "http-01", "tls-alpn-01")
    assert done.code == 5 and "ACME_ERR_CHALLENGE_NONE" in done.err, done


def test_the_responder_refuses_others(tmp_path, make_lab):
    """Only acme-tls/1, only for the name that is being proven."""
    lab = make_lab()
    prover = Challenges(tmp_path, lab)
    lab.challtest.stop()
    host, port = lab.names_at.rsplit(":", 1)
    # Pebble asks over TCP, and waits for an answer: the responder stays up meanwhile.
    deaf = socket.create_server((host, int(port)))
    results, over = {}, threading.Event()

    def ask(protocol, name):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_alpn_protocols([protocol])
        try:
            with socket.create_connection(("127.0.0.1", lab.tls_port), 5 * PATIENCE) as raw:
                with context.wrap_socket(raw, server_hostname=name) as tls:
                    return tls.selected_alpn_protocol(), tls.getpeercert(True)
        except ConnectionRefusedError:
            return None
        except (ssl.SSLError, OSError) as e:
            return type(e).__name__, None

    def probe():
        while not over.is_set():
            if (good := ask("acme-tls/1", "probe.example.org")) is not None:
                results["good"] = good
                results["wrong name"] = ask("acme-tls/1", "other.example.org")
                results["wrong protocol"] = ask("http/1.1", "probe.example.org")
                return
            time.sleep(0.02)

    thread = threading.Thread(target=probe)
    thread.start()
    done = prover.prove(["probe.example.org"], "tls-alpn-01")
    over.set()
    thread.join()
    assert "good" in results, done
    deaf.close()
    protocol, der = results["good"]
    assert protocol == "acme-tls/1"
    cert = x509.load_der_x509_certificate(der)
    assert names_in(cert) == (["probe.example.org"], [])
    proof = cert.extensions.get_extension_for_oid(x509.ObjectIdentifier("1.3.6.1.5.5.7.1.31"))
    assert proof.critical and len(proof.value.value) == 34 and proof.value.value[:2] == b"\x04\x20"
    assert results["wrong name"][1] is None and results["wrong protocol"][1] is None


@pytest.mark.parametrize("kind", ["http-01", "tls-alpn-01"])
def test_idle_connections_do_not_keep_the_ca_out(prover, shared_lab, kind):
    """Whoever connects and says nothing gives way: more of them than there are streams, all the time."""
    port = shared_lab.http_port if kind == "http-01" else shared_lab.tls_port
    over, idle = threading.Event(), []

    def connect():
        while not over.is_set():
            try:
                idle.append(socket.create_connection(("127.0.0.1", port), 5))
            except OSError:
                time.sleep(0.001)  # the responder is not there yet, or no longer
            if len(idle) >= 40:
                idle.pop(0).close()
                time.sleep(0.01)

    thread = threading.Thread(target=connect)
    thread.start()
    try:
        names = [f"{kind}-idle{i}.example.org" for i in range(4)]
        done = prover.prove(names, kind)
    finally:
        over.set()
        thread.join()
    assert done.code == 0, done
    assert len(idle) > 16  # the most streams that the command line's responders have
