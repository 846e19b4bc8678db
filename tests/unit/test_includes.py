#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Arrows of #include point one way: tools, report, whatif, an architecture, audit, probe,
linux, target, paging, util. And every source file is built, every header stands on its
own. argv: the source's folder, the build's folder, and the compiler."""

import json
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))
from tap import Tap  # noqa: E402

# A unit (a folder, or a file of src/ and its header) may include itself, and units of a
# lower rank. Units of one rank do not know each other.
RANKS = {
    "src/util": 0,
    "module": 0,  # its header for callers
    "src/context": 1, "src/paging": 1,
    "src/arch": 2,
    "src/arches": 3,
    "src/target": 4, "src/modfile": 4,
    "src/linux": 5,
    "src/probe": 6, "src/capture": 6,
    "src/audit": 7,
    "src/autopsy": 8,
    # Who asks an architecture goes by src/arch, and includes none of them (test_wall.py).
    "src/x86": 9, "src/arm": 9, "src/arm64": 9, "src/riscv": 9, "src/whatif": 9,
    "src/sync_plan": 9,
    "src/sync_apply": 10, "src/report": 10,
    "tools": 11,
}
# The units that may include the machine, and by which one header.
MACHINE_USERS = {
    "src/x86": "machine/machine.h",
    "src/target": "machine/script.h",
    "tools": "machine/script.h",
}
# Units apart, and all that they may include of ours.
APART = {
    "machine": {"machine", "src/util"},
    "examples": {"examples"},
}
PUBLIC = "include/whosees.h"
# What a freestanding implementation has (C17 4, paragraph 6), as far as paging needs it.
FREESTANDING = {"stdbool.h", "stddef.h", "stdint.h"}
BUILT = ("src", "tools", "machine", "examples", "bench", "tests")


def without_comments(text):
    """C text with comments blanked and continued lines joined; strings are kept."""
    text = text.replace("\\\n", "")
    token = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
    return token.sub(lambda m: " " if m[0].startswith("/") else m[0], text)


def includes(text):
    """(quoted, name) of each #include; name is None where it is a macro."""
    for line in without_comments(text).splitlines():
        directive = re.match(r"\s*#\s*include(?:_next)?\b\s*(.*)", line)
        if directive:
            name = re.match(r'"([^"]+)"|<([^>]+)>', directive[1])
            yield bool(name and name[1]), name and (name[1] or name[2])


def unit_of(path):
    """src/linux/tasks.c -> src/linux; src/probe.c -> src/probe; tools/cmd_map.c -> tools"""
    parts = path.split("/")
    if parts[0] == "src":
        return "/".join(["src", parts[1] if len(parts) > 2 else path[4:].split(".")[0]])
    return parts[0]


def resolve(source, path, name):
    """The file of ours that `#include "name"` in path means, or None."""
    for base in (pathlib.PurePath(path).parent, "src", "include", "tools", ""):
        if (source / base / name).is_file():
            return str(pathlib.PurePath(base) / name)
    return None


def complaint(unit, path, quoted, name, found):
    """What is wrong with one #include, or None."""
    where = f"{path}: #include {name}"
    if name is None:
        return f"{path}: #include of a macro cannot be judged"
    if not quoted:
        if unit == "src/paging" and name not in FREESTANDING:
            return f"{where}: not freestanding"
        return None
    if found is None:
        return f"{where}: no such file of ours"
    other = unit_of(found)
    if found == PUBLIC or other == unit or \
            found == MACHINE_USERS.get(unit):
        return None
    if unit in APART:
        return None if other in APART[unit] else f"{where}: {unit} stands apart"
    if unit not in RANKS or other not in RANKS:
        return f"{where}: {unit if unit not in RANKS else other} has no rank (see RANKS)"
    if RANKS[other] >= RANKS[unit]:
        return f"{where}: {unit} (rank {RANKS[unit]}) must not know {other} " \
               f"(rank {RANKS[other]})"
    return None


def complaints(source, path):
    unit = unit_of(path)
    for quoted, name in includes((source / path).read_text()):
        found = resolve(source, path, name) if quoted and name else None
        wrong = complaint(unit, path, quoted, name, found)
        if wrong:
            yield wrong


def files(source, *suffixes):
    for folder in BUILT:
        for file in sorted((source / folder).rglob("*")):
            if file.suffix in suffixes:
                yield str(file.relative_to(source))


def check_parser(tap):
    text = ('/* #include "a.h" */\n#include "b.h" // "c.h"\n  # include <d.h>\n'
            'char *s = "/*";\n#include \\\n"e.h"\n#include MACRO\n"*/"\n#define include x\n')
    tap.case("the reader of #include lines knows comments, strings and continued lines",
             list(includes(text)) == [(True, "b.h"), (False, "d.h"), (True, "e.h"),
                                      (False, None)], list(includes(text)))
    wrong = [complaint("src/paging", "f", True, "x", "src/target/target.h"),
             complaint("src/paging", "f", False, "stdio.h", None),
             complaint("src/paging", "f", True, "x", "src/arm/arm.h"),
             complaint("src/probe", "f", True, "x", "src/capture.h"),
             complaint("machine", "f", True, "x", "src/paging/format.h"),
             complaint("src/audit", "f", True, "x", "machine/machine.h"),
             complaint("src/x86", "f", True, "x", "machine/x86.h"),
             complaint("src/x86", "f", True, "x", "src/arm/arm.h"),
             complaint("src/x86", "f", True, "x", "src/report/report.h"),
             complaint("src/new", "f", True, "x", "src/util/vec.h")]
    right = [complaint("src/target", "f", True, "x", "src/paging/format.h"),
             complaint("src/target", "f", True, "x", PUBLIC),
             complaint("src/x86", "f", True, "x", "src/audit/rule.h"),
             complaint("src/x86", "f", True, "x", "machine/machine.h"),
             complaint("src/target", "f", False, "stdio.h", None)]
    tap.case("the rule says up from down", all(wrong) and not any(right),
             f"{wrong} {right}")


def check_directions(tap, source):
    units = {}
    for path in files(source, ".c", ".h"):
        if path.startswith(("src/", "tools/", "machine/", "examples/")):
            units.setdefault(unit_of(path), []).append(path)
    for unit, paths in sorted(units.items()):
        wrong = [w for path in paths for w in complaints(source, path)]
        tap.case(f"{unit} includes only what is below it ({len(paths)} files)", not wrong,
                 "\n".join(wrong))


def check_built(tap, source, build):
    commands = json.loads((build / "compile_commands.json").read_text())
    built = {(pathlib.Path(c["directory"]) / c["file"]).resolve() for c in commands}
    left = [path for path in files(source, ".c")
            if (source / path).resolve() not in built and not path.startswith("lab/")]
    tap.case("every .c file is in a meson.build", not left, "\n".join(left))


def libraries(build):
    """The include folders of libraries that are not in the compiler's own, as Lua's."""
    commands = json.loads((build / "compile_commands.json").read_text())
    words = {word for c in commands for word in c["command"].split()}
    return sorted(word for word in words if word.startswith("-I/usr/"))


def check_headers(tap, source, build, compiler):
    wrong = []
    for path in [PUBLIC, *files(source, ".h")]:
        made = subprocess.run(
            [*compiler, "-std=gnu17", "-D_GNU_SOURCE", "-fsyntax-only", "-x", "c",
             *(flag for folder in ("", "include", "src", "tests", "tools")
               for flag in ("-I", source / folder)), *libraries(build), "-Wall", "-Wextra", "-Werror",
             "-Wno-unused-function", "-include", source / path, "/dev/null"],
            stderr=subprocess.PIPE, text=True, check=False)
        if made.returncode:
            wrong.append(f"{path}:\n{made.stderr}")
    tap.case("every header compiles on its own", not wrong, "\n".join(wrong))


def main():
    source, build = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    tap = Tap()
    check_parser(tap)
    check_directions(tap, source)
    check_built(tap, source, build)
    check_headers(tap, source, build, sys.argv[3:])
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
