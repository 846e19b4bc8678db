#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""QEMU's migration streams of machines other than PCs: every frame is that of the ELF core of
the same instant, registers are the same where both have them, and what the core has not, the
control registers, needs no inference. argv: the memory program, the tool, and the scenarios
whose kernels are booted: alone, without the ports by which the lab talks to its guests,
since QEMU 7.2 dies of their device as it migrates."""

import json
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))
import scenario as scenarios  # noqa: E402
from tap import Tap  # noqa: E402

sys.path.insert(0, str(scenarios.SOURCE))
from lab import capture, initramfs, module_build, packages, qmp  # noqa: E402

RUNS, PATIENCE = "Run /bin/busybox", 600
APPEND = "console=ttyAMA0 console=ttyS0 rdinit=/bin/busybox -- sleep 999999"


def stop_and_dump(command, serial, work):
    deadline = time.monotonic() + PATIENCE
    while RUNS not in serial.read_text(errors="replace"):
        if time.monotonic() > deadline:
            raise TimeoutError(serial.read_text(errors="replace")[-500:])
        time.sleep(1)
    command("qmp_capabilities")
    command("stop")
    command("dump-guest-memory", paging=False, protocol=f"file:{work}/dump.elf")
    command("migrate-set-parameters", **{"max-bandwidth": 1 << 40})
    command("migrate", uri=f"exec:cat > '{work}/dump.migrate'")
    while (state := command("query-migrate")["status"]) != "completed":
        if state in ("failed", "cancelled"):
            raise RuntimeError(state)
        time.sleep(0.1)


def boot(conf, work):
    """dump.elf and dump.migrate of one instant in `work`."""
    kernel, _ = capture.fetch(conf)
    with packages.cache_lock():
        image = initramfs.build(kernel, module_build.build(kernel), conf)
    (work / "initramfs").write_bytes(image)
    serial = work / "serial"
    serial.touch()
    ours, theirs = socket.socketpair()
    argv = [kernel.conf["qemu"], "-nodefaults", "-no-reboot", "-display", "none", "-accel",
            "tcg", "-machine", kernel.conf["machine"], "-cpu", kernel.conf["cpu"], "-m",
            conf["memory"], "-kernel", kernel.vmlinuz, "-initrd", work / "initramfs",
            "-append", APPEND, "-serial", f"file:{serial}", "-chardev",
            f"socket,id=qmp,fd={theirs.fileno()}", "-mon", "chardev=qmp,mode=control"]
    with ours, ours.makefile("rwb") as stream, subprocess.Popen(
            list(map(str, argv)), stdin=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()]) as machine:
        theirs.close()
        try:
            stream.readline()
            stop_and_dump(lambda name, **arguments: qmp.ask(
                stream, stream.readline, name, arguments), serial, work)
        finally:
            machine.kill()


def answer(tool, path):
    """Who is there, without the file's name and notes."""
    done = subprocess.run([tool, "spaces", path, "--json"], stdout=subprocess.PIPE,
                          check=False, text=True)
    told = json.loads(done.stdout) if done.stdout else {}
    return told.get("spaces"), told.get("notes")


def check(tap, memory, tool, name, work):
    says = subprocess.run([memory, work / "dump.elf", work / "dump.migrate"],
                          stdout=subprocess.PIPE, text=True, check=False).stdout
    frames = re.search(r"frames (\d+) (\d+)\nmissing 0\ndifferent 0\ndamaged 0\n", says)
    # What QEMU's core has besides is its flash.
    tap.case(f"{name}: migration stream and ELF core are the same memory",
             frames and 0 <= int(frames[2]) - int(frames[1]) < 64, says)
    tap.case(f"{name}: and have the same registers", "registers alike\n" in says, says)
    (core, inferred), (stream, known) = (answer(tool, work / f"dump.{form}")
                                         for form in ("elf", "migrate"))
    tap.case(f"{name}: and the same address spaces", core and core == stream,
             (core, stream))
    word = "no control registers"
    tap.case(f"{name}: control registers are in the stream alone",
             word in str(inferred) and word not in str(known), (inferred, known))


def main():
    memory, tool, *names = sys.argv[1:]
    tap = Tap()
    reason = scenarios.why_not()
    for name in names:
        if reason:
            tap.skip(f"{name}: migration stream", reason)
            continue
        with tempfile.TemporaryDirectory() as work:
            boot(capture.read_scenarios()[name], pathlib.Path(work))
            check(tap, memory, tool, name, pathlib.Path(work))
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
