"""What whosees says of a dump, held against the guest's own word: tasks, roots, modules,
findings and a cause of death
on a kernel that is well, and a capture beside the dump it was made of."""

import collections
import json
import re
import subprocess

from . import census, harm
from .util import LabError

SHOWN = 6  # of one kind of fault, in words
GRAVE = ("error", "fatal")
# A verdict that a healthy kernel may have: its own lazy fault is what mends it.
WELL = ("coherent", "heals")
# What one has that cannot deliver a page fault: it ends the machine.
FATAL = ("nests", "double-faults")
# What is asked of dump and capture alike. read finds only what a capture keeps.
QUESTIONS = (
    ["spaces"], ["modules"], ["audit"], ["map"], ["what-if", "--spaces", "all"],
    ["probe", "--all-modules", "--all"], ["walk", "vfs_read"], ["probe", "vfs_read"],
)
# What is said of the target, and not of the machine: its name, and how many of the frames
# that what-if wrote it does not hold. A capture holds no stacks.
OF_TARGET = ("target", "missing")
OF_ONE = (["map", "--pid"], ["what-if", "--fault", "kernel", "--pid"])


# handler: what is done harm to, or None; regime: options by which user memory is seen where
# the kernel's own regime hides it; known: rules that the kernel does break
About = collections.namedtuple("About", "handler regime known")
# threads: those that still run; exited: the leader does not, but they do
Group = collections.namedtuple("Group", "kernel threads exited comm")


class Judgement:
    """How many faults of each kind, and the first of each in words."""

    def __init__(self):
        self.counts = collections.Counter()
        self.words = collections.defaultdict(list)
        self.warnings = collections.Counter()

    def fault(self, kind, text):
        self.counts[kind] += 1
        if len(self.words[kind]) < SHOWN:
            self.words[kind].append(text)

    def as_data(self):
        return {"counts": dict(self.counts), "words": dict(self.words),
                "warnings": dict(self.warnings)}


def ask(tool, question, dump, *more):
    """The answer of a command as data, or why there is none; its status says what was
    found."""
    command, *options = question
    made = subprocess.run([tool, command, dump, *options, *more, "--json"],
                          capture_output=True, text=True, check=False, timeout=600,
                          errors="replace")
    if not made.stdout:
        return {"status": made.returncode, "error": made.stderr.strip()}
    return {"status": made.returncode, **json.loads(made.stdout)}


def plain(comm):
    """A name as the kernel has it, of one as it is printed: \\xNN for what is not
    printable, and for a backslash."""
    return re.sub(r"\\x([0-9a-f]{2})|\\(\\)",
                  lambda m: chr(int(m[1], 16)) if m[1] else m[2], comm or "")


# ---- tasks ----------------------------------------------------------------------------

def discovered(discovery, dump):
    """Thread groups as discovery (tests/lab) prints them, by pid. A name may hold a line's
    end, and the next line is then its rest."""
    made = subprocess.run([discovery, dump], capture_output=True, check=False)
    if made.returncode:
        return None, made.stderr.decode(errors="replace").strip()
    lines = []
    for line in made.stdout.decode("latin-1").split("\n")[:-1]:
        if re.match(r"(task|space|note|layout|time) ", line) or not lines:
            lines.append(line)
        else:
            lines[-1] += "\n" + line
    tasks = {}
    for line in lines:
        if line.startswith("task "):
            pid, kernel, _, _, _, _, threads, gone, comm = line[5:].split(" ", 8)
            tasks[int(pid)] = Group(kernel == "1", int(threads), gone == "1", comm)
    return tasks, None


def group_of(truth, leader):
    """A thread group by the guest's word; who has no memory any more does not run."""
    threads = [t for t in truth.before.tasks if t.tgid == leader.tgid
               and (t.pa or census.is_kernel(t))]
    return Group(census.is_kernel(leader), len(threads),
                 bool(threads) and leader not in threads, leader.comm)


def judge_tasks(judgement, truth, reported):
    stable = census.leaders(census.stable(truth))
    ever = {t.tgid for part in (truth.before, truth.after) for t in part.tasks}
    workers = {t.tgid for part in (truth.before, truth.after) for t in part.tasks
               if census.is_worker(t)}
    for tgid, one in sorted(stable.items()):
        if tgid in workers:
            continue
        if tgid not in reported:
            judgement.fault("missing", f"task {tgid} {one.comm!r}")
            continue
        actual = group_of(truth, one)
        if reported[tgid] != actual:
            judgement.fault("wrong", f"task {tgid}: {reported[tgid]}, not {actual}")
    for pid, group in sorted(reported.items()):
        if pid and pid not in ever and not group.comm.startswith("kworker/"):
            judgement.fault("extra", f"task {pid} {group.comm!r}")


# ---- roots ----------------------------------------------------------------------------

def seen_in(tool, dump, addresses, regime):
    """root -> {va: pa} for user addresses, of every space."""
    reported = ask(tool, ["probe", "--all", "--all-spaces", *regime], dump,
                   *map(hex, addresses))
    if "error" in reported:
        raise LabError(reported["error"])
    pages = collections.defaultdict(dict)
    for row in reported["rows"]:
        if row["seen"]:
            pages[row["root"]][int(row["address"], 16)] = int(row["pa"], 16)
    return pages


def leads(page_of, owners):
    """Whether a root leads to pages that they alone have. Not all must be there (see
    guest/zoo.c), but none leads elsewhere."""
    own = owners[0].pages
    return any(page_of.get(va) == pa for va, pa in own) and \
        all(page_of.get(va, pa) == pa for va, pa in own)


def judge_roots(judgement, truth, spaces, pages):
    """`pages` as seen_in() has them."""
    groups = census.memories(census.stable(truth))
    of_process = {s["root"]: s for s in spaces if s["kind"] == "process"}
    halves = {s["root"]: s for s in spaces if s["kind"] == "user half"}
    lone = [s for s in spaces if s["kind"] not in ("process", "user half")]
    for owners in sorted(groups.values(), key=lambda group: group[0].pid):
        who = f"{owners[0].tgid} {owners[0].comm!r}"
        roots = [r for r in of_process if leads(pages[r], owners)]
        if not roots:
            where = ", ".join(f"{s['kind']} {s['root']}" for s in lone
                              if leads(pages[s["root"]], owners))
            judgement.fault("missing", f"space of {who}: its root is {where or 'nowhere'}")
        elif len(roots) > 1:
            judgement.fault("extra", f"space of {who}: {len(roots)} roots")
        for root in roots:
            judge_owner(judgement, truth, of_process.pop(root), owners)
        own = [r for r in halves if leads(pages[r], owners)]
        if roots and truth.pti and not own:
            judgement.fault("missing", f"user half of {who}")
        for root in own[:truth.pti]:
            judge_half(judgement, halves.pop(root), owners)
    for root, space in sorted({**of_process, **halves}.items()):
        judgement.fault("extra", f"{space['kind']} {root} of {space['pid']} "
                                 f"{space['comm']!r}: none of the guest's")


def judge_owner(judgement, truth, space, owners):
    """All its thread groups are its owners, and its name is one of the first's."""
    tgids = {t.tgid for t in owners}
    names = {t.comm for t in truth.before.tasks if t.tgid == space["pid"]}
    reported = {int(n) for n in re.findall(r"\d+", space["owners"])}
    if space["pid"] not in tgids or plain(space["comm"]) not in names or reported != tgids or \
       (space["processes"], space["threads"]) != (len(tgids), len(owners)):
        judgement.fault("wrong", f"space {space['root']}: {space['pid']} "
                        f"{space['comm']!r}, owners {space['owners']}, "
                        f"{space['processes']} processes, {space['threads']} threads, "
                        f"not {len(owners)} of {sorted(tgids)} {owners[0].comm!r}")


def judge_half(judgement, half, owners):
    if half["pid"] not in {t.tgid for t in owners}:
        judgement.fault("wrong", f"user half {half['root']}: of {half['pid']}, not of "
                                 f"{owners[0].tgid} {owners[0].comm!r}")


# ---- modules, findings ----------------------------------------------------------------

def judge_modules(judgement, truth, reported):
    regions = collections.defaultdict(list)
    for row in reported:
        regions[row["name"]].append(row)
    actual = {m.name: m for m in truth.before.modules}
    for name in sorted(set(actual) - set(regions)):
        judgement.fault("missing", f"module {name}")
    for name in sorted(set(regions) - set(actual)):
        judgement.fault("extra", f"module {name}")
    for name in sorted(set(regions) & set(actual)):
        address = int(regions[name][0]["address"], 16)
        size = sum(r["size"] for r in regions[name])
        if address != actual[name].address:
            judgement.fault("wrong", f"module {name} at {address:#x}, not "
                                     f"{actual[name].address:#x}")
        elif size != actual[name].size:
            judgement.fault("wrong", f"module {name} of {size} bytes, not "
                                     f"{actual[name].size}")
        if len(regions[name]) != len({r["address"] for r in regions[name]}):
            judgement.fault("extra", f"module {name} is there twice")


def finding_words(finding):
    return f"{finding['rule']}: {finding.get('sentence') or finding.get('text')}"


def judge_audit(judgement, reported, known=()):
    """Nothing was done to this kernel: every grave finding is untrue, and every verdict
    that predicts harm; but for those by rules that such kernels are known to break."""
    if "error" in reported:
        judgement.fault("untrue", f"audit: {reported['error']}")
        return
    for finding in reported.get("findings", ()):
        if finding["severity"] in GRAVE and finding["rule"] not in known:
            judgement.fault("untrue", finding_words(finding))
        else:
            judgement.warnings[f"{finding['severity']} {finding['rule']}"] += 1
    spaces = [s for s in reported["spaces"] if s.get("kind") != "user half"]  # part of another
    bad = collections.Counter(s["verdict"] for s in spaces if s["verdict"] not in WELL)
    for verdict, count in sorted(bad.items()):
        one = next(s for s in spaces if s["verdict"] == verdict)
        judgement.counts["untrue"] += count
        judgement.words["untrue"].append(
            f"{count} of {len(spaces)} {verdict}: {one['comm']}: {one['reasons']}")
    heals = sum(s["verdict"] == "heals" for s in spaces)
    if heals:
        judgement.warnings["verdict heals"] += heals


def judge_autopsy(judgement, reported):
    """It has not died: every cause is untrue, a possible one too."""
    if "error" in reported:
        judgement.fault("untrue", f"autopsy: {reported['error']}")
    elif reported["summary"][0]["cause"]:
        judgement.fault("untrue", f"autopsy: {reported['summary'][0]['sentence']}")


# ---- capture --------------------------------------------------------------------------

def difference(a, b, path=""):
    """The first place where two answers differ, in words, or None."""
    if isinstance(a, dict) and isinstance(b, dict):
        for key in [*a, *(k for k in b if k not in a)]:
            if key not in OF_TARGET and (found := difference(a.get(key), b.get(key),
                                                        f"{path}.{key}")):
                return found
        return None
    if isinstance(a, list) and isinstance(b, list):
        for i, (x, y) in enumerate(zip(a, b)):
            if found := difference(x, y, f"{path}[{i}]"):
                return found
        a, b = f"{len(a)} of them", f"{len(b)} of them"
    return None if a == b else f"{path}: {str(a)[:200]} by the dump, {str(b)[:200]}"


def judge_capture(judgement, tool, dump, truth, answers, handler):
    """`answers`: what is known already of the dump, by the words of the question."""
    pid = next((t.pid for t in census.stable(truth) if t.comm.startswith("herd-0")), 1)
    capture = dump.with_name("capture.elf")
    made = subprocess.run([tool, "capture", dump, "-o", capture], capture_output=True,
                          text=True, check=False)
    if made.returncode:
        judgement.fault("capture", f"capture: {made.stderr.strip()}")
        return
    for question in (*QUESTIONS, *([*q, str(pid)] for q in OF_ONE)):
        words = " ".join(question)
        by_dump = answers.get(words) or ask(tool, question, dump)
        found = difference(by_dump, ask(tool, question, capture))
        if found:
            judgement.fault("capture", f"{words}{found}")
    judge_harm(judgement, tool, capture, truth, handler)
    capture.unlink()


# ---- harm -----------------------------------------------------------------------------

def judge_harmed(judgement, truth, leader, reported):
    """`reported`: an audit of a capture in which the space of a dead leader's threads has no
    way to the page fault's handler."""
    names = {t.comm for t in truth.before.tasks if t.tgid == leader.tgid}
    fatal = [s for s in reported.get("spaces", ()) if s["verdict"] not in WELL]
    right = [s for s in fatal if s["verdict"] in FATAL and s["pid"] == leader.tgid
             and plain(s["comm"]) in names]
    who = f"{leader.tgid} {leader.comm!r}, whose leader has exited"
    if len(right) != 1 or not any(f["severity"] == "fatal" and f["pid"] == leader.tgid
                                  for f in reported.get("findings", ())):
        judgement.fault("missing", f"harm to {who}: {reported.get('error') or fatal}")
    for space in fatal:
        if space not in right:
            judgement.fault("untrue", f"harm to {who} is reported {space}")


def judge_harm(judgement, tool, capture, truth, handler):
    leader = next(iter(census.dead_leaders(census.stable(truth))), None)
    if not leader or not handler:
        return
    ways = [ask(tool, ["walk", handler, "--pid", str(pid)], capture)
            for pid in (leader.tgid, 0)]
    error = next((way["error"] for way in ways if "error" in way), None)
    step = None if error else harm.private_step(*(way["steps"] for way in ways))
    if error or (step and not harm.clear(capture, step)):
        judgement.fault("missing", f"the way of {leader.tgid} to {handler}: "
                                   f"{error or step}")
    elif step:
        judge_harmed(judgement, truth, leader, ask(tool, ["audit"], capture))


def judge(tool, discovery, dump, truth, about):
    """The Judgement on a dump of such a kernel, an About."""
    judgement = Judgement()
    tasks, error = discovered(discovery, dump)
    spaces, modules, audit = (ask(tool, [q], dump) for q in ("spaces", "modules", "audit"))
    if error or "error" in spaces or "error" in modules:
        judgement.fault("missing", error or spaces.get("error") or modules.get("error"))
        return judgement
    judge_tasks(judgement, truth, tasks)
    addresses = sorted({va for t in truth.before.tasks for va, _ in t.pages})
    judge_roots(judgement, truth, spaces["spaces"],
                seen_in(tool, dump, addresses, about.regime))
    judge_modules(judgement, truth, modules["modules"])
    judge_audit(judgement, audit, about.known)
    judge_autopsy(judgement, ask(tool, ["autopsy"], dump))
    judge_capture(judgement, tool, dump, truth,
                  {"spaces": spaces, "modules": modules, "audit": audit}, about.handler)
    return judgement
