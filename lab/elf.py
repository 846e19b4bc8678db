"""ELF cores, as far as the lab reads and writes them (elf.h)."""

import struct

PT_LOAD, PT_NOTE = 1, 4
EHDR, PHDR = struct.Struct("<16sHHIQQQIHHHHHH"), struct.Struct("<IIQQQQQQ")
EHDR32, PHDR32 = struct.Struct("<16sHHIIIIIHHHHHH"), struct.Struct("<IIIIIIII")
CLASS, CLASS64 = 4, 2  # a byte of e_ident


def segments(core):
    """(physical address, offset, size) of what a core of 32 or of 64 bits holds."""
    core.seek(0)
    is64 = core.read(CLASS + 1)[CLASS] == CLASS64
    ehdr, phdr = (EHDR, PHDR) if is64 else (EHDR32, PHDR32)
    core.seek(0)
    head = ehdr.unpack(core.read(ehdr.size))
    core.seek(head[5])
    for _ in range(head[10]):
        fields = phdr.unpack(core.read(phdr.size))
        if fields[0] == PT_LOAD:
            yield (fields[4], fields[2], fields[5]) if is64 else \
                (fields[3], fields[1], fields[4])


def offset_of(core, pa):
    """Where it has physical memory, or None."""
    return next((offset + pa - first for first, offset, size in segments(core)
                 if first <= pa < first + size), None)
