# SPDX-License-Identifier: LGPL-2.1-or-later
"""A clean Debian of a release, in a folder that goes away again: made from this machine's
own package sources, and entered in namespaces of its own."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from lab import packages, util  # noqa: E402

SOURCE = pathlib.Path(__file__).resolve().parent.parent
KEPT = 7 * 24 * 3600  # seconds for which a base is good: what is newer apt fetches anyway
PLAIN = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "HOME": "/root",
         "DEBIAN_FRONTEND": "noninteractive"}


def sources(suite, arches, updates):
    """This machine's package sources as that release's, with or without its updates."""
    lines = packages.source_lines(suite, arches)
    return "\n".join(line for line in lines if updates or f" {suite} " in line) + "\n"


def base(suite, updates):
    """An archive of the release's smallest system, made once a week."""
    final = util.cache_dir() / "roots" / f"{suite}{'' if updates else '-alone'}.tar"
    if final.exists() and time.time() - final.stat().st_mtime < KEPT:
        return final
    util.say(f"a base of {suite}")
    final.parent.mkdir(exist_ok=True)
    scratch = final.with_suffix(f".{os.getpid()}.tar")
    try:
        done = subprocess.run(
            [util.need("mmdebstrap", "mmdebstrap"), "--mode=root", "--variant=minbase",
             "--include=ca-certificates", suite, scratch, "-"],
            input=sources(suite, [packages.host_arch()], updates), text=True, capture_output=True, check=False)
        if done.returncode:
            raise util.LabError(f"mmdebstrap failed:\n{done.stderr[-2000:]}")
        scratch.rename(final)
    finally:
        scratch.unlink(missing_ok=True)
    return final


class Chroot:
    """with Chroot("bookworm") as root: root.install("gcc"); root.run("cc", "--version")

    foreign: another architecture, whose packages can be installed beside. Those have to be of
    the same versions as the machine's own, which updates reach at another time: there are none."""

    def __init__(self, suite, foreign=None):
        if os.geteuid() != 0:
            raise util.LabError("a chroot is made and entered by root alone: run it as root")
        self.suite, self.foreign = suite, foreign
        self.archive = base(suite, updates=not foreign)

    def __enter__(self):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix=f"whosees-{self.suite}-"))
        self.path.chmod(0o755)
        try:
            util.run(["tar", "-C", self.path, "--numeric-owner", "-xf", self.archive])
            shutil.copy("/etc/resolv.conf", self.path / "etc/resolv.conf")
            if self.foreign:
                (self.path / "etc/apt/sources.list").write_text(sources(
                    self.suite, [packages.host_arch(), self.foreign], updates=False))
                self.run("dpkg", "--add-architecture", self.foreign)
            self.run("apt-get", "-q", "update")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path)

    def run(self, *argv, cwd="/", user=None, check=True, **env):
        """What a command printed; an error that has its last words where it fails. What it
        mounts and starts is gone with it."""
        become = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"] if user else []
        command = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
                   f"--root={self.path}", f"--wd={cwd}", *become, *map(str, argv)]
        done = subprocess.run(command, env={**PLAIN, **env}, text=True, errors="replace",
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False)
        if check and done.returncode:
            raise util.LabError(f"in {self.suite}: {' '.join(map(str, argv))} ended with status "
                                f"{done.returncode}:\n{done.stdout[-4000:]}")
        return done.stdout if check else (done.returncode, done.stdout)

    def install(self, *names):
        self.run("apt-get", "-qy", "--no-install-recommends", "install", *names)

    def tree(self, folder):
        """The source as a folder of the chroot's."""
        util.run([SOURCE / "packaging/tree", self.path / folder.lstrip("/")])
        return folder
