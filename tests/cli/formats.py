#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every command says the same as text, JSON, NDJSON and CSV.

    formats.py TOOL TARGET      run, as TAP
"""

import csv
import io
import json
import os
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))
from tap import PATIENCE  # noqa: E402

# The command, and what JSON calls its rows.
COMMANDS = [
    (["spaces"], "spaces"),
    (["modules"], "modules"),
    (["read", "vfs_read", "4096"], "rows"),
    (["read", "lab_page_fault", "8192", "--pid", "WAITER"], "rows"),
    (["walk", "lab_page_fault"], "steps"),
    (["walk", "lab_page_fault", "--pid", "WAITER"], "steps"),
    (["cpus"], "registers"),
    (["name", "lab_page_fault", "loop", "c21ba000", "0"], "names"),
    (["map"], "ranges"),
    (["map", "--pid", "1"], "ranges"),
    (["probe", "vfs_read", "lab_page_fault", "loop", "--all-modules"], "rows"),
    (["probe", "vfs_read", "lab_page_fault", "loop", "--all", "--all-spaces"], "rows"),
    (["what-if", "--spaces", "all", "--all"], "spaces"),
    (["what-if", "--spaces", "all", "--all", "--fault", "kernel", "--tlb", "tcg"], "spaces"),
]


VERSION = {"what-if": 3, "probe": 2, "map": 2}  # of each JSON that is not the first


def run(tool, target, command, *options):
    """On lines so wide that nothing is wrapped or left out."""
    done = subprocess.run([tool, command[0], target, *command[1:], *options],
                          env=dict(os.environ, COLUMNS="65535"), capture_output=True,
                          check=False, timeout=PATIENCE)
    return done.stdout.decode("ascii"), done.returncode


def as_csv(value):
    """A JSON value as CSV writes it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def check_json(document, command, rows):
    schema = f"whosees/{command[0]}/{VERSION.get(command[0], 1)}"
    assert document["schema"] == schema, document["schema"]
    assert set(document) == {"schema", "target", "summary", rows, "notes"}, set(document)
    assert document["summary"], "no summary"
    assert document[rows] or "waiter" not in document["summary"][0]["sentence"]
    for row in document[rows]:
        assert list(row) == list(document[rows][0]), "rows of two kinds"


def check_ndjson(text, document, rows):
    records = [json.loads(line) for line in text.splitlines()]
    assert records[0] == {"record": "report", "schema": document["schema"],
                          "target": document["target"]}
    for name in ("summary", rows):
        same = [{key: value for key, value in record.items() if key != "record"}
                for record in records if record["record"] == name]
        assert same == document[name], f"NDJSON has another {name}"


def check_csv(text, document, rows):
    assert text.count("\n") == text.count("\r\n"), "RFC 4180 ends lines with CRLF"
    header, *lines = csv.reader(io.StringIO(text, newline=""))
    assert len(lines) == len(document[rows]), f"CSV has {len(lines)} rows"
    for line, row in zip(lines, document[rows]):
        assert header == list(row), "CSV has other columns"
        assert line == [as_csv(value) for value in row.values()], line


VERDICT = re.compile(r" \((heals|unknown|diverges|leaks|nests|double-faults)(, or worse)?\)$")


def check_text(text, document, rows):
    lines = text.splitlines()
    sentences = [summary["sentence"] for summary in document["summary"]]
    assert lines[:len(sentences)] == sentences, "text has another summary"
    table = [line for line in lines[len(sentences):] if not line.startswith("---[")]
    while VERDICT.search(table[0]):  # what comes of a hole
        table = table[1:]
    who = document["summary"][0].get("who")
    if who:
        assert table[0] == who, "text counts others"
        table = table[1:]
    if not document[rows]:
        assert not table, "text has rows"
        return
    while re.search("shares fewer|^freed roots are", table[0]):  # remarks of spaces
        table = table[1:]
    assert table[0] == "", "no empty line between summary and table"
    assert len(table) == 2 + len(document[rows]), "text has other rows"


def check(tool, target, command, rows):
    text, status = run(tool, target, command)
    outputs = {}
    for option in ("--json", "--ndjson", "--csv"):
        outputs[option], same = run(tool, target, command, option)
        assert same == status, f"{option}: exit status {same}, not {status}"
    document = json.loads(outputs["--json"])
    check_json(document, command, rows)
    check_ndjson(outputs["--ndjson"], document, rows)
    check_csv(outputs["--csv"], document, rows)
    check_text(text, document, rows)


def find_waiter(tool, target):
    document = json.loads(run(tool, target, ["spaces"], "--json")[0])
    return next(str(space["pid"]) for space in document["spaces"]
                if space["comm"] == "waiter")


def main(tool, target):
    waiter = find_waiter(tool, target)
    failed = 0
    print(f"1..{len(COMMANDS)}")
    for number, (command, rows) in enumerate(COMMANDS, 1):
        command = [word.replace("WAITER", waiter) for word in command]
        try:
            check(tool, target, command, rows)
            print(f"ok {number} - {' '.join(command)}")
        except (AssertionError, ValueError, KeyError) as error:
            failed += 1
            print(f"not ok {number} - {' '.join(command)}\n# {error!r}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
