"""The rows of the zoo, what became of each, and the table of them all."""

import dataclasses
import fnmatch
import hashlib
import json
import re
import shutil
import subprocess
import threading

from . import capture, census, guest, harm, judge, packages, stock, util
from .util import HERE, REPO, LabError

HOME = REPO / ".lab/zoo"
PLAIN = "as it is"
# What a row's files are made by, beside its kernel; and what judges them.
BOOTED_BY = ("guest/zoo.c", "guest/herd.c", "guest/bare.h", "guest/bare_x86.h",
             "guest/bare_virt.h", "stock.py")
JUDGED_BY = ("judge.py", "census.py", "harm.py")
FAULTS = ("missing", "extra", "wrong")
FAILURES = LabError, OSError, subprocess.SubprocessError

MADE_BY = """\
# Kernels, and what whosees says of them

Made by `make zoo`; not to be edited. Each row is a kernel of a Debian suite, booted under
QEMU as its package has it, with a zoo of processes (`lab/guest/herd.c`): threads, leaders
that have exited before their threads, a zombie, a parent suspended by `vfork`, two
processes in one memory, pid namespaces, huge pages, odd names, and on amd64 and arm64 all
of them once more as 32-bit programs. The guest says by its own `/proc` who is there, before the
dump and after it, and each answer is held against that
([lab/README.md](../lab/README.md) has how).

- **missing, extra, wrong**: tasks, roots and modules together. A root is right when it
  leads from an address of its process's to the page that this process alone has there.
- of a process whose leader has exited, where a kernel half is each process's own, the
  entry that leads to the kernel's image is then cleared in the capture: that its space is
  not named, and fatal, is a fault of the kind *missing*; if another's is, *untrue*.
- **untrue**: findings of severity error or fatal, and spaces whose verdict is neither
  *coherent* nor *heals*. Nothing was done to these kernels: there should be none.
- **warned**: findings of less severity, and spaces that *heal*, which may be true.
- **capture**: whether every command says of a capture what it says of the dump.

"""


@dataclasses.dataclass(frozen=True)
class Way:
    """A row: which kernel, and how it is booted."""
    suite: str
    arch: str
    image: str
    variant: str
    settings: tuple

    @property
    def name(self):
        plain = f"{self.suite}/{self.image}"
        return plain if self.variant == PLAIN else f"{plain}@{self.variant}"

    @property
    def folder(self):
        return HOME / re.sub(r"[^\w.@=-]+", "_", self.name)

    def matches(self, pattern):
        return fnmatch.fnmatchcase(self.name, pattern)


def rows():
    conf = capture.read_conf("zoo.conf")
    found = []
    for suite, images in conf["suites"].items():
        for word in images.split():
            arch, image = word.split(":")
            for variant in conf.sections():
                section = conf[variant]
                if any(fnmatch.fnmatchcase(f"{suite}/{image}", pattern)
                       for pattern in section.get("for", "").split()):
                    settings = tuple((k, v) for k, v in section.items() if k != "for")
                    found.append(Way(suite, arch, image, variant, settings))
    return found


def digest(*parts):
    one = hashlib.sha256()
    for part in parts:
        one.update(part if isinstance(part, bytes) else str(part).encode())
        one.update(b"\0")
    return one.hexdigest()[:16]


def is_well(result):
    if "failed" in result:
        return False
    counts = result["counts"]
    return not any(counts.values()) and not result["lacks"]


class Zoo:
    """What judges, and where results are."""

    def __init__(self, build, refresh=False):
        self.tool = build / "tools/whosees"
        self.discovery = build / "tests/lab/discovery"
        for program in (self.tool, self.discovery):
            if not program.exists():
                raise LabError(f"{program} is not there: make build")
        judges = [self.tool, self.discovery, *build.glob("src/libwhosees.so"),
                  *(HERE / file for file in JUDGED_BY)]
        self.judged_by = digest(*(file.read_bytes() for file in judges))
        self.refresh, self.lock = refresh, threading.Lock()
        self.suites, self.kernels = {}, {}

    def kernel(self, row):
        """One row at a time: they share the packages' cache."""
        with self.lock, packages.cache_lock():
            if (row.suite, row.arch) not in self.suites:
                self.suites[row.suite, row.arch] = packages.Apt(row.suite, [row.arch],
                                                                self.refresh)
            wanted = row.suite, row.arch, f"linux-image-{row.image}"
            if wanted not in self.kernels:
                try:
                    self.kernels[wanted] = stock.Package(self.suites[wanted[:2]],
                                                         *wanted[1:])
                except LabError as error:
                    self.kernels[wanted] = error
            if isinstance(self.kernels[wanted], LabError):
                raise self.kernels[wanted]
            return self.kernels[wanted]

    def result(self, row, force=False):
        """What is known of a row, found out if need be. What could not be found out is a
        result as well, with words that say how far it came."""
        result = {"row": row.name, "made_from": None, "judged_by": self.judged_by,
                  "release": f"linux-image-{row.image}"}
        try:
            kernel = self.kernel(row)
        except FAILURES as error:
            return self.keep(row, result | {"failed": f"not to be had: {error}"})
        made = digest(row, kernel.version, *((HERE / f).read_bytes() for f in BOOTED_BY))
        known = self.known(row)
        if known and not force and known["judged_by"] == self.judged_by and \
           known["made_from"] == made:
            return known
        result["release"], came = kernel.version, "not booted"
        try:
            if force or not self.has_dump(row.folder, made):
                self.boot(row, kernel, made)
            came = "not judged"
            result |= {"made_from": made, **self.judge(row)}
        except FAILURES as error:
            result["failed"] = f"{came}: {error}"
        return self.keep(row, result)

    def keep(self, row, result):
        HOME.mkdir(parents=True, exist_ok=True)
        self.path(row).write_text(json.dumps(result, indent=1) + "\n")
        if is_well(result):
            shutil.rmtree(row.folder)
        return result

    @staticmethod
    def path(row):
        return row.folder.with_name(row.folder.name + ".json")

    def known(self, row):
        path = self.path(row)
        return json.loads(path.read_text()) if path.exists() else None

    @staticmethod
    def has_dump(folder, made):
        path = folder / "made-from"
        return path.exists() and path.read_text() == made

    @staticmethod
    def boot(row, kernel, made):
        wanted = stock.scenario(kernel, **dict(row.settings))
        with util.whole_dir(row.folder) as work:
            said = guest.insist(row.name, stock.boot, kernel, wanted, work)
            (work / "said").write_text("\n".join(said) + "\n")
            (work / "vmlinuz").symlink_to(kernel.vmlinuz)
            util.dig_holes(work / "dump.elf")
            (work / "made-from").write_text(made)

    def judge(self, row):
        truth = census.read((row.folder / "said").read_text().splitlines())
        reported = judge.judge(self.tool, self.discovery, row.folder / "dump.elf", truth,
                               about(row))
        kinds = census.species(truth.before.tasks)
        lacks = [kind for kind, there in kinds.items() if not there]
        lacks += [f"{herd} {end}" for herd, end in truth.herds.items()
                  if end != "sleeps" and herd in stock.herds(row.arch)]
        return {"processes": len({t.tgid for t in truth.before.tasks
                                  if not census.is_kernel(t)}),
                "threads": len(truth.before.tasks),
                "modules": len(truth.before.modules), "lacks": lacks, **reported.as_data()}


def about(row):
    """What the judge must know of a row. With CONFIG_CPU_TTBR0_PAN an LPAE kernel maps user
    memory only while it accesses it."""
    known = capture.read_conf("zoo.conf")["known"]
    return judge.About(harm.HANDLERS.get(row.arch),
                       ["--regime", "user-access"] if "lpae" in row.image else [],
                       [rule for rule in known if row.matches(known[rule])])


def line(row, result):
    if "failed" in result:
        said = result["failed"].splitlines()[0]
        return f"{row.name}: {result['release']} {said}"
    counts = result["counts"]
    faults = ", ".join(f"{n} {kind}" for kind, n in counts.items() if n)
    lacks = "".join(f", lacks {what}" for what in result["lacks"])
    return (f"{row.name}: {result['release']}, {result['processes']} processes, "
            f"{result['modules']} modules: {faults or 'no fault'}{lacks}")


# ---- the table ------------------------------------------------------------------------

def release_order(text):
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", text)]


def cells(row, result):
    if "failed" in result:
        said = result["failed"].splitlines()[0]
        return (result["release"], row.suite, row.variant, *["-"] * 6, said, "-")
    counts = result["counts"]
    warned = ", ".join(f"{n} {what}" for what, n in sorted(result["warnings"].items()))
    return (result["release"], row.suite, row.variant, result["processes"],
            result["modules"], *(counts.get(kind, 0) for kind in FAULTS),
            counts.get("untrue", 0), warned or "-",
            "no" if counts.get("capture") else "equal")


HEAD = ("kernel", "suite", "booted", "processes", "modules", *FAULTS, "untrue", "warned",
        "capture")


def write_table(path, zoo, all_rows):
    """Of what this whosees was asked; sorted by release, and with nothing in it that
    changes from run to run."""
    lines = []
    for row in all_rows:
        result = zoo.known(row)
        if result and result["judged_by"] == zoo.judged_by:
            lines.append((release_order(result["release"]), row.suite,
                          row.variant != PLAIN, row.variant, cells(row, result)))
    lines.sort()
    text = [HEAD, ["---"] * len(HEAD), *(entry[-1] for entry in lines)]
    path.write_text(MADE_BY + "".join(
        "| " + " | ".join(map(str, columns)) + " |\n" for columns in text))
