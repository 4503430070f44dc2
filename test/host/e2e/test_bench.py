"""What scripts/bench counts and says, without the clients that it compares."""
import os
import socket
import subprocess
import sys

import pytest

from lab import PATIENCE, ROOT

sys.path.insert(0, os.path.join(ROOT, "scripts"))
import bench_boards  # noqa: E402
import bench_clients  # noqa: E402
import bench_report  # noqa: E402

BASE = {"wall": 0.5, "cpu": 0.25, "memory": 1000, "requests": 8, "connections": 1, "sent": 100,
        "received": 200}


def report(rounds=1, **uacme):
    other = {**BASE, "wall": 2.0, "memory": 6000, "requests": 11, "connections": 11, **uacme}
    one = {name: {"nanoacme": BASE, "uacme": other} for name, _ in bench_clients.SCENARIOS}
    return bench_report.Report([one] * rounds, ["nanoacme", "uacme"], bench_clients.SCENARIOS,
                               {"nanoacme": "0", "uacme": "1"})


def test_figures_are_ratios_in_the_same_round():
    slow = report(wall=8.0)
    text = bench_report.Report(report().rounds + slow.rounds * 2, slow.clients, slow.scenarios,
                               slow.versions).text()
    wall = next(line for line in text.splitlines() if line.startswith("wall time"))
    assert wall.split()[-3:] == ["1", "16", "(4.00-16)"]
    assert "| wall time | 1 | 4.00 |" in report(3).markdown()
    assert "| HTTP requests (count) | 8 | 11 |" in report().markdown()


@pytest.mark.parametrize("missed, change", [
    ("wall time", {"wall": 0.9}), ("peak memory", {"memory": 4999}), (None, {})])
def test_goals(capsys, missed, change):
    assert bench_report.goals(report(**change)) == (missed is None)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 5
    assert all(("MISSED" in line) == (missed is not None and missed in line) for line in lines)


def test_the_plot_has_a_bar_for_each_figure():
    assert bench_report.plot(report()).count("<rect") == 1 + 2 + 4 * 3 * 2


def test_the_relay_counts():
    with socket.create_server(("127.0.0.1", 0)) as server:
        relay = bench_clients.Relay(server.getsockname()[1])
        for said in (b"", b"four"):
            with socket.create_connection(("127.0.0.1", relay.port), 10) as client:
                peer, _ = server.accept()
                with peer:
                    client.sendall(said)
                    assert peer.recv(16) == said if said else True
                    peer.sendall(b"answer!" if said else b"")
                assert client.recv(16) == (b"answer!" if said else b"")
        assert relay.counts() == {"connections": 1, "sent": 4, "received": 7}
        relay.stop()


def test_memory_and_time_are_those_of_the_command(tmp_path):
    if not os.path.exists(bench_clients.TIME):
        pytest.fail("time(1) is missing; run scripts/setup test")
    log = str(tmp_path / "log")
    small = bench_clients.run(["/bin/true"], dict(os.environ), log)
    large = bench_clients.run(["/bin/sh", "-c", "head -c 30000000 /dev/zero | tail -c 30000000 >"
                               "/dev/null; sleep 0.3"], dict(os.environ), log)
    assert small["memory"] < 10000 < 28000 < large["memory"] and large["wall"] >= 0.3
    with pytest.raises(SystemExit, match="ended with 3"):
        bench_clients.run(["/bin/sh", "-c", "exit 3"], dict(os.environ), log)


def test_a_client_that_is_missing_is_an_error():
    class Missing:
        program = "no-such-client"
    with pytest.raises(SystemExit, match="no-such-client is missing; run scripts/setup bench"):
        bench_clients.check_installed((Missing,))
    done = subprocess.run([os.path.join(ROOT, "scripts/bench"), "frobnicate"], capture_output=True,
                          text=True, check=False, timeout=60 * PATIENCE)
    assert done.returncode == 2 and "usage:" in done.stderr


def test_phases_from_what_a_device_says():
    numbers = bench_boards.state_names()
    text = "".join(f"acme: state STATE {numbers.index(end) or ''}".rstrip() +
                   f"\ntime: busy us {(n + 1) * 100}\n"
                   for n, (_, end) in enumerate(bench_boards.PHASES))
    assert set(bench_boards.phases(text).values()) == {100}
    with pytest.raises(SystemExit, match="never came to FINALIZE"):
        bench_boards.phases(text.replace(f"STATE {numbers.index('FINALIZE')}\n", "STATE 3\n"))
