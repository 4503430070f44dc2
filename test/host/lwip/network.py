"""A network of its own for a test: a network namespace with a TAP interface, whose other end is lwIP
in a program under test. The thread that makes it, and what it starts, lives in it until it is
closed; the namespace goes with the last of them. Needs root."""
import contextlib
import ctypes
import os
import subprocess

CLONE_NEWNET = 0x40000000
PEER4, PEER6 = "10.66.0.1", "fd66::1"
DEVICE4, DEVICE6 = "10.66.0.2", "fd66::2"

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result, what):
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def _ip(*args):
    subprocess.run(["ip", *args], check=True, timeout=20)


@contextlib.contextmanager
def tap_network():
    """Enters a new namespace with 10.66.0.1/24 and fd66::1/64 at tap0, and leaves it."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        _check(_libc.unshare(CLONE_NEWNET), "a network namespace (this test runs as root)")
        try:
            _ip("link", "set", "lo", "up")
            _ip("tuntap", "add", "dev", "tap0", "mode", "tap")
            _ip("address", "add", PEER4 + "/24", "dev", "tap0")
            _ip("address", "add", PEER6 + "/64", "dev", "tap0", "nodad")
            _ip("link", "set", "tap0", "up")
            yield
        finally:
            _check(_libc.setns(home, CLONE_NEWNET), "the way back")
    finally:
        os.close(home)
