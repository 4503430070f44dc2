#!/usr/bin/python3
"""Limits of what a reader of the code must hold in mind at once.

usage: scripts/lint_limits.py conditions|complexity [ROOT] [-v]
conditions: at most CONDITIONS lines of #if, #ifdef, #ifndef and #elif in core/src, the guards of headers
among them, and none inside a function of core/src/client. -v counts them by file.
complexity: for every function of core, port and boards a cyclomatic complexity of at most COMPLEXITY, and at
most LINES lines. Complexity is 1, and 1 for each if, for, while, case, &&, || and ?, as pmccabe and lizard
count; what stands in any branch of an #if counts. Lines go from the head to the closing brace. -v prints
the functions that come next.
"""
import argparse
import collections
import os
import sys

import c_source

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CONDITIONS, COMPLEXITY, LINES = 200, 10, 60
COUNTED = "core/src"
FREE = "core/src/client"  # of conditions inside functions
LIMITED = ("core", "port", "boards")


def conditions(root, verbose):
    count, inside = collections.Counter(), []
    for f in c_source.files(root, COUNTED):
        text = c_source.read(root, f)
        count[f] = len(c_source.CONDITION.findall(c_source.plain(text)))
        if f.startswith(FREE + "/"):
            inside += [(f, line, function.name) for function in c_source.functions(text)
                       for line in function.conditions]
    for f, line, name in inside:
        print(f"{f}:{line}: {name} has a condition of the preprocessor inside")
    if verbose:
        print("".join(f"{n:5} {f}\n" for f, n in count.most_common() if n), end="")
    total = sum(count.values())
    print(f"conditions: {total} in {COUNTED}, of {CONDITIONS}; {len(inside)} inside functions of {FREE}, of 0")
    return total > CONDITIONS or bool(inside)


def complexity(root, verbose):
    found = [(f, function, c_source.complexity(function))
             for f in c_source.files(root, *LIMITED) for function in c_source.functions(c_source.read(root, f))]
    wrong = [x for x in found if x[2] > COMPLEXITY or x[1].lines > LINES]
    near = [x for x in found if x not in wrong and (x[2] > COMPLEXITY - 2 or x[1].lines > LINES - 5)]
    for f, function, many in wrong + (near if verbose else []):
        print(f"{f}:{function.line}: {function.name}: complexity {many}, {function.lines} lines")
    unread = [f for f in c_source.files(root, *LIMITED) if c_source.unread(c_source.read(root, f))]
    for f in unread:
        print(f"{f}: has a function that this check cannot read; does clang-format leave it so?")
    print(f"complexity: {len(wrong)} of {len(found)} functions above {COMPLEXITY}, or {LINES} lines")
    return bool(wrong or unread)


def main():
    ap = argparse.ArgumentParser(description=__doc__,
                                 formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("what", choices=["conditions", "complexity"])
    ap.add_argument("root", nargs="?", default=ROOT)
    ap.add_argument("-v", action="store_true")
    args = ap.parse_args()
    check = conditions if args.what == "conditions" else complexity
    return 1 if check(args.root, args.v) else 0


if __name__ == "__main__":
    sys.exit(main())
