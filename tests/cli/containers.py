#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The same memory in other containers gives the same answers.

    containers.py TOOL CAPTURE...    run, as TAP

Each capture is written anew in each container (tests/common/writers.py), and what is said
of it is held against what is said of the capture, without the notes that the container has
no place for."""

import gzip
import json
import lzma
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))
import writers  # noqa: E402
from tap import PATIENCE, Tap  # noqa: E402

REGISTERS = ("QEMU", "CORE", "WHOSEES")
QUESTIONS = [["spaces"], ["modules"], ["audit"], ["probe", "--all-modules", "--all"],
             ["what-if", "--spaces", "all"]]

NO_REGISTERS = QUESTIONS[:-1]
FEW = [["spaces"], ["audit"]]

# What a migration stream is said to lack where a capture was all that there was to write.
OF_CAPTURES = (r"\n *\"(no map of the firmware's in memory fits it|"
               r"[\d,]+ pages? of main memory are not in)[^\n]*")
NO_TABLES = [["spaces"], ["modules"], ["probe", "--all-modules", "--all"]]

# A container, which of the capture's notes it cannot have, what it has of the memory, and
# what is asked: all but what rests on registers that it lacks.
ROWS = [("lime", REGISTERS + ("VMCOREINFO",), list, NO_REGISTERS),
        ("avml", REGISTERS + ("VMCOREINFO",), writers.blocks, NO_REGISTERS),
        ("vbox", ("CORE", "WHOSEES", "VMCOREINFO"), list, QUESTIONS),
        ("xen", ("CORE", "WHOSEES", "VMCOREINFO"), list, NO_TABLES),
        ("vmware", ("CORE", "WHOSEES", "VMCOREINFO"), list, NO_TABLES),
        ("migration", ("CORE", "WHOSEES", "VMCOREINFO"), writers.migration_memory, QUESTIONS),
        ("kcore", REGISTERS, list, NO_REGISTERS),
        ("old kcore", REGISTERS + ("VMCOREINFO",), writers.lowmem, FEW),
        ("vmcore", (), list, FEW + [["what-if", "--spaces", "all"]]),
        ("vmcore32", (), list, FEW)]

# Containers of one word size only
WORDS = {"old kcore": 4, "vmcore32": 4}


def without_its_note(kind, answer):
    """What is said of a copy of /proc/kcore alone."""
    if "kcore" not in kind:
        return answer
    status, out, errors = answer
    out = re.sub(r'\n\s*"a copy of /proc/kcore.*', "", out)
    out = re.sub(r'"notes": \[\s*\]', '"notes": []', out)
    return status, out, re.sub(r"note: a copy of /proc/kcore.*\n(      .*\n)*", "", errors)


def ask(tool, question, path, options):
    """The answer without the file's name and EFER, which QEMU's note has no place for."""
    done = subprocess.run([tool, question[0], path, *question[1:], *options, "--json"],
                          capture_output=True, check=False, timeout=PATIENCE, text=True)
    out = re.sub(", EFER.NXE [01]", "", done.stdout.replace(path, "DUMP"))
    out = re.sub(OF_CAPTURES, "", out)
    return done.returncode, out, done.stderr.replace(path, "DUMP")


def difference(one, other):
    """Where two answers part."""
    for name, a, b in zip(("status", "output", "errors"), one, other):
        if a == b:
            continue
        lines = zip(str(a).splitlines(), str(b).splitlines())
        return f"{name}: " + next((f"{x}\n not {y}" for x, y in lines if x != y),
                                  f"{len(str(a))} and {len(str(b))} characters")
    return None


FORMATS = {"686-small.elf": "i386", "686-pae-small.elf": "i386-pae",
           "amd64-small.elf": "x86_64"}


def is_of(kind, core):
    """Monitors of PCs write nothing of others; /proc/kcore is everywhere."""
    return (WORDS.get(kind) in (None, writers.WORD[core.machine]) and
            (core.machine in (3, 62) or kind == "kcore"))


def check(tap, tool, capture, scratch):
    core = writers.Core(pathlib.Path(capture).read_bytes())
    name = os.path.basename(capture)
    forced = ["--format", FORMATS[name]] if name in FORMATS else []
    plain = os.path.join(scratch, "core")
    made = os.path.join(scratch, "made")
    for kind, lacks, memory, questions in ROWS:
        if not is_of(kind, core):
            continue
        options = forced if "QEMU" in lacks else []
        pathlib.Path(plain).write_bytes(writers.left_of(core, list(memory(core.memory)), lacks))
        pathlib.Path(made).write_bytes(writers.WRITERS[kind](core)[0])
        for question in questions:
            want = ask(tool, question, plain, options)
            got = without_its_note(kind, ask(tool, question, made, options))
            tap.case(f"{name} as {kind}: {question[0]} as of the core",
                     want[0] in (0, 1, 4) and got == want,
                     difference(got, want) or want)


def check_two_files(tap, tool, capture, scratch):
    """VMware's memory beside its description: whichever is named."""
    core = writers.Core(pathlib.Path(capture).read_bytes())
    plain = os.path.join(scratch, "core")
    pathlib.Path(plain).write_bytes(
        writers.left_of(core, core.memory, ("CORE", "WHOSEES", "VMCOREINFO")))
    want = ask(tool, ["spaces"], plain, [])
    files = {end: os.path.join(scratch, "two." + end) for end in ("vmss", "vmem")}
    pathlib.Path(files["vmss"]).write_bytes(writers.vmware_description(core, None)[0])
    pathlib.Path(files["vmem"]).write_bytes(b"".join(data for _, data in core.memory))
    for end, path in files.items():
        got = ask(tool, ["spaces"], path, [])
        tap.case(f"{os.path.basename(capture)} as .vmss and .vmem, the .{end} named",
                 got == want, difference(got, want))
        done = subprocess.run([tool, "capture", files["vmss"], "-o", path],
                              capture_output=True, check=False, timeout=PATIENCE, text=True)
        tap.case(f"no capture replaces the .{end}", done.returncode and os.path.getsize(path),
                 done.stderr)
    upper = {end: os.path.join(scratch, "UPPER." + end.upper()) for end in files}
    for end, path in upper.items():
        pathlib.Path(path).write_bytes(pathlib.Path(files[end]).read_bytes())
    for end, path in upper.items():
        got = ask(tool, ["spaces"], path, [])
        tap.case(f"{os.path.basename(capture)} as .VMSS and .VMEM, the .{end.upper()} named",
                 got[:2] == want[:2], difference(got, want))
    for path in upper.values():
        os.remove(path)
    os.remove(files["vmss"])
    _, _, errors = ask(tool, ["spaces"], files["vmem"], [])
    tap.case("a .vmem without its .vmss is told of", "a .vmem without the .vmss" in
             " ".join(errors.split()), errors)
    pathlib.Path(files["vmss"]).write_bytes(writers.vmware_description(core, None)[0])
    os.remove(files["vmem"])
    status, _, errors = ask(tool, ["spaces"], files["vmss"], [])
    tap.case("a .vmss without its .vmem is refused, by the name of what is missing",
             status == 3 and "two.vmem" in errors, errors)


def zstd_damaged(data):
    """Two frames of a block each: one that says 1 MiB, of a kind there is not; and the data."""
    def frame(kind, size):
        return (b"\x28\xb5\x2f\xfd\xa0" + size.to_bytes(4, "little")
                + (1 | kind << 1 | len(data) << 3).to_bytes(3, "little") + data)
    return frame(3, 1 << 20) + frame(0, len(data))


def check_cloud(tap, tool, capture, scratch):
    """A directory of two files, as two versions write the second; whichever is named."""
    core = writers.Core(pathlib.Path(capture).read_bytes())
    plain = os.path.join(scratch, "core")
    pathlib.Path(plain).write_bytes(
        writers.left_of(core, core.memory, ("CORE", "WHOSEES", "VMCOREINFO")))
    name = os.path.basename(capture)
    memory, state = (os.path.join(scratch, file) for file in ("memory-ranges", "state.json"))
    for old in False, True:
        for path, data in zip((memory, state), writers.cloud(core, old)):
            pathlib.Path(path).write_bytes(data)
        for question in QUESTIONS:
            want = ask(tool, question, plain, [])
            got = ask(tool, question, (state if old else memory), [])
            tap.case(f"{name} as {'an old' if old else 'a'} cloud-hypervisor snapshot: "
                     f"{question[0]} as of the core",
                     want[0] in (0, 1, 4) and got == want, difference(got, want) or want[0])
    whole = pathlib.Path(state).read_bytes()
    for percent in 1, 50, 99:
        pathlib.Path(state).write_bytes(whole[:len(whole) * percent // 100])
        status, out, errors = ask(tool, ["spaces"], memory, [])
        tap.case(f"{name} as a cloud-hypervisor snapshot, its description cut at {percent} %",
                 status == 3 and "state.json" in errors or "unknown" in out + errors,
                 (status, out, errors))
    parts = [gzip.compress(whole), zstd_damaged(whole)]
    for packed, words in zip(parts, (None, "cannot be unpacked")):
        pathlib.Path(state).write_bytes(packed)
        status, out, errors = ask(tool, ["spaces"], memory, [])
        tap.case(f"a compressed description: {words or 'unpacked'}",
                 words in " ".join(errors.split()) if words else status == 0, (status, errors))
    pathlib.Path(state).write_bytes(whole)
    pathlib.Path(memory).write_bytes(pathlib.Path(memory).read_bytes() + bytes(4096))
    _, out, _ = ask(tool, ["spaces"], memory, [])
    tap.case("a cloud-hypervisor snapshot that is longer than its description says",
             "of another snapshot" in out, out)
    os.remove(memory)
    status, _, errors = ask(tool, ["spaces"], state, [])
    tap.case("a description without memory beside it is none",
             status == 3 and "begins as none of these" in " ".join(errors.split()), errors)
    os.remove(state)


def verdicts(tool, path):
    done = subprocess.run([tool, "audit", path, "--json"], capture_output=True, check=False,
                          timeout=PATIENCE)
    return {s["root"]: s["verdict"] for s in json.loads(done.stdout or '{"spaces":[]}')["spaces"]}


def check_wrong_places(tap, tool, capture, scratch):
    """A header that leads elsewhere gives no verdict that the memory does not give."""
    core = writers.Core(pathlib.Path(capture).read_bytes())
    path = os.path.join(scratch, "made")
    xen, places = writers.WRITERS["xen"](core)
    vbox, _ = writers.WRITERS["vbox"](core)
    entry = places["Xen page list"][133]
    for name, data, changes in (
            ("a page of a Xen core, out of order", xen,
             [(entry, struct.pack("<Q", 0x20cf))]),
            ("a program header over the table, behind one of no type", vbox,
             [(64 + 2 * 56, bytes(4)), (64 + 71 * 56 + 8, struct.pack("<Q", 0x100))])):
        pathlib.Path(path).write_bytes(data)
        want = verdicts(tool, path)
        bad = bytearray(data)
        for at, new in changes:
            bad[at:at + len(new)] = new
        pathlib.Path(path).write_bytes(bad)
        got = verdicts(tool, path)
        wrong = {root: v for root, v in got.items() if v not in ("unknown", want.get(root))}
        tap.case(f"{name}: no verdict is another", want and got and not wrong, wrong)


def check_no_registers(tap, tool, capture, scratch):
    """A Xen core whose section of registers is zeros."""
    xen, _ = writers.WRITERS["xen"](writers.Core(pathlib.Path(capture).read_bytes()))
    cpu = writers.xen_cpu(writers.processors(writers.Core(pathlib.Path(capture).read_bytes()))[0])
    path = os.path.join(scratch, "made")
    pathlib.Path(path).write_bytes(xen.replace(cpu, bytes(len(cpu))))
    _, out, errors = ask(tool, ["spaces"], path, [])
    tap.case("a Xen core with zeros for registers holds none",
             "has zeros for processor 0: it holds no registers" in out, errors)


def lzop(data):
    """None where the program is not there."""
    return shutil.which("lzop") and subprocess.run(["lzop", "-c"], input=data, check=True,
                                                   stdout=subprocess.PIPE).stdout


def check_saved(tap, tool, capture, scratch):
    """What libvirt saves is the stream behind a header of its own, maybe compressed."""
    stream = writers.migration(writers.Core(pathlib.Path(capture).read_bytes()))[0]
    path = os.path.join(scratch, "stream")
    pathlib.Path(path).write_bytes(stream)
    want = ask(tool, ["spaces"], path, [])
    for word, form, data in (("as it is", 0, stream), ("by gzip", 1, gzip.compress(stream, 1)),
                             ("by xz", 3, lzma.compress(stream, preset=0)),
                             ("by lzop", 4, lzop(stream))):
        if not data:
            tap.skip(f"{os.path.basename(capture)} as libvirt saves it, {word}", "no lzop")
            continue
        pathlib.Path(path).write_bytes(writers.libvirt_save(data, form))
        got = ask(tool, ["spaces"], path, [])
        tap.case(f"{os.path.basename(capture)} as libvirt saves it, {word}",
                 got == want, difference(got, want) or got)
    pathlib.Path(path).write_bytes(writers.libvirt_save(b"BZh9" + bytes(99), 2))
    status, _, errors = ask(tool, ["spaces"], path, [])
    tap.case("one that is compressed otherwise is refused, with what unpacks it",
             status == 3 and "bzip2 -dc" in errors, errors)


def main():
    tool, captures = os.path.abspath(sys.argv[1]), sys.argv[2:]
    tap = Tap()
    with tempfile.TemporaryDirectory() as scratch:
        for capture in captures:
            check(tap, tool, capture, scratch)
            if os.path.basename(capture) in FORMATS:
                check_two_files(tap, tool, capture, scratch)
                check_saved(tap, tool, capture, scratch)
                check_wrong_places(tap, tool, capture, scratch)
                check_no_registers(tap, tool, capture, scratch)
                check_cloud(tap, tool, capture, scratch)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
