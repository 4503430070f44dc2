"""The life-cycle's diagram, for scripts/docs states: the states from the tables in core/src/client/client.c, and
an arrow for each acme_machine_go that a state's functions can come to, found by following their calls through
core/src. What several states share is a node of its own."""
import collections
import re

import c_source

PICTURE = "docs/states.svg"
CORE = "core/src"
TABLES = "core/src/client/client.c"
# What many states come to: drawn once, with these words. A member that holds the next state is one, too.
GOAL, NEXT = "machine.goal", "order.next"
HUBS = {GOAL: "what the job is for", "acme_order_begin": "a new order", "acme_reply_order": "what an order's\\nreply says",
        NEXT: "where it was to go"}
PASSED = ("NEXT_AUTHORIZATION",)  # its function is called by the state before it, too
# What only failures come to.
SETBACKS = {"acme_order_leave", "acme_way_fail_here", "acme_account_lost", "acme_account_replace", "begin_anew"}
BUSY, QUIET, HUB, LINE, SETBACK = "#cfe3f7", "#eceff1", "#fff3cd", "#37474f", "#c0392b"
# The machine's own functions, which go to a state that they are told, or to their own.
# What goes to the state that it is given, after a pause.
WAITS = ("acme_order_wait", "acme_order_wait_early")
MACHINE = {"acme_machine_go", "acme_machine_end", "acme_machine_end_slot"}


def calls_of(name, code):
    """The arguments of each call of a function."""
    for m in re.finditer(rf"(?<![.>\w]){name}\(", code):
        depth, at = 1, m.end()
        while depth:
            depth += {"(": 1, ")": -1}.get(code[at], 0)
            at += 1
        yield code[m.end():at - 1]


class Core:
    """Functions of core/src: (file, name) to body."""

    def __init__(self, root):
        self.bodies, self.public = {}, collections.defaultdict(list)
        for path in c_source.files(root, CORE):
            for function in c_source.functions(c_source.read(root, path)):
                key = path, function.name  # twice, where an option chooses between two
                self.bodies[key] = self.bodies.get(key, "") + function.code
                if not function.is_static and key not in self.public[function.name]:
                    self.public[function.name].append(key)
        self.enters = {enter: state for state, _, enter, _ in states(root) if enter}
        everything = " ".join(self.bodies.values())
        self.held = {GOAL: self.named(everything, "acme_job_begin"),
                     NEXT: self.named(everything, "acme_order_leave")}
        self.kept = set(re.findall(r"order\.next = ACME_STATE_(\w+);", everything))

    @staticmethod
    def named(code, function):
        return {state for arguments in calls_of(function, code)
                for state in re.findall(r"ACME_STATE_(\w+)", arguments)}

    def find(self, path, name):
        return [(path, name)] if (path, name) in self.bodies else self.public.get(name, [])

    def called(self, key):
        for name in sorted(set(re.findall(r"(?<![.>\w])(\w+)\(", self.bodies[key])) - MACHINE):
            yield from self.find(key[0], name)

    def targets(self, key):
        """(state or hub, whether it is an error that goes there) of each change of state in a function."""
        body = self.bodies[key]
        for arguments in calls_of("acme_machine_go", body):
            yield from ((state, False) for state in re.findall(r"ACME_STATE_(\w+)", arguments))
            yield from ((held, False) for held in self.held if held in arguments)
        for name in WAITS:
            for arguments in calls_of(name, body):
                yield from ((state, False) for state in re.findall(r"ACME_STATE_(\w+)", arguments))
        for name, state in (("acme_machine_end", "DONE"), ("acme_machine_end_slot", "SLOT_DONE")):
            yield from ((state, "ACME_OK" not in arguments) for arguments in calls_of(name, body))

    def follow(self, start, setback=False):
        """{target: whether only a setback leads there}; a target is a state or a hub."""
        found, seen = {}, set()
        todo = [(key, setback or key[1] in SETBACKS) for key in start]
        while todo:
            key, worse = todo.pop(0)
            if (key, worse) in seen or (key, False) in seen:
                continue
            seen.add((key, worse))
            for target, error in self.targets(key):
                found[target] = found.get(target, True) and (worse or error)
            for other in self.called(key):
                if other[1] in HUBS or other[1] in self.enters:  # as good as going there
                    target = self.enters.get(other[1], other[1])
                    found[target] = found.get(target, True) and worse
                else:
                    todo.append((other, worse or other[1] in SETBACKS))
        return found


def table(root, name):
    """[(option or None, text)] of each row of a table."""
    text = c_source.read(root, TABLES)
    text = re.search(rf"\b{name}\[\] = \{{(.*?)^\}};", text, re.M | re.S)[1]
    option = None
    for line in re.sub(r",\n\s{8,}", ", ", text).splitlines():
        condition = re.match(r"#if defined\(CONFIG_ACME_(\w+)\)", line)
        if condition:
            option = condition[1]
        elif line.startswith("#endif"):
            option = None
        elif "ACME_STATE_" in line:
            yield option, line


def states(root):
    """[(state, option that it needs or None, enter, reply or None)] in the table's order."""
    yield "IDLE", None, None, None
    for option, line in table(root, "states"):
        state, enter, reply = re.search(r"\[ACME_STATE_(\w+)\] = \{(\w+), (\w+)\}", line).groups()
        yield state, option, enter, None if reply == "NULL" else reply


def setbacks(root):
    """[(state, function)]: who handles what goes wrong in a state."""
    for _, line in table(root, "setbacks"):
        state, functions = re.search(r"\{ACME_STATE_(\w+), \w+, (.*?)\}", line).groups()
        yield from ((state, name) for name in functions.split(", ") if name != "NULL")


def add(edges, found):
    for target, setback in found.items():
        edges[target] = edges.get(target, True) and setback


def graph(root):
    """{node: {target: whether it is a setback}}, states first."""
    core, edges = Core(root), {}
    for state, _, *functions in states(root):
        edges[state] = {}
        for name in functions:
            # A reply that several states share is a hub itself.
            if name:
                add(edges[state], {name: False} if name in HUBS else core.follow(core.public[name]))
    for state, name in setbacks(root):
        add(edges[state], core.follow(core.public[name], setback=True))
    for hub in HUBS:
        if hub in core.held:
            edges[hub] = {state: hub == NEXT for state in core.held[hub]}
            edges[hub].update({state: False for state in (core.kept if hub == NEXT else ())})
        else:
            edges[hub] = core.follow(core.public[hub])
    edges["IDLE"] = {"DIRECTORY": False}  # what every job begins with
    return edges


def reach(found, state):
    """The states that may follow a state: its arrows, and those of what it shares with others, or of a
    state that it passes without a stop."""
    states_next, todo = set(), [state]
    seen = set()
    while todo:
        for target in found[todo.pop()]:
            if target not in HUBS:
                states_next.add(target)
            if target in (*HUBS, *PASSED) and target not in seen:
                seen.add(target)
                todo.append(target)
    return states_next


# A first boot by http-01 with every option, drawn thick; a test holds a real one against it.
FIRST_BOOT = ("IDLE DIRECTORY ACCOUNT NEW_ACCOUNT ACCOUNT_READY machine.goal SELECT acme_order_begin "
              "NEW_AUTHORIZATION NEW_ORDER acme_reply_order AUTHORIZATION CHALLENGE AUTHORIZATION_WAIT FINALIZE "
              "acme_reply_order CERTIFICATE CHAIN_CHOICE INSTALL SLOT_DONE SELECT DONE NEXT_CA IDLE").split()
# Backwards; they must not pull the layout about.
BACK = {("ORDER_WAIT", "ORDER"), ("RENEWAL_INFO", "SELECT"), ("FINALIZE", "acme_reply_order"),
        ("AUTHORIZATION_WAIT", "AUTHORIZATION"), ("NEXT_AUTHORIZATION", "AUTHORIZATION"),
        ("CHAIN_CHOICE", "CERTIFICATE"), ("PRESENT", "NEXT_AUTHORIZATION")}
# Far away: the arrow ends at the name alone.
FAR = {("SLOT_DONE", "SELECT"), ("KEY_PROBE", "ACCOUNT"), ("ORDER_AGAIN", "acme_order_begin"),
       ("NEXT_AUTHORIZATION", "acme_order_begin"), ("NEXT_AUTHORIZATION", "CLEAN_UP"),
       ("AUTHORIZATION", "CLEAN_UP"), ("NEXT_CA", "DIRECTORY"), ("ACCOUNT", "REVOKE"),
       ("NEW_AUTHORIZATION", "NEXT_AUTHORIZATION"),
       *((NEXT, state) for state in ("ACCOUNT", "AUTHORIZATION", "NEXT_AUTHORIZATION", "SLOT_DONE", "DONE"))}
LEGEND = ("blue: asks the CA    grey: decides, or waits    yellow: what several states share    "
          "thick: a first boot\\lred: after a setback    small: the option that brings the state    "
          "dot: DONE, or from there IDLE    red dot: LEAVE_ORDER    "
          "a name alone: drawn elsewhere\\l"
          "Not drawn: NEW_NONCE and back, before a signed request when no nonce is at hand; any failure, "
          "which enters\\lthe state again after a pause, and in the end goes on with LEAVE_ORDER, and from there "
          "with SLOT_DONE (one\\lcertificate failed) or DONE (all did)\\l")


def node(state, option, asks):
    name = state
    if option:
        name = (f'<table border="0" cellspacing="0" cellpadding="0"><tr><td>{state}</td></tr><tr><td>'
                f'<font point-size="9" color="#546e7a">{option}</font></td></tr></table>')
    return f'"{state}" [label=<{name}>, fillcolor="{BUSY if asks else QUIET}"]'


def mark(start, end):
    """(name, attributes) of a mark that stands for the far end of an arrow, or None: long arrows, and many
    into one state, would hide the others."""
    if (start, end) in FAR:
        words = HUBS.get(end, end).replace("\\n", " ")
        return f"{start} to {end}", f'label="{words}", shape=plain, fontsize=10, fontcolor="#546e7a", style=""'
    if end == "LEAVE_ORDER":
        return f"{start} leaves", (f'label="", shape=circle, height=0.12, width=0.12, margin=0, color="{SETBACK}", '
                                   f'fillcolor="{SETBACK}"')
    if end == "IDLE" or (end == "DONE" and start != "SELECT"):
        return f"end of {start}", (f'label="", shape=doublecircle, height=0.12, width=0.12, margin=0, '
                                   f'fillcolor="{LINE}"')
    return None


def arrow(start, end, setback):
    style, far = [], mark(start, end)
    if (start, end) in zip(FIRST_BOOT, FIRST_BOOT[1:]):
        style.append("penwidth=2.6")
    if setback:
        style.append(f'color="{SETBACK}", style=dashed')
    if (start, end) in BACK or (setback and not far and end != "ORDER_GONE"):
        style.append("constraint=false")
    text = f'"{start}" -> "{far[0] if far else end}"' + (f" [{', '.join(style)}]" if style else "")
    return f'"{far[0]}" [{far[1]}]\n{text}' if far else text


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
