#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Captures through GNU parallel, killed and resumed: the digest is what was planted; and a
dump that whosees dies of is a line. (Ten thousand, and Slurm: tests/many/prove.) TAP.
argv: whosees."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "common")]
import fleet  # noqa: E402
import runs  # noqa: E402
from tap import PATIENCE, Tap  # noqa: E402

SIZE = 64  # in four batches, of which each kind is one, at least
NO_PARALLEL = "no GNU parallel (make check installs it)"


def has_parallel():
    return shutil.which("parallel") and b"GNU parallel" in subprocess.run(
        ["parallel", "--version"], capture_output=True, check=False).stdout


def check_resumed(tap, tool, folder):
    machines = fleet.Fleet(tool, folder, SIZE, fleet.VARIANTS[:1])
    machines.make()
    tap.case("each kind of machine is in the fleet",
             {fleet.kind_of(n) for n in range(SIZE)} == set(fleet.KINDS))
    share = runs.Share(machines, folder / "results")
    done = share.kill_after(SIZE // 2)
    tap.case("it is killed in the middle", SIZE // 2 <= done < SIZE, done)
    document, _ = runs.digest(tool, share.results)
    tap.case("which leaves less than was planted", list(machines.complaints(document)))
    tap.case("it goes on where it was", share.finish() == 0 and
             SIZE <= runs.count(share.results) < SIZE + done, runs.count(share.results))
    document, status = runs.digest(tool, share.results)
    complaints = list(machines.complaints(document))
    tap.case("and then the digest is what was planted", not complaints and status == 1,
             complaints)


def one(tool, dump, **more):
    done = subprocess.run([runs.ONE, "audit", dump], capture_output=True, check=False,
                          env=runs.environment(tool, **more), timeout=PATIENCE)
    return done.stdout, done.returncode


def check_one(tap, tool, folder):
    name = str(folder / 'a "b" \\c\\')
    ends = {"is killed": "kill -9 $$", "takes too long": "exec sleep 60",
            "says half a line": "printf '{\"record\":\"result\",'; kill -9 $$"}
    target = json.loads(one(tool, name)[0])["target"]
    for what, how in ends.items():
        dying = folder / "dying"
        dying.write_text(f"#!/bin/sh\n{how}\n")
        dying.chmod(0o755)
        lines, status = one(dying, name, PATIENCE="1")
        done = subprocess.run([tool, "digest", "--json"], input=lines, capture_output=True,
                              check=False, timeout=PATIENCE)
        document = json.loads(done.stdout or "{}")
        tap.case(f"of a whosees that {what} there is a line that says so",
                 status == 0 and document and document["summary"][0]["failed"] == 1 and
                 document["failures"][0]["target"] == target, lines + done.stderr)
    tap.case("without whosees there is none", one(folder / "none", name) == (b"", 127))


def main(tool):
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        check_one(tap, os.path.abspath(tool), folder)
        if has_parallel():
            check_resumed(tap, tool, folder)
        else:
            tap.skip("a fleet through GNU parallel", NO_PARALLEL)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
