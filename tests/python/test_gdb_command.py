#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""gdb's command whosees, in a gdb that has a core file open, and in one that is connected to a
QEMU that has the same memory.

    test_gdb_command.py CONTRIB I386 AMD64 TOOL     run, as TAP
"""

import contextlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "common"))
import writers  # noqa: E402
from tap import PATIENCE, Tap  # noqa: E402


LOW = 1 << 20
SIZE = 64  # MiB, as the capture's machine has


def gdb(contrib, *commands):
    words = [word for command in commands for word in ("-ex", command)]
    done = subprocess.run(["gdb", "-q", "-nx", "-batch", "-ex", f"source {contrib}/gdb/whosees_gdb.py",
                           *words], capture_output=True, text=True, check=False, timeout=PATIENCE,
                          stdin=subprocess.DEVNULL)
    return done.stdout + done.stderr


@contextlib.contextmanager
def qemu(memory, folder):
    """One that has these bytes, and whose processor has not begun; its gdbstub. The first of its
    memory is the BIOS's."""
    raw, socket = folder / "memory", folder / "gdb"
    raw.write_bytes(memory[LOW:])
    with subprocess.Popen(["qemu-system-i386", "-S", "-nodefaults", "-display", "none", "-m", str(SIZE),
                           "-accel", "tcg", "-device", f"loader,file={raw},addr={LOW:#x},force-raw=on",
                           "-gdb", f"unix:{socket},server=on,wait=off"],
                          stdin=subprocess.DEVNULL) as machine:
        try:
            while not socket.exists() and machine.poll() is None:
                time.sleep(0.05)
            yield socket
        finally:
            machine.kill()


def of_qemu(tap, contrib, dump):
    if not shutil.which("qemu-system-i386"):
        tap.skip("of a stub, by its physical mode", "qemu-system-i386 is not installed")
        return
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        memory = bytearray(SIZE << 20)
        for pa, data in writers.Core(pathlib.Path(dump).read_bytes()).memory:
            memory[pa:pa + len(data)] = data
        with qemu(memory, folder) as socket:
            said = gdb(contrib, f"target remote {socket}", "whosees probe lab_page_fault",
                       "maintenance packet qqemu.PhyMemMode")
    tap.case("of a stub, by its physical mode, which is set back",
             re.search(r"waiter +lab_page_fault: hole at the PDE", said) and
             re.search(r"init +lab_page_fault: page", said) and 'received: "0"' in said, said)


def main(contrib, i386, _, __):
    tap = Tap()
    said = gdb(contrib, f"core-file {i386}", "whosees probe lab_page_fault", "whosees audit")
    tap.case("of a core file: who does not see a handler", "waiter" in said and
             "lab_page_fault: hole at the PDE" in said and "coherence-missing" in said, said)
    said = gdb(contrib, f"core-file {i386}", "whosees", "whosees probe", "whosees probe nobody_has_it")
    tap.case("bad words", "whosees spaces|probe|audit" in said and "what is looked for?" in said and
             "nobody_has_it" in said, said)
    of_qemu(tap, contrib, i386)
    said = gdb(contrib, "whosees spaces")
    tap.case("of no target", "this session is about no machine" in said, said)
    return tap.end()


def why_not():
    if not shutil.which("gdb"):
        return "gdb is not installed"
    with tempfile.NamedTemporaryFile("w", suffix=".py") as probe:
        probe.write("import whosees\n")
        probe.flush()
        done = subprocess.run(["gdb", "-q", "-nx", "-batch", "-ex", f"source {probe.name}"],
                              capture_output=True, text=True, check=False, env=os.environ)
    return done.stderr.strip().splitlines()[-1] if done.stderr.strip() else ""


if __name__ == "__main__":
    reason = why_not()
    if reason:
        plan = Tap()
        plan.skip("gdb's command", reason)
        sys.exit(plan.end())
    sys.exit(main(*sys.argv[1:]))
