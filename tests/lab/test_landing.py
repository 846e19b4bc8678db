#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where check-module says that the lab module's functions would land, beside where a real
kernel's loader put them: their addresses by the guest's own /proc/kallsyms. argv: the tool,
and the scenarios that are booted where they are missing; others are compared where they
are there already."""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))
import scenario  # noqa: E402
from tap import Tap  # noqa: E402

MODULE = "modules/whosees_lab.ko"


def loaded(truth):
    """{function: offset in the module's text}, by the guest."""
    module = next(m for m in truth["modules"] if m["name"] == "whosees_lab")
    base = int(module["address"], 16)
    offsets = {name: int(address, 16) - base
               for name, address in truth["symbols"].items()}
    return {name: at for name, at in offsets.items() if 0 <= at < module["size"]}


def reported(tool, directory, names):
    """The same by the tool, from the file that the guest loaded; and what it said."""
    with tempfile.TemporaryDirectory() as temporary:
        with open(directory / "initramfs.cpio", "rb") as archive:
            subprocess.run(["cpio", "-id", "--quiet", MODULE], check=True, cwd=temporary,
                           stdin=archive)
        made = subprocess.run([tool, "check-module", "--json",
                               pathlib.Path(temporary) / MODULE, *names], text=True,
                              check=False, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if not made.stdout:
        return {}, made.stderr
    handlers = json.loads(made.stdout)["handlers"]
    return {h["name"]: int(h["offset"], 16) for h in handlers
            if h["lands"] in ("text", "exit text")}, ""


def check(tap, tool, directory):
    truth = json.loads((directory / "truth.json").read_text())
    theirs = loaded(truth)
    ours, error = reported(tool, directory, sorted(theirs))
    tap.case(f"{directory.name}: {len(theirs)} functions where the loader put them",
             len(theirs) > 5 and ours == theirs, f"{error}\n{theirs}\n{ours}")


def main():
    tool, names = sys.argv[1], sys.argv[2:]
    tap = Tap()
    what = "where the lab module's functions land"
    for directory in scenario.each(tap, names, what):
        reason = None
        if not (directory / "kallsyms.txt").exists():
            reason = "the scenario does not keep the guest's symbols"
        elif not shutil.which("cpio"):
            reason = "no cpio (make check installs it)"
        if reason:
            tap.skip(f"{directory.name}: {what}", reason)
        else:
            check(tap, tool, directory)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
