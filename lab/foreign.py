"""Programs for another processor than this machine's kernel runs: as they are where it can,
else by Debian's qemu-user. Not every 64-bit kernel runs 32-bit programs."""

import errno
import shutil
import subprocess

from .util import LabError

# Debian's word for an architecture, and qemu-user's for its processor.
PROCESSORS = {"i386": "i386", "amd64": "x86_64", "armhf": "arm", "armel": "arm",
              "arm64": "aarch64", "riscv64": "riscv64"}


def runs_here(program):
    """By trying, with --version: kernels are built and booted with and without 32-bit
    programs, and binfmt_misc may have foreign ones run all the same."""
    try:
        subprocess.run([program, "--version"], stdin=subprocess.DEVNULL,
                       capture_output=True, check=False)
    except OSError as error:
        if error.errno == errno.ENOEXEC:
            return False
        raise
    return True


def emulator(arch, program, forced=False):
    """What to put before a command that begins with `program`: nothing where the kernel
    runs it, and that is not forced upon it."""
    if not forced and runs_here(program):
        return []
    if arch not in PROCESSORS:
        raise LabError(f"{program} is for {arch}, for which lab/foreign.py names no "
                       f"emulator; it has {', '.join(PROCESSORS)}")
    name = f"qemu-{PROCESSORS[arch]}"
    found = shutil.which(name) or shutil.which(f"{name}-static")
    if not found:
        raise LabError(f"this kernel does not run programs for {arch} ({program}), and "
                       f"{name} is not installed: apt-get install qemu-user")
    return [found]
