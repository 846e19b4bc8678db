# SPDX-License-Identifier: LGPL-2.1-or-later
"""TAP for tests in Python: cases as they happen, the plan at the end.

    tap = Tap()
    tap.case("what holds", condition, "what was seen instead")
    tap.skip("what was not looked at", "why")
    sys.exit(tap.end())
"""

import os
import signal

# Seconds after which a program that a test runs is given up: it hangs, it is not slow. Less
# than meson gives the test (tests/meson.build), so that it can be said which program it was.
PATIENCE = 900

NO_TERMINALS = "no pseudo-terminal can be opened here: is /dev/pts mounted?"


def has_terminals():
    """Whether a test can look at what is printed to a terminal: a chroot may have none."""
    try:
        for end in os.openpty():
            os.close(end)
    except OSError:
        return False
    return True


def heed_signals():
    """A shell ignores these for a job in the background: tests send them."""
    for number in signal.SIGINT, signal.SIGQUIT:
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


class Tap:
    def __init__(self):
        heed_signals()
        self.n = self.failed = 0

    def _line(self, ok, name, directive=""):
        self.n += 1
        print(f"{ok} {self.n} - {name.replace('#', '')}{directive}", flush=True)

    def case(self, name, ok, detail=""):
        self._line("ok" if ok else "not ok", name)
        if not ok:
            self.failed += 1
            self.note(detail)
        return ok

    def skip(self, name, reason):
        self._line("ok", name, f" # SKIP {reason}")

    @staticmethod
    def note(text):
        for line in str(text).splitlines():
            print(f"# {line}", flush=True)

    def end(self):
        print(f"1..{self.n}", flush=True)
        return 1 if self.failed else 0
