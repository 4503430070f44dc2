#!/usr/bin/python3
"""Whether the tree's files know each other as its plan says.

usage: scripts/lint_structure.py [ROOT] [-v]
A file a knows a file b if a includes b, or uses a function or a variable of b; a header and the .c file of
its name are one file, except that the struct of the client holds a struct of each room's, so that its header
includes theirs and they include it: what STATE includes is left out of this. It has no .c file, and no
headers may include each other in a circle. Uses are read twice: from the symbols of the objects, compiled with the host's
options, and from the words of the functions, so that what these options leave out counts, too.
It fails if a wing of core/src knows one that WINGS does not allow, if core/src includes what is none of
its own or defines a name that is not, and if files know each other in a circle, for which it prints the shortest and whose it is.
-v prints every arrow inside a circle.
"""
import argparse
import collections
import concurrent.futures
import os
import re
import subprocess
import sys

import c_source

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# Wing: the wings it may know. What is not here knows itself alone.
WINGS = {
    "base": "",
    "net": "base",
    "json": "base",
    "store": "base",
    "crypto": "base net store",
    "dns": "base net json",
    "challenge": "base json",
    "client": "base net json store crypto dns challenge",
    "doctor": "base net json dns client",
}
WINGS = {wing: set(known.split()) | {wing} for wing, known in WINGS.items()}
# What core/src may include with <>: C11 where there is no operating system, mbedTLS, and for cJSON more.
LIBRARIES = re.compile(r"(?:mbedtls|psa)/\w+\.h|entropy_poll\.h|"
                       r"(?:limits|stdalign|stdarg|stdbool|stddef|stdint|stdnoreturn|string)\.h")
CJSON = "core/src/json/cjson"
# What the core may define for the linker: its own names, and what mbedTLS asks of an application. A new cJSON
# may bring a name that json/cjson.h does not rename yet.
OWN_NAMES = re.compile(r"acme_|psa_its_|mbedtls_hardware_poll|mbedtls_platform_zeroize$")
GROUPS = ("core/src", "boards/host", "port/selftest")
CORE = "core/src/"
STATE = "core/src/client/state"
# What stops a test or a fuzzer where an invariant does not hold says so first.
OTHER_LIBRARIES = {"core/src/base/assert": {"stdio.h", "stdlib.h"}}
SEARCHED = ("core/src", "core/include")  # where an include of "wing/file.h" is looked for
COMPILE = ["gcc", "-std=c11", "-O0", "-w", "-c", "-MMD", "-D_GNU_SOURCE", "-DNANOACME_TEST_HOOKS",
           '-DMBEDTLS_CONFIG_FILE="host_mbedtls_config.h"', '-DACME_KCONFIG_HEADER="build/structure/config.h"',
           *(f"-I{folder}" for folder in (".", "core/include", "core/src", "core/its", "port/posix",
                                          "port/selftest", "boards/host", "third_party/mbedtls/include",
                                          "third_party/mbedtls/library", "third_party/cjson"))]
OBJECTS = "build/structure"


def node(name):
    """A header and its .c are one."""
    return name.rsplit(".", 1)[0]


def wing(name):
    return name.split("/")[2] if name.startswith(CORE) else None


def short(name):
    return name.removeprefix(CORE)


def run(argv, root):
    done = subprocess.run(argv, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit("structure: " + " ".join(argv[-4:]) + " failed:\n" + done.stderr)
    return done.stdout


class Tree:
    """Which file knows which, and by what: {(a, b): [why]}. Without objects only what the text says."""

    def __init__(self, root, objects=True):
        self.root, self.objects, self.wrong = root, objects, []
        self.files = c_source.files(root, *GROUPS)
        self.text = {f: c_source.plain(c_source.read(root, f)) for f in self.files}
        self.functions = {f: list(c_source.functions(c_source.read(root, f))) for f in self.files}
        self.arrows = collections.defaultdict(list)
        self.includes = collections.defaultdict(set)
        self.read_includes()
        self.read_uses()
        if f"{STATE}.c" in self.files:
            self.wrong.append(f"{short(STATE)}.c is there, and it is to have structs alone")

    def know(self, a, b, why):
        a, b = node(a), node(b)
        if a != b and why not in self.arrows[a, b]:
            self.arrows[a, b].append(why)

    def read_includes(self):
        for f in self.files:
            text = re.sub(r"/\*.*?\*/|//[^\n]*", "", c_source.read(self.root, f), flags=re.S)
            for kind, name in re.findall(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', text, re.M):
                self.include(f, kind, name)

    def include(self, f, kind, name):
        here = os.path.normpath(os.path.join(os.path.dirname(f), name))
        found = [p for p in (here, *(f"{s}/{name}" for s in SEARCHED))
                 if os.path.exists(os.path.join(self.root, p))] if kind == '"' else []
        if found and found[0] in self.text:
            self.includes[f].add(found[0])
            if node(f) != STATE:
                self.know(f, found[0], f"includes {name}")
        if not f.startswith(CORE) or node(f) == CJSON:
            return
        if not found and not LIBRARIES.fullmatch(name) and name not in OTHER_LIBRARIES.get(node(f), ()):
            self.wrong.append(f"{short(f)} includes {name}, which is none of the core's")
        elif found and found[0] == here and not here.startswith(CORE):
            self.wrong.append(f"{short(f)} includes {name} from outside of the core")

    def read_uses(self):
        """By words: {name: files that define it}, then who says it."""
        public = collections.defaultdict(set)
        for f in self.files:
            for function in self.functions[f]:
                if not function.is_static:
                    public[function.name].add(f)
        used = self.symbols(public) if self.objects else collections.defaultdict(set)
        for f in self.files:
            code = c_source.without_directives(self.text[f]) if f.endswith(".c") else \
                " ".join(function.code for function in self.functions[f])
            used[f] |= set(re.findall(r"(?<![.>\w])[A-Za-z_]\w*", code)) & set(public)
        for f, names in used.items():
            own = {function.name for function in self.functions[f]}
            for name in sorted(names - own):
                for other in public[name]:
                    self.know(f, other, f"uses {name}")

    def symbols(self, public):
        """By objects: {file: the names it wants}. Adds what they define to public."""
        os.makedirs(os.path.join(self.root, OBJECTS), exist_ok=True)
        run(["scripts/kconfig", "boards/host/defconfig", "--header", f"{OBJECTS}/config.h"], self.root)
        sources = [f for f in self.files if f.endswith(".c")]
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            source_of = dict(zip(pool.map(self.compile, sources), sources))
        used = collections.defaultdict(set)
        for line in run(["nm", "-A", *source_of], self.root).splitlines():
            made, kind, name = re.fullmatch(r"(\S+?):[0-9a-f ]{16} (\w) (\S+)", line).groups()
            source = source_of[made]
            if kind == "U":
                used[source].add(name)
            elif kind.isupper():
                public[name].add(source)
                if source.startswith(CORE) and not OWN_NAMES.match(name):
                    self.wrong.append(f"{short(source)} defines {name}, a name that the application may have, too")
        for names in used.values():
            names &= set(public)
        return used

    def compile(self, source):
        """A source's object, which is made if something that it was made of is newer."""
        out = os.path.join(OBJECTS, node(source).replace("/", "-") + ".o")
        if not self.is_fresh(out):
            run([*COMPILE, source, "-o", out], self.root)
        return out

    def is_fresh(self, out):
        made = os.path.join(self.root, out)
        if not os.path.exists(made) or not os.path.exists(made[:-1] + "d"):
            return False
        names = c_source.read(self.root, out[:-1] + "d").replace("\\\n", " ").split(": ", 1)[1].split()
        paths = [os.path.join(self.root, n) for n in names]
        return all(os.path.exists(p) and os.path.getmtime(p) < os.path.getmtime(made) for p in paths)

    def against_table(self):
        for (a, b), why in sorted(self.arrows.items()):
            if wing(a) and wing(b) and wing(b) not in WINGS.get(wing(a), {wing(a)}):
                yield f"{short(a)} knows {short(b)}, and {wing(a)} must not know {wing(b)}: {'; '.join(why[:3])}"

    def unknown_wings(self):
        for name in sorted({wing(f) for f in self.files if wing(f)} ^ set(WINGS)):
            yield f"core/src/{name} and WINGS of scripts/lint_structure.py do not agree"

    def circles(self):
        """[(the files that know each other, the shortest circle among them)]"""
        following = collections.defaultdict(set)
        for a, b in self.arrows:
            following[a].add(b)
        return circles_of(following)

    def include_circles(self):
        """Likewise of the includes alone, each header on its own."""
        return circles_of(self.includes)

    def say(self, a, b):
        return f"    {short(a)} -> {short(b)}: {'; '.join(self.arrows[a, b][:3])}"


def circles_of(following):
    return [(part, min((shortest(following, set(part), a) for a in part), key=len))
            for part in components(following) if len(part) > 1]


def components(following):
    """The strongly connected components: Tarjan's, with a stack of its own."""
    index, low, on, stack, out = {}, {}, set(), [], []
    for root in sorted(following):
        work = [(root, None)] if root not in index else []
        while work:
            name, edges = work.pop()
            if edges is None:
                index[name] = low[name] = len(index)
                stack.append(name)
                on.add(name)
                edges = iter(sorted(following.get(name, ())))
            for other in edges:
                if other not in index:
                    work += [(name, edges), (other, None)]
                    break
                if other in on:
                    low[name] = min(low[name], low[other])
            else:
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[name])
                if low[name] == index[name]:
                    part = stack[stack.index(name):]
                    del stack[stack.index(name):]
                    on.difference_update(part)
                    out.append(sorted(part))
    return out


def shortest(following, inside, start):
    """The shortest way from start back to it, breadth first; there is one."""
    came, todo = {}, [start]
    for a in todo:
        for b in sorted(following.get(a, set()) & inside):
            if b == start:
                way = [a]
                while way[0] != start:
                    way.insert(0, came[way[0]])
                return way
            if b not in came:
                came[b] = a
                todo.append(b)
    return []


def main():
    ap = argparse.ArgumentParser(description=__doc__,
                                 formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("root", nargs="?", default=ROOT)
    ap.add_argument("-v", action="store_true")
    args = ap.parse_args()
    tree = Tree(args.root)
    wrong = [*tree.unknown_wings(), *tree.wrong, *tree.against_table()]
    circles, includes = tree.circles(), tree.include_circles()
    print("".join(f"structure: {w}\n" for w in wrong), end="")
    for part, way in circles:
        print(f"structure: {len(part)} files know each other in a circle: {' '.join(map(short, part))}; the shortest:")
        print("\n".join(tree.say(a, b) for a, b in zip(way, way[1:] + way[:1])))
        if args.v:
            print("  all:")
            print("\n".join(tree.say(a, b) for a, b in sorted(tree.arrows) if a in part and b in part))
    for _, way in includes:
        print(f"structure: headers include each other in a circle: {' -> '.join(map(short, way + way[:1]))}")
    print(f"structure: {len({node(f) for f in tree.files})} files, {len(tree.arrows)} arrows, "
          f"{len(wrong)} against the plan, {len(circles) + len(includes)} circles")
    return 1 if wrong or circles or includes else 0


if __name__ == "__main__":
    sys.exit(main())
