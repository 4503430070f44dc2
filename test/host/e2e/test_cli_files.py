"""What the command line must never do to files and certificates of its user: with closed descriptors, with
outputs that are no plain files, with names that fit several certificates, over a restart of the daemon."""
import contextlib
import os
import re
import stat
import subprocess
import threading

import pytest

from conftest import BUILD, Cli, Result
from lab import PATIENCE, ended, wait_until
from scripted_ca import PEM, Reply, ScriptedCa, problem

NAME = "device.example.org"


@pytest.fixture(name="ca")
def _ca(tmp_path):
    ca = ScriptedCa(tmp_path)
    yield ca
    ca.stop()


@pytest.fixture(name="cli")
def _cli(tmp_path, ca):
    return Cli(tmp_path, ca)


@pytest.fixture(name="filled")
def _filled(cli):
    assert cli.run(NAME, extra=["--exportable-key"]).code == 0
    return cli


def shell(cli, redirections, *args):
    """The command line as a shell starts it with these redirections."""
    return subprocess.run(["/bin/sh", "-c", f'exec "$@" {redirections}', "sh", *cli.argv(*args)],
                          capture_output=True, text=True, timeout=60 * PATIENCE, check=False)


# ---- closed descriptors ----

@pytest.mark.parametrize("closed", ["0<&-", "1>&-", "2>&-", "0<&- 1>&-", "1>&- 2>&-", "0<&- 1>&- 2>&-"])
def test_closed_descriptors_never_become_the_store(cli, closed):
    done = shell(cli, closed, "run", "-vv", "--events", "--accept-tos", "--http-port", str(cli.http_port), "-d", NAME)
    assert done.returncode == 0, done
    with open(cli.store, "rb") as f:
        assert f.read(16) == b"nanoacme flash i"
    for _ in range(2):
        done = shell(cli, closed, "list", "-vv")
        assert done.returncode == 0, done
    listed = cli.call("list", "--json")
    assert listed.code == 0 and listed.json[0]["valid"], listed
    assert cli.call("store").code == 0


def test_the_port_takes_no_standard_descriptor_for_a_store(cli, ca):
    """A program that does not open them itself: its store is refused, and nothing is left of it."""
    der = os.path.join(ca.folder, "root.der")
    subprocess.run(["openssl", "x509", "-in", ca.ca_file, "-outform", "DER", "-out", der], check=True)
    argv = [os.path.join(BUILD, "test", "example_minimal"), ca.directory, der, cli.store, NAME, str(ca.http_port)]
    before = set(os.listdir(ca.folder))
    done = subprocess.run(["/bin/sh", "-c", 'exec "$@" 0<&- 1>&- 2>&-', "sh", *argv], timeout=60 * PATIENCE, check=False)
    assert done.returncode == 1 and set(os.listdir(ca.folder)) == before
    assert subprocess.run(argv, timeout=60 * PATIENCE, check=False).returncode == 0


# ---- export ----

def pem_of(cli, *args):
    done = cli.call("export", "-d", NAME, *args)
    assert done.code == 0 and "-----BEGIN" in done.out, done
    return done.out


def export(cli, path, *args):
    return cli.call("export", "-d", NAME, "-o", str(path), *args)


def leftovers(folder, *known):
    return sorted(set(os.listdir(folder)) - {os.path.basename(str(k)) for k in known})


@pytest.fixture(name="out")
def _out(tmp_path):
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


@pytest.mark.parametrize("args", [(), ("--key",)], ids=["chain", "key"])
def test_export_into_a_pipe(filled, out, args):
    fifo, got = out / "fifo", []
    os.mkfifo(fifo)
    reader = threading.Thread(target=lambda: got.append(fifo.read_text()))
    reader.start()
    done = export(filled, fifo, *args)
    if not fifo.is_fifo():  # the reader would wait for ever
        pytest.fail("the pipe was replaced")
    reader.join(20)
    assert done.code == 0 and got == [pem_of(filled, *args)]
    assert leftovers(out, fifo) == []


def device(path, minor):
    """A device of the test's own: a program that replaces it must not harm the machine."""
    try:
        os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, minor))
        with open(path, "wb"):
            return path
    except PermissionError:
        return pytest.skip("devices can be made by root only, and not everywhere")


def test_export_into_a_device(filled, out):
    null, full = device(out / "null", 3), device(out / "full", 7)
    done = export(filled, null)
    assert done.code == 0 and null.is_char_device(), done
    done = export(filled, full)
    assert done.code == 3 and "No space left" in done.err and full.is_char_device(), done
    assert leftovers(out, null, full) == []


def test_export_into_standard_output(filled, out):
    link, log = out / "stdout", out / "log"
    link.symlink_to("/dev/stdout")
    done = export(filled, link)
    assert done.code == 0 and done.out == pem_of(filled) and link.is_symlink(), done
    # Where standard output is a file, it stays the same file.
    with open(log, "w+", encoding="ascii") as file:
        file.write("before\n")
        file.flush()
        done = subprocess.run(filled.argv("export", "-d", NAME, "-o", str(link)), stdout=file, timeout=60 * PATIENCE,
                              check=False)
        assert done.returncode == 0
        file.seek(0)
        assert file.read() == "before\n" + pem_of(filled)
    assert leftovers(out, link, log) == []


def test_export_through_a_link(filled, out):
    (out / "real").mkdir()
    target, link, lost = out / "real" / "chain.pem", out / "chain.pem", out / "lost.pem"
    target.write_text("old")
    link.symlink_to("real/chain.pem")
    lost.symlink_to("nowhere.pem")
    assert export(filled, link).code == 0
    assert link.is_symlink() and os.readlink(link) == "real/chain.pem"
    assert target.read_text() == pem_of(filled)
    done = export(filled, lost)
    assert done.code == 3 and lost.is_symlink() and not (out / "nowhere.pem").exists(), done
    assert leftovers(out, link, lost, "real") == [] and leftovers(out / "real", target) == []


@pytest.mark.parametrize("planted", ["file", "link"])
def test_a_planted_file_never_gets_the_key(filled, out, planted):
    """What lies under the name that is written first: neither its rights nor its place count."""
    key, trap = out / "x.pem", out / "trap"
    for name in (out / "x.pem.new", out / "x.pem.tmp"):
        if planted == "file":
            name.write_text("")
            name.chmod(0o644)
        else:
            name.symlink_to(trap)
    trap.write_text("")
    held = [open(out / name, encoding="ascii") for name in sorted(os.listdir(out))]
    old_mask = os.umask(0)
    try:
        assert export(filled, key, "--key").code == 0
    finally:
        os.umask(old_mask)
    assert key.read_text() == pem_of(filled, "--key")
    assert key.stat().st_mode & 0o777 == 0o600
    for file in held:
        assert "PRIVATE" not in file.read()
        file.close()
    assert trap.read_text() == ""
    assert leftovers(out, key, trap, "x.pem.new", "x.pem.tmp") == []


def test_a_key_over_a_file_that_all_may_read(filled, out):
    key = out / "x.pem"
    key.write_text("old")
    key.chmod(0o666)
    with open(key, encoding="ascii") as held:
        assert export(filled, key, "--key").code == 0
        assert held.read() == "old"
    assert key.stat().st_mode & 0o777 == 0o600


def test_an_export_that_fails_leaves_what_was_there(filled, out):
    for path, word in ((out, "directory"), (out / "none" / "x.pem", "No such file")):
        done = export(filled, path)
        assert done.code == 3 and word in done.err, done
    chain = out / "chain.pem"
    chain.write_text("old")
    assert filled.run("plain.example.org").code == 0
    done = filled.call("export", "-d", "plain.example.org", "--key", "-o", str(chain))
    assert done.code == 3 and chain.read_text() == "old", done
    assert leftovers(out, chain) == []
    assert export(filled, chain).code == 0 and chain.read_text() == pem_of(filled)


# ---- which certificate ----

def stored(cli):
    return sorted(sorted(c["names"]) for c in cli.call("list", "--json").json)


@pytest.fixture(name="several")
def _several(cli, ca):
    """[m1, m2] first, then [m1] and [m2] alone, and [m3, m4]."""
    ca.revoked = []

    def revoke(_, request):
        ca.revoked.append(request.payload["certificate"])
        return None

    ca.answers["revoke"] = revoke
    for names in (["m1.example.org", "m2.example.org"], ["m1.example.org"], ["m2.example.org"],
                  ["m3.example.org", "m4.example.org"]):
        done = cli.run(*names)
        assert done.code == 0, done
    assert len(stored(cli)) == 4
    return cli


def names_of(text):
    der = subprocess.run(["openssl", "x509", "-noout", "-ext", "subjectAltName"], input=text, text=True,
                         capture_output=True, check=True).stdout
    return sorted(re.findall(r"DNS:([\w.-]+)", der))


@pytest.mark.parametrize("names", [["m1"], ["m2"], ["m1", "m2"], ["m2", "m1"], ["M4", "m3"]])
def test_names_are_the_exact_set(several, names):
    args = [arg for name in names for arg in ("-d", f"{name}.example.org")]
    wanted = sorted(f"{name}.example.org".lower() for name in names)
    done = several.call("export", *args, "--no-intermediates")
    assert done.code == 0 and names_of(done.out) == wanted, done
    assert several.call("deauthorize", *args).code == 0
    before = stored(several)
    assert several.call("revoke", *args).code == 0
    before.remove(wanted)
    assert stored(several) == before and len(several.ca.revoked) == 1


@pytest.mark.parametrize("names, candidates", [
    (["m3"], [["m3", "m4"]]),
    (["m1", "m3"], [["m1"], ["m1", "m2"], ["m3", "m4"]]),
    (["m1", "m2", "m3"], [["m1"], ["m1", "m2"], ["m2"], ["m3", "m4"]])])
@pytest.mark.parametrize("command", ["revoke", "export", "deauthorize"])
def test_without_the_exact_set_nothing_is_done(several, command, names, candidates):
    args = [arg for name in names for arg in ("-d", f"{name}.example.org")]
    before, requests = stored(several), len(several.ca.log)
    done = several.call(command, *args)
    assert done.code == 2 and done.out == "", done
    listed = sorted(sorted(re.findall(r"(m\d)\.example", line)) for line in done.err.splitlines()
                    if line.startswith("  "))
    assert listed == candidates, done
    assert stored(several) == before and several.ca.revoked == [] and len(several.ca.log) == requests
    assert several.call(command, "-d", "other.example.org").code == 3


# ---- the daemon's files ----

PARTS = ["fullchain.pem", "cert.pem", "chain.pem", "privkey.pem"]


@contextlib.contextmanager
def daemon(cli, folder, *extra):
    log = open(folder / "daemon.log", "ab")
    process = subprocess.Popen(cli.argv("daemon", "--accept-tos", "--http-port", str(cli.http_port), "-d", NAME,
                                        "--exportable-key", "--out-dir", str(folder / "pem"), *extra), stderr=log)
    try:
        yield process
    finally:
        process.terminate()
        assert ended(process, "the daemon") == 0
        log.close()


def contents(current):
    return {part: (current / part).read_text() for part in PARTS}


def run_daemon(cli, folder, *extra):
    """A daemon until it has handed on what it has; then the number of times its hook has run."""
    hook, calls = folder / "hook", folder / "calls"
    hook.write_text(f"#!/bin/sh\necho called >> {calls}\n")
    hook.chmod(0o755)
    before = calls.read_text().count("called") if calls.exists() else 0
    with daemon(cli, folder, "--hook", str(hook), *extra):
        wait_until(lambda: calls.exists() and calls.read_text().count("called") > before, "the hook", 40)


@pytest.fixture(name="handed")
def _handed(filled, tmp_path):
    run_daemon(filled, tmp_path)
    current = tmp_path / "pem" / NAME / "current"
    assert set(contents(current)) == set(PARTS)
    return current


def test_a_restart_leaves_equal_files(filled, tmp_path, handed):
    before = contents(handed)
    marks = [((handed / part).stat().st_ino, (handed / part).stat().st_mtime_ns) for part in PARTS]
    target = os.readlink(handed)
    empty = []
    going = True

    def read():
        while going:
            empty.extend(part for part in PARTS if (handed / part).read_text() != before[part])

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for _ in range(3):
            run_daemon(filled, tmp_path)
    finally:
        going = False
        reader.join()
    assert empty == [] and contents(handed) == before and os.readlink(handed) == target
    assert marks == [((handed / part).stat().st_ino, (handed / part).stat().st_mtime_ns) for part in PARTS]
    assert leftovers(handed.parent, handed, target) == []


def test_what_is_not_equal_is_replaced_in_one_step(filled, tmp_path, handed):
    before, target = contents(handed), os.path.realpath(handed)
    (handed / "fullchain.pem").write_text("cut sho")
    run_daemon(filled, tmp_path)
    assert contents(handed) == before and os.path.realpath(handed) != target
    (handed / "privkey.pem").unlink()
    run_daemon(filled, tmp_path)
    assert contents(handed) == before


def test_versions_are_the_owners_only(filled, tmp_path, handed):
    old_mask = os.umask(0)
    try:
        assert filled.run(NAME, extra=["--exportable-key", "--force"]).code == 0
        run_daemon(filled, tmp_path)
    finally:
        os.umask(old_mask)
    for version in handed.parent.glob("at-*"):
        assert version.stat().st_mode & 0o777 == 0o700
        assert (version / "privkey.pem").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("days", [[-2, -3, -4, -5], [-5, -2, -4, -3], [-2, -2, -2, -2]])
def test_what_current_names_is_never_removed(filled, tmp_path, handed, ca, days):
    """Certificates whose notBefore goes up and down, as of a CA with a clock of its own."""
    for day in days:
        ca.answers["certificate"] = lambda c, _, day=day: Reply(c.pem(c.issue(days=(day, 90)), c.issuer), content=PEM)
        assert filled.run(NAME, extra=["--exportable-key", "--force"]).code == 0
        run_daemon(filled, tmp_path)
        assert contents(handed)["fullchain.pem"] == pem_of(filled)
        assert contents(handed)["privkey.pem"] == pem_of(filled, "--key")
        assert len(list(handed.parent.glob("at-*"))) == 2


def test_a_planted_version_is_neither_used_nor_emptied(filled, tmp_path, handed):
    home, trap = handed.parent, tmp_path / "trap"
    trap.mkdir()
    (trap / "cert.pem").write_text("mine")
    newest = int(os.readlink(handed)[3:23])
    for number in (0, 1, newest + 1, newest + 2):
        if not os.path.lexists(home / f"at-{number:020}"):
            (home / f"at-{number:020}").symlink_to(trap)
    (home / "current.new").symlink_to(trap)
    for _ in range(4):
        assert filled.run(NAME, extra=["--exportable-key", "--force"]).code == 0
        run_daemon(filled, tmp_path)
        assert contents(handed)["privkey.pem"] == pem_of(filled, "--key")
    assert os.listdir(trap) == ["cert.pem"]


# ---- standard output that cannot be written ----

def test_errors_of_standard_output_are_seen(filled, out):
    full = device(out / "full", 7)
    for args in (["list"], ["list", "--json"], ["export", "-d", NAME], ["export", "-d", NAME, "--key"], ["account"],
                 ["store"], ["store", "--json"], ["next"], ["--help"], ["--version"], ["doctor"],
                 ["run", "-d", NAME, "--accept-tos"], ["run", "-d", NAME, "--accept-tos", "--events"]):
        with open(full, "wb") as file:
            done = subprocess.run(filled.argv(*args), stdout=file, stderr=subprocess.PIPE, text=True, timeout=60 * PATIENCE,
                                  check=False)
        assert done.returncode == 3 and re.search("error: (standard output|export): ", done.stderr), (args, done)
    with open(full, "wb") as file:
        done = subprocess.run([filled.binary, "store", "dump", filled.store], stdout=file, stderr=subprocess.PIPE,
                              text=True, timeout=60 * PATIENCE, check=False)
    assert done.returncode == 3 and "No space left" in done.stderr, done
    # The worse code stays.
    with open(full, "wb") as file:
        assert subprocess.run(filled.argv("fly"), stdout=file, stderr=subprocess.DEVNULL, timeout=60 * PATIENCE,
                              check=False).returncode == 2


# ---- names with control characters ----

NASTY = ["a\x1b[31m.example.org", "a\r\nnanoacme: all is well", "a\x07b", "a\x7fb", "a\u009b31mb", "a\u202eb",
         b"a\xffb".decode("utf-8", "surrogateescape"), b"a\x9b1mb".decode("utf-8", "surrogateescape")]


@pytest.mark.parametrize("name", NASTY, ids=[repr(n) for n in NASTY])
def test_names_are_not_printed_raw(filled, name, tmp_path):
    for args in (["run", "-d", name], ["run", "-d", name, "-d", name], ["export", "-d", name], ["export", "-d", name, "-o", "x"],
                 ["list", "--store", str(tmp_path / name)], [name], ["account", name], ["run", "-d", "a", "--pin", name],
                 ["run", "-d", "a", "--server", name], ["run", "-d", "a", "--ca-file", name],
                 ["store", "dump", name], ["run", "-d", "a", "--tsig-key", name], ["run", "-d", "a", "--key-type", name],
                 ["run", "--" + name], ["run", "-d", "a", "-" + name], ["run", "--json=" + name]):
        done = subprocess.run(filled.argv(*args), capture_output=True, timeout=60 * PATIENCE, check=False)
        assert done.returncode in (2, 3), (args, done)
        text = done.stdout + done.stderr
        assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f\xff]|\xc2[\x80-\x9f]|\xe2\x80\xae|[^\xc0-\xff\x80-\xbf][\x80-\xbf]", text), (args, done)
        assert not re.search(rb"^nanoacme: all", text, re.M), (args, done)


def test_what_the_ca_says_is_not_printed_raw(cli, ca):
    ca.answers["order"] = lambda c, r: problem("rejectedIdentifier", "no\x1b[2J\u009bm\r\nnanoacme: all is well",
                                               status=403)
    done = cli.call("run", "--accept-tos", "--http-port", str(ca.http_port), "-d", NAME, "-vvv")
    assert done.code == 5 and "rejectedIdentifier" in done.err, done
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", done.err + done.out), repr(done.err)
    assert not re.search("^nanoacme: all", done.err, re.M), repr(done.err)


def test_other_writing_is_printed_as_it_is(cli):
    done = cli.call("run", "-d", "\u00fc\u4e2d.example.org", "--ca-file", "/nowhere/\u00fc\u4e2d\U0001f512.pem")
    assert "/nowhere/\u00fc\u4e2d\U0001f512.pem" in done.err, done
