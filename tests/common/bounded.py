# SPDX-License-Identifier: LGPL-2.1-or-later
"""The tool on a hostile file: within a bound of time and of memory, with an exit status that
it has, with words; and no other answer than that of the whole file, but with a note."""

import errno
import os
import resource
import signal
import subprocess
import tempfile

import tap as tap_module
from archive import sanitizers

MEMORY = 1 << 30  # bytes of address space, where the sanitizers do not need all of it
SECONDS = 60  # of processor time
NO_MEMORY = ("out of memory", os.strerror(errno.ENOMEM))
EXITS = (0, 1, 3, 4)
# What the sanitizers end a process with, and no exit status of the tool's.
SANITIZED = 99
OPTIONS = f"exitcode={SANITIZED}:hard_rss_limit_mb={MEMORY >> 20}"


class Tool:
    """The audit of a file."""

    def __init__(self, tool, options):
        self.tool, self.options = os.path.abspath(tool), options
        self.sanitized = sanitizers(os.environ["WS_BUILD"])

    def _limit(self):
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
        if not self.sanitized:
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))

    def ask(self, path):
        """(exit status, output, errors), without the file's name."""
        done = subprocess.run([self.tool, "audit", path, *self.options],
                              env=dict(os.environ, LC_ALL="C", COLUMNS="999",
                                       ASAN_OPTIONS=OPTIONS,
                                       UBSAN_OPTIONS=f"exitcode={SANITIZED}:halt_on_error=1"),
                              preexec_fn=self._limit, stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=tap_module.PATIENCE, check=False)
        name = path.encode()
        return (done.returncode, done.stdout.replace(name, b"DUMP"),
                done.stderr.replace(name, b"DUMP").decode("ascii", "replace"))

    def run(self, data, number):
        with tempfile.NamedTemporaryFile(dir="/dev/shm", prefix=f"{number}-") as file:
            file.write(data)
            file.flush()
            return self.ask(file.name)


def misbehaves(answer):
    """What is wrong with how it ended, whatever was asked; None: nothing."""
    status, _, err = answer
    if status < 0:
        return signal.Signals(-status).name
    if status not in EXITS:
        return f"exit status {status}: {err[:2000]}"
    if status == 3 and "whosees: " not in err:
        return "exit status 3 without a word"
    if any(words in err for words in NO_MEMORY):
        return f"more than {MEMORY} bytes: {err[:200]}"
    return None


def wrong(whole, answer):
    """What is wrong with an answer beside that of the whole file; None: nothing."""
    status, out, err = answer
    said = misbehaves(answer)
    if not said and (status, out) != whole[:2] and status != 3 and (
            "note: " not in err or err == whole[2]):
        return "another answer, and no note"
    return said
