"""`nanoacme store dump`: images of the host and of boards, whole, damaged, cut short; never a key."""
import json
import os
import subprocess

import pytest

from conftest import BUILD
from lab import PATIENCE

AREA = [1024, 24, 4]
GEOMETRY = ["--sector-size", "1024", "--program-size", "4"]


def dump(*args):
    return subprocess.run([os.path.join(BUILD, "nanoacme"), "store", "dump", *map(str, args)],
                          capture_output=True, text=True, timeout=60 * PATIENCE, check=False)


@pytest.fixture(name="image", scope="module")
def _image(tmp_path_factory):
    """An area as it is read from a board after three renewals; its keys are the letter K."""
    path = tmp_path_factory.mktemp("dump") / "image.bin"
    subprocess.run([os.path.join(BUILD, "test/wear"), *map(str, AREA), "400", "3", "1", path],
                   check=True, capture_output=True, timeout=60 * PATIENCE)
    assert b"KKKKKKKK" in path.read_bytes()
    return path


def test_a_board_s_image(image):
    done = dump(image, *GEOMETRY)
    assert done.returncode == 0, done.stderr
    for word in ("sectorSize: 1024", "sectorCount: 24", "sequence=", "erases=", "in use",
                 "directory=https://acme-v02.api.letsencrypt.org/directory", "/acme/acct/1234567890",
                 "names=device.example.org", "notAfter=", "chain=2", "chainSize=2200",
                 "record=PSA storage"):
        assert word in done.stdout, word
    assert "KKKK" not in done.stdout and "4b4b4b" not in done.stdout.lower()


def test_json_has_the_same(image):
    done = dump(image, "--json", *GEOMETRY)
    out = json.loads(done.stdout)
    assert out["sectorCount"] == 24 and len(out["sectors"]) == 24 and not out["damaged"]
    kinds = [r["record"] for r in out["records"]]
    assert kinds.count("account") == 1 and kinds.count("certificate") == 1
    assert kinds.count("PSA storage") == 2 and kinds.count("chain") == 5
    keys = [r for r in out["records"] if r["record"] == "PSA storage"]
    assert all(set(k) == {"record", "id", "length"} for k in keys)
    assert "KKKK" not in done.stdout


def test_a_host_s_image(image, tmp_path):
    header = b"nanoacme flash image, version 1\n" + b"".join(n.to_bytes(4, "little") for n in AREA)
    path = tmp_path / "host.bin"
    path.write_bytes(header.ljust(4096, b"\0") + image.read_bytes())
    done = dump(path)
    assert done.returncode == 0 and "names=device.example.org" in done.stdout


def test_cut_short(image, tmp_path):
    path = tmp_path / "short.bin"
    header = b"nanoacme flash image, version 1\n" + b"".join(n.to_bytes(4, "little") for n in AREA)
    whole = header.ljust(4096, b"\0") + image.read_bytes()
    for size in (20, 44, 100, 4096, 5000, len(whole) - 3000):
        path.write_bytes(whole[:size])
        done = dump(path)
        assert done.returncode == 3, size
        assert ("cut short" if size >= 44 else "not an image") in done.stderr
    path.write_bytes(b"")
    assert dump(path, *GEOMETRY).returncode == 3


def test_damage_is_named(image, tmp_path):
    raw = bytearray(image.read_bytes())
    at = raw.rindex(b"device.example.org")
    raw[at] ^= 1
    path = tmp_path / "damaged.bin"
    path.write_bytes(raw)
    done = dump(path, *GEOMETRY)
    assert done.returncode == 3 and "damaged" in done.stderr
    assert "directory=https://acme-v02" in done.stdout
    path.write_bytes(os.urandom(24 * 1024))
    assert dump(path, *GEOMETRY).returncode == 3


def test_usage(image, tmp_path):
    assert "--sector-size" in dump(image).stderr
    assert dump(image, "--sector-size", "x").returncode == 2
    assert dump(image, image).returncode == 2
    assert dump(image, "--sector-size", "300", "--program-size", "4").returncode == 3
    assert dump(tmp_path / "none").returncode == 3
