"""What must not build: a board without entropy, an image with a heap."""
import os
import subprocess

import pytest

from board import BARE, BOARDS
from lab import ROOT


def configure(folder, board, *options):
    return subprocess.run(["cmake", "--preset", board, "-S", ROOT, "-B", folder, *options],
                          cwd=ROOT, capture_output=True, text=True, check=False)


def build(folder, *targets):
    done = subprocess.run(["ninja", "-C", folder, *targets], capture_output=True, text=True,
                          check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("board", sorted(BOARDS))
def test_a_board_without_entropy_does_not_build(tmp_path, board):
    defconfig = tmp_path / "defconfig"
    with open(os.path.join(ROOT, "boards", board, "defconfig"), encoding="ascii") as f:
        defconfig.write_text(f.read().replace("CONFIG_ACME_INSECURE_ENTROPY=y\n", ""))
    done = configure(tmp_path / "build", board, f"-DACME_DEFCONFIG={defconfig}")
    assert done.returncode == 0, done.stderr
    code, out = build(tmp_path / "build", f"boards/{board}/CMakeFiles/nanoacme-{board}.elf.dir/"
                      "__/common/entropy_insecure.c.obj")
    assert code != 0 and "This board has no entropy source" in out


@pytest.mark.parametrize("board", sorted(BOARDS))
def test_no_image_uses_what_its_processor_may_not_have(board):
    """Neither floating point nor the DSP instructions, in none of the libraries."""
    for name in ("nanoacme", "selftest") if board in BARE else ("nanoacme",):
        image = os.path.join(ROOT, "build", board, f"{name}-{board}.elf")
        attributes = subprocess.run(["arm-none-eabi-readelf", "-A", image], capture_output=True,
                                    text=True, check=True).stdout
        assert "Tag_CPU_arch_profile: Microcontroller" in attributes
        for tag in ("Tag_FP_arch", "Tag_ABI_HardFP_use", "Tag_ABI_VFP_args", "Tag_DSP_extension"):
            assert tag not in attributes, attributes


@pytest.mark.parametrize("call", ["malloc(3)", "calloc(1, 3)", "realloc(0, 3)", "(free(0), 0)"])
def test_an_image_with_a_heap_does_not_link(tmp_path, call):
    """The link of the reference board's image, once as it is and once with a call of the heap."""
    line = subprocess.run(["ninja", "-C", os.path.join(ROOT, "build", "mps2_an385"), "-t", "commands",
                           "nanoacme-mps2_an385.elf"], capture_output=True, text=True,
                          check=True).stdout.splitlines()[-1]
    argv = line.split(" && ")[1].split()
    argv[argv.index("-o") + 1] = str(tmp_path / "image.elf")
    argv = [f"-Wl,-Map,{tmp_path}/map" if a.startswith("-Wl,-Map") else a for a in argv]
    heap = tmp_path / "heap.c"
    heap.write_text("#include <stdlib.h>\nvoid *_sbrk(int n) { static char m[64]; return m + n; }\n"
                    f"__attribute__((constructor, used)) void *heap(void) {{ return {call}; }}\n"
                    .replace("(free(0), 0)", "(free(heap), (void *)0)"))

    def link(*more):
        return subprocess.run([*argv, *more], capture_output=True, text=True, check=False,
                              cwd=os.path.join(ROOT, "build", "mps2_an385"))
    assert link().returncode == 0
    done = link(str(heap), "-Wl,-u,heap", "-Os")
    assert done.returncode != 0 and "is linked into the image" in done.stderr, done.stderr
