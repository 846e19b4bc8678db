#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The library's linker version script, made of its header: each function is exported with
the version that its "Since:" names, and nothing else is. argv: whosees.h. docs/abi.md says
what that is for; tests read the header with what is here, too."""

import pathlib
import re
import sys

COMMENT = re.compile(r"/\*.*?\*/", re.S)
SINCE = re.compile(r"Since: (\d+\.\d+)")
BEGINS = "#pragma GCC visibility push(default)"
ENDS = "#pragma GCC visibility pop"
# A declaration begins at the margin; no typedef of a function's type, nothing inline.
DECLARED = re.compile(r"^(?!typedef|static)\w[\w \t*]*?\b(ws_\w+)\(", re.M)
OPAQUE = re.compile(r"^struct \w+;$")


def entries(header):
    """What is declared, in pieces as empty lines outside of braces divide it."""
    body = header[header.index(BEGINS) + len(BEGINS):header.index(ENDS)]
    piece, depth = [], 0
    for line in body.split("\n"):
        if line.strip() or depth:
            piece.append(line)
            bare = COMMENT.sub("", line)
            depth += bare.count("{") - bare.count("}")
        elif piece:
            yield "\n".join(piece)
            piece = []


def is_declaration(entry):
    """Neither words alone, nor the name of a struct that others describe."""
    bare = COMMENT.sub("", entry).strip()
    return bool(bare) and not bare.startswith("#") and not OPAQUE.match(bare)


def since(entry):
    """The version of its words, not of a member's; None where they name none."""
    outside, depth = "", 0
    for token in re.split(r"(/\*.*?\*/|[{}])", entry, flags=re.S):
        depth += {"{": 1, "}": -1}.get(token, 0)
        if not depth:
            outside += token
    found = SINCE.search(outside)
    return found and found[1]


def functions(header):
    """{name: version}"""
    return {name: since(entry) for entry in entries(header)
            for name in DECLARED.findall(COMMENT.sub("", entry))}


def number(version):
    return tuple(map(int, version.split(".")))


def script(exported):
    """A node a version, the oldest first, each of which inherits the one before."""
    text, before = "", ""
    for version in sorted(set(exported.values()), key=number):
        names = sorted(name for name in exported if exported[name] == version)
        text += f"WHOSEES_{version} {{\nglobal:\n" + "".join(f"\t{n};\n" for n in names)
        text += ("" if before else "local:\n\t*;\n") + f"}}{before};\n"
        before = f" WHOSEES_{version}"
    return text


if __name__ == "__main__":
    sys.stdout.write(script(functions(pathlib.Path(sys.argv[1]).read_text())))
