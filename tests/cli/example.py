#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The example asks the library the main question, on a real kernel's memory.

    example.py WHO CAPTURE      run, as TAP
"""

import json
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))
from tap import Tap  # noqa: E402


def ask(who, dump, address):
    reported = subprocess.run([who, dump, address], check=False, text=True,
                          capture_output=True)
    return reported.returncode, reported.stdout


def main():
    who, capture = sys.argv[1], pathlib.Path(sys.argv[2])
    truth = json.loads(capture.with_suffix(".json").read_text())
    hidden, waiter = truth["hidden"]["address"], truth["hidden"]["pid"]
    tap = Tap()
    reported = ask(who, capture, hidden)
    tap.case("the waiter alone is named, and where its walk stops",
             reported == (1, f"{waiter} waiter cannot see {hidden}: the walk stops at the "
                         "page directory\n"), reported)
    reported = ask(who, capture, truth["symbols"]["_stext"])
    tap.case("what everybody sees", reported == (0, ""), reported)
    tap.case("what is no dump", ask(who, "/dev/null", "0")[0] == 2)
    return tap.end()


sys.exit(main())
