#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""No test is given up because the machine is busy: each has the limit that tests/meson.build
has for all, and no program that a test runs has a longer one. argv: the build."""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))
from tap import PATIENCE, Tap  # noqa: E402

IDLE = 60  # seconds that the slowest may take with nothing else to do
ROOM = 5


def main():
    tests = json.loads((pathlib.Path(sys.argv[1]) / "meson-info/intro-tests.json").read_text())
    tap = Tap()
    near = [f"{test['name']}: {test['timeout']} s" for test in tests
            if test["timeout"] <= PATIENCE]
    tap.case("every test has `timeout: patience`, more than any program that it runs",
             tests and not near, "\n".join(near))
    tap.case(f"which is {ROOM} times a minute, and more", PATIENCE >= ROOM * IDLE, PATIENCE)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
