"""The reference board proves its name in other ways than http-01: on the port of its own HTTPS, and by a
record that a person sets once."""
import re
import socket
import ssl

from conftest import NAME
from lab import free_port
from test_firmware import INSTALLED, SERVING, accounts, check_served, orders


def test_tls_alpn_01_on_the_port_of_the_page(reference_bench):
    lab = reference_bench.start_lab()
    board = reference_bench.new_board(challenge="tls-alpn-01", http_port=free_port(),
                                      https_port=lab.tls_port)
    board.wait_for(SERVING)
    check_served(reference_bench, board)
    assert (accounts(lab), orders(lab)) == (1, 1)
    assert "validate w/ HTTP" not in lab.pebble.log()
    # Nothing is under way: the challenge's protocol is refused, and the page is still there.
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["acme-tls/1"])
    try:
        with socket.create_connection(("127.0.0.1", board.https_port), 10) as raw, \
                context.wrap_socket(raw, server_hostname=NAME) as tls:
            assert not tls.getpeercert(True), "a certificate for nobody's challenge"
    except (ssl.SSLError, ConnectionError):
        pass
    check_served(reference_bench, board)


def test_dns_persist_01_by_a_record_set_once(reference_bench):
    lab = reference_bench.start_lab(config={"caaIdentities": ["ca.example"]})
    board = reference_bench.new_board(challenge="dns-persist-01", http_port=free_port())
    board.wait_for("dns: its value:")
    assert INSTALLED not in board.text
    name = re.search(r"dns: set a TXT record once: (\S+)", board.text).group(1)
    value = re.search(r"dns: its value: (.*)", board.text).group(1)
    assert name == "_validation-persist." + NAME and value.startswith("ca.example; accounturi=")
    lab._challtest("set-txt", {"host": name + ".", "value": value})
    board.wait_for(SERVING)
    check_served(reference_bench, board)
    assert accounts(lab) == 1
