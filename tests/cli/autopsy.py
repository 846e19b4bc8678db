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
import give_log  # noqa: E402
import writers  # noqa: E402
from answers import answer  # noqa: E402
from tap import PATIENCE, Tap  # noqa: E402

SCHEMAS = pathlib.Path(HERE).parents[1] / "docs/schema"
PAGE = 4096
KERNEL_CS, USER_CS, USER_DS = 0x60, 0x73, 0x7b
FETCH, REFUSED_FETCH = 0x10, 0x11  # error codes: I, and P
STRIDE = 16
STORM = "8f728bc4a5d3b0af"  # the fingerprint of all storms here, whatever is on the stack
IDT = 0xff400000  # in every machine here: the cpu_entry_area begins with it


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
             gap=(), more=()):
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
        return self.with_pages(to, {self.stack: page, **dict(more)})

    def code_at(self, ip, code):
        """{pa: page} of a page of the kernel's text with nothing else in it."""
        walk, _ = answer(self.tool, "walk", self.path, hex(ip), "--pid", "0")
        page = bytearray(PAGE)
        page[ip % PAGE:ip % PAGE + len(code)] = code
        return {int(walk["summary"][0]["pa"], 16) & -PAGE: page}

    def with_pages(self, to, pages):
        """What comes of a copy with these pages in it."""
        memory = {pa + at: data[at:at + PAGE] for pa, data in self.core.memory
                  for at in range(0, len(data), PAGE)}
        memory |= {pa: bytes(page) for pa, page in pages.items()}
        pathlib.Path(to).write_bytes(writers.elf_core(sorted(memory.items()),
                                                      self.core.notes, self.core.machine))
        return answer(self.tool, "autopsy", to)


def check_storm(tap, machine, to):
    pushed = machine.story["nested"] - 1
    document, status = machine.dead(to, pushed)
    death = document["summary"][0]
    tap.case(f"a storm of {pushed} frames is reproduced",
             (death["cause"], death["certainty"], death["frames"], status) ==
             ("handler-unmapped", "reproduced", pushed, 1), death)
    tap.case("by the page fault's vector, with an error code of a fetch",
             (death["vector"], int(death["error"], 16)) == (14, FETCH), death)
    tap.case("in the space that lacks the handler",
             (death["pid"], death["root"], int(death["handler"], 16)) ==
             (machine.victim["pid"], machine.victim["root"], machine.handler), death)
    tap.case("and so is what it began with",
             (int(death["first_ip"], 16), death["first_user"], int(death["first_frame"], 16),
              int(death["last_sp"], 16)) ==
             (0x804909e, True, machine.top - 24, machine.top - 24 - STRIDE * pushed), death)
    tap.case("with the fingerprint that was stored", death["fingerprint"] == STORM, death)
    told = [clue["about"] for clue in document["clues"]]
    tap.case("with each link of the chain",
             told == ["frames", "frames", "hole", "hole", "replay", "processor"], told)


def check_less(tap, machine, to):
    pushed = machine.story["nested"] - 1
    death = machine.dead(to, pushed - 1)[0]["summary"][0]
    tap.case("one frame less is not reproduced to the frame",
             (death["cause"], death["certainty"]) == ("handler-unmapped", "likely"), death)
    for frames, cause, print_of in ((2, None, None), (3, "handler-unmapped", STORM)):
        death = machine.dead(to, frames)[0]["summary"][0]
        tap.case(f"{frames} frames that saved one address are {'a' if cause else 'no'} storm",
                 (death["cause"], death["fingerprint"]) == (cause, print_of), death)
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


def check_run_over(tap, machine, to):
    """A storm over the entry by which the victim lacks the handler: a word of its frames."""
    walk, _ = answer(machine.tool, "walk", machine.path, hex(machine.handler), "--pid",
                     str(machine.victim["pid"]))
    entry, notes = int(walk["steps"][-1]["entry_pa"], 16), machine.core.notes
    root = bytearray(next(data[(entry & -PAGE) - pa:][:PAGE] for pa, data in
                          machine.core.memory if 0 <= entry - pa < len(data)))
    struct.pack_into("<I", root, entry % PAGE, ROOT | 0x63)
    at = (machine.handler // PAGE % 1024 * 4) & -STRIDE
    cpus, _ = answer(machine.tool, "cpus", machine.path)
    loads = patched(notes, (int(cpus["summary"][0]["root"], 16),
                            int(machine.victim["root"], 16)))
    victim = machine.victim["pid"], machine.victim["comm"]
    for error, lower, loaded, cause in (
            (FETCH, FETCH, True, "handler-unreached"),
            (FETCH, FETCH, False, None),
            (REFUSED_FETCH, REFUSED_FETCH, True, "handler-not-executable"),
            (REFUSED_FETCH, FETCH, True, "handler-not-executable")):
        table = bytearray(PAGE)
        for number in range(8):
            struct.pack_into("<4I", table, at + STRIDE * (number - 4),
                             lower if number < 4 else error, machine.handler, KERNEL_CS, 6)
        machine.core.notes = loads if loaded else notes
        death = machine.with_pages(to, {entry & -PAGE: root, ROOT: table})[0]["summary"][0]
        machine.core.notes = notes
        tap.case(f"frames of errors {error:#x} and {lower:#x} over the entry itself, of a root "
                 f"that is {'' if loaded else 'not '}loaded: {cause}",
                 (death["cause"], death["pid"], death["comm"], death["frames"]) ==
                 ((cause, *victim, 8) if cause else (None,) * 4), death)


def check_other(tap, machine, to):
    pushed = machine.story["nested"] - 1
    death = machine.dead(to, pushed, ip=0xc3919c30)[0]["summary"][0]
    tap.case("a storm at an address that every space reaches is no cause",
             death["cause"] is None and death["all_frames"] >= pushed, death)
    death = machine.dead(to, pushed, ip=0x8049000)[0]["summary"][0]
    tap.case("nor one at an address that nothing leads to, and no space maps",
             death["cause"] is None and death["all_frames"] >= pushed, death)
    notes = machine.core.notes
    inside = machine.handler + 0x400  # of the same module, and no gate leads there
    for ip, base, told in ((inside, IDT, (None, "none")),
                           (inside, NOT_MAPPED, ("handler-unmapped", "possible")),
                           (machine.handler, IDT, ("handler-unmapped", "likely"))):
        machine.core.notes = patched(notes, (IDT, base))
        death = machine.dead(to, 3, ip=ip)[0]["summary"][0]
        machine.core.notes = notes
        tap.case(f"three frames {ip - machine.handler:#x} behind a gate's target, with gates that "
                 f"can{'' if base == IDT else 'not'} be read: {told[1]}",
                 (death["cause"], death["certainty"]) == told, death)
    death = machine.dead(to, pushed, error=REFUSED_FETCH)[0]["summary"][0]
    tap.case("a fetch that was refused is not one of nothing",
             death["cause"] != "handler-unmapped", death)


def check_image(tap, machine, to):
    """init_mm's own entry for a handler in the kernel image is written over, or empty."""
    walk, _ = answer(machine.tool, "walk", machine.path, "asm_exc_invalid_op", "--pid", "0")
    handler = int(walk["summary"][0]["address"], 16)
    entry = int(walk["steps"][-1]["entry_pa"], 16)
    table = next(data[(entry & -PAGE) - pa:][:PAGE] for pa, data in machine.core.memory
                 if 0 <= entry - pa < len(data))
    for value, cause in ((0x3e230000, "table-overwritten"), (0, None)):
        page = bytearray(table)
        struct.pack_into("<I", page, entry % PAGE, value)
        death = machine.dead(to, 50, ip=handler, more={entry & -PAGE: page})[0]["summary"][0]
        tap.case(f"a storm in the image, whose entry is {value:#x}: {cause}",
                 (death["cause"], death["handler"]) ==
                 (cause, f"{handler:#x}" if cause else None), death)


def check_reached(tap, machine, to):
    """A handler that every space reaches, and that faults itself: an invalid opcode pushes no
    error code."""
    walk, _ = answer(machine.tool, "walk", machine.path, "asm_exc_invalid_op", "--pid", "0")
    handler = int(walk["summary"][0]["address"], 16)
    for frames, said in ((3, False), (4, True)):
        document, _ = machine.dead(to, frames, ip=handler, stride=12)
        death = document["summary"][0]
        tap.case(f"{frames} frames at a handler that is reached are no cause, and "
                 f"{'said' if said else 'not said'}",
                 death["cause"] is None and
                 ("handler that faulted itself" in death["sentence"]) == said and
                 ("frames" in [clue["about"] for clue in document["clues"]]) == said, death)
    for code, cause in ((b"\xff\xff", "handler-overwritten"), (b"\xff\xb7", None),
                        (b"\x0f\xff", "handler-overwritten"), (b"\x0f\xfe", None),
                        (b"\xfe\xd0", "handler-overwritten"), (b"\xfe\xcf", None),
                        (b"\x06\xff", None)):
        document, status = machine.dead(to, 4, ip=handler, stride=12,
                                        more=machine.code_at(handler, code))
        death = document["summary"][0]
        tap.case(f"its code is {code.hex(' ')}: "
                 f"{'overwritten' if cause else 'why it faulted is not known'}",
                 (death["cause"], status) == ((cause, 1) if cause else (None, 4)) and
                 (bool(cause) or "faulted at its first" in death["unknown"]), death)
    lines = ["kernel tried to execute NX-protected page - exploit attempt? (uid: 0)"]
    document, _ = machine.with_pages(to, give_log.pages_of(
        machine.core, [(1, 0, 9.0, line) for line in lines]))
    tap.case("what the kernel said of a page that it may not execute is in the answer",
             document["summary"][0]["cause"] is None and
             lines == [clue["text"] for clue in document["clues"] if clue["about"] == "log"],
             document)


STACK_MAX = 64 << 10


def check_whose(tap, machine, to):
    """A storm without its first frame, in memory that is no task's stack."""
    base = 0x2d00000  # not in the capture
    for frames, named in ((STACK_MAX // STRIDE, True), (STACK_MAX // STRIDE + 1, False)):
        size = -(-frames * STRIDE // PAGE) * PAGE
        run = struct.pack("<4I", FETCH, machine.handler, KERNEL_CS, 6) * frames
        run = run.ljust(size, b"\0")
        pages = {base + at: run[at:at + PAGE] for at in range(0, size, PAGE)}
        document, _ = machine.with_pages(to, pages)
        death = document["summary"][0]
        words = [clue["text"] for clue in document["clues"] if clue["about"] == "overwritten"]
        tap.case("what it ran over is told in page frames, which are no exception frames",
                 len(words) == (not named) and
                 all("exception frames lie" in text and " page frame" in text for text in words),
                 words)
        tap.case(f"a storm of {frames * STRIDE} bytes that one space explains "
                 f"{'was' if named else 'may not have been'} there",
                 (death["cause"], death["frames"], death["pid"]) ==
                 ("handler-unmapped", frames, machine.victim["pid"] if named else None), death)


LOST, LOST_END = 0xa0000, 0x100000  # a PC's video memory and ROM


def check_hole(tap, machine, to):
    """A storm that came down by the direct map, through what holds no frame."""
    frame = struct.pack("<4I", FETCH, machine.handler, KERNEL_CS, 6)
    for above, joined in ((LOST_END, True), (LOST_END + PAGE - STRIDE, True),
                          (LOST_END + PAGE, False)):
        pages = {LOST - PAGE: bytearray(frame * (PAGE // STRIDE))}
        for pa in range(above, LOST_END + 2 * PAGE, STRIDE):
            page = pages.setdefault(pa & -PAGE, bytearray(PAGE))
            page[pa % PAGE:pa % PAGE + STRIDE] = frame
        death = machine.with_pages(to, pages)[0]["summary"][0]
        whole = (LOST_END + 2 * PAGE - (LOST - PAGE)) // STRIDE
        tap.case(f"frames are {'' if joined else 'not '}counted through where no memory is, "
                 f"{above - LOST_END} bytes apart besides",
                 (death["cause"], death["frames"] == whole) == ("handler-unmapped", joined),
                 death)


class Oops:
    """The machine once more, with an oops in its log and the exception frame of it."""

    def __init__(self, machine):
        self.machine = machine
        self.ip = machine.handler + 2

    def told(self, to, lines, frame=True, code=b"", ip=None, callers=(), facility=0):
        """What comes of it; code: the bytes that lie where it faulted; callers: whose the
        first lines are, of which 0 has the rest."""
        core = self.machine.core
        ip = ip or self.ip
        callers = [*callers, *[0] * (len(lines) - len(callers))]
        pages = give_log.pages_of(core, [(1, caller, 9.0, line) for caller, line in
                                         zip(callers, lines, strict=True)])
        for number in range(len(lines)):
            pages[give_log.INFOS][88 * number + 18] = facility
        if frame:
            pages[self.machine.stack] = bytearray(PAGE)
            struct.pack_into("<4I", pages[self.machine.stack], 64, 0xffffffff, ip,
                             KERNEL_CS, 0x10046)
        if code:
            pages |= self.machine.code_at(ip, code)
        document, status = self.machine.with_pages(to, pages)
        death = document["summary"][0]
        return death["cause"], death["certainty"], status, death["pid"]


MAPPED, NOT_MAPPED = 0xc3919c30, 0xf0000000
STALE = "stale-translation", "likely", 1, 1
EIP = "EIP: lab_page_fault+0x2/0x30 [whosees_lab]"
PANIC = "Kernel panic - not syncing: Fatal exception"


def oops_of(va, error, eip=EIP, last=PANIC, code="Code: Unable to access opcode bytes"):
    return [f"BUG: unable to handle page fault for address: {va:08x}",
            f"#PF: error_code(0x{error:04x}) - not-present page", "*pde = 00000000",
            f"Oops: {error:04x} [#1] PREEMPT SMP", "CPU: 0 PID: 1 Comm: init Not tainted",
            eip, code, *([last] if last else [])]


def check_stale(tap, machine, to):
    oops = Oops(machine)
    told = oops.told(to, oops_of(MAPPED, 0))
    tap.case("a fault at what its space maps with that right is of a translation that is gone",
             told == STALE, told)
    told = oops.told(to, oops_of(MAPPED, 0, last=None))
    tap.case("where the kernel went on, it is possible", told[:3] ==
             ("stale-translation", "possible", 4), told)
    told = oops.told(to, oops_of(MAPPED, 0, f"EIP: 0060:[<{oops.ip:08x}>] EFLAGS: 00010046"))
    tap.case("and in the words of older kernels", told == STALE, told)
    for what, lines, frame in (
            ("nothing is mapped there", oops_of(NOT_MAPPED, 0), True),
            ("user mode faulted", oops_of(MAPPED, 4), True),
            ("a reserved bit was set", oops_of(MAPPED, 9), True),
            ("the frame of it is not there", oops_of(MAPPED, 0), False),
            ("its first line is missing", oops_of(MAPPED, 0)[1:], True)):
        told = oops.told(to, lines, frame)
        tap.case(f"but not where {what}", told[0] is None, told)
    for what, there, cause in (("the first byte", b"\x90\x0b\x00", "stale-translation"),
                               ("the second byte", b"\x0f\x90\x00", "stale-translation"),
                               ("the third byte", b"\x0f\x0b\x90", None),
                               ("nothing", b"\x0f\x0b\x00", None)):
        lines = ["invalid opcode: 0000 [#1] PREEMPT SMP", "CPU: 0 PID: 1 Comm: init", EIP,
                 "Code: 55 89 <0f> 0b 00 00", PANIC]
        told = oops.told(to, lines, code=there)
        tap.case(f"{what} of the code is not what the kernel printed: "
                 f"{'stale' if cause else 'no sign'}", told[0] == cause, told)
    lines[3] = "Code: 55 89 0f 0b 00 00"
    told = oops.told(to, lines, code=b"\x90\x90\x90")
    tap.case("code without a mark decides nothing", told[0] is None, told)
    check_one_oops(tap, oops, to)


def check_explained(tap, machine, to):
    """A fault that the log reports, and the tables explain."""
    oops, victim = Oops(machine), machine.victim
    walk, _ = answer(machine.tool, "map", machine.path, "--pid", "1")
    page = next(int(run["first"], 16) for run in walk["ranges"] if run.get("pa"))
    of_victim = [line.replace("PID: 1 Comm: init", f"PID: {victim['pid']} Comm: waiter")
                 for line in oops_of(machine.handler, 0)]
    told = oops.told(to, of_victim)
    tap.case("kernel memory that the space lacks and init_mm has", told ==
             ("space-short", "likely", 1, victim["pid"]), told)
    for what, lines in (
            ("init_mm lacks it too", [line.replace(f"{machine.handler:08x}", "f0000000")
                                      for line in of_victim]),
            ("a page was there", [line.replace("0x0000", "0x0001") for line in of_victim])):
        told = oops.told(to, lines)
        tap.case(f"but not where {what}", told[0] is None, told)
    for error, ip, cause in ((0x11, page, "fetch-refused"), (0x01, page, None),
                             (0x10, page, None), (0x11, page + 1, None),
                             (0x15, page, None)):
        for selector in ("", "0060:"):
            told = oops.told(to, oops_of(page, error, eip=f"EIP: {selector}0x{ip:08x}"), ip=ip)
            tap.case(f"a fault at {page:#x} with error code {error:#x} at {selector}{ip:#x}: "
                     f"{cause}", told[0] == cause, told)
    told = oops.told(to, [line.replace("PID: 1 ", "PID: 998 ") for line in
                          oops_of(page, 0x11, eip=f"EIP: 0060:0x{page:08x}")], ip=page)
    tap.case("a page that one space has, and nobody says in which it was", told[0] is None,
             told)
    opcode = [*OPCODE[:2], EIP.replace("0x2", "0x0"), "Code: 55 89 <ff> ff 00 00", PANIC]
    for what, eip, code, cause in (
            ("and is there now", opcode[2], b"\xff\xff", "handler-overwritten"),
            ("and is not there now", opcode[2], b"\x55\x89", "stale-translation"),
            ("behind its first byte", EIP, b"\xff\xff", None)):
        ip = machine.handler + (2 if eip == EIP else 0)
        told = oops.told(to, [*opcode[:2], eip, *opcode[3:]], code=code, ip=ip)
        tap.case(f"an invalid opcode of a handler's, {what}: {cause}", told[0] == cause, told)


def check_two_oopses(tap, machine, to):
    """Of two processors, whose lines mix."""
    oops, one, other = Oops(machine), oops_of(MAPPED, 0), oops_of(NOT_MAPPED, 2)
    mixed = [line for both in zip(one, other) for line in both]
    for what, callers, expected in (
            ("by two tasks", [1, 9] * len(one), STALE),
            ("by two tasks, of which the other panics", [1, 9] * (len(one) - 1) + [9, 9], NONE),
            ("by nobody known", [], None)):
        told = oops.told(to, mixed, callers=callers)
        tap.case(f"the lines of two oopses {what}",
                 told[0] is None if expected is None else
                 told[:3] == expected[:3], told)


END = "---[ end trace 0000000000000000 ]---"
OPCODE = ["invalid opcode: 0000 [#1] PREEMPT SMP", "CPU: 0 PID: 1 Comm: init", EIP,
          "Code: 55 89 <0f> 0b 00 00"]
POSSIBLE, NONE = ("stale-translation", "possible", 4), (None, "none", 4)


def check_one_oops(tap, oops, to):
    """What is read is of one oops of the kernel's, and so is the panic."""
    user = ["traps: sh[9] general protection fault ip:40 sp:7f", "Code: 48 89 c7 <c5> fa 10"]
    no_code = oops_of(NOT_MAPPED, 0x11, last=None)
    for what, lines in (
            ("a fault of user mode before it", [*user, *OPCODE, PANIC]),
            ("user mode's registers behind it",
             [*no_code, "EIP: 0x80499d1", "Code: 80 e8 <48> 3d 00", END, PANIC]),
            ("user mode's registers with their selector",
             [*no_code, "EIP: 0073:0x80499d1", "Code: 80 e8 <48> 3d 00", END, PANIC]),
            ("another oops behind it", [*OPCODE, *oops_of(MAPPED, 0)]),
            ("one behind it that has no line of its own before its number",
             [*OPCODE, "Oops: 0000 [#2] SMP", "paging request at c3919c30", PANIC])):
        told = oops.told(to, lines, code=b"\x0f\x0b\x00")
        tap.case(f"{what} is not read as the oops", told[0] is None, told)
    no_bytes = [*OPCODE[:3], "Code: Unable to access opcode bytes at 0x0.", PANIC]
    for code, cause in ((b"\xb8\x01\x00", STALE[0]), (b"\x0f\x0b\x00", None),
                        (b"\xff\xff\x00", None), (b"\0\0\0", None)):
        told = oops.told(to, no_bytes, code=code)
        tap.case(f"an invalid opcode, of which there now is {code.hex(' ')}: "
                 f"{'stale' if cause else 'no sign'}", told[0] == cause, told)
    survived = [line for line in oops_of(MAPPED, 0, last=END)
                if not line.startswith(("*", "Code"))]  # the log has 32 lines
    init = "Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000009"
    for what, behind, expected in (
            ("was survived, and a crash asked for",
             ["Kernel panic - not syncing: sysrq triggered crash"], NONE),
            ("was survived, and so was the machine", [], POSSIBLE),
            ("was survived, and another was not", oops_of(NOT_MAPPED, 0, EIP.replace("2/", "4/")),
             NONE),
            ("came again, and was not survived then", oops_of(NOT_MAPPED, 0), POSSIBLE),
            ("was survived, and a double fault was not",
             ["traps: PANIC: double fault, error_code: 0x0", PANIC], NONE),
            ("killed init", [*["RSP"] * 23, init], STALE[:3]),
            ("was survived, and init died later", [*["RSP"] * 24, init], NONE)):
        told = oops.told(to, [*survived, *behind])
        tap.case(f"an oops that {what} is {expected[1]}", told[:3] == expected, told)
    told = oops.told(to, oops_of(MAPPED, 0), facility=1)
    tap.case("what a program wrote to /dev/kmsg is no oops", told[:3] == NONE, told)
    later = [line.replace("[#1]", "[#2]") for line in oops_of(MAPPED, 0)]
    told = oops.told(to, later)
    tap.case("an oops that was not the first is possible", told[:3] == POSSIBLE, told)
    for who, expected in (("Pid: 1, comm: init Not tainted", STALE[:3]),
                          ("CPU: 0 PID: 998 Comm: gone", STALE[:3])):
        lines = [who if "PID: 1 " in line else line for line in oops_of(MAPPED, 0)]
        told = oops.told(to, lines)
        tap.case(f"an oops of {who}, at what all spaces map", told[:3] == expected, told)
        lines = [who if "PID: 1 " in line else line
                 for line in oops_of(oops.machine.handler, 0)]
        told = oops.told(to, lines)
        tap.case(f"and at what one space lacks: {'init has it' if '1,' in who else 'unknown'}",
                 told[0] == ("stale-translation" if "1," in who else None), told)


def patched(notes, *changes):
    """Notes in which registers hold other values; changes: (old, new)."""
    for old, new in changes:
        for form in ("<Q", "<I") if max(old, new) < 1 << 32 else ("<Q",):
            notes = [note._replace(desc=note.desc.replace(struct.pack(form, old),
                                                          struct.pack(form, new)))
                     if note.name in ("QEMU", "CORE") else note for note in notes]
    return notes


ROOT = 0x2d00000  # not in the capture


def page_state(machine, refcount, listed):
    """{pa: page} of ROOT's struct page: how many references it has, and whether it is on a
    list, as what is free is."""
    lines = machine.core.of("VMCOREINFO")[0].rstrip(b"\0").decode().splitlines()
    said = dict(line.split("=", 1) for line in lines if "=" in line)
    count, lru = (int(said[f"OFFSET(page.{name})"]) for name in ("_refcount", "lru"))
    known = int(machine.victim["root"], 16)  # of the same section of memory
    frame, _ = answer(machine.tool, "frame", machine.path, f"{known:x}")
    struct_page = (int(frame["frames"][0]["struct_page"], 16) +
                   (ROOT - known) // PAGE * int(said["SIZE(page)"]))
    walk, _ = answer(machine.tool, "walk", machine.path, hex(struct_page), "--pid", "0")
    pa = int(walk["summary"][0]["pa"], 16)
    page = bytearray(PAGE)
    struct.pack_into("<I", page, pa % PAGE + count, refcount)
    if listed:
        node = struct_page + lru
        other = (node & -PAGE) + (0 if pa % PAGE > PAGE // 2 else PAGE - 8)
        struct.pack_into("<2I", page, pa % PAGE + lru, other, other)
        struct.pack_into("<2I", page, other % PAGE, node, node)
    return {pa & -PAGE: page}


def check_root(tap, machine, to):
    """The processor has a page loaded that is no table: what struct page says of it tells."""
    cpus, _ = answer(machine.tool, "cpus", machine.path)
    loaded = int(cpus["summary"][0]["root"], 16)
    notes = machine.core.notes
    for words, refcount, listed, said in (
            ("with a reference", 1, False, "no page table of this kernel's"),
            ("without one, on no list", 0, False, "no page table of this kernel's"),
            ("without one, on a list of free pages", 0, True, "in a freed page"),
            ("of which struct page is not there", None, False, "freed, or none of this")):
        pages = {} if refcount is None else page_state(machine, refcount, listed)
        machine.core.notes = patched(notes, (loaded, ROOT))
        document, _ = machine.with_pages(to, {ROOT: b"not." * (PAGE // 4), **pages})
        machine.core.notes = notes
        death = document["summary"][0]
        tap.case(f"a loaded root in a page {words} is {said}",
                 death["cause"] == "root-not-a-table" and said in death["sentence"], death)
        audit, _ = answer(machine.tool, "audit", to)
        frame, status = answer(machine.tool, "frame", to, f"{ROOT:x}")
        rules = [{row["rule"] for row in rows} & {"frames-freed-root"}
                 for rows in (audit["findings"], frame["conflicts"])]
        tap.case(f"and audit and frame say {'so' if listed else 'nothing'}",
                 rules == [{"frames-freed-root"} if listed else set()] * 2 and
                 (status == 1 or not listed), (rules, status))


def check_end(tap, machine, to):
    """The simulated processor comes to the double fault's handler: did the machine?"""
    pushed = machine.story["nested"] - 1
    notes = machine.core.notes
    cpus, _ = answer(machine.tool, "cpus", machine.path)
    loaded = int(cpus["summary"][0]["root"], 16)
    ip = next(int(row["value"], 16) for row in cpus["registers"] if row["register"] == "eip")
    stays = (loaded, int(machine.victim["root"], 16)), (ip, machine.handler)
    reports = give_log.pages_of(machine.core, [(1, 0, 9.0, "traps: PANIC: double fault, "
                                                           "error_code: 0x0")])
    for words, changes, more, differs in (
            ("a log that reports the double fault", (), reports, False),
            ("a processor that is at the handler, in that space", stays, {}, True),
            ("a processor that is at the handler, in another", stays[1:], {}, False)):
        machine.core.notes = patched(notes, *changes)
        death = machine.dead(to, pushed, more=more)[0]["summary"][0]
        machine.core.notes = notes
        tap.case(f"{words}: {'the end is another' if differs else 'reproduced'}",
                 machine.story["fate"] == "panics" and death["replay"] == "panics" and
                 (death["certainty"], bool(death["replay_differs"])) ==
                 (("likely", True) if differs else ("reproduced", False)), death)


def check_direct_map(tap, machine, to):
    """Three of four entries of a table of the direct map are not present."""
    notes = machine.core.notes
    cpu = answer(machine.tool, "cpus", machine.path)[0]
    pa = int(cpu["summary"][0]["root"], 16)
    cr2 = next(int(row["value"], 16) for row in cpu["registers"] if row["register"] == "cr2")
    walk, _ = answer(machine.tool, "walk", machine.path, hex(give_log.PAGE_OFFSET + pa),
                     "--pid", "0")
    entry = int(walk["steps"][-1]["entry_pa"], 16)
    entries = struct.unpack("<1024I", next(data[(entry & -PAGE) - at:][:PAGE] for at, data in
                                           machine.core.memory if 0 <= entry - at < len(data)))
    for words, change, cause in (
            ("keep their addresses", lambda old: old & ~3, None),
            ("have them the other way round", lambda old: old ^ 0xfffff001, None),
            ("are others", lambda old: 0x60, "table-overwritten")):
        table = struct.pack("<1024I", *(old if number % 4 == 2 else change(old)
                                        for number, old in enumerate(entries)))
        machine.core.notes = patched(notes, (cr2, give_log.PAGE_OFFSET + pa + 24))
        death = machine.with_pages(to, {entry & -PAGE: table})[0]["summary"][0]
        machine.core.notes = notes
        tap.case(f"entries of the direct map that are not present, and {words}: {cause}",
                 death["cause"] == cause, death)


FILLER = 0x60  # no entry, and no address


def calls(va, links, out=True):
    """A page at va with so many calls that lead upward, of 12 words each; out: the last one
    leads on into the page above."""
    words = [FILLER] * 1024
    first = 1024 - 12 * links
    for number in range(links):
        at = first + 12 * number
        words[at:at + 2] = va + 4 * (at + 12), MAPPED + 0x20
    if not out:
        words[first + 12 * (links - 1)] -= 16
    return struct.pack("<1024I", *words)


MAGIC = 0x57ac6e9d  # STACK_END_MAGIC


def stacks_of(machine):
    """Where tasks' kernel stacks lie, the lowest first."""
    spaces, _ = answer(machine.tool, "spaces", machine.path)
    pids = {space["pid"] for space in spaces["spaces"] if space["pid"]}
    return sorted(int(answer(machine.tool, "stack", machine.path, "--pid", str(pid))[0]
                      ["summary"][0]["stack"], 16) for pid in pids)


def check_calls(tap, machine, to):
    """A table of the direct map with a kernel stack in it, which ran over it; it lies below
    all tasks' stacks, which have their word at the end, but for the lowest."""
    notes, stacks = machine.core.notes, stacks_of(machine)
    spaces, _ = answer(machine.tool, "spaces", machine.path)
    root = next(int(s["root"], 16) for s in spaces["spaces"] if s["kind"] == "init_mm")
    cpu = answer(machine.tool, "cpus", machine.path)[0]
    cr2 = next(int(row["value"], 16) for row in cpu["registers"] if row["register"] == "cr2")
    table, there = 0xfff000, 0x2800000  # not in the capture, nor anything of what they map
    fault = give_log.PAGE_OFFSET + there
    va = give_log.PAGE_OFFSET + table
    directory = bytearray(next(data[root - pa:][:PAGE] for pa, data in machine.core.memory
                               if 0 <= root - pa < len(data)))
    struct.pack_into("<I", directory, fault >> 22 << 2, table | 0x63)
    ends = {stack - give_log.PAGE_OFFSET: struct.pack("<I", MAGIC).ljust(PAGE, b"\0")
            for stack in stacks}
    run_over = ends | {stacks[0] - give_log.PAGE_OFFSET: bytes(PAGE)}
    lists = struct.pack("<1024I", *(va + 8 * (1 + number // 2) if number % 2 == 0 else
                                    va + 8 * max(0, number // 2 - 1)
                                    for number in range(1024)))
    machine.core.notes = patched(notes, (cr2, fault + 24))
    told = "stack-overflow", "table-overwritten"
    for words, page, memory, cause in (
            ("4 calls", calls(va, 4), run_over, told[0]),
            ("3 calls", calls(va, 3), run_over, told[1]),
            ("4 calls that lead nowhere", calls(va, 4, False), run_over, told[1]),
            ("4 calls, below a stack that is whole", calls(va, 4), ends, told[1]),
            ("calls of another page", calls(va + 2 * PAGE, 8), run_over, told[1]),
            ("a list", lists, run_over, told[1])):
        document, status = machine.with_pages(to, {table: page, root: directory, there: bytes(PAGE),
                                                  **memory})
        death = document["summary"][0]
        tap.case(f"a table of the direct map that holds {words}: {cause}",
                 (death["cause"], death["certainty"], status) == (cause, "likely", 1) and
                 ("stack" in [clue["about"] for clue in document["clues"]]) ==
                 (cause == told[0]), death)
    machine.core.notes = notes


def check_lost(tap, machine, to):
    """How much of a table of the direct map is gone, and what lies there."""
    notes = machine.core.notes
    cpu = answer(machine.tool, "cpus", machine.path)[0]
    cr2 = next(int(row["value"], 16) for row in cpu["registers"] if row["register"] == "cr2")
    fault = give_log.PAGE_OFFSET + int(cpu["summary"][0]["root"], 16)
    walk, _ = answer(machine.tool, "walk", machine.path, hex(fault), "--pid", "0")
    table = int(walk["steps"][-1]["entry_pa"], 16) & -PAGE
    entries = struct.unpack("<1024I", next(data[table - at:][:PAGE] for at, data in
                                           machine.core.memory if 0 <= table - at < len(data)))
    own = fault >> 12 & 1023
    for left, foreign, at, cause, sure in (
            (511, 64, fault, "table-overwritten", "likely"),
            (512, 64, fault, None, "none"),
            (400, 63, fault, None, "none"),
            (0, 1024, cr2, "table-overwritten", "possible"),
            (400, 0, fault, None, "none")):
        kept = [number for number in range(1024) if number != own][:left]
        words = [entries[number] if number in kept else 0 for number in range(1024)]
        empty = [number for number in range(1024) if not words[number]]
        for number in empty[-foreign:] if foreign else []:
            words[number] = FILLER
        machine.core.notes = patched(notes, (cr2, at + 24 if at == fault else at))
        death = machine.with_pages(to, {table: struct.pack("<1024I", *words)})[0]["summary"][0]
        machine.core.notes = notes
        tap.case(f"a table of the direct map with {left} entries in order and {foreign} other "
                 f"words{'' if at == fault else ', and a fault elsewhere'}: {cause}, {sure}",
                 (death["cause"], death["certainty"]) == (cause, sure) and
                 death["sentence"].startswith("possibly: ") == (sure == "possible"), death)
    vmalloc = machine.handler
    walk, _ = answer(machine.tool, "walk", machine.path, hex(vmalloc), "--pid", "0")
    machine.core.notes = patched(notes, (cr2, vmalloc))
    death = machine.with_pages(to, {vmalloc - give_log.PAGE_OFFSET & -PAGE:
                                    bytes(PAGE)})[0]["summary"][0]
    machine.core.notes = notes
    tap.case("a fault in vmalloc, beyond the direct map, where there is memory at that distance",
             death["cause"] is None, death)


def stand_of(document):
    return next(clue["text"] for clue in document["clues"] if " mode at " in clue["text"])


def check_panicked(tap, machine, to):
    """A word of panic() on the stack that the processor is on, and the log's last words."""
    registers = {row["register"]: int(row["value"], 16) for row in
                 answer(machine.tool, "cpus", machine.path)[0]["registers"]}
    walk, _ = answer(machine.tool, "walk", machine.path, "panic", "--pid", "0")
    word = int(walk["summary"][0]["address"], 16) + 0x10
    sp = registers["esp"]
    for what, at, said in (("with a frame of panic()", 508, True),
                           ("with one that is far above", 512, False)):
        for last in ("Kernel panic - not syncing: no more", "nothing of that kind"):
            pages = give_log.pages_of(machine.core, [(1, 0, 9.0, last)])
            page = pages.setdefault((sp + at - give_log.PAGE_OFFSET) & -PAGE, bytearray(PAGE))
            struct.pack_into("<I", page, (sp + at) % PAGE, word)
            stand = stand_of(machine.with_pages(to, pages)[0])
            tap.case(f"a processor {what}, and the log's last word is {last!r}",
                     ("has panicked, and waits" in stand) ==
                     (said and last.startswith("Kernel")), stand)


def check_shutdown(tap, machine, to):
    """The last fault was in the IDT, which the space lacks with all that lies beside it."""
    notes, victim = machine.core.notes, int(machine.victim["root"], 16)
    cpu = answer(machine.tool, "cpus", machine.path)[0]
    registers = {row["register"]: int(row["value"], 16) for row in cpu["registers"]}
    root = bytearray(next(data[victim - pa:][:PAGE] for pa, data in machine.core.memory
                          if 0 <= victim - pa < len(data)))
    whole, entry = bytes(root), victim + (IDT >> 22 << 2)
    struct.pack_into("<I", root, entry - victim, 0)
    for what, page, fault, said, cause in (
            ("the IDT is not mapped", root, IDT + 0x40, True, "delivery-unmapped"),
            ("the IDT is mapped", whole, IDT + 0x40, False, None),
            ("it cannot fetch its next instruction", root, 0x8049000, True, None)):
        machine.core.notes = patched(notes, (int(cpu["summary"][0]["root"], 16), victim),
                                     (registers["cr2"], fault))
        document, _ = machine.with_pages(to, {victim: page})
        machine.core.notes = notes
        stand, death = stand_of(document), document["summary"][0]
        holes = [int(clue["pa"], 16) for clue in document["clues"] if clue["about"] == "hole"]
        tap.case(f"a processor has{'' if said else ' not'} shut down where {what}",
                 ("has shut down" in stand) == said, stand)
        tap.case(f"and the cause, with the entry where the walk stops, is {cause}",
                 (death["cause"], holes) == (cause, [entry] if cause else []), (death, holes))


def check_push(tap, machine, to):
    """The last fault, beside a stack pointer in memory that is not mapped, or is."""
    notes = machine.core.notes
    registers = {row["register"]: int(row["value"], 16) for row in
                 answer(machine.tool, "cpus", machine.path)[0]["registers"]}
    for sp, below, said in ((NOT_MAPPED, 1, True), (NOT_MAPPED, 64, True),
                            (NOT_MAPPED, 65, False), (NOT_MAPPED, 0, False),
                            (registers["esp"], 4, False)):
        machine.core.notes = patched(notes, (registers["esp"], sp),
                                     (registers["cr2"], sp - below))
        stand = stand_of(machine.with_pages(to, {})[0])
        machine.core.notes = notes
        tap.case(f"a fault {below} bytes below a stack pointer of {sp:#x} was"
                 f"{'' if said else ' not'} a push", ("its last push" in stand) == said, stand)


def check_guard(tap, tool, path, to):
    """The last fault was in the page below a stack in vmalloc, where other things end as well."""
    core = writers.Core(pathlib.Path(path).read_bytes())
    registers = {row["register"]: int(row["value"], 16) for row in
                 answer(tool, "cpus", path)[0]["registers"]}
    stack = int(answer(tool, "stack", path, "--pid", "1")[0]["summary"][0]["stack"], 16)
    memory = {pa + at: data[at:at + PAGE] for pa, data in core.memory
              for at in range(0, len(data), PAGE)}
    fault = registers["cr2"], stack - 8
    frame = struct.pack("<6Q", 0, registers["rip"], 0x10, 0x10046, stack, 0x18)
    for words, changes, pages, cause in (
            ("nothing else", (fault,), {}, None),
            ("a stack pointer in it", (fault, (registers["rsp"], stack - 64)), {}, True),
            ("a stack pointer at the end", (fault, (registers["rsp"], stack)), {}, True),
            ("one far from it", (fault, (registers["rsp"], stack + 0x800)), {}, None),
            ("a frame that saved one", (fault,), {ROOT: frame.ljust(PAGE, b"\0")}, True)):
        pathlib.Path(to).write_bytes(writers.elf_core(
            sorted((memory | pages).items()), patched(core.notes, *changes), core.machine))
        death = answer(tool, "autopsy", to)[0]["summary"][0]
        tap.case(f"a fault in a guard page with {words} is {'an' if cause else 'no'} overflow",
                 (death["cause"], death["pid"]) ==
                 (("stack-overflow", 1) if cause else (None, None)), death)


def check_cut(tap, machine, to):
    """Of a dump that is cut nobody knows what lay in the rest."""
    machine.dead(to, 2)
    size = os.path.getsize(to)
    for kept in (size - PAGE, size // 2):
        os.truncate(to, kept)
        document, status = answer(machine.tool, "autopsy", to)
        death = document["summary"][0]
        tap.case(f"cut at byte {kept} it is unknown", (death["cause"], status) == (None, 4) and
                 "cut off" in (death["unknown"] or ""), death)


def check_healthy(tap, tool, path):
    document, status = answer(tool, "autopsy", path)
    death = document["summary"][0]
    tap.case(f"{os.path.basename(path)} shows no death, and lacks what would tell of one",
             (death["cause"], death["certainty"], status) == (None, "none", 4) and
             death["unknown"], death)


def check_reset(tap, machine, to):
    """A machine that has reset: its registers are firmware's, its memory is the kernel's."""
    for name, cr0, reset in (("paging off", 0x10, True), ("paging on", 0x80000011, False)):
        data = bytearray(machine.core.data)
        at = data.index(machine.core.of("QEMU")[0])
        struct.pack_into("<Q", data, at + 136, 0x7c00)  # eip
        struct.pack_into("<Q", data, at + 392, cr0)
        pathlib.Path(to).write_bytes(data)
        death, _ = answer(machine.tool, "autopsy", to)
        said = json.dumps(death)
        tap.case(f"a processor with {name} at 0x7c00",
                 ("the machine was reset" in said) == reset and
                 ("has paging off, at 0x7c00" in said) == reset and
                 ("in the space of" in said) != reset, said[:900])


def check_words(tap, tool):
    """The help lists the links of the chain that the schema has."""
    schema = json.loads(sorted(SCHEMAS.glob("autopsy-*.json"))[-1].read_text())
    words = schema["properties"]["clues"]["items"]["properties"]["about"]["enum"]
    done = subprocess.run([tool, "help", "autopsy"], env=dict(os.environ, COLUMNS="200"),
                          stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          check=True, timeout=PATIENCE)
    line = done.stdout.split("  about ")[1].split("  address ")[0]
    tap.case("the help lists all that a link of the chain may be about",
             set(line.replace(",", "").split()) == set(words), line)


def main(tool, nests, *others):
    tap = Tap()
    machine = Machine(tool, nests)
    with tempfile.TemporaryDirectory() as scratch:
        to = os.path.join(scratch, "dead.elf")
        check_storm(tap, machine, to)
        check_less(tap, machine, to)
        check_run_over(tap, machine, to)
        check_other(tap, machine, to)
        check_image(tap, machine, to)
        check_reached(tap, machine, to)
        check_whose(tap, machine, to)
        check_hole(tap, machine, to)
        check_stale(tap, machine, to)
        check_explained(tap, machine, to)
        check_two_oopses(tap, machine, to)
        check_root(tap, machine, to)
        check_end(tap, machine, to)
        check_direct_map(tap, machine, to)
        check_calls(tap, machine, to)
        check_lost(tap, machine, to)
        check_panicked(tap, machine, to)
        check_shutdown(tap, machine, to)
        check_push(tap, machine, to)
        check_guard(tap, tool, next(path for path in others if "amd64" in path), to)
        check_cut(tap, machine, to)
        check_reset(tap, machine, to)
    check_words(tap, tool)
    for path in (nests, *others):
        check_healthy(tap, tool, path)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
