# SPDX-License-Identifier: LGPL-2.1-or-later
"""Builds the bare-metal sweep guest with the host's compiler and boots it under QEMU's
TCG: what it prints is what tests/machine/sweep_replay holds beside the simulated machine.
To look at one by hand: python3 lab/guest/sweep.py BITS DIRECTORY, BITS 32 or 64."""

import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
FLAGS = ["-std=gnu17", "-O2", "-Wall", "-Wextra", "-Werror", "-ffreestanding", "-nostdlib",
         "-fno-pic", "-fno-pie", "-fno-stack-protector", "-fcf-protection=none",
         "-fno-asynchronous-unwind-tables", "-mgeneral-regs-only", "-mno-red-zone"]
# Bits: QEMU, the linker's emulation, and memory: PSE-36 reaches a page at 4 GiB.
KINDS = {
    32: ("qemu-system-i386", "elf_i386", "4G"),
    64: ("qemu-system-x86_64", "elf_x86_64", "64M"),
}
DEBUG_EXIT = 1  # QEMU's status after the guest's write of 0 to isa-debug-exit
SECONDS = 240


class SweepError(Exception):
    """What went wrong, and the program's own last words."""


def run(argv, good=(0,)):
    try:
        done = subprocess.run(argv, capture_output=True, text=True, errors="replace",
                              stdin=subprocess.DEVNULL, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise SweepError(f"{argv[0]} was not done after {SECONDS} s") from None
    if done.returncode not in good:
        raise SweepError(f"{argv[0]} ended with status {done.returncode}:\n"
                         f"{done.stdout[-2000:]}{done.stderr[-2000:]}")


def missing(bits):
    """The first program that is not there, or None."""
    for program in ("gcc", "ld", "objcopy", KINDS[bits][0]):
        if not shutil.which(program):
            return program
    return None


def build(bits, directory):
    """The guest as a 32-bit ELF, which is what QEMU's multiboot loader takes."""
    objects = []
    for source in ("sweep.c", "sweep_entry.S"):
        objects.append(directory / f"{source}.{bits}.o")
        run(["gcc", f"-m{bits}", *FLAGS, "-c", HERE / source, "-o", objects[-1]])
    linked, guest = directory / f"linked{bits}", directory / f"sweep{bits}"
    run(["ld", "-m", KINDS[bits][1], "-z", "max-page-size=4096", "-T", HERE / "sweep.ld",
         "-o", linked, *objects])
    run(["objcopy", "-O", "elf32-i386", linked, guest])
    return guest


def boot(bits, guest):
    """Runs the guest to its end; returns the file that its serial port wrote."""
    qemu, _, memory = KINDS[bits]
    log = guest.with_suffix(".log")
    run([qemu, "-accel", "tcg", "-cpu", "max", "-m", memory, "-nodefaults", "-display",
         "none", "-no-reboot", "-net", "none", "-serial", f"file:{log}", "-device",
         "isa-debug-exit,iobase=0xf4,iosize=4", "-kernel", guest], good=(DEBUG_EXIT,))
    return log


def main():
    bits, directory = int(sys.argv[1]), pathlib.Path(sys.argv[2])
    print(boot(bits, build(bits, directory)))


if __name__ == "__main__":
    main()
