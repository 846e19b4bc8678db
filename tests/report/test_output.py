#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What audit, diff and rules print: JSON by its schema, the numbers in it by each other,
NDJSON and CSV by the JSON, and SARIF by its specification. argv: the tool, the folder of
the schemas, the capture of a waiter that nests, and others, the first of i386."""

import collections
import copy
import csv
import io
import json
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
import altered  # noqa: E402
import give_log  # noqa: E402
from tap import PATIENCE, Tap  # noqa: E402

try:
    import jsonschema
except ImportError:
    jsonschema = None

VERSION = {"audit": 3, "autopsy": 2, "diff": 2, "what-if": 3}  # of each schema that is not the first

NO_SCHEMA = "no python3-jsonschema (make check installs it)"
SEVERITY = {"info": "infos", "warning": "warnings", "error": "errors", "fatal": "fatal"}
LEVEL = {"info": "note", "warning": "warning", "error": "error", "fatal": "error"}


def run(tool, *arguments):
    """On lines so wide that nothing is wrapped."""
    done = subprocess.run([tool, *arguments], env=dict(os.environ, COLUMNS="65535"),
                          capture_output=True, check=False, timeout=PATIENCE)
    return done.stdout.decode("ascii"), done.returncode


# ---- JSON ----------------------------------------------------------------------------------

def schema_complaints(schemas, name, document):
    schema = json.loads((schemas / f"{name}-{VERSION.get(name, 1)}.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return [f"{error.json_path}: {error.message}"
            for error in jsonschema.Draft202012Validator(schema).iter_errors(document)]


# Each makes a document wrong; the schema must say so.
SPOILERS = {
    "another version": lambda d: d.update(schema="whosees/audit/1"),
    "a member too many": lambda d: d.update(more=1),
    "no verdicts": lambda d: d.pop("verdicts"),
    "an unknown verdict": lambda d: d["spaces"][0].update(verdict="fine"),
    "reasons of the coherent": lambda d: d["spaces"][0].update(reasons=["why"]),
    "a sick space without reasons": lambda d: d["spaces"][0].update(verdict="nests"),
    "an unknown severity": lambda d: d["findings"][0].update(severity="bad"),
    "an address that is a number": lambda d: d["findings"][0].update(address=0),
    "a finding without a trail": lambda d: d["findings"][0].pop("here"),
    "a step without an entry": lambda d: d["findings"][0]["here"][0].pop("entry"),
    "a negative count": lambda d: d["summary"][0].update(fatal=-1),
    "a group of nobody": lambda d: d["groups"][0].update(spaces=0),
}


def check_schema(tap, schemas, documents):
    if not jsonschema:
        tap.skip("JSON is as its schema says", NO_SCHEMA)
        return
    for label, name, document in documents:
        complaints = schema_complaints(schemas, name, document)
        tap.case(f"{label}: JSON is as its schema says", not complaints,
                 "\n".join(complaints[:5]))
    sick = next(document for _, name, document in documents
                if name == "audit" and document["findings"])
    for label, spoil in SPOILERS.items():
        spoilt = copy.deepcopy(sick)
        spoil(spoilt)
        tap.case(f"the schema knows {label}", schema_complaints(schemas, "audit", spoilt))


def number_complaints(document):
    """What is said twice in one document, and not alike."""
    summary, = document["summary"]
    whole = [space for space in document["spaces"] if space["kind"] != "user half"]
    verdicts = collections.Counter(space["verdict"] for space in whole)
    severities = collections.Counter(f["severity"] for f in document["findings"])
    groups = collections.Counter(f["group"] for f in document["findings"])
    machine = {g["group"] for g in document["groups"] if g["spaces"] is None}
    by_space = collections.Counter(f["root"] for f in document["findings"]
                                   if f["group"] not in machine)
    if summary["spaces"] != len(whole):
        yield "summary.spaces"
    if summary["coherent"] != verdicts["coherent"]:
        yield "summary.coherent"
    if summary["findings"] != len(document["findings"]):
        yield "summary.findings"
    if any(summary[SEVERITY[name]] != severities[name] for name in SEVERITY):
        yield "summary by severity"
    if {row["verdict"]: row["spaces"] for row in document["verdicts"]} != verdicts:
        yield "verdicts"
    if {row["group"]: row["spaces"] for row in document["groups"]
            if row["group"] not in machine} != {
                group: n for group, n in groups.items() if group not in machine}:
        yield "groups"
    if any(space["findings"] != by_space[space["root"]] for space in document["spaces"]):
        yield "findings of a space"
    for finding in document["findings"]:
        group = next(g for g in document["groups"] if g["group"] == finding["group"])
        if any(group[key] != finding[key]
               for key in ("rule", "cpu", "address", "last", "region", "text")):
            yield f"group {group['group']}"
        if (finding["here"] and finding["group"] not in machine and
                finding["here"][0]["table"] != finding["root"]):
            yield "a trail that does not begin at its root"


# ---- NDJSON and CSV ------------------------------------------------------------------------

def as_csv(value):
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def form_complaints(tool, command, document, rows):
    """Where NDJSON or CSV differ from JSON; rows: what CSV has of it."""
    text, _ = run(tool, *command, "--ndjson")
    records = [json.loads(line) for line in text.splitlines()]
    for name in [key for key, value in document.items() if isinstance(value, list)]:
        record = "note" if name == "notes" else name
        same = [{k: v for k, v in line.items() if k != "record"} for line in records
                if line["record"] == record]
        if same != [{"note": note} for note in document["notes"]] and record == "note":
            yield "notes in NDJSON"
        if record != "note" and same != document[name]:
            yield f"{name} in NDJSON"
    text, _ = run(tool, *command, "--csv")
    header, *lines = csv.reader(io.StringIO(text, newline=""))
    if len(lines) != len(document[rows]):
        yield f"CSV has {len(lines)} rows, JSON {len(document[rows])}"
    for line, row in zip(lines, document[rows]):
        if line != [as_csv(row[key]) for key in header]:
            yield f"CSV: {line}"
    if document[rows]:
        flat = [key for key, value in document[rows][0].items()
                if not isinstance(value, list)]
        if header != flat:
            yield f"CSV has the columns {header}"


def digest_of(tap, tool, targets):
    """The digest of some audits and an autopsy, as one document."""
    with tempfile.TemporaryDirectory() as scratch:
        lines = pathlib.Path(scratch) / "lines"
        lines.write_text("".join(run(tool, command, target, "--ndjson")[0] for command, target
                                 in (*(("audit", target) for target in targets),
                                     ("autopsy", targets[0]))))
        command = ["digest", str(lines)]
        document = json.loads(run(tool, *command, "--json")[0])
        complaints = list(form_complaints(tool, command, document, "findings"))
    tap.case("digest: NDJSON and CSV say the same", not complaints, complaints[:5])
    return document


# ---- SARIF 2.1.0, https://docs.oasis-open.org/sarif/sarif/v2.1.0 ------------------------------

# Section: what an object may hold, of what we use, and what it must.
OBJECTS = {
    "log": ({"$schema", "version", "runs"}, {"version", "runs"}),                     # 3.13
    "run": ({"tool", "artifacts", "invocations", "results", "properties"}, {"tool"}),  # 3.14
    "driver": ({"name", "version", "rules"}, {"name"}),                               # 3.19
    "invocation": ({"executionSuccessful", "toolExecutionNotifications"},
                   {"executionSuccessful"}),                                          # 3.20
    "artifact": ({"location", "roles"}, set()),                                       # 3.24
    "result": ({"ruleId", "ruleIndex", "level", "message", "occurrenceCount", "locations",
                "partialFingerprints", "properties"}, {"message"}),                   # 3.27
    "location": ({"physicalLocation", "logicalLocations"}, set()),                    # 3.28
    "logicalLocation": ({"name", "fullyQualifiedName", "kind"}, set()),               # 3.33
    "rule": ({"id", "shortDescription", "fullDescription", "help",
              "defaultConfiguration", "properties"}, {"id"}),                         # 3.49
}


def object_complaint(name, value):
    may, must = OBJECTS[name]
    wrong = set(value) - may | must - set(value)
    return f"{name} with or without {wrong}" if wrong else None


def result_complaints(result, rules, document):
    yield object_complaint("result", result)
    group = next(g for g in document["groups"] if g["text"] == result["message"]["text"] and
                 g["rule"] == result["ruleId"])
    if rules[result["ruleIndex"]]["id"] != result["ruleId"]:
        yield "ruleIndex and ruleId"                                                  # 3.27.6
    if result["level"] != LEVEL[group["severity"]]:
        yield f"level {result['level']}"                                              # 3.27.10
    if result["occurrenceCount"] != (group["spaces"] or 1):
        yield "occurrenceCount"                                                       # 3.27.29
    location, = result["locations"]
    yield object_complaint("location", location)
    places = location["logicalLocations"]
    for place in places:
        yield object_complaint("logicalLocation", place)
    if [place["kind"] for place in places] != \
            ["address range"] + ["address space"] * (group["spaces"] or 1):
        yield "logical locations"
    if location["physicalLocation"]["artifactLocation"]["index"] != 0:
        yield "artifact index"                                                        # 3.4.5


def sarif_complaints(log, document):
    yield object_complaint("log", log)
    if log["version"] != "2.1.0":
        yield f"version {log['version']}"
    run_, = log["runs"]
    yield object_complaint("run", run_)
    yield object_complaint("driver", run_["tool"]["driver"])
    rules = run_["tool"]["driver"]["rules"]
    for rule in rules:
        yield object_complaint("rule", rule)
        if rule["defaultConfiguration"]["level"] not in LEVEL.values():
            yield "level of a rule"
    if len({rule["id"] for rule in rules}) != len(rules):
        yield "a rule twice"
    for artifact in run_["artifacts"]:
        yield object_complaint("artifact", artifact)
    invocation, = run_["invocations"]
    yield object_complaint("invocation", invocation)
    notes = [n["message"]["text"] for n in invocation["toolExecutionNotifications"]]
    if notes != document["notes"]:
        yield "notes"
    if len(run_["results"]) != len(document["groups"]):
        yield "results are not the groups"
    for result in run_["results"]:
        yield from result_complaints(result, rules, document)


def check_names(tap, tool, capture, scratch):
    """A process that calls itself several lines, an escape sequence and no UTF-8."""
    root = {space["comm"]: int(space["root"], 16)
            for space in altered.ask(tool, "spaces", capture)["spaces"]}
    path = altered.write(capture, pathlib.Path(scratch) / "name.elf",
                         {root["waiter"] + altered.VMALLOC * altered.PDE: 0},
                         {b"waiter": b"a\nb\x1b[\xff"})
    document = altered.ask(tool, "audit", path)
    space = next(s for s in document["spaces"] if s["root"] == f"{root['waiter']:#010x}")
    tap.case("a name of two lines is one line of a reason",
             len(space["reasons"]) == 3 and "a b\\x1b[\\xff" in space["reasons"][0],
             space["reasons"])
    tap.case("and what is not printable is escaped", space["comm"] == "a\\x0ab\\x1b[\\xff",
             space["comm"])


def check_uri(tap, tool, capture, scratch):
    odd = pathlib.Path(scratch) / "a dump:50%.elf"
    odd.write_bytes(pathlib.Path(capture).read_bytes())
    log = json.loads(run(tool, "audit", str(odd), "--sarif")[0])
    uri = log["runs"][0]["artifacts"][0]["location"]["uri"]
    tap.case("the artifact's URI is escaped, and absolute for an absolute path",
             uri == odd.as_uri(), f"{uri}\n{odd.as_uri()}")


# ---- all of it -----------------------------------------------------------------------------

def check_audit(tap, tool, label, capture):
    document = altered.ask(tool, "audit", capture)
    text, status = run(tool, "audit", capture)
    clean = document["summary"][0]["spaces"] == document["summary"][0]["coherent"] and \
        document["summary"][0]["findings"] == document["summary"][0]["infos"]
    tap.case(f"{label}: the exit status says whether all is well", status == (not clean),
             f"exit status {status}")
    tap.case(f"{label}: text begins with the sentence",
             text.startswith(document["summary"][0]["sentence"] + "\n"), text[:200])
    complaints = list(number_complaints(document))
    tap.case(f"{label}: the numbers agree", not complaints, complaints)
    complaints = list(form_complaints(tool, ["audit", capture], document, "findings"))
    tap.case(f"{label}: NDJSON and CSV say the same", not complaints, complaints[:5])
    log, same = run(tool, "audit", capture, "--sarif")
    complaints = [c for c in sarif_complaints(json.loads(log), document) if c]
    tap.case(f"{label}: SARIF", not complaints and same == status, complaints[:5])
    return label, "audit", document


def check_diff(tap, tool, label, before, after, wanted):
    document = altered.ask(tool, "diff", before, after)
    _, status = run(tool, "diff", before, after)
    changes = {(row["change"], row["what"], row["name"]) for row in document["changes"]
               if not row["placement"]}
    changes = {change for change in changes if change[1] != "finding"}
    tap.case(f"{label}: what changed, and the exit status",
             changes == wanted and status == bool(wanted), changes)
    complaints = list(form_complaints(tool, ["diff", before, after], document, "changes"))
    tap.case(f"{label}: NDJSON and CSV say the same", not complaints, complaints[:5])
    return label, "diff", document


def made_sick(tool, capture):
    """What altered.sick() does, as diff should say it."""
    pid = {space["comm"]: space["pid"] for space in altered.ask(tool, "spaces", capture)["spaces"]}
    return {("worse", "verdict", f"{pid['herd-00001']} herd-00001"),
            ("worse", "verdict", f"{pid['herd-00002']} herd-00002"),
            ("changed", "space", f"{pid['herd-00003']} </script>x"),
            ("changed", "space", f"{pid['herd-00004']} <b>\"&'\\\\<!-")}


def check_pid(tap, tool, capture):
    whole = altered.ask(tool, "audit", capture)
    waiter = next(s for s in whole["spaces"] if s["comm"] == "waiter")
    own = altered.ask(tool, "audit", capture, "--pid", str(waiter["pid"]))
    other = altered.ask(tool, "audit", capture, "--pid", "1")
    tap.case("--pid reports one process alone",
             own["spaces"] == [waiter] and
             own["findings"] == [f for f in whole["findings"] if f["pid"] == waiter["pid"]]
             and [s["pid"] for s in other["spaces"]] == [1] and not other["findings"])


def what_ifs(tool, capture):
    """Stories of one waiter, and of everybody."""
    for label, options in {"one story": ["--pid", "116"],
                           "a storm": ["--pid", "116", "--fault", "kernel"],
                           "one that survives": ["--pid", "1"],
                           "everybody's story": ["--spaces", "all"]}.items():
        yield label, "what-if", json.loads(run(tool, "what-if", capture, "--json",
                                               *options)[0])


def autopsies(tool, capture):
    """Of a machine that died, and of one that shows nothing."""
    for label, target in {"a death": "sim:naughty-bug@end", "no death": capture}.items():
        yield label, "autopsy", json.loads(run(tool, "autopsy", target, "--json")[0])


def looks(tool, log, targets):
    """(label, command, document) of what is asked of a processor, a stack, an address or a
    frame: of captures of each architecture, and of a scenario, whose memory is all there."""
    for target in targets:
        label = pathlib.Path(target).stem
        for name, words in (("cpus", ()), ("cpus", ("--vectors",)), ("stack", ("--cpu", "0")),
                            ("name", ("0", "ffffffff", "c0000000")),
                            ("frame", ("0-ffff", "fffffffff000")), ("frame", ("--all",))):
            text, _ = run(tool, name, target, *words, "--json")
            if text:  # of a processor in user mode the stack may not be known
                yield f"{label}: {' '.join((name, *words))}", name, json.loads(text)
    yield "log", "log", json.loads(run(tool, "log", log, "--json")[0])


# Each makes one of these wrong.
LOOK_SPOILERS = {
    "cpus": lambda d: d["registers"][0].update(group="odd"),
    "stack": lambda d: d["summary"][0].pop("running"),
    "name": lambda d: d["names"][0].update(address=0),
    "frame": lambda d: d["frames"][0].update(memory="maybe"),
    "log": lambda d: d["lines"][0].update(level="loud"),
}


def check_looks(tap, schemas, documents):
    if not jsonschema:
        tap.skip("JSON of what is looked at is as its schemas say", NO_SCHEMA)
        return
    kinds = collections.Counter(word["kind"] for _, name, document in documents
                                if name == "stack" for word in document["words"])
    tap.case("stacks have words and frames", len(kinds) == 2, kinds)
    for name, spoil in LOOK_SPOILERS.items():
        of_name = [(label, d) for label, command, d in documents if command == name]
        complaints = [(label, complaint) for label, document in of_name
                      for complaint in schema_complaints(schemas, name, document)]
        tap.case(f"{name}: JSON of {len(of_name)} is as its schema says",
                 of_name and not complaints, complaints[:5])
        spoilt = copy.deepcopy(of_name[0][1])
        spoil(spoilt)
        tap.case(f"the schema knows a wrong {name}", schema_complaints(schemas, name, spoilt))


def main(tool, schemas, nests, i386, *captures):
    tap = Tap()
    schemas = pathlib.Path(schemas)
    with tempfile.TemporaryDirectory() as scratch:
        sick = altered.sick(tool, i386, pathlib.Path(scratch) / "sick.elf")
        documents = [check_audit(tap, tool, pathlib.Path(path).stem, path)
                     for path in (sick, i386, *captures)]
        verdicts = {row["verdict"]: row["spaces"] for row in documents[0][2]["verdicts"]}
        tap.case("sick: two heal, and one double-faults",
                 verdicts["heals"] == 2 and verdicts["double-faults"] == 1, verdicts)
        documents.append(check_diff(tap, tool, "the same twice", i386, i386, set()))
        documents.append(check_diff(tap, tool, "well and sick", i386, sick,
                                    made_sick(tool, i386)))
        waiter = next(s for s in altered.ask(tool, "spaces", nests)["spaces"]
                      if s["comm"] == "waiter")["pid"]
        documents.append(check_diff(tap, tool, "two boots", i386, nests, {
            ("worse", "verdict", f"{waiter} waiter (was pid {waiter + 1})")}))
        check_pid(tap, tool, i386)
        check_uri(tap, tool, i386, scratch)
        check_names(tap, tool, i386, scratch)
        log = pathlib.Path(scratch) / "log.elf"
        give_log.main(i386, log)
        check_looks(tap, schemas, list(looks(tool, log, (
            i386, nests, *captures, "sim:naughty-bug", "sim:naughty-bug@end"))))
    rules = json.loads(run(tool, "rules", "--json")[0])
    documents.append(("rules", "rules", rules))
    documents += list(what_ifs(tool, nests))
    documents += list(autopsies(tool, nests))
    documents.append(("digest", "digest", digest_of(tap, tool, (i386, nests, "no such dump"))))
    complaints = list(form_complaints(tool, ["rules"], rules, "rules"))
    tap.case("rules: NDJSON and CSV say the same", not complaints, complaints[:5])
    check_schema(tap, schemas, documents)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
