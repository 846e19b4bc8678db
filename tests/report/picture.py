#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A picture of a capture's report, as the README has it:

    tests/report/picture.py build/tools/whosees tests/captures/nests.elf docs/report.png
"""

import pathlib
import subprocess
import sys
import tempfile

from browser import Browser

WIDTH, HEIGHT = 900, 840


def main(tool, capture, picture):
    with tempfile.TemporaryDirectory() as folder, Browser(WIDTH, HEIGHT) as browser:
        page = pathlib.Path(folder) / "report.html"
        subprocess.run([tool, "report", capture, "-o", page], check=False,
                       stdout=subprocess.DEVNULL)
        browser.devtools("Emulation.setDeviceMetricsOverride", width=WIDTH, height=HEIGHT,
                         deviceScaleFactor=1, mobile=False)
        browser.open(page)
        browser.wait("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")
        browser.screenshot(picture)


if __name__ == "__main__":
    main(*sys.argv[1:])
