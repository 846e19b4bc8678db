#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""One machine in one moment, in several files: the ELF core that QEMU wrote, the kdump
(compressed and flattened), its migration stream, and what makedumpfile made of the first,
in one file and in parts.
Every frame must be the same wherever it is, registers and VMCOREINFO too; and every frame
of a kdump that libkdumpfile can read must be what it reads. argv: the memory program, and the scenarios
that are booted where they are missing; others are compared where they are there
already."""

import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))
import scenario  # noqa: E402
from tap import Tap  # noqa: E402

# What makedumpfile -d 31 leaves of a machine is no more than three quarters of it, and
# no less than the kernel's own memory.
FILTERED = (2000, 0.75)


def reported(tap, name, program, *files):
    """What the program says, as {word: [words]}; None, and a failed case, if nothing."""
    made = subprocess.run([program, *files], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False)
    if made.returncode:
        tap.case(name, False, f"exit status {made.returncode}: {made.stderr}")
        return None
    return {line.split()[0]: line.split()[1:] for line in made.stdout.splitlines()}


def as_text(says):
    return "\n".join(f"{word} {' '.join(rest)}" for word, rest in says.items())


def all_equal(says):
    return all(says[word] == ["0"] for word in ("missing", "different", "damaged"))


def compare_kdump(tap, program, directory):
    name = f"{directory.name}: kdump and ELF core are the same memory"
    says = reported(tap, name, program, directory / "dump.elf", directory / "dump.kdump")
    if says:
        part, whole = says["frames"]
        tap.case(f"{name}, {whole} frames", all_equal(says) and part == whole,
                 as_text(says))
        tap.case(f"{directory.name}: kdump and ELF core have the same registers",
                 says["registers"] == says["vmcoreinfo"] == ["same"], as_text(says))


# The firmware below 4 GiB and what lies from 640 KiB to 1 MiB, in frames, are not in it.
NO_MAIN_MEMORY = 512


def compare_stream(tap, program, directory):
    """EFER is in the stream alone; registers that a processor has not, in the core alone."""
    name = f"{directory.name}: migration stream and ELF core are the same memory"
    says = reported(tap, name, program, directory / "dump.elf", directory / "dump.migrate")
    if says:
        part, whole = map(int, says["frames"])
        tap.case(f"{name}, {part} of {whole} frames",
                 all_equal(says) and whole - NO_MAIN_MEMORY <= part < whole, as_text(says))
        tap.case(f"{directory.name}: migration stream and ELF core have the same registers",
                 says["registers"] == ["alike"], as_text(says))


def compare_filtered(tap, program, directory, dump):
    name = f"{directory.name}: {dump.name} is part of the ELF core"
    says = reported(tap, name, program, directory / "dump.elf", dump)
    if says:
        part, whole = map(int, says["frames"])
        tap.case(f"{name}, {part} of {whole} frames",
                 all_equal(says) and FILTERED[0] < part < whole * FILTERED[1],
                 as_text(says))


def compare_split(tap, program, directory):
    """Whichever of the parts is named, all are the dump that was not split."""
    for part in sorted(directory.glob("dump.split-*")):
        name = f"{directory.name}: {part.name} and its other parts are the unsplit dump"
        says = reported(tap, name, program, directory / "dump.filtered-zlib", part)
        if says:
            frames, whole = says["frames"]
            tap.case(f"{name}, {frames} frames",
                     all_equal(says) and frames == whole and
                     says["registers"] == says["vmcoreinfo"] == ["same"], as_text(says))


def compare_libkdumpfile(tap, program, dump):
    name = f"{dump.parent.name}: {dump.name} is what libkdumpfile reads"
    says = reported(tap, name, program, "libkdumpfile", dump)
    if says:
        part, theirs = says["frames"]
        tap.case(f"{name}, {part} frames", all_equal(says) and part == theirs,
                 as_text(says))


def compare(tap, program, directory):
    compare_kdump(tap, program, directory)
    if (directory / "dump.migrate").exists():
        compare_stream(tap, program, directory)
    compare_split(tap, program, directory)
    for dump in sorted(directory.glob("dump.filtered-*")):
        compare_filtered(tap, program, directory, dump)
        # It fills the last frame of a segment with zeros where makedumpfile left it out.
        if not dump.name.endswith("-elf"):
            compare_libkdumpfile(tap, program, dump)


def main():
    program, names = sys.argv[1], sys.argv[2:]
    tap = Tap()
    what = "kdump and ELF core are the same memory"
    for directory in scenario.each(tap, names, what, scenario.PC + scenario.VIRT):
        if (directory / "dump.kdump").exists():
            compare(tap, program, directory)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
