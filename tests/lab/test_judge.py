#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What judges the zoo, by a guest's word of a few lines and answers made up: the right
answer is without a fault, and each wrong one has the fault that it should."""

import contextlib
import copy
import io
import pathlib
import struct
import sys
import tempfile
import types
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))
import scenario  # noqa: E402
from tap import Tap  # noqa: E402

sys.path.insert(0, str(scenario.SOURCE))
from lab import (census, elf, guest, harm, judge, menagerie, packages, stock,  # noqa: E402
                 util)

# init; a kernel thread, and a worker; a process with a thread; two in one memory, one of
# which is suspended; a dead leader with a survivor; a zombie; a name that ends a line
BEFORE = """\
task 1 1 S 400100 1000:a000 696e6974
task 2 2 - 208040 - 6b7468726561646464
task 3 3 - 4208060 - 6b776f726b65722f303a31
task 10 10 S 400040 1000:b000 6d61696e
task 10 11 S 400040 1000:b000 74687265616463
task 12 12 D 400040 1000:c000 766f72
task 13 13 S 400040 1000:c000 6b696e64
task 14 14 Z 400040 - 6c656164
task 14 15 S 400040 1000:d000 73757276
task 16 16 Z 400040 - 64656164
task 17 17 S 400040 3000:e800,1000:e000 610a62
task 18 18 S 400040 1000:f000 686572642d6e732d696e6e6572
task 19 19 S 400040 1000:f100 686572642d68756765746c62
module loop 40960 0 - Live 0xffffffffc0010000
module fat 8192 1 msdos, Live 0xffffffffc0020000 (E)
"""
GUEST = ["herd /bin/herd sleeps", "@census", *BEFORE.splitlines(), "@after",
         *BEFORE.replace("task 3 3", "task 4 4").splitlines()]
TASKS = {pid: judge.Group(*words) for pid, words in {
    0: (True, 1, False, "swapper/0"), 1: (False, 1, False, "init"),
    2: (True, 1, False, "kthreaddd"), 3: (True, 1, False, "kworker/0:1"),
    10: (False, 2, False, "main"), 12: (False, 1, False, "vor"),
    13: (False, 1, False, "kind"), 14: (False, 1, True, "lead"),
    16: (False, 0, False, "dead"), 17: (False, 1, False, "a\nb"),
    18: (False, 1, False, "herd-ns-inner"), 19: (False, 1, False, "herd-hugetlb")}.items()}


def space(root, pid, comm, owners=None, threads=1, kind="process"):
    owners = owners or [pid]
    return {"root": root, "pid": pid, "comm": comm, "processes": len(owners), "kind": kind,
            "owners": ",".join(map(str, owners)), "threads": threads}


SPACES = [space("0x1", 1, "init"), space("0x2", 10, "main", threads=2),
          space("0x3", 13, "kind", [12, 13], 2),
          space("0x4", 14, "surv"), space("0x5", 17, "a\\x0ab"),
          space("0x9", 18, "herd-ns-inner"), space("0xa", 19, "herd-hugetlb"),
          space("0x6", None, "init_mm", kind="init_mm")]
PAGES = {"0x1": {0x1000: 0xa000}, "0x2": {0x1000: 0xb000}, "0x3": {0x1000: 0xc000},
         "0x4": {0x1000: 0xd000}, "0x5": {0x1000: 0xe000}, "0x6": {},
         "0x9": {0x1000: 0xf000}, "0xa": {0x1000: 0xf100}}
MODULES = [{"name": "loop", "address": "0xffffffffc0010000", "size": 40960},
           {"name": "fat", "address": "0xffffffffc0020000", "size": 4096},
           {"name": "fat", "address": "0xffffffffc0030000", "size": 4096}]
AUDIT = {"findings": [{"rule": "protection-wx", "severity": "warning", "sentence": "w"}],
         "spaces": [{"verdict": "coherent", "comm": "init", "reasons": []},
                    {"verdict": "heals", "comm": "main", "reasons": []}]}


def faults(function, *arguments):
    judgement = judge.Judgement()
    function(judgement, *arguments)
    return {kind: n for kind, n in judgement.counts.items() if n}


def changed(what, change):
    what = copy.deepcopy(what)
    change(what)
    return what


def check_each(tap, what, function, before, right, wrongs):
    """`wrongs`: in words, a change of the right answer, the faults that it must have."""
    found = faults(function, *before, right)
    tap.case(f"{what}: the right answer has no fault", not found, found)
    for words, change, expected in wrongs:
        found = faults(function, *before, changed(right, change))
        tap.case(f"{what}: {words}", found == expected, f"{found}, not {expected}")


def check_tasks(tap, truth):
    check_each(tap, "tasks", judge.judge_tasks, [truth], TASKS, [
        ("one that is not reported", lambda t: t.pop(16), {"missing": 1}),
        ("one that is not there", lambda t: t.update({98: t[10]}), {"extra": 1}),
        ("a thread reported as a process", lambda t: t.update({11: t[10]}), {"extra": 1}),
        ("a wrong name", lambda t: t.update({10: t[10]._replace(comm="mein")}),
         {"wrong": 1}),
        ("a survivor's name for the leader's",
         lambda t: t.update({14: t[14]._replace(comm="surv")}), {"wrong": 1}),
        ("a zombie reported as the kernel's",
         lambda t: t.update({16: t[16]._replace(kernel=True)}), {"wrong": 1}),
        ("a thread overlooked", lambda t: t.update({10: t[10]._replace(threads=1)}),
         {"wrong": 1}),
        ("a leader's end overlooked",
         lambda t: t.update({14: t[14]._replace(exited=False)}), {"wrong": 1}),
        ("workers come and go", lambda t: t.update({5: t[3]}), {}),
        ("one that has gone since", lambda t: t.pop(3), {}),
    ])


def check_roots(tap, truth):
    def with_pages(judgement, truth, answer):
        judge.judge_roots(judgement, truth, answer["spaces"], answer["pages"])

    def half(pid, pa, root="0x7"):
        def change(answer):
            answer["spaces"].append(space(root, pid, "x", kind="user half"))
            answer["pages"][root] = {0x1000: pa}
        return change

    def stray(answer):
        answer["spaces"].append(space("0x8", 10, "main"))
        answer["pages"]["0x8"] = {0x1000: 0xf800}

    check_each(tap, "roots", with_pages, [truth], {"spaces": SPACES, "pages": PAGES}, [
        ("a space that is not reported", lambda a: a["spaces"].pop(3), {"missing": 1}),
        ("one that is reported as lone", lambda a: a["spaces"][3].update(kind="lone"),
         {"missing": 1}),
        ("a root that leads elsewhere",
         lambda a: a["pages"]["0x2"].update({0x1000: 0xa000}),
         {"missing": 1, "extra": 1, "wrong": 1}),
        ("a root with one page elsewhere",
         lambda a: a["pages"]["0x5"].update({0x3000: 0xa000}), {"missing": 1, "extra": 1}),
        ("a root of nobody's", stray, {"extra": 1}),
        ("a wrong owner", lambda a: a["spaces"][1].update(pid=12), {"wrong": 1}),
        ("a name of another", lambda a: a["spaces"][1].update(comm="surv"), {"wrong": 1}),
        ("a thread's pid as owner", lambda a: a["spaces"][3].update(pid=15), {"wrong": 1}),
        ("too few processes", lambda a: a["spaces"][2].update(processes=1), {"wrong": 1}),
        ("an owner left out", lambda a: a["spaces"][2].update(owners="13"), {"wrong": 1}),
        ("a thread left out", lambda a: a["spaces"][1].update(threads=1), {"wrong": 1}),
        ("isolation invented", half(10, 0xb000), {"extra": 1}),
        ("a half that is none", half(10, 0x1234), {"extra": 1}),
    ])
    isolated = truth._replace(pti=True)
    found = faults(with_pages, isolated, {"spaces": SPACES, "pages": PAGES})
    tap.case("roots: isolation overlooked", found == {"missing": 7}, found)
    owned = [(1, 0xa000), (10, 0xb000), (12, 0xc000), (14, 0xd000), (17, 0xe000),
             (18, 0xf000), (19, 0xf100)]
    answer = {"spaces": SPACES, "pages": PAGES}
    for index, (pid, pa) in enumerate(owned):
        answer = changed(answer, half(pid, pa, f"0x{0x10 + index:x}"))
    found = faults(with_pages, isolated, answer)
    tap.case("roots: isolation as it is", not found, found)
    answer["spaces"][-1]["pid"] = 1
    found = faults(with_pages, isolated, answer)
    tap.case("roots: a user half of another's", found == {"wrong": 1}, found)


def check_modules(tap, truth):
    check_each(tap, "modules", judge.judge_modules, [truth], MODULES, [
        ("one that is not reported", lambda m: m.pop(0), {"missing": 1}),
        ("one that is not there", lambda m: m[0].update(name="pool"),
         {"missing": 1, "extra": 1}),
        ("elsewhere", lambda m: m[0].update(address="0xffffffffc0011000"), {"wrong": 1}),
        ("a region that is not reported", lambda m: m.pop(2), {"wrong": 1}),
        ("reported twice", lambda m: m.append(dict(m[0])), {"wrong": 1, "extra": 1}),
    ])


def check_audit(tap):
    check_each(tap, "audit", judge.judge_audit, [], AUDIT, [
        ("a grave finding", lambda a: a["findings"][0].update(severity="fatal"),
         {"untrue": 1}),
        ("a verdict of harm", lambda a: a["spaces"][0].update(verdict="nests"),
         {"untrue": 1}),
        ("a verdict withheld", lambda a: a["spaces"][0].update(verdict="unknown"),
         {"untrue": 1}),
        ("no answer", lambda a: a.update(error="no memory"), {"untrue": 1}),
    ])


HARMED = {"findings": [{"severity": "fatal", "pid": 14}],
          "spaces": [{"verdict": "nests", "pid": 14, "comm": "surv"},
                     {"verdict": "coherent", "pid": 1, "comm": "init"}]}


def check_harm(tap, truth):
    def harmed(judgement, truth, answer):
        judge.judge_harmed(judgement, truth, leader, answer)

    leaders = census.dead_leaders(truth.before.tasks)
    tap.case("harm: a dead leader is one with threads", [t.pid for t in leaders] == [14],
             leaders)
    leader = leaders[0]
    spaces = HARMED["spaces"]
    check_each(tap, "harm", harmed, [truth], HARMED, [
        ("a space that is not reported", lambda a: a["spaces"].pop(0), {"missing": 1}),
        ("one that passes as coherent", lambda a: a["spaces"][0].update(spaces[1]),
         {"missing": 1}),
        ("one of nobody's", lambda a: a["spaces"][0].update(pid=None, comm=None),
         {"missing": 1, "untrue": 1}),
        ("one that is unknown", lambda a: a["spaces"][0].update(verdict="unknown"),
         {"missing": 1, "untrue": 1}),
        ("no fatal finding", lambda a: a["findings"].clear(), {"missing": 1}),
        ("another's as well", lambda a: a["spaces"][1].update(verdict="nests"),
         {"untrue": 1}),
        ("no answer", lambda a: (a.clear(), a.update(error="no memory")), {"missing": 1}),
    ])


def check_private_step(tap):
    def way(*tables):
        names = ["PDPTE", "PDE", "PTE"]
        return [{"table": t, "entry_name": n} for t, n in zip(tables, names)]

    for words, own, shared, place in (
            ("the last table of its own", way("a", "b", "c"), way("x", "y", "c"), 1),
            ("not a PAE root", way("a", "b"), way("x", "b"), None),
            ("none", way("a", "b"), way("a", "b"), None)):
        found = harm.private_step(own, shared)
        tap.case(f"harm: where: {words}", found == (None if place is None else own[place]),
                 found)
    root = [{"table": "a", "entry_name": "PML4E"}, {"table": "b", "entry_name": "PDPTE"}]
    found = harm.private_step(root, [{"table": "x"}, root[1]])
    tap.case("harm: where: a root that is one of a kind", found is root[0], found)


def check_cleared(tap):
    long = elf.EHDR.pack(b"\x7fELF\2", 4, 62, 1, 0, 64, 0, 0, 64, 56, 1, 0, 0, 0) + \
        elf.PHDR.pack(elf.PT_LOAD, 0, 128, 0, 0x2000, 64, 64, 0)
    short = elf.EHDR32.pack(b"\x7fELF\1", 4, 40, 1, 0, 52, 0, 0, 52, 32, 1, 0, 0, 0) + \
        elf.PHDR32.pack(elf.PT_LOAD, 128, 0, 0x2000, 64, 64, 0, 0)
    for bits, head in (64, long), (32, short):
        check_cleared_in(tap, f"a core of {bits} bits", head)


def check_cleared_in(tap, core, head):
    with tempfile.NamedTemporaryFile() as file:
        file.write(head.ljust(128, b"\0") + bytes(range(64)))
        file.flush()
        path = pathlib.Path(file.name)
        for pa, entry, gone in ((0x2008, "0x00000001", range(8, 12)),
                                (0x2010, "0x0000000000000001", range(16, 24))):
            before = path.read_bytes()
            harm.clear(path, {"entry_pa": hex(pa), "entry": entry})
            changed = [i - 128 for i, pair in enumerate(zip(before, path.read_bytes()))
                       if pair[0] != pair[1]]
            tap.case(f"harm: an entry of {len(gone)} bytes is cleared in {core}, and no more",
                     changed == list(gone), changed)
        tap.case(f"harm: an entry that {core} lacks is not",
                 not harm.clear(path, {"entry_pa": "0x2040", "entry": "0x00000001"}))


def check_words(tap):
    printed = "a\\x0ab", "a\\\\x41", "a\\x5cx41", "a\\y", None
    tap.case("names: as they are printed, and as they are",
             [*map(judge.plain, printed)] == ["a\nb", "a\\x41", "a\\x41", "a\\y", ""])
    same = {"target": "a", "rows": [{"n": 1, "missing": 0}]}
    other = {"target": "b", "rows": [{"n": 1, "missing": 1}]}
    tap.case("answers: what is said of the target may differ",
             judge.difference(same, other) is None)
    for other in ({"rows": [{"n": 2}]}, {"rows": []}, {"rows": [{"n": 1}], "more": 0}):
        tap.case(f"answers: {other} is another", judge.difference(same, other))


def check_species(tap, truth):
    found = census.species(truth.before.tasks)
    tap.case("species: all are there", all(found.values()), found)
    for gone, kinds in (({11, 15}, {"threads", "dead leader"}), ({14}, {"dead leader"}),
                        ({16}, {"zombie"}), ({13}, {"shared memory"}),
                        ({12}, {"shared memory", "suspended parent"}),
                        ({18}, {"pid namespaces"}), ({19}, {"huge pages"})):
        found = census.species([t for t in truth.before.tasks if t.pid not in gone])
        lacks = {kind for kind, there in found.items() if not there}
        tap.case(f"species: without {sorted(gone)}", lacks == kinds, lacks)


def bzimage(protocol, payload=b"", flags=0):
    image = bytearray(0x400 + len(payload))
    image[0x1f1] = 1
    struct.pack_into("<4sH", image, 0x202, b"HdrS", protocol)
    struct.pack_into("<H", image, 0x236, flags)
    struct.pack_into("<II", image, 0x248, 0, len(payload))
    image[0x400:] = payload
    return bytes(image)


def check_kernel_files(tap):
    elf = b"\x7fELF%c" + bytes(80)
    packed = {bits: zlib.compressobj(wbits=31) for bits in (1, 2)}
    packed = {bits: one.compress(elf % bits) + one.flush() for bits, one in packed.items()}
    for words, image, arch in (
            ("that says so", bzimage(0x20c, flags=stock.XLF_KERNEL_64), "amd64"),
            ("by what it unpacks to", bzimage(0x20a, packed[2]), "amd64"),
            ("by what it unpacks to", bzimage(0x20a, packed[1]), "i386"),
            ("too old for a word", bzimage(0x203), "i386")):
        tap.case(f"a kernel's file: {arch} {words}", stock.arch_of(image) == arch)
    try:
        stock.arch_of(bytes(0x400))
        tap.case("a kernel's file: another is refused", False)
    except stock.LabError as error:
        tap.case("a kernel's file: another is refused", "HdrS" in str(error), error)


class Index:
    """A package index of a few records."""

    def __init__(self, **records):
        self.records = records

    def versions(self, name, _):
        return [{"Depends": d} for d in self.records[name]]

    def names(self, prefix):
        return [name for name in self.records if name.startswith(prefix)]


def check_images(tap):
    none = ["initramfs-tools | linux-initramfs-tool, kmod"]
    index = Index(**{
        "linux-image-686": ["linux-image-6.1-686 (= 2)", "linux-image-5.8-686"],
        **{f"linux-image-{kind}": none for kind in
           ("6.0-686", "5.8-686", "5.9-686", "6.1-686", "6.2-686", "6.1-686-pae",
            "6.1-rt-686")}})
    found = list(stock.images(index, "linux-image-686", "i386"))
    tap.case("packages: the newest image first, then those before",
             found == ["linux-image-6.1-686", "linux-image-5.8-686", "linux-image-6.0-686",
                       "linux-image-5.9-686"],
             found)
    tap.case("packages: of alternatives the first",
             packages.depended({"Depends": "a (= 1), b | c, d"}, ".") == ["a", "b", "d"])


class Attempts:
    """Boots that end as they are reported to."""

    def __init__(self, *ends):
        self.ends, self.made = ends, 0

    def __call__(self):
        self.made += 1
        end = self.ends[min(self.made, len(self.ends)) - 1]
        if isinstance(end, Exception):
            raise end
        return end


def check_attempts(tap):
    died, other = guest.Died("by chance"), util.LabError("no QEMU")
    for words, ends, made in (
            ("that comes up is not booted again", ["up"], 1),
            ("that died twice is booted a third time", [died, died, "up"], 3),
            ("that dies always is not booted for ever", [died], guest.TRIES),
            ("that could not be started is not booted again", [other, "up"], 1)):
        attempts = Attempts(*ends)
        with contextlib.suppress(util.LabError), contextlib.redirect_stderr(io.StringIO()):
            guest.insist("row", attempts)
        tap.case(f"a guest {words}", attempts.made == made, attempts.made)


class Zoo(menagerie.Zoo):
    """One that fails where it is reported to."""

    def __init__(self, fails):  # pylint: disable=super-init-not-called
        self.fails, self.judged_by = fails, "these"

    def at(self, step, value=None):
        if step == self.fails:
            raise util.LabError(f"no luck\nby {step}")
        return value

    def kernel(self, row):
        return self.at("kernel", types.SimpleNamespace(version="6.1 6.1.1-1"))

    def boot(self, row, kernel, made):  # pylint: disable=arguments-differ
        self.at("boot")

    def judge(self, row):
        return self.at("judge", {"counts": {"wrong": 1}, "lacks": [], "warnings": {},
                                 "processes": 3, "modules": 0, "words": {}})


def check_table(tap):
    row = menagerie.Way("sid", "amd64", "amd64", "as it is", ())
    for fails, said in (("kernel", "linux-image-amd64 | sid | as it is | - | - | - | - | "
                         "- | - | not to be had: no luck | - |"),
                        ("boot", "6.1 6.1.1-1 | sid | as it is | - | - | - | - | - | - | "
                         "not booted: no luck | - |"),
                        ("judge", "6.1 6.1.1-1 | sid | as it is | - | - | - | - | - | - | "
                         "not judged: no luck | - |"),
                        (None, "6.1 6.1.1-1 | sid | as it is | 3 | 0 | 0 | 0 | 1 | 0 | - | "
                         "equal |")):
        with tempfile.TemporaryDirectory() as folder:
            menagerie.HOME = pathlib.Path(folder)
            zoo, table = Zoo(fails), menagerie.HOME / "table"
            well = menagerie.is_well(zoo.result(row))
            menagerie.write_table(table, zoo, [row])
            last = table.read_text().splitlines()[-1]
        tap.case(f"table: a row of which {fails or 'all'} {'fails' if fails else 'is had'}",
                 last == f"| {said}" and not well, last)


def main():
    tap = Tap()
    truth = census.read(GUEST)
    check_tasks(tap, truth)
    check_roots(tap, truth)
    check_modules(tap, truth)
    check_audit(tap)
    check_harm(tap, truth)
    check_private_step(tap)
    check_cleared(tap)
    check_words(tap)
    check_species(tap, truth)
    check_kernel_files(tap)
    check_images(tap)
    check_attempts(tap)
    check_table(tap)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
