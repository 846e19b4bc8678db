# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tool answers, as JSON."""

import json
import subprocess
import sys

from tap import PATIENCE


def answer(tool, command, target, *words):
    """(the document, the exit status); the test ends where there is no answer."""
    done = subprocess.run([tool, command, target, "--json", *words], capture_output=True,
                          check=False, timeout=PATIENCE)
    if done.returncode not in (0, 1, 4):
        sys.exit(f"{command} {target}: {done.stderr.decode()}")
    return json.loads(done.stdout), done.returncode
