"""What each option of Kconfig costs: scripts/size features. The base is the small board's defconfig with
the whole public API; each option is turned on or off in it, alone, together with what it depends on and
what it selects. What its own code needs of mbedTLS, cJSON and libc does not count."""
import os
import tempfile

import kconfiglib

# Not features: where memory comes from, and what products must not have.
NOT_MEASURED = {"ACME_MBEDTLS_VULNERABLE", "ACME_MBEDTLS_POOL", "ACME_INSECURE_ENTROPY", "ACME_KEY_EXPORTABLE", "ACME_ASSERT_OFF",
                "ACME_ASSERT_ABORT"}


def options(root):
    """Name, prompt and the names of options that it depends on, of each option."""
    kconf = kconfiglib.Kconfig(os.path.join(root, "Kconfig"), warn=False)
    kconf.load_config(os.path.join(root, "boards/lm3s6965evb/defconfig"))
    for sym in kconf.unique_defined_syms:
        prompts = [n.prompt[0] for n in sym.nodes if n.prompt]
        if sym.type != kconfiglib.BOOL or not prompts or sym.name in NOT_MEASURED:
            continue
        needs = [s.name for s in kconfiglib.expr_items(sym.direct_dep)
                 if s.name != sym.name and getattr(s, "type", None) == kconfiglib.BOOL
                 and s.str_value == "n" and s.name in kconf.syms]
        yield sym.name, prompts[0], sym.str_value == "y", selectable(kconf, needs)


def selectable(kconf, names):
    """Options without a prompt are turned on by one that selects them."""
    chosen = []
    for name in names:
        sym = kconf.syms[name]
        if any(n.prompt for n in sym.nodes):
            chosen.append(name)
        else:
            chosen += [s.name for s in kconf.unique_defined_syms
                       if any(target is sym for target, _ in s.selects)][:1]
    return chosen


def table(root, measure, roots):
    """Lines of a table; measure is size's, roots are the API."""
    with open(os.path.join(root, "boards/lm3s6965evb/defconfig"), encoding="ascii") as f:
        base = f.readlines()
    sizes = {}

    def size_of(*settings):
        if settings not in sizes:
            with tempfile.NamedTemporaryFile("w", suffix=".defconfig", encoding="ascii") as f:
                names = {setting.split("CONFIG_")[1].split("=")[0].split()[0]
                         for setting in settings}
                f.writelines(line for line in base
                             if not any(f"CONFIG_{n}" in line.replace("=", " ").split()
                                        for n in names))
                f.writelines(settings)
                f.flush()
                done = measure("", f.name, roots)
            sizes[settings] = (done["flash"], done["block"] + done["static"])
        return sizes[settings]

    def line(name, on):
        return f"CONFIG_{name}=y\n" if on else f"# CONFIG_{name} is not set\n"

    yield "| option | in the base | flash | RAM | |"
    yield "|---|---|---:|---:|---|"
    for name, prompt, is_on, needs in options(root):
        around = [line(n, True) for n in needs]
        on, off = size_of(*around, line(name, True)), size_of(*around, line(name, False))
        yield (f"| {name} | {'yes' if is_on else 'no'} | {on[0] - off[0]} | {on[1] - off[1]} | "
               f"{prompt} |")
