#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Guests of ARM, AArch64 and RISC-V, by two witnesses: the raw entries that the lab module
read in each process's tables, and where QEMU's own translation leads by the same root. They
say the same of every process; who lacks the modules is who was there before them, where a
fault brings the entry; and when they have touched the modules, they have it. What a switch
of address spaces brings they lack until they have run, and touch nothing of. argv:
scenarios that are booted where they are missing; others are compared where they are there
already."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))
import scenario  # noqa: E402
from tap import Tap  # noqa: E402

sys.path.insert(0, str(scenario.SOURCE))
from lab import sight  # noqa: E402

MANY = 1000  # aborts in a row at one address


def differences(guest, regime):
    seen = {view["root"]: view["addresses"] for view in guest.regimes()[regime]}
    found = []
    for address, leads in guest.word.items():
        for pid, pa in leads.items():
            said = seen[guest.roots[pid]][hex(address)]
            if (said and int(said, 16)) != pa:
                found.append(f"{pid} {guest.names[pid]!r}, {address:#x}: {pa and hex(pa)} "
                             f"by its entries, {said} by QEMU")
    return found


def check_translations(tap, name, guest):
    """Where two roots share the work, the process's own is walked for user memory."""
    regime = guest.own_regime()
    found = differences(guest, regime)
    n = sum(len(leads) for leads in guest.word.values())
    tap.case(f"{name}: {n} entries lead where QEMU's translation does ({regime})",
             n and not found, "\n".join(found))
    if regime == sight.ACCESS:
        lost = [a for a in guest.word for view in guest.regimes()["kernel"]
                if not view["addresses"][hex(a)]]
        tap.case(f"{name}: all of them see it all by the other regime", not lost, lost)


def check_blind(tap, name, guest):
    """Nothing is private where the kernel's half is shared, or its top entries are all
    there from the beginning."""
    blind, first = sight.blind(guest.word, guest.module()), guest.first_herd()
    if guest.arch != "armhf":
        tap.case(f"{name}: every process sees the modules", not blind, blind)
        return
    tap.case(f"{name}: all that were there before the modules lack them, "
             f"{len(blind)} of {len(guest.roots)} processes", first and first <= blind,
             {guest.names[pid] for pid in first - blind})


def check_healed(tap, name, guest):
    lacking = guest.lacking_later()
    tap.case(f"{name}: who has touched the modules has them, {len(guest.first_herd())} "
             "processes", not lacking, lacking)


def check_switched(tap, name, guest):
    """check_vmalloc_seq() (arch/arm/include/asm/mmu_context.h): init_mm's entries of all
    vmalloc memory are copied when a process is switched to that was there before them."""
    area, first = guest.area(), guest.first_herd()
    blind = sight.blind(guest.word, area)
    if not guest.has_own_area():
        tap.case(f"{name}: every process sees the lab's area in vmalloc memory", not blind,
                 blind)
        return
    tap.case(f"{name}: all that have slept since the area was made lack it, {len(blind)} of "
             f"{len(guest.roots)} processes", first and first <= blind,
             {guest.names[pid] for pid in first - blind})
    if guest.truth["outcome"] == "survives":
        lacking = guest.lacking_later(area)
        tap.case(f"{name}: who has run has it by the switch, {len(first)} processes",
                 not lacking, lacking)


def check_outcome(tap, name, truth):
    """The lab module in the way of aborts: whoever lacks it aborts for ever, or is healed."""
    after = truth["after"]
    tap.case(f"{name}: the guest goes on as the scenario says: {truth['outcome']}",
             after["outcome"] == truth["outcome"], after["outcome"])
    if truth["outcome"] == "hang":
        repeated = after["repeated"] or {"times": 0}
        tap.case(f"{name}: one abort follows another",
                 repeated["times"] > MANY, f"{repeated}, {after['exceptions']}")


def check(tap, directory):
    guest, name = sight.Guest(directory), directory.name
    check_blind(tap, name, guest)
    if guest.views:
        check_translations(tap, name, guest)
    if guest.truth["outcome"] == "survives":
        check_healed(tap, name, guest)
    if guest.area():
        check_switched(tap, name, guest)
    check_outcome(tap, name, guest.truth)


def main():
    names, tap = sys.argv[1:], Tap()
    what = "entries, translations, and who is healed"
    for directory in scenario.each(tap, names, what, scenario.VIRT):
        check(tap, directory)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
