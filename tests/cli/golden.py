#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tool prints, held against what it printed when somebody last looked.

    golden.py TOOL TARGET CASES...            run, as TAP
    golden.py --update TOOL TARGET CASES...   write down what is printed now

A case file holds cases, one after the other:

    # who sees it                    names the case
    $ whosees probe $TARGET loop     a shell command
    > loop (7 pages): ...            a line of standard output, exactly
    ! note: .*                       a line of standard error, a regular expression;
                                     what it was wrapped to is one line again
    ? 0                              the exit status

The command finds whosees, poke.py and lack.py on its PATH, the dump at $TARGET, the folder
it is in at $CAPTURES, the sources of unit tests at $UNIT, and an empty directory of its own
at $SCRATCH; where their paths are printed, these names stand for them.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))
from tap import NO_TERMINALS, PATIENCE, has_terminals  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))


class Case:
    def __init__(self, name):
        self.name = name
        self.command = ""
        self.stdout = []
        self.stderr = []
        self.status = 0


def parse(path):
    cases = []
    with open(path, encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            mark, text = line[:1], line.rstrip("\n")[2:]
            if mark == "#":
                cases.append(Case(text))
            elif mark == "$":
                cases[-1].command = text
            elif mark == ">":
                cases[-1].stdout.append(text)
            elif mark == "!":
                cases[-1].stderr.append(text)
            elif mark == "?":
                cases[-1].status = int(text)
            elif line.strip():
                sys.exit(f"{path}:{number}: a line begins with one of # $ > ! ?")
    return cases


def write(path, cases):
    blocks = []
    for case in cases:
        lines = [f"# {case.name}", f"$ {case.command}"]
        lines += [f"> {line}".rstrip() for line in case.stdout]
        lines += [f"! {line}" for line in case.stderr]
        lines.append(f"? {case.status}")
        blocks.append("\n".join(lines) + "\n")
    with open(path, "w", encoding="utf-8") as out:
        out.write("\n".join(blocks))


def unwrapped(output):
    """Messages have paths, on whose length it would depend where their lines end."""
    return re.sub(rb"\n {6,}", b" ", output)


def printed_lines(output, names):
    text = output.decode("utf-8", "backslashreplace").replace("\r\n", "\\r\n")
    for path, name in names.items():
        text = text.replace(path, name)
    return text.removesuffix("\n").split("\n") if text else []


def run(case, tool, target):
    """The lines of stdout and stderr, and the exit status."""
    with tempfile.TemporaryDirectory() as scratch:
        env = dict(os.environ, TARGET=target, CAPTURES=os.path.dirname(target),
                   SCRATCH=scratch, COLUMNS="80", TERM="dumb",
                   WHOSEES_PAGER="",
                   UNIT=os.path.join(HERE, "..", "unit"),
                   PATH=os.pathsep.join([os.path.dirname(tool), HERE,
                                         os.environ["PATH"]]))
        done = subprocess.run(["sh", "-c", case.command], env=env, timeout=PATIENCE,
                              stdin=subprocess.DEVNULL, capture_output=True, check=False)

    return [printed_lines(output, {target: "$TARGET", os.path.dirname(target): "$CAPTURES",
                                   scratch: "$SCRATCH"})
            for output in (done.stdout, unwrapped(done.stderr))] + [done.returncode]


def same_stderr(patterns, lines):
    return len(patterns) == len(lines) and all(
        re.fullmatch(pattern, line) for pattern, line in zip(patterns, lines))


def differences(case, stdout, stderr, status):
    if status != case.status:
        yield f"exit status {status}, not {case.status}"
    for number, (want, got) in enumerate(zip(case.stdout, stdout), 1):
        if want != got:
            yield f"line {number} of stdout\n  want {want}\n  got  {got}"
            break
    if len(case.stdout) != len(stdout):
        yield f"{len(stdout)} lines of stdout, not {len(case.stdout)}"
    if not same_stderr(case.stderr, stderr):
        yield "stderr\n  want " + "\n       ".join(case.stderr) + \
            "\n  got  " + "\n       ".join(stderr)


def check(number, case, tool, target):
    if "script -q" in case.command and not has_terminals():
        print(f"ok {number} - {case.name} # SKIP {NO_TERMINALS}")
        return True
    wrong = list(differences(case, *run(case, tool, target)))
    print(f"{'not ok' if wrong else 'ok'} {number} - {case.name}")
    for what in [f"$ {case.command}", *wrong] if wrong else []:
        print("# " + what.replace("\n", "\n# "))
    return not wrong


def update(path, tool, target):
    cases = parse(path)
    for case in cases:
        case.stdout, stderr, case.status = run(case, tool, target)
        if not same_stderr(case.stderr, stderr):
            case.stderr = [re.escape(line).replace(r"\ ", " ") for line in stderr]
    write(path, cases)


def main(arguments):
    updating = arguments[:1] == ["--update"]
    tool, target, *paths = arguments[1:] if updating else arguments
    tool, target = os.path.abspath(tool), os.path.abspath(target)
    if updating:
        for path in paths:
            update(path, tool, target)
        return 0
    cases = [case for path in paths for case in parse(path)]
    print(f"1..{len(cases)}")
    passed = [check(number, case, tool, target)
              for number, case in enumerate(cases, 1)]
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
