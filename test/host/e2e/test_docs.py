"""The pages for integrators: their C compiles, and what they name exists."""
import os
import re
import subprocess

import pytest

from lab import ROOT

PAGES = ["docs/porting.md", "docs/integration.md"]
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


@pytest.mark.parametrize("page", PAGES)
def test_what_is_named_exists(page):
    names = set(re.findall(r"`((?:core|port|boards|docs|test|scripts|zephyr)/[\w./-]+)`", read(page)))
    assert len(names) > 8
    for name in names:
        assert os.path.exists(os.path.join(ROOT, name)), name


@pytest.mark.parametrize("page", PAGES)
def test_options_and_functions_exist(page):
    text = read(page)
    kconfig = read("Kconfig") + read("zephyr/Kconfig")
    for option in set(re.findall(r"CONFIG_((?:ACME|NANOACME)\w*)", text)):
        assert re.search(rf"^(menu)?config {option}$", kconfig, re.M), option
    public = "".join(read(os.path.join(folder, name)) for folder in
                     ["core/include/acme", *INCLUDES[1:6]]
                     for name in os.listdir(os.path.join(ROOT, folder)) if name.endswith(".h"))
    for function in set(re.findall(r"`(acme_\w+)`", text)):
        assert re.search(rf"\b{function}\b", public) or function in ("acme_core", "acme_mbedtls"), \
            function


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
