#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_fuzz.py ONCE TOOL KO...: every kind of input without a fuzzer: its seeds, what was found
before (found/KIND), and some hundreds of changes of them, the same every time. `make fuzz` looks
further."""

import concurrent.futures
import os
import pathlib
import signal
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "common"))
import corpus  # noqa: E402
from tap import PATIENCE, Tap  # noqa: E402

# Of what takes a hundredth of a second or more each.
ROUNDS, FEW = 300, {"autopsy": 4, "audit": 40, "what-if": 30, "frames": 40, "discovery": 60,
                    "symbols": 30, "stacks": 30, "btf": 20, "vmcoreinfo": 20, "given": 20, "system-map": 20,
                    "vmlinux": 20, "regime": 40, "script": 60, "qmp": 60, "gdb": 60, "walk": 60,
                    "journal": 60, "log": 60, "tool": 20,
                    "device": 60}


def last_words(done):
    died = -done.returncode
    name = f"signal {signal.Signals(died).name}" if died > 0 else f"status {done.returncode}"
    return f"{name}\n{done.stderr[-2000:].decode(errors='replace')}"


def run(once, folder, kind):
    """What it ran on, what came of it, and where what it died of lies."""
    seeds = sorted((folder / kind).glob("*")) + sorted((HERE / "found" / kind).glob("*"))
    last = pathlib.Path(f"fuzz-{kind}.last")
    done = subprocess.run([once, str(FEW.get(kind, ROUNDS)), *seeds], capture_output=True,
                          env=dict(os.environ, WS_FUZZ_KIND=kind, WS_FUZZ_LAST=str(last)),
                          timeout=PATIENCE, check=False)
    return kind, seeds, done, last


def say(tap, kind, seeds, done, last):
    rounds = FEW.get(kind, ROUNDS)
    tap.case(f"{kind}: there are seeds", seeds)
    ran = int(done.stdout.decode().strip() or 0)
    if tap.case(f"{kind}: seeds, and {rounds} changes of them",
                not done.returncode and ran >= rounds + len(seeds),
                f"{last_words(done)}\nby {last.absolute()}, which is kept"):
        last.unlink()


def main(once, tool, modules):
    tap = Tap()
    kinds = subprocess.run([once], stdout=subprocess.PIPE, check=True).stdout.decode().split()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        corpus.main(folder, tool, modules)
        tap.case("there are no seeds of what is no kind",
                 {path.name for path in folder.iterdir()} <= set(kinds))
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for result in pool.map(lambda kind: run(once, folder, kind), kinds):
                say(tap, *result)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
