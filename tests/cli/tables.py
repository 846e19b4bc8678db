#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Page tables whose kernel is not known are walked from a root that is given; whatever
asks for more is refused, with the reason. TAP. argv: whosees."""

import json
import pathlib
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))
from tap import Tap  # noqa: E402

WHOSEES = sys.argv[1]
ROOT = 0x4000
LAST = 0x1000  # the table of pages
SIZE = 1 << 20
UXN = 1 << 54
OTHERS = [["spaces"], ["modules"], ["probe", "0x1000"], ["audit"], ["what-if", "--pid", "1"],
          ["report", "-o", "/dev/null"], ["capture", "-o", "/dev/null"]]


def chain(size, tables, leaf, table=3, shift=0):
    """One page at index 5 of the last table, and index 0 of all those above."""
    entries = {at: below >> shift | table for at, below in zip(tables, tables[1:])}
    entries[tables[-1] + 5 * size] = leaf
    return size, tables[0], entries


# A format: its tables, where the page is, and with which rights; it is at 0x30000.
IMAGES = {
    "arm64-4k-39": (chain(8, [ROOT, 0x2000, LAST], UXN | 0x30703), 0x5000, "rwx kernel"),
    "arm64-4k-48": (chain(8, [ROOT, 0x3000, 0x2000, LAST], UXN | 0x30703), 0x5000, "rwx kernel"),
    "arm64-64k-42": (chain(8, [0x10000, 0x20000], UXN | 0x30703), 0x50000, "rwx kernel"),
    "riscv-sv32": (chain(4, [ROOT, LAST], 0xc007, 1, 2), 0x5000, "rw- kernel"),
    "riscv-sv39": (chain(8, [ROOT, 0x2000, LAST], 0xc007, 1, 2), 0x5000, "rw- kernel"),
    "riscv-sv57": (chain(8, [ROOT, 0x6000, 0x3000, 0x2000, LAST], 0xc007, 1, 2), 0x5000,
                   "rw- kernel"),
}


def write(path, size, entries):
    data = bytearray(SIZE)
    for at, entry in entries.items():
        struct.pack_into("<Q" if size == 8 else "<I", data, at, entry)
    path.write_bytes(data)


def run(*words):
    return subprocess.run([WHOSEES, *words], capture_output=True, text=True, check=False)


def check_format(tap, path, name):
    (size, root, entries), va, access = IMAGES[name]
    target = [str(path), "--type", "raw", "--format", name, "--root", hex(root)]
    write(path, size, entries)
    walk = run("walk", *target, hex(va + 0x12), "--json")
    answer = json.loads(walk.stdout)["summary"][0] if walk.stdout else {}
    tap.case(f"{name}: walk finds the page",
             walk.returncode == 0 and int(answer["pa"], 16) == 0x30012, walk.stderr)
    maps = run("map", *target, "--json")
    ranges = json.loads(maps.stdout)["ranges"] if maps.stdout else []
    tap.case(f"{name}: map lists it, with its rights, and nothing else",
             {int(r["pa"], 16) for r in ranges} == {0x30000}
             and int(ranges[0]["first"], 16) == va
             and {r["access"] for r in ranges} == {access}, maps.stdout + maps.stderr)
    read = run("read", *target, hex(va), "16")
    tap.case(f"{name}: read reads it", read.returncode == 0, read.stderr)
    wrong = []
    for words in OTHERS:
        other = run(words[0], *target, *words[1:])
        if other.returncode != 3 or other.stdout or name not in other.stderr:
            wrong.append(f"{words}: {other.returncode} {other.stdout} {other.stderr}")
    tap.case(f"{name}: what needs to know the kernel is refused, with the reason", not wrong,
             "\n".join(wrong))


def check_refusals(tap, path):
    target = [str(path), "--format", "riscv-sv57"]
    for name, words, said in [
            ("no root", [], "--root"),
            ("a process", ["--root", "0x4000", "--pid", "1"], "--pid needs to know"),
            ("a name", ["vfs_read", "--root", "0x4000"], "'vfs_read' is a name")]:
        made = run("map", *target, *words)
        tap.case(f"{name}: refused, with the reason",
                 made.returncode == 3 and said in made.stderr and not made.stdout, made.stderr)
    away = run("walk", *target, "0x5000", "--root", "0x900000")
    tap.case("a root outside the target: unknown", away.returncode == 4, away.stdout)


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as scratch:
        path = pathlib.Path(scratch, "memory.raw")
        for name in IMAGES:
            check_format(tap, path, name)
        check_refusals(tap, path)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
