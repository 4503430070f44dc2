"""The checks of scripts/lint that are this project's own find what is planted into a copy of the tree, and
nothing more in the copy than in the tree."""
import os
import re
import shutil
import subprocess
import sys

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
sys.path.insert(0, os.path.join(ROOT, "scripts"))
import planting  # pylint: disable=wrong-import-position
COPIED = ("core", "boards", "port", "scripts", "build/structure")


def said(tree, *check):
    """(status, lines) of a check of a tree."""
    done = subprocess.run([os.path.join(tree, "scripts", check[0]), *check[1:]], cwd=tree,
                          capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.returncode, done.stdout.splitlines()


def structure(tree):
    return said(tree, "lint_structure.py", "-v")


@pytest.fixture(scope="session")
def before():
    """What the checks say of the tree as it is; its objects are made, too."""
    return {"structure": structure(ROOT), "conditions": said(ROOT, "lint_limits.py", "conditions"),
            "complexity": said(ROOT, "lint_limits.py", "complexity")}


@pytest.fixture
def tree(before, tmp_path):  # the objects first
    for folder in COPIED:
        shutil.copytree(os.path.join(ROOT, folder), tmp_path / folder,
                        ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Kconfig", "third_party"):
        os.symlink(os.path.join(ROOT, name), tmp_path / name)
    return tmp_path


def plant(tree, name, *lines, old=None):
    """Adds lines to a file, or in place of what is old there."""
    path = tree / name
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    new = "\n".join(lines) + "\n"
    path.write_text(planting.planted(text, old, new) if old else text + new, encoding="utf-8")


def extra(result, old):
    """What a check says of a copy and not of the tree, its last line apart; it must have failed."""
    assert result[0] == 1
    return [line for line in result[1][:-1] if line not in old[1][:-1]]


def test_a_copy_is_as_the_tree(tree, before):
    assert structure(tree) == before["structure"]
    assert said(tree, "lint_limits.py", "conditions") == before["conditions"]
    assert said(tree, "lint_limits.py", "complexity") == before["complexity"]


def test_include_against_the_table(tree, before):
    plant(tree, "core/src/base/crc.c", '#include "net/uri.h"')
    assert "structure: base/crc knows net/uri, and base must not know net: includes net/uri.h" in \
        extra(structure(tree), before["structure"])


def test_include_that_is_spelt_with_the_way_to_it(tree, before):
    plant(tree, "core/src/base/crc.h", '# include "../net/uri.h"')
    assert "structure: base/crc knows net/uri, and base must not know net: includes ../net/uri.h" in \
        extra(structure(tree), before["structure"])


def test_call_against_the_table_without_an_include(tree, before):
    plant(tree, "core/src/base/crc.c", "extern int acme_uri_check_name(const char *name);",
          "int planted(const char *name);", "int planted(const char *name)", "{",
          "    return acme_uri_check_name(name);", "}")
    assert "structure: base/crc knows net/uri, and base must not know net: uses acme_uri_check_name" in \
        extra(structure(tree), before["structure"])


def test_a_macro_that_hides_the_name_hides_nothing(tree, before):
    plant(tree, "core/src/base/crc.c", "#define GLUE(a, b) a##b",
          "extern int acme_uri_check_name(const char *name);",
          "int (*const planted)(const char *name) = GLUE(acme_uri_check, _name);")
    assert "structure: base/crc knows net/uri, and base must not know net: uses acme_uri_check_name" in \
        extra(structure(tree), before["structure"])


def test_what_an_option_leaves_out_counts(tree, before):
    plant(tree, "core/src/base/crc.c", "#if defined(NOWHERE)", "int planted(const char *name)", "{",
          "    return acme_uri_check_name(name);", "}", "#endif")
    assert "structure: base/crc knows net/uri, and base must not know net: uses acme_uri_check_name" in \
        extra(structure(tree), before["structure"])


def test_a_wing_that_is_not_in_the_table(tree, before):
    (tree / "core/src/attic").mkdir()
    plant(tree, "core/src/attic/trunk.c", "int planted;")
    assert any("core/src/attic and WINGS" in line for line in extra(structure(tree), before["structure"]))


@pytest.mark.parametrize("header", ["<sys/socket.h>", "<stdlib.h>", '"lwip/tcp.h"'])
def test_what_is_none_of_the_core(tree, before, header):
    (tree / "lwip").mkdir()
    plant(tree, "lwip/tcp.h", "")
    plant(tree, "core/src/base/crc.c", f"#include {header}")
    assert f"structure: base/crc.c includes {header[1:-1]}, which is none of the core's" in \
        extra(structure(tree), before["structure"])


def test_a_port_in_the_core(tree, before):
    plant(tree, "core/src/base/crc.c", '#include "../../../port/posix/acme_posix.h"')
    assert any("base/crc.c includes ../../../port/posix/acme_posix.h from outside" in line
               for line in extra(structure(tree), before["structure"]))


def circle(lines, members):
    """The line of a circle of exactly these, and the arrows that it prints."""
    head = f"structure: {len(members)} files know each other in a circle: {' '.join(members)}; the shortest:"
    assert head in lines
    return [re.match(r"    (\S+) -> (\S+): ", line).groups()
            for line in lines[lines.index(head) + 1:lines.index(head) + 1 + len(members)]]


def test_a_circle_by_includes(tree, before):
    for name in ("one", "two", "three"):
        plant(tree, f"core/src/base/{name}.c", f'#include "base/{name}.h"')
    plant(tree, "core/src/base/one.h", "#ifndef ONE_H", "#define ONE_H", '#include "base/two.h"', "#endif")
    plant(tree, "core/src/base/two.h", "#ifndef TWO_H", "#define TWO_H", '#include "base/three.h"', "#endif")
    plant(tree, "core/src/base/three.h", "#ifndef THREE_H", "#define THREE_H", '#include "base/one.h"', "#endif")
    status, lines = structure(tree)
    assert status == 1
    arrows = circle(lines, ["base/one", "base/three", "base/two"])
    assert ("base/one", "base/two") in arrows and ("base/three", "base/one") in arrows
    assert any(line.startswith("structure: headers include each other in a circle: base/") for line in lines)


def test_the_client_s_struct_holds_those_of_its_rooms(tree, before):
    plant(tree, "core/src/client/state.h", "#ifndef S_H", "#define S_H", '#include "client/planted.h"',
          "struct planted_all {", "    struct planted_part part;", "};", '_Static_assert(sizeof(struct planted_all) > 0, "()");', "#endif")
    plant(tree, "core/src/client/planted.h", "#ifndef P_H", "#define P_H", "struct planted_part {", "    int n;", "};",
          "#endif")
    plant(tree, "core/src/client/planted.c", '#include "client/state.h"')
    assert not [line for line in structure(tree)[1] if "client/planted" in line and "files know" in line]
    plant(tree, "core/src/client/planted.h", '#include "client/state.h"')
    assert any(line.startswith("structure: headers include") and "client/planted.h" in line
               for line in structure(tree)[1])


def test_the_client_s_struct_has_no_file_of_its_own(tree):
    plant(tree, "core/src/client/state.c", "int planted;")
    assert "structure: client/state.c is there, and it is to have structs alone" in structure(tree)[1]


def test_what_the_header_of_the_struct_calls_counts(tree):
    plant(tree, "core/src/client/state.h", "#ifndef S_H", "#define S_H", "int planted(void);",
          "static inline int call(void)", "{", "    return planted();", "}", "#endif")
    plant(tree, "core/src/client/planted.c", '#include "client/state.h"', "int planted(void)", "{", "    return 1;",
          "}")
    assert circle(structure(tree)[1], ["client/planted", "client/state"])


@pytest.mark.parametrize("folder", ["core/src/base", "boards/host", "port/selftest"])
def test_a_circle_by_calls(tree, folder):
    for name, other in (("one", "two"), ("two", "one")):
        plant(tree, f"{folder}/{name}.c", f"int {other}(int n);", f"int {name}(int n);", f"int {name}(int n)", "{",
              f"    return n > 0 ? {other}(n - 1) : 0;", "}")
    status, lines = structure(tree)
    place = folder.replace("core/src/", "")
    assert status == 1
    assert circle(lines, [f"{place}/one", f"{place}/two"]) == [
        (f"{place}/one", f"{place}/two"), (f"{place}/two", f"{place}/one")]


def test_a_circle_by_a_table_of_functions(tree):
    plant(tree, "core/src/base/one.c", "int two(int n);", "int (*const one[])(int n) = {two};")
    plant(tree, "core/src/base/two.c", "extern int (*const one[])(int n);", "int two(int n);", "int two(int n)", "{",
          "    return one[0](n);", "}")
    assert circle(structure(tree)[1], ["base/one", "base/two"])


def test_a_circle_of_an_include_and_a_call(tree):
    plant(tree, "core/src/base/one.c", '#include "base/two.h"', "int one(void);", "int one(void)", "{",
          "    return TWO;", "}")
    plant(tree, "core/src/base/two.h", "#define TWO 2")
    plant(tree, "core/src/base/two.c", "int one(void);", "int two(void);", "int two(void)", "{", "    return one();",
          "}")
    assert circle(structure(tree)[1], ["base/one", "base/two"])


@pytest.mark.parametrize("line", ["#if defined(NOWHERE)", "#ifdef NOWHERE", "#ifndef NOWHERE", "#  if 1"])
def test_a_condition_inside_a_function(tree, before, line):
    plant(tree, "core/src/client/planted.c", "int planted(int n)", "{", line, "    n++;", "#endif", "    return n;",
          "}")
    assert "core/src/client/planted.c:3: planted has a condition of the preprocessor inside" in \
        extra(said(tree, "lint_limits.py", "conditions"), before["conditions"])


def counted(result):
    return int(re.match(r"conditions: (\d+) in core/src", result[1][-1])[1])


def test_conditions_are_counted(tree, before):
    plant(tree, "core/src/base/crc.c", "#if 1", "#elif 2", "#else", "#endif", "#ifdef A", "#endif", "#ifndef B",
          "#endif", "/*", "#if in a comment", "*/")
    after = said(tree, "lint_limits.py", "conditions")
    assert counted(after) == counted(before["conditions"]) + 4


def test_more_conditions_than_the_limit(tree):
    plant(tree, "core/src/base/crc.h", *["#if 1", "#endif"] * 200)
    result = said(tree, "lint_limits.py", "conditions")
    assert result[0] == 1 and counted(result) > 200


@pytest.mark.parametrize("body, number", [
    (["if (n) n++;"] * 10, 11), (["while (n && n < 7) n++;"] * 5, 11), (["n = n ? 1 : n || 2;"] * 5, 11),
    (["    switch (n) {", *(f"case {i}: n++;" for i in range(10)), "    }"], 11),
    (["#if defined(A)", *["if (n) n++;"] * 5, "#else", *["for (;;) n++;"] * 5, "#endif"], 11)])
def test_a_function_that_is_too_complex(tree, before, body, number):
    plant(tree, "port/template/planted.h", "static inline int planted(int n)", "{", *body, "    return n;", "}")
    assert f"port/template/planted.h:1: planted: complexity {number}, {len(body) + 4} lines" in \
        extra(said(tree, "lint_limits.py", "complexity"), before["complexity"])


def test_a_function_at_the_limits(tree, before):
    plant(tree, "port/template/planted.h", "static inline int planted(int n)", "{", *["    if (n) n++;"] * 9,
          *["    /* if (n) && ||? */"] * 24, *['    say("if && ? while");'] * 23, "    return n;", "}")
    assert said(tree, "lint_limits.py", "complexity")[1][:-1] == before["complexity"][1][:-1]


def test_a_function_that_is_too_long(tree, before):
    plant(tree, "boards/common/planted.c", "int planted(int n)", "{", *["    n++;"] * 57, "    return n;", "}")
    assert "boards/common/planted.c:1: planted: complexity 1, 61 lines" in \
        extra(said(tree, "lint_limits.py", "complexity"), before["complexity"])


def test_a_function_in_another_dress_is_not_overlooked(tree, before):
    plant(tree, "core/src/base/crc.c", "int planted(int n) {", "    return n;", "}")
    assert "core/src/base/crc.c: has a function that this check cannot read; does clang-format leave it so?" in \
        extra(said(tree, "lint_limits.py", "complexity"), before["complexity"])
