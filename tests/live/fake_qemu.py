# SPDX-License-Identifier: LGPL-2.1-or-later
"""A QEMU that has an ELF core of an x86 machine for its guest, and speaks the machine
protocol (QEMU's docs/interop/qmp-spec) on a UNIX socket: as it should, or as a peer does
that is slow, lies, talks without end or goes away."""

import ctypes
import json
import mmap
import os
import pathlib
import re
import socket
import struct
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from lab import elf  # noqa: E402

PAGE = 4096
GENERAL = "EAX EBX ECX EDX ESI EDI ESP EBP R8 R9 R10 R11 R12 R13 R14 R15 EIP EFL".split()
SEGMENTS = "CS DS ES FS GS SS LDT TR GDT IDT".split()
CONTROLS = "CR0 CR1 CR2 CR3 CR4".split()
GREETING = {"QMP": {"version": {"qemu": {"major": 7, "minor": 2, "micro": 0}, "package": ""},
                    "capabilities": ["oob"]}}


def qemu_notes(data):
    """What QEMU's notes hold of processors (QEMU target/i386/arch_dump.c), as it is."""
    at = data.find(b"QEMU\0")
    while at >= 0:
        size, = struct.unpack_from("<I", data, at - 8)
        yield data[at + 8:at + 8 + size]
        at = data.find(b"QEMU\0", at + 8 + size)


def registers(notes):
    """As `info registers -a` prints them of a 32-bit guest."""
    text = ""
    for i, note in enumerate(notes):
        words = struct.unpack_from("<18Q", note, 8)
        text += f"\r\nCPU#{i}\r\n" + " ".join(
            f"{name:3}={value:08x}" for name, value in zip(GENERAL, words) if name[0] == "E")
        text += " [------] CPL=0 II=0 A20=1 SMM=0 HLT=0\r\n"
        for n, name in enumerate(SEGMENTS):
            selector, limit, flags, _, base = struct.unpack_from("<4IQ", note, 152 + 24 * n)
            text += f"{name}=     {base:08x} {limit:08x}\r\n" if n >= 8 else \
                f"{name:3}={selector:04x} {base:08x} {limit:08x} {flags:08x} DPL=0 DS   [-WA]\r\n"
        control = dict(zip(CONTROLS, struct.unpack_from("<5Q", note, 392)))
        text += " ".join(f"{name}={control[name]:08x}" for name in control if name != "CR1")
        text += "\r\nEFER=0000000000000000\r\nXMM00=" + "00" * 16 + "\r\n"
    return text


class Fake:
    """Serves one client after the other until it is closed. What it does otherwise than
    QEMU a case says by overriding `answers`, by command: a value to return, an exception's
    text, or a function of the arguments."""

    def __init__(self, core, folder, running=True, host=False, name="qmp"):
        self.file = open(core, "rb")
        self.ranges = sorted(elf.segments(self.file))
        size = os.path.getsize(core)
        # Writable, so that its address can be asked for; nobody writes.
        self.memory = mmap.mmap(self.file.fileno(), size, mmap.MAP_PRIVATE,
                                mmap.PROT_READ | mmap.PROT_WRITE)
        self.address = ctypes.addressof(ctypes.c_char.from_buffer(self.memory))
        self.running, self.host = running, host
        self.commands, self.answers, self.fds = [], {}, []
        self.devices, self.heard = [], b""
        self.before = b""      # what is sent before each answer
        self.greeting = json.dumps(GREETING).encode() + b"\r\n"
        self.hang_up_at = None  # instead of the answer to this command
        self.silent_at = None
        self.unheard = threading.Event()
        self.path = str(folder / name)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(1)
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    # ---- the guest

    def range_of(self, pa):
        return next((offset + pa - first, size - (pa - first))
                    for first, offset, size in self.ranges if first <= pa < first + size)

    def tree(self):
        lines = "".join(
            f"  {first:016x}-{first + size - 1:016x} (prio 0, ram): pc.ram @{first:016x} KVM\r\n"
            for first, offset, size in self.ranges)
        return ('FlatView #0\r\n AS "I/O", root: io\r\n Root memory region: io\r\n'
                "  0000000000000000-0000000000000007 (prio 0, i/o): dma-chan\r\n\r\n"
                'FlatView #1\r\n AS "memory", root: system\r\n AS "cpu-memory-0", root: system\r\n'
                " Root memory region: system\r\n" + lines +
                "  00000000fec00000-00000000fec00fff (prio 0, i/o): ioapic\r\n"
                "  00000000fed00000-00000000fed00fff (prio 0, romd): flash\r\n\r\n")

    def human(self, line):
        if line == "info registers -a":
            return registers(qemu_notes(self.memory[:65536]))
        if line == "info mtree -f":
            return self.tree()
        if line.startswith("gpa2hva ") and self.host:
            pa = int(line.split()[1], 16)
            return f"Host virtual address for {pa:#x} (pc.ram) is " \
                   f"{self.address + self.range_of(pa)[0]:#x}\r\n"
        return f"unknown command: '{line}'\r\n"

    def save(self, val, size, filename):
        offset, room = self.range_of(val)
        assert size <= room, "memory that is not there"
        with open(filename, "wb") as file:
            file.write(self.memory[offset:offset + size])
        return {}

    # ---- the protocol

    def answer(self, name, arguments):
        if name in self.answers:
            answer = self.answers[name]
            answer = answer(arguments) if callable(answer) else answer
            if isinstance(answer, str):
                raise ValueError(answer)
            return answer
        if name in ("stop", "cont"):
            self.running = name == "cont"
        elif name == "query-status":
            return {"running": self.running, "status": "running" if self.running else "paused"}
        elif name == "human-monitor-command":
            return self.human(arguments["command-line"])
        elif name == "pmemsave":
            return self.save(**arguments)
        elif name == "query-chardev":
            return [{"label": "serial0", "filename": "file"}, *self.devices]
        elif name == "add-fd":
            if not self.fds:
                raise ValueError("No file descriptor supplied via SCM_RIGHTS")
            return {"fd": self.fds[-1], "fdset-id": 1}
        return {}

    def reply(self, client, line):
        request = json.loads(line)
        name, arguments = request["execute"], request.get("arguments", {})
        self.commands.append(arguments.get("command-line", name))
        if self.hang_up_at == self.commands[-1]:
            return False
        if self.silent_at == self.commands[-1]:
            self.unheard.set()
            return True
        try:
            answer = {"return": self.answer(name, arguments)}
        except (ValueError, OSError) as error:
            answer = {"error": {"class": "GenericError", "desc": str(error)}}
        if "id" in request:
            answer["id"] = request["id"]
        client.sendall(self.before + json.dumps(answer).encode() + b"\r\n")
        return True

    def talk(self, client):
        client.sendall(self.greeting)
        text = b""
        while True:
            data, fds, _, _ = socket.recv_fds(client, 65536, 4)
            self.heard += data
            self.fds += fds
            if not data:
                return
            *lines, text = (text + data).split(b"\n")
            for line in lines:
                if not self.reply(client, line):
                    return

    def serve(self):
        while True:
            try:
                client = self.listener.accept()[0]
            except OSError:
                return
            with client:
                try:
                    self.talk(client)
                except OSError:
                    pass
            while self.fds:
                os.close(self.fds.pop())

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.file.close()

    def order(self):
        """The commands that stop it and let it run, in order."""
        return [name for name in self.commands if re.fullmatch("stop|cont", name)]
