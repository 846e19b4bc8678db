#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""One entry of a root maps all memory that there can be: what is said of it comes before
anybody gives up waiting, and has what lies there.

    giant.py TOOL CAPTURE     run, as TAP; CAPTURE has roots of RISC-V's Sv57
"""

import json
import os
import pathlib
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))
import writers  # noqa: E402
from tap import Tap  # noqa: E402

SECONDS = 60  # by 4 KiB a step it is hours
ROWS = (  # what the entry is, its index, its value, and what is found of it
    ("of the kernel's, writable", 300, 0xe7, "protection-code-alias"),
    ("of a user's, writable", 200, 0xd7, "protection-user-table"),
    ("of a user's, readable", 200, 0xd3, "frames-user-table"),
)


def answer(tool, command, *words):
    try:
        done = subprocess.run([tool, command, *words, "--json"], capture_output=True,
                              check=False, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return None
    return json.loads(done.stdout)


def put(core, pa, value):
    at, data = next((at, data) for at, data in core.memory if 0 <= pa - at < len(data))
    changed = bytearray(data)
    struct.pack_into("<Q", changed, pa - at, value)
    return [(at, bytes(changed)) if here == at else (here, rest)
            for here, rest in core.memory]


def check(tap, tool, capture, to):
    core = writers.Core(pathlib.Path(capture).read_bytes())
    spaces = answer(tool, "spaces", capture)["spaces"]
    root = next(int(space["root"], 16) for space in spaces if space["pid"] == 1)
    for what, index, value, rule in ROWS:
        pathlib.Path(to).write_bytes(writers.elf_core(put(core, root + 8 * index, value),
                                                      core.notes, core.machine))
        frames = answer(tool, "frame", to, "--all")
        found = {row["rule"] for row in (frames or {"conflicts": []})["conflicts"]}
        tap.case(f"an entry {what}, of 256 TiB is followed to its end by frame",
                 rule in found, found)
        tap.case("and by audit", answer(tool, "audit", to) is not None)


def main(tool, capture):
    tap = Tap()
    with tempfile.TemporaryDirectory() as scratch:
        check(tap, tool, capture, os.path.join(scratch, "giant.elf"))
    return tap.end()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
