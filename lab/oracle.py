"""QEMU's own translation of any address by any registers: a machine of the guest's kind
gets the memory of a dump, its processor's registers are set, and it is asked where an
address leads. It never runs what lies in that memory.

Only RISC-V's registers can be set from outside. ARM's and AArch64's processor is stepped
through a few instructions of a ROM, which write them; it starts there after each reset."""

import contextlib
import pathlib
import re
import socket
import struct
import subprocess
import tempfile
import time

from . import elf, qmp
from .gdbstub import Stub
from .util import LabError, need

CHUNK = 1 << 20
END = 4 << 20  # at one of its memory's ends a machine has its device tree after a reset
RESET_S = 60
FOUND = re.compile(r"gpa: 0x([0-9a-f]+)")


# ---- the memory of a dump -------------------------------------------------------------

def memory_of(dump, into):
    """Copy a dump's RAM, its largest segment, into a file, holes kept; its size, and what
    lies at its ends, (offset, bytes) of each."""
    with open(dump, "rb") as core:
        _, offset, size = max(elf.segments(core), key=lambda segment: segment[2])
        core.seek(offset)
        for at in range(0, size, CHUNK):
            data = core.read(min(CHUNK, size - at))
            if data.count(0) != len(data):
                into.seek(at)
                into.write(data)
        ends = []
        for at in 0, max(0, size - END):
            core.seek(offset + at)
            ends.append((at, core.read(END)))
    into.truncate(size)
    into.flush()
    return size, ends


# ---- how each processor is given its registers ------------------------------------------

def mcr(register, crn, op1, crm, op2):
    """MCR p15, op1, r<register>, c<crn>, c<crm>, op2 (Arm ARM for ARMv7-A, A8.8.98)."""
    return 0xee000f10 | op1 << 21 | crn << 16 | register << 12 | op2 << 5 | crm


def mcrr(low, high, op1, crm):
    """MCRR p15, op1, r<low>, r<high>, c<crm> (A8.8.99)."""
    return 0xec400f00 | high << 16 | low << 12 | op1 << 4 | crm


def msr(register, op1, crn, crm, op2):
    """MSR S3_<op1>_c<crn>_c<crm>_<op2>, x<register> (Arm ARM, C6.2)."""
    return 0xd5180000 | op1 << 16 | crn << 12 | crm << 8 | op2 << 5 | register


# Instructions, and of which system register's value each general register has what part,
# the lowest bit of it first. What turns translation on comes last.
ARM = ([mcr(0, 2, 0, 0, 2), mcrr(1, 2, 0, 2), mcrr(3, 4, 1, 2), mcr(5, 3, 0, 0, 0),
        mcr(6, 10, 0, 2, 0), mcr(7, 10, 0, 2, 1), mcr(8, 1, 0, 0, 0)],
       [("TTBCR", 0), ("TTBR0", 0), ("TTBR0", 32), ("TTBR1", 0), ("TTBR1", 32),
        ("DACR", 0), ("MAIR0", 0), ("MAIR1", 0), ("SCTLR", 0)], "r", 32)
ARM64 = ([msr(0, 0, 2, 0, 2), msr(1, 0, 2, 0, 0), msr(2, 0, 2, 0, 1), msr(3, 0, 10, 2, 0),
          msr(4, 0, 1, 0, 0)],
         [("TCR_EL1", 0), ("TTBR0_EL1", 0), ("TTBR1_EL1", 0), ("MAIR_EL1", 0),
          ("SCTLR_EL1", 0)], "x", 64)
# RISC-V's: what a boot loader sets (all physical memory is supervisor mode's, privileged
# spec, "Physical Memory Protection"), and rights in the way of no question (SUM, MXR).
SUPERVISOR = 1
RISCV = {"pmpaddr0": (1 << 54) - 1, "pmpcfg0": 0x1f, "mstatus": 0xa000c0000,
         "priv": SUPERVISOR}
STEPPED = {"armhf": ARM, "arm64": ARM64}


class Oracle:
    """`conf`: the guest's kernel's section of kernels.conf."""

    def __init__(self, conf, dump):
        self.arch, self.stack = conf["arch"], contextlib.ExitStack()
        with contextlib.ExitStack() as stack:
            self.folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
            with open(self.folder / "memory", "wb") as memory:
                size, self.ends = memory_of(dump, memory)
            self.argv = [
                need(conf["qemu"], conf["qemu"]), "-nodefaults", "-display", "none", "-S",
                "-accel", "tcg", "-cpu", conf["cpu"], "-m", f"{size >> 20}",
                "-machine", f"{conf['machine']},memory-backend=ram", "-object",
                f"memory-backend-file,id=ram,size={size},mem-path={self.folder / 'memory'},"
                "share=on",
                *self.firmware()]
            self.start(stack)
            self.stack = stack.pop_all()

    def firmware(self):
        if self.arch not in STEPPED:
            return ["-bios", "none"]
        code = STEPPED[self.arch][0]
        (self.folder / "rom").write_bytes(struct.pack(f"<{len(code)}I", *code))
        return ["-bios", str(self.folder / "rom")]

    def start(self, stack):
        ours, theirs = (stack.enter_context(end) for end in socket.socketpair())
        process = subprocess.Popen(
            [*self.argv, "-chardev", f"socket,id=qmp,fd={theirs.fileno()}",
             "-mon", "chardev=qmp,mode=control"],
            pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)
        stack.callback(lambda: (process.kill(), process.wait()))
        theirs.close()
        self.qmp = stack.enter_context(ours.makefile("rwb"))
        self.command("qmp_capabilities")
        self.stub = Stub(self, self.folder / "gdb")
        stack.callback(self.stub.close)
        self.stub.describe()
        self.mend()

    def mend(self):
        """What the machine has put into its memory goes again."""
        with open(self.folder / "memory", "r+b") as memory:
            for at, data in self.ends:
                memory.seek(at)
                memory.write(data)

    def read(self):
        line = self.qmp.readline()
        if not line:
            raise LabError(f"QEMU ended: {' '.join(self.argv)}")
        return line

    def command(self, name, **arguments):
        try:
            return qmp.ask(self.qmp, self.read, name, arguments)
        except qmp.Refused as error:
            raise LabError(f"QEMU refused {name}: {error}") from None

    def monitor(self, line, cpu=0):
        return qmp.human(self.command, line, cpu)

    def reset(self):
        """Back to the ROM's first instruction. A reset is carried out some time later."""
        self.stub.write("pc", 4)
        self.command("system_reset")
        end = time.monotonic() + RESET_S
        while self.stub.read("pc"):
            if time.monotonic() > end:
                raise LabError("QEMU did not reset its machine")
        self.mend()

    def set(self, registers):
        """Give the processor these system registers, and a privileged mode."""
        if self.arch not in STEPPED:
            for name, value in {**RISCV, "satp": registers["satp"]}.items():
                self.stub.write(name, value)
            return
        code, parts, prefix, bits = STEPPED[self.arch]
        self.reset()
        for number, (name, shift) in enumerate(parts):
            self.stub.write(f"{prefix}{number}",
                            registers.get(name, 0) >> shift & ((1 << bits) - 1))
        for _ in code:
            self.stub.step()

    def translate(self, address):
        """Where it leads, or None."""
        found = FOUND.search(self.monitor(f"gva2gpa {address:#x}"))
        return int(found[1], 16) if found else None

    def close(self):
        self.stack.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
