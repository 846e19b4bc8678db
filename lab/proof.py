"""A storm of nested faults as `whosees what-if` predicts it from the dump that was taken
before it, beside the storm that QEMU's processor then ran into."""

import collections
import json
import subprocess

from .util import LabError

# page_faults: the first, and each whose handler could not be fetched; QEMU's log has a
# line v=0e for each. ending: of the storm, by the processor: "double fault" is that #DF's
# handler was reached.
Storm = collections.namedtuple("Storm", "page_faults last_sp ending")
Proof = collections.namedtuple("Proof", "mode start_sp predicted seen afterwards")


# A fate as the processor's log has it: the kernel's panic is its business.
ENDINGS = {"panics": "double fault"}


def predict(tool, directory, mode, pid, start_sp):
    """The storm by the dump. From user mode the TSS has the stack; from kernel mode it is
    the one thing that is not in the dump."""
    where = ["--sp", start_sp] if mode == "kernel" else []
    made = subprocess.run([tool, "what-if", "--json", "--tlb", "tcg", "--fault", mode,
                           "--pid", str(pid), *where, directory / "dump.elf"],
                          capture_output=True, text=True, check=False, timeout=900)
    if made.returncode not in (0, 1):
        raise LabError(f"what-if failed with status {made.returncode}: {made.stderr}")
    reported = json.loads(made.stdout)["spaces"][0]
    return Storm(reported["nested"] + 1, reported["sp"], ENDINGS.get(reported["fate"], reported["fate"]))


def afterwards(after):
    """What became of the machine."""
    if any("Kernel panic" in line for line in after["console"]):
        return "panic"
    return {"triple fault": "reset"}.get(after["outcome"], after["outcome"])


def prove(tool, directory):
    """The proof of a scenario's files. The storm must be the waiter's."""
    truth = json.loads((directory / "truth.json").read_text())
    pid, storm = truth["hidden"]["pid"], truth["after"]["storm"]
    root = next(task["pgd_pa"] for task in truth["tasks"] if task["pid"] == pid)
    if not storm or storm["first"]["cr3"] != root:
        raise LabError(f"{directory}: no nested faults of pid {pid}: {storm}")
    mode = "user" if storm["first"]["cpl"] == 3 else "kernel"
    start_sp = storm["first"]["sp"]
    return Proof(mode, start_sp, predict(tool, directory, mode, pid, start_sp),
                 Storm(storm["page_faults"], storm["last_sp"], storm["ending"]),
                 afterwards(truth["after"]))
