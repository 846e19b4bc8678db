#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a CPU of a real guest could translate: our ranges over its dump, beside QEMU's
`info tlb` and `info mem` of the same moment. Every mapping must be equal: address, page,
bits, and in `info mem` the rights that all levels grant. argv: the tlb program, and the
scenarios that are booted where they are missing; others are compared where they are
there already."""

import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))
import scenario  # noqa: E402
from tap import Tap  # noqa: E402

SHOWN = 10  # differing lines in a failure


def without_xd(line):
    """With PAE, QEMU leaves XD in the physical address that it prints (tlb_info_pae32
    masks only the low bits): SDM table 4-11 has it in bit 63, no address bit."""
    return re.sub(r": ([89a-f])", lambda m: f": {int(m[1], 16) & 7:x}", line, count=1)


def differences(theirs, ours):
    ours_left, theirs_left = set(ours) - set(theirs), set(theirs) - set(ours)
    shown = [f"QEMU has {line}" for line in sorted(theirs_left)[:SHOWN]]
    shown += [f"we have  {line}" for line in sorted(ours_left)[:SHOWN]]
    if not shown and theirs != ours:
        shown = ["the same lines in another order, or more than once"]
    return "\n".join(shown)


def compare(tap, program, directory, text):
    what, cpu = re.fullmatch(r"info-(tlb|mem)\.cpu(\d+)\.txt", text.name).groups()
    name = f"{directory.name} cpu {cpu}: info {what}"
    theirs = [without_xd(line) for line in text.read_text().splitlines()]
    if not theirs:
        tap.skip(name, "QEMU printed nothing")
        return
    made = subprocess.run([program, directory / "dump.elf", cpu, what],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          check=False)
    if made.returncode:
        tap.case(name, False, made.stderr)
        return
    ours = made.stdout.splitlines()
    tap.case(f"{name}, {len(theirs)} lines equal", theirs == ours,
             differences(theirs, ours))


def main():
    program, names = sys.argv[1], sys.argv[2:]
    tap = Tap()
    for directory in scenario.each(tap, names, "info tlb, info mem"):
        texts = sorted(directory.glob("info-*.cpu*.txt"))
        texts = [t for t in texts if not t.name.startswith("info-registers")]
        if not tap.case(f"{directory.name} has QEMU's own view", bool(texts), f"none in {directory}"):
            continue
        for text in texts:
            compare(tap, program, directory, text)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
