"""Dumps as a crashed machine would have saved them, without zero, cache, user and free
pages: makedumpfile -d 31 on the ELF dump.

makedumpfile reads dumps of its own architecture only, so it is the guest's, from the
packages, run by its own dynamic loader, which qemu-user runs where the kernel does not."""

import shutil
import tempfile

from . import packages
from .elf import EHDR, PHDR, PT_LOAD
from .util import LabError, run

# In parts: of 1 MiB blocks of memory, for all of it fits in one of the usual 1 GiB.
SPLIT = ["-c", "--split", "--splitblock-size", "1024"]
OPTIONS = {"zlib": ["-c"], "lzo": ["-l"], "snappy": ["-p"], "zstd": ["-z"], "elf": ["-E"],
           "split": SPLIT}
PARTS = 3


def names(form):
    """Of the files that makedumpfile writes in that form."""
    if form == "split":
        return [f"dump.split-{i}" for i in range(PARTS)]
    return [f"dump.filtered-{form}"]


def like_vmcore(dump, out, page_offset):
    """Copy QEMU's 64-bit ELF core as the kernel's /proc/vmcore is laid out, which is all
    that makedumpfile knows:

    - program headers next to the ELF header. QEMU has had section headers between them
      since 7.2 (cb415fd61e48);
    - RAM only, not the firmware's flash, which ends at 4 GiB: makedumpfile would look for
      a struct page up to there;
    - p_vaddr in the direct map: on i386 it knows no other way to physical memory."""
    head = list(EHDR.unpack(dump.read(EHDR.size)))
    phoff, count = head[5], head[10]
    dump.seek(phoff)
    rows = [list(PHDR.unpack(dump.read(PHDR.size))) for _ in range(count)]
    rows = [row for row in rows if row[4] + row[6] != 1 << 32]
    body = min(row[2] for row in rows)
    moved = EHDR.size + len(rows) * PHDR.size - body
    head[5:7] = EHDR.size, 0  # e_phoff; no section headers
    head[8:] = EHDR.size, PHDR.size, len(rows), 0, 0, 0
    out.write(EHDR.pack(*head))
    for row in rows:
        row[2] += moved
        if row[0] == PT_LOAD:
            row[3] = page_offset + row[4]
        out.write(PHDR.pack(*row))
    dump.seek(body)
    shutil.copyfileobj(dump, out, 1 << 20)
    out.flush()


def write(forms, program, page_offset, work):
    """The files of each of `forms` in `work`, from its dump.elf."""
    with tempfile.NamedTemporaryFile(dir=work, prefix=".vmcore.") as vmcore:
        with open(work / "dump.elf", "rb") as dump:
            like_vmcore(dump, vmcore, page_offset)
        for form in forms:
            out = [work / name for name in names(form)]
            try:
                run([*program, *OPTIONS[form], "-d", "31", vmcore.name, *out])
            except LabError as error:
                raise LabError("makedumpfile cannot filter this dump: take "
                               f"{form} out of `filtered` in lab/scenarios.conf\n"
                               f"{error}") from None
            for file in out:
                file.chmod(0o644)


def program(conf, forced=False):
    """Command that runs the makedumpfile of a kernel's architecture; `forced`: by
    qemu-user, whatever this machine runs by itself."""
    return packages.program(conf["suite"], conf["arch"], "makedumpfile", forced)
