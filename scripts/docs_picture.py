"""Pictures that Graphviz draws from a description that the code gives, for scripts/docs: each carries its own
description, so that whether it is up to date needs no Graphviz."""
import os
import re
import subprocess


def embedded(root, picture):
    path = os.path.join(root, picture)
    if not os.path.exists(path):
        return None
    with open(path, encoding="utf-8") as f:
        found = re.search(r"<!-- drawn from\n(.*?)-->", f.read(), re.S)
    return found[1] if found else None


def comment(text):
    return text.replace("--", "- -")  # which XML does not allow there


def is_fresh(root, picture, text):
    return embedded(root, picture) == comment(text)


def write(root, picture, text):
    svg = subprocess.run(["dot", "-Tsvg"], input=text, capture_output=True, text=True,
                         check=True).stdout
    svg = re.sub(r"<!--.*?-->\n?", "", svg, flags=re.S)
    svg = svg.replace('font-family="DejaVu Sans"', 'font-family="DejaVu Sans,Verdana,sans-serif"')
    head, rest = svg.split("<svg", 1)
    svg = f"{head}<!-- drawn from\n{comment(text)}--><svg{rest}"
    with open(os.path.join(root, picture), "w", encoding="utf-8") as f:
        f.write(svg)
