#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""whosees gdb:SOCKET, and stubs that are none: what a good one has is what its core has, and
a bad one is refused in time, with words on what it did.

    test_gdb.py TOOL CORE      run, as TAP
"""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "common"))
sys.path.insert(0, str(HERE))
import fake_stub  # noqa: E402
import peer_bench  # noqa: E402
from tap import PATIENCE  # noqa: E402

FEW = "--timeout", "1"


def stub(core, **how):
    return peer_bench.fake(fake_stub.Stub, core, **how)


def good_ones(bench):
    with stub(bench.core) as peer:
        bench.good("spaces as of the core", peer)
        bench.case("it ran, and runs on in the end, and memory is virtual again",
                   peer.running and not peer.physical, peer.asked)
        bench.good("an audit", peer, command=("audit",))
    with stub(bench.core) as peer:
        peer.silent_at = "D"
        bench.good("no answer to the detachment", peer, "--stop", *FEW)
        bench.case("it is asked for once: a second stops what runs", peer.asked.count("D") == 1,
                   peer.asked)
    with stub(bench.core, running=False) as peer:
        bench.good("one that was stopped", peer)
        bench.case("stays so", not peer.running and not peer.physical and "D" not in peer.asked,
                   peer.asked)
    with stub(bench.core) as peer:
        peer.frame = fake_stub.run_lengths
        bench.good("runs and escapes", peer)
    with stub(bench.core) as peer:
        peer.physical = 1
        bench.good("physical before", peer)
        bench.case("and after", peer.physical == 1, peer.asked)
    with stub(bench.core) as peer:
        human, peer.efer = peer.human, 0xd01
        peer.human = lambda line: human(line).replace("EFER=", "NONE=")
        output = bench.run("cpus", "--stop", "-o", "register,value", f"gdb:{peer.path}")[1]
        bench.case("a register that only the description has",
                   re.search("^efer +0x0*d01$", output, re.M), output)
        bench.case("and no other is asked for", peer.asked.count("p") == 1, peer.asked)
    with stub(bench.core) as peer:
        peer.answers["qXfer"] = [b"mx"]
        bench.good("a description without end, a letter at a time", peer)
        bench.case("is not asked for without end", peer.asked.count("qXfer") < 5000,
                   peer.asked.count("qXfer"))


def refused(bench):
    with stub(bench.core) as peer:
        bench.bad("without --stop", peer, "--stop says that it may be stopped", status=2,
                  options=())
        bench.case("nobody was stopped", peer.running, "")
    for question, answer, said in (
            ("qqemu.", b"", "no physical memory mode"), ("Qqemu.", b"", "no physical memory mode"),
            ("info registers -a", b"", "no monitor behind it"),
            ("info mtree -f", b"OK", "has no memory"),
            ("qSupported", b"OK", "does not say what it supports"),
            ("m", b"E14", "does not give the 2048 bytes at physical"),
            ("m", b"00", "does not give the 2048 bytes at physical")):
        with stub(bench.core) as peer:
            peer.answers[question] = [answer]
            bench.bad(f"{question} is answered {answer}", peer, said)
            bench.case("and it runs on", bench.runs(peer), peer.asked)
    with stub(bench.core) as peer:
        peer.frame = lambda data: fake_stub.framed(data)[:-1] + b"x"
        bench.bad("a wrong checksum", peer, "checksum is wrong")
    with stub(bench.core) as peer:
        peer.frame = lambda data: b"$*~#a8"
        bench.bad("a run of nothing", peer, "a run of no bytes")
    with stub(bench.core) as peer:
        peer.frame = lambda data: b"$" + b"x" * (4 << 20)
        bench.bad("a packet that does not end", peer, "does not end")
    with stub(bench.core) as peer:
        peer.unasked = fake_stub.framed(b"T05") * 3000
        bench.bad("somebody lets it run meanwhile", peer, "there is no answer")
    with stub(bench.core) as peer:
        peer.greeting = b"SSH-2.0-OpenSSH_9.2\r\n" * 100000
        bench.bad("another protocol", peer, "it sends what is no packet", options=["--stop", *FEW])


def gone(bench):
    for question in "qSupported", "qqemu.", "info registers -a", "info mtree -f", "m":
        with stub(bench.core) as peer:
            peer.silent_at = question
            bench.bad(f"silent at {question}", peer, "no answer in time", limit=60,
                      options=["--stop", *FEW])
            bench.case("and it is let run on", bench.runs(peer), peer.asked)
        with stub(bench.core) as peer:
            peer.hang_up_at = question
            bench.bad(f"gone at {question}", peer, "the connection was closed")


FLUSH = ["Z", "z"]


def writes(bench):
    """What sync copies is written, and found by a second walk; --undo takes it back."""
    order = re.compile("M|Z|z")
    with tempfile.TemporaryDirectory() as folder, stub(bench.core) as peer:
        journal = f"{folder}/journal"
        good, said = bench.apply(peer, "--apply", "--journal", journal)
        (pa, then), = peer.written
        bench.case("an entry is copied, translations are dropped, and it runs on",
                   good and then & 1 and "1 entry of 1 copied" in said and peer.running and
                   list(filter(order.fullmatch, peer.asked)) == ["M", *FLUSH], (said, peer.asked))
        status, output, words = bench.run("sync", "--stop", f"gdb:{peer.path}")
        bench.case("then there is nothing to do", status == 0 and "nothing" in output, words)
        good, said = bench.apply(peer, "--apply", "--journal", journal, status=0)
        bench.case("and nothing is written", good and len(peer.written) == 1, said)
        del peer.asked[:]
        peer.answers["Z"] = [b"E22"]
        good, said = bench.apply(peer, "--undo", journal, "--apply", status=3)
        bench.case("what a TLB may keep is not taken back",
                   good and "cannot be dropped" in said and len(peer.written) == 1, said)
        del peer.answers["Z"], peer.asked[:]
        good, said = bench.apply(peer, "--undo", journal, status=1)
        bench.case("by itself it is a plan", good and "would be taken back" in said and
                   len(peer.written) == 1, said)
        del peer.asked[:]
        good, said = bench.apply(peer, "--undo", journal, "--apply")
        bench.case("taken back, amid two flushes",
                   good and peer.written[1:] == [(pa, 0)] and "1 entry of 1 taken back" in said and
                   list(filter(order.fullmatch, peer.asked)) == [*FLUSH, "M", *FLUSH],
                   (said, peer.asked))
        good, said = bench.apply(peer, "--undo", journal, "--apply")
        bench.case("once", good and "as it was before already" in " ".join(said.split()) and
                   len(peer.written) == 2, said)
        good, said = bench.apply(peer, "--apply", "--journal", journal, status=2)
        bench.case("a journal that is there is kept", good and "File exists" in said and
                   len(peer.written) == 2, said)
        peer.memory[peer.range_of(pa)[0]:peer.range_of(pa)[0] + 4] = \
            (then ^ 0x1000).to_bytes(4, "little")
        good, said = bench.apply(peer, "--undo", journal, "--apply", status=1)
        bench.case("what the kernel has changed is left alone",
                   good and "changed since" in " ".join(said.split()) and len(peer.written) == 2, said)
    for question, answer, said in (("M", b"E14", "does not write to physical"),
                                   ("M", b"", "it knows no such question")):
        with tempfile.TemporaryDirectory() as folder, stub(bench.core) as peer:
            peer.answers[question] = [answer]
            good, words = bench.apply(peer, "--apply", "--journal", f"{folder}/journal", status=3)
            bench.case(f"{question} is answered {answer}: no journal stays",
                       good and said in words and not os.listdir(folder), words)
    with stub(bench.core) as peer:
        def other(question, read=peer.read_memory):
            if question.endswith(",4"):  # just before it would be written
                place = peer.range_of(int(question[1:].split(",")[0], 16))[0]
                peer.memory[place:place + 4] = b"\x67\x40\x23\x01"
            return read(question)
        peer.read_memory = other
        good, words = bench.apply(peer, status=1)
        bench.case("what was changed since the plan is left alone",
                   good and "changed meanwhile" in " ".join(words.split()) and
                   not peer.written, words)
    with tempfile.TemporaryDirectory() as folder, stub(bench.core) as peer:
        journal = f"{folder}/journal"
        peer.hang_up_at = "M"
        good, words = bench.apply(peer, "--apply", "--journal", journal, status=3)
        bench.case("written, and no answer: the journal stays",
                   good and len(peer.written) == 1 and '"in doubt"' in open(journal).read(), words)
        peer.hang_up_at = None
        good, words = bench.apply(peer, "--undo", journal, "--apply")
        bench.case("and it is taken back by it", good and len(peer.written) == 2, words)
    with stub(bench.core) as peer:
        peer.answers["Z"] = [b""]
        good, words = bench.apply(peer)
        bench.case("nothing that was empty is in a TLB: it is copied without a flush", good, words)


def keeps_stacks(bench):
    """A journal is a file, and may name the entry of memory that tasks' stacks lie in."""
    with tempfile.TemporaryDirectory() as folder, stub(bench.core) as peer:
        journal = pathlib.Path(folder) / "journal"
        bench.apply(peer, "--apply", "--journal", str(journal))
        head, entry, *_ = journal.read_text().splitlines()
        entry = json.loads(entry)
        root = int(entry["root"], 16)
        slots = range(0xc0000000 >> 22, 0xc4000000 >> 22)  # of 64 MiB of the direct map
        entries = [{**entry, "entry": n, "address": hex(slot << 22), "entry_pa": hex(root + 4 * slot),
                    "after": hex(int.from_bytes(peer.memory[at:at + 4], "little"))}
                   for n, slot in enumerate(slots) for at in [peer.range_of(root + 4 * slot)[0]]]
        journal.write_text("\n".join([head, *map(json.dumps, entries), ""]))
        status, output, words = bench.run("sync", "--stop", "--undo", str(journal), "--json",
                                          f"gdb:{peer.path}")
        left = {e["address"]: e["refused"] for e in json.loads(output)["entries"]}
        bench.case("tasks keep their stacks", status == 1 and
                   set(left.values()) == {None, "stacks of tasks lie there"}, (left, words))


def ends(bench):
    for number in signal.SIGTERM, signal.SIGKILL:
        with stub(bench.core) as peer:
            peer.silent_at = "info mtree -f"
            with subprocess.Popen([bench.tool, "spaces", "--stop", f"gdb:{peer.path}"],
                                  stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL) as tool:
                heard = peer.unheard.wait(PATIENCE)
                stopped = not peer.running
                tool.send_signal(number)
                tool.wait()
            bench.case(f"it runs on after {number.name}",
                       heard and stopped and bench.runs(peer), peer.asked)


def main(tool, core):
    bench = peer_bench.Bench(tool, core, "gdb", ("--stop",))
    good_ones(bench)
    refused(bench)
    writes(bench)
    keeps_stacks(bench)
    gone(bench)
    ends(bench)
    return bench.tap.end()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
