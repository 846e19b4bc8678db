# SPDX-License-Identifier: LGPL-2.1-or-later
"""What to link beside the library's archive, while all that it stands on is shared:
`pkg-config --static` would ask for what those were linked with in their turn."""

import subprocess


def libraries(pc_file):
    def asked(*arguments):
        return subprocess.run(["pkg-config", *arguments], capture_output=True, text=True,
                              check=True).stdout.split()

    names = [word for word in asked("--print-requires-private", pc_file)
             if word[0].isalpha()]
    return ["-pthread", *asked("--libs", *names)]
