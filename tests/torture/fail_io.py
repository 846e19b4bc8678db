#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""fail_io.py MOMENTS TOOL LIBRARY CORE KDUMP: every command runs with each of its reads and writes
interrupted once; with each of them short; and, where it reads files itself, MOMENTS times with a
medium that is gone from one of these reads on. (What the C library reads and writes for a FILE goes
as it goes.) The first two answer the same, byte by byte; the last does so or has none: exit status
3, words on standard error, and no output file. With WS_TORTURE_STEP=1 in the environment, which
`make torture` sets, the medium is gone at each read."""

import concurrent.futures
import dataclasses
import os
import re
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", folder) for folder in ("common", "live")]
import commands  # noqa: E402
import fake_qemu  # noqa: E402
import fake_stub  # noqa: E402
import peer_bench  # noqa: E402
import tap as tap_module  # noqa: E402


def whole_answer(tool, library, arguments):
    """The answer where nothing happens, and how often it reads files."""
    with tempfile.NamedTemporaryFile("r") as log:
        answer = commands.answer(tool, library, arguments, WS_FAIL_LOG=log.name)
        return answer, int(log.read())


def moments(n, most):
    """Which reads the medium is gone at: the first ones, and others up to the last."""
    if os.environ.get("WS_TORTURE_STEP") == "1" or n <= most:
        return list(range(1, n + 1))
    first = list(range(1, most // 2 + 1))
    return first + [n - at * (n - len(first) - 1) // (most - len(first)) for at in
                    range(most - len(first))]


# A report is of what was read before; of the file's sum it says why there is none.
SUM = re.compile(rb'"sha256":("[0-9a-f]{64}","no_hash":null|null,"no_hash":"Input/output error")')


def wrong(whole, answer):
    found, expected = (dataclasses.replace(one, files=tuple(
        (name, SUM.sub(b"", data)) for name, data in one.files)) for one in (answer, whole))
    return commands.wrong(expected, found)


def torture(tap, run, what, arguments, whole, at, pool):
    for how, words in (("interrupt", "each call interrupted once"), ("short", "each call short")):
        answer = run(arguments, WS_IO=how)
        tap.case(f"{what}: {words}", answer == whole, commands.difference(whole, answer))
    if not at:
        return
    answers = pool.map(lambda n: run(arguments, WS_IO="lost", WS_FAIL_AT=str(n)), at)
    bad = [f"from read {n} on: {how}" for n, answer in zip(at, answers)
           if (how := wrong(whole, answer))]
    tap.case(f"{what}: its medium is gone, at {len(at)} moments", not bad, "\n".join(bad))


def torture_peers(tap, run, core):
    """The same of sockets, of which a peer at the other end sees nothing."""
    whole = run(["spaces", core])
    for scheme, kind in (("qemu", fake_qemu.Fake), ("gdb", fake_stub.Stub)):
        for how in "interrupt", "short":
            with peer_bench.fake(kind, core) as peer:
                found = run(["spaces", "--stop", f"{scheme}:{peer.path}"], WS_IO=how)
                tap.case(f"{scheme}: {how}", (found.status, found.stdout) ==
                         (whole.status, whole.stdout) and peer_bench.Bench.runs(peer),
                         commands.difference(whole, found))


def main(most, tool, library, core, kdump):
    tool, library, core, kdump = map(os.path.abspath, (tool, library, core, kdump))
    tap = tap_module.Tap()

    def run(arguments, **how):
        return commands.answer(tool, library, arguments, **how)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for what, arguments in commands.every(run, core, kdump):
            whole, n = whole_answer(tool, library, arguments)
            tap.case(f"{what}: answers", commands.is_answer(whole), whole)
            torture(tap, run, what, arguments, whole, moments(n, int(most)), pool)
        torture_peers(tap, run, core)
    return tap.end()


if __name__ == "__main__":
    if len(sys.argv) != 6:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
