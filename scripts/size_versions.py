"""Which tools and libraries the figures of the pages were measured with, for scripts/size --check: with the
same ones figures have to agree to the byte; with others, as a distribution's next release brings them, within
TOLERANCE, for then it is not our code that moved."""
import os
import re
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PAGE = os.path.join(ROOT, "docs/sizes.md")
TOLERANCE, LEAST = 0.03, 64  # of a figure, and bytes that are always tolerated
MACROS = (("mbedTLS", "mbedtls/include/mbedtls/build_info.h", r"MBEDTLS_VERSION_(?:MAJOR|MINOR|PATCH)"),
          ("lwIP", "lwip/src/include/lwip/init.h", r"LWIP_VERSION_(?:MAJOR|MINOR|REVISION)"),
          ("cJSON", "cjson/cJSON.h", r"CJSON_VERSION_(?:MAJOR|MINOR|PATCH)"))
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")


def compiler(*argv, source=""):
    return subprocess.run(["arm-none-eabi-gcc", *argv], input=source, capture_output=True, text=True,
                          check=True).stdout


def here():
    """This machine's, in a line."""
    newlib = re.search(r'_NEWLIB_VERSION "(.*)"', compiler("-E", "-dM", "-x", "c", "-",
                                                           source="#include <_newlib_version.h>\n"))
    found = ["GCC " + compiler("-dumpfullversion").strip(), "newlib " + newlib[1]]
    for name, header, pattern in MACROS:
        with open(os.path.join(ROOT, "third_party", header), encoding="utf-8") as f:
            numbers = re.findall(rf"^#define {pattern}\s+(\d+)", f.read(), re.M)
        found.append(f"{name} {'.'.join(numbers)}")
    return ", ".join(found)


def of_pages():
    """Those that the pages name."""
    with open(PAGE, encoding="utf-8") as f:
        found = re.search(r"^Measured with (.*)\.$", f.read(), re.M)
    return found[1] if found else ""


def near(old, new):
    """Whether two texts say the same, with figures that differ by no more than is tolerated."""
    if NUMBER.sub("0", old) != NUMBER.sub("0", new):
        return False
    pairs = ([float(n.replace(",", "")) for n in pair] for pair in zip(NUMBER.findall(old), NUMBER.findall(new)))
    return all(abs(a - b) <= max(LEAST, TOLERANCE * a) for a, b in pairs)


def agree(old, new, name):
    """Whether what a page says is what was measured now."""
    if old == new:
        return True
    measured, now = of_pages(), here()
    if measured == now or not near(old, new):
        return False
    print(f"{name} has figures of other versions ({measured}); with these ({now}) they are near")
    return True
