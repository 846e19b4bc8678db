# SPDX-License-Identifier: LGPL-2.1-or-later
"""How to link with the library's archive: what beside it, while all that it stands on is shared:
`pkg-config --static` would ask for what those were linked with in their turn."""

import json
import os
import pathlib
import subprocess


def libraries(pc_file):
    def asked(*arguments):
        return subprocess.run(["pkg-config", *arguments], capture_output=True, text=True,
                              check=True).stdout.split()

    names = [word for word in asked("--print-requires-private", pc_file)
             if word[0].isalpha()]
    return ["-pthread", *asked("--libs", *names)]


def runner():
    """What a program that was built runs by, where it is another machine's: words before it."""
    return os.environ.get("MESON_EXE_WRAPPER", "").split()


def sanitizers(build):
    """What the library was built with, a program with it must be."""
    options = json.loads((pathlib.Path(build) / "meson-info/intro-buildoptions.json").read_text())
    wanted = next(o["value"] for o in options if o["name"] == "b_sanitize")
    return [] if wanted == "none" else ["-fsanitize=" + wanted]
