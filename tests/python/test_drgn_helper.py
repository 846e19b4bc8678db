#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""whosees over a drgn program's memory says what it says of the dump that drgn has opened.

    test_drgn_helper.py CONTRIB I386 AMD64 TOOL     run, as TAP
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "common"))
from tap import Tap  # noqa: E402


def main(_, __, amd64, ___):
    tap = Tap()
    prog = drgn.Program()
    prog.set_core_dump(amd64)
    with whosees.open(amd64) as machine, \
            whosees_drgn.machine(prog, [(0, 256 << 20)]) as other:
        tap.case("the same processes",
                 {(s.pid, s.root) for s in other.spaces if s.kind == "process"} ==
                 {(s.pid, s.root) for s in machine.spaces if s.kind == "process"},
                 (machine.spaces, other.spaces))
        tap.case("a program without the kernel's types: what the dump says of itself is used",
                 whosees_drgn.vmcoreinfo(prog) is None or
                 "OSRELEASE=" in whosees_drgn.vmcoreinfo(prog), whosees_drgn.vmcoreinfo(prog))
    return tap.end()


if __name__ == "__main__":
    sys.path.insert(0, sys.argv[1] + "/drgn")
    try:
        import drgn
        import whosees
        import whosees_drgn
    except ImportError as missing:
        plan = Tap()
        plan.skip("drgn's program", f"{missing}")
        sys.exit(plan.end())
    sys.exit(main(*sys.argv[1:]))
