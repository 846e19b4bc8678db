#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every process of a real guest, as found in its memory, beside what the guest said of
itself while all its CPUs stood still: pid, comm, mm, active_mm and root, none missing and
none extra. Then the same knowing less and less: no registers, no VMCOREINFO, a CR3 that
is garbage or a waiter's, and no trace of init_mm. argv: the discovery program, and the
scenarios that are booted where they are missing; others are compared where they are there
already."""

import collections
import json
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))
import scenario  # noqa: E402
from tap import Tap  # noqa: E402

SHOWN = 10  # differences in a failure
INIT, PROCESS, USER, LONE, FREED = range(5)  # enum ws_space_kind
GARBAGE = 0xdeadbeef000
PAGE = 4096

Task = collections.namedtuple(
    "Task", "pid kernel_thread mm active_mm root nthreads leader_exited comm")
Space = collections.namedtuple(
    "Space", "kind pid root ntasks mm user private shared comm")


class Reported:
    """What the discovery program printed."""

    def __init__(self, program, *arguments):
        made = subprocess.run([program, *map(str, arguments)], check=False, text=True,
                              errors="surrogateescape",
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.error = made.stderr.strip() or made.returncode if made.returncode else None
        self.tasks, self.spaces, self.notes, self.layout = [], [], [], {}
        for line in made.stdout.splitlines():
            key, _, rest = line.partition(" ")
            if key == "task":
                pid, kernel, mm, active, root, _, threads, gone, comm = rest.split(" ", 8)
                self.tasks.append(Task(int(pid), kernel == "1", int(mm, 16),
                                       int(active, 16), int(root, 16), int(threads),
                                       gone == "1", comm))
            elif key == "space":
                kind, pid, root, ntasks, mm, *weight, comm = rest.split(" ", 8)
                self.spaces.append(Space(int(kind), int(pid), int(root, 16), int(ntasks),
                                         int(mm, 16), *map(int, weight), comm))
            elif key == "layout":
                self.layout = {k: int(v, 0) for k, v in
                               (pair.split("=") for pair in rest.split())}
            elif key == "note":
                self.notes.append(rest)


class Truth:
    """What the guest said: thread-group leaders, and who has which root."""

    def __init__(self, directory):
        self.reported = json.loads((directory / "truth.json").read_text())
        groups = collections.defaultdict(list)
        for task in self.reported["tasks"]:
            groups[task["tgid"]].append(task)
        self.tasks = [task_of(group) for group in groups.values()]
        self.owners = collections.defaultdict(list)
        for task in self.tasks:
            if task.root:
                self.owners[task.root].append(task)
        # a kernel thread that uses a process's memory has none of its own
        self.tasks = [t._replace(root=0) if t.kernel_thread else t for t in self.tasks]
        self.swapper = int(self.reported["swapper_pg_dir"]["pa"], 16)
        self.swapper_va = int(self.reported["swapper_pg_dir"]["va"], 16)

    def root_of(self, pid):
        return next(t.root for t in self.tasks if t.pid == pid)


def task_of(group):
    """The leader; once that has exited, its threads' mm."""
    leader = next(t for t in group if t["pid"] == t["tgid"])
    alive = [t for t in group if t["kernel_thread"] or int(t["mm"], 16)]
    t = alive[0] if alive and leader not in alive else leader
    return Task(leader["pid"], leader["kernel_thread"], int(t["mm"], 16),
                int(t["active_mm"], 16), int(t.get("pgd_pa", "0"), 16), len(alive),
                t is not leader, leader["comm"])


def differences(theirs, ours):
    shown = [f"the guest has {t}" for t in sorted(set(theirs) - set(ours))[:SHOWN]]
    shown += [f"we have       {t}" for t in sorted(set(ours) - set(theirs))[:SHOWN]]
    if not shown and len(theirs) != len(ours):
        shown = [f"{len(ours)} of them, where the guest has {len(theirs)}"]
    return "\n".join(shown)


def by_kind(reported, kind):
    return [s for s in reported.spaces if s.kind == kind]


def space_problems(reported, truth, knows_init):
    """What is wrong with the spaces; empty: nothing."""
    theirs = [(owners[0].pid, owners[0].comm, root, len(owners), owners[0].mm)
              for root, owners in truth.owners.items()]
    ours = [(s.pid, s.comm, s.root, s.ntasks, s.mm) for s in by_kind(reported, PROCESS)]
    problems = [differences(theirs, ours)]
    halves = [(t[0], t[1], t[2] + PAGE) for t in theirs] if truth.reported["pti"] else []
    problems.append(differences(halves, [(s.pid, s.comm, s.root)
                                         for s in by_kind(reported, USER)]))
    init = [s.root for s in by_kind(reported, INIT)]
    if init != ([truth.swapper] if knows_init else []):
        problems.append(f"init_mm: {[hex(r) for r in init]}, not {truth.swapper:#x}")
    if [s.kind == INIT for s in reported.spaces] != sorted(
            (s.kind == INIT for s in reported.spaces), reverse=True):
        problems.append("init_mm is not the first")
    return [p for p in problems if p]


def check(tap, what, reported, truth, knows_init=True):
    if reported.error:
        tap.case(what, False, reported.error)
        return
    tap.case(f"{what}: its {len(truth.tasks)} tasks, and no others",
             sorted(reported.tasks) == sorted(truth.tasks),
             differences(truth.tasks, reported.tasks))
    problems = space_problems(reported, truth, knows_init)
    tap.case(f"{what}: whose are its {len(truth.owners)} roots", not problems,
             "\n".join(problems))
    tap.case(f"{what}: PAGE_OFFSET",
             reported.layout["page_offset"] == int(truth.reported["page_offset"], 16),
             hex(reported.layout["page_offset"]))


def check_image(tap, what, reported, truth, directory):
    """Its end is exact where /proc/kallsyms reports data too."""
    symbols = {}
    for line in (directory / "kallsyms.txt").read_text().splitlines():
        va, _, name, *owner = line.split()
        if not owner:
            symbols[name] = int(va, 16)
    first = reported.layout["image_first"] == symbols["_text"]
    last = "__bss_stop" not in symbols or \
        abs(reported.layout["image_last"] + 1 - symbols["__bss_stop"]) < PAGE
    tap.case(f"{what}: the kernel image", first and last, reported.layout)


def freed_and_lone(reported):
    return sorted((s.kind, s.root) for s in reported.spaces if s.kind in (LONE, FREED))


def check_less(tap, program, directory, truth, full):
    """The same answer from less."""
    dump = directory / "dump.elf"
    waiter = truth.reported["hidden"]
    cr3 = truth.root_of(waiter["pid"]) if waiter else None
    ways = {
        "no registers": ["--forget-registers"],
        "no VMCOREINFO": ["--forget-vmcoreinfo"],
        "a garbage CR3": ["--cr3", GARBAGE],
    }
    if waiter:
        ways["the waiter's CR3"] = ["--cr3", cr3]
        ways["the waiter's CR3 alone"] = ["--cr3", cr3, "--forget-vmcoreinfo"]
    for way, arguments in ways.items():
        what = f"{directory.name} by {way}"
        reported = Reported(program, *arguments, dump)
        check(tap, what, reported, truth)
        tap.case(f"{what}: the same roots are free",
                 freed_and_lone(reported) == freed_and_lone(full),
                 f"{freed_and_lone(reported)}, not {freed_and_lone(full)}")


def check_unnamed(tap, program, directory, truth):
    """Nothing points at init_mm's table: its place says what it is; or, where that is not
    known either, the majority takes its place."""
    waiter = truth.reported["hidden"]
    cr3 = truth.root_of(waiter["pid"] if waiter else 1)
    less = ["--cr3", cr3, "--forget-vmcoreinfo", "--forget-pointer", truth.swapper_va]
    what = f"{directory.name} by init_mm's place"
    reported = Reported(program, *less, directory / "dump.elf")
    check(tap, what, reported, truth)
    tap.case(f"{what}: it says so", not reported.layout.get("consensus") and
             any("init_mm's page table is taken to be" in n for n in reported.notes),
             reported.notes)
    what = f"{directory.name} by consensus"
    reported = Reported(program, *less, "--forget-image", directory / "dump.elf")
    check(tap, what, reported, truth, knows_init=False)
    tap.case(f"{what}: it says so", reported.layout.get("consensus") == 1 and
             any("init_mm's page table was not found" in n for n in reported.notes),
             reported.notes)


def check_nothing(tap, program, directory, truth):
    """The tables in memory alone, in the format that explains them."""
    what = f"{directory.name} by nothing but memory"
    reported = Reported(program, "--forget-registers", "--forget-vmcoreinfo",
                        directory / "dump.elf")
    check(tap, what, reported, truth)
    tap.case(f"{what}: it says so",
             any("says the paging format: it is taken for" in n for n in reported.notes),
             reported.notes)


def check_scenario(tap, program, directory):
    truth = Truth(directory)
    for dump in sorted(directory.glob("dump.*")):
        reported = Reported(program, "--weigh", dump)
        check(tap, f"{directory.name}/{dump.name}", reported, truth)
        tap.case(f"{directory.name}/{dump.name}: nothing is doubtful", not reported.notes,
                 "\n".join(reported.notes))
    reported = Reported(program, directory / "dump.elf")
    if (directory / "kallsyms.txt").exists():
        check_image(tap, directory.name, reported, truth, directory)
    check_less(tap, program, directory, truth, reported)
    check_unnamed(tap, program, directory, truth)
    check_nothing(tap, program, directory, truth)


def main():
    program, names = sys.argv[1], sys.argv[2:]
    tap = Tap()
    for directory in scenario.each(tap, names, "who is there"):
        check_scenario(tap, program, directory)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
