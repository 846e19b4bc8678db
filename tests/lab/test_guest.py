#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A guest boots and leaves its files, where they are not there as they would be made now.
So each is a test of its own, before those that look at it, and each takes its own time.
argv: a scenario."""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))
import scenario  # noqa: E402
from tap import Tap  # noqa: E402

sys.path.insert(0, str(scenario.SOURCE))
from lab import capture, filtered  # noqa: E402


def main():
    name, tap = sys.argv[1], Tap()
    directory, reason = scenario.wanted(name)
    if reason:
        tap.skip(f"{name} boots", reason)
        return tap.end()
    conf = capture.read_scenarios()[name]
    files = ["dump.elf", *(capture.dump_name(form) for form in conf["formats"].split()),
             *(name for form in conf["filtered"].split() for name in filtered.names(form))]
    missing = [file for file in files if not (directory / file).exists()]
    tap.case(f"{name} boots, and is dumped in {len(files)} forms", not missing,
             f"not there: {missing}")
    truth = json.loads((directory / "truth.json").read_text())
    herd = sum(task["comm"].startswith("herd-0") for task in truth["tasks"])
    tap.case(f"{name} says who is there: {herd} of its herd",
             herd == conf.getint("first") + conf.getint("processes"), herd)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
