#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""fail_alloc.py STEP TOOL LIBRARY CORE KDUMP: every command runs once for each STEP-th of
its allocations, which fails. What it answers then is the whole answer, byte by byte, or
none: exit status 3, words on standard error, and no output file. STEP 1 fails each; so does
WS_TORTURE_STEP=1 in the environment, which `make torture` sets."""

import collections
import concurrent.futures
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "common"))
import commands  # noqa: E402
import tap as tap_module  # noqa: E402

CALLS_NAMED = 10


class Tool:
    def __init__(self, tool, library):
        self.tool, self.shared_object = tool, library

    def run(self, arguments, fail_at=0, log=None):
        """The answer, when the allocation of that number fails; 0: none does."""
        how = {"WS_FAIL_LOG": log} if log else {}
        return commands.answer(self.tool, self.shared_object, arguments,
                               WS_FAIL_AT=str(fail_at), **how)

    def calls(self, arguments, fail_at=0):
        """The answer; and for each allocation, or for the one that fails, (module, offset)
        of its callers."""
        with tempfile.NamedTemporaryFile("r") as log:
            answer = self.run(arguments, fail_at, log.name)
            return answer, list(read_calls(log, self.shared_object))


def read_calls(log, library):
    modules = []
    for line in log:
        kind, *rest = line.split()
        if kind == "module":
            modules.append((int(rest[0], 16), rest[1]))
        else:
            modules.sort(reverse=True)
            places = [place(modules, int(address, 16)) for address in rest]
            yield [(path, at) for path, at in places
                   if os.path.basename(path) != os.path.basename(library)]


def place(modules, address):
    for base, path in modules:
        if base <= address:
            return path, address - base
    return "?", address


# ---- where an allocation is --------------------------------------------------------------

def names(calls):
    """The functions of (module, offset)s, innermost first."""
    by_module = collections.defaultdict(list)
    for path, at in calls:
        by_module[path].append(at)
    known = {}
    for path, ats in by_module.items():
        for at, name in zip(ats, addr2line(path, ats)):
            known[path, at] = name
    return [known[call] for call in calls]


def addr2line(path, ats):
    unknown = [f"{os.path.basename(path)}+{at:#x}" for at in ats]
    if not shutil.which("addr2line") or not os.path.exists(path):
        return unknown
    done = subprocess.run(["addr2line", "-f", "-e", path, *map(hex, ats)],
                          capture_output=True, text=True, check=False)
    found = done.stdout.splitlines()[::2]
    if len(found) != len(ats):
        return unknown
    return [spare if name == "??" else name for name, spare in zip(found, unknown)]


def site(tool, arguments, number):
    _, calls = tool.calls(arguments, number)
    reported = [name for name in names(calls[0]) if name] if calls else ["?"]
    return " < ".join(reported[:CALLS_NAMED])


# ---- all of it ---------------------------------------------------------------------------

def torture(tap, tool, what, arguments, whole, numbers, pool):
    """Returns how many ran, and how many answered something else."""
    bad = collections.defaultdict(list)
    answers = pool.map(lambda number: tool.run(arguments, number), numbers)
    for number, answer in zip(numbers, answers):
        how = commands.wrong(whole, answer)
        if how:
            bad[site(tool, arguments, number), how].append(number)
    failed = sum(len(which) for which in bad.values())
    tap.case(f"{what}: {len(numbers)} allocations failed, one a run", not failed,
             "\n".join(f"{where}: {how} ({len(which)}; allocation {which[0]})"
                       for (where, how), which in bad.items()))
    return len(numbers), failed


def main(step, tool, library, core, kdump):
    step = int(os.environ.get("WS_TORTURE_STEP", step))
    tool = Tool(os.path.abspath(tool), os.path.abspath(library))
    tap, ran, failed = tap_module.Tap(), 0, 0
    core, kdump = os.path.abspath(core), os.path.abspath(kdump)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for index, (what, arguments) in enumerate(commands.every(tool.run, core, kdump)):
            whole, calls = tool.calls(arguments)
            tap.case(f"{what}: answers", commands.is_answer(whole), whole)
            n = len(calls)
            numbers = range(1 + (index * 7) % min(step, n), n + 1, step)
            counts = torture(tap, tool, what, arguments, whole, numbers, pool)
            ran, failed = ran + counts[0], failed + counts[1]
    tap.note(f"{ran} runs with an allocation that failed, {failed} of them answered "
             "something else")
    return tap.end()


if __name__ == "__main__":
    if len(sys.argv) != 6:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
