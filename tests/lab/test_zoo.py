#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Kernels as their packages have them, with a zoo of processes, held against their own
word: what `make zoo` does with every kernel. argv: the build's directory, and the rows of
lab/zoo.conf."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))
import scenario  # noqa: E402
from tap import Tap  # noqa: E402

sys.path.insert(0, str(scenario.SOURCE))
from lab import menagerie  # noqa: E402

KINDS = {
    "missing": "every task, root and module of the guest is there",
    "extra": "none is there that is not the guest's",
    "wrong": "each is what it is said to be",
    "untrue": "nothing is found on a kernel that is well",
    "capture": "a capture answers as the dump does",
}


def check(tap, row, result):
    if "failed" in result:
        tap.case(f"{row.name}: boots and is dumped", False, result["failed"])
        return
    tap.case(f"{row.name}: the zoo has all its species", not result["lacks"],
             ", ".join(result["lacks"]))
    for kind, what in KINDS.items():
        tap.case(f"{row.name}: {what}", not result["counts"].get(kind),
                 "\n".join(result["words"].get(kind, ())))


def main():
    build, names = pathlib.Path(sys.argv[1]), sys.argv[2:]
    tap, reason = Tap(), scenario.why_not()
    by_name = {row.name: row for row in menagerie.rows()}
    zoo = menagerie.Zoo(build)
    for name in names:
        if reason:
            tap.skip(f"{name}: the zoo", reason)
            continue
        with scenario.locked("zoo"):
            check(tap, by_name[name], zoo.result(by_name[name]))
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
