"""A kernel's jump into another: loaded by kexec in a guest, dumped, and jumped to."""

import json
import re

from . import capture, fdt, guest, packages, sight, stock, util

HOME = util.REPO / ".lab/jump"
MEMORY_MIB = 512
SILENCE = 120  # seconds of QEMU's; a kernel that boots says nothing on the debug port
ADDRESS = re.compile(r"PC is at 0x([0-9a-f]+)|PC is at .*|pc : \[<([0-9a-f]+)>\]")
JUMP = "the jump into another kernel"
SURVIVES = re.compile(JUMP + r"\b.* survives?, ")
TOLD = re.compile(r"Oops|Unable to handle|PC is at|pc : |Kernel panic|Starting crashdump|"
                  r"kexec_core|Bye!|Internal error")


def number(text):
    return int(text, 16)


def second_root():
    """The other kernel's: the guest's program finds no plan in it."""
    return stock.packed({"init": stock.build_program("jump.c", "armhf")})


def first_root(kernel, row, tree, second):
    parts = {"kernel": kernel.vmlinuz.read_bytes(), "initrd": second, "dtb": tree}
    plan = [f"entry {row['kernel']}", *(f"load /{name} {row[name]}" for name in parts)]
    if row["way"] == "crash":
        plan.append("crash")
    return stock.packed({"init": stock.build_program("jump.c", "armhf"), **parts,
                         "plan": "\n".join([*plan, ""]).encode()})


def device_tree(conf, kernel, row, second, work):
    """What QEMU would give the other kernel, with its own memory and initrd."""
    (work / "second.gz").write_bytes(second)
    tree = fdt.of_machine(conf, MEMORY_MIB, 1, [
        "-kernel", kernel.vmlinuz, "-initrd", work / "second.gz", "-append",
        f"panic=-1 {guest.PATIENCE}"])
    start = number(row["initrd"])
    return fdt.changed(tree, {("memory", "reg"): [number(n) for n in row["memory"].split()],
                              ("chosen", "linux,initrd-start"): [start],
                              ("chosen", "linux,initrd-end"): [start + len(second)]})


def outcome_of(said, end, console):
    if "@second" in said:
        return "jumps"
    if end == "gone" and any("Oops" in line or "panic" in line for line in console):
        return "dies"
    return {"gone": "is gone", "silent": "is silent"}.get(end, " ".join(said))


def seen(machine, kernel, row, before):
    """Let it jump; what became of it, as data."""
    said, end = machine.go_on(SILENCE, log=None)
    console = machine.serial.read_bytes()[before:].decode(errors="replace").splitlines()
    console = [line.strip() for line in console]
    registers = machine.monitor("info registers") if end == "silent" else None
    found = [m[1] or m[2] for m in map(ADDRESS.search, console) if m and (m[1] or m[2])]
    return {"release": kernel.version, "way": row["way"],
            "outcome": outcome_of(said, end, console), "pc": found[0] if found else None,
            "console": [line for line in console if TOLD.search(line)], "said": said,
            "registers": registers and registers.splitlines()}


def told(tool, dump):
    """What whosees says of the jump from the dump before it: "dies at" an address,
    "survives", or "unknown"."""
    reported = sight.ask(tool, "audit", dump)
    for finding in reported["findings"]:
        if finding["rule"] == "jump-dies" and finding["text"].startswith(JUMP):
            return f"dies at {number(finding['address']):x}"
    survives = any(SURVIVES.search(note) for note in map(str, reported["notes"]))
    return "survives" if survives else "unknown"


def is_right(told_by_tool, result):
    """Not known is no false word."""
    happened = f"dies at {result['pc']}" if result["outcome"] == "dies" else "survives"
    return told_by_tool in (happened, "unknown")


def run(name):
    """Boot a section of jumps.conf, and return what is kept of it in .lab/jump/NAME."""
    row = capture.read_conf("jumps.conf")[name]
    with packages.cache_lock():
        kernel = stock.Package(packages.Apt(row["suite"], ["armhf"]), "armhf",
                               f"linux-image-{row['image']}")
    settings = stock.scenario(kernel, memory=MEMORY_MIB, cmdline=row["cmdline"])
    machine_kind, second = stock.Machine(kernel), second_root()
    with util.whole_dir(HOME / name) as work:
        tree = device_tree(machine_kind.conf, kernel, row, second, work)
        (work / "initramfs.gz").write_bytes(first_root(kernel, row, tree, second))
        with guest.Guest(machine_kind, settings, work / "initramfs.gz", work) as machine:
            refused = "@refused" in machine.lines("@frozen")
            machine.stop()
            machine.dump(work / "dump.elf", "elf")
            util.dig_holes(work / "dump.elf")
            result = {"scenario": name, "refused": refused,
                      **seen(machine, kernel, row, len(machine.serial.read_bytes()))}
        result["as_expected"] = result["outcome"] == row["outcome"] and \
            (not row["pc"] or result["pc"] == row["pc"])
        (work / "jump.json").write_text(json.dumps(result, indent=1) + "\n")
        (work / "vmlinuz").symlink_to(kernel.vmlinuz)
    return result
