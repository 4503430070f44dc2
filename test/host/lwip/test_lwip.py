"""The network ports on a real network: see conformance.c, device.c and network.py."""
import os
import re
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "e2e")]
import lab as lab_module  # noqa: E402
import names  # noqa: E402
import network  # noqa: E402

BUILD = os.environ.get("NANOACME_BUILD", os.path.join(lab_module.ROOT, "build"))
NAMES = {  # no other name has an address
    "four.test": [network.PEER4], "six.test": [network.PEER6], "later.test": [network.PEER4],
    "slow.test": [network.PEER4],
    "both.test": [network.PEER4, network.PEER6], "hole.test": ["10.66.0.77", network.PEER6],
    "broken.test": [""],
}
DEAD = ["10.66.0.77", "10.66.0.78", "10.66.0.79"]  # nobody answers, not even to ARP
MANY = [f"10.66.7.{i}" for i in range(1, 200)]  # nobody knows a way there


def rules():
    """Names with several addresses: see conformance.c."""
    return {
        "dead-two.test": names.Rule(*DEAD[:2], network.PEER4),
        "dead-six.test": names.Rule("fd66::77", network.PEER4),
        "dead-both.test": names.Rule(DEAD[0], "fd66::77", "fd66::78", network.PEER4),
        "cut.test": names.Rule(network.PEER4, over_udp=0),
        "cut-six.test": names.Rule(network.PEER6, over_udp=0),
        "cut-both.test": names.Rule(DEAD[0], network.PEER4, network.PEER6, over_udp=0),
        "cut-dead.test": names.Rule(DEAD[0], network.PEER4, over_udp=1),
        "cut-no-tcp.test": names.Rule(network.PEER4, DEAD[0], over_udp=1, tcp=False),
        "long.test": names.Rule(network.PEER4, *MANY, over_udp=0),
        "lost.test": names.Rule(network.PEER4, lost=1),
        "silent-six.test": names.Rule(network.PEER4, silent=("AAAA",)),
        "silent-four.test": names.Rule(network.PEER6, silent=("A",)),
        "strange.test": names.Rule(network.PEER4, strange=True),
        "alias.test": names.Rule(network.PEER4, DEAD[0], alias="www.elsewhere.test"),
    }


@pytest.fixture
def net(tmp_path):
    with network.tap_network():
        lab = lab_module.Lab(tmp_path, default_address="")
        front = None
        try:
            lab.start_names()
            front = names.name_server(network.PEER4, int(lab.names_at.split(":")[1]), rules())
            for name, addresses in NAMES.items():
                for address in addresses:
                    lab.set_name(name, address)
            yield lab
        finally:
            if front is not None:
                front.stop()
            lab.stop()


@pytest.mark.parametrize("port", ["lwip_socket", "lwip_socket_nolock", "lwip_raw", "posix"])
def test_conformance(net, tmp_path, port, capsys):
    """What acme/port.h promises, for each port, over the kernel's sockets at the other end."""
    argv = [os.path.join(BUILD, "test", f"conformance_{port}"),
            *os.environ.get("NANOACME_CHECKS", "").split()]
    if port == "posix":  # the C library asks whom this file names
        resolver = tmp_path / "resolv.conf"
        resolver.write_text(f"nameserver {network.PEER4}\n", encoding="ascii")
        argv = ["unshare", "--mount", "sh", "-c",
                'mount --bind "$0" /etc/resolv.conf && exec "$@"', str(resolver), *argv]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=240 * lab_module.PATIENCE, check=False,
                          env={**os.environ, "NAMES_PID": str(net.challtest.popen.pid)})
    with capsys.disabled():
        print(f"\n{port}:\n{done.stdout.strip()}")
    assert done.returncode == 0, f"{done}\n{done.stderr}"


class TimeServer:
    """SNTP (RFC 4330) for the device; and before each answer, others that are not this server's, or not to this
    request, and tell another time."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((network.PEER4, 123))
        self.stranger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.stranger.bind((network.PEER4, 0))
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    @staticmethod
    def _answer(cookie, ahead_s):
        now = struct.pack("!II", int(time.time()) + ahead_s + 2208988800, 0)
        return bytes([0x24, 1, 0, 0xec]) + bytes(20) + cookie + now + now

    def _serve(self):
        while True:
            request, sender = self.socket.recvfrom(512)
            if not request or len(request) < 48:
                return
            self.stranger.sendto(self._answer(request[40:48], 86400), sender)
            self.socket.sendto(self._answer(bytes(8), 2 * 86400), sender)
            self.socket.sendto(self._answer(os.urandom(8), 3 * 86400), sender)
            time.sleep(0.5)
            self.socket.sendto(self._answer(request[40:48], 0), sender)

    def stop(self):
        self.socket.sendto(b"", (network.PEER4, 123))
        self.thread.join(5)
        self.socket.close()
        self.stranger.close()


def https_get(address, name, root):
    """What the device serves to one who trusts the CA's root alone, and its certificate."""
    context = ssl.create_default_context(cafile=root)
    with socket.create_connection((address, 443), timeout=20 * lab_module.PATIENCE) as stream, \
            context.wrap_socket(stream, server_hostname=name) as tls:
        tls.sendall(b"GET / HTTP/1.1\r\nHost: " + name.encode() + b"\r\n\r\n")
        text = b""
        while part := tls.recv(4096):
            text += part
        return text, tls.getpeercert()


def boot(lab, port, store, name):
    """A device that serves; its log."""
    device = lab_module.Process(
        "device", [os.path.join(BUILD, "test", f"device_{port}"), lab.directory, lab.ca_file,
                   store, str(lab.http_port), name], lab.folder)
    try:
        lab_module.wait_until(lambda: "serving" in device.log() or device.popen.poll() is not None,
                              "the device", 90)
        assert device.popen.poll() is None, device.log()
    except BaseException:
        device.stop()
        raise
    return device


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("port", ["lwip_socket", "lwip_raw"])
def test_certificate(tmp_path, port, family):
    """From nothing to HTTPS over lwIP: SNTP, a certificate from Pebble at a name, by http-01 that
    the device answers, served; after a reset served again without an order."""
    name, store = "device.test", str(tmp_path / "store.img")
    ca, device_at = (network.PEER4, network.DEVICE4) if family == 4 else \
        (network.PEER6, network.DEVICE6)
    with network.tap_network():
        lab = lab_module.Lab(tmp_path, nonce_reject=50, address="ca.test", listen="",
                             names_at=f"{network.PEER4}:53", default_address="")
        clock = TimeServer()
        device = None
        try:
            lab.start_names()
            lab.set_name("ca.test", ca)
            lab.set_name(name, device_at)
            lab.start_pebble()
            root = lab.issuing_root()
            for orders in (1, 0):
                device = boot(lab, port, store, name)
                log = device.log()
                assert f"result ACME_OK, {orders} orders" in log[log.rindex("result"):], log
                told = int(re.findall(r"time (\d+)", log)[-1])
                assert abs(told - time.time()) < 60
                text, certificate = https_get(device_at, name, root)
                assert text.startswith(b"HTTP/1.1 200 ") and b"this is device.test" in text
                assert ("DNS", name) in certificate["subjectAltName"]
                device.stop()
                assert device.popen.returncode == 0, device.log()
                os.replace(device.log_path, device.log_path + str(orders))
            assert lab.count("Added order") == 1 and lab.count("Issued certificate") == 1
            chain = str(tmp_path / "chain.pem")
            subprocess.run([os.path.join(BUILD, "nanoacme"), "--store", store, "export",
                            "--domain", name, "--out", chain], check=True, timeout=60 * lab_module.PATIENCE)
            subprocess.run(["openssl", "verify", "-CAfile", root, "-untrusted", chain, chain],
                           check=True, timeout=20 * lab_module.PATIENCE)
        finally:
            if device is not None:
                device.stop()
            clock.stop()
            lab.stop()
