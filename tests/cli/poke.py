#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Copies an ELF core with one word of its memory changed.

    poke.py CORE PA VALUE COPY      PA and VALUE in hex, VALUE of 32 bits
"""

import struct
import sys

import elfcore


def main(path, pa, value, copy):
    elfcore.change(path, pa, copy, lambda core, header, size, at:
                   struct.pack_into("<I", core, at, int(value, 16)))


if __name__ == "__main__":
    main(*sys.argv[1:])
