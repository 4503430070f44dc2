"""The client's task (port/rtos_task, port/freertos) on a kernel made of threads: see
../freertos/rtos_task.c. Under ASan and UBSan, and under the sanitizer for threads."""
import os
import re
import subprocess

import pytest

from conftest import BUILD
from lab import PATIENCE, ROOT, running_lab


@pytest.fixture(scope="session")
def thread_build():
    """A build of its own: the sanitizers do not go together."""
    folder = os.path.join(ROOT, "build", "tsan")
    for argv in (["cmake", "-G", "Ninja", "-S", ROOT, "-B", folder, "-DACME_SANITIZE=thread",
                  "-DCMAKE_BUILD_TYPE=Debug"], ["ninja", "-C", folder, "rtos_task"]):
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return folder


def argv(build, ca, tmp_path, mode):
    return [os.path.join(build, "test", "rtos_task"), ca.directory, ca.ca_file,
            str(tmp_path / "store.img"), str(ca.http_port), "task.example.org", mode]


def call(build, ca, tmp_path, mode):
    done = subprocess.run(argv(build, ca, tmp_path, mode), capture_output=True, text=True,
                          timeout=200 * PATIENCE, check=False,
                          env={**os.environ, "TSAN_OPTIONS": "halt_on_error=1 exitcode=66"})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING: ThreadSanitizer" not in done.stderr
    return done.stdout


def check_issue_and_renew(out, ca):
    # Nine requests made one order, for what is good is left alone; a renewal is one more.
    assert re.search(r"issued: valid 1, error ACME_OK, jobs 9, failed 0, new orders 1\n", out), out
    assert re.search(r"renewed: valid 1, error ACME_OK, jobs 10, failed 0, new orders 2\n", out), out
    assert "asked again: valid 1, error ACME_OK, jobs 11, failed 0, new orders 2\n" in out
    assert "leaf changed 1\n" in out and "read 1, borrowed 1\n" in out
    assert ca.count("Added order ") == 2


@pytest.mark.parametrize("mode", ["poll", "events", "select"])
def test_many_tasks(tmp_path, make_lab, mode):
    ca = make_lab()
    check_issue_and_renew(call(BUILD, ca, tmp_path, mode), ca)


@pytest.mark.parametrize("mode", ["events", "select"])
def test_many_tasks_have_no_data_race(tmp_path, make_lab, thread_build, mode):
    ca = make_lab()
    check_issue_and_renew(call(thread_build, ca, tmp_path, mode), ca)


def test_a_stopped_task_goes_on_with_its_order(tmp_path, make_lab):
    ca = make_lab()
    out = call(BUILD, ca, tmp_path, "stop")
    assert re.search(r"stopped: valid 0, error ACME_OK, jobs 0, failed 0, new orders 1\n", out), out
    assert re.search(r"went on: valid 1, error ACME_OK, jobs 1, failed 0, new orders 0\n", out), out
    assert ca.count("Added order ") == 1


def test_the_ca_comes_late(tmp_path):
    with running_lab(tmp_path) as ca:
        ca.pebble.stop()
        with subprocess.Popen(argv(BUILD, ca, tmp_path, "late"), stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True) as task:
            line = task.stdout.readline()
            assert line == ("no CA: valid 0, error ACME_ERR_CONNECT, jobs 1, failed 1, "
                            "new orders 0\n")
            ca.start_pebble()
            task.stdin.write("go\n")
            task.stdin.flush()
            line = task.stdout.readline()
            assert line == "CA back: valid 1, error ACME_OK, jobs 2, failed 1, new orders 1\n"
            assert task.wait(60) == 0
