#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The example asks the library the seed's question, on a real kernel's memory.

    example.py WHO CAPTURE      run, as TAP
"""

import json
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))
from tap import Tap  # noqa: E402


def ask(who, dump, address):
    told = subprocess.run([who, dump, address], check=False, text=True,
                          capture_output=True)
    return told.returncode, told.stdout


def main():
    who, capture = sys.argv[1], pathlib.Path(sys.argv[2])
    truth = json.loads(capture.with_suffix(".json").read_text())
    hidden, victim = truth["hidden"]["address"], truth["hidden"]["pid"]
    tap = Tap()
    told = ask(who, capture, hidden)
    tap.case("the victim alone is named, and where its walk stops",
             told == (1, f"{victim} victim cannot see {hidden}: the walk stops at the "
                         "page directory\n"), told)
    told = ask(who, capture, truth["symbols"]["_stext"])
    tap.case("what everybody sees", told == (0, ""), told)
    tap.case("what is no dump", ask(who, "/dev/null", "0")[0] == 2)
    return tap.end()


sys.exit(main())
