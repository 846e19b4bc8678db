#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What digest counts is what was planted, in whatever order it comes, and a line that is no
result is counted as one. TAP. argv: whosees."""

import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))
from tap import PATIENCE, Tap  # noqa: E402

WHOSEES = sys.argv[1]
LONGEST = 1 << 20
FINGERPRINTS = 16384
AUDIT, AUTOPSY = "whosees/audit/3", "whosees/autopsy/2"


def finding(number, severity="fatal", modules=(), **more):
    return {"fingerprint": f"{number:016x}", "severity": severity, "rule": f"rule-{number}",
            "place": "vmalloc", "difference": "hole", "modules": list(modules),
            "text": f"at {number}"} | more


def result(target, *findings, kernel="6.1.0", status=None, error=None, schema=AUDIT, **more):
    if status is None:
        status = 3 if error else int(bool(findings))
    return {"record": "result", "schema": schema, "target": target, "status": status,
            "kernel": kernel, "sentence": None if error else "so it is", "error": error,
            "findings": list(findings)} | more


def line(value):
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"


def run(data, *options):
    return subprocess.run([WHOSEES, "digest", *options], input=data, capture_output=True,
                          env=dict(os.environ, COLUMNS="999"), check=False, timeout=PATIENCE)


def digest(*lines, raw=b""):
    """(the document, the exit status) of these results and raw bytes after them"""
    done = run(b"".join(map(line, lines)) + raw, "--json")
    return json.loads(done.stdout or "{}"), done.returncode


def counts(document):
    return {f["fingerprint"]: f["dumps"] for f in document["findings"]}


def check_planted(tap):
    """312 of 4,000 dumps with the hole, 5 of them since another kernel."""
    hole, other = finding(1, modules=["dtrace"]), finding(2, "warning")
    lines = [result(f"host{n}", kernel="6.1.0-9") for n in range(3600)]
    lines += [result(f"sick{n}", hole, finding(3, "error"), kernel="6.1.0-10")
              for n in range(307)]
    lines += [result(f"sick{n}", hole, finding(3, "error"), kernel="6.1.0-9")
              for n in range(400, 405)]
    lines += [result(f"warm{n}", other, kernel=None) for n in range(80)]
    lines += [result(f"bad{n}", kernel=None, error="cannot read it") for n in range(8)]
    document, status = digest(*lines)
    first = document["findings"][0]
    tap.case("a hole is on as many dumps as it was put into",
             (first["dumps"], first["of"], first["fingerprint"], status) ==
             (312, 3992, hole["fingerprint"], 1), first)
    tap.case("first with the lowest release, of which 9 is below 10",
             (first["first_kernel"], first["last_kernel"], first["first_target"]) ==
             ("6.1.0-9", "6.1.0-10", "sick400"), first)
    tap.case("with the module that lies there", first["modules"] ==
             [{"module": "dtrace", "dumps": 312}] and first["module"] == "dtrace", first)
    same = document["findings"][1]
    tap.case("what the same dumps have is said to be that",
             (same["fingerprint"], same["same_dumps_as"]) ==
             (f"{3:016x}", hole["fingerprint"]), same)
    tap.case("each dump is one of four", [document["summary"][0][key] for key in (
        "dumps", "found", "clean", "unknown", "failed")] == [4000, 392, 3600, 0, 8],
        document["summary"])
    random.Random(5).shuffle(lines)
    tap.case("the order of lines makes no difference",
             {k: v for k, v in digest(*lines)[0].items() if k != "failures"} ==
             {k: v for k, v in document.items() if k != "failures"})
    data = b"".join(map(line, lines))
    text = run(data).stdout.decode()
    tap.case("in text, what the same dumps have is one line",
             text.count("\n  312 ") == 1 and "1 finding more" in text, text)
    text = run(data, "--all").stdout.decode()
    tap.case("and two with --all", text.count("\n  312 ") == 2, text)


def check_repeated(tap):
    one, two = result("a", finding(1)), result("a", error="killed")
    for lines, expected in (([one, one], (1, 1, 0)), ([two, one], (1, 1, 0)),
                            ([one, two], (1, 1, 0)), ([two, two], (0, 0, 1))):
        document, _ = digest(*lines, result("b"))
        row = document["summary"][0]
        kinds = ["an error" if one["error"] else "an answer" for one in lines]
        tap.case(f"a dump with {kinds[0]} and then {kinds[1]} counts once",
                 (sum(counts(document).values()), row["found"], row["failed"]) == expected
                 and row["dumps"] == 2 and document["input"][0]["repeated"] == 1,
                 document)
    document, _ = digest(two, one)
    tap.case("who has an answer after all is no example of a failure",
             not document["failures"], document["failures"])
    document, _ = digest(result("a", finding(1), finding(1, modules=["m"])))
    tap.case("a finding that a dump has twice counts once", counts(document) ==
             {f"{1:016x}": 1}, document)
    bad, clean = result("a", finding(1), finding(5, "info")), result("a", finding(5, "info"), status=0)
    unsure = result("a", status=4)
    for first, second, expected in ((bad, clean, (1, 0, 0)), (clean, bad, (1, 0, 0)),
                                    (unsure, bad, (1, 0, 0)), (bad, unsure, (1, 0, 0)),
                                    (clean, unsure, (0, 0, 1)), (unsure, clean, (0, 0, 1))):
        document, status = digest(first, second)
        row = document["summary"][0]
        tap.case(f"of answers with status {first['status']} and {second['status']} the worse stands",
                 (row["found"], row["clean"], row["unknown"]) == expected and
                 max(counts(document).values(), default=1) == 1 and
                 (f"{1:016x}" in counts(document)) == (expected[0] == 1) and
                 status == (1 if expected[0] else 4), document)
    document, _ = digest(one, result("a", finding(9), schema=AUTOPSY))
    tap.case("an audit and an autopsy of a dump are two answers",
             [row["dumps"] for row in document["summary"]] == [1, 1] and
             not document["input"][0]["repeated"], document)


# What comes after a result that is right, the number of its kind, and why.
HOSTILE = {
    "words": (b"whosees: out of memory\n", "foreign"),
    "bytes": (bytes(range(256)).replace(b"\n", b"") + b"\n", "foreign"),
    "brackets": (b"[" * 500000 + b"\n", "foreign"),
    "nested records": (b'{"record":"spaces","a":' + b"[" * 400000 + b"\n", "foreign"),
    "a record that is cut off": (b'{"record":"spaces","pid":', "foreign"),
    "two objects": (line({"record": "spaces"})[:-1] + b"{}\n", "foreign"),
    "a result that is cut off": (line(result("cut", finding(7)))[:-30], "damaged"),
    "a result with a number for a target": (line(result(7)), "damaged"),
    "a negative status": (line(result("x", status=-1)), "damaged"),
    "a status that none has": (line(result("x", status=5)), "damaged"),
    "an error with status 0": (line(result("x", error="why", status=0)), "damaged"),
    "no target": (line({k: v for k, v in result("x").items() if k != "target"}), "damaged"),
    "two targets": (line(result("x"))[:-2] + b',"target":"y"}\n', "damaged"),
    "an escape sequence": (line(result("\x1b[2J")), "damaged"),
    "bytes of a terminal's": (line(result("x")).replace(b'"x"', b'"\x9b2J"'), "damaged"),
    "an unknown severity": (line(result("x", finding(7, "bad"))), "damaged"),
    "a short fingerprint": (line(result("x", finding(7, fingerprint="7"))), "damaged"),
    "a finding without a rule": (
        line(result("x", {"fingerprint": f"{7:016x}", "severity": "info"})), "damaged"),
    "findings that are a number": (line(result("x") | {"findings": 7}), "damaged"),
    "another version": (line(result("x", finding(7), schema="whosees/audit/99")),
                        "other_version"),
    "another command": (line(result("x", finding(7), schema="whosees/probe/1")),
                        "other_version"),
    "a long line": (line(result("x" * LONGEST)), "too_long"),
}


def check_hostile(tap):
    for name, (raw, kind) in HOSTILE.items():
        for after in (result("b", finding(2)), None):
            more = raw if after is None or not raw.endswith(b"\n") else raw + line(after)
            document, status = digest(result("a"), raw=more)
            refused = {key: document["input"][0][key]
                       for key in ("foreign", "damaged", "other_version", "too_long")}
            counted = more.endswith(line(after)) if after else False
            tap.case(f"{name}{', and one that is right,' if counted else ''}: {kind}",
                     sum(refused.values()) == refused[kind] == 1 and len(document["notes"]) == 1
                     and counts(document) == ({f"{2:016x}": 1} if counted else {})
                     and status == (1 if counted else 4), document)


def check_bounds(tap):
    document, status = digest(result("a"), raw=b"\n \n")
    tap.case("an empty line is none", not document["notes"] and status == 0, document)
    room = LONGEST - len(line(result("", finding(1)))) + 1
    for over in (0, 1):
        document, _ = digest(result("b"), result("x" * (room + over), finding(1)))
        tap.case(f"a line of 1 MiB{' and a byte' if over else ''} is "
                 f"{'too long' if over else 'counted'}",
                 document["input"][0]["too_long"] == over and
                 len(document["findings"]) == 1 - over)
    for more in (0, 3):
        document, _ = digest(*(result(f"{n}", finding(n)) for n in range(FINGERPRINTS + more)))
        tap.case(f"of {FINGERPRINTS + more} fingerprints {FINGERPRINTS} are kept",
                 len(document["findings"]) == FINGERPRINTS and
                 document["input"][0]["left_out"] == more and
                 len(document["notes"]) == bool(more), document["notes"])
    modules = [f"m{n}" for n in range(9)]
    for n in (8, 9):
        document, _ = digest(result("a", finding(1, modules=modules[:n])))
        row = document["findings"][0]
        tap.case(f"of {n} modules {min(n, 8)} are named",
                 len(row["modules"]) == min(n, 8) and row["more_modules"] == (n > 8), row)


def check_many_modules(tap):
    """One module on most dumps, and others on one each, more than are kept."""
    rare = [result(f"r{n}", finding(1, modules=[f"rare{n}"])) for n in range(20)]
    common = [result(f"c{n}", finding(1, modules=["culprit"])) for n in range(200)]
    for name, lines in (("first", rare + common), ("last", common + rare),
                        ("between", common[:100] + rare + common[100:])):
        document, _ = digest(*lines)
        row = document["findings"][0]
        tap.case(f"the module that most have is named, the rare ones {name}",
                 row["module"] == "culprit" and row["more_modules"] and
                 190 <= row["modules"][0]["dumps"] <= 200 and
                 all(1 <= m["dumps"] for m in row["modules"]), row)


def check_refused(tap, folder):
    done = run(line({"record": "report"}))
    tap.case("without a result there is no answer", done.returncode == 3 and not done.stdout
             and b"no result among 1 line" in done.stderr, done.stderr)
    done = run(line(result("a", schema="whosees/audit/2")))
    tap.case("and what the lines are is said", done.returncode == 3 and
             b"of another version of whosees" in done.stderr, done.stderr)
    good = folder / "good"
    good.write_bytes(line(result("a")))
    for bad in (folder / "not there", folder):
        done = run(b"", str(good), str(bad))
        tap.case("a file that cannot be read is an error, and not a part of the answer",
                 done.returncode == 3 and not done.stdout, done.stderr)
    done = run(line(result("b")), str(good), "-", "--json")
    tap.case("files and standard input are read one after the other",
             json.loads(done.stdout)["summary"][0]["dumps"] == 2, done.stdout)
    tap.case("and all that is clean is status 0", done.returncode == 0)


def main():
    tap = Tap()
    check_planted(tap)
    check_repeated(tap)
    check_hostile(tap)
    check_bounds(tap)
    check_many_modules(tap)
    with tempfile.TemporaryDirectory() as folder:
        check_refused(tap, pathlib.Path(folder))
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
