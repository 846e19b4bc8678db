"""Dumps without zero, cache, user and free pages, as a crashed machine would have saved
them: makedumpfile -d 31 on the ELF dump."""

import shutil
import struct
import tempfile

from .util import LabError, need, run

EHDR, PHDR = struct.Struct("<16sHHIQQQIHHHHHH"), struct.Struct("<IIQQQQQQ")
OPTION = {"zlib": "-c", "lzo": "-l", "snappy": "-p", "zstd": "-z", "elf": "-E"}


def headers_first(dump, out):
    """Copy a 64-bit ELF core with the program headers next to the ELF header.

    QEMU puts section headers between them since 7.2 (cb415fd61e48); makedumpfile
    takes the program headers to follow the ELF header (its elf_info.c, get_elf64_phdr)."""
    head = list(EHDR.unpack(dump.read(EHDR.size)))
    phoff, count = head[5], head[10]
    dump.seek(phoff)
    rows = [list(PHDR.unpack(dump.read(PHDR.size))) for _ in range(count)]
    body = min(row[2] for row in rows)
    moved = EHDR.size + count * PHDR.size - body
    head[5:7] = EHDR.size, 0  # e_phoff; no section headers
    head[8:] = EHDR.size, PHDR.size, count, 0, 0, 0
    out.write(EHDR.pack(*head))
    for row in rows:
        row[2] += moved
        out.write(PHDR.pack(*row))
    dump.seek(body)
    shutil.copyfileobj(dump, out, 1 << 20)
    out.flush()


def write(forms, work):
    """dump.filtered-FORM in `work` for each of `forms`, from its dump.elf."""
    if not forms:
        return
    with tempfile.NamedTemporaryFile(dir=work, prefix=".headers-first.") as plain:
        with open(work / "dump.elf", "rb") as dump:
            headers_first(dump, plain)
        for form in forms:
            out = work / f"dump.filtered-{form}"
            try:
                run([need("makedumpfile", "makedumpfile"), OPTION[form], "-d", "31",
                     plain.name, out])
            except LabError as error:
                raise LabError(f"makedumpfile cannot filter this dump; take {form} out of "
                               f"`filtered` in lab/scenarios.conf\n{error}") from None
            out.chmod(0o644)
