#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The page tables that real kernels have for purposes of their own, in which no task runs:
untouched, nothing is found about them, but where a kernel is known to die; with one entry
changed there is the finding that is meant, and no other. argv: the tool, and scenarios
that are booted where they are missing; others are looked at where they are there."""

import pathlib
import re
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
import scenario  # noqa: E402
import poke  # noqa: E402
from tap import Tap  # noqa: E402

sys.path.insert(0, str(scenario.SOURCE))
from lab import sight  # noqa: E402

FAMILIES = "jump-", "special-"
# docs/findings/arm-lpae-kexec.md
KNOWN = {"armmp-lpae-6.12": {"jump-dies"}}
UNNAMED = {"arm64-6.1"}  # it has no symbols of data
ROOT = re.compile(r"(?:at 0x([0-9a-f]+)[^(]*)\(root 0x([0-9a-f]+)")
PAGE = 0x1000

# Of each architecture: the table of its jumps, by a symbol (None: a note names it) and the
# format that it is read by; where the code is looked for in it, at its virtual address or
# its physical one; and what is done to the entry that maps it.
TABLES = {
    "riscv64": ("trampoline_pg_dir", "relocate_enable_mmu", None, "address"),
    "arm64": ("idmap_pg_dir", "__enable_mmu", "arm64-4k-48", "pa"),
    "armhf": (None, "__turn_mmu_on", None, "pa"),
}
HARMS = {
    "riscv64": [("may not be executed", lambda entry: entry & ~8),
                ("leads to other memory", lambda entry: entry + (2 << 20 >> 12 << 10))],
    "arm64": [("leads to other memory", lambda entry: entry ^ PAGE)],
    "armhf": [("is taken away", lambda entry: 0)],
}


def own(tool, dump):
    """Rules of what is found about the kernel's own tables, and what is said of jumps."""
    reported = sight.ask(tool, "audit", dump)
    rules = {finding["rule"] for finding in reported["findings"]}
    notes = [note for note in map(str, reported["notes"]) if "surviv" in note]
    return {rule for rule in rules if rule.startswith(FAMILIES)}, notes


def place(tool, dump, symbol):
    return sight.ask(tool, "walk", dump, symbol)["summary"][0]


def entry_of(tool, dump, arch, notes):
    """(pa, entry) of what maps the code of the jumps in their own table."""
    table, code, paging, where = TABLES[arch]
    found = [match for match in map(ROOT.search, notes) if match]
    root = place(tool, dump, table)["pa"] if table else "0x" + found[0][2]
    options = ["--format", paging] if paging else []
    steps = sight.ask(tool, "walk", dump, place(tool, dump, code)[where], "--root", root,
                      *options)["steps"]
    return int(steps[-1]["entry_pa"], 16), int(steps[-1]["entry"], 16)


def check_harms(tap, tool, directory, arch, notes):
    dump = directory / "dump.elf"
    pa, entry = entry_of(tool, dump, arch, notes)
    for what, change in HARMS[arch]:
        with tempfile.NamedTemporaryFile() as copy:
            poke.main(dump, f"{pa:x}", f"{change(entry) & 0xffffffff:x}", copy.name)
            found, _ = own(tool, copy.name)
        tap.case(f"{directory.name}: where its own table's entry {what}, jumps die",
                 found == {"jump-dies"}, found)


def check(tap, tool, directory):
    arch = sight.Guest(directory).arch
    found, notes = own(tool, directory / "dump.elf")
    expected = KNOWN.get(directory.name, set())
    tap.case(f"{directory.name}: of tables of the kernel's own is found "
             f"{', '.join(expected) or 'nothing'}", found == expected, found)
    tap.case(f"{directory.name}: a processor can be brought up",
             any("bringing up" in note and " survive, as far" in note for note in notes),
             "\n".join(notes))
    if directory.name not in UNNAMED and "lpae" not in directory.name:
        check_harms(tap, tool, directory, arch, notes)


def main():
    tool, names, tap = sys.argv[1], sys.argv[2:], Tap()
    for directory in scenario.each(tap, names, "the kernel's own tables", scenario.VIRT):
        check(tap, tool, directory)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
