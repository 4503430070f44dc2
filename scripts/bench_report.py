"""What scripts/bench has measured, as text, as tables of docs/benchmarks.md and as a plot. It must
not know how things were measured."""
import math
import os
import statistics

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PAGE, PLOT = os.path.join(ROOT, "docs/benchmarks.md"), os.path.join(ROOT, "docs/benchmarks.svg")
END = "<!-- end -->"
RATIOS = (("wall", "wall time"), ("cpu", "CPU time"), ("memory", "peak memory"),
          ("sent", "bytes to the CA"), ("received", "bytes from the CA"))
COUNTS = (("requests", "HTTP requests (count)"), ("connections", "TLS connections (count)"))
COLOURS = ("#1b6e8c", "#c26a2d", "#6a8f3c", "#8a5a9e")


def short(ratio):
    return "1" if ratio == 1 else f"{ratio:.2f}" if ratio < 10 else f"{ratio:.0f}"


class Report:
    """Rounds of {scenario: {client: figures}}; the first client is what others are held against."""

    def __init__(self, rounds, clients, scenarios, versions):
        self.rounds, self.clients = rounds, clients
        self.scenarios, self.versions = scenarios, versions

    def ratios(self, scenario, client, key):
        return [r[scenario][client][key] / r[scenario][self.clients[0]][key] for r in self.rounds]

    def ratio(self, scenario, client, key):
        return statistics.median(self.ratios(scenario, client, key))

    def count(self, scenario, client, key):
        """(median, most)"""
        values = [r[scenario][client][key] for r in self.rounds]
        return statistics.median_high(values), max(values)

    def rows(self, scenario, spread):
        for key, name in RATIOS:
            cells = []
            for client in self.clients:
                values = self.ratios(scenario, client, key)
                cell = short(statistics.median(values))
                if spread and len(values) > 1 and client != self.clients[0]:
                    cell += f" ({short(min(values))}-{short(max(values))})"
                cells.append(cell)
            yield name, cells
        for key, name in COUNTS:
            cells = []
            for client in self.clients:
                middle, most = self.count(scenario, client, key)
                cells.append(str(middle) + (f" (at most {most})" if most != middle else ""))
            yield name, cells

    def text(self):
        """For a terminal, with the least and the greatest ratio of all rounds."""
        lines = [f"\nratios to {self.clients[0]} in the same round, median (least-greatest) of "
                 f"{len(self.rounds)}"]
        for scenario, title in self.scenarios:
            lines.append(f"\n{title:28}" + "".join(f"{c:>20}" for c in self.clients))
            for name, cells in self.rows(scenario, True):
                lines.append(f"{name:28}" + "".join(f"{c:>20}" for c in cells))
        return "\n".join(lines) + "\n"

    def markdown(self):
        named = " | ".join(f"{c} {self.versions[c]}" for c in self.clients)
        text = f"\n`scripts/bench --runs {len(self.rounds)} --write` made these tables.\n"
        for scenario, title in self.scenarios:
            text += f"\n| {title} | {named} |\n|---|" + "---:|" * len(self.clients) + "\n"
            for name, cells in self.rows(scenario, False):
                text += f"| {name} | " + " | ".join(cells) + " |\n"
        return text + "\n"


def goals(report):
    """Says which goals are kept. Memory is held against uacme, the smallest of the others."""
    renewal = "renewal"
    least = min(report.ratio(renewal, c, "memory") for c in report.clients[1:])
    checks = (
        ("wall time of a renewal at most half of uacme's",
         report.ratio(renewal, "uacme", "wall") >= 2, short(report.ratio(renewal, "uacme", "wall"))),
        ("peak memory of a renewal at most a fifth of uacme's",
         report.ratio(renewal, "uacme", "memory") >= 5,
         short(report.ratio(renewal, "uacme", "memory"))),
        ("peak memory of a renewal at most a fifth of the best other's", least >= 5, short(least)),
        ("at most 8 requests for a renewal",
         report.count(renewal, "nanoacme", "requests")[0] <= 8,
         str(report.count(renewal, "nanoacme", "requests")[0])),
        ("one TLS connection for a renewal",
         report.count(renewal, "nanoacme", "connections")[1] == 1,
         str(report.count(renewal, "nanoacme", "connections")[1])))
    for what, kept, figure in checks:
        print(f"goal: {what}: {figure}: {'kept' if kept else 'MISSED'}")
    return all(kept for _, kept, _ in checks)


# ---- the page and the plot ----

def replace(mark, text, page=PAGE):
    """Puts text between the mark and the next end, in the page."""
    line = f"<!-- {mark} writes what follows -->\n"
    with open(page, encoding="utf-8") as f:
        head, rest = f.read().split(line)
    with open(page, "w", encoding="utf-8") as f:
        f.write(head + line + text + END + rest.split(END, 1)[1])


def bar(x, y, width, colour, label):
    return (f'<rect x="{x}" y="{y}" width="{max(width, 1):.1f}" height="13" fill="{colour}"/>'
            f'<text x="{x + max(width, 1) + 4:.1f}" y="{y + 11}">{label}</text>\n')


def panel(report, x, top, key, title):
    """One quantity: a group of bars for each scenario, as long as the count, or as the logarithm of
    the ratio."""
    is_count = key in dict(COUNTS)

    def figure(scenario, client):
        return report.count(scenario, client, key)[0] if is_count else \
            report.ratio(scenario, client, key)
    low, high = 0.5, max(figure(s, c) for s, _ in report.scenarios for c in report.clients)
    parts, y = f'<text x="{x}" y="{top}" class="b">{title}</text>\n', top + 8
    for scenario, _ in report.scenarios:
        parts += f'<text x="{x}" y="{y + 12}" class="s">{scenario}</text>\n'
        y += 17
        for client, colour in zip(report.clients, COLOURS):
            value = figure(scenario, client)
            width = 200 * value / high if is_count else \
                200 * math.log(max(value, low) / low) / math.log(high / low)
            parts += bar(x, y, width, colour, str(value) if is_count else short(value))
            y += 15
        y += 5
    return parts, y


def plot(report):
    panels = (("wall", "wall time"), ("cpu", "CPU time"), ("memory", "peak memory"),
              ("requests", "HTTP requests"))
    body, bottom = "", 0
    for number, (key, title) in enumerate(panels):
        unit = "count" if key in dict(COUNTS) else f"{report.clients[0]} = 1"
        part, bottom = panel(report, 16 + 270 * number, 60, key, f"{title} ({unit})")
        body += part
    legend = "".join(
        f'<rect x="{16 + 150 * n}" y="14" width="13" height="13" fill="{colour}"/>'
        f'<text x="{34 + 150 * n}" y="25">{client} {report.versions[client]}</text>\n'
        for n, (client, colour) in enumerate(zip(report.clients, COLOURS)))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="1096" height="{bottom + 24}" '
            f'viewBox="0 0 1096 {bottom + 24}" font-family="sans-serif" font-size="12">\n'
            '<style>.b{font-weight:bold}.s{fill:#555}</style>\n'
            f'<rect width="1096" height="{bottom + 24}" fill="#fff"/>\n{legend}{body}'
            f'<text x="16" y="{bottom + 12}" class="s">Medians of {len(report.rounds)} rounds; '
            'shorter is better; ratios are on a logarithmic scale. Made by scripts/bench --write.</text>\n'
            "</svg>\n")


def write(report):
    replace("scripts/bench --write", report.markdown())
    with open(PLOT, "w", encoding="utf-8") as f:
        f.write(plot(report))


# ---- the boards ----

# 20 ms at 25 MHz, at 1.6 cycles an instruction, in thousands
STEP_LIMIT = 312


def read_board_table(marker, boards):
    """What board_table has written, of docs/benchmarks.md."""
    with open(PAGE, encoding="utf-8") as f:
        text = f.read().partition(f"<!-- {marker} writes what follows -->")[2].partition("<!-- end -->")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.split("\n") if line.startswith("| ")]
    names = rows[0][1:]
    return {board: {row[0]: int(cell) if cell.isdigit() else cell for row in rows[1:]
                    for name, cell in zip(names, row[1:]) if name == board} for board in boards}


def board_table(figures):
    """Of {board: {what: 1000 instructions}}."""
    boards = list(figures)
    text = "\n| 1000 instructions | " + " | ".join(boards) + " |\n|---|" + "---:|" * len(boards)
    for what in figures[boards[0]]:
        text += f"\n| {what} | " + " | ".join(str(figures[b][what]) for b in boards) + " |"
    return text + "\n\n"


def board_steps(figures, steps):
    """The longest steps alone, with the largest keys, for the README."""
    boards = list(figures)
    text = "\n| longest time without a breath, P-384 | " + " | ".join(boards) + " |\n|---|" + "---:|" * len(boards)
    for what in steps:
        text += f"\n| {what.replace('longest step', '1000 instructions')} (312: 20 ms at 25 MHz) | "
        text += " | ".join(str(figures[b][what + ", P-384"]) for b in boards) + " |"
    return text + "\n\n"


def board_goal(figures, steps):
    good = True
    for board, figure in figures.items():
        longest = max(figure[step] for step in steps)
        good = good and longest <= STEP_LIMIT
        print(f"goal: longest step on {board} at most {STEP_LIMIT} (20 ms at 25 MHz): {longest}: "
              f"{'kept' if longest <= STEP_LIMIT else 'MISSED'}")
    return good
