#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A storm that a scenario says as it happens, and the one that what-if predicts from the
memory that the scenario leaves: as many frames, the same last stack pointer, and the same
pages overwritten. The one knows whose each page is, the other finds out. And what autopsy
finds of it in the memory of the machine that has died of it: the same story.

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
    """The same of every process that does not survive, with its pid."""
    options = [f"sim:{name}", "--tlb", "tcg", "--json"]
    everybody = json.loads(run(tool, "what-if", *options, "--spaces", "all"))
    for row in everybody["spaces"]:
        if row["survives"]:
            continue
        one = json.loads(run(tool, "what-if", *options, "--pid", str(row["pid"] or 0)))
        uses = {use["use"]: use["pages"] for use in one["uses"]}
        yield row["pid"], (row["frames"], int(row["sp"], 16),
                           {use: uses.get(use, 0) for use in USES.values()})


# Of the module that is gone the storm runs over the very entry that was empty.
CAUSES = {"unload-order": "handler-unreached"}


def check_autopsy(tap, tool, name, reported, pids):
    """The first frame is of what was interrupted: all others saved the handler's address."""
    death = json.loads(run(tool, "autopsy", f"sim:{name}@end", "--json"))["summary"][0]
    tap.case(f"{name}: autopsy finds {reported[0] - 1} alike down to {reported[1]:#x}, of the "
             "process that was told of",
             (death["cause"], death["frames"], death["last_sp"] and int(death["last_sp"], 16),
              death["first_user"]) ==
             (CAUSES.get(name, "handler-unmapped"), reported[0] - 1, reported[1], True) and
             death["pid"] in pids, death)


def main(tool, *names):
    tap = Tap()
    stories = {name: run(tool, "sim", name) for name in names}
    storms = {name: story(reported) for name, reported in stories.items() if STORM.search(reported)}
    tap.case("the bug of 2012 is one of these", "naughty-bug" in storms, sorted(storms))
    for name, reported in storms.items():
        expected = list(predicted(tool, name))
        pids = [pid for pid, one in expected if one == reported]
        tap.case(f"{name}: {reported[0]} frames down to {reported[1]:#x}, through {reported[2]}: "
                 "predicted", pids, expected)
        check_autopsy(tap, tool, name, reported, pids)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
