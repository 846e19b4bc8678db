#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What what-if says of the bug of 2012 on a real i386 kernel, by a dump from before the
fault, beside the nested faults that QEMU's processor then took: how many, the last stack
pointer, and what ended them. argv: the tool, and scenarios of lab/storms.conf that are
booted where they are missing; others of that file are compared where they are there
already. lab/prove does it on many guests that are booted afresh."""

import json
import pathlib
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(SOURCE / "tests/common"), str(SOURCE)]
import scenario  # noqa: E402
from lab import capture, exceptions, proof, util  # noqa: E402
from tap import Tap  # noqa: E402

REGISTERS = b"\nEAX=0000 \nCR0=80050033 CR2=00000000 CR3=01000000 CR4=00000010\n"


def event(vector, cpl, ip, sp, address, more=b""):
    return b"%6d: v=%s e=0010 i=0 cpl=%d IP=0060:%08x pc=%08x SP=0068:%08x CR2=%08x%s%s" \
        % (0, vector, cpl, ip, ip, sp, address, REGISTERS, more)


def read_log(text, pieces):
    """What is known of a log that comes in that many pieces."""
    log, rest = exceptions.ExceptionLog(), b""
    size = -(-len(text) // pieces)
    for i in range(0, len(text), size):
        rest = log.take(rest + text[i:i + size])
    log.take(rest + b": v=")
    return log.as_data()


def check_log(tap):
    """The truth is read right, wherever the log is cut."""
    handled = event(b"0e", 0, 0xc100, 0xf000, 0x8000) + \
        event(b"0e", 0, 0xd000, 0xe000, 0xd000) + event(b"80", 3, 0x8000, 0xb000, 0)
    storm = event(b"0e", 3, 0x8048, 0xbfff, 0x9000) + \
        b"".join(event(b"0e", 0, 0xd000, 0xf000 - 16 * i, 0xd000) for i in range(200))
    last = 0xf000 - 16 * 199
    ends = {"double fault": b"", "triple fault": b"Triple fault\n"}
    for ending, more in ends.items():
        text = handled + storm + event(b"08", 0, 0xd000, last, 0, more) + \
            event(b"0e", 0, 0xc200, 0xe000, 0x10)
        found = [read_log(text, pieces)["storm"] for pieces in (1, 2, 77, 1000)]
        tap.case(f"a log of 201 page faults and a {ending} is read as that",
                 all(f == found[0] for f in found) and
                 (found[0]["page_faults"], found[0]["ending"], found[0]["last_sp"],
                  found[0]["first"]["sp"], found[0]["first"]["cpl"],
                  found[0]["first"]["cr3"], len(found[0]["then"])) ==
                 (201, ending, f"{last:#x}", "0xbfff", 3, "0x1000000", 1), found)
    tap.case("a fault that is handled is no storm",
             read_log(handled, 3)["storm"] is None, read_log(handled, 3))


def check(tap, tool, directory):
    found = proof.prove(tool, directory)
    tap.case(f"{directory.name}: {found.seen.page_faults} page faults from "
             f"{found.mode} mode, the last at {found.seen.last_sp}, then a "
             f"{found.seen.ending}: as what-if says", found.predicted == found.seen, found)


def check_a_difference(tap, tool, directory):
    """A start that is one word off is seen: the comparison can fail."""
    found = proof.prove(tool, directory)
    pid = json.loads((directory / "truth.json").read_text())["hidden"]["pid"]
    moved = f"{int(found.start_sp, 16) - 4:#x}"
    reported = proof.predict(tool, directory, found.mode, pid, moved)
    tap.case(f"{directory.name}: another stack pointer is another story",
             reported != found.seen, reported)


def main():
    tool, names = sys.argv[1], sys.argv[2:]
    tap = Tap()
    check_log(tap)
    storms = capture.read_conf("storms.conf").sections()
    for name in storms:
        directory, reason = util.REPO / ".lab" / name, None
        if name in names:
            directory, reason = scenario.wanted(name)
        elif name not in scenario.present():
            reason = f"lab/run {name} has not been run"
        if reason:
            tap.skip(f"{name}: what-if, and QEMU's processor", reason)
            continue
        check(tap, tool, directory)
        if name == "naughty-bug-kernel":
            check_a_difference(tap, tool, directory)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
