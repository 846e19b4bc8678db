#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A machine that QEMU has, against the dump of the same instant: a guest is made from its
migration stream, and what whosees says of it by its monitor is what it says of its ELF
core, whichever way memory is read. argv: the tool, and the scenarios."""

import contextlib
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time
import types

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE))
sys.path.insert(0, str(SOURCE / "tests/common"))
import scenario  # noqa: E402
from lab import capture, guest, qmp  # noqa: E402
from tap import PATIENCE, Tap  # noqa: E402

QUESTIONS = (("spaces",), ("audit",), ("modules",), ("walk", "vfs_read"))
FEW = (("spaces",), ("walk", "vfs_read"))
SLOWER = "through the monitor"
NOBODY = 65534  # a user who may not look into QEMU's memory


@contextlib.contextmanager
def revived(directory, work):
    """The guest as it was at its dump, stopped; its monitors: work/qmp, and one over TCP."""
    row = dict(capture.read_scenarios()[directory.name])
    kernel = capture.read_conf("kernels.conf")[row["kernel"]]
    row["qemu"] += f" -S -incoming defer -qmp unix:{work}/qmp,server=on,wait=off" \
                   " -qmp tcp:127.0.0.1:0,server=on,wait=off"
    section = capture.read_conf("scenarios.conf")
    section.read_dict({directory.name: row})
    kernel = types.SimpleNamespace(conf=kernel, arch=kernel["arch"],
                                   vmlinuz=directory / "vmlinuz")
    with guest.Guest(kernel, section[directory.name], directory / "initramfs.cpio",
                     work) as machine:
        machine.command("migrate-incoming", uri=f"exec:cat '{directory}/dump.migrate'")
        while machine.command("query-status")["status"] == "inmigrate":
            if time.monotonic() > machine.deadline:
                raise machine.fail("the migration stream was not read")
            time.sleep(0.05)
        yield machine


def port(machine):
    """Of the monitor over TCP."""
    return next(re.search(r"127\.0\.0\.1:(\d+)", row["filename"])[1]
                for row in machine.command("query-chardev") if "tcp:" in row["filename"])


def run(tool, target, command, *arguments, options=(), **user):
    ran = subprocess.run([tool, command, target, *arguments, *options], text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         timeout=PATIENCE, check=False, **user)
    return ran.returncode, ran.stdout, " ".join(ran.stderr.split())


def compare(tap, name, tool, directory, target, questions, slower=False, **user):
    for question in questions:
        wanted = run(tool, directory / "dump.elf", *question)
        status, output, words = run(tool, target, *question, **user)
        tap.case(f"{name}: {question[0]} as of the dump",
                 (status, output) == wanted[:2] and (SLOWER in words) == slower,
                 f"status {status}, not {wanted[0]}\n{words}\n{output[:2000]}")


def as_nobody(tap, name, tool, directory, work):
    """By a user who may reach the monitor and nothing else of QEMU's."""
    nobody = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    try:
        subprocess.run([tool, "--version"], stdout=subprocess.DEVNULL, check=True, **nobody)
    except (OSError, subprocess.SubprocessError) as error:
        tap.skip(name, f"this user cannot run the tool as nobody: {error}")
        return
    work.chmod(0o755)
    (work / "qmp").chmod(0o777)
    compare(tap, name, tool, directory, f"qemu:{work}/qmp", FEW, slower=True, **nobody)


def running(tap, name, tool, machine, target):
    """It runs, is stopped meanwhile, and runs on."""
    status, output, words = run(tool, target, "spaces", options=["--stop"])
    tap.case(f"{name}: a running one is stopped and runs on",
             status in (0, 4) and output and "more than one instant" not in words and
             machine.command("query-status")["running"], f"{status} {words}")
    status, output, words = run(tool, target, "spaces")
    tap.case(f"{name}: a running one that runs on is read with a note",
             "more than one instant" in words and status in (0, 3, 4), f"{status} {words}")


def stub(tap, tool):
    """QEMU's own gdbstub, of a machine whose firmware finds nothing to boot: the answer is that no
    kernel is in its memory, which was read, and it is left as it was."""
    with tempfile.TemporaryDirectory() as folder:
        sockets = {name: f"{folder}/{name}" for name in ("gdb", "qmp")}
        with subprocess.Popen(
                [scenario.QEMU, "-nodefaults", "-display", "none", "-S", "-m", "4", "-accel",
                 "tcg", "-gdb", f"unix:{sockets['gdb']},server=on,wait=off", "-qmp",
                 f"unix:{sockets['qmp']},server=on,wait=on"]) as machine, \
                socket.socket(socket.AF_UNIX) as control:
            while not os.path.exists(sockets["qmp"]) and machine.poll() is None:
                time.sleep(0.05)
            control.connect(sockets["qmp"])
            stream = control.makefile("rwb")
            stream.readline()
            for command, runs in ("qmp_capabilities", False), ("cont", True):
                qmp.ask(stream, stream.readline, command, {})
                status, output, words = run(tool, f"gdb:{sockets['gdb']}", "spaces", "--stop")
                state = qmp.ask(stream, stream.readline, "query-status", {})
                tap.case(f"QEMU's stub of a machine that {'runs' if runs else 'is stopped'}",
                         status == 3 and not output and "paging" in words and
                         state["running"] == runs, f"{status} {state} {words}")
            machine.kill()


def main(tool, *names):
    tap = Tap()
    reason = scenario.why_not()
    if reason:
        tap.skip("QEMU's gdbstub", reason)
    else:
        stub(tap, tool)
    for name in names:
        directory, reason = scenario.wanted(name)
        if reason:
            tap.skip(f"{name} as it runs", reason)
            continue
        with tempfile.TemporaryDirectory() as folder:
            work = pathlib.Path(folder)
            with revived(directory, work) as machine:
                compare(tap, name, tool, directory, f"qemu:{work}/qmp", QUESTIONS)
                as_nobody(tap, f"{name}, saved to a descriptor", tool, directory, work)
                compare(tap, f"{name}, saved to a file", tool, directory,
                        f"qemu:127.0.0.1:{port(machine)}", FEW, slower=True)
                machine.command("cont")
                running(tap, name, tool, machine, f"qemu:{work}/qmp")
    return tap.end()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
