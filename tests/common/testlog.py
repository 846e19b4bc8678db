# SPDX-License-Identifier: LGPL-2.1-or-later
"""Cases out of what tests printed: TAP inside meson's testlog.json."""

import dataclasses
import json
import re

RESULT = re.compile(r"\s*(not )?ok\b\s*(\d+)?\s*(?:- )?\s*(.*)")
SKIP = re.compile(r"(?:^|\s)#\s*skip\b\S*\s*(.*)", re.I)
PLAN = re.compile(r"1\.\.(\d+)(?:\s*#\s*(skip)\b\S*\s*(.*))?", re.I)


@dataclasses.dataclass
class Case:
    name: str
    result: str  # passed, failed or skipped
    detail: str = ""


def result_of(words, failed):
    """(name, result, reason) of the words after `ok 3 - `."""
    skip = SKIP.search(words)
    if not skip:
        return words, "failed" if failed else "passed", ""
    return words[:skip.start()].strip() or skip[1], "skipped", skip[1]


def cases_of(text):
    """The cases of one test's TAP, and how many it planned (None: it did not say)."""
    cases, planned, detail = [], None, []
    for line in text.splitlines():
        plan, result = PLAN.match(line), RESULT.match(line)
        if plan:
            planned = int(plan[1])
            if planned == 0 and plan[2]:
                cases.append(Case("everything", "skipped", plan[3]))
                planned = None
        elif result:
            name, outcome, reason = result_of(result[3], bool(result[1]))
            cases.append(Case(name, outcome, reason))
            detail = []
        elif cases and line.startswith("#"):
            detail.append(line[1:].strip())
            if cases[-1].result == "failed":
                cases[-1].detail = "\n".join(detail)
    return cases, planned


def missing(record, cases, planned):
    """The case that stands for what a test should have said and did not, or None."""
    name = record["name"]
    code = record.get("returncode", 0)
    if planned is not None and planned != len(cases):
        return Case(f"{name}: all of {planned} cases are reported", "failed",
                    f"only {len(cases)} were; exit status {code}")
    failed = [case for case in cases if case.result == "failed"]
    if record["result"] in ("OK", "SKIP") or failed:
        return None
    return Case(f"{name}: the test itself", "failed",
                f"{record['result']}, exit status {code}")


def cases_of_record(record):
    """The cases of one line of testlog.json; a test without TAP is one case."""
    cases, planned = cases_of(record.get("stdout") or "")
    if not cases and planned is None:
        outcome = {"OK": "passed", "SKIP": "skipped"}.get(record["result"], "failed")
        return [Case(record["name"], outcome, record["result"])]
    lost = missing(record, cases, planned)
    return cases + ([lost] if lost else [])


def read(path):
    """(record, its cases) of each test in a testlog.json."""
    with open(path, encoding="utf-8") as log:
        for line in log:
            record = json.loads(line)
            yield record, cases_of_record(record)


def summary(cases):
    """The plain line: `N passed, N failed`, and skipped ones where there are any."""
    count = {outcome: sum(case.result == outcome for case in cases)
             for outcome in ("passed", "failed", "skipped")}
    line = f"{count['passed']} passed, {count['failed']} failed"
    return line + (f", {count['skipped']} skipped" if count["skipped"] else "")
