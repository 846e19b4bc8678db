"""What the guest said of itself on its debug port, as data.

Addresses are text in hexadecimal: a JSON number does not hold 64 bits everywhere."""

from .util import LabError

SECTIONS = ("kallsyms", "modules", "truth")
SYMBOLS = ("_stext", "_text", "_etext", "linux_banner", "swapper_pg_dir", "init_top_pgt",
           "init_task", "idt_table", "asm_exc_page_fault", "exc_page_fault",
           "do_page_fault", "lab_page_fault", "__dabt_usr", "__dabt_svc", "__pabt_usr",
           "__pabt_svc", "do_DataAbort", "do_PrefetchAbort", "handle_exception", "vectors")


def hexadecimal(text):
    return f"{int(text, 16):#x}"


def pair(words):
    return {"va": hexadecimal(words[0]), "pa": hexadecimal(words[1])}


def split(lines):
    """The lines of each section; a line `@name` begins one."""
    sections = {name: [] for name in SECTIONS}
    current = None
    for line in lines:
        if line[:1] == "@" and line[1:] in sections:
            current = sections[line[1:]]
        elif current is not None:
            current.append(line)
        else:
            raise LabError(f"the guest said something before its truth: {line!r}")
    return sections


def task(text):
    """A `task` line of main.c (say_task)."""
    pid, tgid, address, mm, active_mm, pgd, pgd_pa, kernel, zombie, comm = \
        text.split(" ", 9)
    found = {"pid": int(pid), "tgid": int(tgid), "comm": comm,
             "kernel_thread": kernel == "1", "zombie": zombie == "1",
             "task": hexadecimal(address), "mm": hexadecimal(mm),
             "active_mm": hexadecimal(active_mm)}
    if int(mm, 16):
        found |= {"pgd": hexadecimal(pgd), "pgd_pa": hexadecimal(pgd_pa)}
    return found


def hidden(words):
    pid, address, size, entry, value, now = words
    return {"pid": int(pid), "address": hexadecimal(address), "size": hexadecimal(size),
            "entry_pa": hexadecimal(entry), "was": hexadecimal(value),
            "now": hexadecimal(now)}


def planted(words):
    """A `planted` line of plant.c: an entry that was changed, pid 0 for everyone."""
    pid, half, address, level, entry, was, now = words
    return {"pid": int(pid), "half": half, "address": hexadecimal(address),
            "level": int(level), "entry_pa": hexadecimal(entry),
            "was": hexadecimal(was), "now": hexadecimal(now)}


def cpu(words):
    """A `cpu` line: of x86's registers CR3 alone, of others' by their names."""
    number, pid, *values = words
    if "=" not in "".join(values):
        return {"cpu": int(number), "pid": int(pid), "cr3": hexadecimal(values[0])}
    registers = {name: hexadecimal(value) for name, value in
                 (word.split("=") for word in values)}
    return {"cpu": int(number), "pid": int(pid), "registers": registers}


def entry(words):
    """An `entry` line of view.c: of one level of a process's tables, for one address."""
    pid, address, shift, at, value = words
    return {"pid": int(pid), "address": hexadecimal(address), "shift": int(shift),
            "entry_pa": hexadecimal(at), "value": hexadecimal(value)}


def module(line):
    name, size, _, _, _, address = line.split()[:6]
    return {"name": name, "size": int(size), "address": hexadecimal(address)}


def symbols(lines):
    """What tests ask for: a few symbols of the kernel, the lab module's functions."""
    found = {}
    for line in lines:
        address, kind, name, *owner = line.split()
        if (name in SYMBOLS and not owner) or \
           (owner == ["[whosees_lab]"] and kind in "Tt"):
            found[name] = hexadecimal(address)
    return found


def of_report(lines):
    """What main.c reports (say_truth) as a dict."""
    truth = {"tasks": [], "cpus": [], "hidden": None, "planted": [], "entries": [],
             "behind": None}
    for line in lines:
        key, _, rest = line.partition(" ")
        words = rest.split()
        if key == "task":
            truth["tasks"].append(task(rest))
        elif key == "cpu":
            truth["cpus"].append(cpu(words))
        elif key == "entry":
            truth["entries"].append(entry(words))
        elif key == "hidden":
            truth["hidden"] = hidden(words)
        elif key == "planted":
            truth["planted"].append(planted(words))
        elif key == "behind":  # of lag.c
            truth["behind"] = {"cpu": int(words[0]), "pid": int(words[1])}
        elif key in ("pti", "gate14_taken"):
            truth[key] = words[0] == "1"
        elif len(words) == 2:
            truth[key] = pair(words)
        else:
            truth[key] = hexadecimal(words[0])
    return truth


def parse(sections):
    """The truth as a dict, from the sections of split()."""
    truth = of_report(sections["truth"])
    truth["modules"] = [module(line) for line in sections["modules"]]
    truth["symbols"] = symbols(sections["kallsyms"])
    return truth
