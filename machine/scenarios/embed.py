#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Scenarios as a C array: embed.py OUT.c SCRIPT.lua...

The name of a scenario is its file's; its summary is the first line, a comment.
"""

import pathlib
import sys


def quoted(text):
    """A C string literal, a line of it for each line of text."""
    lines = [line.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t")
             for line in text.split("\n")]
    return '\n\t  "' + '\\n"\n\t  "'.join(lines) + '"'


def row(path):
    text = path.read_text(encoding="ascii")
    first = text.split("\n", 1)[0]
    if not first.startswith("-- ") or "\0" in text:
        sys.exit(f"{path}:1: a scenario begins with a comment that says what it is")
    return (f'\t{{ "{path.stem}", {quoted(first[3:])},\n\t  {quoted(text)},\n'
            f"\t  {len(text)} }},\n")


def main(out, *paths):
    rows = "".join(row(path) for path in sorted(map(pathlib.Path, paths)))
    pathlib.Path(out).write_text(
        '#include "machine/script.h"\n\n'
        f"const struct script_scenario script_scenarios[] = {{\n{rows}"
        "\t{ .name = NULL },\n};\n", encoding="ascii")


if __name__ == "__main__":
    main(*sys.argv[1:])
