#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""No terminal of 80 columns breaks a line of text within a word.

    width.py TOOL TARGET... -- CASES...      run, as TAP

Every golden case that prints text is looked at as it stands, and is run once more with
each TARGET in place of its own.
"""

import concurrent.futures
import os
import re
import sys

import golden

WIDTH = 80
# What is not text of ours: for machines, asked to be wide, dtrace4linux's, argp's, or a page,
# of whose HTML a case prints what a grep finds.
OTHER = re.compile(r"--(json|ndjson|csv|sarif|xx-procs|help|usage)|COLUMNS=|\bhelp\b|<html|\$o\b"
                   r"|COMPREPLY|has the options|whosees report .* -o -")


def too_long(lines):
    """Lines that a terminal would break although they have a blank to be broken at."""
    for line in lines:
        # what cat -v, a terminal or a pager has put there is no part of it
        line = re.sub(r"\^\[\[[0-9;]*m|\^M$|^paged:|\\r$", "", line)
        if len(line) > WIDTH and " " in line.strip():
            yield line


def is_text(case):
    return not OTHER.search(case.command)


def say(number, name, wrong):
    print(f"{'not ok' if wrong else 'ok'} {number} - {name}")
    for line in wrong:
        print(f"# {line}")
    return not wrong


def lines_of(case, tool, target):
    return golden.run(case, tool, target)[0]


def main(tool, *arguments):
    split = arguments.index("--")
    targets = [os.path.abspath(target) for target in arguments[:split]]
    cases = [case for path in arguments[split + 1:] for case in golden.parse(path)
             if is_text(case)]
    aimed = [case for case in cases if "$TARGET" in case.command]
    tests = [(case.name, case.stdout) for case in cases]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for target in targets:
            printed = pool.map(lambda case, t=target: lines_of(case, os.path.abspath(tool), t),
                               aimed)
            tests += [(f"{case.name}, of {os.path.basename(target)}", lines)
                      for case, lines in zip(aimed, printed)]
    print(f"1..{len(tests)}")
    passed = [say(number, name, list(too_long(lines)))
              for number, (name, lines) in enumerate(tests, 1)]
    return 0 if all(passed) and aimed else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
