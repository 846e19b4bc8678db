"""What `whosees autopsy` says of a machine that has died, beside the truth about it."""

import collections
import json
import subprocess

from .util import LabError

# What a cause is called by the tool: where several words are given each is right. None: no
# fault of an address space.
CALLED = {
    "handler-unmapped": ("handler-unmapped", "handler-unreached"),
    "handler-nx": ("handler-not-executable",),
    "handler-smep": ("handler-not-executable",),
    "handler-overwritten": ("handler-overwritten",),
    "text-unmapped": ("handler-unmapped",),
    "idt-gone": ("delivery-unmapped", "tables-damaged"),
    "gdt-gone": ("delivery-unmapped", "tables-damaged"),
    "tss-gone": ("delivery-unmapped", "tables-damaged"),
    "entry-stack-gone": ("delivery-unmapped", "tables-damaged"),
    "pti-short": ("user-half-short",),
    "stack-overflow": ("stack-overflow",),
    "table-overwritten": ("table-overwritten", "root-not-a-table"),
    "root-freed": ("root-not-a-table",),
    "root-foreign": ("root-not-a-table",),
    "stale-tlb": ("stale-translation",),
    "fetch-refused": ("fetch-refused",),
    "space-short": ("space-short",),
    "reboot": (None,),
    "panic": (None,),
    "none": (None,),
}
PAGE = 4096
# where the tool names a space, a handler or a frame, of which it is to be the right one
ABOUT_A_SPACE = {cause for cause, words in CALLED.items() if None not in words} - \
    {"handler-overwritten", "stale-tlb"}
STORMS = {"handler-unmapped", "handler-nx", "handler-smep", "text-unmapped", "pti-short"}

# Each "right", "unknown" where the tool does not say, or what it says instead.
Verdict = collections.namedtuple("Verdict", "cause root pid handler first frames")


class Inquest(collections.namedtuple("Inquest", "truth told verdict")):
    def is_right(self):
        """Not known is no false word, but that there was no cause where there was one is."""
        return all(word in ("right", "unknown", "-") for word in self.verdict)


def number(value):
    return value if value is None or isinstance(value, int) else int(value, 16)


def autopsy(tool, dump):
    made = subprocess.run([tool, "autopsy", "--json", dump], capture_output=True, text=True,
                          check=False, timeout=600)
    if made.returncode not in (0, 1, 4):
        raise LabError(f"autopsy of {dump} failed with status {made.returncode}: "
                       f"{made.stderr}")
    return json.loads(made.stdout)["summary"][0]


def of_cause(truth, told):
    words = CALLED[truth["cause"]]
    if told["cause"] in words:
        return "right"
    return told["cause"] or "no cause"


def same(told, *true):
    if told is None:
        return "unknown"
    return "right" if told in true else f"{told:#x}"


def of_first(truth, told):
    """The frame that the first fault pushed: what it saved, and where it lies if that was
    on the stack that the fault was taken on."""
    first = truth["first"]
    if told.get("first_ip") is None:
        return "unknown"
    user = first["cpl"] == 3
    wanted = number(first["ip"]), user, None if user else below(truth["arch"], first["sp"])
    got = number(told["first_ip"]), told["first_user"], \
        None if user else number(told["first_frame"])
    return "right" if got == wanted else f"{got[0]:#x}"


def below(arch, sp):
    """The lowest byte of a frame with an error code that is pushed in kernel mode: EFLAGS,
    CS, EIP and that; in 64 bits SS and RSP as well, on a stack that is aligned first."""
    return number(sp) - 16 if arch == "i386" else (number(sp) & ~15) - 48


def of_frames(truth, frames):
    """How many are alike, which the first is not. Of the one that could not be pushed its
    saved IP may lie there: on the last page, above where there was no more room."""
    word, above = (4, 3) if truth["arch"] == "i386" else (8, 5)
    torn = number(truth["last_sp"]) % PAGE >= above * word
    if frames is None:
        return "unknown"
    alike = truth["frames"] - 1
    return "right" if alike <= frames <= alike + torn else str(frames)


def judge(truth, told):
    cause = of_cause(truth, told)
    if truth["cause"] not in ABOUT_A_SPACE:
        return Verdict(cause, *"-----")
    victim, pid = truth["victim"], told.get("pid")
    # whose space it was, in either half, or what was loaded in its place
    root = same(number(told.get("root")), number(victim["root"]),
                number(victim["root"]) + PAGE * (truth["cause"] == "pti-short"),
                number(truth.get("root")))
    pid = "unknown" if pid is None else "right" if pid == victim["pid"] else str(pid)
    if truth["cause"] not in STORMS or not truth["frames"]:
        return Verdict(cause, root, pid, *"---")
    return Verdict(cause, root, pid,
                   same(number(told.get("handler")), number(truth["handler"]),
                        *[number(fault["address"]) for fault in truth["fatal"][:1]
                          if fault["address"]]),
                   of_first(truth, told), of_frames(truth, told.get("frames")))


def hold(tool, directory):
    truth = json.loads((directory / "dead.json").read_text())
    told = autopsy(tool, directory / "dead.elf")
    return Inquest(truth, told, judge(truth, told))


# ---- tables ---------------------------------------------------------------------------

ROW = "| {:26} | {:>3} | {:8} | {:18} | {:22} | {:12} | {:7} | {:12} | {:12} | {:12} |"


def head():
    names = ("scenario", "run", "machine", "died of", "cause told", "root", "pid",
             "handler", "first frame", "frames")
    return "\n".join([ROW.format(*names), ROW.format(*("---" for _ in names))])


def row(name, run, found):
    truth = found.truth
    return ROW.format(name, run, truth["state"], truth["cause"], *found.verdict)


BEGIN, END = "<!-- by lab/death: not to be edited -->\n", "<!-- end -->\n"


def write_table(path, rows):
    """The rows, as row() has them, in place of those that a document has."""
    text = path.read_text()
    before, rest = text.split(BEGIN, 1)
    _, after = rest.split(END, 1)
    path.write_text(f"{before}{BEGIN}\n{head()}\n" + "\n".join(rows) + f"\n\n{END}{after}")
