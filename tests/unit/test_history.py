#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""docs/kernel-history.md has each commit of Linux that the code cites, and the files that do.
argv: the source's folder; --update writes the files and adds rows that lack their words."""

import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))
from tap import Tap  # noqa: E402

MAP = "docs/kernel-history.md"
FOLDERS = ("src", "machine/kernel")
COMMIT = re.compile(r"(?<!\w)(?=\d*[a-f])(?=[a-f]*\d)[0-9a-f]{12}(?!\w)")
ROW = re.compile(r"^\| ([0-9a-f]{12}) \| ([^|]*) \| ([^|]*) \| ([^|]*) \|$", re.M)
VERSION = re.compile(r"[2-7]\.\d+(\.\d+)?|20\d\d")
# A version that the code names beside a commit: "7f2590a110b8 (4.15)", "(4.15, 92a0...)".
BESIDE = re.compile(r"\b([0-9a-f]{12})[:]? \((?:Linux )?(\d\.\d+(?:\.\d+)?)\b")


def comments_and_strings(text):
    """What of C text people read, with lines joined."""
    found = re.findall(r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"', text, re.S)
    return " ".join(re.sub(r"\n\s*\*?\s*", " ", words) for words in found)


def cited(source):
    """{commit: its files}, and {commit: versions that are named beside it}."""
    files, versions = {}, {}
    for folder in FOLDERS:
        for path in sorted((source / folder).rglob("*.[ch]")):
            words = comments_and_strings(path.read_text())
            for commit in COMMIT.findall(words):
                files.setdefault(commit, set()).add(str(path.relative_to(source)))
            for commit, version in BESIDE.findall(words):
                versions.setdefault(commit, set()).add(version)
    return files, versions


def files_cell(paths):
    return ", ".join(f"`{path}`" for path in sorted(paths))


def order(row):
    numbers = re.findall(r"\d+", row[1])
    year = {"2026": (6, 19, 1)}.get(row[1])
    return (year or tuple(map(int, numbers)), row[0])


def update(source):
    path = source / MAP
    text, (files, versions) = path.read_text(), cited(source)
    rows = {row[0]: list(row) for row in ROW.findall(text)}
    for commit in files:
        rows.setdefault(commit, [commit, min(versions.get(commit, {"?"})), "?", ""])
        rows[commit][3] = files_cell(files[commit])
    head = text[:text.index("|---|---|---|---|\n")] + "|---|---|---|---|\n"
    path.write_text(head + "".join("| " + " | ".join(row) + " |\n" for row in
                                   sorted(rows.values(), key=order) if row[0] in files))


def check(tap, source):
    (files, versions), rows = cited(source), ROW.findall((source / MAP).read_text())
    known = {row[0]: row for row in rows}
    tap.case("a commit is told from other numbers",
             COMMIT.findall("b8a94bfb3395, 0x123456789abc 100000000000 b8a94bfb3395f (e1a58320a38d)")
             == ["b8a94bfb3395", "e1a58320a38d"])
    tap.case(f"each of {len(files)} commits that the code cites is in the map once",
             len(files) > 50 and set(files) <= set(known) and len(known) == len(rows),
             f"{sorted(set(files) - set(known))}; run {__file__} SOURCE --update, write the words")
    tap.case("and none that it does not cite", set(known) <= set(files),
             sorted(set(known) - set(files)))
    moved = sorted(c for c in files if c in known and known[c][3] != files_cell(files[c]))
    tap.case("with the files that do", not moved, f"{moved}; --update writes them")
    bare = sorted(row[0] for row in rows if not VERSION.fullmatch(row[1]) or len(row[2]) < 10)
    tap.case("each says in which version, and what", not bare, bare)
    other = sorted(f"{c}: {known[c][1]}, in the code {versions[c]}" for c in versions
                   if c in known and versions[c] != {known[c][1]})
    tap.case("and the code names the same version", not other, "\n".join(other))
    tap.case("in order of versions", rows == sorted(rows, key=order))


def main():
    source, tap = pathlib.Path(sys.argv[1]), Tap()
    if "--update" in sys.argv:
        update(source)
        return 0
    check(tap, source)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
