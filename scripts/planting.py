"""Plants a fault into a copy of a source: the one way in which scripts/proof, scripts/mutants and the tests of
scripts/lint do it. The tree itself is never changed."""
import os


class MovedOn(Exception):
    """The code has moved on: what a fault is planted over is not there exactly once."""


def planted(text, old, new):
    """The text with a fault in it."""
    if text.count(old) != 1:
        raise MovedOn(f"the code has moved on: {text.count(old)} times: {old}")
    if old == new:
        raise MovedOn(f"nothing is planted: {old}")
    return text.replace(old, new)


def plant(source, copy, old, new):
    """Writes a copy of a source with a fault in it."""
    with open(source, encoding="ascii") as f:
        text = planted(f.read(), old, new)
    os.makedirs(os.path.dirname(copy), exist_ok=True)
    with open(copy, "w", encoding="ascii") as f:
        f.write(text)
