#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The same sources as an archive alone, and as a shared library alone: both are configured
with all tests, and built as far as a program that uses the inner interfaces. argv: source
tree, build."""

import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))
from tap import Tap  # noqa: E402


def run(*argv):
    done = subprocess.run(list(map(str, argv)), check=False, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    return done.returncode, done.stdout


def check(tap, source, kind, folder):
    tool, test = "tools/whosees", "tests/unit/test_spans"
    status, said = run("meson", "setup", folder, source, f"-Ddefault_library={kind}",
                       "--buildtype=plain")
    if not tap.case(f"-Ddefault_library={kind} is configured", status == 0, said[-2000:]):
        return
    status, said = run("ninja", "-C", folder, tool, test)
    tap.case(f"-Ddefault_library={kind} is built", status == 0, said[-2000:])
    status, said = run(folder / tool, "probe", source / "tests/captures/686-small.elf",
                       "vfs_read")
    tap.case(f"and answers ({kind})", status == 0 and "see it" in said, said)
    status, said = run(folder / test)
    tap.case(f"and its tests link ({kind})", status == 0, said[-2000:])


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as place:
        for kind in ("static", "shared"):
            check(tap, pathlib.Path(sys.argv[1]), kind, pathlib.Path(place) / kind)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
