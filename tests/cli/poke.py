#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Copies an ELF core with one word of its memory changed.

    poke.py CORE PA VALUE COPY      PA and VALUE in hex, VALUE of 32 bits
"""

import struct
import sys


def segments(core):
    """(file offset, pa, length) of every PT_LOAD."""
    is64 = core[4] == 2
    phoff = struct.unpack_from("<Q" if is64 else "<I", core, 32 if is64 else 28)[0]
    size, number = struct.unpack_from("<HH", core, 54 if is64 else 42)
    for at in range(phoff, phoff + size * number, size):
        if is64:
            kind, _, offset, _, pa, length = struct.unpack_from("<IIQQQQ", core, at)
        else:
            kind, offset, _, pa, length = struct.unpack_from("<IIIII", core, at)
        if kind == 1:
            yield offset, pa, length


def main(path, pa, value, copy):
    with open(path, "rb") as file:
        core = bytearray(file.read())
    pa = int(pa, 16)
    for offset, first, length in segments(core):
        if first <= pa < first + length:
            struct.pack_into("<I", core, offset + pa - first, int(value, 16))
            break
    else:
        sys.exit(f"{path} has no memory at {pa:#x}")
    with open(copy, "wb") as file:
        file.write(core)


if __name__ == "__main__":
    main(*sys.argv[1:])
