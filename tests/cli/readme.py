#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a document shows is what the tool prints.

    readme.py DOCUMENT TOOL      run, as TAP

A block that begins with a `$` line shows a command, run in the project's directory, and its
output. A line `...` stands for any number of lines. A table of words is the tool's.
"""

import os
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))
from tap import PATIENCE  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]


def blocks(path):
    """(command, shown lines) of every block that shows a command."""
    with open(path, encoding="utf-8") as readme:
        for block in re.findall(r"^```\n\$ (.*?)^```$", readme.read(), re.M | re.S):
            command, *shown = block.splitlines()
            yield command, shown


def printed(command, tool):
    env = dict(os.environ, PATH=os.path.dirname(os.path.abspath(tool)) + os.pathsep +
               os.environ["PATH"])
    return subprocess.run(["sh", "-c", command], cwd=ROOT,
                          env=env, capture_output=True, text=True, timeout=PATIENCE,
                          check=False).stdout


def pattern(shown):
    return "".join("(?:.*\n)*" if line == "..." else re.escape(line) + "\n"
                   for line in shown)


def main(path, tool):
    shown = list(blocks(path))
    text = pathlib.Path(path).read_text(encoding="utf-8")
    has_words = "| word | meaning |" in text
    failed = not shown
    print(f"1..{len(shown) + has_words}")
    for number, (command, lines) in enumerate(shown, 1):
        output = printed(command, tool)
        same = re.fullmatch(pattern(lines), output)
        failed |= not same
        print(f"{'ok' if same else 'not ok'} {number} - {command}")
        for line in [] if same else output.splitlines():
            print(f"# {line}")
    if has_words:
        words = subprocess.run([tool, "--generate", "words"], capture_output=True, text=True,
                               timeout=PATIENCE, check=False).stdout
        same = words and words in text
        failed |= not same
        print(f"{'ok' if same else 'not ok'} {len(shown) + 1} - the table of words is "
              "`whosees --generate words`")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
