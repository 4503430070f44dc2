"""No private key in the RAM of a board that serves: the emulator's memory is searched for each key
that its flash has ever held, between jobs, after visitors."""
import os
import re

from conftest import NAME
from lab import ROOT
from secret_search import keys_of_image, shows

SERVING = "https: serving until"


def ram_of(kind):
    """Start and length of each RAM in the board's linker script."""
    with open(os.path.join(ROOT, "boards", kind, "link.ld"), encoding="ascii") as f:
        regions = re.findall(r"RAM\w*\s*\(\w+\)\s*:\s*ORIGIN = (0x\w+), "
                             r"LENGTH = (?:DEFINED\(\w+\) \? \w+ : )?(\d+)([KM])", f.read())
    assert regions
    return [(int(start, 16), int(n) * (1024 if unit == "K" else 1 << 20))
            for start, n, unit in regions]


def dump(board):
    """As the processor sees it: on a Cortex-M33 the physical addresses are others."""
    data = b""
    for start, length in ram_of(board.board):
        path = os.path.join(board.folder, "ram")
        board.monitor(f'memsave {start:#x} {length:#x} "{path}"')
        with open(path, "rb") as f:
            data += f.read()
        assert os.path.getsize(path) == length
        os.unlink(path)
    return data


def test_no_private_key_in_ram(every_bench):
    lab = every_bench.start_lab()
    board = every_bench.new_board()
    board.wait_for(SERVING)
    image = os.path.join(board.folder, board.board + ".flash")
    for _ in range(3):
        board.fetch_when_ready(NAME, lab.issuing_root())
    keys = keys_of_image(image)
    assert len(keys) >= 2 and {len(k) for k in keys} == {32}, keys
    ram = dump(board)
    # The RAM it is: what is no secret is there.
    assert shows(ram, [lab.directory.encode()])
    assert not shows(ram, keys)
    # After a reset, and a visitor, who makes it load the key.
    board.reset()
    board.wait_for("net: address", count=2)
    board.fetch_when_ready(NAME, lab.issuing_root())
    ram = dump(board)
    assert shows(ram, [lab.directory.encode()]) and not shows(ram, keys)
