#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What contrib/kdump saves in a crash kernel, where, and what instead: with a capture for
/proc/vmcore, and a whosees and a makedumpfile that do as they are told. (A machine that is
crashed for it: lab/kdump.) TAP. argv: whosees, a capture."""

import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/common"))
from tap import PATIENCE, Tap  # noqa: E402

SAVE = ROOT / "contrib/kdump/save"
DUMPS = 'cp "$4" "$5"'  # makedumpfile -c -d 31 CORE FILE
DIES = "kill -9 $$"


class CrashKernel:
    def __init__(self, tool, core, folder):
        self.core, self.folder = core, folder
        self.programs = folder / "programs"
        self.programs.mkdir()
        self.right = f'exec "{os.path.abspath(tool)}" "$@"'

    def program(self, name, script):
        path = self.programs / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def save(self, name, whosees, makedumpfile, core=None, fstab=""):
        """(the exit status, the files that are there then, what was said)"""
        root = self.folder / name
        (root / "etc").mkdir(parents=True)
        (root / "etc/fstab").write_text(fstab)
        self.program("whosees", whosees)
        self.program("makedumpfile", makedumpfile)
        done = subprocess.run([SAVE, root], capture_output=True, text=True, check=False,
                              timeout=PATIENCE,
                              env={"PATH": f"{self.programs}:/usr/bin:/bin",
                                   "VMCORE": str(core or self.core)})
        files = [path for path in root.rglob("*") if path.is_file() and path.name != "fstab"]
        return done.returncode, files, done.stdout + done.stderr


def main(tool, core):
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        kernel = CrashKernel(tool, os.path.abspath(core), pathlib.Path(folder))
        status, files, said = kernel.save("right", kernel.right, DIES)
        tap.case("a capture is saved in /var/crash, below the time",
                 status == 0 and [f.match("right/var/crash/2*/capture.2*.elf") for f in files]
                 == [True], f"{files} {said}")
        done = subprocess.run([tool, "spaces", files[0]], capture_output=True, check=False)
        tap.case("which whosees reads", done.returncode == 0, done.stderr)
        kernel.program("timeout", 'shift 3; exec /usr/bin/timeout 1 "$@"')  # not 120 s
        for what, whosees, end in (("is killed", DIES, 137), ("fails", "exit 3", 3),
                                   ("hangs", "exec sleep 600", 124)):
            status, files, said = kernel.save(what, whosees, DUMPS)
            tap.case(f"where whosees {what}, makedumpfile's dump is saved, and that is said",
                     status == 0 and [f.match(f"{what}/var/crash/2*/dump.2*") for f in files]
                     == [True] and f"ended with status {end}:" in said, f"{files} {said}")
        (kernel.programs / "timeout").unlink()
        status, files, said = kernel.save("both", DIES, 'echo half >"$5"; exit 1')
        tap.case("what makedumpfile did not end is called incomplete",
                 status == 1 and [f.name for f in files] == ["dump-incomplete"] and
                 "nothing was saved" in said, f"{files} {said}")
        for where, is_saved in (("/var", False), ("/var/crash", False), ("/srv", True),
                                ("none", True), ("/", True)):
            status, files, said = kernel.save(
                f"on {where.replace('/', ' ')}", kernel.right, DIES,
                fstab=f"# a comment\n/dev/sdb1 {where} ext4 defaults 0 0\n")
            tap.case(f"with a file system for {where} it is{'' if is_saved else ' not'} saved",
                     bool(files) == is_saved == (status == 0) and
                     is_saved != ("not on the root file system" in said), f"{files} {said}")
        status, files, said = kernel.save("alive", kernel.right, DUMPS,
                                          core=folder + "/no vmcore")
        tap.case("where no kernel has crashed, nothing is done",
                 (status, files, said) == (1, [], ""), said)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
