"""Who sees the modules of a guest, by three witnesses: the entries that the lab module read
in each process's tables, QEMU's own translation by the same roots, and whosees. And who was
healed when the guest had gone on."""

import collections
import json
import subprocess

from .util import LabError

PTE = 12  # the shift of a last level's entry, but where TCR says another
TG1 = {1: 14, 2: 12, 3: 16}  # TCR_EL1 31:30, the granule of the kernel's half
SECTION = 20  # and of ARM's short descriptors' first
FRAME = {"armhf": 0xfffffff000, "arm64": 0xfffffffff000}
DECIDES = "TTBCR", "TCR_EL1"  # registers that say which root translates what
ACCESS = "user access"  # the regime in which a process's own tables are walked

# processes: how many spaces they have; guest, qemu, whosees: the roots that do not lead to
# the module, in that regime; verdicts: of these; healed: whether who was woken has it then
Sight = collections.namedtuple(
    "Sight", "regime processes guest qemu whosees verdicts healed")


def pte_shift(truth):
    """log2 of the kernel's pages."""
    tcr = truth["cpus"][0].get("registers", {}).get("TCR_EL1") if truth.get("cpus") else None
    return TG1[int(tcr, 16) >> 30 & 3] if tcr else PTE


def frame(arch, entry):
    """The frame of a last level's entry, or None where it maps nothing."""
    if arch == "riscv64":
        return (entry >> 10 & (1 << 44) - 1) << PTE if entry & 1 else None
    return entry & FRAME[arch] if entry & 3 else None


def word(arch, truth):
    """By the lab module: address -> pid -> where the tables lead, or None."""
    last, leads = {}, collections.defaultdict(dict)
    shift = pte_shift(truth)
    for entry in truth["entries"]:
        last[entry["address"], entry["pid"]] = entry
    for (text, pid), entry in last.items():
        address = int(text, 16)
        page = frame(arch, int(entry["value"], 16)) if entry["shift"] == shift else None
        leads[address][pid] = None if page is None else page | address % (1 << shift)
    return leads


def blind(leads, address):
    return {pid for pid, pa in leads[address].items() if pa is None}


class Guest:
    """A scenario's files."""

    def __init__(self, directory):
        self.directory = directory
        self.truth = json.loads((directory / "truth.json").read_text())
        self.arch = self.truth["arch"]
        self.word = word(self.arch, self.truth)
        views = directory / "translations.json"
        self.views = json.loads(views.read_text())["views"] if views.exists() else []
        self.names = {t["pid"]: t["comm"] for t in self.truth["tasks"]}
        self.roots = {t["pid"]: t["pgd_pa"] for t in self.truth["tasks"] if "pgd_pa" in t}

    def module(self):
        """An address in the lab module's memory that was watched."""
        return int(self.truth["lab_text"]["va"], 16)

    def area(self):
        """The watched address that is no module's, if there is one: vmalloc memory, which
        nobody touches."""
        modules = [range(start, start + module["size"]) for module in self.truth["modules"]
                   for start in [int(module["address"], 16)]]
        return next((a for a in self.word if not any(a in module for module in modules)), None)

    def has_own_area(self):
        """Whether each process has its own entries for vmalloc memory: ARM's short
        descriptors. Of the others' upper tables all share what maps it."""
        return bool(self.arch == "armhf" and self.area() and
                    self.truth["entries"][0]["shift"] == SECTION)

    def regimes(self):
        """Each regime's views."""
        found = collections.defaultdict(list)
        for view in self.views:
            found[view["regime"]].append(view)
        return found

    def own_regime(self):
        """In which a process's own tables are walked for the modules."""
        regimes = self.regimes()
        return ACCESS if ACCESS in regimes else next(iter(regimes), None)

    def first_herd(self):
        """Who was there before the modules, of those that wait to be woken."""
        count = self.truth["first"]
        return {pid for pid, name in self.names.items()
                if name.startswith("herd-0") and int(name[5:]) < count}

    def lacking_later(self, address=None):
        """Those of them who lack it, or the modules, when they have touched the modules."""
        later = word(self.arch, self.truth["after"]["truth"])
        return blind(later, address or self.module()) & self.first_herd()


def regime_of(view):
    """whosees' options for a view's regime."""
    given = [f"{name.lower()}={view['registers'][name]}" for name in DECIDES
             if name in view["registers"]]
    return ["--regime", ",".join(given)] if given else []


def ask(tool, *arguments):
    made = subprocess.run([tool, *map(str, arguments), "--json"], capture_output=True,
                          check=False)
    if made.returncode not in (0, 1):
        raise LabError(f"whosees {' '.join(map(str, arguments))}: {made.stderr.decode()}")
    return json.loads(made.stdout)


def lacking(tool, guest, what, regime):
    """Roots of processes that do not see it, by whosees."""
    rows = ask(tool, "probe", guest.directory / "dump.elf", what, "--all", *regime)["rows"]
    return {row["root"] for row in rows if row["kind"] == "process" and not row["seen"]}


def verdicts(tool, guest, roots, regime):
    """Of an audit in a regime, the verdicts on some roots and those on all others."""
    spaces = ask(tool, "audit", guest.directory / "dump.elf", *regime)["spaces"]
    said = {True: set(), False: set()}
    for space in spaces:
        if space["kind"] in ("process", "init_mm"):
            said[space["root"] in roots].add(space["verdict"])
    return tuple(",".join(sorted(said[which])) for which in (True, False))


def sights(tool, guest):
    """A Sight for each regime."""
    address, own = guest.module(), guest.own_regime()
    by_word = {guest.roots[pid] for pid in blind(guest.word, address)}
    for name, views in guest.regimes().items():
        options = regime_of(views[0])
        by_qemu = {view["root"] for view in views if not view["addresses"][hex(address)]}
        by_tool = lacking(tool, guest, f"{address:#x}", options)
        yield Sight(name, len(views), by_word if name == own else by_qemu, by_qemu, by_tool,
                    verdicts(tool, guest, by_tool, options), not guest.lacking_later())
