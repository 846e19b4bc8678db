#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a death leaves is recognised, and a little less of it is not: exception frames, written
as the manual has them, are put into the memory of a machine in which one process cannot reach
the page fault's handler. (Real deaths: lab/death.)

    autopsy.py TOOL NESTS OTHER...      run, as TAP; OTHER: captures of healthy machines
"""

import json
import os
import pathlib
import struct
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "common")]
import writers  # noqa: E402
from tap import PATIENCE, Tap  # noqa: E402

PAGE = 4096
KERNEL_CS, USER_CS, USER_DS = 0x60, 0x73, 0x7b
FETCH, REFUSED_FETCH = 0x10, 0x11  # error codes: I, and P
STRIDE = 16


def answer(tool, command, target, *words):
    done = subprocess.run([tool, command, target, "--json", *words], capture_output=True,
                          check=False, timeout=PATIENCE)
    if done.returncode not in (0, 1, 4):
        sys.exit(f"{command} {target}: {done.stderr.decode()}")
    return json.loads(done.stdout), done.returncode


class Machine:
    """A capture, and what of it a storm needs."""

    def __init__(self, tool, path):
        self.tool, self.path = tool, path
        self.core = writers.Core(pathlib.Path(path).read_bytes())
        audit, _ = answer(tool, "audit", path)
        self.victim = next(s for s in audit["spaces"] if s["verdict"] == "nests")
        self.handler = int(answer(tool, "walk", path, "lab_page_fault")[0]
                           ["summary"][0]["address"], 16)
        story, _ = answer(tool, "what-if", path, "--pid", str(self.victim["pid"]),
                          "--fault", "user")
        self.story = story["spaces"][0]
        self.top = int(self.story["start_sp"], 16)
        walk, _ = answer(tool, "walk", path, hex(self.top - PAGE))
        self.stack = int(walk["summary"][0]["pa"], 16)

    def dead(self, to, frames, error=FETCH, ip=None, stride=STRIDE, first=True, torn=False,
             gap=()):
        """A copy with a storm of so many frames below the first on the entry stack."""
        page = bytearray(PAGE)
        at = PAGE - 24
        if first:
            struct.pack_into("<6I", page, at, 6, 0x804909e, USER_CS, 0x206, 0xbf9d4f98,
                             USER_DS)
        for number in range(frames):
            at -= stride
            if number not in gap:
                struct.pack_into("<4I", page, at, error, ip or self.handler, KERNEL_CS, 6)
        if torn:
            struct.pack_into("<3I", page, at - 12, ip or self.handler, KERNEL_CS, 6)
        memory = [piece for piece in self.core.memory if piece[0] != self.stack]
        memory = sorted(memory + [(self.stack, bytes(page))])
        pathlib.Path(to).write_bytes(writers.elf_core(memory, self.core.notes,
                                                      self.core.machine))
        return answer(self.tool, "autopsy", to)


def check_storm(tap, machine, to):
    pushed = machine.story["nested"] - 1
    document, status = machine.dead(to, pushed)
    death = document["summary"][0]
    tap.case(f"a storm of {pushed} frames is reproduced",
             (death["cause"], death["certainty"], death["frames"], status) ==
             ("handler-unmapped", "reproduced", pushed, 1), death)
    tap.case("in the space that lacks the handler",
             (death["pid"], death["root"], int(death["handler"], 16)) ==
             (machine.victim["pid"], machine.victim["root"], machine.handler), death)
    tap.case("and so is what it began with",
             (int(death["first_ip"], 16), death["first_user"], int(death["first_frame"], 16),
              int(death["last_sp"], 16)) ==
             (0x804909e, True, machine.top - 24, machine.top - 24 - STRIDE * pushed), death)
    told = [clue["about"] for clue in document["clues"]]
    tap.case("with each link of the chain", told == ["frames", "frames", "hole", "hole", "replay"],
             told)


def check_less(tap, machine, to):
    pushed = machine.story["nested"] - 1
    death = machine.dead(to, pushed - 1)[0]["summary"][0]
    tap.case("one frame less is not reproduced to the frame",
             (death["cause"], death["certainty"]) == ("handler-unmapped", "likely"), death)
    for frames, cause in ((2, None), (3, "handler-unmapped")):
        death = machine.dead(to, frames)[0]["summary"][0]
        tap.case(f"{frames} frames that saved one address are {'a' if cause else 'no'} storm",
                 death["cause"] == cause, death)
    death = machine.dead(to, 100, torn=True)[0]["summary"][0]
    tap.case("the frame that was not pushed to its end does not count",
             (death["cause"], death["frames"]) == ("handler-unmapped", 100), death)
    death = machine.dead(to, pushed, gap=(7, 8, 100))[0]["summary"][0]
    tap.case("frames that were written over since are counted by those around them",
             (death["certainty"], death["frames"]) == ("reproduced", pushed), death)
    death = machine.dead(to, pushed, first=False)[0]["summary"][0]
    tap.case("without the first frame nothing is simulated",
             (death["cause"], death["certainty"], death["replay"]) ==
             ("handler-unmapped", "likely", None), death)


def check_other(tap, machine, to):
    pushed = machine.story["nested"] - 1
    death = machine.dead(to, pushed, ip=0xc3919c30)[0]["summary"][0]
    tap.case("a storm at an address that every space reaches is no cause",
             death["cause"] is None and death["all_frames"] >= pushed, death)
    death = machine.dead(to, pushed, ip=0x8049000)[0]["summary"][0]
    tap.case("nor one at an address that nothing leads to, and no space maps",
             death["cause"] is None and death["all_frames"] >= pushed, death)
    death = machine.dead(to, pushed, error=REFUSED_FETCH)[0]["summary"][0]
    tap.case("a fetch that was refused is not one of nothing",
             death["cause"] != "handler-unmapped", death)


def check_healthy(tap, tool, path):
    document, status = answer(tool, "autopsy", path)
    death = document["summary"][0]
    tap.case(f"{os.path.basename(path)} shows no death, and lacks what would tell of one",
             (death["cause"], death["certainty"], status) == (None, "none", 4) and
             death["unknown"], death)


def main(tool, nests, *others):
    tap = Tap()
    machine = Machine(tool, nests)
    with tempfile.TemporaryDirectory() as scratch:
        to = os.path.join(scratch, "dead.elf")
        check_storm(tap, machine, to)
        check_less(tap, machine, to)
        check_other(tap, machine, to)
    for path in (nests, *others):
        check_healthy(tap, tool, path)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
