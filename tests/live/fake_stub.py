# SPDX-License-Identifier: LGPL-2.1-or-later
"""A gdbstub as QEMU's, whose machine is an ELF core's (fake_qemu.py): as it should be, or as
a peer is that is slow, lies, talks without end or goes away."""

import pathlib
import re

import fake_qemu

PACKET = 4096
DESCRIPTION = {
    "target.xml": '<?xml version="1.0"?><!DOCTYPE target SYSTEM "gdb-target.dtd"><target>'
                  '<architecture>i386</architecture><xi:include href="core.xml"/></target>',
    "core.xml": '<feature name="core"><reg name="eax" bitsize="32" type="int32" regnum="0"/>'
                '<reg name="cr3" bitsize="32"/><reg name="st0" bitsize="80"/>'
                '<reg name="efer" bitsize="64"/></feature>',
}


def framed(data):
    return b"$%s#%02x" % (data, sum(data) & 255)


class Stub(fake_qemu.Fake):
    """Its guest is fake_qemu's; what it answers otherwise than QEMU a case says by setting
    `answers`, by the first word of a question."""

    def __init__(self, core, folder, running=True, name="gdb"):
        self.physical, self.efer, self.asked = 0, 0x0, []
        self.frame = framed
        self.unasked, self.written = b"", []
        super().__init__(core, folder, running=running, name=name)

    def monitor(self, line):
        text = self.human(line).encode()
        parts = [text[i:i + PACKET // 2 - 8] for i in range(0, len(text), PACKET // 2 - 8)]
        return [b"O" + part.hex().encode() for part in parts] + [b"OK"]

    def read_memory(self, question):
        pa, size = (int(word, 16) for word in question[1:].split(","))
        if size > PACKET // 2 or not self.physical:
            return [b"E22"]
        try:
            offset, room = self.range_of(pa)
        except StopIteration:
            return [b"E14"]
        return [self.memory[offset:offset + min(size, room)].hex().encode()]

    def write_memory(self, question):
        place, data = question[1:].split(":")
        pa, size = (int(word, 16) for word in place.split(","))
        if not self.physical or len(data) != 2 * size:
            return [b"E22"]
        offset, _ = self.range_of(pa)
        self.memory[offset:offset + size] = bytes.fromhex(data)
        self.written.append((pa, int.from_bytes(bytes.fromhex(data), "little")))
        return [b"OK"]

    def document(self, question):
        name, place = re.fullmatch("qXfer:features:read:([^:]+):(.*)", question).groups()
        offset, size = (int(word, 16) for word in place.split(","))
        text = DESCRIPTION.get(name, "").encode()
        part = text[offset:offset + min(size, 40)]
        return [(b"m" if offset + len(part) < len(text) else b"l") + part]

    def answers_to(self, question):
        word = re.match(r"[A-Za-z]+\.?", question)[0]
        self.asked.append(word if word != "qRcmd" else bytes.fromhex(question[6:]).decode())
        if self.asked[-1] in self.answers:
            return self.answers[self.asked[-1]]
        if question.startswith("qSupported"):
            return [b"PacketSize=%x;qXfer:features:read+" % PACKET]
        if question == "qqemu.PhyMemMode":
            return [b"%d" % self.physical]
        if question.startswith("Qqemu.PhyMemMode:"):
            self.physical = int(question[-1])
            return [b"OK"]
        if question.startswith("qRcmd,"):
            return self.monitor(bytes.fromhex(question[6:]).decode())
        if question.startswith("qXfer"):
            return self.document(question)
        if question[0] == "H":
            return [b"OK"]
        if question[0] == "p":
            return [self.efer.to_bytes(8, "little").hex().encode()]
        if question[0] == "m":
            return self.read_memory(question)
        if question[0] == "M":
            return self.write_memory(question)
        if question in ("Z2,fff,2", "z2,fff,2"):
            return [b"OK"]
        if question == "D":
            self.running = True
            return [b"OK"]
        return [b""]

    def reply(self, client, question):
        answers = self.answers_to(question)
        if self.hang_up_at == self.asked[-1]:
            return False
        if self.silent_at == self.asked[-1]:
            self.unheard.set()
            return True
        client.sendall(b"+" + self.unasked + b"".join(map(self.frame, answers)))
        return True

    def talk(self, client):
        if self.running:
            self.running = False
            client.sendall(framed(b"T02thread:01;"))
        client.sendall(self.greeting if self.greeting[:1] != b"{" else b"")
        text = b""
        while data := client.recv(65536):
            text += data
            while match := re.match(rb"[^$]*\$([^#]*)#(..)", text, re.S):
                text = text[match.end():]
                assert int(match[2], 16) == sum(match[1]) & 255
                if not self.reply(client, match[1].decode()):
                    return


class Opened(Stub):
    """One that a fake QEMU opens when it is told to (`gdbserver`), of the same machine."""

    def __init__(self, qemu, path):
        super().__init__(qemu.file.name, path.parent, running=False, name=path.name)
        self.memory.close()
        self.memory = qemu.memory


def opens_stubs(qemu):
    """Gives the fake QEMU that command. Returns the list of those that were opened."""
    human, stubs = qemu.human, []

    def answer(line):
        if line == "gdbserver none":
            return "Disabled gdbserver\r\n"
        if not line.startswith("gdbserver unix:"):
            return human(line)
        stubs.append(Opened(qemu, pathlib.Path(line.split(":")[1].split(",")[0])))
        return "Waiting for gdb connection on device\r\n"
    qemu.human = answer
    return stubs


def run_lengths(data):
    """The same packet with runs of one byte shortened, and some bytes escaped."""
    def run(match):
        n = len(match[0]) - 1
        while n + 29 in (ord("#"), ord("$"), ord("+"), ord("-")) or n > 97:
            n -= 1
        rest = len(match[0]) - 1 - n
        return match[0][:1] + b"*" + bytes([n + 29]) + match[0][:1] * rest

    data = data.replace(b"T", b"}" + bytes([ord("T") ^ 0x20]))
    return framed(re.sub(rb"([0-9a-f])\1{3,90}", run, data))
