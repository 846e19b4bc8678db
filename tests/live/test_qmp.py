#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""whosees qemu:SOCKET, and a QEMU that is not one: what a good one says is what its core
says, and a bad one is refused in time, with words on what it did.

    test_qmp.py TOOL CORE      run, as TAP
"""

import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "common"))
sys.path.insert(0, str(HERE))
import fake_qemu  # noqa: E402
import fake_stub  # noqa: E402
import peer_bench  # noqa: E402
from tap import PATIENCE  # noqa: E402

MOVES = "note: the machine runs on while it is read"
SLOWER = "note: memory is read through the monitor"
RESUMED = b'{"event": "RESUME", "timestamp": {"seconds": 1}}\r\n'
EVENT = b'{"event": "RTC_CHANGE", "data": {"offset": 1}}\r\n'


def fake(core, **how):
    return peer_bench.fake(fake_qemu.Fake, core, **how)


def good_ones(bench):
    with fake(bench.core) as qemu:
        bench.good("stopped, saved to a descriptor", qemu, "--stop", said=[SLOWER, "gpa2hva"])
        bench.tap.case("it is stopped first, and runs on at last",
                       qemu.order() == ["stop", "cont"] and
                       qemu.commands.index("stop") < qemu.commands.index("info registers -a"),
                       qemu.commands)
    with fake(bench.core) as qemu:
        qemu.answers["query-status"] = lambda _: {
            "running": qemu.running, "status": "running" if qemu.running else
            "postmigrate" if "pmemsave" in qemu.commands else "paused"}
        bench.good("migrated away meanwhile", qemu, "--stop", said=[SLOWER])
        bench.tap.case("it does not run on, for it runs elsewhere", qemu.order() == ["stop"],
                       qemu.commands)
    with fake(bench.core) as qemu:
        qemu.answers["query-status"] = lambda _: {"running": qemu.running}
        bench.good("without a word on why it stands", qemu, "--stop", said=[SLOWER])
        bench.tap.case("it runs on", qemu.order() == ["stop", "cont"], qemu.commands)
    with fake(bench.core, host=True) as qemu:
        bench.good("stopped, in its own memory", qemu, "--stop")
        bench.tap.case("and only samples are saved",
                       qemu.commands.count("pmemsave") == 4 * len(qemu.ranges) + 1,
                       f"{len(qemu.ranges)} ranges: {qemu.commands.count('pmemsave')}")
        bench.good("an audit", qemu, "--stop", command=("audit",))
        bench.good("running, with a note", qemu, said=[MOVES])
        del qemu.commands[:]
        status, output, words = bench.run("watch", "--stop", "--looks", "3", "-n", "0",
                                          f"qemu:{qemu.path}")
        bench.tap.case("watched, it is stopped for each look, and runs on in between",
                       status == 1 and qemu.order() == ["stop", "cont"] * 3 and
                       "3 looks" in output and "lost" not in output,
                       (status, qemu.order(), output, words))
        bench.good("events come in between", with_events(qemu, EVENT), "--stop")
    with fake(bench.core, running=False) as qemu:
        bench.good("stopped before, without --stop", qemu)
        bench.good("stopped before, with --stop", qemu, "--stop")
        bench.tap.case("and it stays so", qemu.order() == [], qemu.commands)
    with fake(bench.core) as qemu:
        qemu.answers["add-fd"] = "add-fd is not allowed here"
        with tempfile.TemporaryDirectory() as folder:
            status, output, words = bench.run("spaces", "--stop", f"qemu:{qemu.path}",
                                              env={**os.environ, "TMPDIR": folder})
            bench.tap.case("saved to a file with a name, which is gone at last",
                           output == bench.wanted["spaces",][1] and not status and
                           not os.listdir(folder), f"{words} {os.listdir(folder)}")


def with_events(qemu, event):
    qemu.before = event
    return qemu


def registers(bench):
    """All that the core knows of the processor, and what it calls it."""
    with fake(bench.core, running=False) as qemu:
        command = "cpus", "-o", "cpu,register,value"
        _, output, words = bench.run(*command, f"qemu:{qemu.path}")
        lacking = [line for line in bench.wanted[command][1].splitlines()
                   if line not in output.splitlines() and not re.search(" [gi]dt ", line)]
        bench.tap.case("the registers of the core", not lacking, f"{lacking}\n{output}\n{words}")
        human = qemu.human
        qemu.human = lambda line: "nothing\r\n" if "registers" in line else human(line)
        status, output, words = bench.run("spaces", f"qemu:{qemu.path}")
        bench.tap.case("registers of no kind that is known are unknown, with a note",
                       status in (0, 4) and "they are unknown" in words, f"{status} {words}")


def lies(bench):
    with fake(bench.core, host=True) as qemu:
        qemu.address += fake_qemu.PAGE
        bench.good("a wrong address in its memory is not believed", qemu, "--stop",
                   said=["not what QEMU says it is"])
    with fake(bench.core) as qemu:
        qemu.answers["pmemsave"] = {}
        bench.bad("memory that is not written where it says", qemu, "does it run elsewhere",
                  options=["--stop"])
        bench.tap.case("and it runs on", qemu.order() == ["stop", "cont"], qemu.commands)
    with fake(bench.core) as qemu:
        qemu.answers["pmemsave"] = "no such memory"
        bench.bad("memory that it refuses", qemu, "QEMU refused pmemsave: no such memory")
    with fake(bench.core) as qemu:
        qemu.answers["stop"] = "not now"
        bench.bad("it does not stop", qemu, "QEMU refused stop: not now", options=["--stop"])
        qemu.answers["stop"] = {}
        bench.bad("it says that it stops, and runs on", qemu, "and runs on",
                  options=["--stop"])
    with fake(bench.core) as qemu:
        qemu.tree = lambda: "FlatView #0\r\n"
        bench.bad("no memory map", qemu, "has no memory")
    with fake(bench.core) as qemu:
        qemu.ranges.append((0, *qemu.ranges[0][1:]))
        bench.bad("ranges out of order", qemu, "makes no sense")
    with fake(bench.core, host=True) as qemu:
        bench.bad("somebody lets it run on meanwhile", with_events(qemu, RESUMED),
                  "there is no answer", options=["--stop"])


def peers(bench):
    few = "--timeout", "1"
    with fake(bench.core) as qemu:
        qemu.greeting = b""
        bench.bad("no greeting", qemu, "no answer in time", "--timeout gives it more",
                  options=few, limit=30)
        qemu.greeting = b"QEMU 7.2.0 monitor - type 'help' for more information\r\n"
        bench.bad("a human monitor", qemu, "it is no QMP socket")
        qemu.greeting = b'{"hello": 1}\n'
        bench.bad("another protocol", qemu, "greets as no QMP does")
        qemu.greeting = b"[" * 100000 + b"\n"
        bench.bad("nested without end", qemu, "no JSON object")
        qemu.greeting = b"\xff\xfe\0\0{}\n"
        bench.bad("bytes that are no text", qemu, "no JSON object")
        qemu.greeting = b"x" * (40 << 20)
        bench.bad("a line that does not end", qemu, "does not end")
    with fake(bench.core) as qemu:
        qemu.before = EVENT * 800000  # more than an answer may have, however fast it is read
        bench.bad("events without an answer", qemu, "does not end|no answer in time",
                  options=few)
    with fake(bench.core) as qemu:
        qemu.before = b'{"return": {}, "id": 77}\n'
        bench.bad("an answer to another question", qemu, "what was not asked")
    for command in "qmp_capabilities", "query-status", "stop", "info registers -a", \
            "info mtree -f", "pmemsave":
        with fake(bench.core) as qemu:
            qemu.silent_at = command
            bench.bad(f"silent at {command}", qemu, "no answer in time",
                      options=[*few, "--stop"], limit=60)
            if command == "info mtree -f":
                bench.tap.case("and it is let run on", qemu.order() == ["stop", "cont"],
                               qemu.commands)
        with fake(bench.core) as qemu:
            qemu.hang_up_at = command
            bench.bad(f"gone at {command}", qemu, "the connection was closed",
                      options=["--stop"])
    vanishes(bench)
    bench.bad("nobody there", type("Nobody", (), {"path": "/nonexistent/qmp"}),
              "there is no such socket")
    bench.bad("no such port", type("Nobody", (), {"path": "127.0.0.1:1"}),
              "nobody listens there")
    status, _, words = bench.run("spaces", "--stop", bench.core)
    bench.tap.case("--stop of a dump", status == 2 and "nothing to stop" in words, words)


def vanishes(bench):
    """In the midst of memory."""
    with fake(bench.core) as qemu:
        saves = iter(range(6))
        save = qemu.save

        def some(arguments):
            if next(saves, None) is None:
                qemu.hang_up_at = "pmemsave"
            return save(**arguments)
        qemu.answers["pmemsave"] = some
        bench.bad("gone in the midst of memory", qemu, "the connection was closed",
                  "there is no answer", options=["--stop"])


def writes(bench):
    """Through a gdbstub that QEMU opens for it."""
    with tempfile.TemporaryDirectory() as folder, fake(bench.core, running=True) as qemu:
        env = {**os.environ, "TMPDIR": folder}
        stubs = fake_stub.opens_stubs(qemu)
        good, said = bench.apply(qemu, env=env)
        bench.case("an entry is copied, and all is as it was",
                   good and "1 entry of 1 copied" in said and len(stubs) == 1 and
                   len(stubs[0].written) == 1 and not stubs[0].physical and
                   qemu.commands.count("gdbserver none") == 1 and qemu.running and
                   qemu.order() == ["stop", "cont"] and not os.listdir(folder),
                   (said, qemu.commands, os.listdir(folder)))
        status, output, words = bench.run("sync", "--stop", f"qemu:{qemu.path}")
        bench.case("then there is nothing to do", status == 0 and "nothing" in output,
                   (status, output, words))
    with fake(bench.core) as qemu:
        status, _, words = bench.run("sync", "--apply", f"qemu:{qemu.path}")
        bench.case("a running one is not written to", status == 2 and "--stop" in words, words)
        good, words = bench.apply(qemu, status=3)
        bench.case("one that opens no stub", good and "QEMU opens no gdbstub" in words and
                   "unknown command" in words and qemu.running, words)
        qemu.devices = [{"label": "gdb", "filename": "disconnected:tcp:0.0.0.0:1234,server=on"}]
        good, words = bench.apply(qemu, status=3)
        bench.case("one that has a stub already", good and "has a gdbstub already" in words and
                   "tcp:0.0.0.0:1234" in words, words)
    with fake(bench.core) as qemu, fake(bench.core) as other:
        stubs, human = fake_stub.opens_stubs(qemu), qemu.human

        def lead_away(line):
            said = human(line)
            if line.startswith("gdbserver unix"):
                os.unlink(stubs[-1].path)
                os.symlink(other.path, stubs[-1].path)
            return said
        qemu.human = lead_away
        good, words = bench.apply(qemu, status=3)
        bench.case("one that leads to another machine's socket is not talked to",
                   good and "not the QEMU of the monitor" in words and not stubs[-1].asked and
                   other.heard == b"", (words, other.heard))
    with fake(bench.core) as qemu:
        stubs, human = fake_stub.opens_stubs(qemu), qemu.human

        def run_on(line):
            if line.startswith("gdbserver unix"):
                qemu.before = RESUMED
            return human(line)
        qemu.human = run_on
        good, words = bench.apply(qemu, status=3)
        bench.case("one that somebody lets run on before it is written to is not",
                   good and "there is no answer" in words and not stubs[-1].written, words)
    with tempfile.TemporaryDirectory() as folder, fake(bench.core) as qemu:
        killed(bench, qemu, folder)


def killed(bench, qemu, folder):
    """In the midst of writing: the stub is closed, its mode is set back, and it runs on."""
    stubs = fake_stub.opens_stubs(qemu)
    human, opened = qemu.human, threading.Event()

    def answer(line):
        said = human(line)
        if line.startswith("gdbserver unix"):
            stubs[-1].silent_at = "M"
            opened.set()
        return said
    qemu.human = answer
    with subprocess.Popen([bench.tool, "sync", "--stop", "--apply", "--journal",
                           f"{folder}/journal", f"qemu:{qemu.path}"],
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                          env={**os.environ, "TMPDIR": folder}) as tool:
        heard = opened.wait(PATIENCE) and stubs[-1].unheard.wait(PATIENCE)
        was = stubs[-1].physical if heard else None
        tool.kill()
        tool.wait()
    done = lambda: qemu.running and "gdbserver none" in qemu.commands and \
        not stubs[-1].physical and os.listdir(folder) == ["journal"]
    end = time.monotonic() + PATIENCE
    while not done() and time.monotonic() < end:
        time.sleep(0.05)
    bench.case("killed in the midst of it, all is set back, and the journal is there",
               was == 1 and done(), (was, qemu.commands, os.listdir(folder)))
    last = [name for name in qemu.commands if name in ("gdbserver none", "cont")]
    bench.case("and it runs on once the stub is closed: to connect to one stops it",
               last == ["gdbserver none", "cont"], last)


def ends(bench):
    """However the tool ends, the machine runs on."""
    for number in signal.SIGINT, signal.SIGTERM, signal.SIGKILL:
        with fake(bench.core) as qemu:
            qemu.silent_at = "info mtree -f"
            with subprocess.Popen([bench.tool, "spaces", "--stop", f"qemu:{qemu.path}"],
                                  stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL) as tool:
                heard = qemu.unheard.wait(PATIENCE)
                stopped = not qemu.running
                tool.send_signal(number)
                tool.wait()
            bench.tap.case(f"it runs on after {number.name}",
                           heard and stopped and bench.runs(qemu), qemu.commands)


def ends_at_once(bench):
    """A terminal sends to all of a group, in the instant in which the machine is stopped."""
    left = []
    for number in [signal.SIGINT, signal.SIGTERM] * 8:
        with fake(bench.core) as qemu:
            started, tool = threading.Event(), None

            def stop(_, number=number, qemu=qemu, started=started):
                qemu.running = False
                started.wait(PATIENCE)
                os.killpg(tool.pid, number)
                return {}
            qemu.answers["stop"] = stop
            with subprocess.Popen([bench.tool, "spaces", "--stop", f"qemu:{qemu.path}"],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                  start_new_session=True) as tool:
                started.set()
                tool.wait()
            if not bench.runs(qemu):
                left.append((number, qemu.commands))
                break
    bench.tap.case("it runs on after a signal to all of the group, as it is stopped", not left,
                   left)


def main(tool, core):
    bench = peer_bench.Bench(tool, core, "qemu")
    good_ones(bench)
    registers(bench)
    lies(bench)
    peers(bench)
    writes(bench)
    ends(bench)
    ends_at_once(bench)
    return bench.tap.end()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
