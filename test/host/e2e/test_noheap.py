"""No allocation after init, in a whole issuance: see noheap.c."""
import os
import re
import subprocess

from conftest import BUILD
from lab import PATIENCE


def call(shared_lab, tmp_path, *more, port=None):
    return subprocess.run([os.path.join(BUILD, "test", "noheap"), shared_lab.directory,
                           shared_lab.ca_file, str(tmp_path / "store.img"),
                           str(port or shared_lab.http_port), "noheap.example.org", *more],
                          capture_output=True, text=True, timeout=60 * PATIENCE, check=False)


def test_no_allocation_after_init(shared_lab, tmp_path, capsys):
    done = call(shared_lab, tmp_path)
    assert done.returncode == 0, done
    peaks = re.search(r"pool peak (\d+) bytes, JSON arena peak (\d+) bytes", done.stdout)
    assert int(peaks[1]) > 0 and int(peaks[2]) > 0
    with capsys.disabled():
        print("\n" + done.stdout.strip())


def test_no_allocation_for_the_temporary_certificate(shared_lab, tmp_path):
    done = call(shared_lab, tmp_path, "tls-alpn-01", port=shared_lab.tls_port)
    assert done.returncode == 0, done


def test_the_trap_works(shared_lab, tmp_path):
    done = call(shared_lab, tmp_path, "sabotage")
    assert done.returncode == -6 and "malloc was called after init" in done.stderr, done
