#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The log that is found in a guest's memory, beside what its console showed: every line of
the console is in it, in the same order.

    test_log.py TOOL SCENARIO...
"""

import json
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))
import scenario  # noqa: E402
from tap import PATIENCE, Tap  # noqa: E402

LINE = re.compile(r"^(\[ *\d+\.\d{6}\] .*?)\s*$")


def console(directory):
    """The kernel's lines, up to the dump: what came after it is not in memory."""
    text = (directory / "serial.log").read_text(encoding="ascii", errors="replace")
    return [match[1] for match in map(LINE.match, text.splitlines()) if match]


def log(tool, dump, *options):
    done = subprocess.run([tool, "log", dump, *options], capture_output=True, check=False,
                          timeout=PATIENCE)
    return done.returncode, done.stdout.decode("ascii"), done.stderr.decode()


def is_in_order(wanted, lines):
    """The first of wanted that is not among lines behind those before it, or None."""
    rest = iter(lines)
    return next((line for line in wanted if line not in rest), None)


def check(tap, tool, name, directory):
    status, text, errors = log(tool, directory / "dump.elf")
    lines = [line.rstrip() for line in text.splitlines()]
    shown = console(directory)
    last = [line for line in lines if LINE.match(line)][-1:]
    if last and last[0] in shown:  # what the guest said after the dump
        shown = shown[:shown.index(last[0]) + 1]
    missing = is_in_order(shown, lines)
    tap.case(f"{name}: all {len(shown)} lines of the console are in the log, in order",
             len(shown) > 20 and missing is None, missing)
    tap.case(f"{name}: nothing of it is lost", status == 0, (status, text[:200], errors))
    document = json.loads(log(tool, directory / "dump.elf", "--json")[1])
    numbers = [line["seq"] for line in document["lines"]]
    tap.case(f"{name}: numbers rise by one",
             sorted(set(numbers)) == list(range(numbers[0], numbers[-1] + 1)) and
             numbers == sorted(numbers), numbers)


def main(tool, *names):
    tap = Tap()
    for directory in scenario.each(tap, list(names), "log", scenario.PC + scenario.VIRT):
        check(tap, tool, directory.name, directory)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
