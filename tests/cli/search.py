#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Memory alone is enough: without registers, without VMCOREINFO and without a header that
says what file it is, the same processes and init_mm are found by the same format, and no
verdict on a space is another, but that what registers decide is not known.

    search.py TOOL CAPTURE...       run, as TAP
"""

import json
import os
import pathlib
import re
import struct
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "common")]
import elfcore  # noqa: E402
from tap import PATIENCE, Tap  # noqa: E402

WORDS = re.compile(rb"VMCOREINFO|OSRELEASE=|SYMBOL\(|NUMBER\(|CRASHTIME=")
SAYS = "says the paging format: it is taken for"
# A raw file has all addresses below its memory; what is beyond is no system's RAM.
ROM = 0xf0000000


def spaces(tool, target):
    done = subprocess.run([tool, "spaces", target, "--json"], capture_output=True,
                          check=False, timeout=PATIENCE)
    if not done.stdout:
        return [], done.stderr.decode()
    document = json.loads(done.stdout)
    return (sorted((s["pid"] or 0, s["root"]) for s in document["spaces"]
                   if s["kind"] in ("process", "init_mm")), "\n".join(document["notes"]))


def verdicts(tool, target):
    done = subprocess.run([tool, "audit", target, "--json"], capture_output=True, check=False,
                          timeout=PATIENCE)
    return {s["root"]: s["verdict"] for s in json.loads(done.stdout or '{"spaces":[]}')["spaces"]}


def write_raw(core, path, mode="wb"):
    """Byte n of the file is physical address n; no text of the kernel's says what it is."""
    with open(path, mode) as raw:
        for _, _, offset, pa, length in elfcore.loads(core):
            if pa < ROM:
                raw.seek(pa)
                raw.write(WORDS.sub(lambda m: b"x" * len(m[0]),
                                    core[offset:offset + length]))


def check(tap, tool, capture, scratch):
    name, raw = pathlib.Path(capture).stem, os.path.join(scratch, "raw")
    with open(capture, "rb") as file:
        write_raw(file.read(), raw)
    known, _ = spaces(tool, capture)
    found, notes = spaces(tool, raw)
    tap.case(f"{name}: init_mm and the {len(known) - 1} processes by memory alone",
             known and found == known and SAYS in notes, f"{found}\n{notes}")
    whole = verdicts(tool, capture)
    bare = verdicts(tool, raw)
    other = {root: (verdict, whole.get(root)) for root, verdict in bare.items()
             if verdict not in ("unknown", whole.get(root))}
    tap.case(f"{name}: no verdict is another by memory alone", whole and not other, other)
    lost = [root for root, verdict in whole.items()
            if verdict == "coherent" and bare.get(root) != verdict]
    tap.case(f"{name}: who is coherent is so by memory alone", not lost, lost)


def check_another(tap, tool, scratch):
    """A megabyte of nothing is no machine; less is not even looked at."""
    for size, word in ((1 << 20, "in any format"), ((1 << 20) - 1, "too short for raw")):
        path = os.path.join(scratch, "nothing")
        with open(path, "wb") as file:
            file.truncate(size)
        found, said = spaces(tool, path)
        tap.case(f"{size} zeros are no memory of Linux",
                 not found and word in " ".join(said.split()), said)


def check_two(tap, tool, one, other, scratch):
    """What a kernel of another format left where this one has nothing (kexec)."""
    raw = os.path.join(scratch, "two")
    for capture, mode in ((other, "wb"), (one, "r+b")):
        with open(capture, "rb") as file:
            write_raw(file.read(), raw, mode)
    found, said = spaces(tool, raw)
    tap.case("the tables of two kernels are no answer", not found and
             "tables of two kernels" in " ".join(said.split()), f"{found}\n{said}")


def check_leaf(tap, tool, capture, scratch):
    """A table that maps frames in a row, the four of a PAE root among them, has four entries
    by which ARM's long descriptors would lead to it."""
    raw = os.path.join(scratch, "raw")
    with open(capture, "rb") as file:
        write_raw(file.read(), raw)
    with open(raw, "r+b") as file:
        file.seek(0x50000)
        file.write(struct.pack("<512Q", *(0x1000003 + 4096 * i for i in range(512))))
    known, _ = spaces(tool, capture)
    found, notes = spaces(tool, raw)
    tap.case("a leaf table that maps a root's own tables is no root of another format",
             found == known and "taken for i386-pae" in notes, (found, notes))


SWAPPER, BSS, BSS_END = 0x3e74000, 0x3e72000, 0x3ee6000  # in 686-small


def check_places(tap, tool, capture, scratch):
    """init_mm's root by where it lies: in .bss, not in the pages around that are freed."""
    raw = os.path.join(scratch, "raw")
    for what, there, found in (
            ("init_mm's root in the first page of .bss is known", {BSS}, True),
            ("init_mm's root in the last page of .bss is known", {BSS_END - 4096}, True),
            ("a root in the page before .bss is not init_mm's", {BSS - 4096}, False),
            ("a root in the page behind .bss is not init_mm's", {BSS_END}, False),
            ("of two roots in .bss neither is init_mm's", {SWAPPER, BSS_END - 4096}, False)):
        with open(capture, "rb") as file:
            write_raw(file.read(), raw)
        with open(raw, "r+b") as file:
            file.seek(SWAPPER)
            table = file.read(4096)
            for at in {SWAPPER, *there}:
                file.seek(at)
                file.write(table if at in there else bytes(4096))
        roots, notes = spaces(tool, raw)
        init = [root for pid, root in roots if not pid]
        tap.case(what, init == ([f"{min(there):#010x}"] if found else []) and
                 found != ("init_mm's page table was not found" in notes), (init, notes))


def main():
    tool, captures = sys.argv[1], sys.argv[2:]
    tap = Tap()
    with tempfile.TemporaryDirectory() as scratch:
        for capture in captures:
            check(tap, tool, capture, scratch)
        check_another(tap, tool, scratch)
        check_two(tap, tool, *captures[:2], scratch)
        check_leaf(tap, tool, captures[1], scratch)
        check_places(tap, tool, captures[0], scratch)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
