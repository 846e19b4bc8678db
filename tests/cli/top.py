#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""`watch --top` on terminals: a target that changes, keys, sizes, and how a terminal is left.

    top.py TOOL WELL SICK     run, as TAP; two captures of one kernel, and in SICK a process
                              cannot reach the page fault's handler

Looks are asked for by key: their interval is longer than any test. What is waited for is a
screen that shows it.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "common"))
import tap as tap_module  # noqa: E402
from screen import Terminal  # noqa: E402
from tap import PATIENCE, Tap  # noqa: E402
from watch import put  # noqa: E402

DONE = "next look in"  # in the title while it rests


def command(tool, target, *words):
    return [tool, "watch", target, "--top", "--interval", "100000", *words]


def check_changes(tap, tool, well, sick, target, scratch):
    put(well, target)
    history = os.path.join(scratch, "history")
    with Terminal(command(tool, target, "--history", history, "--on-finding",
                          "echo said by it; echo and an error >&2"), width=100, height=40) as terminal:
        tap.case("the first look is shown", terminal.wait_for("^look 1 at .*Z took ") and
                 terminal.wait_for(DONE) and terminal.wait_for("^nothing yet$"),
                 terminal.text())
        tap.case("with each space, its name unfit for a terminal too",
                 terminal.wait_for(r" 117 waiter +heals ") and
                 terminal.wait_for(r"^19 spaces: 1 heals, 18 coherent") and
terminal.wait_for(r' \) "x\\\\y" \[0\] 1'), terminal.text())
        put(sick, target)
        terminal.press(" ")
        tap.case("space looks now: what is worse is first, and since when",
                 terminal.wait_for(r"^    116 waiter +nests +3 \d\d:\d\d:\d\d +gate 14"),
                 terminal.text())
        tap.case("what changed is told",
                 terminal.wait_for(r"^\d\d:\d\d:\d\d  worse     verdict 116 waiter: coherent -> "
                                   "nests") and
                 terminal.wait_for(r"^\d\d:\d\d:\d\d  found     finding "), terminal.text())
        tap.case("what a command prints is a line of it, and not across the screen",
                 terminal.wait_for(r"^\d\d:\d\d:\d\d  said by it$") and
                 terminal.wait_for(r"^\d\d:\d\d:\d\d  and an error$") and
                 b"on-finding" not in terminal.printed, terminal.text())
        check_lost(tap, terminal, sick, target)
        terminal.press("\x03")
        tap.case("Ctrl-C ends it with an audit's status", terminal.end() == 1, terminal.text())
        tap.case("and leaves how things were, what it cost, and a terminal as it was",
                 re.search("will crash the machine", terminal.text()) and
                 re.search(r"\d looks, \d+\.\d+ s of a processor each", terminal.text()) and
                 terminal.is_as_before() and not terminal.screen.alternate and
                 not terminal.screen.hidden, terminal.text())
    with open(history, encoding="ascii") as lines:
        tap.case("the history is written all the same", '"worse"' in lines.readline())


def check_lost(tap, terminal, sick, target):
    os.unlink(target)
    terminal.press(" ")
    tap.case("a target that is gone: the view says so, and shows what was",
             terminal.wait_for("^LOST since .*Z; this is of ") and
             terminal.wait_for("No such file or directory") and
             terminal.wait_for("116 waiter"), terminal.text())
    put(sick, target)
    terminal.wait_for(DONE)
    terminal.press(" ")
    tap.case("and goes on", terminal.wait_for("^look 3 at ") and
             terminal.wait_for("  back      target"), terminal.text())


def check_keys(tap, tool, sick, term):
    with Terminal(command(tool, sick), term=term) as terminal:
        terminal.wait_for(DONE)

        def after(keys, pattern):
            terminal.press(keys)
            return terminal.wait_for(pattern)

        tap.case(f"{term}: Enter shows findings with their meaning and what to do",
                 after("\r", "^FINDINGS") and after("G", "^  fix:      ") and
                 after("g", "^116 waiter will crash"), terminal.text())
        tap.case(f"{term}: q goes back", after("q", "^CHANGES"), terminal.text())
        tap.case(f"{term}: ? lists the keys", after("?", "^Space      look now"),
                 terminal.text())
        terminal.press("\x1b")
        tap.case(f"{term}: Esc goes back", terminal.wait_for("^CHANGES"), terminal.text())
        down = "\x1bOB" if terminal.screen.keypad else "\x1b[B"
        tap.case(f"{term}: the cursor is a line in reverse, and moves",
                 terminal.wait_until(lambda: cursor(terminal) == "    116 waiter") and
                 not terminal.press(down) and
                 terminal.wait_until(lambda: cursor(terminal) == "      - init_mm"),
                 terminal.text())
        tap.case(f"{term}: s sorts, f filters", after("ss", "; by pid$") and
                 terminal.wait_for(r"  FINDINGS .*\n      - init_mm") and
                 after("f", "by pid, with findings only") and
                 terminal.wait_until(lambda: "herd-00000" not in terminal.text()),
                 terminal.text())
        tap.case(f"{term}: p pauses, and goes on", after("p", "paused$") and
                 after("p", DONE), terminal.text())
        tap.case(f"{term}: - shortens the interval", after("-", "every 3600 s"),
                 terminal.text())
        tap.case(f"{term}: colours where the terminal has them",
                 bool(terminal.screen.colours) == (term != "vt100"), terminal.screen.colours)
        terminal.press("q")
        tap.case(f"{term}: q ends it", terminal.end() == 1 and terminal.is_as_before() and
                 not terminal.screen.keypad, terminal.text())


def cursor(terminal):
    """The first characters of the line that is in reverse, between the titles."""
    rows = [row for row, marked in enumerate(terminal.screen.marked) if marked[0]]
    titles = [row for row in rows if re.match("whosees|    PID|CHANGES|Enter",
                                              terminal.lines()[row])]
    rows = [row for row in rows if row not in titles]
    return terminal.lines()[rows[0]][:15].rstrip() if len(rows) == 1 else None


def check_sizes(tap, tool, sick):
    with Terminal(command(tool, sick), width=100, height=30) as terminal:
        terminal.wait_for(DONE)
        terminal.resize(40, 10)
        tap.case("a small terminal is drawn for",
                 terminal.wait_for("^    116 waiter          nests$") and
                 terminal.wait_for("^Enter findings.*pause$"), terminal.text())
        terminal.resize(30, 5)
        tap.case("one that is too small says so", terminal.wait_for("^40x10 is needed$"),
                 terminal.text())
        terminal.resize(132, 40)
        tap.case("a larger one has all again", terminal.wait_for("^    116 waiter .* gate 14") and
                 terminal.wait_for(r"all others are coherent$") and
                 terminal.wait_until(lambda: terminal.lines()[39].startswith("Enter findings")),
                 terminal.text())
        terminal.press("\x0c")
        terminal.press("\x1a")
        os.waitpid(terminal.pid, os.WUNTRACED)
        terminal.wait_until(terminal.is_as_before)
        tap.case("Ctrl-Z leaves a terminal as it was", terminal.is_as_before())
        os.kill(terminal.pid, signal.SIGCONT)
        terminal.press("?")
        tap.case("and it goes on", terminal.wait_for("^KEYS"), terminal.text())
        os.kill(terminal.pid, signal.SIGTERM)
        tap.case("SIGTERM ends it", terminal.end() == 1 and terminal.is_as_before(),
                 terminal.text())
    with Terminal(command(tool, sick), NO_COLOR="1") as terminal:
        terminal.wait_for("116 waiter")
        terminal.press("q")
        tap.case("no colours with NO_COLOR", terminal.end() == 1 and
                 not terminal.screen.colours, terminal.screen.colours)


def check_ends(tap, tool, well, sick, target, scratch):
    for what, words, status in (("after so many looks", ("-n", "0", "--looks", "2"), 1),
                                ("at a finding", ("--until-finding",), 1)):
        with Terminal([tool, "watch", sick, "--top", *words]) as terminal:
            tap.case(f"it ends {what}", terminal.end() == status and terminal.is_as_before(),
                     terminal.text())
    for what, trap in (("a hangup", ""), ("the end of a terminal, whose hangup is ignored,",
                                          "trap '' HUP; ")):
        with Terminal(["/bin/sh", "-c", f"{trap}exec '{tool}' watch '{sick}' --top"]) as terminal:
            terminal.wait_for(DONE)
            status = terminal.hang_up()
            # what it would print at its end nobody can read
            tap.case(f"{what} ends it", status in (1, 3), status)
    put(well, target)
    with Terminal(command(tool, target, "--history", os.path.join(scratch, "no/h"))) as terminal:
        terminal.wait_for(DONE)
        put(sick, target)
        terminal.press(" ")
        tap.case("what cannot be written ends it, and why is seen",
                 terminal.end() == 3 and terminal.is_as_before() and
                 re.search("no/h: No such file or directory", terminal.text()),
                 terminal.text())


def check_long_look(tap, tool, well, target):
    """A look at a pipe that nobody writes to has no end."""
    put(well, target)
    with Terminal(command(tool, target)) as terminal:
        terminal.wait_for(DONE)
        os.unlink(target)
        os.mkfifo(target)
        terminal.press(" ")
        tap.case("keys are heard while a look takes long", terminal.wait_for("looking$") and
                 not terminal.press("?") and terminal.wait_for("^KEYS"), terminal.text())
        terminal.press("qq")
        tap.case("the terminal is as it was before that is over",
                 terminal.wait_for("ends when the look that goes on is over") and
                 terminal.is_as_before(), terminal.text())
        terminal.press("\x03")
        tap.case("and Ctrl-C ends it at once", terminal.end() == -signal.SIGINT,
                 terminal.text())
    os.unlink(target)


def check_refusals(tap, tool, sick):
    done = subprocess.run([tool, "watch", sick, "--top"], capture_output=True, text=True,
                          timeout=PATIENCE, check=False)
    tap.case("without a terminal it is refused", done.returncode == 2 and
             "standard output is no terminal" in done.stderr, done)
    done = subprocess.run([tool, "watch", sick, "--top", "--ndjson"], capture_output=True,
                          text=True, timeout=PATIENCE, check=False)
    tap.case("NDJSON is refused", done.returncode == 2 and "not with --ndjson" in done.stderr,
             done)
    for term, why in (("dumb", "cannot be moved"), ("no-such", "no terminfo entry"),
                      ("", "does not say")):
        with Terminal([tool, "watch", sick, "--top"], term=term) as terminal:
            tap.case(f"TERM={term} is refused with words", terminal.end() == 2 and
                     why in " ".join(terminal.text().split()), terminal.text())
    with Terminal(["/bin/sh", "-c", f"'{tool}' watch '{sick}' --top </dev/null"]) as terminal:
        tap.case("without keys it is refused", terminal.end() == 2 and
                 "standard input is no terminal" in terminal.text(), terminal.text())


def main(tool, well, sick):
    tap = Tap()
    if not tap_module.has_terminals():
        tap.skip("watch --top", tap_module.NO_TERMINALS)
        return tap.end()
    with tempfile.TemporaryDirectory() as scratch:
        target = os.path.join(scratch, "machine.elf")
        check_changes(tap, tool, well, sick, target, scratch)
        for term in ("xterm", "vt100"):
            check_keys(tap, tool, sick, term)
        check_sizes(tap, tool, sick)
        check_ends(tap, tool, well, sick, target, scratch)
        check_long_look(tap, tool, well, target)
        check_refusals(tap, tool, sick)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
