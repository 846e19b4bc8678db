# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every command, run under a library that makes something of the system's fail: what it answers
is the whole answer, byte by byte, or none, with exit status 3 and words."""

import contextlib
import dataclasses
import gzip
import os
import pathlib
import signal
import subprocess
import sys
import tempfile

GIVE_LOG = pathlib.Path(__file__).resolve().parents[1] / "cli/give_log.py"
OUTPUT = "output"  # what -o names, in a directory of the run's own
SECONDS_MAX = 120
SCENARIO = "naughty-bug"
EPOCH = "1000000000"  # when a report says that it was made: two runs are not one second


@contextlib.contextmanager
def written(data):
    """The name of a file of that."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        yield file.name


@contextlib.contextmanager
def with_log(core):
    """The name of a copy that has the kernel's log."""
    with tempfile.TemporaryDirectory() as folder:
        logged = os.path.join(folder, "logged")
        subprocess.run([sys.executable, GIVE_LOG, core, logged], check=True)
        yield logged


def every(run, core, kdump):
    """(what it is, arguments) of every run; run: answers to arguments, and nothing fails."""
    with (written(gzip.compress(pathlib.Path(core).read_bytes())) as packed,
          written(run(["audit", core, "--ndjson"]).stdout) as results,
          with_log(core) as logged):
        yield from of_files(core, kdump, packed, results, logged)


def of_files(core, kdump, packed, results, logged):
    for name, dump in (("ELF", core), ("kdump", kdump)):
        for command, *rest in (
                ["spaces"], ["modules"], ["probe", "--all-modules"],
                ["probe", "vfs_read", "--json"], ["walk", "vfs_read"],
                ["read", "vfs_read", "16"], ["audit"], ["audit", "--json"],
                ["audit", "--sarif"], ["audit", "--ndjson"], ["what-if", "--spaces=all"],
                ["what-if", "--pid=1", "--fault=kernel"], ["autopsy"], ["cpus"],
                ["name", "vfs_read+4"], ["stack", "--pid=1"],
                ["frame", "1000+0x2000", "2000-3000"], ["report", "-o", OUTPUT],
                ["capture", "-o", OUTPUT]):
            yield f"{' '.join([command, *rest])}, {name}", [command, dump, *rest]
    yield "spaces, gzip", ["spaces", packed]
    yield "log, ELF", ["log", logged]
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


def is_answer(whole):
    """Whether it is one that there is something to compare with: no usage, no failure."""
    return whole.status in (0, 1, 4) and whole.stdout


def answer(tool, library, arguments, **how):
    """Of one run; how: what the library reads from the environment."""
    env = dict(os.environ, LD_PRELOAD=library, LC_ALL="C", TERM="dumb",
               SOURCE_DATE_EPOCH=EPOCH, **how)
    with tempfile.TemporaryDirectory() as scratch:
        done = subprocess.run([tool, *arguments], cwd=scratch, env=env,
                              stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=SECONDS_MAX, check=False)
        files = tuple((path.name, path.read_bytes())
                      for path in sorted(pathlib.Path(scratch).iterdir()))
    return Answer(done.returncode, done.stdout, done.stderr, files)


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
