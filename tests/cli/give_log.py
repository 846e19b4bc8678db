#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Copies a capture of an i386 kernel with a log in it that never was: printk's ring buffer,
written from kernel/printk/printk_ringbuffer.h, where the capture's VMCOREINFO says one lies.

    give_log.py CORE COPY [lost]        lost: the text of one record is overwritten
"""

import pathlib
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))
import writers  # noqa: E402

PAGE_OFFSET, PAGE = 0xc0000000, 4096
RING, DESCS, INFOS, TEXTS = (0x2c00000 + PAGE * i for i in range(4))  # pa, not in the capture
COUNT_BITS, TEXT_BITS = 5, 12
MASK = (1 << 30) - 1
# level, caller, seconds, text
RECORDS = [
    (5, 0, 0.0, "Linux version 6.1.0 (nobody@nowhere)"),
    (6, 0, 0.0, "Command line: quiet\nof two lines"),
    (4, 1, 1.25, "whosees_lab: loading out-of-tree module\ttaints kernel."),
    (3, 117, 61.000001, "waiter: =bad\x1b[31m news"),
    (0, 0x80000001, 99.5, "Kernel panic - not syncing: no more"),
]


def ring(records):
    """{pa: page} of the ring of these records, but for who points at it."""
    head = (-(1 << COUNT_BITS) - 1 + len(records)) & MASK
    tail = (-(1 << COUNT_BITS) - 1) & MASK
    virtual = [PAGE_OFFSET + pa for pa in (DESCS, INFOS, TEXTS)]
    pages = {pa: bytearray(PAGE) for pa in (RING, DESCS, INFOS, TEXTS)}
    struct.pack_into("<5I", pages[RING], 0, COUNT_BITS, virtual[0], virtual[1], head, tail)
    struct.pack_into("<I", pages[DESCS], 12 * ((1 << COUNT_BITS) - 1), tail | 3 << 30)
    at = 0
    for seq, (level, caller, seconds, text) in enumerate(records):
        number = (seq - (1 << COUNT_BITS)) & MASK
        data = struct.pack("<I", number) + text.encode()
        data += bytes(-len(data) % 4)
        pages[TEXTS][at:at + len(data)] = data
        struct.pack_into("<3I", pages[DESCS], 12 * seq, number | 2 << 30, at, at + len(data))
        struct.pack_into("<QQHBBI", pages[INFOS], 88 * seq, seq, int(seconds * 1e9),
                         len(text), 0, level << 5 | 2, caller)
        at += len(data)
    return pages


def pages_of(core, records):
    """{pa: page} of a log of such records, and of what points at it."""
    lines = core.of("VMCOREINFO")[0].rstrip(b"\0").decode().splitlines()
    said = dict(line.split("=", 1) for line in lines if "=" in line)
    prb = int(said["SYMBOL(prb)"], 16) - PAGE_OFFSET
    pages = ring(records)
    text = int(said["OFFSET(printk_ringbuffer.text_data_ring)"])
    struct.pack_into("<2I", pages[RING], text, TEXT_BITS, PAGE_OFFSET + TEXTS)
    pages[prb & -PAGE] = bytearray(PAGE)
    struct.pack_into("<I", pages[prb & -PAGE], prb % PAGE, PAGE_OFFSET + RING)
    return pages


def main(path, copy, harm=None):
    core = writers.Core(pathlib.Path(path).read_bytes())
    pages = pages_of(core, RECORDS)
    if harm:
        begin = pages[TEXTS].index(RECORDS[2][3].encode()) - 4
        pages[TEXTS][begin:begin + 16] = b"\x60\0\0\0" * 4
    memory = sorted(core.memory + [(pa, bytes(page)) for pa, page in pages.items()])
    pathlib.Path(copy).write_bytes(writers.elf_core(memory, core.notes, core.machine))


if __name__ == "__main__":
    main(*sys.argv[1:])
