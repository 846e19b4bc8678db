# SPDX-License-Identifier: LGPL-2.1-or-later
"""Builds the bare-metal guests with the host's compiler and boots them under QEMU's TCG:
what they print is what tests/machine/*_replay hold beside the simulated machine. To look
at one by hand: python3 lab/guest/sweep.py GUEST 32|64 DIRECTORY."""

import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
FLAGS = ["-std=gnu17", "-O2", "-Wall", "-Wextra", "-Werror", "-ffreestanding",
         "-nostdlib", "-fno-pic", "-fno-pie", "-fno-stack-protector", "-fcf-protection=none",
         "-fno-asynchronous-unwind-tables", "-mgeneral-regs-only", "-mno-red-zone"]
# Sources, and QEMU's memory by bits: PSE-36 reaches a page at 4 GiB; storms run into
# addresses where there must be no memory.
GUESTS = {
    "sweep": (("sweep_boot.S", "sweep_entry.S", "sweep.c"), {32: "4G", 64: "64M"}),
    "storm": (("sweep_boot.S", "sweep_storm_entry.S", "sweep_storm.c"),
              {32: "64M", 64: "64M"}),
    "gate": (("sweep_boot.S", "sweep_gate_entry.S", "sweep_gate.c"),
             {32: "64M", 64: "64M"}),
    "speed": (("sweep_boot.S", "sweep_storm_entry.S", "sweep_speed.c"), {32: "256M"}),
}
# Bits: QEMU, and the linker's emulation.
KINDS = {
    32: ("qemu-system-i386", "elf_i386"),
    64: ("qemu-system-x86_64", "elf_x86_64"),
}
DEBUG_EXIT = 1  # QEMU's status after the guest's write of 0 to isa-debug-exit
SECONDS = 900  # for what hangs: none takes ten


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


def version(bits):
    """As QEMU says it of itself: "7.2"."""
    said = subprocess.run([KINDS[bits][0], "--version"], capture_output=True, text=True,
                          check=True).stdout
    return re.search(r"version (\d+\.\d+)", said)[1]


def build(name, bits, directory):
    """The guest as a 32-bit ELF, which is what QEMU's multiboot loader takes."""
    objects = []
    for source in GUESTS[name][0]:
        objects.append(directory / f"{source}.{bits}.o")
        run(["gcc", f"-m{bits}", *FLAGS, "-c", HERE / source, "-o", objects[-1]])
    linked, guest = directory / f"linked{bits}", directory / f"{name}{bits}"
    run(["ld", "-m", KINDS[bits][1], "-z", "max-page-size=4096", "-T", HERE / "sweep.ld",
         "-o", linked, *objects])
    run(["objcopy", "-O", "elf32-i386", linked, guest])
    return guest


def boot(name, bits, guest):
    """Runs the guest to its end; returns the file that its serial port wrote. A guest
    that a triple fault resets goes on by itself."""
    log = guest.with_suffix(".log")
    run([KINDS[bits][0], "-accel", "tcg", "-cpu", "max", "-m", GUESTS[name][1][bits],
         "-nodefaults", "-display", "none", "-net", "none", "-serial", f"file:{log}",
         "-device", "isa-debug-exit,iobase=0xf4,iosize=4", "-kernel", guest],
        good=(DEBUG_EXIT,))
    return log


def main():
    name, bits, directory = sys.argv[1], int(sys.argv[2]), pathlib.Path(sys.argv[3])
    print(boot(name, bits, build(name, bits, directory)))


if __name__ == "__main__":
    main()
