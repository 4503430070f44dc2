"""What lets other build systems find the library: each file parses, names only what exists, and is
evaluated in a stand-in of its framework (../integration), in which the core compiles."""
import fnmatch
import json
import os
import re
import shlex
import shutil
import subprocess

import kconfiglib
import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from lab import ROOT


def path(*parts):
    return os.path.join(ROOT, *parts)


def read(*parts):
    with open(path(*parts), encoding="utf-8") as f:
        return f.read()


def call(*argv, code=0):
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout + done.stderr


def core_sources():
    """What core/CMakeLists.txt compiles, relative to core/."""
    text = read("core", "CMakeLists.txt")
    rooms = re.search(r"set\(rooms\n(.*?)\)", text, re.S)[1].split()
    return {f"src/{room}.c" for room in rooms} | {"src/json/cjson.c"}


def configure_and_build(folder, standin, *options):
    out = call("cmake", "-G", "Ninja", "-S", path("test/host/integration", standin), "-B",
               str(folder), f"-DROOT={ROOT}", *options)
    call("ninja", "-C", str(folder), "acme_core", "app")
    # The sources that were compiled are the core's.
    with open(folder / "build.ninja", encoding="utf-8") as f:
        built = {m for m in re.findall(r"^build \S+: C_COMPILER__acme_c\w+ \S*/core/(src/[\w/]+\.c)",
                                       f.read(), re.M)}
    assert built == core_sources()
    return out


# ---- Kconfig ----

PARENT = """
mainmenu "Somebody else's"
config MBEDTLS
	bool "Mbed TLS"
config SECURE_STORAGE
	bool "Secure storage"
config MBEDTLS_ENTROPY_POLL_ZEPHYR
	bool "Entropy"
menu "Modules"
source "{file}"
endmenu
"""


def kconfig(tmp_path, text, values="", header=None):
    top = tmp_path / "Kconfig"
    top.write_text(text)
    kconf = kconfiglib.Kconfig(str(top), warn_to_stderr=False)
    (tmp_path / "config").write_text(values)
    kconf.load_config(str(tmp_path / "config"))
    assert not kconf.warnings
    if header:
        kconf.write_autoconf(str(header))
    return kconf


def acme_values(kconf):
    return {name: s.str_value for name, s in kconf.syms.items() if name.startswith("ACME_")}


def test_kconfig_alone_and_under_a_parent(tmp_path):
    alone = kconfiglib.Kconfig(path("Kconfig"), warn_to_stderr=False)
    under = kconfig(tmp_path, PARENT.format(file=path("Kconfig")))
    assert not alone.warnings
    assert under.mainmenu_text == "Somebody else's"
    assert acme_values(alone) == acme_values(under) and len(acme_values(alone)) > 20


def test_kconfig_of_zephyr(tmp_path):
    text = PARENT.format(file=path("zephyr", "Kconfig"))
    off = kconfig(tmp_path, text)
    assert off.syms["ACME_CERT_SLOTS"].visibility == 0
    on = kconfig(tmp_path, text, "CONFIG_MBEDTLS=y\nCONFIG_NANOACME=y\n")
    alone = kconfiglib.Kconfig(path("Kconfig"), warn_to_stderr=False)
    assert acme_values(on) == acme_values(alone)
    # Zephyr's entropy source excludes the core's; another key storage excludes nanoacme.
    assert on.syms["ACME_MBEDTLS_ENTROPY"].str_value == "y"
    zephyrs = kconfig(tmp_path, text, "CONFIG_MBEDTLS=y\nCONFIG_NANOACME=y\n"
                                      "CONFIG_MBEDTLS_ENTROPY_POLL_ZEPHYR=y\n")
    assert zephyrs.syms["ACME_MBEDTLS_ENTROPY"].str_value == "n"
    other = kconfiglib.Kconfig(str(tmp_path / "Kconfig"), warn_to_stderr=False)
    other.load_config(str(tmp_path / "config"))
    other.syms["SECURE_STORAGE"].set_value(2)
    assert other.syms["NANOACME"].str_value == "n"


# ---- Zephyr ----

def test_zephyr_module(tmp_path):
    module = yaml.safe_load(read("zephyr", "module.yml"))
    assert module["name"] == "nanoacme" and module["build"]["depends"] == ["mbedtls"]
    assert os.path.isfile(path(module["build"]["cmake"], "CMakeLists.txt"))
    assert os.path.isfile(path(module["build"]["kconfig"]))
    kconfig(tmp_path, PARENT.format(file=path("zephyr", "Kconfig")),
            "CONFIG_MBEDTLS=y\nCONFIG_NANOACME=y\nCONFIG_ACME_CERT_SLOTS=3\n"
            "CONFIG_MBEDTLS_ENTROPY_POLL_ZEPHYR=y\n", tmp_path / "autoconf.h")
    out = configure_and_build(tmp_path / "build", "zephyr", f"-DAUTOCONF={tmp_path}/autoconf.h")
    assert "ZEPHYR_LIBS=acme_core\n" in out
    # With Zephyr's source configured, the core does not bring the hook a second time.
    symbols = call("nm", "-g", str(tmp_path / "build" / "nanoacme" / "acme_core" / "libacme_core.a"))
    assert " T psa_its_set\n" in symbols and "T mbedtls_hardware_poll" not in symbols


def test_zephyr_without_cjson_says_so(tmp_path):
    out = call("cmake", "-G", "Ninja", "-S", path("test/host/integration/zephyr"), "-B",
               str(tmp_path / "build"), f"-DROOT={ROOT}", f"-DACME_CJSON_DIR={tmp_path}",
               f"-DAUTOCONF={tmp_path}/x", code=1)
    assert "Set ACME_CJSON_DIR to the sources of cJSON" in out


# ---- ESP-IDF ----

def test_esp_idf_component(tmp_path):
    component = yaml.safe_load(read("idf_component.yml"))
    assert component["version"] == version() and component["license"] == "Apache-2.0"
    # The resolver is not to choose a version whose Mbed TLS 4 the core refuses.
    assert component["dependencies"]["idf"] == ">=5.1,<6.0"
    for pattern in component["files"]["exclude"]:
        assert os.path.isdir(path(pattern.split("/")[0])), pattern
    out = call("cmake", "-DESP_PLATFORM=1", f"-DROOT={ROOT}", "-P",
               path("test/host/integration/esp_idf/early.cmake"))
    assert "early look done" in out
    # menuconfig has the component's Kconfig, and writes sdkconfig.h.
    kconfig(tmp_path, PARENT.format(file=path("Kconfig")),
            "CONFIG_ACME_MBEDTLS_ENTROPY=n\nCONFIG_ACME_MBEDTLS_POOL=n\n", tmp_path / "sdkconfig.h")
    configure_and_build(tmp_path / "build", "esp_idf", f"-DSDKCONFIG_DIR={tmp_path}")
    # mbedTLS, configured without storage, keeps its keys by the core's functions.
    call("ninja", "-C", str(tmp_path / "build"), "mbedcrypto", "acme_port_freertos", "app_task")
    symbols = call("nm", str(tmp_path / "build" / "libmbedcrypto.a"))
    assert " U psa_its_set\n" in symbols


def test_esp_idf_says_what_all_of_the_firmware_needs(tmp_path):
    """PSA Crypto under every connection of the firmware: without locks, and before it is started."""
    def compile_(*defines, code=0):
        return call("gcc", "-fsyntax-only", "-std=c11", "-D_GNU_SOURCE", '-DMBEDTLS_CONFIG_FILE="standin_mbedtls.h"',
                    '-DMBEDTLS_USER_CONFIG_FILE="acme_esp_mbedtls.h"', "-I" + path("test/host/integration/esp_idf"),
                    "-I" + path("boards/host"), "-I" + path("port/esp_idf"), "-I" + path("core/its"),
                    "-isystem", path("third_party/mbedtls/include"), *(f"-D{d}" for d in defines),
                    path("third_party/mbedtls/library/psa_crypto_storage.c"), code=code)
    assert compile_() == ""
    out = compile_("STANDIN_ONE_TASK_TLS12", code=1)
    assert "CONFIG_MBEDTLS_THREADING_C=y" in out and "CONFIG_MBEDTLS_SSL_PROTO_TLS1_3=y" in out
    assert compile_("STANDIN_ONE_TASK_TLS12", "ACME_ESP_ONE_TASK", "ACME_ESP_PSA_FIRST") == ""


# ---- PlatformIO ----

def version():
    header = read("core/include/acme/version.h")
    found = ".".join(re.search(rf"#define ACME_VERSION_{part} (\d+)$", header, re.M)[1]
                     for part in ("MAJOR", "MINOR", "PATCH"))
    assert f"project(nanoacme VERSION {found} " in read("CMakeLists.txt")
    return found


def test_platformio_library():
    library = json.loads(read("library.json"))
    assert library["version"] == version() and library["license"] == "Apache-2.0"
    build = library["build"]
    assert os.path.isfile(path(build["includeDir"], library["headers"]))
    for flag in build["flags"]:
        assert flag.startswith("-I ") and os.path.isdir(path(flag[3:])), flag
    for excluded in library["export"]["exclude"]:
        assert os.path.isdir(path(excluded)), excluded
    files = [os.path.relpath(os.path.join(folder, name), path(build["srcDir"]))
             for folder, _, names in os.walk(path(build["srcDir"])) for name in names]
    chosen = set()
    for rule in build["srcFilter"]:
        sign, pattern = re.fullmatch(r"([+-])<(.+)>", rule).groups()
        matching = {f for f in files if fnmatch.fnmatch(f, pattern)}
        assert matching, rule
        chosen = chosen | matching if sign == "+" else chosen - matching
    assert chosen == core_sources()


# ---- pico-sdk ----

def test_pico_sdk_import(tmp_path):
    configure_and_build(tmp_path / "build", "pico_sdk")
    objects = [name for _, _, names in os.walk(tmp_path / "build" / "CMakeFiles" / "app.dir")
               for name in names]
    lwip = [os.path.basename(f) for folder in ("lwip", "lwip_raw") for f in
            os.listdir(path("port", folder)) if f.endswith(".c")]
    text = read("port", "lwip_raw", "CMakeLists.txt")
    assert all(name in text for name in lwip)  # the import's glob is the port's own list
    built = [name for _, _, names in os.walk(tmp_path / "build") for name in names]
    assert all(f"{name}.o" in built for name in lwip), objects


@pytest.mark.parametrize("missing", ["ACME_MBEDTLS_CONFIG", "ACME_DEFCONFIG", "ACME_CJSON_DIR"])
def test_pico_sdk_import_names_what_is_missing(tmp_path, missing):
    names = {"ACME_MBEDTLS_DIR", "ACME_MBEDTLS_CONFIG", "ACME_DEFCONFIG", "ACME_CJSON_DIR"}
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.20)\nproject(p LANGUAGES C)\n"
        + "".join(f'set({name} "x")\n' for name in sorted(names - {missing}))
        + f'include("{ROOT}/port/pico_sdk/nanoacme_import.cmake")\n')
    out = call("cmake", "-S", str(tmp_path), "-B", str(tmp_path / "build"), code=1)
    assert f"set {missing} before" in out


# ---- Linux: the installed library ----

LINUX = path("test/host/integration/linux")


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The libraries alone, built and installed."""
    folder = tmp_path_factory.mktemp("installed")
    call("cmake", "-G", "Ninja", "-S", ROOT, "-B", str(folder / "build"), "-DACME_TESTS=OFF", "-DACME_CLI=OFF",
         f"-DCMAKE_INSTALL_PREFIX={folder}/usr")
    call("ninja", "-C", str(folder / "build"))
    call("cmake", "--install", str(folder / "build"))
    shutil.rmtree(folder / "build")  # nothing of it may be needed any more
    return folder / "usr"


def obtains(program, lab, tmp_path):
    """The consumer is examples/minimal.c: it gets a certificate."""
    der = tmp_path / "root.der"
    with open(lab.ca_file, "rb") as f:
        der.write_bytes(x509.load_pem_x509_certificate(f.read()).public_bytes(Encoding.DER))
    return call(str(program), lab.directory, str(der), str(tmp_path / "store"), "library.example.org",
                str(lab.http_port))


@pytest.mark.parametrize("generator", ["Unix Makefiles", "Ninja"])
@pytest.mark.parametrize("cc, cxx", [("gcc", "g++"), ("clang", "clang++")])
def test_find_package(installed, shared_lab, tmp_path, generator, cc, cxx):
    call("cmake", "-G", generator, "-S", LINUX, "-B", str(tmp_path / "build"), f"-DROOT={ROOT}",
         f"-DCMAKE_C_COMPILER={cc}", f"-DCMAKE_CXX_COMPILER={cxx}", f"-DCMAKE_PREFIX_PATH={installed}")
    call("cmake", "--build", str(tmp_path / "build"))
    assert f"{version()} ACME_ERR_ARGUMENT" in call(str(tmp_path / "build" / "consumer_cxx"))
    obtains(tmp_path / "build" / "consumer", shared_lab, tmp_path)


def test_pkg_config(installed, shared_lab, tmp_path):
    config = {**os.environ, "PKG_CONFIG_PATH": str(installed / "lib" / "pkgconfig")}
    flags = shlex.split(subprocess.check_output(["pkg-config", "--cflags", "--libs", "nanoacme"], text=True,
                                                env=config))
    call("gcc", path("examples/minimal.c"), "-o", str(tmp_path / "consumer"), *flags)
    obtains(tmp_path / "consumer", shared_lab, tmp_path)


def test_the_sources_as_a_part_of_a_project(tmp_path):
    """As with FetchContent: no tests, no command line, and no other compiler's warnings as errors."""
    call("cmake", "-G", "Ninja", "-S", LINUX, "-B", str(tmp_path / "build"), f"-DROOT={ROOT}", "-DSOURCE=ON",
         "-DCMAKE_C_FLAGS=-Wall -Wpedantic")
    with open(tmp_path / "build" / "build.ninja", encoding="utf-8") as f:
        text = f.read()
    assert not re.search(r"boards/host/\w+\.c\b", text) and "-Werror" not in text
    targets = call("ninja", "-C", str(tmp_path / "build"), "-n", "consumer", "consumer_cxx")
    assert "cmocka" not in targets and "/unit/" not in targets and "/boards/" not in targets


# ---- what mbedTLS must be ----

def compile_core(tmp_path, *options, code=0):
    """tls.c, which looks at mbedTLS, against a folder of the test's headers before others."""
    return call("gcc", "-fsyntax-only", "-std=c11", f"-I{tmp_path}", "-I" + path("core/include"),
                "-I" + path("core/src"), "-isystem", path("third_party/mbedtls/include"), *options,
                path("core/src/net/tls.c"), code=code)


def configuration(tmp_path, name, change=lambda text: text):
    with open(path("boards/host/host_mbedtls_config.h"), encoding="ascii") as f:
        (tmp_path / name).write_text(change(f.read()))
    return f'-DMBEDTLS_CONFIG_FILE="{name}"'


@pytest.mark.parametrize("option", ["MBEDTLS_PSA_CRYPTO_C", "MBEDTLS_PSA_CRYPTO_STORAGE_C", "MBEDTLS_USE_PSA_CRYPTO",
                                    "MBEDTLS_X509_CSR_WRITE_C", "MBEDTLS_SSL_ALPN"])
def test_what_mbedtls_lacks_is_named(tmp_path, option):
    (tmp_path / "options.h").write_text("#include <acme/config_default.h>\n#define CONFIG_ACME_TLS_ALPN_01 1\n")
    options = '-DACME_KCONFIG_HEADER="options.h"'
    assert compile_core(tmp_path, configuration(tmp_path, "whole.h"), options) == ""
    without = configuration(tmp_path, "less.h", lambda text: re.sub(rf"#define {option}\b.*", "", text))
    assert option in compile_core(tmp_path, without, options, code=1)


@pytest.mark.parametrize("lost, more, named", [
    ("BUFFER_ALLOC_C|DEBUG", "", None),  # the core gives its memory out
    ("BUFFER_ALLOC_C|DEBUG", "#define MBEDTLS_THREADING_C\n#define MBEDTLS_THREADING_PTHREAD\n",
     "CONFIG_ACME_MBEDTLS_POOL and threads need MBEDTLS_MEMORY_BUFFER_ALLOC_C"),
    ("BUFFER_ALLOC_C|DEBUG|PLATFORM", "", "CONFIG_ACME_MBEDTLS_POOL needs MBEDTLS_PLATFORM_MEMORY")])
def test_mbedtls_memory(tmp_path, lost, more, named):
    (tmp_path / "options.h").write_text("#include <acme/config_default.h>\n#undef CONFIG_ACME_MBEDTLS_POOL\n"
                                        "#define CONFIG_ACME_MBEDTLS_POOL 1\n")

    def change(text):
        text = re.sub(rf"#define MBEDTLS_(MEMORY_)?({lost})(_MEMORY)?\b.*", "", text)
        return text.replace("#define MBEDTLS_PLATFORM_C\n", "#define MBEDTLS_PLATFORM_C\n" + more)
    out = compile_core(tmp_path, configuration(tmp_path, "less.h", change), '-DACME_KCONFIG_HEADER="options.h"',
                       code=0 if named is None else 1)
    assert (named or "") in out


def test_mbedtls_own_configuration_is_found_out(tmp_path):
    """A file called mbedtls_config.h, named as most people would: mbedTLS finds its own before it."""
    out = compile_core(tmp_path, configuration(tmp_path, "mbedtls_config.h"), code=1)
    assert "is mbedTLS's own mbedtls_config.h read, not yours?" in out


def test_a_configuration_of_that_name_is_used_by_cmake(tmp_path):
    configuration(tmp_path, "mbedtls_config.h", lambda text: text + "\n#define MINE 1\n")
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.20)\nproject(p LANGUAGES C)\n"
        f'set(ACME_MBEDTLS_DIR "{ROOT}/third_party/mbedtls")\nset(ACME_CJSON_DIR "{ROOT}/third_party/cjson")\n'
        'set(ACME_MBEDTLS_CONFIG "${CMAKE_CURRENT_SOURCE_DIR}/mbedtls_config.h")\n'
        f'set(ACME_CONFIG_HEADER "{ROOT}/core/include/acme/config_default.h")\n'
        f'add_subdirectory("{ROOT}/core" core)\n'
        "add_library(look OBJECT look.c)\ntarget_link_libraries(look PRIVATE acme_core)\n")
    (tmp_path / "look.c").write_text("#include <mbedtls/build_info.h>\n#if !defined(MINE)\n#error not mine\n#endif\n")
    call("cmake", "-G", "Ninja", "-S", str(tmp_path), "-B", str(tmp_path / "build"), "-DACME_PYTHON=/bin/false")
    tls = "core/CMakeFiles/acme_core.dir/src/net/tls.c.o"
    call("ninja", "-C", str(tmp_path / "build"), "look", tls)
    # One that was changed behind CMake's back is not what it was told: here, the digest is another.
    with open(tmp_path / "build" / "core" / "acme_mbedtls_config.h", "a", encoding="ascii") as f:
        f.write("#undef ACME_MBEDTLS_CONFIG_DIGEST\n#define ACME_MBEDTLS_CONFIG_DIGEST 0x1\n")
    out = call("ninja", "-C", str(tmp_path / "build"), tls, code=1)
    assert "not the configuration of mbedTLS that ACME_MBEDTLS_CONFIG names" in out


def test_an_old_mbedtls_is_refused(tmp_path):
    (tmp_path / "mbedtls").mkdir()
    with open(path("third_party/mbedtls/include/mbedtls/build_info.h"), encoding="ascii") as f:
        text = f.read()
    old = re.sub(r"(#define MBEDTLS_VERSION_NUMBER\s+)0x\w+", r"\g<1>0x03060200", text)
    assert old != text
    (tmp_path / "mbedtls" / "build_info.h").write_text(old)
    named = configuration(tmp_path, "whole.h")
    assert "mbedTLS is older than 3.6.7" in compile_core(tmp_path, named, code=1)
    (tmp_path / "old.h").write_text("#include <acme/config_default.h>\n#define CONFIG_ACME_MBEDTLS_VULNERABLE 1\n")
    compile_core(tmp_path, named, '-DACME_KCONFIG_HEADER="old.h"')


def test_without_kconfiglib_it_is_said_what_to_do(tmp_path):
    done = subprocess.run(["/usr/bin/python3", "-S", path("scripts/kconfig"), "--header", str(tmp_path / "h")],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "python3-kconfiglib" in done.stderr and "ACME_CONFIG_HEADER" in done.stderr
