#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The manual pages are well-formed, leave nothing out, and name no file that is not
installed.

    manual.py TOOL SOURCE PAGE...      run, as TAP: the pages as they are installed
"""

import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))
from tap import Tap  # noqa: E402

COMMENT = re.compile(r"/\*.*?\*/", re.S)
# A declaration begins at the margin; no typedef of a function's type.
DECLARED = re.compile(r"^(?!typedef)(?:static inline )?\w[\w \t*]*?\b(ws_\w+)\(", re.M)


def run(*argv):
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


def lint(page):
    """What mandoc has to say. Style is left out: it depends on the pages installed."""
    return subprocess.run(["mandoc", "-T", "lint", "-W", "warning", page],
                          capture_output=True, text=True, check=False).stdout


def rendered(page):
    text = run("mandoc", "-T", "ascii", "-O", "width=200", page)
    return re.sub(".\b", "", text)  # bold and underlined by overstriking


def helped(tool, *words):
    return run(tool, *words, "--help")


def commands(tool):
    listed = helped(tool).split("Commands:\n", 1)[1].split("\n\n", 1)[0]
    return [line.split()[0] for line in listed.splitlines()]


def examples(tool, command):
    for line in run(tool, "--generate", "examples").splitlines():
        name, _, shown = line.split("\t")
        if name == command:
            yield shown


def check_command(tap, tool, command, pages):
    text = pages.get(f"whosees-{command}.1", "")
    options = re.findall(r"^ .*(--[a-z-]+)", helped(tool, command), re.MULTILINE)
    shown = list(examples(tool, command))
    missing = [what for what in [*options, *shown, "SYNOPSIS"] if what not in text]
    tap.case(f"whosees-{command}(1) has every option and example", options and shown and
             not missing, missing)
    tap.case(f"whosees(1) names whosees-{command}(1)",
             f"whosees-{command}(1)" in pages["whosees.1"])


def words(tool, kind):
    return re.findall(rf"^\| {kind} \*(.*?)\*", run(tool, "--generate", "words"), re.M)


def check_verdicts(tap, tool, pages):
    page = pages["whosees-verdicts.7"]
    for kind in ("verdict", "fate"):
        names = words(tool, kind)
        missing = [name for name in names
                   if not re.search(rf"^ +{name}( |$)", page, re.M)]
        tap.case(f"whosees-verdicts(7) has every {kind}", len(names) == 7 and not missing,
                 f"{names}, but not {missing}")


def check_library(tap, source, pages):
    header = COMMENT.sub("", (source / "include/whosees.h").read_text())
    declared = set(DECLARED.findall(header))
    there = set(re.findall(r"(ws_\w+)\(\)", pages["libwhosees.3"]))
    tap.case("libwhosees(3) names the header's functions, and no others",
             len(declared) > 50 and declared == there,
             f"not on the page: {declared - there}\nnot in the header: {there - declared}")
    program = (source / "examples/who.c").read_text()
    shown = re.sub(r"[ \t]+", " ", pages["libwhosees.3"])
    missing = [line for line in program.splitlines()
               if re.sub(r"[ \t]+", " ", line.strip()) not in shown]
    tap.case("libwhosees(3) shows examples/who.c", not missing, "\n".join(missing))


def unknown_files(source, pages):
    """Documents that a page names and the build does not install."""
    installed = (source / "docs/meson.build").read_text()
    for page, text in pages.items():
        for folder, name in re.findall(r"/doc/whosees/((?:\w+/)?)([\w-]+\.\w+)", text):
            if (f"{folder}{name}'" not in installed or
                    not list(source.glob(f"*/{folder}{name}"))):
                yield f"{page}: {folder}{name}"
        for name in re.findall(r"(?<![\w/])(?:docs|tests|lab|src|examples)/\S+", text):
            yield f"{page}: {name}"


def main(tool, source, *paths):
    tap = Tap()
    source = pathlib.Path(source)
    pages = {pathlib.Path(path).name: rendered(path) for path in paths}
    for path in paths:
        wrong = lint(path)
        tap.case(f"{pathlib.Path(path).name}: mandoc finds nothing wrong", not wrong, wrong)
    dates = {re.search(r"^\.Dd (.*)$", pathlib.Path(path).read_text(), re.M)[1]
             for path in paths}
    tap.case("all pages have one date, that of the sources", len(dates) == 1 and
             re.fullmatch(r"[A-Z][a-z]+ \d+, \d{4}", *dates), dates)
    for command in commands(tool):
        check_command(tap, tool, command, pages)
    check_verdicts(tap, tool, pages)
    check_library(tap, source, pages)
    unknown = list(unknown_files(source, pages))
    tap.case("every document that a page names is installed", not unknown, unknown)
    left = [page for page, text in pages.items() if re.search(r"@[A-Z_]+@", text)]
    tap.case("nothing of a template is left", not left, left)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
