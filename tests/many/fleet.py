# SPDX-License-Identifier: LGPL-2.1-or-later
"""Captures of many machines that never were, and what a digest of them has to say.

Each KIND is a scenario, run and captured a few times with other numbers of processes and
other memory in use, so that nothing lies where it lies in another; each machine is one of
these captures with a kernel release of its own. What is planted is in the table, and what
follows from it is counted here, without whosees."""

import collections
import subprocess

RELEASE = b"6.1.192-model"  # the model kernel's own
RELEASES = range(100, 190)

MACHINE = """
local m = machine {{ format = "{format}", sync = "{sync}", ram = 24 }}
local last
for i = 1, {processes} do last = m:fork("sh") end
m:insmod {{ name = "filler", size = {filler} }}
{damage}
"""


def hook(driver):
    return f'm:insmod {{ name = "{driver}", size = 8192, hooks_page_fault = true }}'


HOLE = "hole at {}, mapped in init_mm"


def hooked(driver):
    """A handler in memory that the processes do not have."""
    hole = HOLE.format("page directory")
    return {("faultpath-pf-target", f"{driver}:{driver}_page_fault", hole): driver,
            ("faultpath-pf-reach", f"module {driver}", hole): driver,
            ("faultpath-foreign-handler", f"{driver}:{driver}_page_fault", "page"): driver,
            ("coherence-missing", "vmalloc", hole): None}


X86_64 = {("protection-no-nx", "direct map", "page"): None}

# Of a thousand machines so many; format, synchronisation, what is done to it; since which
# release; what that has to be found as, and the module there, where it can only be one.
Kind = collections.namedtuple("Kind", "share format sync damage since planted")
KINDS = {
    "sound": Kind(640, "i386", "eager", "", 100, {}),
    "tracer": Kind(120, "i386", "lazy", hook("tracer"), 130, hooked("tracer")),
    "lister": Kind(60, "i386", "lazy", hook("lister"), 151, hooked("lister")),
    "hidden": Kind(80, "x86_64", "preallocated", "last:hide(m:vmalloc(4096))", 120,
                   X86_64 | {("coherence-missing", "vmalloc", HOLE.format("PML4 table")): None}),
    "rights": Kind(60, "x86_64", "preallocated", "last:flip(m:vmalloc(4096), 'write')", 170,
                   X86_64 | {("coherence-rights", "vmalloc", "page, loses -w- kernel"): None}),
    "cut": Kind(20, None, None, None, None, None),  # a capture that ends too soon
    "text": Kind(20, None, None, None, None, None),  # no dump at all
}
VARIANTS = ((2, 4096), (5, 1 << 16), (9, 3 << 20))  # processes, bytes of the filler


def kind_of(number):
    """Spread evenly, in no order that a share of the list would follow."""
    at = number * 373 % 1000
    for name, kind in KINDS.items():
        at -= kind.share
        if at < 0:
            return name
    raise ValueError(number)


def release_of(number):
    since = KINDS[kind_of(number)].since
    return since and since + number * 31 % (RELEASES.stop - since)


class Fleet:
    def __init__(self, tool, folder, size, variants=VARIANTS):
        self.tool, self.folder, self.size = tool, folder, size
        self.variants = variants
        self.list = folder / "dumps.list"
        self.captures = {}

    def _capture(self, name, variant):
        """The bytes of one; each is made once."""
        key = (name, variant)
        if key not in self.captures:
            kind = KINDS[name]
            processes, filler = self.variants[variant]
            script, path = self.folder / "machine.lua", self.folder / "capture"
            script.write_text(MACHINE.format(format=kind.format, sync=kind.sync, filler=filler,
                                             processes=processes, damage=kind.damage))
            path.unlink(missing_ok=True)
            subprocess.run([self.tool, "capture", f"sim:{script}", "-o", path], check=True,
                           capture_output=True)
            self.captures[key] = path.read_bytes()
        return self.captures[key]

    def _bytes(self, number):
        name = kind_of(number)
        variant = number % len(self.variants)
        if name == "text":
            return b"no dump, but words\n" * 500
        if name == "cut":
            return self._capture("sound", variant)[:3000]
        release = b"6.1.%d-model" % release_of(number)
        return self._capture(name, variant).replace(RELEASE, release)

    def path(self, number):
        return self.folder / f"host{number:05}.elf"

    def make(self):
        for number in range(self.size):
            self.path(number).write_bytes(self._bytes(number))
        self.list.write_text("".join(f"{self.path(n)}\n" for n in range(self.size)))

    def planted(self):
        """{(rule, place, difference): [dumps, the lowest release, the module]}, and dumps by outcome"""
        found, outcomes = {}, collections.Counter(dumps=self.size)
        for number in range(self.size):
            planted = KINDS[kind_of(number)].planted
            outcomes["failed" if planted is None else "found" if planted else "clean"] += 1
            release = release_of(number)
            for key, module in (planted or {}).items():
                row = found.setdefault(key, [0, release, module])
                row[0] += 1
                row[1] = min(row[1], release)
        return {key: [n, f"6.1.{release}-model", module]
                for key, (n, release, module) in found.items()}, dict(outcomes)

    def complaints(self, document):
        """In what a digest differs from what was planted."""
        found, outcomes = self.planted()
        seen = {}
        for row in document["findings"]:
            key = row["rule"], row["place"], row["difference"]
            module = found.get(key, [None, None, None])[2]
            seen[key] = [row["dumps"], row["first_kernel"], module and row["module"]]
        if len(document["findings"]) != len(seen):
            yield "two fingerprints of one thing"
        for key in found.keys() | seen.keys():
            if found.get(key) != seen.get(key):
                yield f"{key}: planted {found.get(key)}, found {seen.get(key)}"
        row = document["summary"][0]
        for key in ("dumps", "found", "clean", "failed", "unknown"):
            if row[key] != outcomes.get(key, 0):
                yield f"{key}: planted {outcomes.get(key, 0)}, found {row[key]}"
