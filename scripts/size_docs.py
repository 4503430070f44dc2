"""What docs/memory.md has from the code, for scripts/size docs: the parts of acme_init's block for three
configurations and what one more of each costs; lwIP's pools and the flash map of the boards; and a picture
of each board's memory. Sizes are the compiler's and the linker's; nothing is run."""
import os
import re
import tempfile

import size_boards
import size_versions

ROOT = size_boards.ROOT
PAGE = "docs/memory.md"
PROFILES = (("host", "boards/host", "host_mbedtls_config.h"),
            ("mps2_an385", "boards/common/mps2", "mps2_mbedtls_config.h"),
            ("lm3s6965evb", "boards/lm3s6965evb", "lm3s_mbedtls_config.h"))
# Part, its expression in C, what makes it larger or smaller. c is the client.
PARTS = (
    ("work buffer", "sizeof(c->work)", "`WORK_SIZE`"),
    ("JSON arena", "sizeof(c->arena_memory)", "`JSON_ARENA_SIZE`"),
    ("URL pool", "sizeof(c->pool)", "`URL_POOL_SIZE`"),
    ("HTTP: a line", "sizeof(c->exchange.parser.line)", "`HTTP_LINE_MAX`"),
    ("HTTP: what a reply said", "sizeof(c->exchange.parser.response)",
     "`URL_MAX`, `NONCE_MAX`, `ALTERNATES_MAX`"),
    ("account's URL, nonce, thumbprint",
     "sizeof(c->account_url) + sizeof(c->nonce) + sizeof(c->thumbprint)", "`URL_MAX`, `NONCE_MAX`"),
    ("certificates' slots", "sizeof(c->slots)", "`CERT_SLOTS`; `SCHEDULE`, `ARI`"),
    ("order", "sizeof(c->order) + WAYS + PROOFS", "`NAMES_MAX`; `DNS_01` and its kin"),
    ("answers to the CA", "sizeof(c->challenges)", "`HTTP_01_STREAMS`, `TLS_ALPN_STREAMS`"),
    ("problem documents", "sizeof(c->problem) + PROBLEMS", ""),
    ("chain under way", "sizeof(c->body)", "`CHAIN_CERTS_MAX`"),
    ("store", "sizeof(c->log)", "`STORE_SEAL_MAX`"),
    ("configuration", "sizeof(c->config)", ""),
    ("mbedTLS's contexts", "sizeof(c->exchange.tls)", ""))
PROGRAM = """
#include "client/state.h"
static struct acme_client *c;
#if defined(ACME_CHALLENGE_CHOICE)
#define WAYS sizeof(c->ways)
#else
#define WAYS 0
#endif
#if defined(CONFIG_ACME_DNS)
#define PROOFS sizeof(c->proofs)
#else
#define PROOFS 0
#endif
#if defined(ACME_SLOT_PROBLEM)
#define PROBLEMS sizeof(c->slot_problem)
#else
#define PROBLEMS 0
#endif
%s
char all[sizeof(struct acme_client)];
char formula[ACME_MEMORY_SIZE];
"""
# What one more of it costs: the option, the step.
STEPS = (("CERT_SLOTS", 1), ("NAMES_MAX", 1), ("HTTP_01_STREAMS", 1), ("TLS_ALPN_STREAMS", 1),
         ("CHAIN_CERTS_MAX", 1), ("URL_MAX", 100), ("NONCE_MAX", 100), ("HTTP_LINE_MAX", 100))
POOLS = (("PBUF_POOL", "packet buffers", "`PBUF_POOL_SIZE` x `PBUF_POOL_BUFSIZE`"),
         ("ram_heap", "heap: what is sent", "`MEM_SIZE`"),
         ("TCP_PCB", "TCP connections", "`MEMP_NUM_TCP_PCB`"),
         ("TCP_SEG", "TCP segments", "`MEMP_NUM_TCP_SEG`"),
         ("UDP_PCB", "UDP: DHCP, DNS, SNTP", "`MEMP_NUM_UDP_PCB`"))


def run(argv):
    return size_boards.run(argv)


def sizes_of(profile, folder, extra=""):
    """{symbol: bytes} of PROGRAM with a profile's options and mbedTLS's configuration."""
    name, config_folder, config = profile
    header = os.path.join(folder, name + ".h")
    run(["scripts/kconfig", f"boards/{name}/defconfig", "--header", header])
    with open(header, "a", encoding="ascii") as f:
        f.write(extra)
    source = os.path.join(folder, name + ".c")
    with open(source, "w", encoding="ascii") as f:
        f.write(PROGRAM % "\n".join(f"char part{i}[({e}) + 1];" for i, (_, e, _) in enumerate(PARTS)))
    cross = [] if name == "host" else ["-mcpu=cortex-m3", "-mthumb"]
    prefix = "" if name == "host" else "arm-none-eabi-"
    run([prefix + "gcc", *cross, "-std=c11", f'-DACME_KCONFIG_HEADER="{header}"',
         f'-DMBEDTLS_CONFIG_FILE="{config}"', "-fno-common",
         *("-I" + d for d in ("core/include", "core/src", "core/its", config_folder,
                              "third_party/cjson", "third_party/mbedtls/include")),
         "-c", source, "-o", source + ".o"])
    return {line.split()[-1]: int(line.split()[1], 16)
            for line in run([prefix + "nm", "-S", source + ".o"]).splitlines()
            if len(line.split()) == 4}


def row(cells):
    return "| " + " | ".join(str(c) for c in cells) + " |\n"


def block_table():
    with tempfile.TemporaryDirectory() as folder:
        all_sizes = [sizes_of(p, folder) for p in PROFILES]
    text = row(["bytes"] + [p[0] for p in PROFILES] + ["set by"]) + \
        "|---|---:|---:|---:|---|\n"
    for i, (part, _, options) in enumerate(PARTS):
        text += row([part] + [s[f"part{i}"] - 1 for s in all_sizes] + [options])
    rest = [s["all"] - sum(s[f"part{i}"] - 1 for i in range(len(PARTS))) for s in all_sizes]
    text += row(["the rest"] + rest + [""])
    text += row(["the client"] + [s["all"] for s in all_sizes] + [""])
    text += row(["`ACME_MEMORY_SIZE`"] + [s["formula"] for s in all_sizes] + [""])
    return text


def step_table():
    profile = PROFILES[1]
    text = row(["one more", "bytes of `ACME_MEMORY_SIZE`"]) + "|---|---:|\n"
    with tempfile.TemporaryDirectory() as folder:
        for option, step in STEPS:
            base = "" if option != "TLS_ALPN_STREAMS" else "#define CONFIG_ACME_TLS_ALPN_01 1\n"
            name = "CONFIG_ACME_" + option
            sizes = [sizes_of(profile, folder, f"{base}#undef {name}\n#define {name} {value}\n")
                     for value in (4 * step, 5 * step)]
            what = f"`{option}`" if step == 1 else f"`{option}`, {step} more"
            text += row([what, sizes[1]["formula"] - sizes[0]["formula"]])
    return text


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as f:
        return f.read()


def map_of(board):
    text = read(f"build/{board}/nanoacme-{board}.elf.map")
    return re.sub(r"\n {10,}(0x)", r" \1", text.split("Linker script and memory map", 1)[1])


def pool_table():
    boards = ("mps2_an385", "lm3s6965evb")
    text = row(["lwIP, bytes", *boards, "set by"]) + "|---|---:|---:|---|\n"
    maps = [map_of(b) for b in boards]
    sums = [0] * len(boards)
    for symbol, what, options in POOLS:
        section = symbol if symbol == "ram_heap" else f"memp_memory_{symbol}_base"
        sizes = [int(re.search(rf"^ \.bss\.{section}\s+0x\w+\s+0x(\w+)", m, re.M)[1], 16)
                 for m in maps]
        sums = [a + b for a, b in zip(sums, sizes)]
        text += row([what, *sizes, options])
    whole = [size_boards.read_map(os.path.join(ROOT, f"build/{b}/nanoacme-{b}.elf.map"))[1]["lwIP"]
             for b in boards]
    return text + row(["the rest", *(w - s for w, s in zip(whole, sums)), ""]) + \
        row(["lwIP", *whole, ""])


def region(board, name):
    origin, length, unit = re.search(rf"{name} \(\w+\)\s*: ORIGIN = (\w+), "
                                     r"LENGTH = (?:DEFINED\(\w+\) \? \w+ : )?(\d+)([KM]?)",
                                     read(f"boards/{board}/link.ld")).groups()
    return int(origin, 0), int(length) * {"": 1, "K": 1024, "M": 1024 * 1024}[unit]


def flash_map(board):
    """(sector size, sectors of the store, program unit, sectors of the settings and of the signed roots)"""
    text = read(f"boards/{board}/board_config.h")
    areas = int(re.search(r"BOARD_ROOTS_AREAS (\d+)", read("boards/common/board.h"))[1])
    numbers = [int(re.search(rf"BOARD_{n}\s+(\d+)u", text)[1])
               for n in ("SECTOR_SIZE", "STORE_SECTORS", "PROGRAM_SIZE", "SETTINGS_SECTORS", "ROOTS_SECTORS")]
    return (*numbers[:4], areas * numbers[4])


def flash_table():
    boards = size_boards.BOARDS
    sizes = [flash_map(b) for b in boards]
    image = [sum(size_boards.read_map(os.path.join(ROOT, f"build/{b}/nanoacme-{b}.elf.map"))[0].values())
             for b in boards]
    whole = [region(b, "FLASH")[1] for b in boards]
    text = row(["flash, bytes", *boards]) + "|---|" + "---:|" * len(boards) + "\n"
    text += row(["the image", *image])
    text += row(["the store: sectors x bytes", *(f"{n} x {s} = {n * s}" for s, n, *_ in sizes)])
    text += row(["the application's settings", *(f"{n} x {s} = {n * s}" for s, _, _, n, _ in sizes)])
    text += row(["roots that a vendor has signed", *(f"{n} x {s} = {n * s}" for s, _, _, _, n in sizes)])
    text += row(["free", *(w - i - (a + b + c) * s for w, i, (s, a, _, b, c) in zip(whole, image, sizes))])
    text += row(["flash", *whole])
    return text + row(["program unit", *(u for _, _, u, _, _ in sizes)])


# ---- pictures ----

COLOURS = {"core": "#3b7dd8", "cJSON": "#7fb2f0", "mbedTLS": "#d9822b", "mbedTLS pool": "#f0b35e",
           "lwIP": "#4c9f70", "port": "#8fd0a9", "board and application": "#8e6bbf", "libc": "#9aa5ad",
           "stack": "#c8505a", "free": "#f4f6f8", "store": "#5c6bc0", "settings": "#9fa8da"}
WIDTH, HEIGHT, TOP, BAR, LINE = 820, 470, 66, 110, 17


def spread(wanted, low, high):
    """Places for labels as near as may be to those wanted, LINE apart."""
    places = []
    for y in wanted:
        places.append(max(y, places[-1] + LINE if places else low))
    for i in reversed(range(len(places))):
        limit = high if i == len(places) - 1 else places[i + 1] - LINE
        places[i] = min(places[i], limit)
    return places


def column(x, title, origin, length, parts):
    """A bar from origin (at the bottom) up; parts are (words, bytes), the lowest first."""
    height = HEIGHT - TOP - 40
    bottom = TOP + height
    text = [f'<text x="{x}" y="{TOP - 24}" font-weight="bold">{title}</text>',
            f'<text x="{x}" y="{TOP - 8}" fill="#546e7a">to 0x{origin + length:08x}</text>',
            f'<text x="{x}" y="{bottom + 18}" fill="#546e7a">from 0x{origin:08x}</text>']
    at, middles, boxes = bottom, [], []
    for words, size in parts:
        h = size * height / length
        at -= h
        boxes.append(f'<rect x="{x}" y="{at:.1f}" width="{BAR}" height="{h:.1f}" '
                     f'fill="{COLOURS[words]}" stroke="#ffffff" stroke-width="0.6"/>')
        middles.append(at + h / 2)
    places = spread([m for m in reversed(middles)], TOP + 6, bottom - 4)
    labels = []
    for (words, size), middle, place in zip(reversed(parts), reversed(middles), places):
        labels.append(f'<path d="M{x + BAR} {middle:.1f} L{x + BAR + 14} {place:.1f} h8" fill="none" '
                      'stroke="#90a4ae"/>')
        labels.append(f'<text x="{x + BAR + 27}" y="{place + 4:.1f}">{words}, {size:,}</text>')
    frame = (f'<rect x="{x}" y="{TOP}" width="{BAR}" height="{height}" fill="none" stroke="#37474f"/>')
    return text + boxes + [frame] + labels


def picture(board):
    flash, ram = size_boards.read_map(os.path.join(ROOT, f"build/{board}/nanoacme-{board}.elf.map"))
    sector, sectors, _, settings, roots = flash_map(board)
    origin, length = region(board, "FLASH")
    image = [(who, flash[who]) for who in size_boards.FLASH if flash[who]]
    areas = [("store", sector * sectors), ("settings", sector * (settings + roots))]
    image.append(("free", length - sum(s for _, s in image + areas)))
    ram_origin, ram_length = region(board, "RAM")
    for small, owner in (("cJSON", "core"), ("port", "board and application")):
        ram[owner] += ram.pop(small, 0)
    order = ("stack", "core", "mbedTLS pool", "mbedTLS", "lwIP", "board and application", "libc")
    data = [(who, ram[who]) for who in order if ram[who]]
    data.append(("free", ram_length - sum(s for _, s in data)))
    words = f"{board}: where the bytes are"
    return "\n".join(
        [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
         f'height="{HEIGHT}" font-family="DejaVu Sans,Verdana,sans-serif" font-size="12" role="img" '
         f'aria-label="{words}">',
         f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
         f'<g fill="#263238"><text x="24" y="24" font-size="15">{words}</text>',
         *column(24, f"flash, {length // 1024} KB", origin, length, image + areas),
         *column(430, f"RAM, {ram_length // 1024} KB", ram_origin, ram_length, data),
         "</g>", "</svg>", ""])


# ---- the page ----

def tables():
    return {"block": block_table(), "steps": step_table(), "lwip": pool_table(), "flash": flash_table()}


def mark(what, command="scripts/size docs --write"):
    return f"<!-- {command} writes what follows: {what} -->\n"


def replaced(text, head, table):
    before, rest = text.split(head)
    return before + head + "\n" + table + "\n<!-- end -->" + rest.split("<!-- end -->", 1)[1]


def write_table(what, table, command):
    text = replaced(read(PAGE), mark(what, command), table)
    with open(os.path.join(ROOT, PAGE), "w", encoding="utf-8") as f:
        f.write(text)


def with_tables(text):
    for what, table in tables().items():
        text = replaced(text, mark(what), table)
    return text


def docs(write):
    """Names of what is not up to date, after writing it where that is asked for."""
    for board in size_boards.BOARDS:
        size_boards.build(board)
    wanted = {f"docs/memory_{board}.svg": picture(board) for board in size_boards.BOARDS}
    wanted[PAGE] = with_tables(read(PAGE))
    stale = []
    for path, text in wanted.items():
        full = os.path.join(ROOT, path)
        old = read(path) if os.path.exists(full) else ""
        if old != text and (write or not size_versions.agree(old, text, path)):
            stale.append(path)
            if write:
                with open(full, "w", encoding="utf-8") as f:
                    f.write(text)
    return stale
