"""The public headers: each opens with an example that compiles, each function says what it returns and
which threads may call it, and no member of a public structure comes and goes without a check."""
import os
import re
import subprocess

import pytest

from lab import ROOT

FOLDER = os.path.join(ROOT, "core/include/acme")
HEADERS = sorted(name for name in os.listdir(FOLDER) if name != "config_default.h")  # which is made
WARNINGS = ["-std=c11", "-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Wundef",
            "-Wstrict-prototypes", "-Wmissing-prototypes", "-Werror"]
INCLUDES = ["-I" + FOLDER + "/..", "-I" + os.path.join(ROOT, "boards/host"),
            "-isystem", os.path.join(ROOT, "third_party/mbedtls/include"),
            '-DMBEDTLS_CONFIG_FILE="host_mbedtls_config.h"']


def read(name):
    with open(os.path.join(FOLDER, name), encoding="ascii") as f:
        return f.read()


def plain(comment):
    """A comment's words, without its stars and line ends."""
    return " ".join(re.sub(r"^\s*(/\*+|\*/|\*)", "", line).replace("*/", "").strip()
                    for line in comment.split("\n"))


# ---- examples ----

def example(text):
    opening = re.match(r"/\*\n(.*?)\*/", text, re.S)
    code = re.search(r"^ \* @code\{\.c\}\n(.*?)^ \* @endcode$", opening[1], re.M | re.S)
    return "".join(re.sub(r"^ \* ?", "", line) + "\n" for line in code[1].splitlines())


@pytest.fixture(scope="module")
def every_option(tmp_path_factory):
    """A header with all options of the host, which has nearly all there are."""
    header = tmp_path_factory.mktemp("kconfig") / "config.h"
    subprocess.run([os.path.join(ROOT, "scripts/kconfig"), os.path.join(ROOT, "boards/host/defconfig"),
                    "--header", str(header)], check=True)
    return f'-DACME_KCONFIG_HEADER="{header}"'


@pytest.mark.parametrize("name", HEADERS)
def test_it_opens_with_an_example_that_compiles(tmp_path, every_option, name):
    code = example(read(name))
    assert f'#include "acme/{name}"' in code and 6 <= code.count("\n") <= 32, code
    source = tmp_path / "example.c"
    source.write_text(code)
    done = subprocess.run(["gcc", *WARNINGS, "-fsyntax-only", *INCLUDES, every_option, str(source)],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", HEADERS)
@pytest.mark.parametrize("compiler", [["gcc", "-xc", *WARNINGS], ["g++", "-xc++", "-Wall", "-Wextra"]],
                         ids=["c", "c++"])
def test_it_stands_alone(tmp_path, every_option, name, compiler):
    source = tmp_path / "alone"
    source.write_text(f'#include "acme/{name}"\n#include "acme/{name}"\nextern int nothing;\n')
    done = subprocess.run([*compiler, "-fsyntax-only", *INCLUDES, every_option, str(source)],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


# ---- what each function says ----

def functions(text):
    """(name, returns nothing, its comment or None) of each function of a header."""
    found = re.findall(r"(?:/\*\*((?:[^*]|\*(?!/))*)\*/\n(?:#if [^\n]*\n)?)?"
                       r"^((?:static inline )?(?:const )?(?:enum |struct )?\w+ \*?)(acme_\w+)\(", text, re.M)
    return [(name, kind.split()[-1] == "void", plain(comment) if comment else None)
            for comment, kind, name in found if not kind.startswith("typedef")]


def faults(text):
    """What is missing, as a list of words."""
    documented, missing = {}, []
    for name, is_void, comment in functions(text):
        documented[name] = documented.get(name, False) or comment is not None
        if comment is None:
            continue
        if not re.search(r"Threads: (any|one)[.,]", comment):
            missing.append(f"{name}: threads")
        if not is_void and "@return " not in comment:
            missing.append(f"{name}: @return")
    return missing + [f"{name}: no comment" for name, has in documented.items() if not has]


def test_each_function_says_what_it_returns_and_who_may_call_it():
    names = [name for header in HEADERS for name, _, _ in functions(read(header))]
    assert len(set(names)) > 40 and "acme_init_checked" in names and "acme_cert_can_serve" in names
    assert [fault for header in HEADERS for fault in faults(read(header))] == []


@pytest.mark.parametrize("text,fault", [
    ("/** Fine. Threads: any.\n * @return 0 */\nint32_t acme_a(void);\n", []),
    ("/** Fine. Threads:\n * one. */\nvoid acme_a(int x);\n", []),
    ("/** No threads.\n * @return 0 */\nint32_t acme_a(void);\n", ["acme_a: threads"]),
    ("/** No value. Threads: one. */\nconst char *acme_a(void);\n", ["acme_a: @return"]),
    ("int32_t acme_a(void);\n", ["acme_a: no comment"]),
    ("/** Another's. Threads: any. */\nvoid acme_b(void);\nvoid acme_a(void);\n", ["acme_a: no comment"]),
])
def test_what_is_missing_is_seen(text, fault):
    assert faults(text) == fault


def test_the_test_of_threads_has_each_of_them():
    """What a header says of threads is tried under ThreadSanitizer: each "any", by name."""
    with open(os.path.join(ROOT, "test/host/client/test_threads.c"), encoding="ascii") as f:
        tried = f.read().split("call_what_any_thread_may(const")[1].split("\n}\n")[0]
    for header in HEADERS:
        for name, _, comment in functions(read(header)):
            if comment and "Threads: any" in comment:
                assert f"{name}(" in tried or name == "acme_assert_failed", name  # the firmware's own


# ---- the layout of structures ----

def conditions(text):
    """The options that a public structure has a condition of."""
    found = set()
    for body in re.findall(r"^struct \w+ \{\n(.*?)^\};", text, re.M | re.S):
        found |= set(re.findall(r"defined\((CONFIG_\w+)\)", body))
    return found


def test_each_condition_within_a_structure_is_checked_at_the_start():
    options = read("client.h").split("#define ACME_BUILD_OPTIONS")[1].split("\n\n")[0]
    checked = re.findall(r"ACME_BUILD_HAS\((\w+)\)(?: << (\d+))?", options)
    assert sorted(int(bit or 0) for _, bit in checked) == list(range(len(checked)))
    assert {name for name, _ in checked} == conditions(read("client.h"))
    assert len(checked) > 10
    for name in HEADERS: # the others are not seen by acme_init
        assert name == "client.h" or not conditions(read(name)), name


def test_each_structure_that_has_one_gives_its_size():
    build = re.search(r"#define ACME_BUILD  .*?\n\n", read("client.h"), re.S)[0]
    for struct, body in re.findall(r"^(struct \w+) \{\n(.*?)^\};", read("client.h"), re.M | re.S):
        if "CONFIG_" in re.sub(r"/\*.*?\*/", "", body, flags=re.S):
            assert f"sizeof({struct})" in build, struct
