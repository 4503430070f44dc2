"""Every call of every port function fails once: see ../fault/torture.c."""
import os
import subprocess

from conftest import BUILD
from lab import PATIENCE
from scripted_ca import Reply, ScriptedCa


def test_every_port_call_fails_once(tmp_path, capsys):
    ca = ScriptedCa(tmp_path)
    ScriptedCa.made.remove(ca)  # each run is another device with an empty store: no one device's history

    # The CA finishes at once: what is tested is not its patience.
    def finalize_at_once(c, request):
        c.usual("finalize", request)
        return Reply(c.order_body("valid"))

    def order_unproven(c, _request):
        c.authorized = False

    ca.answers = {"finalize": finalize_at_once, "order": order_unproven}
    done = subprocess.run([os.path.join(BUILD, "test", "torture"), ca.directory, ca.ca_file,
                           str(ca.http_port)], capture_output=True, text=True, timeout=500 * PATIENCE,
                          check=False)
    ca.stop()
    with capsys.disabled():
        print("\n" + done.stdout.strip())
    assert done.returncode == 0, done
