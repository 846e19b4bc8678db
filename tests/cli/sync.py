#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What would be copied, what would be left alone, and that a machine in which it is done has
nothing more to do; and of a simulated machine, that it is done (tests/live has others).

    sync.py TOOL NESTS AMD64    run, as TAP; captures in which a process lacks an entry
"""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "common"))
import writers  # noqa: E402
from answers import answer  # noqa: E402
from tap import Tap  # noqa: E402

SCHEMA = pathlib.Path(__file__).resolve().parents[2] / "docs/schema/sync-1.json"
PAGE = 4096


def changed(path, to, words, size=4):
    """A copy with other words, of so many bytes, at some physical addresses."""
    core = writers.Core(pathlib.Path(path).read_bytes())
    memory = {pa + at: bytearray(data[at:at + PAGE]) for pa, data in core.memory
              for at in range(0, len(data), PAGE)}
    for pa, word in words.items():
        memory[pa & -PAGE][pa % PAGE:pa % PAGE + size] = word.to_bytes(size, "little")
    pathlib.Path(to).write_bytes(writers.elf_core(
        sorted((pa, bytes(data)) for pa, data in memory.items()), core.notes, core.machine))


def check_schema(tap, document):
    try:
        import jsonschema
    except ImportError:
        tap.skip("the plan is valid by its schema", "python3-jsonschema is missing")
        return
    valid = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text()))
    wrong = [error.message for error in valid.iter_errors(document)]
    tap.case("the plan is valid by its schema", not wrong, wrong)


def interrupt():
    """A signal that has come and is not taken yet stays so in the program that is run."""
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    os.kill(os.getpid(), signal.SIGINT)


def run(tool, *arguments, cwd=None, before=None):
    done = subprocess.run([os.path.abspath(tool), "sync", *arguments], capture_output=True,
                          text=True, check=False, cwd=cwd, preexec_fn=before)
    return done.returncode, done.stdout + " ".join(done.stderr.split())


def check_apply(tap, tool, nests, scratch):
    """Of a simulated machine, which goes on afterwards; and where it is refused."""
    done, status = answer(tool, "sync", "sim:naughty-bug", "--apply")
    summary = done["summary"][0]
    tap.case("each entry is written, and found by a second walk",
             status == 0 and summary["applied"] and summary["copied"] == len(done["entries"]) and
             {e["end"] for e in done["entries"]} == {"written"}, done)
    check_schema(tap, done)
    tap.case("the machine that was to reset does not",
             any('assert(console:try("read", page) == "stopped")' in note
                 for note in done["notes"]) and
             any("repair-direct-map" in note for note in done["notes"]), done["notes"])
    tap.case("and no journal is left of a machine that is gone", not os.listdir(scratch),
             os.listdir(scratch))
    story = os.path.join(scratch, "mended.lua")
    pathlib.Path(story).write_text("""
local m = machine { format = "i386", sync = "lazy" }
local p = m:fork("old")
m:insmod { name = "dtrace", hooks_page_fault = true }
m:dump()
assert(p:sees("dtrace_page_fault"))
p:read(p:mmap {})
assert(m:ended() == "runs")
""")
    status, said = run(tool, f"sim:{story}", "--apply")
    tap.case("a scenario that holds if it is mended", status == 0 and
             "goes on as it says" in said, said)
    done, status = answer(tool, "sync", "sim:naughty-bug@end", "--apply")
    tap.case("one that has died is mended where init_mm is whole, and does not go on",
             status == 1 and 0 < done["summary"][0]["refused"] and
             0 < done["summary"][0]["copied"] and not any("goes on" in note for note in done["notes"]), done)
    os.unlink(story)
    before = pathlib.Path(nests).read_bytes()
    for options, wanted, words in (
            (["--apply"], 3, "a file is evidence, and not written to"),
            (["--undo", "x"], 3, "a file is evidence, and not written to"),
            (["--journal", "x"], 2, "with --apply alone"),
            (["--undo", "x", "--apply", "--journal", "y"], 2, "with --undo none is kept")):
        status, said = run(tool, os.path.abspath(nests), *options, cwd=scratch)
        tap.case(f"{' '.join(options)} of a dump", status == wanted and words in said and
                 not os.listdir(scratch), said)
    tap.case("and it is as it was", pathlib.Path(nests).read_bytes() == before, "")


ENTRY = {"entry": 0, "pid": 3, "root": "0x3ff5000", "mm": "0xc3ffa0c0", "level": 0,
         "entry_pa": "0x3ff5c48", "address": "0xc4800000", "before": "0x0", "after": "0x3fee067"}


def check_journal(tap, tool, scratch):
    """One that is kept, and others that are none."""
    path = os.path.join(scratch, "journal")
    status, said = run(tool, "sim:naughty-bug", "--apply", "--journal", path)
    lines = pathlib.Path(path).read_text().splitlines()
    first, *rest = map(json.loads, lines)
    tap.case("a journal has the machine, each entry, and what came of it",
             status == 0 and first["schema"] == "whosees/sync-journal/1" and
             rest[0] == ENTRY and rest[-1] == {"entry": 4, "end": "written"} and
             len(rest) == 10 and path in said, (said, lines))
    interrupted = path + "-2"
    status, said = run(tool, "sim:naughty-bug", "--apply", "--journal", interrupted, before=interrupt)
    tap.case("a signal that comes amid it waits until the journal is whole, and is told of",
             status == 0 and f"--undo {interrupted} --apply takes them back" in said and
             "interrupted, after" in said and
             json.loads(pathlib.Path(interrupted).read_text().splitlines()[-1]) == rest[-1], said)
    os.unlink(interrupted)
    tap.case("which nobody else may read", os.stat(path).st_mode & 0o77 == 0, os.stat(path))
    status, said = run(tool, "sim:naughty-bug", "--undo", path)
    tap.case("of entries that are not there (a machine that began anew) none is taken back",
             status == 0 and "nothing is to be taken back; 5 entries are left alone" in said, said)
    head = lines[0]
    for name, text, words in (
            ("empty", "", "it is empty"), ("no JSON", "x\n", "no JSON object"),
            ("of another schema", '{"schema": "whosees/sync/1"}\n', "its first line"),
            ("of another machine", head.replace("0x1004000", "0x1005000") + "\n",
             "another machine's"),
            ("with a long line", head + "\n" + "x" * 9000 + "\n", "does not end"),
            ("with an entry twice", "\n".join([head, lines[1], lines[1], ""]), "out of order"),
            ("of an end without an entry", "\n".join([head, lines[-1], ""]), "does not have"),
            ("about nothing", head + "\n{}\n", "about no entry"),
            ("of another end", "\n".join([head, lines[1], '{"entry":0,"end":"eaten"}', ""]),
             "an end that there is not"),
            *((f"whose {key} is {value}", "\n".join([head, json.dumps({**ENTRY, key: value}), ""]),
               "lacks what it must have")
              for key, value in (("level", 9), ("level", -1), ("pid", "3"), ("root", "0xg"),
                                 ("after", 12), ("address", None)))):
        pathlib.Path(path).write_text(text)
        status, said = run(tool, "sim:naughty-bug", "--undo", path)
        tap.case(f"a journal {name}", status == 2 and words in said, said)
    pathlib.Path(path).write_text("\n".join(lines)[:-9])
    status, said = run(tool, "sim:naughty-bug", "--undo", path)
    tap.case("one whose last line is cut off: what came of that entry is not known",
             status == 0 and "nothing is to be taken back; 5 entries are left alone" in said, said)
    for name, change, why in (
            ("of a table's that everyone has",
             {"level": 1, "pid": 5, "root": "0x3fed000", "mm": "0xc3ffa180"},
             "no entry of a space's own for kernel memory"),
            ("of user memory", {"address": "0x8048000"},
             "no entry of a space's own for kernel memory"),
            ("that was not empty", {"address": "0xc1000000", "before": "0x1"},
             "it was not empty before"),
            ("of which another is wanted", {"address": "0xc1000000", "after": "0x2"},
             "it was not empty before"),
            ("of a process that is gone", {"pid": 77}, "process is gone")):
        pathlib.Path(path).write_text("\n".join([head, json.dumps({**ENTRY, **change}), ""]))
        plan, status = answer(tool, "sync", "sim:naughty-bug", "--undo", path)
        tap.case(f"an entry {name} is left alone",
                 status == (0 if why == "process is gone" else 1) and
                 [e["refused"] for e in plan["entries"]] == [why], plan)
        check_schema(tap, plan)
    story = os.path.join(scratch, "pae.lua")
    pathlib.Path(story).write_text("""
local m = machine { format = "i386-pae", sync = "lazy" }
local p = m:fork("old")
m:insmod("dtrace")
m:dump()
""")
    os.unlink(path)
    status, said = run(tool, f"sim:{story}", "--apply", "--journal", path)
    head, entry, *_ = pathlib.Path(path).read_text().splitlines()
    for level, why in (1, "as it was before already"), \
            (0, "no entry of a space's own for kernel memory"):
        pathlib.Path(path).write_text(
            "\n".join([head, json.dumps({**json.loads(entry), "level": level}), ""]))
        plan, _ = answer(tool, "sync", f"sim:{story}", "--undo", path)
        tap.case(f"PAE, level {level}: {why}", status == 0 and
                 [e["refused"] for e in plan["entries"]] == [why], (said, plan))
    os.unlink(story)
    os.unlink(path)
    for name, make in ("a pipe", os.mkfifo), ("a folder", os.mkdir):
        make(path)
        status, said = run(tool, "sim:naughty-bug", "--undo", path)
        tap.case(f"{name} for a journal", status == 2 and "no regular file" in said, said)
        (os.rmdir if name == "a folder" else os.unlink)(path)
    status, said = run(tool, "sim:naughty-bug", "--undo", path)
    tap.case("a journal that is not there", status == 2 and "No such file" in said, said)
    status, said = run(tool, "sim:naughty-bug", "--apply", "--journal", "/nonexistent/journal")
    tap.case("one that cannot be made: nothing is written",
             status == 2 and "nothing was written" in said, said)


def main(tool, nests, amd64):
    tap = Tap()
    plan, status = answer(tool, "sync", nests)
    entry = plan["entries"][0]
    walk, _ = answer(tool, "walk", nests, entry["address"], "--pid", str(entry["pid"]))
    there, _ = answer(tool, "walk", nests, entry["address"], "--pid", "0")
    tap.case("what a space lacks would be copied from init_mm",
             status == 1 and len(plan["entries"]) == 1 and entry["refused"] is None and
             (entry["entry_pa"], entry["now"]) ==
             (walk["steps"][-1]["entry_pa"], walk["steps"][-1]["entry"]) and
             entry["then"] == there["steps"][0]["entry"], plan)
    check_schema(tap, plan)
    pa, then = int(entry["entry_pa"], 16), int(entry["then"], 16)
    with tempfile.TemporaryDirectory() as scratch:
        to = os.path.join(scratch, "machine.elf")
        changed(nests, to, {pa: then})
        done, status = answer(tool, "sync", to)
        audit, _ = answer(tool, "audit", to)
        tap.case("where it is done, nothing is left to do, and no process nests",
                 (done["entries"], status) == ([], 0) and
                 not [s for s in audit["spaces"] if s["verdict"] == "nests"], done)
        for what, word, why in (("another table", then ^ 0x1000, "present, and another"),
                                ("a word that is not present", 0x1000, "not empty")):
            changed(nests, to, {pa: word})
            left, status = answer(tool, "sync", to)
            tap.case(f"{what} would be left alone",
                     status == 1 and [why in e["refused"] for e in left["entries"]] == [True] and
                     left["summary"][0]["copied"] == 0, left)
        root, slot = 0x3e74000, 900  # init_mm's, and an entry that nobody has
        error = "the audit has an error there in init_mm itself"
        for what, word, why in (
                ("leads to no memory", 0xdead0067, "init_mm's leads beyond the end of memory"),
                ("leads to its own root", root | 0x67, error),
                ("gives user mode a large page", 0xe7, error)):
            changed(nests, to, {root + 4 * slot: word})
            plan, status = answer(tool, "sync", to)
            bad = [e for e in plan["entries"] if int(e["address"], 16) == slot << 22]
            tap.case(f"what {what} in init_mm itself is not copied", status == 1 and bad and
                     {e["refused"] for e in bad} == {why}, plan)
        plan, _ = answer(tool, "sync", amd64)
        entry = plan["entries"][0]
        there, _ = answer(tool, "walk", amd64, entry["address"], "--pid", "0")
        for bit, well in (7, False), (6, True):  # of a PML4E: reserved, and ignored
            changed(amd64, to, {int(there["steps"][0]["entry_pa"], 16):
                                int(entry["then"], 16) | 1 << bit}, 8)
            plan, _ = answer(tool, "sync", to)
            tap.case(f"init_mm's own entry with bit {bit} would {'' if well else 'not '}be copied",
                     plan["entries"] and {e["refused"] for e in plan["entries"]} ==
                     {None if well else "init_mm's is malformed"}, plan)
        plan, _ = answer(tool, "sync", "sim:naughty-bug")
        tap.case("a simulated machine has a plan too",
                 plan["entries"] and all(e["refused"] is None for e in plan["entries"]), plan)
        os.unlink(to)
        check_apply(tap, tool, nests, scratch)
        check_journal(tap, tool, scratch)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
