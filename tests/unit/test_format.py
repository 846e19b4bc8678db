#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The tree is laid out as .clang-format says, and no comment is torn: a tool that broke
the lines of a comment has left a ruler in two pieces, or text right behind a star.
argv: the source's folder."""

import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))
from tap import Tap  # noqa: E402

FOLDERS = ("include", "src", "tools", "machine", "module", "lab", "bench", "examples", "tests")
# Layouts differ from one release to the next: the tree is held to this one's.
VERSION = 14

COMMENT = re.compile(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|/\*.*?\*/', re.S)


def files(source):
    for folder in FOLDERS:
        for path in sorted((source / folder).rglob("*.[ch]")):
            yield path


def wounds(comment):
    """What is wrong with one comment, by the line."""
    first, *rest = comment.split("\n")
    if not rest:
        return
    if first.startswith("/* ----"):
        yield first, "a ruler in two pieces"
    for line in rest:
        if re.match(r"\s*\*[^\s*/]", line):
            yield line, "text right behind the star"
    if first.strip() not in ("/*", "/**") and not rest[-1].strip("\t */"):
        yield first, "its end on a line of its own, but not its beginning"
    if re.search(r"[a-z]/ [a-z]+/", comment):
        yield first, "a path in two pieces"


def torn(path):
    text = path.read_text(errors="replace")
    for match in COMMENT.finditer(text):
        if not match[0].startswith("/*"):
            continue
        for line, wound in wounds(match[0]):
            number = text.count("\n", 0, match.start()) + 1
            yield f"{path}:{number}: {wound}: {line.strip()}"


def check_the_check(tap):
    good = ["/* one line */", "/*\n * two\n * lines\n */", "/*\n *\ta\tdiagram\n */",
            "/* of a member,\n\t\t   in two lines */", "/* ---- a ruler ---- */",
            "/*\n * include/linux/elf.h\n */"]
    bad = ["/* ---- a ruler ----\n */", "/* a long line.\n */", "/*\n *\ta\tdia\n *gram\n */",
           "/*\n * drivers/firmware/ efi/\n */"]
    tap.case("sound comments are sound", not any(list(wounds(c)) for c in good),
             "\n".join(str(list(wounds(c))) for c in good))
    tap.case("torn ones are torn", all(list(wounds(c)) for c in bad),
             "\n".join(c for c in bad if not list(wounds(c))))


def version():
    """The major number of the clang-format that is here; None: there is none."""
    try:
        reported = subprocess.run(["clang-format", "--version"], capture_output=True, text=True,
                              check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    number = re.search(r"version (\d+)", reported)
    return int(number[1]) if number else None


def check_format(tap, source):
    name = f"clang-format {VERSION} has nothing to change"
    here = version()
    if here != VERSION:
        tap.skip(name, "it is not installed" if here is None else f"{here} is installed")
        return
    done = subprocess.run(["clang-format", "--style=file", "--dry-run", "-Werror",
                           *map(str, files(source))],
                          capture_output=True, text=True, check=False, cwd=source)
    tap.case(name, done.returncode == 0,
             "\n".join(line for line in done.stderr.splitlines() if "error:" in line))


def main(source):
    tap = Tap()
    source = pathlib.Path(source)
    check_the_check(tap)
    found = [wound for path in files(source) for wound in torn(path)]
    tap.case("no comment is torn", not found, "\n".join(found))
    check_format(tap, source)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
