#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""regions.py MANY TOOL CORE KDUMP: every container cut at 1, 50 and 99 percent, with two
regions that overlap, and with MANY regions, good and bad; with WS_TORTURE_STEP=1 in the
environment, which `make torture` sets, a million. The tool ends within bounds, says what it
refuses, and what is cut off or contradicts itself changes no answer without a note."""

import concurrent.futures
import os
import struct
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "common"))
import containers  # noqa: E402
import tap as tap_module  # noqa: E402
import writers  # noqa: E402
from bounded import Tool, misbehaves, wrong  # noqa: E402

PAGE = 4096
MILLION = 1_000_000
CUTS = 1, 50, 99  # percent
# One argument of a program's: Linux gives it 128 KiB.
PIECES = 4000


# ---- two that overlap ------------------------------------------------------------------

def overlapping(core):
    """The core with a page of its second piece of memory once more, and with other bytes."""
    twice = writers.Core(core)
    pa, data = twice.memory[1]
    twice.memory.insert(2, (pa, bytes(byte ^ 0xff for byte in data[:PAGE])))
    return twice


# ---- many ------------------------------------------------------------------------------

def sparse(head, tail=0):
    """What to write, and how much lies behind it that nobody writes."""
    return head, tail


def many_segments(n):
    """ELF with the number of program headers in section header 0."""
    at = 64 + 64
    first = -(-(at + 56 * n) // PAGE) * PAGE
    out = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", 4, 62, 1, 0, at, 64, 0, 64,
                      56, 0xffff, 64, 1, 0)
    out += struct.pack("<IIQQQQIIQQ", 0, 0, 0, 0, 0, 0, 0, n, 0, 0)
    out += b"".join(struct.pack("<IIQQQQQQ", 1, 0, first + i * PAGE, 0, 2 * i * PAGE, PAGE,
                                PAGE, 0) for i in range(n))
    return sparse(out.ljust(first, b"\0"), n * PAGE)


def crowded_segments(n):
    """All of them say that they are the same memory."""
    head, tail = many_segments(n)
    out = bytearray(head)
    for at in range(128, 128 + 56 * n, 56):
        struct.pack_into("<Q", out, at + 24, PAGE)
    return sparse(bytes(out), tail)


def many_ranges(n):
    """LiME, a byte in each range."""
    return sparse(b"".join(struct.pack("<IIQQQB", 0x4C694D45, 1, i, i, 0, 0)
                           for i in range(0, 2 * n, 2)))


def bad_ranges(n):
    """One sound LiME header, and then one of an unknown version after the other, each with a
    sound one behind it."""
    pair = struct.pack("<IIQQQ", 0x4C694D45, 9, 0, 0, 0)
    return sparse(struct.pack("<IIQQQ", 0x4C694D45, 1, 0, 31, 0) + bytes(32) + b"".join(
        pair + struct.pack("<IIQQQ", 0x4C694D45, 1, 64 * i, 64 * i + 31, 0) + bytes(32)
        for i in range(1, n // 2)))


def avml_block(pa, version=2):
    chunk = struct.pack("<BBHI", 1, 5, 0, 0) + b"\0"
    return (struct.pack("<IIQQQ", 0x4C4D5641, version, pa, pa, 0) + b"\xff\x06\0\0sNaPpY" +
            chunk + struct.pack("<Q", 10 + len(chunk)))


def many_blocks(n):
    return sparse(b"".join(avml_block(i * PAGE) for i in range(n)))


def bad_blocks(n):
    return sparse(avml_block(0) + b"".join(avml_block(0, 9) + avml_block(i * PAGE)
                                           for i in range(1, n // 2)))


def listed(n):
    """A Xen core with a list of frames, each a run of its own."""
    core = writers.Core.__new__(writers.Core)
    core.memory, core.notes = [(0, bytes(PAGE))], []
    data, places = writers.xen(core)
    at, = places["Xen page list"]
    out = bytearray(data[:at])
    pages, pfns = places["section header"][-2:]
    struct.pack_into("<QQ", out, pfns + 24, at, 8 * n)
    struct.pack_into("<QQ", out, pages + 24, -(-(at + 8 * n) // PAGE) * PAGE, n * PAGE)
    return sparse(bytes(out) + struct.pack(f"<{n}Q", *range(2 * n, 0, -2)), (n + 1) * PAGE)


def many_regions(n):
    """VMware's; the tags' end is in the tail."""
    begin = 12 + 80
    out = struct.pack("<III", 0xBED2BED2, 8, 1) + struct.pack("<64sQQ", b"memory", begin, 0)
    block = struct.pack("<BB6sIIQQH", 0xbf, 6, b"Memory", 0, 0, n * PAGE, n * PAGE, 0)
    tags = writers.vmware_regions([(2 * i * PAGE, Sized(PAGE)) for i in range(n)])
    return sparse(out + b"".join(tags) + block, n * PAGE + 2)


class Sized:
    """Bytes of which only the number is asked."""
    def __init__(self, size):
        self.size = size

    def __len__(self):
        return self.size


def many_frames(n):
    """A kdump with every other frame, all of them one page in the file."""
    bitmap = -(-2 * n // 8 // PAGE)
    head = bytearray(PAGE)
    struct.pack_into("<8sI", head, 0, b"KDUMP   ", 6)
    struct.pack_into("<65s", head, 12 + 4 * 65, b"x86_64")
    struct.pack_into("<IIIII", head, 424, 0, PAGE, 1, 2 * bitmap, 0)
    sub = bytearray(PAGE)
    struct.pack_into("<Q", sub, 96, 2 * n)
    bits = b"\x55" * (n // 4) + bytes(bitmap * PAGE - n // 4)
    at = PAGE * (2 + 2 * bitmap) + 24 * n
    return sparse(bytes(head + sub) + bits * 2 + struct.pack("<QIIQ", at, PAGE, 0, 0) * n, PAGE)


def many_chunks(n):
    """A flattened file, a byte in each chunk, from the back to the front."""
    head = b"makedumpfile\0\0\0\0" + struct.pack(">QQ", 1, 1)
    return sparse(head.ljust(PAGE, b"\0") + b"".join(
        struct.pack(">QQB", i, 1, 0) for i in range(n, 0, -1)))


MANY = {"ELF": many_segments, "ELF, all of one address": crowded_segments,
        "LiME": many_ranges, "LiME, bad ones": bad_ranges, "AVML": many_blocks,
        "AVML, bad ones": bad_blocks, "Xen": listed, "VMware": many_regions,
        "kdump": many_frames, "flattened": many_chunks}


# ---- pieces of raw memory ---------------------------------------------------------------

PIECES_GOOD = "0:1000:0,1000::1000"
# What each is, and what the tool does: refuses it as no such piece, or takes it, with a note
# where something contradicts itself or is not in the file.
ODD_PIECES = (
    ("none", ""), ("no number", "x:y:z"), ("no length", "0:0:0"),
    ("a length of all ones", "0:ffffffffffffffff:0"),
    ("a length with the sign bit", "0:8000000000000000:0"),
    ("a number of more than 64 bits", "0:10000000000000000:0"),
    ("an address past all memory", "0:1000:ffffffffffffffff"),
    ("an offset past the file", "ffffffffffff000::0"),
    ("an offset within a page", "1:1000:0"),
    ("one address twice", "0:2000:0,2000:1000:0"),
    ("two that overlap", "0:2000:0,4000:2000:1000"),
    ("one place in the file twice", "0:2000:0,1000:2000:100000"),
    ("a length past the end", "0:fffffff000:0"),
)


def check_pieces(tap, tool_path, raw):
    with tempfile.NamedTemporaryFile(dir="/dev/shm", suffix=".raw") as file:
        file.write(raw)
        file.flush()
        many = ",".join(f"{4096 * (i % 64):x}:1000:{8192 * i:x}" for i in range(PIECES))
        for name, pieces in (*ODD_PIECES, ("thousands of one place", many)):
            answer = Tool(tool_path, ["--type", "raw", "--pieces", pieces]).ask(file.name)
            refused = answer[0] == 2 and "no piece of raw memory" in answer[2]
            tap.case(f"raw, pieces: {name}", refused or not misbehaves(answer) and
                     (answer[0] == 3 or "note: " in answer[2]), answer)


# ---- all of it -------------------------------------------------------------------------

def check_cut(tap, name, tool, data):
    whole = tool.run(data, name)
    for percent in CUTS:
        answer = tool.run(data[:len(data) * percent // 100], name)
        said = wrong(whole, answer)
        if not said and answer == whole:
            said = "as if nothing were cut off"
        tap.case(f"{name}: cut at {percent} %: exit {answer[0]}", not said, (said, answer))


def check_overlap(tap, name, kind, options, tool_path, core):
    whole = Tool(tool_path, options).run(core, name)
    data = writers.WRITERS[kind](overlapping(core))[0] if kind else \
        writers.left_of(overlapping(core), overlapping(core).memory, ())
    answer = Tool(tool_path, options).run(data, name)
    said = wrong((None, None, whole[2]), answer)
    tap.case(f"{name}: two regions overlap: exit {answer[0]}", not said, (said, answer))


def ask_many(tool, make, n):
    head, tail = make(n)
    with tempfile.NamedTemporaryFile(dir="/dev/shm", prefix="many-") as file:
        file.write(head)
        file.truncate(len(head) + tail)
        file.flush()
        return tool.ask(file.name)


def main(n, tool, core, dump):
    n = MILLION if os.environ.get("WS_TORTURE_STEP") == "1" else int(n)
    tap = tap_module.Tap()
    with open(core, "rb") as file:
        core = file.read()
    with open(dump, "rb") as file:
        dump = file.read()
    for name, (data, _), options in containers.all_of(core, dump):
        check_cut(tap, name, Tool(tool, options), data)
    for name, kind, options in (("ELF", None, []), *containers.WRITTEN):
        check_overlap(tap, name, kind, options, tool, core)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        answers = pool.map(lambda make: ask_many(Tool(tool, []), make, n), MANY.values())
        for name, answer in zip(MANY, answers):
            tap.case(f"{name}: {n} regions: exit {answer[0]}",
                     not misbehaves(answer) and "whosees: " in answer[2], answer)
    check_pieces(tap, tool, b"".join(data for _, data in writers.Core(core).memory))
    return tap.end()


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
