#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The same thing on two machines has one fingerprint, and another thing another; and NDJSON
ends with a line of what the target comes to. TAP. argv: whosees, captures of i386, of i386
with PAE, and of a machine whose handler is in a module."""

import json
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))
from tap import PATIENCE, Tap  # noqa: E402

WHOSEES, I386, PAE, NESTS = sys.argv[1:]

# Stored lines are compared by these: whatever changes one makes a new version of them all.
PINNED = {
    "coherence-missing": "6ae3f36e2398cbdb",
    "faultpath-pf-target": "0be3b738be21b8e3",
    "faultpath-pf-reach": "c669ab09093d4bf0",
    "faultpath-foreign-handler": "905dc260db3b0f3a",
}

# A driver whose handler the processes that were there before do not see.
HOOK = """
local m = machine {{ sync = "lazy", ram = 24 }}
local last
for i = 1, {processes} do last = m:fork("sh") end
m:insmod {{ name = "filler", size = {filler} }}
m:insmod {{ name = "{driver}", size = 8192, hooks_page_fault = true }}
"""
# One entry of a process damaged.
DAMAGE = """
local m = machine {{ format = "x86_64", sync = "preallocated", ram = 24 }}
local last
for i = 1, {processes} do last = m:fork("sh") end
last:{damage}
"""


def run(command, target):
    """(the lines, the exit status)"""
    done = subprocess.run([WHOSEES, command, "--ndjson", target], capture_output=True,
                          check=False, timeout=PATIENCE)
    return [json.loads(line) for line in done.stdout.splitlines()], done.returncode


def result_of(command, target):
    return run(command, target)[0][-1]


def fingerprints(result):
    return {finding["fingerprint"] for finding in result["findings"]}


def by_rule(result):
    return {finding["rule"]: finding["fingerprint"] for finding in result["findings"]}


class Machines:
    """Scenarios made from text, each audited once."""

    def __init__(self, folder):
        self.folder, self.known = folder, {}

    def path(self, text, **values):
        path = self.folder / f"{len(self.known)}.lua"
        path.write_text(text.format(**values))
        return f"sim:{path}"

    def audit(self, text, **values):
        key = (text, *sorted(values.items()))
        if key not in self.known:
            self.known[key] = run("audit", self.path(text, **values))[0]
        return self.known[key]


def handlers(lines):
    return {line["address"] for line in lines
            if line["record"] == "groups" and line["rule"] == "faultpath-pf-target"}


def check_same(tap, machines):
    """What differs is how many processes there are, and where the driver lies."""
    one = machines.audit(HOOK, processes=2, filler=4096, driver="tracer")
    two = machines.audit(HOOK, processes=7, filler=9 << 20, driver="tracer")
    tap.case("the handler lies at another address in each of two machines",
             handlers(one) and not handlers(one) & handlers(two), handlers(one))
    tap.case("and the same fingerprints", fingerprints(one[-1]) == fingerprints(two[-1]) != set(),
             f"{by_rule(one[-1])} {by_rule(two[-1])}")


def check_other(tap, machines):
    values = {"processes": 2, "filler": 4096}
    one = by_rule(machines.audit(HOOK, driver="tracer", **values)[-1])
    two = by_rule(machines.audit(HOOK, driver="lister", **values)[-1])
    tap.case("another driver's handler is another finding",
             all(one[rule] != two[rule] for rule in one if rule.startswith("faultpath")),
             f"{one} {two}")
    tap.case("a hole of vmalloc is one whichever driver lies there",
             one["coherence-missing"] == two["coherence-missing"], f"{one} {two}")


def check_damage(tap, machines):
    place = "m:vmalloc(4096)"
    holes = [by_rule(machines.audit(DAMAGE, damage=f"hide({place})", processes=n)[-1])
             for n in (3, 9)]
    flip = by_rule(machines.audit(DAMAGE, damage=f"flip({place}, 'write')", processes=3)[-1])
    tap.case("an entry that was emptied has the same fingerprints in process 3 and 9",
             holes[0] == holes[1] and "coherence-missing" in holes[0], holes)
    tap.case("and one with another right has another",
             flip.get("coherence-rights") not in {None, *holes[0].values()}, flip)


def check_capture(tap, machines):
    scenario = machines.path(HOOK, processes=4, filler=1 << 20, driver="tracer")
    capture = machines.folder / "capture.elf"
    subprocess.run([WHOSEES, "capture", scenario, "-o", capture], capture_output=True,
                   check=True, timeout=PATIENCE)
    whole, small = (by_rule(result_of("audit", target)) for target in (scenario, str(capture)))
    tap.case("a capture has the fingerprints of the whole", whole == small != {},
             f"{whole} {small}")


def check_pinned(tap):
    found = by_rule(result_of("audit", NESTS))
    tap.case("the fingerprints of this version are those that were stored", found == PINNED,
             found)
    for path in I386, PAE:
        tap.case(f"{pathlib.Path(path).name} has the hole of the other captures",
                 by_rule(result_of("audit", path)) ==
                 {"coherence-missing": PINNED["coherence-missing"]})


def check_result(tap, target, status):
    for command in "audit", "autopsy":
        lines, exit_status = run(command, target)
        tap.case(f"{command} {pathlib.Path(target).name}: the last line, and no other, is the result",
                 [line["record"] for line in lines].index("result") == len(lines) - 1)
        result = lines[-1]
        tap.case("it has the exit status, and either an answer or why there is none",
                 result["status"] == exit_status and exit_status in status
                 and (result["error"] is None) != (result["sentence"] is None), result)
        groups = {line["fingerprint"] for line in lines if line["record"] == "groups"}
        tap.case("and what was found, once", command == "autopsy" or
                 groups == fingerprints(result) and len(groups) == len(result["findings"]))


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        machines = Machines(folder)
        check_same(tap, machines)
        check_other(tap, machines)
        check_damage(tap, machines)
        check_capture(tap, machines)
        check_pinned(tap)
        damaged = folder / "damaged"
        damaged.write_bytes(pathlib.Path(NESTS).read_bytes()[:3000])
        (folder / "no dump").write_bytes(b"no dump\n" * 4096)
        fine = machines.path("machine {{ ram = 24 }}")
        for target, status in ((NESTS, {1, 4}), (fine, {0}), (damaged, {3}),
                               (folder / "no dump", {3}), (folder / "not there", {3})):
            check_result(tap, str(target), status)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
