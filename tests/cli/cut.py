#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A dump that is cut off says so, and what it still says is true.

    cut.py TOOL TARGET...       run, as TAP: each target is cut at many places
"""

import json
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "common"))
from tap import Tap  # noqa: E402

PLACES = 24
NOTE = "the dump is cut off: "
UNKNOWN = "not in the target"


def run(tool, *words):
    done = subprocess.run([tool, *words], capture_output=True, check=False, timeout=120)
    return done.stdout.decode("ascii"), done.stderr.decode("ascii"), done.returncode


def probe(tool, target, *what):
    """The rows by address and root, and the notes; no rows where there is no answer."""
    out, err, status = run(tool, "probe", target, *what, "--all", "--json")
    assert status in (0, 1, 3, 4), (status, err)
    if not out:
        assert status == 3 and err.startswith("note: "), (status, err)
        return {}, err
    document = json.loads(out)
    return ({(row["address"], row["root"]): row for row in document["rows"]},
            "\n".join(document["notes"]))


def freed_roots(tool, target):
    out, _, _ = run(tool, "spaces", target, "--json")
    return {row["root"] for row in json.loads(out)["spaces"] if row["kind"] == "freed"}


def wrong(whole, freed, cut):
    """What is said of the cut dump, and is not what the whole one says, nor unknown. Without
    the task list it is not known of a freed root that nobody runs in it."""
    for key, row in cut.items():
        if UNKNOWN in row["end"] or (row["kind"] == "unowned" and row["root"] in freed):
            continue
        if key not in whole:
            yield f"{key}: no such row of the whole dump: {row}"
        elif (row["end"], row["pa"]) != (whole[key]["end"], whole[key]["pa"]):
            yield f"{key}: {row['end']} {row['pa']}, not {whole[key]}"


def check(tap, tool, target, scratch):
    whole, notes = probe(tool, target, "--all-modules")
    freed = freed_roots(tool, target)
    what = sorted({address for address, _ in whole})
    answered = 0
    tap.case(f"{os.path.basename(target)}: whole", whole and NOTE not in notes, notes)
    with open(target, "rb") as dump:
        data = dump.read()
    for i in range(1, PLACES):
        path = os.path.join(scratch, "cut.elf")
        size = len(data) * i // PLACES + 7 * i
        with open(path, "wb") as out:
            out.write(data[:size])
        cut, notes = probe(tool, path, *what)
        answered += bool(cut)
        tap.case(f"{os.path.basename(target)}: cut at {size}: a note", NOTE in notes, notes)
        untrue = list(wrong(whole, freed, cut))
        tap.case(f"{os.path.basename(target)}: cut at {size}: {len(cut)} rows", not untrue,
                 "\n".join(untrue))
    tap.case(f"{os.path.basename(target)}: a third of the cuts are answered",
             answered > PLACES // 3, answered)


def main():
    tool, targets = sys.argv[1], sys.argv[2:]
    tap = Tap()
    with tempfile.TemporaryDirectory() as scratch:
        for target in targets:
            check(tap, tool, target, scratch)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
