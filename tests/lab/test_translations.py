#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What each process of a real guest maps, beside QEMU's own translation of the same
addresses with the same control registers, and beside the guest's own word on who does not
have a module's entry; and a capture of it, which says of each space what the dump does. argv: the tool, and scenarios that are booted where they are missing;
others that have translations.json are compared where they are there already. For a look by
hand: directories of dumps."""

import collections
import json
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))
import scenario  # noqa: E402
from tap import Tap  # noqa: E402

sys.path.insert(0, str(scenario.SOURCE))
from lab import sight  # noqa: E402

SHOWN = 10  # differences in a failure
BATCH = 500  # addresses a question
MODULES = 0xbf000000  # where ARM's kernel begins


def probe(tool, dump, addresses, regime):
    """{(root, address): pa or None}, of every space that there is."""
    answer = {}
    for first in range(0, len(addresses), BATCH):
        asked = subprocess.run(
            [tool, "probe", dump, *addresses[first:first + BATCH], "--all", "--all-spaces",
             "--json", *regime], capture_output=True, check=False)
        for row in json.loads(asked.stdout)["rows"]:
            answer[int(row["root"], 16), row["what"]] = \
                int(row["pa"], 16) if row["pa"] else None
    return answer


def is_refused(view, address):
    """With short descriptors the kernel has no access to what is in user mode's domain while
    DACR says so (CONFIG_CPU_SW_DOMAIN_PAN), which is no matter of tables."""
    registers = view["registers"]
    return "DACR" in registers and not int(registers["TTBCR"], 16) >> 31 and \
        int(address, 16) < MODULES


def compare(tool, dump, views):
    """Differences, and how many translations were compared."""
    wrong, compared = [], 0
    by_regime = collections.defaultdict(list)
    for view in views:
        by_regime[tuple(sight.regime_of(view))].append(view)
    for regime, alike in by_regime.items():
        addresses = sorted({a for view in alike for a in view["addresses"]})
        answer = probe(tool, dump, addresses, regime)
        for view in alike:
            root = int(view["root"], 16)
            for address, expected in view["addresses"].items():
                if expected is None and is_refused(view, address):
                    continue
                expected = int(expected, 16) if expected else None
                got = answer.get((root, address), "no such space")
                compared += 1
                if got != expected:
                    wrong.append(f"{view['regime']}, root {root:#x}, {address}: QEMU "
                                 f"{expected and hex(expected)}, whosees {got}")
    return wrong, compared


def check(tap, tool, directory):
    guest, dump = sight.Guest(directory), directory / "dump.elf"
    wrong, compared = compare(tool, dump, guest.views)
    tap.case(f"{directory.name}: {compared} translations as QEMU has them",
             compared and not wrong, "\n".join(wrong[:SHOWN]))
    for seen in sight.sights(tool, guest):
        tap.case(f"{directory.name}: {len(seen.guest)} of {seen.processes} processes have "
                 f"nothing where the module lies ({seen.regime}), and they are named",
                 seen.guest == seen.whosees,
                 f"guest: {sorted(seen.guest)}\ntool: {sorted(seen.whosees)}")


# What an audit says of who brings the entries of each: of modules', of the area's.
BROUGHT = {"module": "translation fault handler", "area": "switch of address spaces"}


def check_menders(tap, tool, guest):
    """On ARM with short descriptors each is brought by another; who lacks both is told of
    the fault, which is the worse."""
    spaces = sight.ask(tool, "audit", guest.directory / "dump.elf")["spaces"]
    said = {space["root"]: " ".join(space["reasons"]) for space in spaces}
    module, area = (sight.blind(guest.word, a) for a in (guest.module(), guest.area()))
    wrong = [(guest.names[pid], said[guest.roots[pid]]) for pid in module | area
             if BROUGHT["module" if pid in module else "area"] not in
             said[guest.roots[pid]]]
    tap.case(f"{guest.directory.name}: a fault heals {len(module)} processes, a switch "
             f"{len(area - module)}, and an audit says so", not wrong, wrong[:SHOWN])


def check_capture(tap, tool, directory):
    """A root of several frames may have parts that no capture keeps."""
    with tempfile.TemporaryDirectory() as scratch:
        capture = pathlib.Path(scratch) / "capture.elf"
        subprocess.run([tool, "capture", directory / "dump.elf", "-o", capture],
                       check=True, stdout=subprocess.DEVNULL)
        whole, small = ({space["root"]: space for space in
                         sight.ask(tool, "spaces", file)["spaces"]}
                        for file in (directory / "dump.elf", capture))
    wrong = [(whole.get(root), small.get(root)) for root in whole | small
             if whole.get(root) != small.get(root)]
    tap.case(f"{directory.name}: {len(whole)} spaces are as large in a capture",
             whole and not wrong, wrong[:SHOWN])


def main():
    tool, names, tap = sys.argv[1], sys.argv[2:], Tap()
    by_hand = [path for path in map(pathlib.Path, names) if path.is_dir()]
    for directory in by_hand or scenario.each(tap, names, "QEMU's translations",
                                              scenario.VIRT):
        if (directory / "translations.json").exists():
            check(tap, tool, directory)
            if sight.Guest(directory).has_own_area():
                check_menders(tap, tool, sight.Guest(directory))
            check_capture(tap, tool, directory)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
