#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The truth about a death, and what judges a word on it: by logs of QEMU and truths that are
made up, the right answer is right, and each wrong one is not. Then what whosees says of the
machines that have died: argv: the tool, and scenarios with a cause that are booted where
they are missing; others are judged where they are there already."""

import json
import os
import pathlib
import subprocess
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(SOURCE / "tests/common"), str(SOURCE)]
import scenario  # noqa: E402
from lab import capture, death, exceptions, inquest  # noqa: E402
from tap import Tap  # noqa: E402

REGISTERS = b"\nEAX=0000 \nCR0=80050033 CR2=00000000 CR3=01000000 CR4=00000010\n"
FRESH, WHILE = b"check_exception old: 0xffffffff new 0xe\n", \
    b"check_exception old: 0x%x new 0xe\n"


def event(vector, cpl, ip, sp, address=None, before=FRESH):
    """One of QEMU's log, with what is said before it."""
    text = b"%s%6d: v=%02x e=0002 i=0 cpl=%d IP=0060:%08x pc=%08x SP=0068:%08x" % \
        (before, 1, vector, cpl, ip, ip, sp)
    return text + (b" CR2=%08x" % address if address is not None else b"") + REGISTERS


def read_log(text):
    log = exceptions.ExceptionLog()
    log.take(text + b": v=")
    return log.as_data()


def after(text, console=()):
    return {**read_log(text), "console": list(console)}


TRIPLE = event(14, 3, 0x8048, 0xbfff, 0x9000) + event(14, 0, 0xc100, 0xf000, 0x8000) + \
    event(8, 0, 0xc100, 0xf000, None, WHILE % 14) + WHILE % 8 + b"Triple fault\n"
SWITCHED = event(14, 3, 0x8048, 0xbfff, 0x9000) + \
    event(14, 0, 0xc200, 0xd000, 0xc200) + event(14, 0, 0xc100, 0xcff0, 0xc100) + \
    event(14, 0, 0xc100, 0xcfe0, 0xc100) + event(8, 0, 0xc100, 0xcfe0, None, WHILE % 14) + \
    WHILE % 8 + b"Triple fault\n"
OOPS = event(14, 0, 0xc200, 0xe000, 0x7000) + event(6, 0, 0xc300, 0xd000) + \
    event(14, 0, 0xc400, 0xd000, 0xffff0)


def check_end(tap):
    """QEMU may end while it writes."""
    text = event(14, 0, 0xc100, 0xf000, 0x8000)
    for name, more, n in ("is whole", text, 2), ("is cut off", text[:-12], 1), \
            ("has just begun", text[len(FRESH):][:20], 1), ("is not there", b"", 1):
        log = exceptions.ExceptionLog()
        log.start()
        os.write(log.write_end, text + more)
        os.close(log.write_end)
        log.join()
        tap.case(f"of a log whose second exception {name}", log.as_data()["exceptions"] == {"0e": n},
                 log.as_data())


def check_first(tap):
    """Which fault it began with."""
    data = after(TRIPLE)
    known_from, first = death.first_fault(data)
    tap.case("a delivery that fails twice began with the fault that was delivered",
             (known_from, first["ip"], first["sp"], first["address"], first["cr3"]) ==
             ("delivery", "0xc100", "0xf000", "0x8000", "0x1000000") and
             data["triple_fault"] and len(data["fatal"]) == 2, data)
    known_from, first = death.first_fault(after(SWITCHED))
    tap.case("a page table without the code that has loaded it began it, and no fault before",
             (known_from, first["ip"], first["sp"]) == ("storm", "0xc200", "0xd000") and
             after(SWITCHED)["storm"]["page_faults"] == 3, first)
    told = (("BUG: unable to handle page fault for address: 000ffff0", "0xc400"),
            ("invalid opcode: 0000 [#1]", "0xc300"), ("kernel BUG at x.c:1!", "0xc300"))
    for line, ip in told:
        known_from, first = death.first_fault(after(OOPS, [line]))
        tap.case(f"the oops \"{line}\" is of the fault at {ip}",
                 known_from == "oops" and first["ip"] == ip, first)
    for line in ("BUG: unable to handle page fault for address: 00001234",
                 "Kernel panic - not syncing: sysrq triggered crash"):
        found = death.first_fault(after(OOPS, [line]))
        tap.case(f"by \"{line}\" no fault is the first", found == (None, None), found)


def check_victim(tap):
    tasks = [{"pid": 1, "comm": "init", "mm": "0x1", "kernel_thread": False,
              "pgd_pa": "0x2000"},
             {"pid": 9, "comm": "waiter", "mm": "0x2", "kernel_thread": False,
              "pgd_pa": "0x4000"}]
    for cr3, pid in (("0x2000", 1), ("0x3000", 1), ("0x4000", 9), ("0x5801", 9),
                     ("0x8000", 9)):
        found = death.victim({"tasks": tasks, "after": {"said": []}}, {"cr3": cr3})
        tap.case(f"who died with CR3 {cr3} is {pid}", found["pid"] == pid, found)
    said = ["after root 2000"]
    found = death.victim({"tasks": tasks, "after": {"said": said}}, {"cr3": "0x2000"})
    tap.case("who has loaded another's root is not that other", found["pid"] == 9, found)


TRUTH = {"cause": "handler-unmapped", "victim": {"pid": 9, "root": "0x4000"},
         "handler": "0xc400", "frames": 255, "last_sp": "0xc008", "state": "shutdown", "arch": "i386",
         "fatal": [],
         "first": {"ip": "0xc348", "sp": "0xd010", "cpl": 0}}
TOLD = {"cause": "handler-unmapped", "pid": 9, "root": "0x4000", "handler": "0xc400",
        "frames": 254, "first_ip": "0xc348", "first_frame": "0xd000", "first_user": False}
WRONG = (("cause", "cause", "stack-overflow"), ("cause", "cause", None),
         ("root", "root", "0x5000"), ("pid", "pid", 8), ("handler", "handler", "0xc500"),
         ("frames", "frames", 255), ("first", "first_frame", "0xcff0"),
         ("first", "first_ip", "0xc349"), ("first", "first_user", True))


def held(truth, told):
    return inquest.Inquest(truth, told, inquest.judge(truth, told))


def check_judge(tap):
    tap.case("what is all right is right", set(held(TRUTH, TOLD).verdict) == {"right"} and
             held(TRUTH, TOLD).is_right(), held(TRUTH, TOLD))
    for field, key, value in WRONG:
        found = held(TRUTH, {**TOLD, key: value})
        tap.case(f"a wrong {field} is seen: {key} {value}",
                 getattr(found.verdict, field) != "right" and not found.is_right(), found)
    torn = held({**TRUTH, "last_sp": "0xc00c"}, {**TOLD, "frames": 255})
    tap.case("the last frame may lie there torn", torn.verdict.frames == "right", torn)
    wide = {**TRUTH, "arch": "amd64", "first": {"ip": "0xc348", "sp": "0xd038", "cpl": 0}}
    tap.case("64 bits' frames lie on an aligned stack",
             held(wide, TOLD).verdict.first == "right", held(wide, TOLD))
    short = {**TRUTH, "cause": "pti-short", "fatal": [{"address": "0xc405"}]}
    told = {**TOLD, "cause": "user-half-short", "root": "0x5000", "handler": "0xc405"}
    tap.case("a user half is its space's, and what was not fetched at last is the handler's",
             held(short, told).is_right() and not held({**short, "cause": "handler-unmapped"},
                                                       told).is_right(), held(short, told))
    less = held(TRUTH, {"cause": "handler-unmapped"})
    tap.case("what is not said is unknown, and not wrong",
             less.verdict.root == "unknown" and less.is_right(), less)
    other = {**TRUTH, "cause": "panic"}
    tap.case("a panic is no fault of an address space",
             held(other, {"cause": None}).is_right() and not held(other, TOLD).is_right(),
             held(other, TOLD))


def check_table(tap):
    """Each cause of the scenarios has the tool's words for it."""
    scenarios = capture.read_scenarios()
    causes = {scenarios[name]["cause"] for name in scenarios.sections()} - {""}
    tap.case("every cause is judged", causes == set(inquest.CALLED),
             causes ^ set(inquest.CALLED))
    return [name for name in scenarios.sections() if scenarios[name]["cause"]]


def has_autopsy(tool):
    return subprocess.run([tool, "autopsy", "--help"], capture_output=True,
                          check=False).returncode == 0


def main():
    tool, names = sys.argv[1], sys.argv[2:]
    tap = Tap()
    check_end(tap)
    check_first(tap)
    check_victim(tap)
    check_judge(tap)
    for name in check_table(tap):
        directory, reason = scenario.LAB / name, None
        if not has_autopsy(tool):
            reason = "this whosees has no autopsy"
        elif name in names:
            directory, reason = scenario.wanted(name)
        elif not (directory / "dead.json").exists():
            continue
        if reason:
            if name in names:
                tap.skip(f"{name}: autopsy", reason)
            continue
        found = inquest.hold(tool, directory)
        tap.case(f"{name}: of {found.truth['cause']}: {found.told['cause']}",
                 found.is_right(), json.dumps(found.verdict._asdict()))
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
