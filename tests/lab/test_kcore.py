#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A kernel that whosees looks at from inside, by /proc/kcore, says what its dump says right
after. argv: the build's folder, and scenarios of lab/live.conf."""

import pathlib
import sys
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE))
sys.path.insert(0, str(SOURCE / "tests/common"))
import scenario  # noqa: E402
from lab import guest, live  # noqa: E402
from tap import Tap  # noqa: E402


def main():
    build, tap = pathlib.Path(sys.argv[1]).resolve(), Tap()
    for name in sys.argv[2:]:
        why = scenario.why_not()
        if why:
            tap.skip(f"{name}: live", why)
            continue
        with tempfile.TemporaryDirectory() as folder:
            out = pathlib.Path(folder) / name
            answers = guest.insist(name, live.boot, name, out, build)
            wrong = live.judge(name, answers, build / "tools/whosees", out / "dump.elf")
        tap.case(f"{name}: live is as the dump is", not wrong, wrong)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
