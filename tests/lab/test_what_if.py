#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What what-if says of a guest's memory, beside what the guest then did: the scenarios of
lab/verdicts.conf, and a capture beside the dump that it was made of. argv: the tool, and
the scenarios that are booted where they are missing; others are compared where they are
there already."""

import json
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))
import scenario  # noqa: E402
from tap import PATIENCE, Tap  # noqa: E402

# What the processor does where the fault path is harmed, by what the guest came to.
FATES = {"double fault": "panics", "hang": "loops", "triple fault": "triple fault"}
# What a fault reports is the way to the handler's first byte.
BEHIND_THE_FIRST_BYTE = {"faultpath-pti-entry", "faultpath-pf-reach"}


def what_if(tool, dump, *options):
    made = subprocess.run([tool, "what-if", dump, "--json", *options],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          check=False, timeout=PATIENCE)
    if made.returncode not in (0, 1):
        raise RuntimeError(f"exit status {made.returncode}: {made.stderr}")
    return json.loads(made.stdout), made.returncode


def expected_fates(expected):
    """The fates that agree with what the guest did."""
    if expected["verdict"] not in ("nests", "double-faults"):
        return {"survives"}
    fates = {FATES[expected["outcome"]]}
    if expected["rule"] in BEHIND_THE_FIRST_BYTE:
        fates.add("survives")
    return fates


def check_fates(tap, name, reported, status, expected):
    comm = (expected["space"] or "").removesuffix(" user half")
    dies = expected["verdict"] in ("nests", "double-faults")
    wrong, seen = [], False
    for row in reported["spaces"]:
        harmed = row["comm"] == comm
        fates = expected_fates(expected) if harmed else {"survives"}
        seen |= harmed
        if row["fate"] not in fates or row["survives"] == (harmed and dies):
            wrong.append(f"{row['comm']} ({row['pid']}): {row['fate']}, audit says "
                         f"{row['verdict']}")
    tap.case(f"{name}: {comm or 'nobody'} meets {' or '.join(sorted(expected_fates(expected)))}"
             ", and all others survive", not wrong and (seen or not comm), "\n".join(wrong))
    tap.case(f"{name}: exit status {int(dies)}", status == int(dies), status)


def waiter(truth):
    return str(next(t["pid"] for t in truth["tasks"] if t["comm"] == "waiter"))


def check_count(tap, tool, directory, truth):
    """The entry stack is the same whenever the fault is: frames can be counted."""
    nested = max(truth["after"]["page_faults"].values(), default=0)
    reported, _ = what_if(tool, directory / "dump.elf", "--pid", waiter(truth), "--tlb", "tcg")
    row = reported["spaces"][0]
    tap.case(f"{directory.name}: {nested} nested faults, as the guest's processor had",
             row["nested"] == nested, row)


def check_runs(tap, name, reported):
    """Every page that was overwritten is in one run; the last SP is in one of stack."""
    row, runs = reported["spaces"][0], reported["overwritten"]
    pages = sum(run["pages"] for run in runs)
    uses = {use["use"]: use["pages"] for use in reported["uses"]}
    tap.case(f"{name}: {row['overwritten']} pages overwritten, each in one run",
             pages == row["overwritten"] == sum(uses.values()) and
             all(a["last"] < b["pa"] for a, b in zip(runs, runs[1:])), runs)


def storm_ends(row, runs):
    """Mostly in write-protected text, which panics. A stack that lies above its own
    space's tables overwrites them instead, and nothing is left to fetch a handler by."""
    met = any(run["use"] == "page table" for run in runs)
    return row["fate"] == "panics" or (row["fate"] == "triple fault" and met)


def check_storm(tap, tool, directory, truth):
    """From kernel mode, down through what lies below the task's stack."""
    name, pid = directory.name, waiter(truth)
    said = {}
    for tlb in ("tcg", "sdm", "none"):
        reported, _ = what_if(tool, directory / "dump.elf", "--pid", pid, "--fault", "kernel",
                          "--tlb", tlb)
        said[tlb] = reported
    row = said["tcg"]["spaces"][0]
    tap.case(f"{name}: from kernel mode too, from where the task was",
             row["sp_from"] == "saved" and storm_ends(row, said["tcg"]["overwritten"]) and
             row["nested"] > 100, [row, said["tcg"]["overwritten"]])
    tap.case(f"{name}: the waiter's own stack is the first to go",
             any(run["use"] == "kernel stack" and str(run["pid"]) == pid
                 for run in said["tcg"]["overwritten"]), said["tcg"]["overwritten"])
    check_runs(tap, name, said["tcg"])
    check_capture(tap, tool, directory, pid, said["tcg"])


def check_capture(tap, tool, directory, pid, reported):
    """A capture has the tables, and none of the pages that the stack goes through."""
    names = ("fate", "frames", "nested", "first_sp", "sp")
    sp = reported["spaces"][0]["start_sp"]
    with tempfile.TemporaryDirectory() as scratch:
        capture = pathlib.Path(scratch) / "capture.elf"
        subprocess.run([tool, "capture", directory / "dump.elf", "-o", capture],
                       check=True, timeout=PATIENCE, stdout=subprocess.DEVNULL)
        small, _ = what_if(tool, capture, "--pid", pid, "--fault", "kernel", "--tlb", "tcg",
                           "--sp", sp)
    a, b = reported["spaces"][0], small["spaces"][0]
    tap.case(f"{directory.name}: a capture says the same, and that it lacks frames",
             [a[n] for n in names] == [b[n] for n in names] and b["missing"] > 0 and
             a["missing"] == 0, f"{a}\n{b}")


def check(tap, tool, directory, truth):
    reported, status = what_if(tool, directory / "dump.elf", "--spaces", "all")
    check_fates(tap, directory.name, reported, status, truth["expected"])
    if directory.name == "nests":
        check_count(tap, tool, directory, truth)
        check_storm(tap, tool, directory, truth)


def check_other(tap, tool, directory):
    """Nothing was done to these guests' handlers; some processes miss the kernel's own."""
    for mode in ("user", "kernel"):
        reported, status = what_if(tool, directory / "dump.elf", "--spaces", "all",
                               "--fault", mode)
        dead = [row for row in reported["spaces"] if row["verdict"] == "nests"]
        wrong = [row for row in reported["spaces"]
                 if (row["fate"] == "survives") == (row in dead) or
                 row["sp_from"] not in ("TSS", "saved", "processor", "borrowed")]
        tap.case(f"{directory.name}: a fault from {mode} mode is handled in "
                 f"{len(reported['spaces']) - len(dead)} spaces, and nests in {len(dead)}: as "
                 "the audit says", status == bool(dead) and not wrong and
                 {row["comm"] for row in dead} <= {"waiter"}, wrong)


def main():
    tool, names = sys.argv[1], sys.argv[2:]
    tap = Tap()
    for directory in scenario.each(tap, names, "what-if, and what the guest did"):
        truth = json.loads((directory / "truth.json").read_text())
        if truth.get("expected"):
            check(tap, tool, directory, truth)
        else:
            check_other(tap, tool, directory)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
