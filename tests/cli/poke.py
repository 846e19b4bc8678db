#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Copies an ELF core with one word of its memory changed, or COUNT of them.

    poke.py CORE PA VALUE COPY [COUNT]      PA and VALUE in hex, VALUE of 32 bits
"""

import struct
import sys

import elfcore


def main(path, pa, value, copy, count="1"):
    words = struct.pack("<I", int(value, 16)) * int(count)

    def poke(core, header, size, at):
        core[at:at + len(words)] = words
    elfcore.change(path, pa, copy, poke)


if __name__ == "__main__":
    main(*sys.argv[1:])
