#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The audit on real guests. An untouched kernel has no divergence and a whole fault path;
where an entry was taken away, the waiter's space and no other is not coherent. Then entries
that a fault needs are taken away in the dump itself, one by one: what became of a guest
to which that is done is for test_verdicts.py to say. argv: the audit program, and the
scenarios that are booted where they are missing; others are looked at where they are
there, as they would be made now."""

import json
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))
import scenario  # noqa: E402
from tap import Tap  # noqa: E402

sys.path.insert(0, str(scenario.SOURCE))
from lab import capture  # noqa: E402

PAGE = 4096
SHOWN = 10


class Audit:
    """What was said of one state of the memory."""

    def __init__(self):
        self.verdicts, self.reasons, self.findings = {}, {}, []

    def not_coherent(self):
        return {root: v for root, v in self.verdicts.items() if v != "coherent"}


def read(lines):
    """Audits by what was hidden ("as-it-is": nothing)."""
    audits, audit, root = {}, None, None
    for line in lines:
        key, _, rest = line.partition(" ")
        if key == "audit":
            audit = audits[rest] = Audit()
        elif key == "space":
            _, text, verdict = rest.split()[:3]
            root = int(text, 16)
            audit.verdicts[root] = verdict
        elif key == "reason":
            audit.reasons.setdefault(root, []).append(rest)
        elif key == "finding":
            rule, severity, space, va, last, text = rest.split(" ", 5)
            audit.findings.append((rule, severity, int(space, 16), int(va, 16),
                                   int(last, 16), text))
    return audits


def run(program, dump, hides=()):
    options = [f"--hide={root:#x}:{va:#x}" for root, va in hides]
    made = subprocess.run([program, *options, dump], check=False, text=True,
                          errors="replace", stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE)
    if made.returncode:
        raise RuntimeError(f"{dump}: {made.stderr}")
    return read(made.stdout.splitlines())


class Scene:
    """A scenario: its dump, and the guest's truth."""

    def __init__(self, directory):
        self.name, self.directory = directory.name, directory
        self.truth = json.loads((directory / "truth.json").read_text())
        self.wide = self.truth["flavour"].startswith("amd64")

    def root_of(self, comm):
        for task in self.truth["tasks"]:
            if task["comm"] == comm and "pgd_pa" in task:
                return int(task["pgd_pa"], 16)
        raise LookupError(comm)

    def expected(self):
        """The spaces that are not coherent, by root. What is hidden is the entry of module
        memory, which on x86-64 is the kernel image's too; the handler may lie in it."""
        if not self.truth["hidden"]:
            return {}
        nests = self.wide or self.truth["gate14_taken"]
        return {self.root_of("waiter"): "nests" if nests else "heals"}

    def registers(self):
        """Where a processor finds its IDT and its stack, by QEMU's own word, and how many
        bits of an address a private entry stands for."""
        text = (self.directory / "info-registers.cpu0.txt").read_text()
        la57 = int(re.search(r"CR4=(\w+)", text)[1], 16) & 1 << 12
        pae = self.truth["flavour"].endswith("pae")
        return (int(re.search(r"^IDT= *(\w+)", text, re.M)[1], 16),
                int(re.search(r"\b[ER]SP=(\w+)", text)[1], 16),
                (48 if la57 else 39) if self.wide else 21 if pae else 22)


def check_verdicts(tap, scene, audit):
    found, wanted = audit.not_coherent(), scene.expected()
    tap.case(f"{scene.name}: " + (f"the waiter {', '.join(wanted.values())}, all others are "
                                  "coherent" if wanted else "all spaces are coherent"),
             found == wanted,
             "\n".join(f"{root:#x} {verdict}: {audit.reasons.get(root)}"
                       for root, verdict in list(found.items())[:SHOWN]))
    if not wanted:
        # of who is behind with flushes test_behind.py has the truth
        found = [f for f in audit.findings if not f[0].startswith("translations-")]
        tap.case(f"{scene.name}: no divergence, and a whole fault path",
                 not found, "\n".join(map(str, found[:SHOWN])))


def harms(scene):
    """(what is hidden, in which root, its address, the verdict) of an untouched guest. What
    is in one entry goes together: on x86-64 the image and the modules, with five levels
    the IDT as well."""
    root, symbols = scene.root_of("waiter"), scene.truth["symbols"]
    idt, stack, shift = scene.registers()
    handler = int(symbols["asm_exc_page_fault"], 16)
    module = int(scene.truth["lab_page_fault"]["va"], 16)
    with_handler = "double-faults" if handler >> shift == idt >> shift else "nests"
    yield "the IDT", root, idt, "double-faults"
    yield "the page fault's handler", root, handler, with_handler
    yield "kernel stacks", root, stack, "double-faults"
    yield "module memory", root, module, with_handler if scene.wide else "heals"
    if scene.truth["pti"]:
        yield "the IDT, in the user half", root + PAGE, idt, "double-faults"
        yield "entry text, in the user half", root + PAGE, handler, "nests"


def check_harms(tap, program, scene):
    cases = list(harms(scene))
    audits = run(program, scene.directory / "dump.elf",
                 [(root, va) for _, root, va, _ in cases])
    for what, root, va, verdict in cases:
        audit = audits[f"{root:#x}:{va:#x}"]
        found = audit.not_coherent()
        tap.case(f"{scene.name}: without {what} the waiter {verdict}",
                 found == {root: verdict},
                 f"{ {hex(r): v for r, v in found.items()} }\n"
                 f"{audit.reasons.get(root)}")
    return audits["as-it-is"]


def has_private_entries(scene):
    return scene.truth["pti"] or not scene.name.startswith("686-pae")


def look_at(tap, program, scene):
    if not scene.truth["hidden"] and has_private_entries(scene):
        audit = check_harms(tap, program, scene)
    else:
        audit = run(program, scene.directory / "dump.elf")["as-it-is"]
    check_verdicts(tap, scene, audit)


def main():
    program, names = sys.argv[1], sys.argv[2:]
    tap = Tap()
    for directory in scenario.each(tap, names, "the audit"):
        name = directory.name
        if name not in names and not capture.is_current(name, directory):
            tap.skip(f"{name}: the audit",
                     "made from what has changed since: lab/run makes it again")
            continue
        scene = Scene(directory)
        if not scene.truth.get("expected"):
            look_at(tap, program, scene)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
