"""One QEMU machine: it is started, waited for by its own word, stopped and dumped, and may
go on from there.

Three sockets reach it, made before it starts: the debug port, on which the guest speaks;
COM2, on which it waits for a byte; and QMP (QEMU's docs/interop/qmp-spec), on which it is
commanded. A pipe brings QEMU's log of exceptions. A machine without ISA has the first two
on PCI, and the console that its device tree names."""

import os
import re
import socket
import subprocess
import tempfile
import threading
import time

from . import qmp
from .aborts import AbortLog
from .exceptions import ExceptionLog
from .util import LabError, need, say

PACKAGES = {"qemu-system-i386": "qemu-system-x86", "qemu-system-x86_64": "qemu-system-x86",
            "qemu-system-arm": "qemu-system-arm", "qemu-system-aarch64": "qemu-system-arm",
            "qemu-system-riscv64": "qemu-system-misc"}
TAIL = 25  # lines of the serial log in an error
TRIES = 3  # at one guest
SILENCE = 15  # seconds; a kernel that boots has something to say after a few
CLOCK = os.sysconf("SC_CLK_TCK")
DEATH = re.compile(rb"Kernel panic|PANIC: double fault|kernel BUG at")
LAST_WORDS = b"---[ end Kernel panic"  # of panic() in kernel/panic.c, before it loops

# A busy host's guest sees its clocks and its processors come late. It is not to doubt its
# timer for that ("IO-APIC + timer doesn't work!", a panic: check_timer() in
# arch/x86/kernel/apic/io_apic.c), nor to fill the console with stalls and lockups.
PATIENCE = "nowatchdog nosoftlockup rcupdate.rcu_cpu_stall_suppress=1"
PC = "console=ttyS0 no_timer_check"
# Where a host is busy a guest takes the HPET for its clock, which any interrupt then reads in
# memory that lies among the modules: whoever has that hidden would fault before he acts.
NO_CLOCK_IN_MEMORY = "hpet=disable"


def command_line(is_pc, scenario):
    words = [PC] if is_pc else []
    if is_pc and scenario.get("hide"):
        words.append(NO_CLOCK_IN_MEMORY)
    # who is to be dumped when dead stays where it has died
    words.append("panic=0" if scenario.get("cause") else "panic=-1")
    return " ".join([*words, PATIENCE, scenario["cmdline"]]).strip()


def ports(is_pc):
    if is_pc:
        return ["-device", "isa-debugcon,iobase=0xe9,chardev=debug", "-serial",
                "chardev:com2"]
    return ["-device", "pci-serial-2x,chardev1=debug,chardev2=com2"]


class Died(LabError):
    """The guest was gone before it was ready, which one on a busy host may be by chance."""


def insist(name, boot, *arguments, tries=TRIES):
    """Boot; and once more where the guest has died before its dump."""
    while True:
        try:
            return boot(*arguments)
        except Died as error:
            tries -= 1
            if not tries:
                raise
            say(f"{name}: {error}\nonce more")


class Guest:
    def __init__(self, kernel, scenario, initramfs, work):
        self.serial = work / "serial.log"
        self.timeout = scenario.getint("timeout")
        debug, self._debug_end = socket.socketpair()
        control, self._qmp_end = socket.socketpair()
        self._com2, self._com2_end = socket.socketpair()
        is_pc = kernel.conf["machine"].startswith("pc")
        self.exceptions = ExceptionLog() if is_pc else AbortLog(kernel.arch)
        self.command_line = command_line(is_pc, scenario)
        self.kept = bool(scenario.get("cause"))  # when it has died
        argv = [
            need(kernel.conf["qemu"], PACKAGES[kernel.conf["qemu"]]), "-nodefaults",
            "-no-reboot", "-display", "none", "-accel", "tcg", "-machine", kernel.conf["machine"],
            "-cpu", scenario["cpu"] or kernel.conf["cpu"], "-smp", scenario["cpus"],
            "-m", scenario["memory"], "-kernel", kernel.vmlinuz, "-initrd", initramfs,
            "-append", self.command_line, "-serial", f"file:{self.serial}",
            "-chardev", f"socket,id=debug,fd={self._debug_end.fileno()}",
            "-chardev", f"socket,id=com2,fd={self._com2_end.fileno()}", *ports(is_pc),
            "-D", f"/dev/fd/{self.exceptions.write_end}",
            "-chardev", f"socket,id=qmp,fd={self._qmp_end.fileno()}",
            "-mon", "chardev=qmp,mode=control",
            *scenario["qemu"].split(),
        ]
        self.argv = [str(argument) for argument in argv]
        self._debug, self._qmp = debug.makefile("rb"), control.makefile("rwb")
        self._sockets = debug, control, self._com2

    def __enter__(self):
        self.deadline = time.monotonic() + self.timeout
        ends = self._debug_end, self._qmp_end, self._com2_end
        self._stderr = open(self.serial.with_name("qemu.log"), "w+b")
        self.process = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL,
                                        stdout=self._stderr, stderr=self._stderr,
                                        pass_fds=[self.exceptions.write_end,
                                                  *(end.fileno() for end in ends)])
        os.close(self.exceptions.write_end)
        self.exceptions.start()
        for end in ends:
            end.close()
        try:
            self.command("qmp_capabilities")
        except BaseException:
            self.__exit__()
            raise
        return self

    def end(self):
        self.process.kill()
        self.process.wait()
        self.exceptions.join()

    def __exit__(self, *_):
        self.end()
        for stream in (self._debug, self._qmp, self._stderr, *self._sockets):
            stream.close()

    def fail(self, message, kind=LabError):
        """The error for a guest that did not do its part, with its last words."""
        self._stderr.seek(0)
        said = self._stderr.read().decode(errors="replace").strip()
        tail = ""
        if self.serial.exists():
            lines = self.serial.read_text(errors="replace").splitlines()
            tail = "\n".join(["its console ended with:", *lines[-TAIL:]])
        return kind("\n".join(filter(None, (message, said, tail))))

    def _read(self, stream, sock):
        """One line of bytes; errors when the guest dies or its time is over."""
        sock.settimeout(max(0.001, self.deadline - time.monotonic()))
        try:
            line = stream.readline()
        except TimeoutError:
            raise self.fail(f"the guest gave no sign for {self.timeout} s: is the "
                            "machine too slow? (timeout in lab/scenarios.conf)") from None
        if not line:
            raise self.fail("the guest stopped before it was ready", Died)
        return line

    def lines(self, last):
        """What the guest says on its debug port, up to and without the line `last`. One
        whose kernel has died by its console, and may go on dying, is ended."""
        ready, part = threading.Event(), b""
        threading.Thread(target=self._end_the_dead, args=(ready,), daemon=True).start()
        try:
            while True:
                said = self._read(self._debug, self._sockets[0])
                if said.startswith(b"@memory "):
                    said = self._fetch(*(int(word, 16) for word in said.split()[1:]))
                *whole, part = (part + said).split(b"\n")
                for line in whole:
                    if line == last.encode():
                        return
                    yield line.decode(errors="replace")
        finally:
            ready.set()

    def _fetch(self, address, size):
        """What the guest has to say and has in its memory, where it waits meanwhile."""
        with tempfile.NamedTemporaryFile(dir=self.serial.parent) as file:
            self.command("pmemsave", val=address, size=size, filename=file.name)
            self._com2.sendall(b"!")
            return file.read()

    def _end_the_dead(self, ready):
        while not ready.wait(2):
            if self.serial.exists() and DEATH.search(self.serial.read_bytes()):
                self.process.kill()
                return

    def command(self, name, **arguments):
        """Carry out a QMP command; return what it returns."""
        try:
            return qmp.ask(self._qmp, lambda: self._read(self._qmp, self._sockets[1]), name,
                           arguments)
        except qmp.Refused as error:
            raise self.fail(f"QEMU refused {name}: {error}") from None

    def stop(self):
        self.command("stop")

    def processor_seconds(self):
        """What QEMU has used of this machine's processors, fields 14 and 15 of proc(5)."""
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / CLOCK

    def is_over(self, silence, used, since):
        """Whether a guest that has said nothing was given the time to: of processors,
        which it may have to share, else ten times as much (it may be halted)."""
        return self.processor_seconds() - used > silence or \
            time.monotonic() > min(since + 10 * silence, self.deadline)

    def release(self):
        """Let a frozen guest go on: it waits for a byte."""
        self.command("cont")
        self._com2.sendall(b"!")

    def wait_for_console(self, until, silence=SILENCE):
        """Until the console says `until`; without that, until it has said something and
        then nothing for a while: whoever it is, it is not the lab's guest."""
        seen, used, since = b"", 0, time.monotonic()
        while time.monotonic() < self.deadline and self.process.poll() is None:
            said = self.serial.read_bytes() if self.serial.exists() else b""
            if until and until.encode() in said:
                return
            if said != seen:
                seen, used, since = said, self.processor_seconds(), time.monotonic()
            elif not until and seen and self.is_over(silence, used, since):
                return
            time.sleep(0.2)
        if self.process.poll() is not None:
            raise self.fail("the guest stopped before it was ready")
        raise self.fail(f"the console did not say {until!r} in {self.timeout} s" if until
                        else f"the console did not fall silent in {self.timeout} s: say "
                        "by --until what it says when it is time")

    def status(self):
        """Of the machine, in QEMU's words: "running", "shutdown" after a triple fault …"""
        return self.command("query-status")["status"]

    def death(self):
        """How a machine that QEMU keeps has died, or None."""
        if not self.kept:
            return None
        if self.status() == "shutdown":
            return "shutdown"
        return "panicked" if LAST_WORDS in self.serial.read_bytes() else None

    def go_on(self, silence, log="int,cpu_reset"):
        """Let a frozen guest go on, with its exceptions logged; return what it said from
        there on, and whether it "ended" as asked, is "gone" (or where QEMU keeps it
        "shutdown" or "panicked"), or fell "silent". While the stack of nested faults goes
        down, it is heard."""
        if log:
            self.monitor(f"log {log}")
        if self.kept:
            self.command("set-action", shutdown="pause")  # memory and registers stay
        self.release()
        self._sockets[0].settimeout(1)
        said, end, sp, heard = b"", None, None, True
        while not end:
            if heard:
                used, since = self.processor_seconds(), time.monotonic()
            try:
                part = self._sockets[0].recv(4096)
                said, heard = said + part, True
                end = "ended" if said.endswith(b"@end\n") else None if part else "gone"
            except TimeoutError:
                heard, sp = self.exceptions.storm.sp != sp, self.exceptions.storm.sp
                silent = not heard and self.is_over(silence, used, since)
                end = self.death() or (
                    "silent" if silent or time.monotonic() > self.deadline else None)
        lines = said.decode(errors="replace").splitlines()
        return [line for line in lines if line != "@end"], end

    def monitor(self, line, cpu=0):
        return qmp.human(self.command, line, cpu)

    def dump_formats(self):
        return self.command("query-dump-guest-memory-capability")["formats"]

    def migrate(self, path):
        """All of the machine, its memory with it, as one that moves elsewhere writes it. It
        stays stopped, and can go on."""
        self.command("migrate-set-parameters", **{"max-bandwidth": 1 << 40})
        self.command("migrate", uri=f"exec:cat > '{path}'")
        while (state := self.command("query-migrate")["status"]) != "completed":
            if state in ("failed", "cancelled"):
                raise self.fail(f"QEMU wrote no migration stream: {state}")
            time.sleep(0.1)

    def dump(self, path, form):
        self.command("dump-guest-memory", paging=False, protocol=f"file:{path}",
                     format=form)
        path.chmod(0o644)  # QEMU makes it for its owner only
