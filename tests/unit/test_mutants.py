#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What `make mutants` changes: each of its changes, and nothing in what is no code."""

import pathlib
import sys

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1] / name)
                for name in ("common", "mutants")]
import operators  # noqa: E402
from tap import Tap  # noqa: E402

# A line of a function, and all that may become of it.
TABLE = (
    ("if (a < b)", {"if (a <= b)", "if (!(a < b))"}),
    ("if (f(a) >= b)", {"if (f(a) > b)", "if (!(f(a) >= b))"}),
    ("a = b == c;", {"a = b != c;", ";"}),
    ("return a && b;", {"return a || b;", "return 0;"}),
    ("return WS_OK;", {"return 1;"}),
    ("return -1;", {"return -(1 + 1);", "return 0;"}),
    ("return;", set()),
    ("f(a - b, p->n);", {"f(a + b, p->n);", ";"}),
    ("f(a & 0x1fu);", {"f(a | 0x1fu);", "f(a & (0x1fu + 1));", ";"}),
    ("int a = b;", set()),
    ("break;", set()),
    ("f(\"a < b\", '+'); /* c && d */", set()),
    ("v[2] = a;", {";"}),
    ("if (a(b) &&\n", {"if (a(b) ||\n"}),
)


def edits(line):
    text = f"#define A (b + 1)\nint f(void)\n{{\n\t{line}\n}}\n"
    begin = text.index(line)
    for place in operators.places(text, "a.c"):
        changed = operators.changed(place, text)
        assert changed[:begin] == text[:begin], changed
        yield changed[begin:len(changed) - len("\n}\n")].replace("\0", "")


def main():
    tap = Tap()
    for line, expected in TABLE:
        got = set(edits(line))
        tap.case(f"all that may become of {line.strip()!r}", got == expected,
                 f"want {expected}, got {got}")
    text = "int f(void)\n{\n\treturn a < b || a < c;\n}\n"
    words = [operators.described(place, text) for place in operators.places(text, "a.c")]
    tap.case("each change has words of its own, with file, line and column",
             len(set(words)) == len(words) == 4 and
             "a.c:3:11: a bound moves by one: < -> <=" in words, words)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
