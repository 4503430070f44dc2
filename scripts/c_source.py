"""Reads C as clang-format leaves it, for the checks of scripts/lint: a function begins with its head at the
left edge and ends with a brace there."""
import collections
import glob
import os
import re

# line and lines: from the line of the head to the closing brace. code: the body without comments, strings
# and lines of the preprocessor. conditions: the lines of #if and its kin inside it.
Function = collections.namedtuple("Function", "name is_static line lines code conditions")
CONDITION = re.compile(r"^[ \t]*#[ \t]*(?:if|ifdef|ifndef|elif)\b[^\n]*", re.M)
DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.M)
HEAD = re.compile(r"^(?P<head>[A-Za-z_][^;{}]*?)\b(?P<name>\w+)\s*\([^;{}]*\)[^;{}()]*\n\{\n(?P<body>.*?)^\}",
                  re.M | re.S)
NO_CODE = re.compile(r"/\*.*?\*/|//[^\n]*|\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'", re.S)


def blank(match):
    return re.sub(r"[^\n]", " ", match[0])


def plain(text):
    """The text without comments and strings; every line stays where it is."""
    return NO_CODE.sub(blank, text)


def without_directives(text):
    return DIRECTIVE.sub(blank, text)


def functions(text):
    """The functions of a file; of a function that an #if gives twice, both."""
    text = plain(text)
    code = without_directives(text)
    for m in HEAD.finditer(code):
        start = m.start("head")
        yield Function(m["name"], re.match(r"(?:\w+\s+)*?static\b", m["head"]) is not None,
                       text.count("\n", 0, start) + 1, text.count("\n", start, m.end()) + 1, m["body"],
                       [text.count("\n", 0, m.start("body") + c.start()) + 1
                        for c in CONDITION.finditer(text[m.start("body"):m.end("body")])])


def unread(text):
    """How many braces end something at the left edge that functions() has not taken for a function."""
    code = without_directives(plain(text))
    return len(re.findall(r"^\}[ \t]*$", code, re.M)) - len(re.findall(r"^extern\s*\{", code, re.M)) - \
        len(list(functions(text)))


def complexity(function):
    """McCabe's number: each case of a switch counts, each && and ||, too."""
    return 1 + len(re.findall(r"\b(?:if|for|while|case)\b|&&|\|\||\?", function.code))


def files(root, *folders):
    """The C files of some folders and what is below them."""
    return sorted(os.path.relpath(path, root) for folder in folders for suffix in "ch"
                  for path in glob.glob(f"{root}/{folder}/**/*.{suffix}", recursive=True))


def read(root, name):
    with open(os.path.join(root, name), encoding="utf-8") as f:
        return f.read()
