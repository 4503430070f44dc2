"""The network ports on a real network: see conformance.c and network.py."""
import os
import subprocess
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "e2e")]
import lab as lab_module  # noqa: E402
import network  # noqa: E402

BUILD = os.environ.get("NANOACME_BUILD", os.path.join(lab_module.ROOT, "build"))
NAMES = {  # no other name has an address
    "four.test": [network.PEER4], "six.test": [network.PEER6], "later.test": [network.PEER4],
    "both.test": [network.PEER4, network.PEER6], "hole.test": ["10.66.0.77", network.PEER6],
    "broken.test": [""],
}


@pytest.fixture
def net(tmp_path):
    with network.tap_network():
        lab = lab_module.Lab(tmp_path, names_at=f"{network.PEER4}:53", default_address="")
        try:
            lab.start_names()
            for name, addresses in NAMES.items():
                for address in addresses:
                    lab.set_name(name, address)
            yield lab
        finally:
            lab.stop()


@pytest.mark.parametrize("port", ["lwip_socket", "lwip_raw", "posix"])
def test_conformance(net, tmp_path, port, capsys):
    """What acme/port.h promises, for each port, over the kernel's sockets at the other end."""
    argv = [os.path.join(BUILD, "test", f"conformance_{port}"),
            *os.environ.get("NANOACME_CHECKS", "").split()]
    if port == "posix":  # the C library asks whom this file names
        resolver = tmp_path / "resolv.conf"
        resolver.write_text(f"nameserver {network.PEER4}\n", encoding="ascii")
        argv = ["unshare", "--mount", "sh", "-c",
                'mount --bind "$0" /etc/resolv.conf && exec "$@"', str(resolver), *argv]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=240, check=False)
    with capsys.disabled():
        print(f"\n{port}:\n{done.stdout.strip()}")
    assert done.returncode == 0, f"{done}\n{done.stderr}"
