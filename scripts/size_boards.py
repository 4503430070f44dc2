"""Sizes of the boards' images, for scripts/size: flash by library and RAM by owner from the linker's
map; the peaks of mbedTLS's pool, lwIP's pools and the stack, and the longest step, from a first boot
and three visits of the page in the emulator, against a real Pebble."""
import collections
import json
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BOARDS = ("mps2_an385", "lm3s6965evb", "mps2_an521")
NAME = "device.example.org"
FLASH = ("core", "cJSON", "mbedTLS", "lwIP", "port", "board and application", "libc")
RAM = ("core", "mbedTLS pool", "mbedTLS", "lwIP", "board and application", "libc", "stack")
# On the small board: what it needs, and 2 % on top (FLASH_LIMIT in scripts/size says why it is more than in 0.1).
CORE_FLASH_LIMIT, CORE_RAM_LIMIT = 41600, 8750
SMALL = "lm3s6965evb"
PEAKS = (("mbedTLS pool peak", "mbedtls_pool_peak"), ("JSON arena peak", "json_arena_peak"),
         ("lwIP heap peak", "lwip_heap_peak"), ("lwIP packet buffers peak", "lwip_pbufs_peak"),
         ("stack peak", "stack_peak"),
         ("longest step of the client, 1000 instructions", "longest_step_us"),
         ("longest step of the server, 1000 instructions", "longest_https_step_us"))
KERNEL = "FreeRTOS"  # a row where there is one
LIBRARIES = {"acme_core": "core", "acme_mbedtls": "mbedTLS", "lwip": "lwIP",
             "acme_port_lwip_raw": "port", "acme_port_lwip_socket": "port", "acme_port_freertos": "port",
             "acme_rtos_task": "port", "freertos_kernel": KERNEL, "c_nano": "libc", "gcc": "libc", "m": "libc",
             "nosys": "libc"}


def run(argv, **options):
    done = subprocess.run(argv, capture_output=True, text=True, check=False, cwd=ROOT, **options)
    if done.returncode != 0:
        sys.exit("size: " + " ".join(argv[:3]) + " failed:\n" + done.stdout + done.stderr)
    return done.stdout


def build(board):
    run(["cmake", "--preset", board])
    run(["cmake", "--build", "--preset", board])
    return os.path.join(ROOT, "build", board)


def owner(section, obj):
    """Whose a section is: the library's, but for what one room keeps for another."""
    if section.startswith(".stack"):
        return "stack"
    if "mbedtls_pool" in section:
        return "mbedTLS pool"
    if section == ".bss.memory":
        return "core"  # the block for acme_init, which the application owns
    if "(cjson.c" in obj or "json/cjson.c" in obj:
        return "cJSON"
    library = re.search(r"lib(\w+)\.a", obj)
    return LIBRARIES[library[1]] if library else "board and application"


def read_map(path):
    """({owner: bytes of flash}, {owner: bytes of RAM}) from the linker's map."""
    with open(path, encoding="utf-8") as f:
        text = f.read().split("Linker script and memory map", 1)[1]
    text = re.sub(r"\n {10,}(0x)", r" \1", text)  # long section names have a line of their own
    flash, ram = collections.Counter(), collections.Counter()
    for section, address, size, obj in re.findall(
            r"^ ?(\.[\w.$-]+|COMMON|\*fill\*)\s+0x([0-9a-f]+)\s+0x([0-9a-f]+) ?(.*)$", text, re.M):
        address, size = int(address, 16), int(size, 16)
        if section == "*fill*" and size > 255:
            continue  # the stack's room, which .stack counts
        if size == 0 or section.startswith((".debug", ".comment", ".ARM.attributes")) or \
                (section in (".text", ".data", ".bss", ".ARM.exidx") and obj.strip() == "") or \
                "load address" in obj:
            continue
        who = owner(section, obj)
        if address < 0x20000000:
            flash[who] += size
        else:
            ram[who] += size
            if section.startswith(".data"):
                flash[who] += size
    return flash, ram


def size_of_tls(folder):
    """mbedTLS's contexts inside the core's block."""
    with open(os.path.join(folder, "compile_commands.json"), encoding="utf-8") as f:
        command = next(c["command"] for c in json.load(f) if c["file"].endswith("core/src/client/client.c"))
    argv = [a.replace('\\"', '"') for a in command.split()]
    if "ccache" in argv[0]:
        argv = argv[1:]
    argv = argv[:argv.index("-o")]
    with tempfile.TemporaryDirectory() as work:
        source = os.path.join(work, "tls.c")
        with open(source, "w", encoding="ascii") as f:
            f.write('#include "net/tls.h"\nstruct acme_tls tls;\n')
        run([*argv, "-c", source, "-o", source + ".o"])
        line = run(["arm-none-eabi-nm", "-S", source + ".o"]).split()
    return int(line[line.index("tls") - 2], 16)


def measure(board):
    folder = build(board)
    flash, ram = read_map(os.path.join(folder, f"nanoacme-{board}.elf.map"))
    tls = size_of_tls(folder)
    ram["core"] -= tls
    ram["mbedTLS"] += tls
    for who in ("cJSON", "port"):
        ram["core" if who == "cJSON" else "board and application"] += ram.pop(who, 0)
    return {"flash": flash, "ram": ram}


def peaks(board):
    """What the device itself says after a first boot and three visits."""
    sys.path.insert(0, os.path.join(ROOT, "test/host/e2e"))
    from board import BOARDS as MACHINES, Board  # pylint: disable=import-outside-toplevel
    from lab import running_lab  # pylint: disable=import-outside-toplevel
    with tempfile.TemporaryDirectory() as folder, \
            running_lab(folder, address="10.0.2.2") as lab:
        device = Board(folder, board, http_port=lab.http_port, icount=True)
        try:
            device.start().provision([NAME], lab.directory, lab.ca_file)
            device.wait_for("https: serving until", 120)
            for _ in range(3):
                status, _ = device.fetch_when_ready(NAME, lab.issuing_root(), timeout=30)
        finally:
            device.cut_power()
    shift = MACHINES[board][2]  # an instruction takes 2^shift ns of the device's time
    return {key: int(status[key]) >> shift if key.endswith("_us") else int(status[key])
            for _, key in PEAKS}


def rows(all_sizes, kind, owners):
    for who in owners + ((KERNEL,) if any(each[kind][KERNEL] for each in all_sizes) else ()):
        yield who, [each[kind][who] for each in all_sizes]
    yield "total", [sum(each[kind].values()) for each in all_sizes]


def table(title, lines, boards=BOARDS):
    text = f"\n| {title} | " + " | ".join(boards) + " |\n|---|" + "---:|" * len(boards) + "\n"
    for name, values in lines:
        text += f"| {name} | " + " | ".join(str(v) for v in values) + " |\n"
    return text


def tables(all_sizes, boards=BOARDS):
    return (table("flash, bytes", rows(all_sizes, "flash", FLASH), boards) +
            table("static RAM, bytes", rows(all_sizes, "ram", RAM), boards))


def peak_table(boards=BOARDS):
    all_peaks = [peaks(board) for board in boards]
    return table("at run time, bytes unless it says otherwise",
                 [(name, [each[key] for each in all_peaks]) for name, key in PEAKS], boards)


def check(all_sizes):
    """The limits of the small board."""
    small = all_sizes[BOARDS.index(SMALL)]
    core = small["flash"]["core"], small["ram"]["core"]
    kept = core[0] <= CORE_FLASH_LIMIT and core[1] <= CORE_RAM_LIMIT
    print(f"the core on {SMALL}: flash {core[0]} of {CORE_FLASH_LIMIT}, RAM {core[1]} of "
          f"{CORE_RAM_LIMIT}: {'kept' if kept else 'EXCEEDED'}")
    return kept
