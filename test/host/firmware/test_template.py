"""port/template and port/freertos compile, and the template links, for a Cortex-M3 in a project of
their own; the template's self-test fails wherever nothing is written yet (on the host, where it can
run)."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "e2e"))
from lab import ROOT  # noqa: E402


def call(*argv):
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout


def test_it_compiles_and_links_for_a_cortex_m3():
    folder = os.path.join(ROOT, "build", "bare_metal")
    call("cmake", "-G", "Ninja", "-S", os.path.join(ROOT, "test/host/integration/bare_metal"),
         "-B", folder, f"-DROOT={ROOT}", "-DCMAKE_BUILD_TYPE=None",
         f"-DCMAKE_TOOLCHAIN_FILE={ROOT}/cmake/arm-none-eabi.cmake")
    call("ninja", "-C", folder)
    for image in ("acme_template", "acme_template_selftest"):
        symbols = call("arm-none-eabi-nm", os.path.join(folder, "template", image))
        assert (" T acme_init_checked\n" in symbols) == (image == "acme_template")
        assert (" T acme_selftest_run\n" in symbols) == (image != "acme_template")
    objects = call("arm-none-eabi-nm", os.path.join(folder, "freertos", "libacme_port_freertos.a"))
    for wanted in ("xTaskCreateStatic", "xSemaphoreCreateMutexStatic", "xSemaphoreGiveFromISR"):
        assert f" U {wanted}\n" in objects
