"""A machine that is dumped once more when it has died, and the truth about its death:
what QEMU's processor met first, and what it was left in."""

import json
import re

from .exceptions import hexadecimal
from .util import LabError, dig_holes

# Of QEMU's `info registers`, what is asked for most; the whole text is kept as well.
REGISTER = re.compile(r"\b(CR[0-4]|[ER](?:IP|SP|FL)|HLT|CPL)=\s*(\w+)")
TABLE = re.compile(r"\b(GDT|IDT)=\s+(\w+) (\w+)")
# What a kernel says that it dies of a fault, and the fault's number.
OOPSES = ((14, re.compile(r"unable to handle \S.* at(?: address:?)? ([0-9a-f]+)|"
                          r"page fault for address: ([0-9a-f]+)")),
          (6, re.compile(r"kernel BUG at|invalid opcode")),
          (13, re.compile(r"general protection fault")))


def number(text):
    return int(text, 16)


def registers(text):
    """Registers of `info registers`, by their names."""
    found = {name: hexadecimal(value) for name, value in REGISTER.findall(text)}
    for name, base, limit in TABLE.findall(text):
        found[name] = {"base": hexadecimal(base), "limit": hexadecimal(limit)}
    return found


def keep(machine, scenario, work):
    """Stop a machine and dump it; return what QEMU says of it."""
    state = machine.status()
    if state == "running":
        machine.stop()
    cpus = []
    for cpu in range(scenario.getint("cpus")):
        text = machine.monitor("info registers", cpu)
        (work / f"dead-registers.cpu{cpu}.txt").write_text(text)
        cpus.append(registers(text))
    machine.dump(work / "dead.elf", "elf")
    dig_holes(work / "dead.elf")
    return {"machine": state, "cpus": cpus}


def oops_of(console, faults):
    """The fault that the console's first oops is of, among those in kernel mode."""
    for line in console:
        for vector, words in OOPSES:
            if not (found := words.search(line)):
                continue
            address = next((number(a) for a in found.groups() if a), None)
            return next((fault for fault in faults if fault["vector"] == vector and
                         (address is None or number(fault["address"]) == address)), None)
    return None


def first_fault(after):
    """(where it is known from, the fault): the first of a storm; else what could not be
    delivered; else what the kernel has said it dies of."""
    if after["storm"]:
        return "storm", after["storm"]["first"]
    if after["fatal"]:
        return "delivery", after["fatal"][0]
    fault = oops_of(after["console"], after["kernel"])
    return ("oops", fault) if fault else (None, None)


def victim(facts, first):
    """In whose space it happened, by the root that was loaded (a user half is the page
    after its kernel half); else whoever acted, the waiter: who has loaded another's root
    has done so himself."""
    loaded = told(facts["after"], "root")
    cr3 = number(first["cr3"]) if first and not loaded else 0
    roots = cr3, cr3 & ~0xfff, cr3 & ~0x1fff
    of = {number(task["pgd_pa"]): task for task in reversed(facts["tasks"])
          if not task["kernel_thread"] and "pgd_pa" in task}
    waiter = next(task for task in facts["tasks"] if task["comm"] == "waiter")
    task = next((of[root] for root in roots if root in of), waiter)
    return {"pid": task["pid"], "comm": task["comm"], "mm": task["mm"],
            "root": task["pgd_pa"]}


def told(after, what):
    """An address that the module has said before it did what it was to do, or None."""
    words = (line.split() for line in after["said"])
    return next((hexadecimal(w[2]) for w in words if w[:2] == ["after", what]), None)


# Of what the lab module does it says where, right before it does so.
SAID = {"root-freed": "root", "root-foreign": "root", "table-overwritten": "overwritten",
        "stack-overflow": "stack"}


def check(after, cause):
    """It died of what it was to die of."""
    if after["end"] == "ended" and cause != "none":
        raise LabError(f"it was to die of {cause}, and lives: {after['said']}")
    if cause in SAID and not told(after, SAID[cause]):
        raise LabError(f"it died, and not of {cause}: {after['console']}")


def of(facts, scenario):
    """The truth about a death, as data."""
    after = facts["after"]
    check(after, scenario["cause"])
    known_from, first = first_fault(after)
    storm = after["storm"] or {}
    return {"scenario": facts["scenario"], "cause": scenario["cause"],
            "arch": facts["arch"], "release": facts["release"],
            "state": after["state"]["machine"], "end": after["end"],
            "outcome": after["outcome"], "console": after["console"],
            "victim": victim(facts, first),
            "handler": told(after, "handler") or facts["gate14"],
            "root": told(after, "root"), "overwritten": told(after, "overwritten"),
            "stack": told(after, "stack"),
            "first_from": known_from, "first": first,
            "page_faults": storm.get("page_faults"),
            # that were pushed: the last one's delivery is what failed
            "frames": storm["page_faults"] - bool(storm["ending"]) if storm else None,
            "last_sp": storm.get("last_sp"),
            "ending": storm.get("ending") or ("triple fault" if after["triple_fault"] else
                                              "double fault" if after["fatal"] else None),
            "fatal": after["fatal"], "exceptions": after["exceptions"],
            "cpus": after["state"]["cpus"], "planted": facts["planted"],
            "hidden": facts["hidden"]}


def write(facts, scenario, work):
    (work / "dead.json").write_text(json.dumps(of(facts, scenario), indent=1) + "\n")
