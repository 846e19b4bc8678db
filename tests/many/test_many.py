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


def program(path, script):
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def check_one(tap, tool, folder):
    name = os.fsencode(folder) + b'/a "b" \\c\\ \xc3\xa9\t\n\xff'
    ends = {"is killed": ("kill -9 $$", "killed by signal 9"),
            "takes too long": ("exec sleep 60", "not done in 1 s"),
            "says half a line": ("printf '{\"record\":\"result\",'; kill -9 $$",
                                 "killed by signal 9"),
            "cannot be loaded": ("echo 'no \"libx.so\"' >&2; exit 127",
                                 'status 127, no "libx.so"')}
    target = json.loads(one(tool, name)[0])["target"]
    for what, (how, reason) in ends.items():
        dying = program(folder / "dying", how)
        lines, status = one(dying, name, PATIENCE="1")
        done = subprocess.run([tool, "digest", "--json"], input=lines, capture_output=True,
                              check=False, timeout=PATIENCE)
        document = json.loads(done.stdout or "{}")
        tap.case(f"of a whosees that {what} there is a line that says so",
                 status == 0 and document and document["summary"][0]["failed"] == 1 and
                 document["failures"][0]["target"] == target and
                 json.loads(lines)["error"] == f"whosees ended without a result: {reason}",
                 lines + done.stderr)
    tap.case("without whosees there is none", one(folder / "none", name) == (b"", 127))
    lines, status = one(tool, "-x.elf")
    tap.case("a name that begins with - is a name", status == 0 and
             json.loads(lines)["target"] == "-x.elf" and b"-x.elf" in lines and
             "without a result" not in json.loads(lines)["error"], lines)
    with open("/dev/full", "wb") as full:
        done = subprocess.run([runs.ONE, "audit", name], stdout=full, check=False,
                              stderr=subprocess.DEVNULL, env=runs.environment(tool),
                              timeout=PATIENCE)
    tap.case("a line that finds no room is no success", done.returncode == 1, done)


def share(tool, *words):
    done = subprocess.run([runs.SHARE, *map(str, words)], capture_output=True, text=True,
                          check=False, timeout=PATIENCE, env=runs.environment(tool))
    return done.returncode, done.stderr


def check_arguments(tap, tool, folder):
    dumps, results = folder / "some.list", folder / "refused"
    dumps.write_text("/nonexistent\n")
    for what, words in {
            "a list that is not there": ("audit", folder / "none.list", results, 0, 1),
            "a folder for a list": ("audit", folder, results, 0, 1),
            "K that is N": ("audit", dumps, results, 1, 1),
            "N that is 0": ("audit", dumps, results, 0, 0),
            "K that is no number": ("audit", dumps, results, "x", 1),
            "N that is no number": ("audit", dumps, results, 0, "1x"),
            "no N": ("audit", dumps, results, 0),
            "another command": ("capture", dumps, results, 0, 1)}.items():
        status, said = share(tool, *words)
        tap.case(f"{what} is refused with words", status == 2 and said and
                 not results.exists(), f"{status} {said}")


def check_again(tap, tool, folder):
    """Failed batches are done again; a folder is of one command and one list."""
    dumps, results = folder / "again.list", folder / "it's again"
    names = [f"/nonexistent/{n}" for n in range(40)]
    dumps.write_text("".join(f"{name}\n" for name in names))
    words = ("audit", dumps, results, 0, 1)
    # The first who comes to the 20th kills its one, with all of that one's shells.
    killer = program(folder / "killer", f'''case $4 in
*/20) if mkdir "{folder}/once" 2>/dev/null; then
	at=$PPID all=
	while read -r _ _ _ above _ </proc/$at/stat && grep -q "timeout\|{runs.ONE}" /proc/$at/cmdline
	do
		all="$all $at" at=$above
	done
	kill -9 $all
fi ;;
esac
exec "{tool}" "$@"''')
    status, said = share(killer, *words)
    seen = runs.count(results)
    tap.case("where one is killed, share fails", status and seen < 40, f"{seen} {said}")
    status, said = share(killer, *words)
    targets = {json.loads(line)["target"] for file in results.glob("*.ndjson")
               for line in file.read_text().splitlines() if line.endswith("}")}
    tap.case("given again, each dump has its line", status == 0 and targets == set(names),
             f"{status} {said} {sorted(set(names) - targets)}")
    before = runs.count(results)
    status, said = share(tool, *words)
    tap.case("and once more, nothing is left to do",
             status == 0 and runs.count(results) == before, said)
    log = results / "0.log"
    log.write_text(log.read_text()[:-7])
    status, said = share(tool, *words)
    tap.case("where the log's last line is cut off, its dumps are done again",
             status == 0 and log.read_text().endswith("\n") and
             before < runs.count(results) <= before + 16, f"{status} {said}")
    for what, other in {"another command": ("autopsy", dumps, results, 0, 1),
                        "another number of shares": ("audit", dumps, results, 0, 2)}.items():
        status, said = share(tool, *other)
        tap.case(f"{what} in the same folder is refused",
                 status == 2 and "another folder" in said, f"{status} {said}")
    dumps.write_text(dumps.read_text() + "/nonexistent/40\n")
    status, said = share(tool, *words)
    tap.case("and so is a list that has grown", status == 2 and "another folder" in said,
             f"{status} {said}")


def main(tool):
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        check_one(tap, os.path.abspath(tool), folder)
        check_arguments(tap, os.path.abspath(tool), folder)
        if has_parallel():
            check_again(tap, os.path.abspath(tool), folder)
            check_resumed(tap, tool, folder)
        else:
            tap.skip("a fleet through GNU parallel", NO_PARALLEL)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
