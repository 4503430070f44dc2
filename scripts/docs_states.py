"""The life-cycle's diagram, for scripts/docs states: the states from the table in core/src/client/client.c, and an
arrow for each acme_client_go that a state's functions can come to, found by following their calls
through core/src. What several states share is a node of its own. Graphviz only draws it: the picture
carries its own description, so that whether it is up to date needs no Graphviz."""
import collections
import glob
import os
import re
import subprocess

PICTURE = "docs/states.svg"
CORE = "core/src"
# Functions that many states come to: drawn once, with these words.
HUBS = {"acme_reply_order": "what an order's\\nreply says", "go_on": "the next name",
        "acme_authorization_start": "a new order", "acme_order_is_gone": "the order is lost"}
# What only failures come to.
SETBACKS = {"acme_order_is_gone", "acme_order_again", "fail_here", "settle", "acme_account_lost",
            "acme_account_replace", "acme_order_refused", "acme_authorization_clean_up"}
BUSY, QUIET, HUB, LINE, SETBACK = "#cfe3f7", "#eceff1", "#fff3cd", "#37474f", "#c0392b"


class Core:
    """Functions of core/src: (file, name) to body."""

    def __init__(self, root):
        self.bodies, self.public = {}, collections.defaultdict(list)
        for path in sorted(glob.glob(os.path.join(root, CORE, "*", "*.c"))):
            with open(path, encoding="utf-8") as f:
                text = re.sub(r"/\*.*?\*/|//[^\n]*", "", f.read(), flags=re.S)
            text = re.sub(r"^#(?:[^\n]*\\\n)*[^\n]*$", "", text, flags=re.M)
            for head, name, body in re.findall(
                    r"^([a-z][^\n;{}()=]*?)\b(\w+)\([^;{}]*\)\n\{\n(.*?)^\}", text, re.M | re.S):
                key = path, name  # twice, where an option chooses between two
                self.bodies[key] = self.bodies.get(key, "") + body
                if not head.startswith("static") and key not in self.public[name]:
                    self.public[name].append(key)

    def find(self, path, name):
        return [(path, name)] if (path, name) in self.bodies else self.public.get(name, [])

    def called(self, key):
        for name in sorted(set(re.findall(r"(?<![.>\w])(\w+)\(", self.bodies[key]))):
            yield from self.find(key[0], name)

    def targets(self, key):
        """States, and the ends of a slot's work or of a job that went well."""
        body = self.bodies[key]
        for argument in re.findall(r"acme_client_go\(c,([^;]*)\);", body, re.S):
            yield from re.findall(r"ACME_STATE_(\w+)", argument)
        if "acme_client_slot_done(c, ACME_OK)" in body:
            yield "SELECT"
        if "acme_client_finish(c, ACME_OK)" in body:
            yield "IDLE"

    def follow(self, start):
        """{target: whether only a setback leads there}; a target is a state or a hub."""
        found, seen = {}, set()
        todo = [(key, False) for key in start]
        while todo:
            key, setback = todo.pop(0)
            if (key, setback) in seen or (key, False) in seen:
                continue
            seen.add((key, setback))
            for target in self.targets(key):
                found[target] = found.get(target, True) and setback
            for other in self.called(key):
                worse = setback or other[1] in SETBACKS
                if other[1] in HUBS:
                    found[other[1]] = found.get(other[1], True) and worse
                elif other[1] not in ("acme_client_finish", "acme_client_slot_done",
                                      "acme_client_go"):
                    todo.append((other, worse))
        return found


def states(root):
    """[(state, option that it needs or None, enter, reply or None)] in the table's order."""
    with open(os.path.join(root, CORE, "client/client.c"), encoding="utf-8") as f:
        table = re.search(r"states\[ACME_STATE_COUNT\] = \{(.*?)^\};", f.read(), re.M | re.S)[1]
    option = None
    for part in re.findall(r"^#if defined\(CONFIG_ACME_(\w+)\)|^(#endif)|"
                           r"\[ACME_STATE_(\w+)\] = \{NAME\(\"\w+\"\)\s*(\w+),\s*(\w+)\}",
                           table, re.M):
        if part[2]:
            yield part[2], option, part[3], None if part[4] == "NULL" else part[4]
        else:
            option = part[0] or None


def graph(root):
    """{node: {target: whether it is a setback}}, states first."""
    core, edges = Core(root), {}
    for state, _, enter, reply in states(root):
        edges[state] = {}
        for name in (enter, reply):
            if name is None or name == "NULL":
                continue
            # A reply that several states share is a hub itself.
            found = {name: False} if name in HUBS else core.follow(core.public[name])
            for wrapped in set(found) & {"acme_reply_order"}:
                found[wrapped] = False
            for target, setback in found.items():
                edges[state][target] = edges[state].get(target, True) and setback
    for hub in HUBS:
        keys = core.public.get(hub) or [k for k in core.bodies if k[1] == hub]
        edges[hub] = core.follow(keys)
    edges["IDLE"] = {"DIRECTORY": False}  # what every job begins with
    return edges


def reach(found, state):
    """The states that may follow a state: its arrows, and those of what it shares with others."""
    states_next, todo = set(), [state]
    seen = set()
    while todo:
        for target in found[todo.pop()]:
            if target in HUBS and target not in seen:
                seen.add(target)
                todo.append(target)
            elif target not in HUBS:
                states_next.add(target)
    return states_next


# A first boot by http-01, drawn thick; a test holds a real one against it.
FIRST_BOOT = ("IDLE DIRECTORY ACCOUNT NEW_ACCOUNT ACCOUNT_READY SELECT acme_authorization_start NEW_ORDER "
              "acme_reply_order AUTHORIZATION CHALLENGE AUTHORIZATION_WAIT FINALIZE acme_reply_order "
              "CERTIFICATE INSTALL SELECT IDLE").split()
# Backwards; they must not pull the layout about.
BACK = {("INSTALL", "SELECT"), ("REVOKE_REPLACED", "SELECT"), ("ORDER_WAIT", "ORDER"),
        ("RENEWAL_INFO", "SELECT"), ("go_on", "acme_authorization_start"), ("acme_reply_order", "FINALIZE"),
        ("acme_reply_order", "AUTHORIZATION"), ("CLEAN_UP", "go_on"), ("PRESENT", "go_on"),
        ("acme_order_is_gone", "CLEAN_UP"), ("AUTHORIZATION", "go_on"), ("AUTHORIZATION_WAIT", "AUTHORIZATION"), ("KEY_PROBE", "ACCOUNT")}
LEGEND = ("blue: asks the CA    grey: decides, or waits    yellow: what several states share    "
          "thick: a first boot\\lred: after a setback    small: the option that brings the state    dot: IDLE, the job has ended\\l"
          "Not drawn: NEW_NONCE and back, before a signed request when no nonce is at hand; any failure, "
          "which enters\\lthe state again after a pause, and in the end goes on with SELECT (one "
          "certificate failed) or IDLE (all did)\\l")


def node(state, option, asks):
    name = state
    if option:
        name = (f'<table border="0" cellspacing="0" cellpadding="0"><tr><td>{state}</td></tr><tr><td>'
                f'<font point-size="9" color="#546e7a">{option}</font></td></tr></table>')
    return f'"{state}" [label=<{name}>, fillcolor="{BUSY if asks else QUIET}"]'


def arrow(start, end, setback):
    style = []
    if (start, end) in zip(FIRST_BOOT, FIRST_BOOT[1:]):
        style.append("penwidth=2.6")
    if setback:
        style.append(f'color="{SETBACK}", style=dashed')
    if (setback and end not in ("CLEAN_UP", "acme_order_is_gone")) or (start, end) in BACK:
        style.append("constraint=false")
    text = f'"{start}" -> "{end}"' + (f" [{', '.join(style)}]" if style else "")
    if end == "IDLE":  # a mark for each way to end keeps long arrows out of the picture
        mark = f'"end of {start}"'
        text = (f'{mark} [shape=doublecircle, label="", height=0.12, width=0.12, margin=0, '
                f'fillcolor="{LINE}"]\n' + text.replace('"IDLE"', mark))
    return text


def describe(root):
    """The graph in Graphviz's language. NEW_NONCE is left out: it comes before any signed request."""
    lines = [node(state, option, reply) for state, option, _, reply in states(root)
             if state != "NEW_NONCE"]
    lines += [f'"{hub}" [label="{words}", fontsize=11, color="#b28704", fillcolor="{HUB}", height=0.28, '
              'margin="0.1,0.03"]' for hub, words in HUBS.items()]
    lines += [arrow(start, end, setback) for start, targets in graph(root).items()
              for end, setback in sorted(targets.items()) if "NEW_NONCE" not in (start, end)]
    head = ('digraph states {\nrankdir=TB; bgcolor="white"; pad=0.25; nodesep=0.3; ranksep=0.36;\n'
            f'fontname="DejaVu Sans"; fontsize=11; labelloc=b; labeljust=l; label="{LEGEND}";\n'
            'node [shape=box, style="filled,rounded", fontname="DejaVu Sans", fontsize=12, '
            f'color="{LINE}", height=0.36, margin="0.14,0.05"]\n'
            f'edge [color="{LINE}", arrowsize=0.7]\n')
    return head + "\n".join(lines) + "\n}\n"


def embedded(root):
    path = os.path.join(root, PICTURE)
    if not os.path.exists(path):
        return None
    with open(path, encoding="utf-8") as f:
        found = re.search(r"<!-- drawn from\n(.*?)-->", f.read(), re.S)
    return found[1] if found else None


def comment(text):
    return text.replace("--", "- -")  # which XML does not allow there


def is_fresh(root):
    return embedded(root) == comment(describe(root))


def write(root):
    text = describe(root)
    svg = subprocess.run(["dot", "-Tsvg"], input=text, capture_output=True, text=True,
                         check=True).stdout
    svg = re.sub(r"<!--.*?-->\n?", "", svg, flags=re.S)
    svg = svg.replace('font-family="DejaVu Sans"', 'font-family="DejaVu Sans,Verdana,sans-serif"')
    head, rest = svg.split("<svg", 1)
    svg = f"{head}<!-- drawn from\n{comment(text)}--><svg{rest}"
    with open(os.path.join(root, PICTURE), "w", encoding="utf-8") as f:
        f.write(svg)
