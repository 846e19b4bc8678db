#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every container, of two files too, cut at 1, 50 and 99 percent.

    torn.py TOOL CAPTURE     run, as TAP

What is left is answered as of the whole file, or unknown, with a note that says that something
is missing; or the file is refused by its name, in words that say so. (Bounds, overlaps and a
million regions: tests/torture/regions.py.)"""

import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import writers  # noqa: E402
from cut import freed_roots, probe, wrong  # noqa: E402
from tap import PATIENCE, Tap  # noqa: E402

PERCENT = (1, 50, 99)
# Kinds and what is said of a cut one: which words depends on where the cut falls.
WORDS = ("cut off", "truncated", "ends at byte", "past the end", "before its", "is not in",
         "are not in", "not all of", "not whole", "as many as", "too short", "begins as none",
         "no physical memory")
KINDS = ("lime", "avml", "vbox", "xen", "vmware", "migration", "kcore", "vmcore")


def files_of(core):
    """A name, the files of it, and which of them is named and cut."""
    for kind in KINDS:
        yield kind, {"dump": writers.WRITERS[kind](core)[0]}, "dump"
    memory = b"".join(data for _, data in core.memory)
    description = writers.vmware_description(core, None)[0]
    for named in "two.vmss", "two.vmem":
        yield f"vmware in two files, {named}", {"two.vmss": description,
                                                "two.vmem": memory}, named
    ranges, state = writers.cloud(core, False)
    for named in "memory-ranges", "state.json":
        yield f"cloud-hypervisor, {named}", {"memory-ranges": ranges,
                                             "state.json": state}, named


def put(scratch, files):
    for name, data in files.items():
        pathlib.Path(scratch, name).write_bytes(data)


def check_cut(tap, tool, scratch, kind, files, named):
    path = os.path.join(scratch, named)
    put(scratch, files)
    whole, _ = probe(tool, path, "--all-modules")
    freed = freed_roots(tool, path)
    what = sorted({address for address, _ in whole})
    _, notes = probe(tool, path, *what)
    words = [word for word in WORDS if word not in " ".join(notes.split())]
    tap.case(f"{kind}: whole", whole and "cut off" in words)
    for percent in PERCENT:
        pathlib.Path(path).write_bytes(files[named][:len(files[named]) * percent // 100])
        done = subprocess.run([tool, "probe", path, *what, "--all"], capture_output=True,
                              check=False, timeout=PATIENCE, text=True)
        said = " ".join((done.stderr + done.stdout).split())
        name = f"{kind}, cut at {percent} %"
        tap.case(f"{name}: said", done.returncode in (0, 1, 3, 4) and
                 any(word in said for word in words), said[:600])
        if done.returncode == 3:
            tap.case(f"{name}: refused by its name", scratch in said or named in said, said[:600])
            continue
        rows, _ = probe(tool, path, *what)
        untrue = list(wrong(whole, freed, rows))
        tap.case(f"{name}: {len(rows)} rows, and true", not untrue, "\n".join(untrue[:9]))


def main():
    tool, capture = os.path.abspath(sys.argv[1]), sys.argv[2]
    core, tap = writers.Core(pathlib.Path(capture).read_bytes()), Tap()
    with tempfile.TemporaryDirectory() as scratch:
        for kind, files, named in files_of(core):
            check_cut(tap, tool, scratch, kind, files, named)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
