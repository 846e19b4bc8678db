#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Programs of another architecture run, whether this machine's kernel takes them or not:
one of our own, and the guest's makedumpfile, whose dump must not depend on the way. argv:
a scenario with a filtered dump, booted where it is missing."""

import json
import os
import pathlib
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))
import scenario  # noqa: E402
from tap import Tap  # noqa: E402

sys.path.insert(0, str(scenario.SOURCE))
from lab import capture, filtered, foreign, util  # noqa: E402

# i386: write(1, "it ran\n", 7), then exit(7). Nobody's e_machine is 0xfedc.
PROGRAM = r"""
.globl _start
_start: mov $4, %eax; mov $1, %ebx; mov $said, %ecx; mov $7, %edx; int $0x80
        mov $1, %eax; mov $7, %ebx; int $0x80
said:   .ascii "it ran\n"
"""
E_MACHINE, NOBODY = 18, 0xfedc


def build(place):
    """The program, and the same as an ELF file that no kernel runs."""
    (place / "program.s").write_text(PROGRAM)
    for argv in (["as", "--32", "program.s", "-o", "program.o"],
                 ["ld", "-m", "elf_i386", "program.o", "-o", "program"]):
        subprocess.run(argv, cwd=place, check=True)
    data = bytearray((place / "program").read_bytes())
    struct.pack_into("<H", data, E_MACHINE, NOBODY)
    (place / "nobody").write_bytes(data)
    (place / "nobody").chmod(0o755)
    return place / "program", place / "nobody"


def run(command):
    done = subprocess.run(command, check=False, capture_output=True)
    return done.returncode, done.stdout


def check_program(tap, place):
    program, nobody = build(place)
    emulated = foreign.emulator("i386", program, forced=True)
    tap.case("forced, it is qemu-user", len(emulated) == 1 and
             pathlib.Path(emulated[0]).name.startswith("qemu-i386"), emulated)
    tap.case("a 32-bit program runs by it", run([*emulated, program]) == (7, b"it ran\n"),
             run([*emulated, program]))
    chosen = foreign.emulator("i386", program)
    tap.note("this kernel runs 32-bit programs: " + ("no" if chosen else "yes"))
    tap.case("and in the way that this kernel needs",
             chosen in ([], emulated) and run([*chosen, program]) == (7, b"it ran\n"),
             run([*chosen, program]))
    tap.case("what the kernel does not run is given to qemu-user",
             foreign.emulator("i386", nobody) == emulated, foreign.emulator("i386", nobody))


def error_of(function, *arguments):
    try:
        return f"no error but {function(*arguments)}"
    except util.LabError as error:
        return str(error)


def check_errors(tap, place):
    nobody = place / "nobody"
    said = error_of(foreign.emulator, "vax", nobody)
    tap.case("an architecture without an emulator is named", "is for vax" in said, said)
    path = os.environ["PATH"]
    os.environ["PATH"] = str(place)
    said = error_of(foreign.emulator, "i386", nobody)
    os.environ["PATH"] = path
    tap.case("a missing qemu-user is named, as a package to install",
             "apt-get install qemu-user" in said, said)


def check_makedumpfile(tap, name, place):
    directory, reason = scenario.wanted(name)
    what = f"{name}: makedumpfile by qemu-user writes what it writes without"
    if reason:
        tap.skip(what, reason)
        return
    conf = capture.read_conf("kernels.conf")[capture.read_scenarios()[name]["kernel"]]
    truth = json.loads((directory / "truth.json").read_text())
    (place / "dump.elf").symlink_to(directory / "dump.elf")
    filtered.write(["zlib"], filtered.program(conf, forced=True),
                   int(truth["page_offset"], 16), place)
    tap.case(what, (place / "dump.filtered-zlib").read_bytes() ==
             (directory / "dump.filtered-zlib").read_bytes())


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory(dir=scenario.LAB if scenario.LAB.exists() else None,
                                     prefix=".foreign.") as place:
        place = pathlib.Path(place)
        check_program(tap, place)
        check_errors(tap, place)
        check_makedumpfile(tap, sys.argv[1], place)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
