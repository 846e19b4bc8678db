#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Entries of encrypted memory are shown with their bit and without it.

    encrypted.py TOOL CAPTURE    run, as TAP; the capture is of x86-64"""

import json
import os
import pathlib
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))
import writers  # noqa: E402
from tap import PATIENCE, Tap  # noqa: E402

BIT = 47
MASK = 1 << BIT
ADDRESS = 0x000FFFFFFFFFF000
CR3 = 8 + 18 * 8 + 10 * 24 + 3 * 8  # in QEMU's note on a processor
MODULE = 0xffffffffc0535000  # of a module


def run(tool, *words):
    done = subprocess.run([tool, *words], capture_output=True, check=False, timeout=PATIENCE,
                          text=True)
    return done.returncode, done.stdout, done.stderr


class Memory:
    def __init__(self, core):
        self.frames = {pa + at: bytearray(data[at:at + 4096])
                       for pa, data in core.memory for at in range(0, len(data), 4096)}
        self.seen = set()

    def encrypt(self, table, level=0):
        """Sets the bit in all that lies below a table, in each once."""
        frame = self.frames.get(table)
        if frame is None or table in self.seen:
            return
        self.seen.add(table)
        for at in range(0, 4096, 8):
            entry, = struct.unpack_from("<Q", frame, at)
            if not entry & 1:
                continue
            if level < 3 and not entry & 0x80:
                self.encrypt(entry & ADDRESS, level + 1)
            struct.pack_into("<Q", frame, at, entry | MASK)

    def pieces(self):
        return [(pa, bytes(frame)) for pa, frame in sorted(self.frames.items())]


def encrypted(tool, capture):
    """The capture's core, with the bit in its tables and in each CR3, and no VMCOREINFO."""
    core = writers.Core(pathlib.Path(capture).read_bytes())
    memory = Memory(core)
    roots = json.loads(run(tool, "spaces", capture, "--json")[1])["spaces"]
    for space in roots:
        memory.encrypt(int(space["root"], 16))
    notes = []
    for name, kind, desc in core.notes:
        if name.startswith("QEMU"):
            cr3, = struct.unpack_from("<Q", desc, CR3)
            desc = desc[:CR3] + struct.pack("<Q", cr3 | MASK) + desc[CR3 + 8:]
        notes.append(writers.Note(name, kind, desc))
    core.notes = notes
    return writers.left_of(core, memory.pieces(), ("VMCOREINFO", "WHOSEES"))


def check_memory(tap, tool, capture, core, path):
    """Memory alone tells the bit; and nothing tells it where its own end is not known."""
    core = writers.Core(core)
    bare = writers.elf_core(core.memory, [], core.machine)
    verdicts = []
    for target in capture, path:
        if target == path:
            pathlib.Path(path).write_bytes(bare)
        done = run(tool, "audit", target, "--json")
        verdicts.append({s["root"]: s["verdict"] for s in json.loads(done[1])["spaces"]})
    wrong = {root: verdict for root, verdict in verdicts[1].items()
             if verdict not in (verdicts[0].get(root), "unknown")}
    tap.case("without registers and notes: the same spaces, no other verdict",
             verdicts[1].keys() == verdicts[0].keys() and not wrong and
             "coherent" in verdicts[1].values(), (verdicts, done[2]))
    odd = bytearray(bare)
    last = 64 + 56 * (struct.unpack_from("<H", odd, 56)[0] - 1)
    struct.pack_into("<I", odd, last, 0x1234)  # a type of nothing: it may be anywhere
    struct.pack_into("<Q", odd, last + 24, 1 << 51)
    pathlib.Path(path).write_bytes(odd)
    done = run(tool, "spaces", path)
    tap.case("where memory may reach beyond the bit: refused, and what gives it",
             done[0] == 3 and "--encryption-bit" in done[2], done)
    done = run(tool, "spaces", path, "--encryption-bit", str(BIT), "--json")
    tap.case("and given, the bit is believed", done[0] == 0, done)


def main():
    tool, capture = os.path.abspath(sys.argv[1]), sys.argv[2]
    tap = Tap()
    with tempfile.TemporaryDirectory() as scratch:
        path = os.path.join(scratch, "encrypted")
        core = encrypted(tool, capture)
        pathlib.Path(path).write_bytes(core)
        want = run(tool, "walk", capture, hex(MODULE), "--json")
        got = run(tool, "walk", path, hex(MODULE), "--json")
        tap.case("both are walked", want[0] == got[0] == 0, (want, got))
        if want[0] or got[0]:
            return tap.end()
        plain, steps = (json.loads(answer[1])["steps"] for answer in (want, got))
        for one, step in zip(plain, steps):
            bare = int(step["entry"], 16) & ~MASK
            tap.case(f"{step['entry_name']}: with the bit, and without",
                     int(step["entry"], 16) == int(one["entry"], 16) | MASK and
                     step["attributes"].endswith(f"C (without it {bare:#x})"), step)
            tap.case(f"{one['entry_name']}: of memory that is not encrypted no word",
                     "without" not in one["attributes"], one)
        for words, status in ((["--encryption-bit", str(BIT)], 0), (["--encryption-bit", "0"], 3),
                              (["--encryption-bit", "31"], 2), (["--encryption-bit", "x"], 2)):
            answer = run(tool, "walk", path, hex(MODULE), *words)
            tap.case(f"{' '.join(words)}: exit {status}", answer[0] == status, answer)
        check_memory(tap, tool, capture, core, path)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
