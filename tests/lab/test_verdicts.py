#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What an audit says of a guest's memory, beside what the guest then did: the scenarios of
lab/verdicts.conf. The audit of the dump has to give the verdict that was expected to the
space that was harmed, and no other to any other space; to find what was planted where it
was planted; and the guest, going on from that dump, has to do what the verdict says. argv:
the tool, and the scenarios that are booted where they are missing; others are compared
where they are there already."""

import json
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))
import scenario  # noqa: E402
from tap import Tap  # noqa: E402

NESTED = 100  # faults at one address that are a nest: an entry stack of a page holds 255


def lives(after):
    return after["end"] == "ended" and "after waiter alive" in after["said"]


def heals(after, harm):
    """It lived, and it was not for want of touching what was missing."""
    return lives(after) and faults_in(after, harm) > 0


def nests(after, _):
    return not lives(after) and max(after["page_faults"].values(), default=0) >= NESTED


def double_faults(after, _):
    """Death at the first fault: not a nest."""
    return not lives(after) and "08" in after["exceptions"] and \
        max(after["page_faults"].values(), default=0) < NESTED


def diverges(after, harm):
    """The waiter cannot do what others can, or can what others cannot."""
    alone = "after other gone" in after["said"]
    return lives(after) and alone or not lives(after) and faults_in(after, harm) > 0


def leaks(after, _):
    return lives(after) and "after seen memory of the lab" in after["said"]


def coherent(after, _):
    return lives(after) and "after other alive" in after["said"]


DOES = {"heals": heals, "nests": nests, "double-faults": double_faults,
        "diverges": diverges, "leaks": leaks, "coherent": coherent}


def faults_in(after, harm):
    return sum(n for address, n in after["page_faults"].items()
               if harm["first"] <= int(address, 16) <= harm["last"])


def harm_of(truth):
    """What was done to the guest: where, and to whom (0: everyone)."""
    hidden, planted = truth["hidden"], truth["planted"]
    if hidden:
        size = int(hidden["size"], 16)
        first = int(hidden["address"], 16) & ~(size - 1)
        return {"pid": hidden["pid"], "first": first, "last": first + size - 1}
    first = int(planted[0]["address"], 16) & ~0xfff
    return {"pid": planted[0]["pid"], "first": first, "last": first + 0xfff}


def audit(tool, dump):
    made = subprocess.run([tool, "audit", "--json", dump], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False)
    if made.returncode not in (0, 1):
        raise RuntimeError(f"exit status {made.returncode}: {made.stderr}")
    return json.loads(made.stdout), made.returncode


def name_of(space):
    return space["comm"] + (" user half" if space["kind"] == "user half" else "")


def check_verdicts(tap, name, spaces, expected):
    """What is wrong with a user half is its space's verdict too."""
    sick = (expected["space"], (expected["space"] or "").removesuffix(" user half"))
    wrong = []
    for space in spaces:
        if space["verdict"] is None:  # nobody runs there: nothing was asked
            continue
        want = expected["verdict"] if name_of(space) in sick else "coherent"
        if space["verdict"] != want:
            wrong.append(f"{name_of(space)} ({space['pid']}) is {space['verdict']}, "
                         f"not {want}: {space['reasons']}")
    there = expected["space"] is None or \
        expected["space"] in [name_of(space) for space in spaces]
    tap.case(f"{name}: {expected['space'] or 'everyone'} is {expected['verdict']}, and "
             "all others are coherent", there and not wrong, "\n".join(wrong))


def check_finding(tap, name, findings, expected, harm):
    def is_it(finding):
        return finding["rule"] == expected["rule"] and \
            harm["pid"] in (0, finding["pid"]) and \
            int(finding["address"], 16) <= harm["last"] and \
            int(finding["last"], 16) >= harm["first"]

    tap.case(f"{name}: {expected['rule']} finds what was planted",
             any(map(is_it, findings)), sorted({f["rule"] for f in findings}))


def check_guest(tap, name, truth, harm):
    expected, after = truth["expected"], truth["after"]
    seen = f"{after['outcome']}, {after['said']}, {after['exceptions']}, " \
           f"{after['page_faults']}, {after['console']}"
    tap.case(f"{name}: the guest goes on as the scenario says: {expected['outcome']}",
             after["outcome"] == expected["outcome"] and
             all(f"after {line}" in after["said"] for line in expected["said"]), seen)
    tap.case(f"{name}: the guest does what {expected['verdict']} means",
             DOES[expected["verdict"]](after, harm), seen)


def check(tap, tool, directory, truth):
    name, harm = directory.name, harm_of(truth)
    reported, status = audit(tool, directory / "dump.elf")
    tap.case(f"{name}: exit status 1", status == 1, status)
    check_verdicts(tap, name, reported["spaces"], truth["expected"])
    check_finding(tap, name, reported["findings"], truth["expected"], harm)
    check_guest(tap, name, truth, harm)


def main():
    tool, names = sys.argv[1], sys.argv[2:]
    tap = Tap()
    for directory in scenario.each(tap, names, "the verdict, and what the guest did"):
        truth = json.loads((directory / "truth.json").read_text())
        if truth.get("expected"):
            check(tap, tool, directory, truth)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
