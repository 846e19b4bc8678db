#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What contrib/kdump saves in a crash kernel, where, and what instead: with a capture for
/proc/vmcore, and a whosees and a makedumpfile that do as they are told. (A machine that is
crashed for it: lab/kdump.) TAP. argv: whosees, a capture."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/common"))
from tap import PATIENCE, Tap  # noqa: E402

KDUMP = ROOT / "contrib/kdump"
SAVE = KDUMP / "save"
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

    def save(self, name, whosees, makedumpfile, core=None, fstab="", crash=None, shell=()):
        """(the exit status, the files that are there then, what was said); crash is what
        /var/crash links to"""
        root = self.folder / name
        (root / "etc").mkdir(parents=True)
        (root / "etc/fstab").write_text(fstab)
        if crash:
            (root / "var").mkdir()
            (root / "var/crash").symlink_to(crash)
        self.program("whosees", whosees)
        self.program("makedumpfile", makedumpfile)
        done = subprocess.run([*shell, SAVE, root], capture_output=True, text=True, check=False,
                              timeout=PATIENCE,
                              env={"PATH": f"{self.programs}:/usr/bin:/bin",
                                   "VMCORE": str(core or self.core)})
        files = [path for path in root.rglob("*") if path.is_file() and path.name != "fstab"]
        return done.returncode, files, done.stdout + done.stderr

    def boot(self, script, shell, status):
        """The programs that a script of an initramfs runs, where save ends with a status."""
        log = self.folder / "log"
        log.write_text("")
        for name in ("mount", "reboot"):
            self.program(name, f'echo "{name} $*" >>"{log}"')
        self.program("save", f'echo save >>"{log}"; exit {status}')
        text = (KDUMP / script).read_text()
        for what, instead in (("/usr/lib/whosees/kdump/save", self.programs / "save"),
                              ("/proc/vmcore", self.core), ("/etc/default/", "/nonexistent/")):
            assert what in text
            text = text.replace(what, str(instead))
        subprocess.run([*shell, "-c", text], check=False, timeout=PATIENCE,
                       env={"PATH": f"{self.programs}:/usr/bin:/bin", "rootmnt": "/new",
                            "NEWROOT": "/new"})
        return log.read_text().splitlines()


def check_links(tap, kernel):
    fstab = "/dev/sdb1 /srv ext4 defaults 0 0\n"
    for crash, found in (("../srv/crash", None), ("/srv/crash", None), ("/srv/../data", "data"),
                         ("/data/crash", "data/crash"), ("../../../data", "data"),
                         ("crash", None)):
        name = "link " + crash.replace("/", "|")
        status, files, said = kernel.save(name, kernel.right, DIES, fstab=fstab, crash=crash)
        tap.case(f"where /var/crash is a link to {crash} "
                 f"it is saved in {found}" if found else f"{crash}: nothing is saved, but words",
                 [str(f.relative_to(kernel.folder / name).parents[1]) for f in files] == [found]
                 if found else
                 (status, files) == (1, []) and "nothing is saved" in said, f"{files} {said}")


def check_refusals(tap, kernel):
    for what in ([], [""]):
        done = subprocess.run([SAVE, *what], capture_output=True, text=True, check=False,
                              timeout=PATIENCE, env={"PATH": "/usr/bin:/bin",
                                                     "VMCORE": "/nonexistent"})
        tap.case(f"without a root file system ({what}) nothing is done",
                 done.returncode == 2 and "root file system" in done.stderr, done)
    status, files, said = kernel.save("no folder", kernel.right, DIES, crash="/etc/fstab/x")
    tap.case("where there can be no folder, that is said",
             status == 1 and not files and "whosees-kdump: " in said and
             "nothing is saved" in said, said)


def check_boot(tap, kernel):
    for script in ("initramfs-tools/local-bottom", "dracut/pre-pivot.sh"):
        for status, end in ((0, ["reboot -f"]), (1, [])):
            ran = kernel.boot(script, ["sh"], status)
            tap.case(f"{script}: after save's {status} the root is read-only again",
                     ran == ["mount -o remount,rw /new", "save",
                             "mount -o remount,ro /new", *end], ran)
    done = subprocess.run(
        ["bash", "-c", '. "$0"; inst_multiple() { echo "$@"; }; inst_script() { :; }; '
         'inst_hook() { :; }; install', KDUMP / "dracut/module-setup.sh"],
        capture_output=True, text=True, check=False, timeout=PATIENCE)
    tap.case("dracut is told of each program that is run", {
        "whosees", "makedumpfile", "timeout", "date", "sync", "mkdir", "mv", "rm", "readlink",
        "mount", "reboot"} <= set(done.stdout.split()), done)


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
        tap.case("what makedumpfile did not end is removed",
                 status == 1 and not files and "nothing was saved" in said, f"{files} {said}")
        for where, is_saved in (("/var", False), ("/var/crash", False), ("/var/", False),
                                ("/var/crash//", False), ("/srv", True), ("none", True),
                                ("/", True)):
            status, files, said = kernel.save(
                f"on {where.replace('/', ' ')}", kernel.right, DIES,
                fstab=f"# a comment\n/dev/sdb1 {where} ext4 defaults 0 0\n")
            tap.case(f"with a file system for {where} it is{'' if is_saved else ' not'} saved",
                     bool(files) == is_saved == (status == 0) and
                     is_saved != ("not on the root file system" in said), f"{files} {said}")
        for name, line in (("a line without an end", "/dev/sdb1 /var ext4"),
                           ("two words without an end", "# a comment\n/dev/sdb1 /var")):
            status, files, said = kernel.save(name, kernel.right, DIES, fstab=line)
            tap.case(f"{name} of fstab counts", status == 1 and not files and
                     "not on the root file system" in said, f"{files} {said}")
        check_links(tap, kernel)
        check_refusals(tap, kernel)
        check_boot(tap, kernel)
        if shutil.which("busybox"):
            status, files, said = kernel.save("busybox", kernel.right, DIES, crash="/data",
                                              shell=("busybox", "sh"))
            tap.case("busybox's sh does it too", status == 0 and len(files) == 1, said)
        else:
            tap.skip("busybox's sh does it too", "no busybox")
        status, files, said = kernel.save("alive", kernel.right, DUMPS,
                                          core=folder + "/no vmcore")
        tap.case("where no kernel has crashed, nothing is done",
                 (status, files, said) == (1, [], ""), said)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
