# SPDX-License-Identifier: LGPL-2.1-or-later
"""What tests of a peer share: the tool asked of it, beside the core that it has."""

import contextlib
import pathlib
import re
import subprocess
import tempfile
import time

from tap import PATIENCE, Tap


@contextlib.contextmanager
def fake(kind, core, **how):
    """A peer of that class, with a folder of its own, as long as it is needed."""
    with tempfile.TemporaryDirectory() as folder:
        peer = kind(core, pathlib.Path(folder), **how)
        try:
            yield peer
        finally:
            peer.close()


class Bench:
    def __init__(self, tool, core, scheme, options=()):
        self.tool, self.core, self.scheme, self.options = tool, core, scheme, options
        self.tap = Tap()
        self.case = self.tap.case
        self.wanted = {command: self.run(*command, core) for command in
                       (("spaces",), ("audit",), ("cpus", "-o", "cpu,register,value"))}

    def run(self, command, *arguments, env=None):
        """Exit status, output and messages in one line; the last argument is the target."""
        target = arguments[-1]
        ran = subprocess.run([self.tool, command, target, *arguments[:-1]], text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             timeout=PATIENCE, check=False, env=env)
        return ran.returncode, ran.stdout, " ".join(ran.stderr.split())

    def good(self, name, peer, *options, command=("spaces",), said=()):
        """The same answer as of the core."""
        status, output, words = self.run(*command, *(options or self.options),
                                         f"{self.scheme}:{peer.path}")
        same = (status, output) == self.wanted[command][:2]
        missing = [text for text in said if text not in words]
        self.case(name, same and not missing,
                  f"status {status}, {'same' if same else output[:2000]}\n{words}\n"
                  f"not said: {missing}")

    def bad(self, name, peer, *said, options=None, limit=PATIENCE, status=3):
        """No answer, and what is said of it, in time."""
        options = self.options if options is None else options
        began = time.monotonic()
        got, output, words = self.run("spaces", *options, f"{self.scheme}:{peer.path}")
        took = time.monotonic() - began
        missing = [text for text in said if not re.search(text, words)]
        self.case(name, got == status and not output and not missing and took < limit,
                  f"status {got}, {took:.1f} s\n{output[:300]}\n{words[:1000]}\n"
                  f"not said: {missing}")

    def apply(self, peer, *options, status=0, env=None):
        """What `sync` says with that; the journal is gone afterwards, unless it is given."""
        with tempfile.TemporaryDirectory() as folder:
            if "--undo" not in options and "--journal" not in options:
                options = *options, "--apply", "--journal", f"{folder}/journal"
            got, output, words = self.run("sync", "--stop", *options,
                                          f"{self.scheme}:{peer.path}", env=env)
            return got == status, f"status {got}\n{output}\n{words}"

    @staticmethod
    def runs(peer):
        """Whether its machine runs, now or soon."""
        end = time.monotonic() + 60
        while not peer.running and time.monotonic() < end:
            time.sleep(0.05)
        return peer.running
