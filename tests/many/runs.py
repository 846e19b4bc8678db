# SPDX-License-Identifier: LGPL-2.1-or-later
"""contrib/many on a fleet: run, killed in the middle, run again, and digested."""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import time

SHARE = pathlib.Path(__file__).resolve().parents[2] / "contrib/many/share"
ONE = SHARE.with_name("one")


def environment(tool, **more):
    return dict(os.environ, WHOSEES=os.path.abspath(tool), **more)


def count(results):
    """How many lines of results are there."""
    return sum(file.read_bytes().count(b'\n{"record":"result"') for file in
               results.glob("*.ndjson"))


def kill_session(leader):
    """Kills all processes of a session: GNU parallel's jobs have process groups of their own."""
    while True:
        alive = []
        for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                _, after = stat.read_text(errors="replace").rsplit(")", 1)
            except OSError:
                continue
            state, _, _, session = after.split()[:4]
            if int(session) == leader and state != "Z":
                alive.append(int(stat.parent.name))
        if not alive:
            return
        for pid in alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


class Share:
    """All of a fleet as one share."""

    def __init__(self, fleet, results, jobs=2):
        self.fleet, self.results, self.jobs = fleet, results, jobs

    def _begin(self):
        return subprocess.Popen([SHARE, "audit", self.fleet.list, self.results, "0", "1"],
                                env=environment(self.fleet.tool, JOBS=str(self.jobs)),
                                start_new_session=True)

    def _has_logged(self):
        """Whether some jobs will not be done again."""
        log = self.results / "0.log"
        return log.exists() and log.read_text().count("\n") > 1

    def kill_after(self, done, pause=0.05, seen=lambda count: None):
        """Ends it by SIGKILL once so many dumps are done; how many then were."""
        process = self._begin()
        while process.poll() is None and not (count(self.results) >= done and
                                              self._has_logged()):
            seen(count(self.results))
            time.sleep(pause)
        kill_session(process.pid)
        process.wait()
        return count(self.results)

    def finish(self):
        return self._begin().wait()


def digest(tool, results):
    """(the document, the exit status)"""
    done = subprocess.run([tool, "digest", "--json", *sorted(results.glob("*.ndjson"))],
                          capture_output=True, check=False)
    return json.loads(done.stdout), done.returncode
