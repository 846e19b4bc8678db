# SPDX-License-Identifier: LGPL-2.1-or-later
"""A program on a terminal that is made here: what it prints becomes a screen of characters.

    with Terminal([tool, "watch", ...], term="vt100", width=80, height=24) as terminal:
        terminal.wait_for("next look")      # True, or False when it has ended
        terminal.press("q")
        print(terminal.end(), terminal.lines())

It understands what terminfo's entries of vt100 and xterm have programs print, and raises
ValueError at all else, so that nothing is taken for text that is none.
"""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time

from tap import PATIENCE

# Sequences: CSI with its parameters, a character set, others of one character.
SEQUENCE = re.compile(r"\x1b(?:\[(?P<mark>[?>]?)(?P<numbers>[\d;]*)(?P<end>[@-~])|[()](?P<set>.)|"
                      r"(?P<one>[=>MDE]))")
UNFINISHED = re.compile(r"\x1b(?:\[[?>]?[\d;]*|[()])?$")


class Screen:
    """Characters and who is in reverse, as a terminal of that size keeps them."""

    def __init__(self, width, height):
        self.resize(width, height)
        self.colours = set()  # parameters of SGR that choose one
        self.alternate = self.keypad = False
        self.hidden = False

    def resize(self, width, height):
        self.width, self.height = width, height
        self.row = self.column = 0
        self.reverse = False
        self.text = [[" "] * width for _ in range(height)]
        self.marked = [[False] * width for _ in range(height)]
        self.top, self.bottom = 0, height - 1  # the region that scrolls

    def lines(self):
        return ["".join(line).rstrip() for line in self.text]

    def _blank(self, row, first, last):
        for column in range(max(first, 0), min(last, self.width)):
            self.text[row][column], self.marked[row][column] = " ", False

    def _move(self, row, column):
        self.row = min(max(row, 0), self.height - 1)
        self.column = min(max(column, 0), self.width - 1)

    def _shift(self, first, n):
        """Lines from the first to the region's end: n down, or, where it is negative, up."""
        for grid, blank in (self.text, " "), (self.marked, False):
            for _ in range(min(abs(n), self.bottom + 1 - first)):
                del grid[self.bottom if n > 0 else first]
                grid.insert(first if n > 0 else self.bottom, [blank] * self.width)

    def _down(self):
        if self.row == self.bottom:
            self._shift(self.top, -1)
        else:
            self._move(self.row + 1, self.column)

    def _up(self):
        if self.row == self.top:
            self._shift(self.top, 1)
        else:
            self._move(self.row - 1, self.column)

    def put(self, char):
        if self.column == self.width:  # the last column is full: it wraps only now
            self.column = 0
            self._down()
        self.text[self.row][self.column] = char
        self.marked[self.row][self.column] = self.reverse
        self.column += 1

    def control(self, char):
        if char == "\r":
            self.column = 0
        elif char == "\n":
            self._down()
        elif char == "\b":
            self._move(self.row, min(self.column, self.width - 1) - 1)
        elif char == "\t":
            self._move(self.row, (self.column // 8 + 1) * 8)
        elif char not in "\x00\x07\x0e\x0f":
            raise ValueError(f"control character {char!r}")

    def _style(self, numbers):
        for n in numbers or [0]:
            if n in (0, 27):
                self.reverse = False
            elif n == 7:
                self.reverse = True
            elif 30 <= n < 50:
                self.colours.add(n)
            elif n not in (1, 22, 24):
                raise ValueError(f"SGR {n}")

    def _erase(self, end, kind):
        ranges = {0: (self.column, self.width), 1: (0, self.column + 1), 2: (0, self.width)}
        self._blank(self.row, *ranges[kind])
        if end == "J":
            rows = {0: range(self.row + 1, self.height), 1: range(self.row),
                    2: range(self.height)}
            for row in rows[kind]:
                self._blank(row, 0, self.width)

    def csi(self, mark, numbers, end):
        n = numbers[0] if numbers else 0
        if mark == "?" and end in "hl":
            self.alternate = end == "h" if 1049 in numbers else self.alternate
            self.hidden = end == "l" if 25 in numbers else self.hidden
        elif mark or end in "hlt":  # modes, window titles
            pass
        elif end == "r":
            self.top, self.bottom = n and n - 1, (numbers + [0, 0])[1] - 1
            if self.bottom < 0:
                self.bottom = self.height - 1
            self._move(0, 0)
        elif end in "STLM":
            self._shift(self.top if end in "ST" else self.row,
                        max(n, 1) if end in "TL" else -max(n, 1))
        elif end in "Hf":
            self._move((numbers + [1])[0] - 1, (numbers + [1, 1])[1] - 1)
        elif end in "ABCD":
            step = max(n, 1)
            self._move(self.row + {"A": -step, "B": step}.get(end, 0),
                       self.column + {"C": step, "D": -step}.get(end, 0))
        elif end in "Gd":
            at = max(n, 1) - 1
            self._move(*((self.row, at) if end == "G" else (at, self.column)))
        elif end in "JK":
            self._erase(end, n)
        elif end == "X":
            self._blank(self.row, self.column, self.column + max(n, 1))
        elif end == "P":
            self._delete(max(n, 1))
        elif end == "@":
            self._insert(max(n, 1))
        elif end == "b":
            char = self.text[self.row][self.column - 1]
            for _ in range(max(n, 1)):
                self.put(char)
        elif end == "m":
            self._style(numbers)
        else:
            raise ValueError(f"CSI {mark}{numbers}{end}")

    def _delete(self, n):
        for grid, blank in (self.text, " "), (self.marked, False):
            del grid[self.row][self.column:self.column + n]
            grid[self.row] += [blank] * (self.width - len(grid[self.row]))

    def _insert(self, n):
        for grid, blank in (self.text, " "), (self.marked, False):
            grid[self.row][self.column:self.column] = [blank] * n
            del grid[self.row][self.width:]

    def feed(self, text):
        """All of it but the beginning of a sequence, which is returned."""
        at = 0
        while at < len(text):
            if text[at] == "\x1b":
                found = SEQUENCE.match(text, at)
                if not found:
                    if UNFINISHED.match(text, at):
                        return text[at:]
                    raise ValueError(f"escape sequence {text[at:at + 12]!r}")
                if found["end"]:
                    self.csi(found["mark"], [int(n or 0) for n in found["numbers"].split(";")
                                             if found["numbers"]], found["end"])
                elif found["one"] and found["one"] in "=>":
                    self.keypad = found["one"] == "="
                elif found["one"] == "M":
                    self._up()
                elif found["one"] and found["one"] in "DE":
                    self._down()
                at = found.end()
                continue
            if " " <= text[at] <= "~":
                self.put(text[at])
            else:
                self.control(text[at])
            at += 1
        return ""


class Terminal:
    def __init__(self, command, term="xterm", width=80, height=24, **env):
        self.screen, self.rest, self.printed = Screen(width, height), "", b""
        self.status = None
        self.pid, self.fd = pty.fork()
        if not self.pid:
            try:
                fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
                os.environ.pop("COLUMNS", None)
                os.environ.pop("NO_COLOR", None)
                os.environ.update(env, TERM=term)
                os.execv(command[0], command)
            finally:
                os._exit(127)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            self.end()
        os.close(self.fd)

    def lines(self):
        return self.screen.lines()

    def text(self):
        return "\n".join(self.lines())

    def read(self, seconds):
        """What comes in so many seconds at most. False: it has ended."""
        if not select.select([self.fd], [], [], max(seconds, 0))[0]:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError:  # nobody has the other end any more
            data = b""
        self.printed += data
        self.rest = self.screen.feed(self.rest + data.decode("ascii"))
        return bool(data)

    def wait_until(self, holds):
        """holds(): whether the screen is as it is waited for."""
        until = time.monotonic() + PATIENCE
        while not holds():
            if not self.read(until - time.monotonic()) or time.monotonic() > until:
                return holds()
        return True

    def wait_for(self, pattern):
        return self.wait_until(lambda: re.search(pattern, self.text(), re.MULTILINE))

    def press(self, keys):
        os.write(self.fd, keys.encode())

    def resize(self, width, height):
        """The screen is blank then: what is not drawn anew is missed."""
        self.screen.resize(width, height)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    def is_as_before(self):
        """Whether lines are edited and echoed, as a shell needs it."""
        local = termios.tcgetattr(self.fd)[3]
        return bool(local & termios.ICANON and local & termios.ECHO)

    def hang_up(self):
        """Nobody is there any more. The exit status of who had been talked to."""
        os.close(self.fd)
        self.fd = os.open(os.devnull, os.O_RDWR)
        until = time.monotonic() + PATIENCE
        while not (ended := os.waitpid(self.pid, os.WNOHANG))[0]:
            time.sleep(0.01)
            if time.monotonic() > until:
                os.kill(self.pid, signal.SIGKILL)
        self.status = os.waitstatus_to_exitcode(ended[1])
        return self.status

    def end(self):
        """Its exit status, once it has ended; negative: the signal that killed it."""
        until = time.monotonic() + PATIENCE
        while self.read(until - time.monotonic()):
            if time.monotonic() > until:
                os.kill(self.pid, signal.SIGKILL)
        if self.status is None:
            self.status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.status
