#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""corpus.py DIR TOOL KO...: for every kind of input some small files that are well, a folder
each. Of containers: a few frames of a capture's memory, in two pieces, and its processors; of
captures as they are: which one; of texts, and of what peers and programs say: what good ones do,
as TOOL prints it of a capture. KO: modules' files."""

import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parents[1]
sys.path[:0] = [str(HERE.parent / folder) for folder in ("common", "torture", "live")]
import containers  # noqa: E402
import fake_qemu  # noqa: E402
import fake_stub  # noqa: E402
import writers  # noqa: E402

CAPTURES = sorted((HERE.parent / "captures").glob("*.elf"))  # scene.c numbers them so
SMALL = ("686-small", "686-pae-small", "amd64-small")        # of which containers are made

PAGE = 4096
FRAMES = 3  # of each piece


def small(capture):
    """A Core with the frames that CR3 leads to, and a few others."""
    core = writers.Core(capture.read_bytes())
    root = writers.processors(core)[0]["cr3"] & -PAGE
    pieces = [(pa, data) for pa, data in core.memory if pa <= root < pa + len(data)]
    pieces = [(root, data[root - pa:root - pa + FRAMES * PAGE]) for pa, data in pieces]
    pa, data = next((pa, data) for pa, data in core.memory if pa + FRAMES * PAGE <= root)
    core.memory = [(pa, data[:FRAMES * PAGE]), *pieces]
    core.data = writers.left_of(core, core.memory, ("VMCOREINFO", "WHOSEES"))
    return core


def kdump(core):
    """Packed by zlib, with a processor."""
    pages = [(pa // PAGE + i, data[i * PAGE:(i + 1) * PAGE]) for pa, data in core.memory
             for i in range(len(data) // PAGE)]
    end = pages[-1][0] + 1
    blocks = -(-end // 8 // PAGE)
    note = writers.note_bytes(writers.Note("QEMU", 0, core.of("QEMU")[0]))
    head, sub, bits = bytearray(PAGE), bytearray(PAGE), bytearray(blocks * PAGE)
    struct.pack_into("<8sI", head, 0, b"KDUMP   ", 6)
    struct.pack_into("<65s", head, 12 + 4 * 65, b"x86_64" if core.machine == 62 else b"i686")
    struct.pack_into("<IIIII", head, 424, 0, PAGE, 1, 2 * blocks, min(end, 0xffffffff))
    struct.pack_into("<QQ", sub, 48, PAGE + 128, len(note))
    struct.pack_into("<Q", sub, 96, end)
    sub[128:128 + len(note)] = note
    for pfn, _ in pages:
        bits[pfn // 8] |= 1 << pfn % 8
    at = PAGE * (2 + 2 * blocks) + 24 * len(pages)
    out, bodies = bytes(head + sub + bits + bits), b""
    for _, data in pages:
        packed = zlib.compress(data)
        out += struct.pack("<QIIQ", at + len(bodies), len(packed), 1, 0)
        bodies += packed
    return out + bodies


def part(core):
    """All of it as one part of a split dump."""
    data = bytearray(kdump(core))
    end, = struct.unpack_from("<Q", data, PAGE + 96)
    struct.pack_into("<IQQ", data, PAGE + 12, 1, 0, end)
    struct.pack_into("<QQ", data, PAGE + 80, 0, end)
    return bytes(data)


def raw(core):
    data = b"".join(data for _, data in core.memory)
    pieces, at = [], 0
    for pa, data_ in core.memory:
        pieces.append(f"{at:x}:{len(data_):x}:{pa:x}")
        at += len(data_)
    return ",".join(pieces).encode() + b"\n" + data


PROGRAMS = (["gzip", "-c"], ["bgzip", "-c"], ["pigz", "-zc"], ["xz", "-c"],
            ["xz", "-c", "-T2", "--block-size=8192"], ["zstd", "-qc"], ["lz4", "-qc"],
            ["lzop", "-c"], ["lzop", "-c", "-C", "--crc32"])


def packed(data):
    """By each program that is there."""
    for command in PROGRAMS:
        if shutil.which(command[0]):
            yield subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True).stdout


# Which writers, and of which kind of target that is: those of /proc/kcore and /proc/vmcore need
# whole page tables.
KINDS = {"lime": "lime", "avml": "avml", "vbox": "elf", "xen": "xen", "vmware": "vmware",
         "migration": "migration"}


def kinds(core):
    """kind -> bytes."""
    yield "elf", core.data
    yield "kdump", kdump(core)
    yield "kdump", containers.flattened(kdump(core))[0]
    yield "kdump", part(core)
    yield "raw", raw(core)
    yield "cloud-hypervisor", writers.cloud(core)[1]
    yield "cloud-hypervisor", writers.cloud(core, True)[1]
    for data in packed(core.data):
        yield "packed", data
    for writer, kind in KINDS.items():
        yield kind, writers.WRITERS[writer](core)[0]


# ---- what is no container -----------------------------------------------------------------


def beside(i, data=b""):
    """What is looked at beside the i-th capture."""
    return bytes([i]) + data


def btf():
    """Types of the structs that members are asked of (include/uapi/linux/btf.h), and fillers."""
    names = b"\0"

    def name(text):
        nonlocal names
        names += text.encode() + b"\0"
        return len(names) - len(text) - 1

    def struct_of(what, members, kind=4, flag=0):
        body = b"".join(struct.pack("<3I", name(m) if m else 0, type_of, at)
                        for m, type_of, at in members)
        return struct.pack("<3I", name(what) if what else 0,
                           kind << 24 | flag << 31 | len(members), 4096) + body
    types = struct.pack("<4I", name("int"), 1 << 24, 4, 32)
    types += struct_of("", [("pgd", 1, 0)], kind=5) + struct_of("", [("", 2, 64), ("", 3, 0)])
    types += struct_of("mm_struct", [("", 3, 128), ("context", 1, 4096)])
    types += struct_of("task_struct", [(m, 1, 64 * i | 5 << 24) for i, m in enumerate(
        ("comm", "tasks", "pid", "flags", "mm", "active_mm"))], flag=1)
    types += struct_of("module", [("list", 1, 64), ("name", 1, 192), ("mem", 1, 2048)])
    types += struct.pack("<6I", name("array"), 3 << 24, 0, 1, 1, 16)
    types += struct.pack("<5I", name("e"), 6 << 24 | 1, 4, name("E"), 7)
    types += struct.pack("<5I", 0, 13 << 24 | 1, 1, name("arg"), 1)
    types += struct.pack("<4I", name("var"), 14 << 24, 1, 1)
    types += struct.pack("<6I", name(".data"), 15 << 24 | 1, 4096, 7, 0, 8)
    types += struct.pack("<6I", name("e64"), 19 << 24 | 1, 8, name("E64"), 7, 7)
    types += struct.pack("<4I", 0, 1 << 24, 4, 32) * 60
    names += b"filler\0" * 150
    header = struct.pack("<HBB5I", 0xeb9f, 1, 0, 24, 0, len(types), len(types), len(names))
    return header + types + names


def tables():
    """Entries that lead to each other, in each format (walk.c)."""
    for i in range(20):
        entries = b"".join(bytes([frame, 1 + frame % 2, 0, 0, frame + 1, 0, 0, 0, 0, 0, 0, kind])
                           for frame in range(7) for kind in range(2))
        yield bytes([i, i, 0]) + entries


def extents(*pieces):
    return b"".join(struct.pack("<QQ", *piece) for piece in pieces)


def given():
    """Handed out as it is; while it moves; with more extents; and with some missing."""
    for i in range(len(CAPTURES)):
        yield beside(i, b"\0")
    yield beside(0, b"\1")
    yield beside(1, bytes([4]) + extents((1 << 40, PAGE), (3 * PAGE, 5 * PAGE)))
    yield beside(2, b"\0" + bytes(99) + b"\xfe")
    yield beside(3, b"\0" + bytes(200) + b"\xff")


def regimes():
    for text in ("", "user-access", "cr3=0x1000", "cr0=0x80050033,cr4=0x6f0",
                 "ttbcr=0x80000000,sctlr=1", "tcr_el1=0x5b5503510,ttbr1_el1=0x41000000",
                 "satp=0xa000000000080000"):
        for i in range(0, len(CAPTURES), 3):
            yield beside(i, text.encode())


def table_of(tool, *arguments):
    answer = subprocess.run([tool, *arguments, "--json"], stdout=subprocess.PIPE, check=False)
    return json.loads(answer.stdout)


def system_map(tool, i):
    """Its own symbols, every hundredth page of the image."""
    image = table_of(tool, "name", CAPTURES[i], "vfs_read")["names"][0]
    first = int(image["address"], 16) & -0x100000
    places = [f"{first + 0x5000 * n:#x}" for n in range(100)]
    rows = table_of(tool, "name", CAPTURES[i], *places)["names"]
    lines = {(int(row["address"], 16) - row["offset"], row["symbol"]) for row in rows
             if row["symbol"] and not row["module"]}
    return "".join(f"{va:08x} T {name}\n" for va, name in sorted(lines)).encode()


STRUCTS = b"""
struct list_head { struct list_head *next, *prev; };
struct mm_struct { struct { int users; void *pgd; }; };
struct task_struct { long flags; struct list_head tasks; struct mm_struct *mm, *active_mm;
                     int pid, tgid; char comm[16]; struct list_head thread_group; };
struct task_struct init_task;
void vfs_read(void) { }
"""


def vmlinux():
    """An ELF file with such structs in its DWARF, for 64 bits and, if that works, 32."""
    for flag in ("-m64", "-m32"):
        with tempfile.NamedTemporaryFile(suffix=".o") as file:
            made = subprocess.run(["cc", flag, "-g", "-c", "-x", "c", "-", "-o", file.name],
                                  input=STRUCTS, capture_output=True, check=False)
            if not made.returncode:
                yield beside(CAPTURES.index(HERE.parent / "captures" / "amd64-small.elf"),
                             file.read())


def scripts():
    """All but the one that takes a gigabyte."""
    for path in sorted((SOURCE / "machine/scenarios").glob("*.lua")):
        if path.stem != "fork-storm":
            yield path.read_bytes()


def device():
    """What asks is told of two registers of each of two processors; of 600 entries."""
    about = struct.pack("<B6IQ", 0, 2, 8, 4, 12, 2, 1, 1 << 63)
    registers = b"".join(struct.pack("<I12sQ", cpu, name, 0x1000)
                         for cpu in range(2) for name in (b"cr3", b"cr4"))
    spaces = b"".join(struct.pack("<QQiI16s", pid << 12, pid, pid, 0, b"a") for pid in range(9))
    yield b"\0" + about + struct.pack("<BQII", 0, 0, 0, 4) + \
        struct.pack("<BQII", 0, 0, 4, 4) + registers
    yield b"\1" + about + struct.pack("<BQII", 0, 0, 0, 9) + \
        struct.pack("<BQII", 0, 0, 9, 9) + spaces + bytes(600)


def answers(core):
    """Of what fake_qemu's guest would print: its registers, and two ranges of memory."""
    qemu = fake_qemu.registers([note for note in core.of("QEMU")])
    pa, data = core.memory[0]
    tree = ('FlatView #1\r\n AS "memory", root: system\r\n Root memory region: system\r\n'
            f"  {pa:016x}-{pa + len(data) - 1:016x} (prio 0, ram): pc.ram @0 KVM\r\n"
            f"  {1 << 40:016x}-{(1 << 40) + 8191:016x} (prio 0, rom): rom\r\n\r\n")
    return qemu, tree


def qmp(core):
    said = [{}, {"running": True}, *answers(core)]
    lines = [fake_qemu.GREETING, *({"return": what, "id": i + 1} for i, what in enumerate(said))]
    yield b"".join(json.dumps(line).encode() + b"\r\n" for line in lines)
    yield b"".join(json.dumps(line).encode() + b"\r\n" for line in
                   [lines[0], {"event": "RESUME", "data": {}}, *lines[1:3],
                    {"error": {"desc": "no"}, "id": 3}])


def gdb(core):
    packets = [b"PacketSize=1000;qXfer:features:read+", b"0", b"OK"]
    for text in answers(core):
        text = text.encode()
        packets += [b"O" + text[i:i + 2040].hex().encode() for i in range(0, len(text), 2040)]
        packets.append(b"OK")
    packets.append(b"l" + fake_stub.DESCRIPTION["target.xml"].encode())
    packets.append(b"l" + fake_stub.DESCRIPTION["core.xml"].encode())
    yield b"+" + b"".join(map(fake_stub.framed, packets))
    yield b"+" + b"".join(map(fake_stub.run_lengths, packets))
    yield fake_stub.framed(b"T05thread:01;") + fake_stub.framed(packets[0])


def journal(tool):
    """Of the first capture's machine."""
    table = table_of(tool, "spaces", CAPTURES[0])["spaces"]
    lines = [{"schema": "whosees/sync-journal/1", "target": "given",
              "time": "2026-01-01T00:00:00Z", "format": "i386-pae",
              "reference": f"{int(table[0]['root'], 16):#x}"}]
    lines += [{"entry": i, "pid": row["pid"], "root": f"{int(row['root'], 16):#x}", "mm": "0x0",
               "level": 1, "entry_pa": "0x1000", "address": "0xf7c00000", "before": "0x0",
               "after": "0x2067"} for i, row in enumerate(table[1:5])]
    lines += [{"entry": i, "end": "written"} for i in range(3)]
    return "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines).encode()


def results(tool):
    for command in ("audit", "autopsy"):
        for capture in CAPTURES[:2]:
            yield subprocess.run([tool, command, capture, "--ndjson"], stdout=subprocess.PIPE,
                                 stderr=subprocess.DEVNULL, check=False).stdout


# ---- logs ---------------------------------------------------------------------------------

MESSAGES = [f"message {i} of the kernel's{', of two lines'[:i % 2 * 14]}" for i in range(20)]


def log_base(word):
    """Where logs.c has the rest of an input."""
    return (0xffffffff81000000 if word == 8 else 0xc0200000) + 0x2000


def ring(word):
    """32 descriptors, infos and 4 KiB of text (kernel/printk/printk_ringbuffer.h)."""
    base, mask = log_base(word), (1 << 8 * word) - 1
    memory = bytearray(0x2000)

    def put(at, *values):
        for i, value in enumerate(values):
            memory[at + i * word:at + (i + 1) * word] = (value & mask).to_bytes(word, "little")

    at, ids = 0, mask >> 2
    first = -32 & ids
    for i, text in enumerate(MESSAGES):
        size = writers.aligned(word + len(text), word)
        put(0x1000 + at, first + i)
        memory[0x1000 + at + word:0x1000 + at + word + len(text)] = text.encode()
        put(0x100 + i * 3 * word, first + i | 2 << 8 * word - 2, at, at + size)
        struct.pack_into("<QQHBBI", memory, 0x400 + 88 * i, i, i * 10**6, len(text), 0, 2, 42)
        at += size
    put(0, base + 0x40)
    put(0x40, 5, base + 0x100, base + 0x400, first + len(MESSAGES) - 1, first, 12, base + 0x1000)
    return bytes(memory)


def records(word, header):
    """One behind the other (kernel/printk.c, 3.5 to 5.9)."""
    body = b""
    for i, text in enumerate(MESSAGES):
        size = writers.aligned(header + len(text), 4)
        head = struct.pack("<QHHHBB", i * 10**6, size, len(text), 0, 0, i % 8 << 5 | 2)
        body += (head.ljust(header, b"\0") + text.encode()).ljust(size, b"\0")
    memory = (log_base(word) + 0x100).to_bytes(16, "little")
    return (memory + struct.pack("<QQQ", 4096, 0, len(body))).ljust(0x100, b"\0") + body


def log_text(word):
    """Characters (before 3.5)."""
    body = "".join(f"<{i % 8}>[ {i:4}.000000] {text}\n" for i, text in enumerate(MESSAGES))
    memory = (log_base(word) + 0x100).to_bytes(16, "little")
    return (memory + struct.pack("<QQ", 4096, len(body))).ljust(0x100, b"\0") + body.encode()


def logs():
    for word in (4, 8):
        bits = word == 8
        for form in (0, 3):
            yield bytes([form << 1 | bits]) + ring(word)
        for header in (16, 20):
            yield bytes([1 << 1 | bits]) + records(word, header)
        yield bytes([2 << 1 | bits]) + log_text(word)


OOPSES = ("""BUG: unable to handle page fault for address: c4ffe000
#PF: supervisor instruction fetch in kernel mode
#PF: error_code(0x0010) - not-present page
Oops: 0010 [#1] SMP
CPU: 0 PID: 71 Comm: waiter Not tainted
EIP: vfs_read+0x1f/0x40 [loop]
Code: 55 89 e5 <0f> 0b 5d
---[ end trace 0000000000000000 ]---
Kernel panic - not syncing: Fatal exception in interrupt
""", """BUG: unable to handle kernel paging request at ffffffff81000000
IP: [<ffffffff81000000>] vfs_read+0x1f/0x40
Oops: 0002 [#1] SMP
Pid: 71, comm: waiter
RIP: 0010:[<ffffffff81000000>]
Code: 00 5
RIP: 0033:0x47b7a0
""", """Unable to handle kernel paging request at virtual address 40400044 when execute
Internal error: Oops: 80000005 [#2] SMP ARM
PC is at 0x40400044
pc : [<c0100000>]    lr : [<c0100000>]    psr: 60000013
Code: bad PC value
""")


def others(tool, modules):
    """kind -> bytes."""
    numbers = range(len(CAPTURES))
    core = writers.Core((HERE.parent / "captures" / "686-small.elf").read_bytes())
    for kind in ("discovery", "symbols", "stacks", "frames", "audit", "what-if", "autopsy"):
        for i in numbers:
            yield kind, beside(i)
    for i in numbers:
        for text in writers.Core(CAPTURES[i].read_bytes()).of("VMCOREINFO"):
            yield "vmcoreinfo", beside(i, text)
    for i in numbers:
        yield "btf", beside(i, btf())
    for i in (0, 1, 2):
        yield "system-map", beside(i, system_map(tool, i))
    for what in range(0, 65, 3):  # commands and formats
        yield "tool", bytes([what, what % len(CAPTURES)])
    for i in numbers:
        yield "oops", beside(i, OOPSES[i % len(OOPSES)].encode())
    yield "journal", journal(tool)
    for kind, seeds in (("walk", tables()), ("log", logs()), ("given", given()), ("regime", regimes()),
                        ("vmlinux", vmlinux()), ("device", device()), ("qmp", qmp(core)),
                        ("gdb", gdb(core)), ("results", results(tool)),
                        ("module-file", (open(path, "rb").read() for path in modules)),
                        ("script", scripts())):
        for data in seeds:
            yield kind, data


def every(tool, modules):
    for name in SMALL:
        yield from kinds(small(HERE.parent / "captures" / f"{name}.elf"))
    yield from others(tool, modules)


def main(folder, tool, modules):
    for i, (kind, data) in enumerate(every(tool, modules)):
        place = pathlib.Path(folder) / kind
        place.mkdir(parents=True, exist_ok=True)
        (place / f"seed-{i}").write_bytes(data)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
