# SPDX-License-Identifier: LGPL-2.1-or-later
"""Captures with something wrong in them: words of memory and names that are changed."""

import json
import pathlib
import struct
import subprocess
import sys

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1] / folder)
                for folder in ("cli", "common")]
import elfcore  # noqa: E402
from tap import PATIENCE  # noqa: E402

PDE = 4
VMALLOC, ENTRY_AREA = 0xc4c00000 >> 22, 0xff400000 >> 22  # page directory slots


def ask(tool, command, *arguments):
    """What a command prints as JSON."""
    done = subprocess.run([tool, command, *arguments, "--json"], capture_output=True,
                          check=False, timeout=PATIENCE)
    if done.returncode not in (0, 1):
        raise RuntimeError(done.stderr.decode())
    return json.loads(done.stdout)


def write(capture, copy, words, names):
    """A copy with words {pa: value} of 32 bits and names {old: new} of one length."""
    core = bytearray(pathlib.Path(capture).read_bytes())
    places = list(elfcore.loads(core))
    for pa, value in words.items():
        offset, first = next((offset, first) for _, _, offset, first, length in places
                             if first <= pa < first + length)
        struct.pack_into("<I", core, offset + pa - first, value)
    for old, new in names.items():
        assert len(old) == len(new)
        core = core.replace(old, new)
    pathlib.Path(copy).write_bytes(core)
    return str(copy)


def sick(tool, capture, copy):
    """Of the i386 capture: two processes lack the waiter's 4 MiB of vmalloc memory, one the
    cpu_entry_area, and names are markup."""
    root = {space["comm"]: int(space["root"], 16)
            for space in ask(tool, "spaces", capture)["spaces"]}
    words = {root["herd-00001"] + VMALLOC * PDE: 0,
             root["herd-00002"] + ENTRY_AREA * PDE: 0}
    return write(capture, copy, words, {b"herd-00003": b"</script>x",
                                        b"herd-00004": b'<b>"&\'\\<!-'})
