"""QEMU's log of exceptions on ARM, AArch64 and RISC-V (log int; arm_log_exception() in
target/arm/helper.c, riscv_cpu_do_interrupt() in target/riscv/cpu_helper.c)."""

import re

from .exceptions import ExceptionLog, hexadecimal

# Which exception, where it was taken and the address it is about, as far as it is said.
ARM = re.compile(rb"Taking exception \d+ \[([^]]+)\]")
ABORT = re.compile(rb"with [DI]FSR 0x\w+ [DI]FAR 0x(\w+)|with FAR 0x(\w+)")
RISCV = re.compile(rb"riscv_cpu_do_interrupt: [^\n]*cause:(\w+)[^\n]*tval:0x(\w+), "
                   rb"desc=(\w+)")


class Repetition:
    """The longest run of events that are the same abort at the same address: a handler
    that cannot be fetched is aborted on for ever."""

    sp = None  # nothing goes down on a stack

    def __init__(self):
        self.event, self.count, self.longest = None, 0, (0, None)

    def see(self, event):
        self.count = self.count + 1 if event == self.event else 1
        self.event = event
        if event[1] and self.count > self.longest[0]:
            self.longest = self.count, event

    def as_data(self):
        count, event = self.longest
        return event and {"exception": event[0].decode(), "address": hexadecimal(event[1]),
                          "times": count}


class AbortLog(ExceptionLog):
    """Counts by name and address; the last; the longest run of one abort."""

    def __init__(self, arch):
        super().__init__()
        self.riscv = arch == "riscv64"
        self.MARK = b"riscv_cpu_do_interrupt:" if self.riscv else b"Taking exception "
        self.storm = Repetition()

    def event(self, text):
        """Its name, and the address that it is about."""
        if self.riscv:
            found = RISCV.match(text)
            return (found[3], found[2]) if found else None
        name, address = ARM.match(text), ABORT.search(text)
        return (name[1], address and (address[1] or address[2])) if name else None

    def count(self, text):
        event = self.event(text)
        if not event:
            return
        self.last.append(text.split(b"\n", 1)[0])
        self.vectors[event[0]] += 1
        if event[1]:
            self.count_address(int(event[1], 16))
        self.storm.see(event)

    def as_data(self):
        return {"exceptions": {name.decode(): n for name, n in self.vectors.items()},
                "page_faults": {f"{address:#x}": n for address, n in
                                self.addresses.most_common()},
                "repeated": self.storm.as_data(),
                "qemu": [line.decode(errors="replace") for line in self.last]}
