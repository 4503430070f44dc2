"""Whether ACME_MEMORY_SIZE is enough in any configuration, for scripts/size memory, and whether the core compiles
in it, which is tried in the first dozen. The formula of acme/client.h follows the core's structures from afar, so
that it can be too small where nobody has looked: options are turned on and off by chance in the boards'
configurations, for a Cortex-M3 and for the host."""
import glob
import os
import random
import subprocess
import tempfile

import kconfiglib

HEADERS = ("core/include", "core/src", "core/its", "boards/host", "third_party/cjson", "third_party/mbedtls/include")
COMPILERS = (["arm-none-eabi-gcc", "-mcpu=cortex-m3", "-mthumb"], ["gcc"])
COMPILED = 12
PROGRAM = """
#include "client/state.h"
_Static_assert(sizeof(struct acme_client) <= ACME_MEMORY_SIZE, "too small");
"""


def configuration(root, chance, folder):
    """A board's options with up to a dozen others the other way round; None: they do not go together."""
    kconf = kconfiglib.Kconfig(os.path.join(root, "Kconfig"), warn=False)
    board = chance.choice(sorted(glob.glob(os.path.join(root, "boards/*/defconfig"))))
    kconf.load_config(board)
    options = [s for s in kconf.unique_defined_syms if s.type == kconfiglib.BOOL and s.visibility]
    for option in chance.sample(options, chance.randint(1, 12)):
        option.set_value(2 if option.str_value == "n" else 0)
    defconfig, header = os.path.join(folder, "defconfig"), os.path.join(folder, "config.h")
    kconf.write_min_config(defconfig)
    done = subprocess.run([os.path.join(root, "scripts/kconfig"), defconfig, "--header", header],
                          capture_output=True, check=False)
    return header if done.returncode == 0 else None


def too_small(root, header, folder):
    source = os.path.join(folder, "size.c")
    with open(source, "w", encoding="ascii") as f:
        f.write(PROGRAM)
    for compiler in COMPILERS:
        done = subprocess.run(
            [*compiler, "-std=c11", f'-DACME_KCONFIG_HEADER="{header}"', '-DMBEDTLS_CONFIG_FILE="host_mbedtls_config.h"',
             *("-I" + d for d in HEADERS), "-c", source, "-o", source + ".o"],
            capture_output=True, text=True, check=False, cwd=root)
        if done.returncode != 0:
            yield f"{compiler[0]}: {done.stderr}"


def not_compiled(root, header):
    sources = [f for f in glob.glob(os.path.join(root, "core/src/*/*.c")) if not f.endswith("json/cjson.c")]
    done = subprocess.run(
        ["gcc", "-fsyntax-only", "-std=c11", "-Wall", "-Wextra", "-Werror", f'-DACME_KCONFIG_HEADER="{header}"',
         '-DMBEDTLS_CONFIG_FILE="host_mbedtls_config.h"', *("-I" + d for d in HEADERS), "-Ithird_party/mbedtls/library",
         *sources], capture_output=True, text=True, check=False, cwd=root)
    return [done.stderr] if done.returncode != 0 else []


def check(root, count, seed):
    """The configurations that were tried, and what was wrong with which."""
    chance, tried, wrong = random.Random(seed), 0, []
    with tempfile.TemporaryDirectory() as folder:
        while tried < count:
            header = configuration(root, chance, folder)
            if header is None:
                continue
            tried += 1
            for said in [*too_small(root, header, folder), *(not_compiled(root, header) if tried <= COMPILED else ())]:
                with open(os.path.join(folder, "defconfig"), encoding="ascii") as f:
                    wrong.append(f"{said}\n{f.read()}")
    return tried, wrong
