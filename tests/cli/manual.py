#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The manual page is well-formed and leaves no command and no option out.

    manual.py PAGE TOOL      run, as TAP
"""

import re
import subprocess
import sys


def lint(page):
    """What mandoc has to say. Style is left out: it depends on the pages installed."""
    return subprocess.run(["mandoc", "-T", "lint", "-W", "warning", page],
                          capture_output=True, text=True, check=False).stdout


def rendered(page):
    text = subprocess.run(["mandoc", "-T", "ascii", page], capture_output=True,
                          text=True, check=True).stdout
    return re.sub(".\b", "", text)  # bold and underlined by overstriking


def helped(tool, *words):
    return subprocess.run([tool, *words, "--help"], capture_output=True, text=True,
                          check=True).stdout


def commands(tool):
    listed = helped(tool).split("Commands:\n", 1)[1].split("\n\n", 1)[0]
    return [line.split()[0] for line in listed.splitlines()]


def missing(tool, page):
    text = rendered(page)
    for command in commands(tool):
        if not re.search(rf"^ +{command}( TARGET| FILE| \[|  |$)", text, re.MULTILINE):
            yield command
        for option in re.findall(r"^ .*(--[a-z-]+)", helped(tool, command), re.MULTILINE):
            if option not in ("--help", "--usage", "--version") and option not in text:
                yield f"{command} {option}"


def tell(number, name, wrong):
    print(f"{'not ok' if wrong else 'ok'} {number} - {name}")
    for line in wrong:
        print(f"# {line}")
    return bool(wrong)


def main(page, tool):
    print("1..2")
    return tell(1, "mandoc finds nothing wrong", lint(page).splitlines()) | \
        tell(2, "every command and option is in it", list(missing(tool, page)))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
