#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A target that changes while it is watched: another moment of one kernel takes its place, it
is gone, and is there again.

    watch.py TOOL WELL SICK     run, as TAP; two captures of one kernel, and in SICK a process
                                cannot reach the page fault's handler
"""

import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "common"))
from tap import PATIENCE, Tap  # noqa: E402

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"


def put(capture, target):
    """In the place of the one there, at once."""
    beside = f"{target}.new"
    shutil.copy(capture, beside)
    os.replace(beside, target)


class Watch:
    def __init__(self, tool, target, *words):
        self.process = subprocess.Popen([tool, "watch", target, "-n", "0", *words],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True)

    def line(self, pattern):
        """The first line from here on that has it; None: it has ended."""
        for line in self.process.stdout:
            if re.search(pattern, line):
                return line
        return None

    def end(self):
        """What else it said, and its exit status."""
        try:
            out, error = self.process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            out, error = self.process.communicate()
        return out, error, self.process.returncode


def check_changes(tap, tool, well, sick, target, scratch):
    put(well, target)
    history, metrics, alarm = (os.path.join(scratch, name) for name in
                               ("history", "metrics", "alarm"))
    watch = Watch(tool, target, "--history", history, "--prometheus", metrics,
                  "--on-finding", f"cat >> {alarm}")
    first = watch.line("")
    tap.case("the first look says how things are",
             re.match(f"{TIME}  1 of 18 processes lacks", first or ""), first)
    put(sick, target)
    worse = watch.line("  worse ")
    tap.case("a verdict that became worse is the first of what changed", worse and
             re.match(f"{TIME}  worse     verdict 116 waiter: coherent -> nests$", worse), worse)
    found = watch.line("faultpath-pf-target")
    tap.case("and then a finding that is fatal", found and " (fatal): in 116 waiter: gate 14" in
             found and re.match(f"{TIME}  found     finding ", found), found)
    os.unlink(target)
    lost = watch.line("  lost ")
    tap.case("a target that is gone is a change", lost and f"target {target}" in lost, lost)
    put(well, target)
    back = watch.line("  back ")
    tap.case("and so is one that is there again", back, back)
    gone = watch.line("  gone .*faultpath-pf-target")
    tap.case("with what is no more", gone, gone)
    watch.process.send_signal(signal.SIGTERM)
    out, error, status = watch.end()
    tap.case("SIGTERM ends it with the status of an audit, and what it cost",
             status == 1 and re.search(rf"\n?{TIME}  \d[\d,]* looks, \d+\.\d+ s of a processor "
                                       r"each, .*\n$", out), (status, out))
    tap.case("a look that fails again is not said again",
             error.count("No such file or directory") == 1, error)
    lines = [json.loads(line) for line in pathlib.Path(history).read_text().splitlines()]
    changes = [line["change"] for line in lines]
    tap.case("the history has each change as a line of NDJSON",
             changes[0] == "worse" and {"found", "lost", "back", "gone"} <= set(changes) and
             all(line["record"] == "changes" for line in lines), changes)
    alarms = [json.loads(line) for line in pathlib.Path(alarm).read_text().splitlines()]
    tap.case("the command had the changes of the look that was worse, once",
             [a["change"] for a in alarms].count("worse") == 1 and
             alarms[0]["after"] == "nests", alarms)
    check_schema(tap, history)
    check_metrics(tap, metrics, target)


def check_schema(tap, path):
    """jsonschema is a package that not every machine has."""
    try:
        import jsonschema
    except ImportError:
        tap.skip("the history's lines are valid by their schema", "python3-jsonschema is missing")
        return
    schema = json.loads((pathlib.Path(__file__).parents[2] / "docs/schema/watch-1.json")
                        .read_text())
    valid = jsonschema.Draft202012Validator(schema)
    wrong = [line for line in pathlib.Path(path).read_text().splitlines()
             if not valid.is_valid(json.loads(line))]
    tap.case("the history's lines are valid by their schema", not wrong, wrong)


def check_metrics(tap, path, target):
    text = pathlib.Path(path).read_text()
    values = dict(re.findall(r'^(whosees_\w+\{target="[^"]*"(?:,\w+="[^"]*")?\}) (\S+)$', text,
                             re.MULTILINE))
    names = {name.split("{")[0] for name in values}
    helped = set(re.findall(r"^# TYPE (\w+) (?:gauge|counter)$", text, re.MULTILINE))
    tap.case("each metric has its type", names == helped and len(names) == 7, (names, helped))
    of = f'target="{target}"'
    tap.case("and the last look's counts", values.get(f"whosees_look_success{{{of}}}") == "1" and
             values.get(f'whosees_spaces{{{of},verdict="nests"}}') == "0" and
             int(values.get(f"whosees_looks_failed_total{{{of}}}", 0)) > 0, text)


def check_until(tap, tool, well, sick, target):
    put(sick, target)
    out, _, status = Watch(tool, target, "--until-finding").end()
    tap.case("until a finding: it ends with the first look", status == 1 and
             out.count("\n") == 2, (status, out))
    done = subprocess.run([tool, "watch", target, "--looks", "2", "-n", "0", "--on-finding",
                           "exit 3"], capture_output=True, text=True, timeout=PATIENCE,
                          check=False)
    tap.case("what was so from the beginning is no change", done.returncode == 1 and
             done.stdout.count("\n") == 2 and "on-finding" not in done.stderr, done)
    watch = Watch(tool, target, "--ndjson", "--on-finding", "exit 3")
    head = json.loads(watch.process.stdout.readline())
    put(well, target)
    row = json.loads(watch.process.stdout.readline())
    put(sick, target)
    watch.line('"nests"')
    watch.process.send_signal(signal.SIGINT)
    _, error, _ = watch.end()
    tap.case("NDJSON has the head of a report, and a record for each change",
             (head["record"], head["schema"], row["record"]) ==
             ("report", "whosees/watch/1", "changes"), (head, row))
    tap.case("a command that fails is said", "'exit 3' ended with status 3" in error, error)


def check_end_while_lost(tap, tool, well, target):
    put(well, target)
    watch = Watch(tool, target)
    watch.line("")
    os.unlink(target)
    watch.line("  lost ")
    watch.process.send_signal(signal.SIGTERM)
    out, _, status = watch.end()
    tap.case("one that ends while its target is lost says what it cost, too",
             status == 3 and " s of a processor each" in out, (status, out))


def check_history(tap, tool, well, sick, target, scratch):
    """It begins anew before it would be larger, and no line is cut."""
    history = os.path.join(scratch, "small")
    put(well, target)
    watch = Watch(tool, target, "--history", history, "--history-size", "4K")
    watch.line("")
    for _ in range(4):
        put(sick, target)
        watch.line("  worse ")
        put(well, target)
        watch.line("  gone ")
    watch.process.send_signal(signal.SIGTERM)
    watch.end()
    sizes = [os.path.getsize(path) for path in (history, f"{history}.1")]
    lines = [line for path in (history, f"{history}.1")
             for line in pathlib.Path(path).read_text().splitlines()]
    tap.case("a history beyond its size is renamed, and whole",
             all(size <= 4096 for size in sizes) and all(map(json.loads, lines)), sizes)


def make_folder(path):
    """In the place of a file that is replaced all the time, once it is there."""
    while not os.path.exists(path):
        time.sleep(0.01)
    while not os.path.isdir(path):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        with contextlib.suppress(FileExistsError):
            os.mkdir(path)


def check_unwritable(tap, tool, well, sick, target, scratch):
    """An alarm is given though what else is to be written cannot be, and the watch goes on."""
    history, metrics, alarm = (os.path.join(scratch, f"lost-{name}") for name in
                               ("history", "metrics", "alarm"))
    put(well, target)
    watch = Watch(tool, target, "--history", history, "--prometheus", metrics, "--on-finding",
                  f"cp {metrics} {alarm}")
    watch.line("")
    tap.case("a history is its owner's alone", os.stat(history).st_mode & 0o777 == 0o600, "")
    for path in history, metrics:
        make_folder(path)
    put(sick, target)
    watch.line("  worse ")
    os.rmdir(metrics)
    put(well, target)
    back = watch.line("  improved ")
    put(sick, target)
    watch.line("  worse ")
    watch.process.send_signal(signal.SIGTERM)
    _, error, status = watch.end()
    tap.case("a history that cannot be written any more does not end the watch", back and
             status == 1 and f"{history}: Is a directory" in error, (back, status, error))
    tap.case("and neither do metrics, of which that is said once",
             error.count(f"{metrics}: Is a directory") == 1, error)
    tap.case("the command has metrics of the look that it is run for",
             'verdict="nests"} 1' in pathlib.Path(alarm).read_text(), "")
    os.rmdir(history)


def metric(path, name):
    return re.search(rf"^{name}{{[^}}]*}} (\S+)$", pathlib.Path(path).read_text(), re.M)[1]


def check_lost_metrics(tap, tool, well, target, scratch):
    metrics = os.path.join(scratch, "metrics-of-lost")
    nothing = os.path.join(scratch, "nothing\udce9")
    done = subprocess.run([tool, "watch", nothing, "--prometheus", metrics], capture_output=True,
                          timeout=PATIENCE, check=False)
    tap.case("metrics of a target that is not there say so", done.returncode == 3 and
             metric(metrics, "whosees_look_success") == "0" and
             metric(metrics, "whosees_look_timestamp_seconds") == "0", done)
    tap.case("a label is ASCII", "nothing\\\\xe9" in pathlib.Path(metrics).read_text("ascii"), "")
    put(well, target)
    watch = Watch(tool, target, "--prometheus", metrics)
    watch.line("")
    os.unlink(target)
    watch.line("  lost ")
    seen = metric(metrics, "whosees_look_timestamp_seconds")
    while float(metric(metrics, "whosees_look_timestamp_seconds")) + 2 > time.time():
        time.sleep(0.1)
    watch.process.send_signal(signal.SIGTERM)
    watch.end()
    tap.case("the time of a look that failed is not that of one that succeeded",
             metric(metrics, "whosees_look_timestamp_seconds") == seen and
             metric(metrics, "whosees_look_success") == "0", seen)


def check_commands(tap, tool, sick, target):
    put(sick, target)
    done = subprocess.run([tool, "watch", target, "--until-finding", "--on-finding", "cat >&2"],
                          capture_output=True, text=True, timeout=PATIENCE, check=False,
                          preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
    tap.case("who waits for a finding is told of one that is there at first", done.returncode == 1 and
             '"nests"' in done.stderr, done)
    tap.case("whatever was thought of its children's ends", "ended with status" not in done.stderr, done)
    done = subprocess.run([tool, "watch", target, "--ndjson", "--until-finding", "--on-finding",
                           "echo told"], capture_output=True, text=True, timeout=PATIENCE, check=False)
    tap.case("what a command prints is not among NDJSON", "told\n" in done.stderr and
             all(map(json.loads, done.stdout.splitlines())), done)


def check_refusals(tap, tool, well, target, scratch):
    put(well, target)
    for what, words, said in (
            ("a target that is the history", ("--history", target), "cannot replace an input"),
            ("a target that is the metrics' file", ("--prometheus", target),
             "cannot replace an input"),
            ("a history in no folder", ("--history", os.path.join(scratch, "no/h"),
                                        "--prometheus", os.path.join(scratch, "no/p")),
             "No such file or directory"),
            ("standard output", ("--history", "-"), "name a FILE"),
            ("no size", ("--history-size", "0"), "is no size"),
            ("no number of looks", ("--looks", "some"), "no decimal number")):
        done = subprocess.run([tool, "watch", target, "--looks", "1", *words], text=True,
                              capture_output=True, timeout=PATIENCE, check=False)
        tap.case(f"{what} is refused", done.returncode in (2, 3) and said in done.stderr, done)
    done = subprocess.run([tool, "watch", os.path.join(scratch, "nothing")], text=True,
                          capture_output=True, timeout=PATIENCE, check=False)
    tap.case("a target that cannot be read at first is no target", done.returncode == 3, done)


def main(tool, well, sick):
    tap = Tap()
    signal.alarm(5 * PATIENCE)  # a line that does not come is waited for in vain
    with tempfile.TemporaryDirectory() as scratch:
        target = os.path.join(scratch, "machine.elf")
        check_changes(tap, tool, well, sick, target, scratch)
        check_until(tap, tool, well, sick, target)
        check_end_while_lost(tap, tool, well, target)
        check_history(tap, tool, well, sick, target, scratch)
        check_unwritable(tap, tool, well, sick, target, scratch)
        check_lost_metrics(tap, tool, well, target, scratch)
        check_commands(tap, tool, sick, target)
        check_refusals(tap, tool, well, target, scratch)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
