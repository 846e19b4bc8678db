#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fault handlers that one process of a guest does not see, and whosees in it: it foretells the
death; where it mends the page table the victim lives, and where it does not the machine dies.
argv: the build's folder, and scenarios of lab/mends.conf. lab/mend does it more often."""

import pathlib
import sys
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(SOURCE), str(SOURCE / "tests/common")]
import scenario  # noqa: E402
from lab import mend  # noqa: E402
from tap import Tap  # noqa: E402


def main():
    build, tap = pathlib.Path(sys.argv[1]).resolve(), Tap()
    for name in sys.argv[2:]:
        why = scenario.why_not()
        if why:
            tap.skip(f"{name}: what sync mends", why)
            continue
        for is_mended in True, False:
            with tempfile.TemporaryDirectory() as folder:
                out = pathlib.Path(folder) / name
                mend.boot(name, is_mended, out, build)
                found = mend.judge(name, is_mended, build / "tools/whosees", out)
            tap.case(f"{name}, {'mended' if is_mended else 'left alone'}: foretold "
                     f"{found.told}, the victim {found.end}", not found.wrong, found.wrong)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
