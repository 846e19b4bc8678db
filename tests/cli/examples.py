#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The examples that --help and the manual pages show work, and end with the status that
is written beside them.

    examples.py TOOL TARGET MODULE      run, as TAP

They are run in a folder where dump.elf, before.elf and after.elf are TARGET, and my.ko is
MODULE.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))
import give_log  # noqa: E402
from tap import PATIENCE, Tap  # noqa: E402


def run(command, folder, tool):
    path = os.pathsep.join([os.path.dirname(tool), os.environ["PATH"]])
    return subprocess.run(["sh", "-c", command], cwd=folder, env=dict(os.environ, PATH=path),
                          stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=PATIENCE, check=False)


def commands_of(tool):
    listed = run("whosees --help", ".", tool).stdout.split("Commands:\n", 1)[1]
    return [line.split()[0] for line in listed.split("\n\n", 1)[0].splitlines()]


def main(tool, target, module):
    tool = os.path.abspath(tool)
    tap = Tap()
    examples = [line.split("\t") for line in
                run("whosees --generate examples", ".", tool).stdout.splitlines()]
    without = set(commands_of(tool)) - {command for command, _, _ in examples}
    tap.case("every command has an example", examples and not without, sorted(without))
    with tempfile.TemporaryDirectory() as folder:
        give_log.main(target, os.path.join(folder, "dump.elf"))
        for name in ("before.elf", "after.elf"):
            os.symlink(os.path.abspath(target), os.path.join(folder, name))
        os.symlink(os.path.abspath(module), os.path.join(folder, "my.ko"))
        for command, status, line in examples:
            done = run(line, folder, tool)
            redirected = ">" in line
            tap.case(f"{command}: {line}: exit {status}",
                     done.returncode == int(status) and not done.stderr and
                     (redirected or done.stdout),
                     f"exit {done.returncode}\n{done.stdout[-1000:]}{done.stderr}")
            helped = run(f"whosees help {command}", ".", tool).stdout
            tap.case(f"help {command} shows it on one line of 80 columns",
                     any(shown.strip() == line and len(shown) < 80
                         for shown in helped.splitlines()), helped)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
