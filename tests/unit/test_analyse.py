#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""How `make analyse` reads what analysers say, and holds it against the table of what is triaged;
and that the table itself is in order. argv: the source's folder."""

import pathlib
import sys

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1] / name)
                for name in ("common", "analyse")]
import analysers  # noqa: E402
import triage  # noqa: E402
from tap import Tap  # noqa: E402

FOLDER = analysers.ROOT / "build"
# A line, and the check, file, number and text that it comes to.
SAID = (
    ("../src/a.c:3:7: warning: lost [-Wconversion]", ("-Wconversion", "src/a.c", 3, "lost")),
    ("../src/a.c:3:7: warning: leak of ‘v[1]’ [CWE-401] [-Wanalyzer-malloc-leak]",
     ("-Wanalyzer-malloc-leak", "src/a.c", 3, "leak of ‘v[1]’ [CWE-401]")),
    (f"{analysers.ROOT}/tools/b.c:10: error: undefined", ("gcc", "tools/b.c", 10, "undefined")),
    ("../src/a.h:1:2: fatal error: no such file", ("gcc", "src/a.h", 1, "no such file")),
    ("/usr/include/uthash.h:1:2: warning: lost [-Wconversion]", None),
    ("../src/a.c:3:7: note: lost", None),
    ("In file included from ../src/a.c:3:", None),
)
FOUND = {analysers.Finding("gcc", check, file, 1, "") for check, file in (
    ("-Wa", "src/a.c"), ("-Wa", "src/b.c"), ("-Wb", "src/a.c"))}
# Rules, how many findings they leave, and how many rules are about nothing.
RULES = (
    ("", 3, 0),
    ("gcc -Wa src/a.c why", 2, 0),
    ("gcc -Wa * why", 1, 0),
    ("gcc -Wb src/a.c why\ngcc -Wa * why", 0, 0),
    ("gcc -Wa src/c.c why", 3, 1),
    ("gcc -Wc * why\ngcc -Wa src/b.c why", 2, 1),
    ("clang -Wa * why", 3, 1),
)


def main():
    tap = Tap()
    for line, expected in SAID:
        got = [tuple(finding[1:]) for finding in analysers.findings("gcc", line, FOLDER)]
        tap.case(f"read: {line.replace(str(analysers.ROOT), '')}",
                 got == ([expected] if expected else []), got)
    for text, nleft, nunused in RULES:
        left, unused = triage.judge(FOUND, list(triage.parse(text)))
        tap.case(f"{nleft} left and {nunused} unused by {text!r}",
                 (len(left), len(unused)) == (nleft, nunused), (left, unused))
    try:
        list(triage.parse("gcc -Wa *"))
        tap.case("a rule without a reason is an error", False)
    except ValueError as error:
        tap.case("a rule without a reason is an error", "no reason" in str(error), error)

    rules = triage.read_rules()
    tap.case(f"{len(rules)} rules in the table, each an analyser's, none twice",
             rules and all(rule.analyser in analysers.ANALYSERS for rule in rules) and
             len({rule[:3] for rule in rules}) == len(rules))
    gone = [rule.file for rule in rules
            if rule.file != "*" and not (analysers.ROOT / rule.file).is_file()]
    tap.case("and each is about a file that is there, or about all", not gone, gone)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
