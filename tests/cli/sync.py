#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What would be copied, what would be left alone, and that a machine in which it is done has
nothing more to do.

    sync.py TOOL NESTS     run, as TAP; NESTS: a capture in which a process lacks an entry
"""

import json
import os
import pathlib
import struct
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "common"))
import writers  # noqa: E402
from answers import answer  # noqa: E402
from tap import Tap  # noqa: E402

SCHEMA = pathlib.Path(__file__).resolve().parents[2] / "docs/schema/sync-1.json"
PAGE = 4096


def changed(path, to, words):
    """A copy with other words at some physical addresses."""
    core = writers.Core(pathlib.Path(path).read_bytes())
    memory = {pa + at: bytearray(data[at:at + PAGE]) for pa, data in core.memory
              for at in range(0, len(data), PAGE)}
    for pa, word in words.items():
        struct.pack_into("<I", memory[pa & -PAGE], pa % PAGE, word)
    pathlib.Path(to).write_bytes(writers.elf_core(
        sorted((pa, bytes(data)) for pa, data in memory.items()), core.notes, core.machine))


def check_schema(tap, document):
    try:
        import jsonschema
    except ImportError:
        tap.skip("the plan is valid by its schema", "python3-jsonschema is missing")
        return
    valid = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text()))
    wrong = [error.message for error in valid.iter_errors(document)]
    tap.case("the plan is valid by its schema", not wrong, wrong)


def main(tool, nests):
    tap = Tap()
    plan, status = answer(tool, "sync", nests)
    entry = plan["entries"][0]
    walk, _ = answer(tool, "walk", nests, entry["address"], "--pid", str(entry["pid"]))
    there, _ = answer(tool, "walk", nests, entry["address"], "--pid", "0")
    tap.case("what a space lacks would be copied from init_mm",
             status == 1 and len(plan["entries"]) == 1 and entry["refused"] is None and
             (entry["entry_pa"], entry["now"]) ==
             (walk["steps"][-1]["entry_pa"], walk["steps"][-1]["entry"]) and
             entry["then"] == there["steps"][0]["entry"], plan)
    check_schema(tap, plan)
    pa, then = int(entry["entry_pa"], 16), int(entry["then"], 16)
    with tempfile.TemporaryDirectory() as scratch:
        to = os.path.join(scratch, "machine.elf")
        changed(nests, to, {pa: then})
        done, status = answer(tool, "sync", to)
        audit, _ = answer(tool, "audit", to)
        tap.case("where it is done, nothing is left to do, and no process nests",
                 (done["entries"], status) == ([], 0) and
                 not [s for s in audit["spaces"] if s["verdict"] == "nests"], done)
        for what, word, why in (("another table", then ^ 0x1000, "present, and another"),
                                ("a word that is not present", 0x1000, "not empty")):
            changed(nests, to, {pa: word})
            left, status = answer(tool, "sync", to)
            tap.case(f"{what} would be left alone",
                     status == 1 and [why in e["refused"] for e in left["entries"]] == [True] and
                     left["summary"][0]["copied"] == 0, left)
        plan, _ = answer(tool, "sync", "sim:naughty-bug")
        tap.case("a simulated machine has a plan too",
                 plan["entries"] and all(e["refused"] is None for e in plan["entries"]), plan)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
