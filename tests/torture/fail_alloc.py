#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""fail_alloc.py STEP TOOL LIBRARY CORE KDUMP: every command runs once for each STEP-th of
its allocations, which fails. What it answers then is the whole answer, byte by byte, or
none: exit status 3, words on standard error, and no output file. STEP 1 fails each; so does
WS_TORTURE_STEP=1 in the environment, which `make torture` sets."""

import collections
import concurrent.futures
import dataclasses
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "common"))
import tap as tap_module  # noqa: E402

OUTPUT = "output"  # what -o names, in a directory of the run's own
SECONDS_MAX = 120
CALLS_NAMED = 10
SCENARIO = "naughty-bug"
EPOCH = "1000000000"  # when a report says that it was made: two runs are not one second


def commands(core, kdump, results):
    """(what it is, arguments) of every run; results: what audit --ndjson has printed."""
    for name, dump in (("ELF", core), ("kdump", kdump)):
        for command, *rest in (
                ["spaces"], ["modules"], ["probe", "--all-modules"],
                ["probe", "vfs_read", "--json"], ["walk", "vfs_read"],
                ["read", "vfs_read", "16"], ["audit"], ["audit", "--json"],
                ["audit", "--sarif"], ["audit", "--ndjson"], ["what-if", "--spaces=all"],
                ["what-if", "--pid=1", "--fault=kernel"], ["autopsy"], ["cpus"],
                ["log", "--dmesg"], ["name", "vfs_read+4"], ["stack", "--pid=1"],
                ["frame", "1000+0x2000", "2000-3000"], ["report", "-o", OUTPUT],
                ["capture", "-o", OUTPUT]):
            yield f"{' '.join([command, *rest])}, {name}", [command, dump, *rest]
    yield "map, ELF", ["map", core]
    yield "diff, ELF and kdump", ["diff", core, kdump]
    yield "sim", ["sim", SCENARIO]
    yield "sim --save", ["sim", SCENARIO, "--save", OUTPUT]
    yield "audit of a scenario", ["audit", f"sim:{SCENARIO}"]
    yield "sync, ELF", ["sync", core]
    yield "sync of a scenario", ["sync", f"sim:{SCENARIO}", "--apply"]
    yield "what-if of a scenario", ["what-if", f"sim:{SCENARIO}", "--spaces=all"]
    yield "rules", ["rules"]
    yield "digest", ["digest", results]


@dataclasses.dataclass(frozen=True)
class Answer:
    status: int
    stdout: bytes
    stderr: bytes
    files: tuple  # (name, bytes)


class Tool:
    def __init__(self, tool, library):
        self.tool, self.shared_object = tool, library

    def run(self, arguments, fail_at=0, log=None):
        """The answer, when the allocation of that number fails; 0: none does."""
        env = dict(os.environ, LD_PRELOAD=self.shared_object, WS_FAIL_AT=str(fail_at),
                   LC_ALL="C", TERM="dumb", SOURCE_DATE_EPOCH=EPOCH)
        env.pop("WS_FAIL_LOG", None)
        if log:
            env["WS_FAIL_LOG"] = log
        with tempfile.TemporaryDirectory() as scratch:
            done = subprocess.run([self.tool, *arguments], cwd=scratch, env=env,
                                  stdin=subprocess.DEVNULL, capture_output=True,
                                  timeout=SECONDS_MAX, check=False)
            files = tuple((path.name, path.read_bytes())
                          for path in sorted(pathlib.Path(scratch).iterdir()))
        return Answer(done.returncode, done.stdout, done.stderr, files)

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


# ---- what is wrong with an answer --------------------------------------------------------

def wrong(whole, answer):
    """What is wrong with it; None: nothing."""
    if answer == whole:
        return None
    if answer.status < 0:
        return signal.Signals(-answer.status).name
    if answer.status != 3:
        return f"exit status {answer.status} and " + difference(whole, answer)
    if not answer.stderr.strip():
        return "exit status 3 without a word"
    if any(file not in whole.files for file in answer.files):
        return "exit status 3, but a file " + ", ".join(n for n, _ in answer.files)
    return None


def difference(whole, answer):
    if answer.status != whole.status:
        return f"not {whole.status}: " + answer.stderr.decode(errors="replace")[:160]
    for name in ("files", "stdout", "stderr"):
        before, after = getattr(whole, name), getattr(answer, name)
        if before == after:
            continue
        if name == "files":
            return "another file"
        for was, now in zip(before.splitlines() + [b""], after.splitlines() + [b""]):
            if was != now:
                return f"another {name}: {now[:70]!r}, not {was[:70]!r}"
        return f"another {name}"
    return "nothing"


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
        how = wrong(whole, answer)
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
    with (concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool,
          tempfile.NamedTemporaryFile() as results):
        results.write(tool.run(["audit", core, "--ndjson"]).stdout)
        results.flush()
        for index, (what, arguments) in enumerate(commands(core, kdump, results.name)):
            whole, calls = tool.calls(arguments)
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
