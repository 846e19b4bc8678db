#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Copies an ELF core without the segment that holds a physical address.

    lack.py CORE PA COPY            PA in hex
"""

import sys

import elfcore


def remove(core, header, size, _):
    core[header:header + size] = bytes(size)


def main(path, pa, copy):
    elfcore.change(path, pa, copy, remove)


if __name__ == "__main__":
    main(*sys.argv[1:])
