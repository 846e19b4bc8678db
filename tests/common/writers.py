# SPDX-License-Identifier: LGPL-2.1-or-later
"""The memory and the processors of an ELF core in other containers, written from what their
makers have published; nothing of src/ is in it. Each writer takes a Core and gives its bytes
and where in them headers are: {kind of header: [offset, ...]}."""

import collections
import ctypes
import ctypes.util
import struct

PAGE = 4096

Note = collections.namedtuple("Note", "name type desc")


def aligned(size, to=4):
    return size + to - 1 & -to


def note_bytes(note):
    name = note.name.encode() + b"\0"
    return (struct.pack("<III", len(name), len(note.desc), note.type) +
            name.ljust(aligned(len(name)), b"\0") +
            note.desc.ljust(aligned(len(note.desc)), b"\0"))


class Core:
    """An ELF core of 64 bit, as QEMU and whosees write it."""

    def __init__(self, data):
        self.data = data
        self.memory, self.notes = [], []
        phoff, = struct.unpack_from("<Q", data, 32)
        phnum, = struct.unpack_from("<H", data, 56)
        self.machine, = struct.unpack_from("<H", data, 18)
        for at in range(phoff, phoff + 56 * phnum, 56):
            kind, _, offset, _, pa, size = struct.unpack_from("<IIQQQQ", data, at)
            if kind == 1 and size:
                self.memory.append((pa, data[offset:offset + size]))
            elif kind == 4:
                self.notes += self._notes(offset, offset + size)

    def _notes(self, at, end):
        while at < end:
            namesz, descsz, kind = struct.unpack_from("<III", self.data, at)
            desc = at + 12 + aligned(namesz)
            name = self.data[at + 12:at + 11 + namesz].decode()
            yield Note(name, kind, self.data[desc:desc + descsz])
            at = desc + aligned(descsz)

    def of(self, name):
        return [note.desc for note in self.notes if note.name == name]


def elf_core(memory, notes, machine):
    """memory: [(pa, bytes)]."""
    notes = b"".join(map(note_bytes, notes))
    out = bytearray(struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", 4, machine, 1, 0,
                                64, 0, 0, 64, 56, 1 + len(memory), 64, 0, 0))
    at = aligned(64 + 56 * (1 + len(memory)), 8)
    out += struct.pack("<IIQQQQQQ", 4, 0, at, 0, 0, len(notes), len(notes), 0)
    data = aligned(at + len(notes), PAGE)
    for pa, bytes_ in memory:
        out += struct.pack("<IIQQQQQQ", 1, 0, data, 0, pa, len(bytes_), len(bytes_), 0)
        data += len(bytes_)
    out = out.ljust(at, b"\0") + notes
    out = out.ljust(aligned(len(out), PAGE), b"\0")
    return bytes(out + b"".join(bytes_ for _, bytes_ in memory))


def left_of(core, memory, lacks):
    """The core itself, with no more than that memory and without notes of those names."""
    return elf_core(memory, [note for note in core.notes if note.name not in lacks],
                    core.machine)


# ---- LiME and AVML -----------------------------------------------------------------------

def lime(core):
    """LiME's doc/README.md, version 1."""
    out, places = bytearray(), collections.defaultdict(list)
    for pa, data in core.memory:
        places["LiME header"].append(len(out))
        out += struct.pack("<IIQQQ", 0x4C694D45, 1, pa, pa + len(data) - 1, 0) + data
    return bytes(out), places


CHUNK = 65536
BLOCK = 16 << 20


def crc32c(data, table=[]):
    """RFC 3720."""
    if not table:
        for value in range(256):
            for _ in range(8):
                value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
            table.append(value)
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ table[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def snappy_compress(data):
    library = ctypes.CDLL(ctypes.util.find_library("snappy"))
    size = ctypes.c_size_t(32 + len(data) + len(data) // 6)
    packed = ctypes.create_string_buffer(size.value)
    length = ctypes.c_size_t(len(data))
    if library.snappy_compress(data, length, packed, ctypes.byref(size)):
        raise ValueError("snappy_compress")
    return packed.raw[:size.value]


def snappy_chunk(data):
    """framing_format.txt: packed where that pays, as its writers do."""
    crc = crc32c(data)
    crc = ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
    packed = snappy_compress(data)
    plain = len(packed) >= len(data) - len(data) // 8
    body = struct.pack("<I", crc) + (data if plain else packed)
    return bytes((plain,)) + len(body).to_bytes(3, "little") + body


def blocks(memory):
    """As avml splits ranges; a block of zeroes it leaves out."""
    for pa, data in memory:
        for at in range(0, len(data), BLOCK):
            block = data[at:at + BLOCK]
            if any(block):
                yield pa + at, block


def avml(core):
    """avml src/image.rs."""
    out, places = bytearray(), collections.defaultdict(list)
    for pa, data in blocks(core.memory):
        places["AVML header"].append(len(out))
        out += struct.pack("<IIQQQ", 0x4C4D5641, 2, pa, pa + len(data) - 1, 0)
        begin = len(out)
        places["snappy chunk"].append(begin)
        out += b"\xff\x06\0\0sNaPpY"
        for at in range(0, len(data), CHUNK):
            places["snappy chunk"].append(len(out))
            out += snappy_chunk(data[at:at + CHUNK])
        places["AVML length"].append(len(out))
        out += struct.pack("<Q", len(out) - begin)
    return bytes(out), places


WRITERS = {"lime": lime, "avml": avml}
