"""Memory of which less and less says what it is, and what is said of it beside what is said of
the whole dump. A dump loses its notes, the kernel's own text for crash tools, its header; a
hundredth of its page frames; frames that its kernel has not used hold what another kernel
left; behind its memory lies a guest's."""

import collections
import contextlib
import dataclasses
import json
import mmap
import pathlib
import random
import re
import subprocess
import tempfile

from . import capture, elf, guest, menagerie, stock, util
from .util import LabError

HOME = util.REPO / ".lab/blank"
PAGE = 4096
WORDS = re.compile(rb"VMCOREINFO|OSRELEASE=|SYMBOL\(|NUMBER\(|CRASHTIME=")
# A raw file has all addresses below its memory; what is beyond is no system's RAM.
ROM = 0xf0000000
SCRIBBLED = 100  # one frame of so many
GUEST_MAX = 256 << 20  # bytes of a guest's memory
PATIENCE = 600
REFUSED = 3
SILENT = "unknown"  # the verdict that says nothing


# ---- rows -------------------------------------------------------------------------------

def rows():
    """Of blank.conf, as the zoo has them."""
    conf, zoo = capture.read_conf("blank.conf"), capture.read_conf("zoo.conf")
    for suite, words in conf["rows"].items():
        for word in words.split():
            arch, image = word.split(":")
            image, _, variant = image.partition("@")
            variant = variant.replace("_", " ") or menagerie.PLAIN
            settings = tuple((k, v) for k, v in zoo[variant].items() if k != "for")
            yield menagerie.Way(suite, arch, image, variant, settings)


def folder(row):
    return HOME / row.folder.name


def boot(zoo, row):
    """Its dump, booted where it is not there."""
    out = folder(row)
    if not (out / "dump.elf").exists():
        kernel = zoo.kernel(row)
        with util.whole_dir(out) as work:
            guest.insist(row.name, stock.boot, kernel,
                         stock.scenario(kernel, **dict(row.settings)), work)
            util.dig_holes(work / "dump.elf")
    return out / "dump.elf"


@contextlib.contextmanager
def dumps(keep):
    """Yield a dict, dump -> whether its row is well; those that are go at the end, for until
    then the next row may want them."""
    done = {}
    yield done
    for dump, good in done.items():
        if good and not keep:
            util.remove(dump.parent)


# ---- what is done to memory -------------------------------------------------------------

@contextlib.contextmanager
def written(path):
    """The bytes of a file, to be changed."""
    with open(path, "r+b") as file, mmap.mmap(file.fileno(), 0) as data:
        yield data


def pieces(path):
    with open(path, "rb") as core:
        return [piece for piece in elf.segments(core) if piece[0] < ROM]


def drop_notes(path):
    """Their program headers become none."""
    with written(path) as data:
        is64 = data[elf.CLASS] == elf.CLASS64
        head = (elf.EHDR if is64 else elf.EHDR32).unpack_from(data)
        for at in range(head[5], head[5] + head[9] * head[10], head[9]):
            if int.from_bytes(data[at:at + 4], "little") == elf.PT_NOTE:
                data[at:at + head[9]] = bytes(head[9])


def drop_words(path):
    with written(path) as data:
        for found in list(WORDS.finditer(data)):
            data[found.start():found.end()] = b"x" * len(found[0])


def drop_header(path):
    """Byte n of the file is physical address n."""
    raw = path.with_suffix(".raw")
    with open(path, "rb") as core, open(raw, "wb") as out:
        for pa, offset, size in pieces(path):
            core.seek(offset)
            copy_used(core, out, pa, size)
        out.truncate(max(pa + size for pa, _, size in pieces(path)))
    raw.replace(path)


def copy_used(source, target, at, size):
    """Frames that hold something, from where source is to `at`."""
    for done in range(0, size, 1 << 20):
        block = source.read(min(1 << 20, size - done))
        if block.strip(b"\0"):
            target.seek(at + done)
            target.write(block)


def frames(path):
    """The offsets of all page frames."""
    for _, offset, size in pieces(path):
        yield from range(offset, offset + size - size % PAGE, PAGE)


def scribble(path, chance):
    """Half of them are zero now, the others anything."""
    with written(path) as data:
        for at in frames(path):
            if not chance.randrange(SCRIBBLED):
                data[at:at + PAGE] = chance.choice((bytes(PAGE), chance.randbytes(PAGE)))


def leave_remains(path, other):
    """What the kernel has never used is as another one left it, which has booted this."""
    there = {}
    for pa, offset, size in pieces(other):
        there.update((pa + i, offset + i) for i in range(0, size - size % PAGE, PAGE))
    with written(path) as data, open(other, "rb") as file, \
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as old:
        for pa, offset, size in pieces(path):
            for i in range(0, size - size % PAGE, PAGE):
                at = there.get(pa + i)
                if at and data.find(b"\0" * PAGE, offset + i, offset + i + PAGE) >= 0:
                    data[offset + i:offset + i + PAGE] = old[at:at + PAGE]


def host_guest(path, other):
    """Of a raw file: a guest's memory behind it, as a hypervisor has it in large pages."""
    end = -(-path.stat().st_size // (2 << 20)) * (2 << 20)
    with open(other, "rb") as core, open(path, "r+b") as out:
        first = min(pa for pa, _, _ in pieces(other))
        for pa, offset, size in pieces(other):
            core.seek(offset)
            if pa - first < GUEST_MAX:
                copy_used(core, out, end + pa - first, min(size, GUEST_MAX - (pa - first)))
        out.truncate(end + GUEST_MAX)


def shuffle(path, chance):
    """Every frame elsewhere: as of no kernel, or of one whose memory is encrypted."""
    with written(path) as data:
        all_of_them = list(frames(path))
        other = all_of_them[:]
        chance.shuffle(other)
        for a, b in zip(all_of_them[::2], other[::2]):
            data[a:a + PAGE], data[b:b + PAGE] = data[b:b + PAGE], data[a:a + PAGE]


# ---- what is said of it -----------------------------------------------------------------

# owners: the pids of all processes that have the space, as text
Owner = collections.namedtuple("Owner", "pid comm owners")


@dataclasses.dataclass
class Said:
    """refused: words, or None. roots: process's root -> Owner; init: init_mm's root; verdicts:
    by root."""
    refused: str = None
    format: str = None
    init: str = None
    roots: dict = dataclasses.field(default_factory=dict)
    verdicts: dict = dataclasses.field(default_factory=dict)


def run(tool, *words):
    made = subprocess.run([tool, *words, "--json"], capture_output=True, text=True,
                          errors="replace", check=False, timeout=PATIENCE)
    if made.returncode not in (0, 1, 2, REFUSED, 4):
        raise LabError(f"{' '.join(map(str, words))}: exit status {made.returncode}: "
                       f"{made.stderr[-2000:]}")
    return made


def said_of(tool, path):
    spaces = run(tool, "spaces", path)
    if spaces.returncode == REFUSED:
        return Said(refused=" ".join(spaces.stderr.split()))
    spaces, audit = json.loads(spaces.stdout), json.loads(run(tool, "audit", path).stdout)
    pids = sorted(s["pid"] for s in spaces["spaces"] if s["kind"] == "process")
    return Said(
        format=levels(tool, path, pids[0]) if pids else None,
        init=next((s["root"] for s in spaces["spaces"] if s["kind"] == "init_mm"), None),
        roots={s["root"]: Owner(s["pid"], s["comm"], s["owners"])
               for s in spaces["spaces"] if s["kind"] == "process"},
        verdicts={s["root"]: s["verdict"] for s in audit["spaces"]})


def levels(tool, path, pid):
    """What decides between formats: the levels of a walk, and how long the entries are."""
    steps = json.loads(run(tool, "walk", path, "0", "--pid", str(pid)).stdout)["steps"]
    return next((f"{step['level']}, entries of {len(step['entry'][2:]) * 4} bits"
                 for step in steps), None)


# ---- what is wrong with it --------------------------------------------------------------

# which: what became of memory; same: whether all that was known must be known yet; no
# refusal then either
Answer = collections.namedtuple("Answer", "word text")


def is_owner(who, known, same):
    """Where tasks are gone, a space may be named by another of its threads or processes."""
    return known and (who == known if same else
                      str(who.pid) in re.findall(r"\d+", known.owners))


def compare(known, found, same):
    """What is said of what is left, beside what is said of all."""
    if found.refused:
        return Answer("REFUSED" if same else "refused", found.refused)
    for name in "format", "init":
        a, b = getattr(known, name), getattr(found, name)
        if a and b and a != b:
            return Answer("WRONG", f"{name}: {b}, not {a}")
    wrong = [f"{root} of {who.pid} {who.comm!r}" for root, who in found.roots.items()
             if not is_owner(who, known.roots.get(root), same)]
    if wrong:
        return Answer("WRONG", f"{len(wrong)} roots: {', '.join(wrong[:4])}")
    gone = len(known.roots) - len(found.roots)
    if gone:
        return Answer("FEWER" if same else "fewer", f"{gone} of {len(known.roots)} processes "
                      "are not named")
    wrong = [f"{root} {verdict}" for root, verdict in found.verdicts.items()
             if verdict not in (SILENT, known.verdicts.get(root))]
    if wrong and same:
        return Answer("WRONG", f"{len(wrong)} verdicts: {', '.join(wrong[:4])}")
    unknown = sum(v == SILENT != known.verdicts.get(r) for r, v in found.verdicts.items())
    return Answer("equal", f"{unknown} verdicts unknown" if unknown else "")


def is_well(answer):
    return answer.word in ("equal", "fewer", "refused")


# ---- all of a dump ----------------------------------------------------------------------

# What is done, in which order; and of which all that was known must be known yet.
WAYS = "notes", "words", "scribbled", "remains", "shuffled", "header", "guest"
SAME = "notes", "words", "header"


def copy(dump, path):
    util.run(["cp", "--sparse=always", dump, path])
    return path


def answers(tool, dump, other, chance, work):
    """(way, Answer) of everything that is done to a dump, in the folder `work`. other: a dump
    of another kernel of the same architecture; None: there is none."""
    known = said_of(tool, dump)
    if known.refused:
        raise LabError(f"{dump}: {known.refused}")
    blank, done = work / "blank", work / "done"

    def answer(way, path=done):
        return way, compare(known, said_of(tool, path), way in SAME)

    drop_notes(copy(dump, blank))
    yield answer("notes", blank)
    drop_words(blank)
    yield answer("words", blank)
    scribble(copy(blank, done), chance)
    yield answer("scribbled")
    if other:
        leave_remains(copy(blank, done), other)
        yield answer("remains")
    shuffle(copy(blank, done), chance)
    yield answer("shuffled")
    drop_header(blank)
    yield answer("header", blank)
    if other:
        host_guest(blank, other)
        yield answer("guest", blank)


def look_at(tool, row, dump, other):
    """All answers on a row, by way."""
    with tempfile.TemporaryDirectory(dir=HOME, prefix=".") as work:
        return dict(answers(tool, dump, other, random.Random(row.name), pathlib.Path(work)))
