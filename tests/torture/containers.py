#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""containers.py SAMPLE TOOL CORE KDUMP: the fields of every container's headers, one at a
time, are 0, 1, all ones, the sign bit alone, one more, one less, doubled and random. The tool ends within seconds and a stated
bound of memory, with an exit status and words; and where its answer is not that of the whole
dump, a note says why. SAMPLE is how many fields of each kind of header are tried; with
WS_TORTURE_STEP=1 in the environment, which `make torture` sets, all of them."""

import collections
import concurrent.futures
import os
import random
import struct
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "common"))
import tap as tap_module  # noqa: E402
import writers  # noqa: E402
from bounded import Tool, wrong  # noqa: E402

BLOCK = 4096
PHDR = "<IIQQQQQQ"

# A field: where it is in the file, how long, which byte order, of which kind of header.
Field = collections.namedtuple("Field", "kind name at size order")


def fields(kind, base, order, table):
    return [Field(kind, name, base + at, size, order) for name, at, size in table]


# ---- the containers --------------------------------------------------------------------

EHDR = (("class", 4, 1), ("data", 5, 1), ("version", 6, 1), ("type", 16, 2),
        ("machine", 18, 2), ("version", 20, 4), ("entry", 24, 8), ("phoff", 32, 8),
        ("shoff", 40, 8), ("flags", 48, 4), ("ehsize", 52, 2), ("phentsize", 54, 2),
        ("phnum", 56, 2), ("shentsize", 58, 2), ("shnum", 60, 2), ("shstrndx", 62, 2))
PHDR_FIELDS = (("type", 0, 4), ("flags", 4, 4), ("offset", 8, 8), ("vaddr", 16, 8),
               ("paddr", 24, 8), ("filesz", 32, 8), ("memsz", 40, 8), ("align", 48, 8))
NHDR = (("namesz", 0, 4), ("descsz", 4, 4), ("type", 8, 4))
KDUMP = (("magic", 0, 8), ("version", 8, 4), ("machine", 272, 8), ("status", 424, 4),
         ("block_size", 428, 4), ("sub_hdr_size", 432, 4), ("bitmap_blocks", 436, 4),
         ("max_mapnr", 440, 4), ("total_ram_blocks", 444, 4), ("nr_cpus", 456, 4))
SUB = (("phys_base", 0, 8), ("dump_level", 8, 4), ("split", 12, 4), ("start_pfn", 16, 8),
       ("end_pfn", 24, 8), ("offset_vmcoreinfo", 32, 8), ("size_vmcoreinfo", 40, 8),
       ("offset_note", 48, 8), ("size_note", 56, 8), ("max_mapnr_64", 96, 8))
DESCRIPTOR = (("offset", 0, 8), ("size", 8, 4), ("flags", 12, 4), ("page_flags", 16, 8))
LIME = (("magic", 0, 4), ("version", 4, 4), ("first", 8, 8), ("last", 16, 8),
        ("reserved", 24, 8))
SHDR = (("name", 0, 4), ("type", 4, 4), ("flags", 8, 8), ("addr", 16, 8), ("offset", 24, 8),
        ("size", 32, 8), ("link", 40, 4), ("info", 44, 4), ("align", 48, 8), ("entsize", 56, 8))
HEADERS = {"ELF header": EHDR, "program header": PHDR_FIELDS, "note": NHDR,
           "VBCORE note": (("magic", 0, 4), ("version", 4, 4), ("size", 8, 4),
                           ("product", 12, 4), ("revision", 16, 4), ("cpus", 20, 4)),
           "section header": SHDR, "Xen page list": (("frame", 0, 8),),
           "VMware header": (("magic", 0, 4), ("version", 4, 4), ("groups", 8, 4)),
           "VMware group": (("name", 0, 8), ("offset", 64, 8), ("size", 72, 8)),
           "VMware tag": (("flags", 0, 1), ("length", 1, 1), ("name", 2, 4)),
           "VMware region": (("value", 0, 4),), "VMware index": (("index", 0, 4),),
           "VMware block": (("size", 0, 8), ("unpacked", 8, 8), ("padding", 16, 2)),
           "LiME header": LIME, "AVML header": LIME, "AVML length": (("length", 0, 8),),
           "snappy chunk": (("type", 0, 1), ("length", 1, 3), ("checksum", 4, 4),
                            ("unpacked", 8, 1))}
FLAT = (("type", 16, 8), ("version", 24, 8))
CHUNK = (("offset", 0, 8), ("size", 8, 8))


def program_headers(core):
    phoff, = struct.unpack_from("<Q", core, 32)
    phnum, = struct.unpack_from("<H", core, 56)
    return [(at, struct.unpack_from(PHDR, core, at))
            for at in range(phoff, phoff + 56 * phnum, 56)]


def note_fields(data, at, size):
    end = at + size
    while at < end:
        namesz, descsz = struct.unpack_from("<II", data, at)
        yield from fields("note", at, "<", NHDR)
        at += 12 + (namesz + 3 & ~3) + (descsz + 3 & ~3)


def elf(core):
    """The core itself, and its fields."""
    found = fields("ELF header", 0, "<", EHDR)
    for at, (kind, _, offset, _, _, filesz, *_) in program_headers(core):
        found += fields("program header", at, "<", PHDR_FIELDS)
        if kind == 4:
            found += note_fields(core, offset, filesz)
    return core, found


def written(kind, core):
    """The core in another container, and the fields of its headers."""
    data, places = writers.WRITERS[kind](writers.Core(core))
    return data, [field for header, at in places.items() for place in at
                  for field in fields(header, place, "<", HEADERS.get(header, ()))]


def kdump(dump):
    sub, bitmaps, = struct.unpack_from("<II", dump, 432)
    note, size = struct.unpack_from("<QQ", dump, BLOCK + 48)
    second = (1 + sub) * BLOCK + bitmaps // 2 * BLOCK
    descriptors = (1 + sub + bitmaps) * BLOCK
    bits = dump[second:descriptors]
    found = (fields("kdump header", 0, "<", KDUMP) +
             fields("kdump sub header", BLOCK, "<", SUB) + list(note_fields(dump, note, size)))
    for at in range(0, len(bits), 8):
        if any(bits[at:at + 8]):
            found.append(Field("kdump bitmap", "word", second + at, 8, "<"))
    for i in range(sum(byte.bit_count() for byte in bits)):
        found += fields("page descriptor", descriptors + 24 * i, "<", DESCRIPTOR)
    return dump, found


def flattened(dump):
    """In chunks of 16 KiB, as QEMU's writer does."""
    out = bytearray(b"makedumpfile\0\0\0\0" + struct.pack(">QQ", 1, 1)).ljust(BLOCK, b"\0")
    found = fields("flattened header", 0, ">", FLAT)
    for at in range(0, len(dump), 4 * BLOCK):
        chunk = dump[at:at + 4 * BLOCK]
        found += fields("chunk header", len(out), ">", CHUNK)
        out += struct.pack(">QQ", at, len(chunk)) + chunk
    found += fields("chunk header", len(out), ">", CHUNK)
    return bytes(out + struct.pack(">qq", -1, -1)), found


# Those that tests/common/writers.py writes, and which options they need.
WRITTEN = (("LiME", "lime", ["--format", "i386"]), ("AVML", "avml", ["--format", "i386"]),
           ("VirtualBox", "vbox", []), ("Xen", "xen", []), ("VMware", "vmware", []))


def all_of(core, dump):
    """(name, (bytes, fields), options) of every container."""
    yield "ELF", elf(core), []
    yield "kdump", kdump(dump), []
    yield "flattened", flattened(dump), []
    for name, kind, options in WRITTEN:
        yield name, written(kind, core), options


# ---- one field -------------------------------------------------------------------------

def values(field, old, chance):
    ones = (1 << 8 * field.size) - 1
    return {"0": 0, "1": 1, "ones": ones, "sign": ones // 2 + 1, "+1": old + 1 & ones,
            "-1": old - 1 & ones, "doubled": 2 * old & ones,
            "random": chance.getrandbits(8 * field.size)}


def altered(data, field, value):
    order = "little" if field.order == "<" else "big"
    end = field.at + field.size
    return data[:field.at] + value.to_bytes(field.size, order) + data[end:]


# ---- all of it -------------------------------------------------------------------------

def sample(found, n, chance):
    """n of each field of each kind of header; None: all."""
    groups = collections.defaultdict(list)
    for field in found:
        groups[field.kind].append(field)
    for group in groups.values():
        yield from group if n is None else chance.sample(group, min(n, len(group)))


def sweep(tap, tool, name, container, n, pool):
    chance = random.Random(name)
    data, found = container
    whole = tool.run(data, name)
    tap.case(f"{name}: whole", whole[0] in (0, 1), whole)
    runs, seen = [], collections.Counter()
    for field in sample(found, n, chance):
        old = int.from_bytes(data[field.at:field.at + field.size],
                             "little" if field.order == "<" else "big")
        runs += [(field, how, value) for how, value in values(field, old, chance).items()
                 if value != old]
    answers = pool.map(lambda run: tool.run(altered(data, run[0], run[2]), name), runs)
    bad = collections.defaultdict(list)
    for (field, how, value), answer in zip(runs, answers):
        seen[answer[0]] += 1
        said = wrong(whole, answer)
        if said:
            bad[field.kind].append(f"{field.name} at {field.at:#x} is {value:#x} ({how}): "
                                   f"{said}")
    for kind in dict.fromkeys(field.kind for field, *_ in runs):
        tap.case(f"{name}: {kind}: {sum(run[0].kind == kind for run in runs)} values",
                 kind not in bad, "\n".join(bad[kind]))
    tap.note(f"{name}: " + ", ".join(f"exit {s}: {k}" for s, k in sorted(seen.items())))


def main(n, tool, core, dump):
    n = None if os.environ.get("WS_TORTURE_STEP") == "1" else int(n)
    tap = tap_module.Tap()
    with open(core, "rb") as file:
        core = file.read()
    with open(dump, "rb") as file:
        dump = file.read()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for name, container, options in all_of(core, dump):
            sweep(tap, Tool(tool, options), name, container, n, pool)
    return tap.end()


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
