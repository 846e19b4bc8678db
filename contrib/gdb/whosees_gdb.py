# SPDX-License-Identifier: LGPL-2.1-or-later
"""Commands for gdb that ask whosees about the machine which this gdb session is about.

    (gdb) source whosees_gdb.py
    (gdb) target remote :1234
    (gdb) whosees probe vfs_read 0xf8000000

Of a QEMU behind its gdbstub memory is read by this session, in the stub's physical mode, which
is set back afterwards; of a core file by the library, which knows its registers too.
"""

import re
import tempfile

import gdb
import whosees

PHYSICAL = "maintenance packet {}qemu.PhyMemMode{}"
RAM = re.compile(r"^\s+([0-9a-f]{16})-([0-9a-f]{16}) \(prio -?\d+, ram\): (?!.*\b(rom|bios|vga))",
                 re.M)
CORE = re.compile(r"Local core dump file:\n\s*`(.*)', file type")


def said(command):
    return gdb.execute(command, to_string=True)


def stub_mode():
    """Whether the stub's addresses are physical ("1"), or virtual ("0"); or it has no such mode."""
    try:
        found = re.search(r'received: "(.*)"', said(PHYSICAL.format("q", "")))
    except gdb.error as error:
        raise gdb.GdbError(f"this session is about no machine: core-file FILE, or target remote "
                           f"HOST:PORT ({error})") from error
    if not found or found[1] not in ("0", "1"):
        raise gdb.GdbError("the remote stub has no physical memory mode, as QEMU's has: open a "
                           "core file, or use the command whosees with qemu:SOCKET")
    return found[1]


def extents():
    """(address, size) of the guest's RAM, by the monitor behind the stub."""
    system = re.split(r"^FlatView", said("monitor info mtree -f"), flags=re.M)
    view = next((v for v in system if '"memory"' in v or "Root memory region: system" in v), "")
    found = [(int(first, 16), int(last, 16) - int(first, 16) + 1)
             for first, last, _ in RAM.findall(view)]
    if not found:
        raise gdb.GdbError("the monitor behind the stub names no RAM (monitor info mtree -f)")
    return found


class Memory:
    """Physical memory as the stub gives it, each block once: it is slow, and all of memory is
    passed over several times. What was read lies in a temporary file."""

    BLOCK = 1 << 20

    def __init__(self):
        self.file, self.kept = tempfile.TemporaryFile(), set()

    def take(self, block):
        """Whether all of that block is to be had."""
        if block not in self.kept:
            try:
                data = gdb.selected_inferior().read_memory(block * self.BLOCK, self.BLOCK)
            except gdb.MemoryError:
                return False
            self.file.seek(block * self.BLOCK)
            self.file.write(data)
            self.kept.add(block)
        return True

    def read(self, address, size):
        """Bytes of physical memory, or None."""
        blocks = range(address // self.BLOCK, (address + size - 1) // self.BLOCK + 1)
        if all([self.take(block) for block in blocks]):
            self.file.seek(address)
            return self.file.read(size)
        try:
            return bytes(gdb.selected_inferior().read_memory(address, size))
        except gdb.MemoryError:
            return None


class Format(gdb.Parameter):
    """The paging format of the memory that this session reads; empty: as memory shows it."""

    set_doc = "Set the paging format that whosees takes memory to have."
    show_doc = "Show the paging format that whosees takes memory to have."

    def __init__(self):
        super().__init__("whosees-format", gdb.COMMAND_DATA, gdb.PARAM_STRING)
        self.value = ""

    def get_set_string(self):
        return ""

    def get_show_string(self, value):
        return f"The paging format is {value or 'as memory shows it'}."


FORMAT = Format()


class Session:
    """The machine of this gdb session, for one command."""

    def __enter__(self):
        self.mode = None
        core = CORE.search(said("info files"))
        if core:
            self.machine = whosees.open(core[1])
            return self.machine
        self.mode = stub_mode()
        said(PHYSICAL.format("Q", ":1"))
        said("maintenance flush dcache")
        try:
            self.machine = whosees.over(Memory().read, extents(), name="gdb's session",
                                        format=FORMAT.value or None)
        except BaseException:
            self.leave()
            raise
        return self.machine

    def leave(self):
        if self.mode is not None:
            said(PHYSICAL.format("Q", f":{self.mode}"))
            said("maintenance flush dcache")

    def __exit__(self, *_):
        self.machine.close()
        self.leave()


def what(word):
    """A number, or a symbol as the kernel in memory has it."""
    try:
        address = int(word, 0)
    except ValueError:
        return word
    if not 0 <= address < 1 << 64:
        raise gdb.GdbError(f"{word} is no address")
    return address


def spaces(machine, _):
    for space in machine.spaces:
        print(f"{space.pid:>7} {space.comm:20} {space.kind:8} root {space.root:#x}")


def probe(machine, words):
    if not words:
        raise gdb.GdbError("what is looked for? whosees probe WHAT...")
    for space in (s for s in machine.spaces if s.counts):
        for word in words:
            walk = machine.walk(space, what(word))
            step = walk.steps[-1].level if walk.steps else "no"
            end = f"page {walk.physical:#x}" if walk.end is whosees.End.PAGE else \
                f"{walk.end.name.lower()} at the {step}"
            print(f"{space.pid:>7} {space.comm:20} {word}: {end}")


def audit(machine, _):
    done = machine.audit()
    for judgement in done.judgements:
        if judgement.verdict != "coherent":
            print(f"{judgement.space.pid:>7} {judgement.space.comm:20} {judgement.verdict}")
    for finding in done.findings:
        print(f"{finding.severity}: {finding.rule.id}: {finding.text}")
    for note in done.notes:
        print(f"note: {note}")
    n = len(done.findings)
    print(f"{n} finding{'' if n == 1 else 's'} in {len(done.judgements)} address spaces")


COMMANDS = {"spaces": spaces, "probe": probe, "audit": audit}


class Whosees(gdb.Command):
    """Which address spaces of the machine see a kernel address, which do not, and why.

whosees spaces           the address spaces
whosees probe WHAT...    how the walk of an address or symbol ends in each
whosees audit            what diverges from init_mm, and what it comes to"""

    def __init__(self):
        super().__init__("whosees", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        words = gdb.string_to_argv(argument)
        if not words or words[0] not in COMMANDS:
            raise gdb.GdbError(f"whosees {'|'.join(COMMANDS)}: see help whosees")
        try:
            with Session() as machine:
                COMMANDS[words[0]](machine, words[1:])
        except whosees.Error as error:
            raise gdb.GdbError(f"whosees: {error}") from error

    def complete(self, text, word):
        return [name for name in COMMANDS if name.startswith(text)]


Whosees()
