#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The Python package: what it says is what the tool says, failures are exceptions with words,
and nothing is left open.

    test_package.py CONTRIB I386 AMD64 TOOL     run, as TAP; two captures
"""

import contextlib
import gc
import io
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "common"))
from tap import PATIENCE, Tap  # noqa: E402


def tool_says(tool, *words):
    done = subprocess.run([tool, *words, "--json"], capture_output=True, text=True, check=False,
                          timeout=PATIENCE)
    return json.loads(done.stdout)


def agrees(tap, tool, dump):
    """Spaces, walks and findings, with the tool's."""
    with whosees.open(dump) as machine:
        name = os.path.basename(dump)
        rows = tool_says(tool, "spaces", dump)["spaces"]
        tap.case(f"{name}: the spaces", [(s.kind, s.pid, s.root) for s in machine.spaces] ==
                 [(r["kind"], r["pid"] or 0, int(r["root"], 16)) for r in rows],
                 (machine.spaces, rows))
        what = ["vfs_read", "lab_page_fault", "0xc0000000"]
        rows = tool_says(tool, "probe", dump, *what, "--all")["rows"]
        seen = {(r["pid"] or 0, int(r["root"], 16), int(r["address"], 16)): r["end"] == "page"
                for r in rows}
        matrix = machine.probe(["vfs_read", "lab_page_fault", 0xc0000000])
        got = {(s.pid, s.root, int(a)): bool(matrix.seen[i, j])
               for i, s in enumerate(matrix.spaces) for j, a in enumerate(matrix.addresses)}
        common = got.keys() & seen.keys()
        tap.case(f"{name}: who sees what", len(common) >= 3 * 10 and
                 {k: got[k] for k in common} == {k: seen[k] for k in common} and
                 matrix.known.all(), (len(common), got, seen))
        lost = [s for i, s in enumerate(matrix.spaces) if not matrix.seen[i, 1]]
        tap.case(f"{name}: a walk says the same",
                 all(machine.walk(s, "lab_page_fault").end is whosees.End.HOLE for s in lost) and
                 machine.walk(machine.spaces[0], "vfs_read").end is whosees.End.PAGE, lost)
        rows = tool_says(tool, "audit", dump)["findings"]
        audit = machine.audit()
        tap.case(f"{name}: the audit", sorted((f.rule.id, f.first, f.last) for f in audit.findings)
                 == sorted((r["rule"], int(r["address"], 16), int(r["last"], 16)) for r in rows),
                 (audit.findings, rows))
        return machine


def refused(call):
    """What it raises, or None."""
    try:
        call()
    except BaseException as error:  # pylint: disable=broad-except
        return error
    return None


def memory(tap, dump):
    """A second machine over the first one's memory finds the same processes."""
    with whosees.open(dump) as machine:
        asked = []

        def read(address, size):
            asked.append(threading.current_thread())
            data = machine.read_physical(address, size)
            return data if isinstance(data, bytes) else None

        with whosees.over(read, [(0, 128 << 20)], name="another's") as other:
            tap.case("memory that the program has: the same processes", other.kind == "given" and
                     {(s.pid, s.root) for s in other.spaces if s.kind == "process"} ==
                     {(s.pid, s.root) for s in machine.spaces if s.kind == "process"},
                     (machine.spaces, other.spaces))
            address = machine.symbol("vfs_read").address
            tap.case("what is not to be had is not called damaged",
                     any("could not be read" in note for note in other.notes) and
                     not any("damaged" in note for note in other.notes), other.notes)
            tap.case("and the same bytes", other.read(address, 64) == machine.read(address, 64), "")
        tap.case("asked for in the caller's thread alone", set(asked) == {threading.main_thread()},
                 set(asked))
    for name, read, cause in (("raises", lambda pa, size: 1 // 0, ZeroDivisionError),
                              ("gives too little", lambda pa, size: b"x", ValueError),
                              ("gives text", lambda pa, size: "x" * size, TypeError),
                              ("gives a list", lambda pa, size: [0] * size, TypeError)):
        with contextlib.redirect_stderr(io.StringIO()) as printed:
            error = refused(lambda: whosees.over(read, [(0, 64 << 20)]))  # pylint: disable=cell-var-from-loop
        tap.case(f"a function that {name}", isinstance(error, whosees.Error) and
                 isinstance(error.__cause__, cause) and not printed.getvalue(),
                 (error, printed.getvalue()))
    for name, extents in ("none", []), ("beyond all memory", [(1 << 60, 4096)]):
        try:
            whosees.over(lambda pa, size: bytes(size), extents)
            tap.case(f"extents: {name}", False, "it was opened")
        except whosees.Error as error:
            tap.case(f"extents: {name}", str(error), "no words")


def broken(tap, dump):
    """A read() that raises ends the call, and is the cause of all that comes after it."""
    for name, cause in ("an exception", ZeroDivisionError()), ("an interrupt", KeyboardInterrupt()):
        with whosees.open(dump) as machine:
            calls, armed = [], False

            def read(address, size):
                if armed:
                    calls.append(address)
                if len(calls) == 3:
                    raise cause
                data = machine.read_physical(address, size)
                return data if isinstance(data, bytes) else None

            with whosees.over(read, [(0, 64 << 20)]) as other:
                armed = True
                first = refused(other.audit)
                tap.case(f"{name} in read(): is raised", first is cause or
                         (isinstance(first, whosees.Error) and first.__cause__ is cause and
                          isinstance(cause, Exception)), repr(first))
                later = [refused(other.audit), refused(lambda: other.read(0, 1))]
                tap.case(f"{name} in read(): all later calls have that cause",
                         all(isinstance(e, whosees.Error) and e.__cause__ is cause for e in later),
                         later)
                tap.case(f"{name} in read(): it is called no more", len(calls) == 3, len(calls))


def inside(tap, dump):
    """What a machine calls cannot use that machine; it can use another."""
    said = []

    def ask(*_):
        if said:
            said.extend(refused(call) for call in (machine.close, lambda: machine.spaces))

    with whosees.open(dump, progress=ask) as machine:
        said.append(None)
        machine.audit()
    tap.case("from progress(): no call", len(said) > 2 and
             all(isinstance(error, RuntimeError) for error in said[1:]), said)
    with whosees.open(dump) as below:
        armed = False

        def read(address, size):
            if armed:
                other.close()
            data = below.read_physical(address, size)
            return data if isinstance(data, bytes) else None

        with whosees.over(read, [(0, 64 << 20)]) as other:
            armed = True
            error = refused(other.audit)
            tap.case("from read(): no close()", isinstance(error, whosees.Error) and
                     isinstance(error.__cause__, RuntimeError), repr(error))


def interrupted(tap, dump):
    """progress() that raises is not called again in that call, and the next call works."""
    calls = []

    def ask(*_):
        calls.append(1)
        if len(calls) == stop:
            raise KeyboardInterrupt

    stop = 0
    with whosees.open(dump, progress=ask) as machine:
        stop = len(calls) + 1
        error = refused(machine.audit)
        tap.case("an interrupt in progress() is raised, and it is called no more",
                 isinstance(error, KeyboardInterrupt) and len(calls) == stop, (error, len(calls)))
        tap.case("and the next call works", machine.audit().judgements and len(calls) > stop, "")


def arguments(tap, dump):
    """What C would take for something else is refused."""
    with whosees.open(dump) as machine:
        space = machine.spaces[0]
        for name, call, kind in (
                ("open(None)", lambda: whosees.open(None), TypeError),
                ("over(name=None)", lambda: whosees.over(lambda *_: None, [(0, 4096)], name=None),
                 TypeError),
                ("a NUL in a path", lambda: whosees.open(dump + "\0x"), ValueError),
                ("a NUL in an option", lambda: whosees.open(dump, kind="elf\0x"), ValueError),
                ("a NUL in a symbol", lambda: machine.symbol("vfs_read\0x"), ValueError),
                ("a NUL in a capture's path", lambda: machine.capture("/nonexistent/a\0b"),
                 ValueError)):
            error = refused(call)
            tap.case(f"{name}: refused", isinstance(error, kind) and
                     not isinstance(error, whosees.Error), repr(error))
        for address, kind in (-1, OverflowError), (1.5, TypeError), (1 << 64, OverflowError):
            both = [refused(call) for call in (
                lambda: machine.walk(space, address),  # pylint: disable=cell-var-from-loop
                lambda: machine.probe([address]))]  # pylint: disable=cell-var-from-loop
            tap.case(f"the address {address}: refused by walk and by probe",
                     all(isinstance(error, kind) for error in both), both)
        tap.case("the last address is one", int(machine.probe([(1 << 64) - 1]).addresses[0]) ==
                 (1 << 64) - 1, "")
        refused(lambda: machine.symbol("nobody_has_this"))
        error = refused(lambda: machine.symbol("nor_this"))
        tap.case("an error has no words of an earlier one", "nor_this" in str(error) and
                 "nobody_has_this" not in str(error), error)
    error = refused(machine.__enter__)
    tap.case("`with` a closed machine", isinstance(error, ValueError) and "closed" in str(error),
             repr(error))


def failures(tap, dump):
    for name, call, kind in (
            ("no such file", lambda: whosees.open("/nonexistent"), whosees.UnreadableError),
            ("no such kind", lambda: whosees.open(dump, kind="x"), whosees.UsageError),
            ("a file that is no dump", lambda: whosees.open(__file__), whosees.UnreadableError)):
        try:
            call()
            tap.case(name, False, "no exception")
        except kind as error:
            tap.case(name, isinstance(error, whosees.Error) and str(error), repr(error))
    with whosees.open(dump) as machine:
        space = machine.spaces[0]
        for name, call, kind in (
                ("no such symbol", lambda: machine.symbol("nobody_has_this"), whosees.NotFoundError),
                ("a space of another machine",
                 lambda: machine.walk(space._replace(root=1), 0), ValueError)):
            try:
                call()
                tap.case(name, False, "no exception")
            except kind as error:
                tap.case(name, str(error), repr(error))
        tap.case("not mapped and absent are two things",
                 machine.read(0, 1) is whosees.Absent.NOT_MAPPED and
                 machine.read_physical(1 << 40, 1) is whosees.Absent.ABSENT, "")
    machine.close()
    try:
        machine.spaces  # pylint: disable=pointless-statement
        tap.case("a closed machine", False, "no exception")
    except ValueError as error:
        tap.case("a closed machine", "closed" in str(error), error)


def progress(tap, dump):
    said = []
    with whosees.open(dump, progress=lambda what, done: said.append((what, done))) as machine:
        machine.audit()
    tap.case("progress is reported, from 0 to 1", said and
             all(isinstance(what, str) and 0 <= done <= 1 for what, done in said), said[:5])
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "small.elf"
        with whosees.open(dump) as machine:
            machine.capture(path)
            spaces = machine.spaces
        with whosees.open(path) as machine:
            tap.case("a capture has the same spaces", [s.root for s in machine.spaces] ==
                     [s.root for s in spaces], machine.spaces)
    before = len(os.listdir("/proc/self/fd"))
    whosees.open(dump)
    gc.collect()
    tap.case("one that is dropped is closed", len(os.listdir("/proc/self/fd")) == before, "")


def example(tap, dump):
    """examples/who.py, from the root of the sources."""
    program = pathlib.Path(__file__).resolve().parents[2] / "examples/who.py"
    with whosees.open(dump) as machine:
        address = machine.symbol("lab_page_fault").address
    for words, status, text in (([dump, hex(address)], 1, "waiter cannot see"),
                                ([dump, "lab_page_fault"], 1, hex(address)),
                                ([dump, "nobody_has_this"], 2, "nobody_has_this"),
                                ([dump, hex(machine_first(dump))], 0, ""),
                                ([dump], 2, "usage"), (["/nonexistent", "0"], 2, "No such file")):
        done = subprocess.run([sys.executable, program, *words], capture_output=True, text=True,
                              check=False, timeout=PATIENCE)
        tap.case(f"who.py {' '.join(words[1:])} ends with {status}", done.returncode == status and
                 text in done.stdout + done.stderr, done)


WITHOUT_NUMPY = """\
import sys
sys.modules["numpy"] = None
import whosees
with whosees.open(sys.argv[1]) as machine:
    machine.walk(machine.spaces[1], 0xc0000000)
    try:
        machine.probe([0xc0000000])
    except ImportError:
        print("numpy is wanted")
"""


def without_numpy(tap, dump):
    done = subprocess.run([sys.executable, "-c", WITHOUT_NUMPY, dump], capture_output=True, text=True,
                          check=False)
    tap.case("without numpy all but probe() works", done.stdout == "numpy is wanted\n",
             done.stdout + done.stderr)
    tap.case("and Matrix is there with it", isinstance(whosees.Matrix, type), "")
    tap.case("what is not there is an AttributeError", not hasattr(whosees, "Matrices"), "")


def machine_first(dump):
    """An address that everybody sees."""
    with whosees.open(dump) as machine:
        return machine.layout.image_first


def main(_, i386, amd64, tool):
    tap = Tap()
    for dump in i386, amd64:
        agrees(tap, tool, dump)
    memory(tap, i386)
    for part in broken, inside, interrupted, arguments, failures:
        part(tap, i386)
    progress(tap, i386)
    example(tap, i386)
    without_numpy(tap, i386)
    return tap.end()


if __name__ == "__main__":
    try:
        import numpy  # noqa: F401
        import whosees
    except ImportError as missing:
        plan = Tap()
        plan.skip("the Python package", f"{missing}: python3-cffi, python3-numpy, python3-dev")
        sys.exit(plan.end())
    sys.exit(main(*sys.argv[1:]))
