#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every command, where its output has no room or no reader, it is interrupted, or its dump shrinks.

    hardship.py TOOL DUMP DUMP MODULE     run, as TAP

A command dies of no signal but of the one that was sent, says what it could not write, and leaves
a file that it writes whole, or none and nothing beside it."""

import os
import pathlib
import re
import resource
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))
from tap import PATIENCE, Tap  # noqa: E402

# What each command is given: DUMP, OTHER, MODULE, RESULT (an audit's), FILE (that it writes).
COMMANDS = {
    "spaces": "DUMP",
    "modules": "DUMP",
    "cpus": "DUMP",
    "stack": "DUMP --pid 1",
    "frame": "DUMP 0x1000",
    "log": "DUMP",
    "read": "DUMP vfs_read 16",
    "walk": "DUMP vfs_read",
    "name": "DUMP vfs_read",
    "map": "DUMP",
    "probe": "DUMP vfs_read",
    "audit": "DUMP",
    "what-if": "DUMP --pid 1",
    "autopsy": "DUMP",
    "sim": "naughty-bug --save FILE",
    "report": "DUMP -o FILE",
    "diff": "DUMP OTHER",
    "watch": "DUMP --looks 1",
    "sync": "DUMP",
    "digest": "RESULT",
    "rules": "",
    "capture": "DUMP -o FILE",
    "check-module": "MODULE",
}
ANSWERS = (0, 1, 3, 4)
MOMENTS = (0.2, 0.5, 0.8)  # of the time it takes


class Command:
    def __init__(self, tool, name, places, folder):
        self.name, self.places, self.folder = name, dict(places), folder
        self.places["FILE"] = os.path.join(folder, "written")
        self.words = [tool, name, *(self.places.get(word, word)
                                    for word in shlex.split(COMMANDS[name]))]
        begin = time.monotonic()
        done = self.run()
        self.seconds = time.monotonic() - begin
        self.status, self.stdout = done.returncode, done.stdout
        self.whole = self.written()

    def start(self, **how):
        return subprocess.Popen(self.words, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
                                cwd=self.folder, **how)

    def run(self, **how):
        return subprocess.run(self.words, stdin=subprocess.DEVNULL, check=False,
                              cwd=self.folder, timeout=PATIENCE,
                              **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **how})

    def written(self):
        """What it wrote, which is gone then; what else lies there is named."""
        files = {path.name: path.read_bytes() for path in pathlib.Path(self.folder).iterdir()}
        for name in files:
            os.remove(os.path.join(self.folder, name))
        return files


def sizes(files):
    """A page has the time in it."""
    return {name: len(data) for name, data in files.items()}


def full(tap, command):
    with open("/dev/full", "wb") as out:
        done = command.run(stdout=out)
    tap.case(f"{command.name}: no room for its output is an error, and said",
             done.returncode == 3 and b"No space left on device" in b" ".join(done.stderr.split()),
             (done.returncode, done.stderr[-400:]))
    command.written()


def closed(tap, command):
    done = command.run(stdout=None, preexec_fn=lambda: os.close(1))
    tap.case(f"{command.name}: nowhere to write its output is an error, and said",
             done.returncode == 3 and done.stderr, (done.returncode, done.stderr[-400:]))
    command.written()


def unread(tap, command):
    reader, writer = os.pipe()
    os.close(reader)
    done = command.run(stdout=writer)
    os.close(writer)
    tap.case(f"{command.name}: ends where nobody reads its output",
             done.returncode in (-signal.SIGPIPE, *ANSWERS) and not
             (done.returncode < 0 and done.stderr), (done.returncode, done.stderr[-400:]))
    command.written()


def interrupt(tap, command):
    for number in signal.SIGINT, signal.SIGTERM:
        for moment in MOMENTS if command.whole else MOMENTS[:1]:
            child = command.start(stdout=subprocess.DEVNULL)
            time.sleep(moment * command.seconds)
            child.send_signal(number)
            said = child.communicate(timeout=PATIENCE)[1]
            left = command.written()
            tap.case(f"{command.name}: {number.name} after {moment:.0%} of its time leaves all or "
                     "nothing", child.returncode in (-number, *ANSWERS) and
                     sizes(left) in ({}, sizes(command.whole)),
                     (child.returncode, sizes(left), said[-400:]))


def no_room():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (512, 512))


def small(tap, command):
    done = command.run(preexec_fn=no_room)
    left = command.written()
    tap.case(f"{command.name}: a file that there is no room for is an error, and not there",
             done.returncode == 3 and b"File too large" in b" ".join(done.stderr.split()) and
             not left,
             (done.returncode, done.stderr[-400:], list(left)))


def shrink(tap, command):
    """While it is read: at once, and later."""
    dump = command.places["DUMP"]
    size = os.path.getsize(dump)
    for moment in MOMENTS[:2]:
        child = command.start(stdout=subprocess.DEVNULL)
        time.sleep(moment * command.seconds)
        os.truncate(dump, size // 3)
        said = child.communicate(timeout=PATIENCE)[1]
        tap.case(f"{command.name}: its dump shrinks after {moment:.0%} of its time",
                 child.returncode in ANSWERS, (child.returncode, said[-400:]))
        shutil.copy(command.places["COPY"], dump)
        command.written()


def main():
    tool, dump, other, module = map(os.path.abspath, sys.argv[1:5])
    tap = Tap()
    listed = subprocess.run([tool, "--help"], capture_output=True, text=True, check=True).stdout
    names = re.findall(r"^  ([a-z-]+) +", listed.split("\nCommands:\n")[1].split("\n\n")[0],
                       re.M)
    tap.case(f"each of {len(names)} commands is tried", set(names) == set(COMMANDS) and names,
             set(names) ^ set(COMMANDS))
    with tempfile.TemporaryDirectory() as scratch:
        places = {name: os.path.join(scratch, name) for name in ("DUMP", "RESULT")}
        places.update(COPY=dump, OTHER=other, MODULE=module)
        shutil.copy(dump, places["DUMP"])
        with open(places["RESULT"], "wb") as out:
            subprocess.run([tool, "audit", dump, "--ndjson"], stdout=out, check=False,
                           stderr=subprocess.DEVNULL)
        for name, given in COMMANDS.items():
            folder = os.path.join(scratch, "of-" + name)
            os.mkdir(folder)
            command = Command(tool, name, places, folder)
            tap.case(f"{name}: answers", command.status in ANSWERS, command.status)
            if command.stdout:
                full(tap, command)
                closed(tap, command)
                unread(tap, command)
            interrupt(tap, command)
            if command.whole:
                small(tap, command)
            if "DUMP" in given:
                shrink(tap, command)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
