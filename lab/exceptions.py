"""QEMU's log of exceptions and resets (log int,cpu_reset; target/i386/tcg/seg_helper.c and
excp_helper.c), read as it comes: nested faults can make gigabytes of it."""

import collections
import os
import re
import threading

KEPT = 12  # lines that are kept, from the end
CHUNK = 1 << 20
ADDRESSES = 64  # of page faults in the kernel's memory that are counted one by one
USER = 0xc0000000, 1 << 63  # ends of user memory, for 32 bits and for 64
# An event's first line, but for its number. Its registers follow, in lines without ": v=".
EVENT = re.compile(rb": v=(..) e=(\w+) i=. cpl=(.) IP=(\w+):(\w+) pc=\w+ "
                   rb"SP=(\w+):(\w+)(?: CR2=(\w+))?[^\n]*")
Event = collections.namedtuple("Event", "vector error cpl cs ip ss sp address")
# Said before an event that is met while another is delivered (check_exception()).
NESTED = re.compile(rb"check_exception old: 0x(?!f{8})\w+ new")
FAULTS = b"06", b"0d", b"0e"  # what an oops is of: #UD, #GP, #PF
CR3 = re.compile(rb"CR3=(\w+)")
WHOLE = b" CR4="  # behind what is read of an event


def hexadecimal(text):
    return f"{int(text, 16):#x}"


def of_event(event, text):
    """What the processor had to deliver, and its registers as QEMU prints them."""
    lines = text.decode(errors="replace").splitlines()[1:-1]
    found = {"vector": int(event.vector, 16), "error": hexadecimal(event.error),
             "cpl": int(event.cpl), "cs": hexadecimal(event.cs),
             "ip": hexadecimal(event.ip), "ss": hexadecimal(event.ss),
             "sp": hexadecimal(event.sp), "address": None,
             "cr3": hexadecimal(CR3.search(text)[1]),
             "registers": [line.strip() for line in lines
                           if not line.startswith("check_exception")]}
    if event.address:
        found["address"] = hexadecimal(event.address)
    return found


class Storm:
    """Page faults of which each but the first is that the handler of the one before could
    not be fetched, until there is a double fault."""

    def __init__(self):
        self.faults = 0  # with the first
        self.first = self.text = self.sp = self.second = None
        self.before = None, b""  # the event before, as long as there is no storm
        self.ending = None
        self.then = []  # the first lines of what followed

    def see(self, event, text):
        """Take an event, and all that the log has on it."""
        if self.ending:
            if len(self.then) < KEPT:
                self.then.append(text.split(b"\n", 1)[0][2:].decode(errors="replace"))
        elif self.nests(event):
            if not self.faults:
                self.first, self.text = self.before
            elif self.faults == 2 and event.ip != self.second[0].ip:
                # no handler could not be fetched then: this is what it began with
                self.first, self.text = self.second
                self.faults = 1
            self.faults = (self.faults or 1) + 1
            if self.faults == 2:
                self.second = event, text
            self.sp = event.sp
        elif self.faults and event.vector == b"08":
            triple = b"\nTriple fault" in text
            self.ending, self.sp = "triple fault" if triple else "double fault", event.sp
        else:
            self.faults, self.before = 0, (event, text)

    def nests(self, event):
        """What cannot be fetched in kernel mode is the handler of a page fault."""
        before = self.before[0]
        return event.vector == b"0e" and event.cpl == b"0" and \
            event.ip == event.address and before and before.vector == b"0e"

    def as_data(self):
        """The first fault; how many there were; the last stack pointer."""
        if not self.faults:
            return None
        return {"first": of_event(self.first, self.text),
                "page_faults": self.faults, "last_sp": hexadecimal(self.sp),
                "ending": self.ending, "then": self.then}


class Deliveries:
    """What was being delivered when the processor met its first double fault; and of each
    kind of fault in kernel mode the first, one of which may be what an oops is of."""

    def __init__(self):
        self.nested = False  # the next event is met while this one is delivered
        self.chain, self.fatal, self.kernel = [], [], {}

    def see(self, event, text):
        if not self.nested:
            self.chain = []
        if len(self.chain) < KEPT:
            self.chain.append((event, text))
        if event.vector == b"08" and not self.fatal:
            self.fatal = self.chain
        if event.cpl == b"0" and event.vector in FAULTS and len(self.kernel) < ADDRESSES:
            self.kernel.setdefault((event.vector, event.address), (event, text))
        self.nested = bool(NESTED.search(text))

    def as_data(self):
        return {"fatal": [of_event(*event) for event in self.fatal],
                "kernel": [of_event(*event) for event in self.kernel.values()]}


class ExceptionLog(threading.Thread):
    """Counts by vector and address; the last lines; the first storm of nested faults."""

    MARK = b": v="  # in each event's first line

    def __init__(self):
        super().__init__(daemon=True)
        self.read_end, self.write_end = os.pipe()
        self.vectors, self.addresses = collections.Counter(), collections.Counter()
        self.triple_fault = False
        self.last = collections.deque(maxlen=KEPT)
        self.storm, self.deliveries = Storm(), Deliveries()

    def run(self):
        text = b""
        with open(self.read_end, "rb", 0) as log:
            while chunk := log.read(CHUNK):
                text = self.take(text + chunk)
        if WHOLE in text:  # one that QEMU's end has cut off is none
            self.take(text + self.MARK)

    def take(self, text):
        """Count the events that are there as a whole, which is known by the next one;
        return the rest."""
        start = text.find(self.MARK)
        while (end := text.find(self.MARK, start + 1)) > start >= 0:
            self.count(text[start:end])
            start = end
        return text[max(start, 0):]

    def count(self, text):
        found = EVENT.match(text)
        event = Event(*found.groups())
        self.last.append(found[0])
        self.vectors[event.vector] += 1
        self.triple_fault |= event.vector == b"08" and b"Triple fault" in text
        if event.address:
            self.count_address(int(event.address, 16))
        self.storm.see(event, text)
        self.deliveries.see(event, text)

    def count_address(self, address):
        if address >= USER[address > 0xffffffff] and \
           (address in self.addresses or len(self.addresses) < ADDRESSES):
            self.addresses[address] += 1

    def as_data(self):
        """What is known when the machine has ended."""
        vectors = {vector.decode(): n for vector, n in sorted(self.vectors.items())}
        last = [line.decode(errors="replace")[2:] for line in self.last]
        return {"exceptions": vectors,
                "page_faults": {f"{address:#x}": n for address, n in
                                self.addresses.most_common()},
                "triple_fault": self.triple_fault, "storm": self.storm.as_data(),
                **self.deliveries.as_data(),
                "qemu": last + ["Triple fault"] * self.triple_fault}
