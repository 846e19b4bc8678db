#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What /dev/whosees answers in a guest, held against its dump and QEMU's registers, and calls
that it has to refuse (lab/device.py); a thousandth of the calls at random that `make prove`
does. argv: whosees, a guest of lab/device.conf."""

import pathlib
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))
import scenario  # noqa: E402
from tap import Tap  # noqa: E402

sys.path.insert(0, str(scenario.SOURCE))
from lab import device  # noqa: E402

RANDOM = "1000"


def main():
    tool, name, tap = pathlib.Path(sys.argv[1]), sys.argv[2], Tap()
    reason = scenario.why_not()
    if reason:
        tap.skip(f"{name}: what /dev/whosees answers", reason)
        return tap.end()
    conf, out = device.scenarios()[name], scenario.LAB / "device" / f"check-{name}"
    conf["random"], conf["churn"] = RANDOM, "100"
    with scenario.locked(f"device-{name}"):
        device.boot(conf, out, tool.parent.parent)
        for what, count, faults in device.check(tool, out, conf):
            tap.case(f"{name}: {count} {what}", not faults, "\n".join(faults[:20]))
    if not tap.failed:
        shutil.rmtree(out)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
