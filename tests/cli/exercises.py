#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The exercises of docs/teaching.md: docs/exercises/check takes what is right and nothing else.

    exercises.py TOOL      run, as TAP
"""

import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))
from tap import PATIENCE, Tap  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
SEEN_BY_ONE = """
local m = machine { sync = "lazy" }
m:fork("before")
m:insmod("driver")
m:fork("after")
m:dump()
"""
SEEN_BY_ALL = SEEN_BY_ONE.replace('m:fork("before")', "")
# Who is forked after the handler is there sees it.
SURVIVES = """
local m = machine { sync = "lazy" }
m:insmod { name = "driver", hooks_page_fault = true }
local one, other = m:fork("one"), m:fork("other")
one:read(one:mmap {})
other:read(other:mmap {})
assert(m:ended() == "runs")
"""
DIES = SURVIVES.replace("local m = machine { sync = \"lazy\" }",
                        "local m = machine { sync = \"lazy\" }\nm:fork(\"before\")")
OTHER_KERNEL = SURVIVES.replace('"lazy"', '"eager"')
SCRIPTS = {"one": SEEN_BY_ONE, "all": SEEN_BY_ALL, "survives": SURVIVES, "dies": DIES,
           "other": OTHER_KERNEL}
# exercise, answer, whether it is right
ANSWERS = (("1", "116", True), ("1", "117", False), ("1", "waiter", False),
           ("2", "0x021d2c4c", True), ("2", "0x021d2c48", False),
           ("3", "7878", True), ("3", "7877", False),
           ("4", "0x021d2c4c=0x010f9067", True), ("4", "0x021d2c4c=0", False),
           ("4", "0x021d2c4c=0x010fa067", False), ("4", "0x7fffffff0000=1", False),
           ("4", "0x021d2c4c", False),
           ("5", "one.lua", True), ("5", "all.lua", False), ("5", "none.lua", False),
           ("6", "survives.lua", True), ("6", "dies.lua", False), ("6", "other.lua", False),
           ("6", "one.lua", False),
           ("7", "handler-unmapped", True), ("7", "overflow", False))


def main(tool):
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        for name, text in SCRIPTS.items():
            (pathlib.Path(folder) / f"{name}.lua").write_text(text)
        for exercise, answer, right in ANSWERS:
            done = subprocess.run([sys.executable, ROOT / "docs/exercises/check", exercise, answer],
                                  cwd=folder, env={**os.environ, "WHOSEES": os.path.abspath(tool)},
                                  capture_output=True, text=True, timeout=PATIENCE, check=False)
            tap.case(f"exercise {exercise}: {answer} is {'' if right else 'not '}right",
                     done.returncode == (0 if right else 1) and not done.stderr and
                     done.stdout.startswith("right" if right else "not right: "), done)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
