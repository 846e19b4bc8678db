#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who counts must count right: the reading of TAP behind `make check`'s last line."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))
import testlog  # noqa: E402
from tap import Tap  # noqa: E402

OK, BAD, GONE = "passed", "failed", "skipped"
# What a test printed, meson's word on it, and the cases that come of it.
TABLE = [
    ("passes", "1..2\nok 1 - a\nok 2 - b\n", "OK", [OK, OK]),
    ("a failure and its words", "ok 1 - a\nnot ok 2 - b\n# why\n# where\n1..2\n", "FAIL",
     [OK, BAD]),
    ("skipped by name", "ok 1 - a # SKIP no QEMU\n1..1\n", "OK", [GONE]),
    ("cmocka's way to skip", "1..1\nnot ok 1 # SKIP a\n", "FAIL", [GONE, BAD]),
    ("all skipped", "1..0 # SKIP no QEMU\n", "SKIP", [GONE]),
    ("a crash before the plan is kept", "1..3\nok 1 - a\n", "ERROR", [OK, BAD]),
    ("a crash with no plan", "ok 1 - a\n", "ERROR", [OK, BAD]),
    ("a crash before anything", "", "ERROR", [BAD]),
    ("a timeout", "1..2\nok 1 - a\n", "TIMEOUT", [OK, BAD]),
    ("no TAP, by exit status", "hello\n", "OK", [OK]),
    ("no TAP, failed", "hello\n", "FAIL", [BAD]),
    ("words that only look like it", "1..1\nokay then\nnot okay\nok 1 - a\n", "OK", [OK]),
]


def main():
    tap = Tap()
    for name, text, result, expected in TABLE:
        record = {"name": "t", "stdout": text, "result": result, "returncode": 1}
        got = [case.result for case in testlog.cases_of_record(record)]
        tap.case(f"counting: {name}", got == expected, f"want {expected}, got {got}")
    cases = testlog.cases_of(TABLE[1][1])[0]
    tap.case("counting: a failure keeps its words", cases[1].detail == "why\nwhere",
             cases[1])
    tap.case("counting: the plain line",
             testlog.summary(cases) == "1 passed, 1 failed" and
             testlog.summary(cases + [testlog.Case("", GONE)]) ==
             "1 passed, 1 failed, 1 skipped", testlog.summary(cases))
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
