#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Modules and symbols of a real guest, as read out of its memory, beside what the guest
said of itself: its /proc/modules and its /proc/kallsyms, every line of them. argv: the
symbols program, and the scenarios that are booted where they are missing; of others that
are there already, the plain dump is compared."""

import collections
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))
import scenario  # noqa: E402
from tap import Tap  # noqa: E402

SHOWN = 10  # differing lines in a failure
MEMBERS = 10  # that one kernel has of enum ws_member: core_layout or mem, not both
KASLR_STEP = 0x1000000  # CONFIG_PHYSICAL_ALIGN divides it


class Reported:
    """What the symbols program printed."""

    def __init__(self, program, *arguments):
        made = subprocess.run([program, *map(str, arguments)], check=False, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.error = made.stderr.strip() if made.returncode else None
        lines = collections.defaultdict(list)
        for line in made.stdout.splitlines():
            key, _, rest = line.partition(" ")
            lines[key].append(rest)
        self.notes, self.types = lines["note"], lines["types"]
        self.modules = [module(words.split()) for words in lines["module"]]
        self.symbols = collections.Counter(symbol(s) for s in lines["symbol"])


def module(words):
    regions = [[int(n, base) for n, base in zip(r.split(":"), (16, 10))]
               for r in words[2:]]
    return {"name": words[0], "size": sum(length for _, length in regions),
            "address": hex(regions[0][0]) if regions else None}


def symbol(line):
    """(address, type, name, module). The kernel prints the type of a module's symbol in
    capitals where it is exported; memory keeps it small."""
    address, kind, name, *owner = line.split()
    return (int(address, 16), kind.lower() if owner else kind, name,
            owner[0] if owner else "")


def truth_of(directory):
    text = (directory / "kallsyms.txt").read_text()
    return (json.loads((directory / "truth.json").read_text()),
            collections.Counter(symbol(line) for line in text.splitlines()))


def difference(theirs, ours):
    shown = [f"the guest has {s}" for s in sorted((theirs - ours).keys())[:SHOWN]]
    return "\n".join(shown + [f"we have       {s}"
                              for s in sorted((ours - theirs).keys())[:SHOWN]])


def check_symbols(tap, what, reported, symbols):
    tap.case(f"{what}: its {sum(symbols.values())} symbols, and no others",
             not reported.error and reported.symbols == symbols,
             reported.error or difference(symbols, reported.symbols))


def check_modules(tap, what, reported, truth):
    tap.case(f"{what}: its {len(truth['modules'])} modules, in order",
             reported.modules == truth["modules"],
             f"the guest has {truth['modules']}\nwe have       {reported.modules}")


def write_map(path, symbols, shift):
    """A System.map as the kernel was linked; per-CPU symbols do not move."""
    lowest = min(s[0] for s in symbols if s[1] == "T")
    with open(path, "w", encoding="ascii") as out:
        for address, kind, name, owner in sorted(symbols):
            if not owner:
                moved = address - shift if address >= lowest else address
                print(f"{moved:016x} {kind} {name}", file=out)


def check_system_map(tap, program, directory, symbols, other):
    """A map of this kernel adds nothing that is not so; one of another is refused."""
    dump = directory / "dump.elf"
    with tempfile.TemporaryDirectory() as temporary:
        path = pathlib.Path(temporary) / "System.map"
        write_map(path, symbols, KASLR_STEP)
        reported = Reported(program, "--system-map", path, dump)
        check_symbols(tap, f"{directory.name} with its System.map", reported, symbols)
        if not other:
            return
        write_map(path, truth_of(other)[1], 0)
        reported = Reported(program, "--system-map", path, dump)
        tap.case(f"{directory.name} with the System.map of {other.name} is refused",
                 reported.error is not None and "is not of this kernel" in reported.error,
                 reported.error)


def lab_module(directory, temporary):
    """The lab module that the guest loaded, with the DWARF of its kernel's headers."""
    subprocess.run(["cpio", "-id", "--quiet", "modules/whosees_lab.ko"], check=True,
                   cwd=temporary, stdin=open(directory / "initramfs.cpio", "rb"))
    return pathlib.Path(temporary) / "modules/whosees_lab.ko"


def link_vmlinux(directory, symbols, bits, temporary):
    """An ELF kernel of this guest: its functions, linked elsewhere than they ran, and
    its types, which a real vmlinux of 700 MB would say no better."""
    functions = {s[2]: s for s in symbols if s[1] in "tT" and not s[3]}
    base = min(address for address, *_ in functions.values())
    source, vmlinux = temporary / "functions.s", temporary / "vmlinux"
    with open(source, "w", encoding="ascii") as out:
        print('.section .kernel, "ax"\nbase:', file=out)
        for address, kind, name, _ in functions.values():
            print(f'.type "{name}", @function\n'
                  f'.set "{name}", base + {address - base:#x}', file=out)
            if kind == "T":
                print(f'.globl "{name}"', file=out)
    subprocess.run(["as", f"--{bits}", "-o", source.with_suffix(".o"), source],
                   check=True)
    # the module's own references lead nowhere: only its types are wanted
    subprocess.run(["ld", "-m", {32: "elf_i386", 64: "elf_x86_64"}[bits], "-e", "0",
                    "--noinhibit-exec", "--unresolved-symbols=ignore-all",
                    f"--section-start=.kernel={base - KASLR_STEP:#x}", "-o", vmlinux,
                    source.with_suffix(".o"), lab_module(directory, temporary)],
                   check=False, stderr=subprocess.DEVNULL)
    return vmlinux


def check_vmlinux(tap, program, directory, symbols, bits):
    name = f"{directory.name} with an ELF kernel: DWARF agrees with what was inferred"
    missing = [tool for tool in ("as", "ld", "cpio") if not shutil.which(tool)]
    if missing:
        tap.skip(name, f"no {missing[0]} (make check installs it)")
        return
    with tempfile.TemporaryDirectory() as temporary:
        vmlinux = link_vmlinux(directory, symbols, bits, pathlib.Path(temporary))
        reported = Reported(program, "--vmlinux", vmlinux, directory / "dump.elf")
    doubts = [note for note in reported.notes if "DWARF" in note]
    tap.case(name, reported.types == [f"DWARF: {MEMBERS} members"] and not doubts and not symbols - reported.symbols,
             "\n".join([reported.error or "", *doubts,
                        difference(symbols, reported.symbols & symbols)]))


def check_dump(tap, program, dump, truth, symbols):
    what = f"{dump.parent.name}/{dump.name}"
    reported = Reported(program, dump)
    check_modules(tap, what, reported, truth)
    check_symbols(tap, what, reported, symbols)
    return reported


def check(tap, program, directory, other):
    """Everything, of a scenario that `make check` makes sure of."""
    truth, symbols = truth_of(directory)
    amd64 = truth["flavour"].startswith("amd64")
    for dump in [directory / "dump.elf", *directory.glob("dump.kdump")]:
        reported = check_dump(tap, program, dump, truth, symbols)
        tap.case(f"{directory.name}/{dump.name}: nothing is doubtful", not reported.notes,
                 "\n".join(reported.notes))
    if amd64:
        tap.case(f"{directory.name}: BTF agrees with what was inferred",
                 reported.types == [f"BTF: {MEMBERS} members"] and not reported.notes, reported.types)
    check_symbols(tap, f"{directory.name} without VMCOREINFO",
                  Reported(program, "--forget-vmcoreinfo", directory / "dump.elf"), symbols)
    check_system_map(tap, program, directory, symbols, other)
    check_vmlinux(tap, program, directory, symbols, 64 if amd64 else 32)


def another_kernel(directory):
    """A scenario that is there with another kernel."""
    def release(d):
        return json.loads((d / "truth.json").read_text())["release"]

    for name in scenario.present():
        other = scenario.LAB / name
        if release(other) != release(directory) and (other / "kallsyms.txt").exists():
            return other
    return None


def main():
    program, names = sys.argv[1], sys.argv[2:]
    tap = Tap()
    what = "modules and symbols"
    for directory in scenario.each(tap, names, what):
        if not (directory / "kallsyms.txt").exists():
            tap.skip(f"{directory.name}: {what}",
                     "the scenario does not keep the guest's symbols")
        elif directory.name in names:
            check(tap, program, directory, another_kernel(directory))
        else:
            check_dump(tap, program, directory / "dump.elf", *truth_of(directory))
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
