#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""corpus.py DIR CAPTURE...: for every kind of target some small files that are well, a folder
each: a few frames of a capture's memory, in two pieces, and its processors."""

import os
import pathlib
import shutil
import struct
import subprocess
import sys
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "common"), os.path.join(HERE, "..", "torture")]
import containers  # noqa: E402
import writers  # noqa: E402

PAGE = 4096
FRAMES = 3  # of each piece


def small(capture):
    """A Core with the frames that CR3 leads to, and a few others."""
    core = writers.Core(capture.read_bytes())
    root = writers.processors(core)[0]["cr3"] & -PAGE
    pieces = [(pa, data) for pa, data in core.memory if pa <= root < pa + len(data)]
    pieces = [(root, data[root - pa:root - pa + FRAMES * PAGE]) for pa, data in pieces]
    pa, data = next((pa, data) for pa, data in core.memory if pa + FRAMES * PAGE <= root)
    core.memory = [(pa, data[:FRAMES * PAGE]), *pieces]
    core.data = writers.left_of(core, core.memory, ("VMCOREINFO", "WHOSEES"))
    return core


def kdump(core):
    """Packed by zlib, with a processor."""
    pages = [(pa // PAGE + i, data[i * PAGE:(i + 1) * PAGE]) for pa, data in core.memory
             for i in range(len(data) // PAGE)]
    end = pages[-1][0] + 1
    blocks = -(-end // 8 // PAGE)
    note = writers.note_bytes(writers.Note("QEMU", 0, core.of("QEMU")[0]))
    head, sub, bits = bytearray(PAGE), bytearray(PAGE), bytearray(blocks * PAGE)
    struct.pack_into("<8sI", head, 0, b"KDUMP   ", 6)
    struct.pack_into("<65s", head, 12 + 4 * 65, b"x86_64" if core.machine == 62 else b"i686")
    struct.pack_into("<IIIII", head, 424, 0, PAGE, 1, 2 * blocks, min(end, 0xffffffff))
    struct.pack_into("<QQ", sub, 48, PAGE + 128, len(note))
    struct.pack_into("<Q", sub, 96, end)
    sub[128:128 + len(note)] = note
    for pfn, _ in pages:
        bits[pfn // 8] |= 1 << pfn % 8
    at = PAGE * (2 + 2 * blocks) + 24 * len(pages)
    out, bodies = bytes(head + sub + bits + bits), b""
    for _, data in pages:
        packed = zlib.compress(data)
        out += struct.pack("<QIIQ", at + len(bodies), len(packed), 1, 0)
        bodies += packed
    return out + bodies


def part(core):
    """All of it as one part of a split dump."""
    data = bytearray(kdump(core))
    end, = struct.unpack_from("<Q", data, PAGE + 96)
    struct.pack_into("<IQQ", data, PAGE + 12, 1, 0, end)
    struct.pack_into("<QQ", data, PAGE + 80, 0, end)
    return bytes(data)


def raw(core):
    data = b"".join(data for _, data in core.memory)
    pieces, at = [], 0
    for pa, data_ in core.memory:
        pieces.append(f"{at:x}:{len(data_):x}:{pa:x}")
        at += len(data_)
    return ",".join(pieces).encode() + b"\n" + data


PROGRAMS = (["gzip", "-c"], ["bgzip", "-c"], ["pigz", "-zc"], ["xz", "-c"],
            ["xz", "-c", "-T2", "--block-size=8192"], ["zstd", "-qc"], ["lz4", "-qc"],
            ["lzop", "-c"], ["lzop", "-c", "-C", "--crc32"])


def packed(data):
    """By each program that is there."""
    for command in PROGRAMS:
        if shutil.which(command[0]):
            yield subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True).stdout


# Which writers, and of which kind of target that is: those of /proc/kcore and /proc/vmcore need
# whole page tables.
KINDS = {"lime": "lime", "avml": "avml", "vbox": "elf", "xen": "xen", "vmware": "vmware",
         "migration": "migration"}


def kinds(core):
    """kind -> bytes."""
    yield "elf", core.data
    yield "kdump", kdump(core)
    yield "kdump", containers.flattened(kdump(core))[0]
    yield "kdump", part(core)
    yield "raw", raw(core)
    yield "cloud-hypervisor", writers.cloud(core)[1]
    yield "cloud-hypervisor", writers.cloud(core, True)[1]
    for data in packed(core.data):
        yield "packed", data
    for writer, kind in KINDS.items():
        yield kind, writers.WRITERS[writer](core)[0]


def main(folder, captures):
    for capture in captures:
        for i, (kind, data) in enumerate(kinds(small(pathlib.Path(capture)))):
            place = pathlib.Path(folder) / kind
            place.mkdir(parents=True, exist_ok=True)
            (place / f"{pathlib.Path(capture).stem}-{i}").write_bytes(data)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2:])
