#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which processors owe a flush, as `whosees audit` says of guests, against what the lab
module did there: one CPU is held with its interrupts off while another unmaps a page that
it has used (lab/module/lag.c). In all other guests nobody owes one. argv: the tool, and
scenarios that are booted where they are missing; others are asked where they are there."""

import json
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))
import scenario  # noqa: E402
from tap import Tap  # noqa: E402

RULE = "translations-behind"
FOUND = 0, 1, 4  # exit statuses with an answer


def findings(tool, dump):
    """Those of the rule, as the JSON document has them."""
    made = subprocess.run([tool, "audit", "--json", dump], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False)
    if made.returncode not in FOUND:
        raise RuntimeError(made.stderr)
    answer = json.loads(made.stdout)
    return [row for row in answer["findings"] if row["rule"] == RULE], answer["notes"]


def of_capture(tool, dump):
    """The same of a capture of it, which has no types and nothing that was not looked at."""
    with tempfile.TemporaryDirectory() as scratch:
        capture = pathlib.Path(scratch) / "capture"
        subprocess.run([tool, "capture", dump, "-o", capture], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return findings(tool, capture)


def check(tap, tool, directory):
    truth = json.loads((directory / "truth.json").read_text())
    found, notes = findings(tool, directory / "dump.elf")
    behind, name = truth.get("behind"), directory.name
    if not behind:
        tap.case(f"{name}: no processor owes a flush", not found, found)
        return
    tap.case(f"{name}: CPU {behind['cpu']} owes one, and no other",
             [row["cpu"] for row in found] == [behind["cpu"]], found)
    tap.case(f"{name}: of the space that both use, and its interrupts are off",
             [row["pid"] for row in found] == [behind["pid"]] and
             "interrupts are off" in found[0]["text"], found)
    tap.case(f"{name}: of all processors it is known",
             not [note for note in notes if "flushed" in note], notes)
    told = [(row["cpu"], row["text"]) for row in found]
    found, notes = of_capture(tool, directory / "dump.elf")
    tap.case(f"{name}: a capture tells the same",
             [(row["cpu"], row["text"]) for row in found] == told and
             not [note for note in notes if "flushed" in note], (found, notes))


def main():
    tool, names, tap = sys.argv[1], sys.argv[2:], Tap()
    for directory in scenario.each(tap, names, "who owes a flush"):
        check(tap, tool, directory)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
