# SPDX-License-Identifier: LGPL-2.1-or-later
"""The memory of an ELF core, for scripts that make a copy with something wrong in it."""

import struct
import sys


def loads(core):
    """(place of its header, header's size, file offset, pa, length) of every PT_LOAD."""
    is64 = core[4] == 2
    phoff = struct.unpack_from("<Q" if is64 else "<I", core, 32 if is64 else 28)[0]
    size, number = struct.unpack_from("<HH", core, 54 if is64 else 42)
    for at in range(phoff, phoff + size * number, size):
        if is64:
            kind, _, offset, _, pa, length = struct.unpack_from("<IIQQQQ", core, at)
        else:
            kind, offset, _, pa, length = struct.unpack_from("<IIIII", core, at)
        if kind == 1:
            yield at, size, offset, pa, length


def change(path, pa, copy, how):
    """Copies the core at path, changed by how(core, header, size, offset of pa)."""
    with open(path, "rb") as file:
        core = bytearray(file.read())
    pa = int(pa, 16)
    for header, size, offset, first, length in loads(core):
        if first <= pa < first + length:
            how(core, header, size, offset + pa - first)
            break
    else:
        sys.exit(f"{path} has no memory at {pa:#x}")
    with open(copy, "wb") as file:
        file.write(core)
