"""What the command line cannot do any more once its files are open, shown from inside: a library that
is loaded before (confine_probe.c) tries at the end of each command what an attacker would, in the
process as it then is. With --unconfined the same tries succeed: the probe can see."""
import ctypes
import errno
import os
import re
import signal
import subprocess

import pytest

from conftest import BUILD, Cli, Result
from lab import Process, free_port, wait_until
from scripted_ca import ScriptedCa

NAME = "confined.example.org"
HERE = os.path.dirname(__file__)


def landlock_version():
    version = ctypes.CDLL(None).syscall(444, None, ctypes.c_size_t(0), 1)
    return max(version, 0)


def is_sanitized():
    with open(os.path.join(BUILD, "CMakeCache.txt"), encoding="utf-8") as f:
        return re.search(r"^ACME_(SANITIZE:\w+=.|COVERAGE:\w+=(ON|1))", f.read(), re.M) is not None


pytestmark = [
    pytest.mark.skipif(is_sanitized(), reason="such a build does not confine itself"),
    pytest.mark.skipif(os.environ.get("NANOACME_WRAP", "") != "", reason="valgrind is not confined")]
LANDLOCK = landlock_version()


@pytest.fixture(name="probe", scope="session")
def _probe(tmp_path_factory):
    path = tmp_path_factory.mktemp("probe") / "probe.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-D_GNU_SOURCE", "-o", str(path),
                    os.path.join(HERE, "confine_probe.c"), "-ldl"], check=True, timeout=120)
    return str(path)


class World:
    """A command line with a CA and a certificate, and things that are none of its business."""

    def __init__(self, folder, probe):
        self.ca = ScriptedCa(folder)
        self.cli = Cli(folder, self.ca)
        self.secret, self.victim, self.created = (str(folder / n) for n in ("secret", "victim", "created"))
        self.out = folder / "out"
        self.out.mkdir()
        self.env = {"LD_PRELOAD": probe, "PROBE": "1", "PROBE_READ": self.secret,
                    "PROBE_WRITE": self.victim, "PROBE_REMOVE": self.victim,
                    "PROBE_CREATE": self.created, "PROBE_PORT": str(free_port())}
        self.prepare()

    def prepare(self):
        for path in (self.secret, self.victim):
            with open(path, "w", encoding="ascii") as f:
                f.write("not for the command line\n")
        if os.path.exists(self.created):
            os.unlink(self.created)

    def call(self, *args, env=None):
        self.prepare()
        return self.cli.quietly(*args, env={**self.env, **(env or {})}, timeout=120)


@pytest.fixture(name="world")
def _world(tmp_path, probe):
    w = World(tmp_path, probe)
    assert w.cli.run(NAME, extra=["--exportable-key"]).code == 0
    yield w
    w.ca.stop()


def tries(err):
    """What came of each: name -> errno, 0 for success."""
    return {name: int(result) for name, result in re.findall(r"^try (\w+) (\d+)$", err, re.M)}


OFFLINE = [["list"], ["next"], ["store"], ["export", "-d", NAME], ["export", "-d", NAME, "--key"]]
JOB = ["--accept-tos", "--http-port", "%port"]
ONLINE = [["run", "-d", NAME, "--force", *JOB], ["renew", *JOB], ["account", "show"],
          ["account", "create", "--accept-tos"], ["dns-record", "-d", NAME, "--issuer", "ca.example"],
          ["doctor", *JOB[1:]], ["deauthorize", "-d", NAME, "--accept-tos"],
          ["revoke", "-d", NAME, "--accept-tos"]]


def check(done, offline):
    result = tries(done.err)
    assert {"read", "write", "create", "remove", "socket", "fork", "signal"} <= set(result), done
    assert result["fork"] == errno.ENOSYS and result["signal"] == errno.ENOSYS, done
    assert result["packet"] == errno.ENOSYS and (result["socket"] != 0) == offline, done
    if LANDLOCK > 0:
        for name in ("read", "memory", "write", "create", "remove"):
            assert result[name] == errno.EACCES, (name, done)
        assert result["shadow"] == errno.EACCES, done
    if LANDLOCK >= 4 and not offline:
        assert result["bind"] == errno.EACCES, done
    assert "not confined" not in done.err or LANDLOCK == 0, done


@pytest.mark.parametrize("args", OFFLINE + ONLINE, ids=lambda a: "-".join(a[:2]))
def test_what_is_not_needed_is_gone(world, args):
    args = [world.cli.http_port if a == "%port" else a for a in args]
    args = [str(a) for a in args]
    plain = world.call(*args, "-v")
    check(plain, args in OFFLINE)
    assert plain.code in (0, 1, 5), plain
    open_world = world.call(*args, "--unconfined", env={"PROBE_EXEC": "1"})
    result = tries(open_world.err)
    for name in ("read", "write", "create", "remove", "socket", "bind", "fork", "signal"):
        assert result[name] == 0, (name, open_world)
    assert open_world.code == 0 and "try exec" in open_world.err, open_world  # it became /bin/true


@pytest.mark.parametrize("args", [["list"], ["account", "show"]], ids=lambda a: a[0])
def test_another_program_is_the_end(world, args):
    done = world.call(*args, env={"PROBE_EXEC": "1"})
    assert "try exec" in done.err and done.code == -signal.SIGSYS, done


def test_a_dump_of_a_foreign_image(world):
    world.prepare()
    done = Result(subprocess.run([world.cli.binary, "store", "dump", world.cli.store], capture_output=True,
                                 text=True, timeout=120, check=False, env={**os.environ, **world.env}))
    assert done.code == 0 and NAME in done.out, done
    check(done, True)


@pytest.mark.parametrize("where", ["new", "old", "link", "device", "here"])
def test_an_export_reaches_its_file_and_no_other(world, tmp_path, where):
    target = world.out / "chain.pem"
    path = str(target)
    if where == "old":
        target.write_text("old")
    elif where == "link":
        target.write_text("old")
        path = str(tmp_path / "link")
        os.symlink(target, path)
    elif where == "device":
        path = "/dev/null"
    before = os.stat("/dev/null").st_rdev
    done = world.call("export", "-d", NAME, "-o", path, "-v",
                      env={"PROBE_ALLOWED": str(world.out / "beside") if where != "device" else "/dev/null"})
    assert done.code == 0 and tries(done.err)["allowed"] == 0, done
    check(done, True)
    if where == "device":
        assert os.stat("/dev/null").st_rdev == before
    else:
        assert target.read_text().startswith("-----BEGIN CERTIFICATE-----")


def status_of(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return dict(re.findall(r"^(\w+):\s*(.*)$", f.read(), re.M))


HOOK = """#!/bin/sh
cat /proc/self/status > {folder}/status.$$ && mv {folder}/status.$$ {folder}/status
echo "$NANOACME_DIR" > {folder}/dir
"""


def test_a_daemon_is_confined_and_its_hook_is_not(world, tmp_path):
    hook, free = tmp_path / "hook", tmp_path / "free"
    free.mkdir()
    hook.write_text(HOOK.format(folder=free))
    hook.chmod(0o755)
    out = tmp_path / "made" / "later"
    out.parent.mkdir()
    world.prepare()
    process = Process("daemon", world.cli.argv("daemon", "-d", NAME, *JOB[:2], str(world.cli.http_port), "-v",
                                               "--out-dir", str(out), "--hook", str(hook)),
                      str(tmp_path), {**world.env, "PROBE_ALLOWED": str(out / "probe")})
    try:
        wait_until((free / "dir").exists, "the hook", 60, process.log)
        status, hooks = status_of(process.popen.pid), dict(
            re.findall(r"^(\w+):\s*(.*)$", (free / "status").read_text(), re.M))
        assert status["Seccomp"] == "2" and status["NoNewPrivs"] == "1", status
        assert hooks["Seccomp"] == "0" and hooks["NoNewPrivs"] == "0", hooks
        assert (free / "dir").read_text() == f"{out}/{NAME}/current\n"
        assert (out / NAME / "current" / "privkey.pem").exists()
        process.popen.send_signal(signal.SIGTERM)
        assert process.popen.wait(60) == 0
    finally:
        process.stop()
    result = tries(process.log())
    assert result["allowed"] == 0 and result["fork"] == errno.ENOSYS, process.log()
    if LANDLOCK > 0:
        assert {result[n] for n in ("read", "write", "create", "remove")} == {errno.EACCES}, process.log()


def test_a_hook_ends_with_whom_it_serves(cli, tmp_path):
    """The command line is killed while a DNS hook runs: the hook and its children end, too."""
    hook = tmp_path / "hook"
    hook.write_text(f"#!/bin/sh\nsleep 600 &\necho $! > {tmp_path}/pid.new; mv {tmp_path}/pid.new {tmp_path}/pid\nwait\n")
    hook.chmod(0o755)
    process = Process("run", cli.argv("run", "-d", "hook.example.org", "--accept-tos", "--challenge", "dns-01",
                                      "--dns-resolver", "none", "--dns-hook", str(hook)), str(tmp_path))

    def is_gone():
        try:
            return status_of(pid)["State"].startswith("Z")
        except FileNotFoundError:
            return True

    try:
        wait_until((tmp_path / "pid").exists, "the hook", 60, process.log)
        pid = int((tmp_path / "pid").read_text())
        assert not is_gone()
        process.popen.kill()
        wait_until(is_gone, "the end of the hook's child", 60, process.log)
    finally:
        process.stop()


def test_names_are_still_found(tmp_path):
    """By the system's own ways, which open files and may load libraries."""
    ca = ScriptedCa(tmp_path, address="localhost")
    try:
        cli = Cli(tmp_path, ca)
        done = cli.run(NAME, extra=["-v"])
        assert done.code == 0, done
    finally:
        ca.stop()


def test_a_daemon_reads_files_that_were_replaced(tmp_path):
    """/etc/hosts is another file after a while, as /etc/resolv.conf is on many machines: it has an /etc
    of its own here (a mount namespace)."""
    etc, ca = tmp_path / "etc", ScriptedCa(tmp_path, address="localhost")
    etc.mkdir()
    (etc / "nsswitch.conf").write_text("hosts: files\n")
    (etc / "hosts").write_text("127.0.0.1 nobody\n")
    cli = Cli(tmp_path, ca)
    ours = [] if os.geteuid() == 0 else ["--map-root-user"]
    process = Process("daemon", [
        "unshare", "--mount", *ours, "sh", "-c", 'mount --bind "$1" /etc && shift && exec "$@"', "sh", str(etc),
        *cli.argv("daemon", "-d", NAME, *JOB[:2], str(cli.http_port), "-v")], str(tmp_path))
    try:
        wait_until(lambda: "ACME_ERR_RESOLVE" in process.log(), "a name that is not found", 30, process.log)
        (etc / "hosts.new").write_text("127.0.0.1 localhost\n")
        os.rename(etc / "hosts.new", etc / "hosts")
        process.popen.send_signal(signal.SIGHUP)
        wait_until(lambda: "certificate stored" in process.log(), "the certificate", 30, process.log)
    finally:
        process.stop()
        ca.stop()


@pytest.mark.parametrize("why", ["none", "disabled"])
def test_a_kernel_without(world, why):
    done = world.call("list", "-v", env={"PROBE_OLD_KERNEL": why})
    assert done.code == 0 and NAME in done.out, done
    for what in ("Landlock", "seccomp"):
        assert f"not confined by {what}: " in done.err, done
    assert tries(done.err)["read"] == 0
    quiet = world.call("list", env={"PROBE_OLD_KERNEL": why})
    assert quiet.code == 0 and "confined" not in quiet.err, quiet
