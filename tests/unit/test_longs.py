#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Nothing is printed or read as a long, which has half the bits on a 32-bit host: an address
is a uint64_t, and %jx is that on both. argv: the source's folder."""

import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))
from tap import Tap  # noqa: E402

FOLDERS = ("include", "src", "tools", "machine", "examples")
LONG = re.compile(r"%[-#0 +*.\d]*l[diuxo]\b")


def longs(source):
    for folder in FOLDERS:
        for path in sorted((source / folder).rglob("*.[ch]")):
            for number, line in enumerate(path.read_text().splitlines(), 1):
                if LONG.search(line):
                    yield f"{path.relative_to(source)}:{number}: {line.strip()}"


def main():
    tap = Tap()
    tap.case("a conversion of a long is seen",
             all(map(LONG.search, ('"%lx"', '"%#lx"', '"%-10.3lu"', '"%*ld"'))) and
             not any(map(LONG.search, ('"%jx"', '"100%later"', '"%zu"'))))
    found = list(longs(pathlib.Path(sys.argv[1])))
    tap.case("none is there: a uint64_t is %j, a size_t %z", not found, found)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
