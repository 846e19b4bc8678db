#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A storm that a scenario says as it happens, and the one that what-if predicts from the
memory that the scenario leaves: as many frames, the same last stack pointer, and the same
pages overwritten. The one knows whose each page is, the other finds out.

    sim_what_if.py TOOL SCENARIO...      run, as TAP

Scenarios without a storm are passed over.
"""

import json
import os
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))
from tap import PATIENCE, Tap  # noqa: E402

STORM = re.compile(r"([\d,]+) frames later the stack has come down from \w+ to (\w+)")
# What the scenario calls them, and what-if.
USES = {"page tables?": "page table", "free pages?": "free",
        "pages? of kernel stacks?": "kernel stack"}


def run(tool, *arguments):
    """On lines so wide that nothing is wrapped."""
    return subprocess.run([tool, *arguments], env=dict(os.environ, COLUMNS="65535"),
                          capture_output=True, text=True, timeout=PATIENCE,
                          check=False).stdout


def number(text):
    return int(text.replace(",", ""))


def story(reported):
    """Frames, last stack pointer and pages by use, as the scenario says them."""
    frames, sp = STORM.search(reported).groups()
    line = next(line for line in reported.splitlines() if "it has run over" in line)
    pages = {use: number(match[1]) if match else 0 for use, match in
             ((use, re.search(rf"([\d,]+) {words}", line)) for words, use in USES.items())}
    return number(frames), int(sp, 16), pages


def predicted(tool, name):
    """The same of every process that does not survive."""
    options = [f"sim:{name}", "--tlb", "tcg", "--json"]
    everybody = json.loads(run(tool, "what-if", *options, "--spaces", "all"))
    for row in everybody["spaces"]:
        if row["survives"]:
            continue
        one = json.loads(run(tool, "what-if", *options, "--pid", str(row["pid"] or 0)))
        uses = {use["use"]: use["pages"] for use in one["uses"]}
        yield (row["frames"], int(row["sp"], 16),
               {use: uses.get(use, 0) for use in USES.values()})


def main(tool, *names):
    tap = Tap()
    stories = {name: run(tool, "sim", name) for name in names}
    storms = {name: story(reported) for name, reported in stories.items() if STORM.search(reported)}
    tap.case("the bug of 2012 is one of these", "naughty-bug" in storms, sorted(storms))
    for name, reported in storms.items():
        expected = list(predicted(tool, name))
        tap.case(f"{name}: {reported[0]} frames down to {reported[1]:#x}, through {reported[2]}: "
                 "predicted", reported in expected, expected)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
