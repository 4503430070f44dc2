"""The pages for integrators: their C compiles, and what they name exists."""
import json
import os
import re
import subprocess
import sys
from xml.etree import ElementTree

import pytest

from conftest import Cli
from lab import PATIENCE, ROOT

sys.path.insert(0, os.path.join(ROOT, "scripts"))
import docs_states  # noqa: E402
import size_features  # noqa: E402

PAGES = ["README.md", "docs/porting.md", "docs/integration.md"]
NAMING = PAGES + ["docs/memory.md", "docs/troubleshooting.md", "docs/cas.md"]
INCLUDES = ["core/include", "port/selftest", "port/rtos_task", "port/freertos", "port/lwip",
            "port/lwip_socket", "test/host/freertos", "boards/host"]
SYSTEM = ["third_party/mbedtls/include", "third_party/lwip/src/include",
          "third_party/lwip/contrib/ports/unix/port/include"]


def read(page):
    with open(os.path.join(ROOT, page), encoding="utf-8") as f:
        return f.read()


def blocks(language):
    return [(page, number, text) for page in PAGES for number, text in
            enumerate(re.findall(rf"^```{language}\n(.*?)^```", read(page), re.M | re.S))]


C_BLOCKS = blocks("c")


def test_there_is_something_to_compile():
    assert {page for page, _, _ in C_BLOCKS} == set(PAGES) and len(C_BLOCKS) >= 3


@pytest.mark.parametrize("page,number,text", C_BLOCKS, ids=[f"{p}-{n}" for p, n, _ in C_BLOCKS])
def test_c_compiles(tmp_path, page, number, text):
    source = tmp_path / f"block{number}.c"
    source.write_text(text)
    argv = ["gcc", "-std=c11", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror",
            "-fsyntax-only"]
    argv += [f"-I{os.path.join(ROOT, i)}" for i in INCLUDES]
    argv += [arg for i in SYSTEM for arg in ("-isystem", os.path.join(ROOT, i))]
    # lwIP with sockets: the options of the host's tests of that port.
    argv += ["-I", os.path.join(ROOT, "test/host/lwip"), "-DLWIP_TEST_NO_SYS=0", "-D_DEFAULT_SOURCE"]
    done = subprocess.run([*argv, str(source)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{page}:\n{done.stderr}"


def test_a_board_that_is_quoted_is_the_board():
    """The folder that the guide makes, file by file; only its README is not quoted."""
    quoted = dict(re.findall(r"^```\w+ (boards/\S+)\n(.*?)^```", read("docs/porting.md"), re.M | re.S))
    folder = "boards/mps2_an521"
    assert set(quoted) == {f"{folder}/{name}" for name in os.listdir(os.path.join(ROOT, folder))
                           if name != "README.md"}
    for name, text in quoted.items():
        assert text == read(name), name


@pytest.mark.parametrize("page", NAMING)
def test_what_is_named_exists(page):
    names = set(re.findall(r"`((?:core|port|boards|docs|examples|test|scripts|zephyr)/[\w./-]+)`", read(page)))
    assert len(names) > 3
    for name in names:
        assert os.path.exists(os.path.join(ROOT, name)), name


@pytest.mark.parametrize("page", NAMING)
def test_options_and_functions_exist(page):
    text = read(page)
    kconfig = read("Kconfig") + read("zephyr/Kconfig")
    for option in set(re.findall(r"CONFIG_((?:ACME|NANOACME)\w*)", text)):
        assert re.search(rf"^(menu)?config {option}$", kconfig, re.M), option
    public = "".join(read(os.path.join(folder, name)) for folder in
                     ["core/include/acme", *INCLUDES[1:6], "port/lwip_raw"]
                     for name in os.listdir(os.path.join(ROOT, folder)) if name.endswith(".h"))
    for function in set(re.findall(r"`(acme_\w+)`", text)):
        assert re.search(rf"\b{function}\b", public) or function in ("acme_core", "acme_mbedtls"), \
            function


def all_pages():
    return subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
                          cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()


def test_links_lead_somewhere():
    links = [(page, link) for page in all_pages()
             for link in re.findall(r"\]\(([^)#\s]+)\)", read(page)) if "://" not in link]
    assert len(links) > 15
    for page, link in links:
        assert os.path.exists(os.path.join(ROOT, os.path.dirname(page), link)), f"{page}: {link}"


def test_pictures_are_well_formed():
    pictures = [name for name in os.listdir(os.path.join(ROOT, "docs")) if name.endswith(".svg")]
    assert len(pictures) >= 6
    for name in pictures:
        root = ElementTree.parse(os.path.join(ROOT, "docs", name)).getroot()
        assert root.tag.endswith("}svg") and root.get("viewBox"), name


def test_cmake_targets_exist():
    lists = "".join(read(os.path.join("port", p, "CMakeLists.txt")) for p in
                    ("lwip_raw", "lwip_socket", "freertos")) + read("core/CMakeLists.txt") + \
        read("port/pico_sdk/nanoacme_import.cmake")
    for _, _, text in blocks("cmake"):
        for target in re.findall(r"\b(acme_\w+|nanoacme_\w+)\b", text):
            if not target.endswith("_import"):
                assert f"add_library({target} " in lists or target == "acme_mbedtls", target
        for folder in re.findall(r"add_subdirectory\(nanoacme/([\w/]+)\)", text):
            assert os.path.isfile(os.path.join(ROOT, folder, "CMakeLists.txt")), folder


def macro_list(header):
    """(name, value, severity, code or None) of the lists of macros in a public header."""
    text = read(os.path.join("core/include/acme", header)).replace("\\\n", "\n")
    found = re.findall(r"^\s*X\((\w+), (-?\d+), (\w+),(?: [A-Z_]+,)*\s*(?:\"([\w-]+)\",\s*)?\"", text, re.M)
    assert found
    return found


def test_every_error_has_its_row():
    rows = re.findall(r"^\| `(ACME_\w+)` \| (-?\d+) (\w+) \|", read("docs/troubleshooting.md"), re.M)
    errors = [(name, value, severity.lower()) for name, value, severity, _ in macro_list("error.h")]
    assert len(errors) > 80 and sorted(rows) == sorted(errors)


def test_every_finding_of_the_doctor_has_its_row():
    text = read("docs/troubleshooting.md").split("## What the doctor finds")[1]
    rows = re.findall(r"^\| `([\w-]+)` \| (\w+) \|", text, re.M)
    assert rows == [(code, severity.lower()) for _, _, severity, code in macro_list("doctor.h")]


def test_exit_codes_are_those_of_the_help():
    page = re.findall(r"^\| (\d) \| (\w+)", read("docs/troubleshooting.md"), re.M)
    enum = re.search(r"enum cli_exit \{(.*?)\}", read("boards/host/exit.h"), re.S)[1]
    assert [code for code, _ in page] == re.findall(r"= (\d)", enum)


# Counted at once, or only read: nothing of these can come between two halves of a computation.
HARMLESS_INSIDE = {"acme_cert_hold", "acme_cert_release", "acme_tls_alpn_is_wanted"}


def test_each_function_of_the_client_is_called_from_inside_breathe():
    """A test in C calls them all there; a new one must not be forgotten."""
    folder = os.path.join(ROOT, "core/include/acme")
    declared = set()
    for header in os.listdir(folder):
        declared |= set(re.findall(r"^[a-z][\w ]*? (acme_\w+)\(acme_client \*", read(os.path.join(folder, header)), re.M))
    text = read("test/host/client/test_breathe_inside.c").replace("acme_init(", "acme_init_checked(")
    called = set(re.findall(r"\b(acme_\w+)\(", text))
    assert len(declared) > 25 and declared - called == HARMLESS_INSIDE


def test_every_option_has_its_cost():
    """The costs take minutes to measure; that none is missing does not."""
    table = read("docs/memory.md").split("writes what follows: features")[1].split("<!-- end -->")[0]
    rows = re.findall(r"^\| (ACME_\w+) \| (?:yes|no) \| -?\d+ \| -?\d+ \|", table, re.M)
    assert rows == [name for name, *_ in size_features.options(ROOT)]


def test_the_life_cycle_is_the_one_in_the_diagram(tmp_path, shared_lab):
    """A real first job and a renewal take arrows of the picture, and the first its thick ones."""
    graph = docs_states.graph(ROOT)
    cli = Cli(tmp_path, shared_lab)
    for extra in ((), ("--force",)):
        done = cli.call("run", "--accept-tos", "--events", "--http-port", str(cli.http_port), "-d",
                        "life.example.org", *extra)
        assert done.code == 0, done
        events = [json.loads(line) for line in done.out.splitlines() if line.startswith("{")]
        states = ["IDLE"] + [e["state"] for e in events if e["event"] == "state"]
        walked = [s for s in states if s != "NEW_NONCE"]
        walked = [s for i, s in enumerate(walked) if i == 0 or s != walked[i - 1]]
        assert walked[0] == walked[-1] == "IDLE" and "INSTALL" in walked
        for start, end in zip(walked, walked[1:]):
            assert end in docs_states.reach(graph, start), f"{start} -> {end}"
        if not extra:
            assert set(docs_states.FIRST_BOOT) - set(docs_states.HUBS) <= set(walked)


# ---- the page on CAs ----

CAS_FILES = ("test_servers.py", "test_ca_profiles.py", "test_ca_answers.py")


def collected():
    """The tests that there are: file -> names with their parameters."""
    done = subprocess.run([sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider",
                           *(os.path.join(ROOT, "test", "host", "e2e", f) for f in CAS_FILES)],
                          capture_output=True, text=True, cwd=ROOT, timeout=120 * PATIENCE, check=False)
    found = re.findall(r"^\S*?(test_\w+\.py)::(\S+)$", done.stdout, re.M)
    assert len(found) > 200, done.stdout + done.stderr
    return {file: {name for f, name in found if f == file} for file in CAS_FILES}


def cas_rows():
    """(first cell, tests) of each row, with the file where the page only names the test."""
    rows = []
    for line in read("docs/cas.md").splitlines():
        cells = [c.strip() for c in line.split(" | ")]
        if line.startswith("| ") and "`test_" in line:
            tests = re.findall(r"`(?:(test_\w+\.py)::)?((?:test_\w+|\*)(?:\[[^`]*\])?)`", cells[-1])
            rows.append((cells[0].strip("| "), cells[1], [(f or "test_ca_answers.py", n) for f, n in tests]))
    return rows


def matching(names, pattern):
    shape = re.compile(".*".join(re.escape(p) for p in pattern.split("*")) + "$")
    return {n for n in names if shape.match(n)}


def test_the_tests_of_the_page_on_cas_exist():
    there, rows = collected(), cas_rows()
    assert len(rows) >= 45
    named = {file: set() for file in CAS_FILES}
    for ca, what, tests in rows:
        assert tests, (ca, what)
        for file, pattern in tests:
            found = matching(there[file], pattern)
            assert found, f"{ca}: {what}: {file} has no {pattern}"
            named[file] |= found
    # And none is left out, so that no kind of answer is without its row.
    for file, names in there.items():
        left = {n for n in names - named[file] if n != "test_every_profile_names_its_sources"}
        assert not left, (file, sorted(left))


def test_every_server_and_profile_has_its_row():
    from ca_profiles import PROFILES  # noqa: PLC0415
    rows = {ca for ca, _, _ in cas_rows()}
    assert set(PROFILES) <= rows
    versions = re.findall(r"^\| (Pebble|Caddy|step-ca) \| ([\d.]+) \|", read("docs/cas.md"), re.M)
    setup = read("scripts/setup")
    for name, version in versions:
        assert re.search(rf"{version.replace('.', '[.]')}", setup), (name, version)
    assert len(versions) == 4
