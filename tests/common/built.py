# SPDX-License-Identifier: LGPL-2.1-or-later
"""What meson knows of a build: its targets, its tests."""

import json
import subprocess


def introspect(build, what):
    return json.loads(subprocess.run(["meson", "introspect", build, what], check=True,
                                     capture_output=True).stdout)


def suites(test):
    """Without the project's name, which meson puts before them."""
    return {suite.split(":")[-1] for suite in test["suite"]}
