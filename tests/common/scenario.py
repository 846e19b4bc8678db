# SPDX-License-Identifier: LGPL-2.1-or-later
"""Dumps of real guests for tests: booted when they are not there, or when what they are
made from has changed since, and at most once however many tests ask at the same time."""

import contextlib
import fcntl
import json
import os
import pathlib
import shutil
import subprocess

SOURCE = pathlib.Path(__file__).resolve().parents[2]
LAB = SOURCE / ".lab"
QEMU = "qemu-system-x86_64"
# Debian's words for the guests' architectures: of a PC, and of QEMU's other machines.
PC = "i386", "amd64"
VIRT = "armhf", "arm64", "riscv64"


@contextlib.contextmanager
def locked(name):
    LAB.mkdir(exist_ok=True)
    with open(LAB / f".{name}.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def why_not():
    """Why no guest can be booted here, or None."""
    if os.environ.get("WS_NO_LAB"):
        return "WS_NO_LAB is set"
    if not shutil.which(QEMU):
        return f"no {QEMU} (make check installs it)"
    return None


def present(arches=PC):
    """Names of the scenarios whose dumps are there, in whatever state."""
    return sorted(path.parent.name for path in LAB.glob("*/truth.json")
                  if not path.parent.name.startswith(".") and
                  json.loads(path.read_text()).get("arch", PC[0]) in arches)


def wanted(name):
    """(directory, None) of a scenario's dumps, made if need be; or (None, reason). Where
    nothing can be booted, dumps that are there serve as they are."""
    reason = why_not()
    if reason:
        return (LAB / name, None) if name in present(PC + VIRT) else (None, reason)
    with locked(name):
        made = subprocess.run([SOURCE / "lab/run", name], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
    if made.returncode:
        raise RuntimeError(f"lab/run {name} failed:\n{made.stdout}")
    return LAB / name, None


def each(tap, names, what, arches=PC):
    """The directories of the scenarios that are named, made if need be, then of all others
    that are there. What cannot be had is skipped, as what was not looked at."""
    for name in names + [n for n in present(arches) if n not in names]:
        directory, reason = wanted(name) if name in names else (LAB / name, None)
        if reason:
            tap.skip(f"{name}: {what}", reason)
        else:
            yield directory
