"""QEMU's gdbstub, by gdb's own protocol (gdb's manual, "Remote Serial Protocol"): registers
that QEMU's cores leave out, the system registers above all, by the names that QEMU's
description of the target gives them."""

import re
import socket

from .util import LabError

REG = re.compile(r"<reg\b([^>]*)/?>")
INCLUDE = re.compile(r'<xi:include href="([^"]+)"')
ATTRIBUTE = re.compile(r'(\w+)="([^"]*)"')
CHUNK = 0x7f0  # bytes of a description in one packet
TIMEOUT = 60


class Stub:
    """A connection to the gdbstub of a machine that is stopped."""

    def __init__(self, machine, path):
        machine.monitor(f"gdbserver unix:{path},server=on,wait=off")
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(TIMEOUT)
        self.sock.connect(str(path))
        self.stream = self.sock.makefile("rb")
        # it may begin with a stop reply, which is no answer: ask until the answer is ours
        self.send("qSupported:xmlRegisters=arm")
        while "PacketSize=" not in self.packet():
            pass
        self.numbers = {}  # of a register by its name; and its size in bits

    def send(self, text):
        data = text.encode("latin-1")
        self.sock.sendall(b"$%s#%02x" % (data, sum(data) & 255))

    def packet(self):
        """The next packet's payload; `+` and `-` between packets are acknowledgements."""
        while (byte := self.stream.read(1)) != b"$":
            if not byte:
                raise LabError("the gdbstub closed its connection")
        data = b""
        while (byte := self.stream.read(1)) != b"#":
            data += b"}" + self.stream.read(1) if byte == b"}" else byte
        self.stream.read(2)
        self.sock.sendall(b"+")
        data = re.sub(rb"}(.)", lambda m: bytes([m[1][0] ^ 0x20]), data, flags=re.S)
        return data.decode("latin-1")

    def ask(self, text):
        self.send(text)
        return self.packet()

    def document(self, name):
        text, offset = "", 0
        while True:
            part = self.ask(f"qXfer:features:read:{name}:{offset:x},{CHUNK:x}")
            if part[:1] not in ("l", "m"):
                raise LabError(f"the gdbstub does not describe {name}: {part!r}")
            text, offset = text + part[1:], offset + len(part) - 1
            if part[0] == "l":
                return text

    def describe(self):
        """Learn the registers' numbers: they go on from the last that said its own."""
        number = 0
        for name in INCLUDE.findall(self.document("target.xml")):
            for attributes in REG.findall(self.document(name)):
                fields = dict(ATTRIBUTE.findall(attributes))
                number = int(fields.get("regnum", number))
                self.numbers[fields["name"]] = number, int(fields["bitsize"])
                number += 1

    def read(self, name):
        """A register's value, or None where the stub does not tell it."""
        number, bits = self.numbers[name]
        answer = self.ask(f"p{number:x}")
        if not answer or answer.startswith("E") or len(answer) * 4 > bits:
            return None
        return int.from_bytes(bytes.fromhex(answer), "little")

    def write(self, name, value):
        number, bits = self.numbers[name]
        answer = self.ask(f"P{number:x}={value.to_bytes(bits // 8, 'little').hex()}")
        if answer != "OK":
            raise LabError(f"the gdbstub does not set {name}: {answer!r}")

    def step(self):
        self.ask("s")

    def registers(self):
        """All that it tells, as name -> value."""
        if not self.numbers:
            self.describe()
        values = {name: self.read(name) for name in self.numbers}
        return {name: value for name, value in values.items() if value is not None}

    def close(self):
        self.stream.close()
        self.sock.close()
