#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""who.py DUMP WHAT: which processes do not see an address (0x...) or a symbol, and why."""

import sys

import whosees


def address_of(machine, what):
    try:
        return int(what, 0)
    except ValueError:
        return machine.symbol(what).address


def ask(machine, address):
    """Returns how many processes do not see it."""
    blind = 0
    for space in machine.spaces:
        if space.kind != "process":
            continue
        walk = machine.walk(space, address)
        if walk.end is not whosees.End.PAGE:
            blind += 1
            print(f"{space.pid} {space.comm} cannot see {address:#x}: the walk ends at "
                  f"{walk.steps[-1].level if walk.steps else 'the address itself'}")
    return blind


def main():
    if len(sys.argv) != 3:
        print("usage: who.py DUMP WHAT", file=sys.stderr)
        return 2
    try:
        with whosees.open(sys.argv[1]) as machine:
            return 1 if ask(machine, address_of(machine, sys.argv[2])) else 0
    except (whosees.Error, ValueError) as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
