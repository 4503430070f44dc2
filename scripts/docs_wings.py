"""The picture of core/src's wings, for scripts/docs wings: their files, and who knows whom, as scripts/lint
structure reads it from the text. Also what docs/architecture.md says of files and functions, held against
the code."""
import collections
import re

import c_source
import lint_structure

PICTURE = "docs/wings.svg"
PAGE = "docs/architecture.md"
JOBS = {"doctor": "what stands in the way of a certificate", "client": "the life-cycle: what is next",
        "challenge": "proofs of a name", "crypto": "keys, signatures, certificates", "dns": "DNS on the wire; providers",
        "store": "what survives a reset", "net": "one connection to the CA", "json": "replies, problems",
        "base": "small, and known to all"}
COLOURS = {"doctor": "#f3e5f5", "client": "#cfe3f7", "challenge": "#fff3cd", "crypto": "#fde0dc", "dns": "#fff3cd",
           "store": "#dcedc8", "net": "#d7f0ee", "json": "#d7f0ee", "base": "#eceff1"}
COLUMNS = {"base": 6, "client": 4}  # of names at most, side by side
LINE, QUIET = "#37474f", "#b0bec5"


def levels(files, following):
    """The files of a wing in rows: each below all that know it. Files of a circle share a row."""
    inside = {f: following.get(f, set()) & files for f in files}
    level = {}
    for part in lint_structure.components(inside):  # what is known comes first
        below = [level[b] for a in part for b in inside[a] if b not in part]
        level.update({a: max(below, default=-1) + 1 for a in part})
    rows = collections.defaultdict(list)
    for f in sorted(files):
        rows[level.get(f, 0)].append(f.rsplit("/", 1)[1])
    return [rows[n] for n in sorted(rows, reverse=True)]


def label(wing, rows):
    columns = COLUMNS.get(wing, 3)
    lines = [row[i:i + columns] for row in rows for i in range(0, len(row), columns)]
    cells = "".join(f'<tr><td><font point-size="10">{" &#183; ".join(line)}</font></td></tr>' for line in lines)
    return (f'<<table border="0" cellspacing="0" cellpadding="2"><tr><td><b>{wing}</b></td></tr>'
            f'<tr><td><font point-size="10" color="#546e7a">{JOBS[wing]}</font></td></tr>{cells}</table>>')


def reached(wings, start):
    found, todo = set(), list(wings[start])
    while todo:
        wing = todo.pop()
        if wing not in found:
            found.add(wing)
            todo += wings[wing]
    return found


def describe(root):
    tree = lint_structure.Tree(root, objects=False)
    nodes = {lint_structure.node(f) for f in tree.files if lint_structure.wing(f)}
    following, wings, many = collections.defaultdict(set), collections.defaultdict(set), collections.Counter()
    for a, b in tree.arrows:
        if a in nodes and b in nodes:
            following[a].add(b)
            if lint_structure.wing(a) != lint_structure.wing(b):
                wings[lint_structure.wing(a)].add(lint_structure.wing(b))
                many[lint_structure.wing(a), lint_structure.wing(b)] += 1
    lines = []
    for wing in JOBS:
        files = {n for n in nodes if lint_structure.wing(n) == wing}
        lines.append(f'{wing} [label={label(wing, levels(files, following))}, fillcolor="{COLOURS[wing]}"]')
    for (a, b), count in sorted(many.items()):
        around = any(b in reached(wings, other) for other in wings[a] - {b})
        if b == "base" and around:
            continue  # all know it: the picture says so
        style = f'color="{QUIET}", penwidth=0.8' if around else f"penwidth={1.2 + min(count, 30) / 12:.1f}"
        lines.append(f'{a} -> {b} [{style}, tooltip="{count}"]')
    return ('digraph wings {\nrankdir=TB; bgcolor="white"; pad=0.25; nodesep=0.45; ranksep=0.55;\n'
            'fontname="DejaVu Sans"; fontsize=11; labelloc=b; labeljust=l;\n'
            'label="An arrow: files of the upper wing include or call files of the lower one; the thicker, the more.'
            '\\lGrey: what other arrows lead to as well. All wings know base. In a wing, a file knows files of lower '
            'rows alone.\\l";\n'
            'node [shape=box, style="filled,rounded", fontname="DejaVu Sans", fontsize=14, '
            f'color="{LINE}", margin="0.12,0.06"]\n'
            f'edge [color="{LINE}", arrowsize=0.8]\n'
            '{rank=same; crypto; challenge; dns}\n{rank=same; store; net; json}\n' + "\n".join(lines) + "\n}\n")


def names(root):
    """What the page says and the code does not: [sentence]."""
    text, wrong = c_source.read(root, PAGE), []
    bodies = collections.defaultdict(str)
    for f in c_source.files(root, "core", "port", "boards"):
        for function in c_source.functions(c_source.read(root, f)):
            bodies[function.name] += function.code
    wrong += [f"no function {name}()" for name in sorted(set(re.findall(r"`(\w+)\(\)`", text)) - set(bodies))]
    for caller, called in re.findall(r"`(\w+)\(\)` →(?=\s+`(\w+)\(\)`)", text):
        if not re.search(rf"\b{called}\b", bodies[caller]):
            wrong.append(f"{caller}() does not call {called}()")
    said = {f"{wing}/{name}" for wing, row in re.findall(r"^\| `(\w+)/`[^|]*\|(.*)\|$", text, re.M)
            for name in re.findall(r"`(\w+)`", row)}
    there = {lint_structure.short(lint_structure.node(f)) for f in c_source.files(root, "core/src")}
    wrong += [f"core/src/{name} is not there" for name in sorted(said - there)]
    wrong += [f"core/src/{name} is not on the page" for name in sorted(there - said)]
    return wrong
