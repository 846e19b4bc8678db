#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A bare-metal guest on QEMU's processor, and what it did on ours.

argv: a guest, and the program that replays its log. "sweep" is page tables bit by bit
(lab/guest/sweep.h): fault or none, error code, CR2, page reached, accessed and dirty
flags. "gate" is exceptions and INT n by way of spoilt gates, segments and stacks
(sweep_gate.h): what arrives where. "storm" is nested faults until #DF (sweep_storm.h):
stack pointer, registers and memory. Where QEMU departs from the manual the exception is
named, with its section, and counted."""

import os
import pathlib
import platform
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(SOURCE / "tests/common"), str(SOURCE / "lab/guest")]
import sweep  # noqa: E402
from tap import Tap  # noqa: E402


def replay(tap, program, log, version):
    done = subprocess.run([program, log, version], capture_output=True, text=True, check=False)
    for line in done.stdout.splitlines():
        verdict, text = line.split(" ", 1)
        tap.case(text, verdict == "good", done.stderr)
    tap.case(f"{log.name}: the whole log was replayed", done.returncode in (0, 1),
             done.stderr)


def reason_to_skip(bits):
    """Why the guest cannot be built or booted here, or None."""
    if os.environ.get("WS_NO_LAB"):
        return "WS_NO_LAB is set: nothing is booted"
    if platform.machine() != "x86_64":
        return f"the guest is built by an x86-64 compiler, not on {platform.machine()}"
    missing = sweep.missing(bits)
    return f"{missing} is not installed" if missing else None


def main():
    tap, guest, program = Tap(), sys.argv[1], sys.argv[2]
    for bits in sweep.KINDS:
        name, reason = f"the {bits}-bit {guest} on QEMU", reason_to_skip(bits)
        if reason:
            tap.skip(name, reason)
            continue
        with tempfile.TemporaryDirectory() as directory:
            try:
                image = sweep.build(guest, bits, pathlib.Path(directory))
                log = sweep.boot(guest, bits, image)
            except sweep.SweepError as error:
                tap.case(name, False, error)
                continue
            replay(tap, program, log, sweep.version(bits))
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
