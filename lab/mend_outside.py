"""The same of a guest that is looked at and mended from outside, by QEMU's monitor, where whosees
cannot look from inside: whoever was there before a module lacks it, and it is in the way of all
their faults."""

import json
import pathlib
import subprocess
import tempfile

from . import aftermath, capture, guest, initramfs, module_build, packages, sight, stock, truth, \
    util
from .util import LabError

MANY = 1000  # aborts in a row at one address


def ask(program, *words):
    done = subprocess.run([program, *map(str, words), "--stop", "--json"], capture_output=True,
                          text=True, check=False)
    if done.returncode > 1:
        raise LabError(f"whosees {' '.join(map(str, words))}: {done.stderr}")
    return json.loads(done.stdout)


def boot(scenario, is_mended, out, program):
    """Boot, look, mend or leave, let it go on, and leave in `out` what was seen (seen.json)."""
    scenario = stock.Row({**capture.read_conf("scenarios.conf").defaults(), **scenario})
    kernel, _ = capture.fetch(scenario)
    with packages.cache_lock():
        image = initramfs.build(kernel, module_build.build(kernel), scenario)
    with util.whole_dir(out) as work:
        (work / "initramfs.cpio").write_bytes(image)
        seen = guest.insist(out.name, run, kernel, scenario, is_mended, work, program)
        (work / "seen.json").write_text(json.dumps(seen, indent=1))


def run(kernel, scenario, is_mended, work, program):
    with tempfile.TemporaryDirectory() as folder:
        target, journal = f"qemu:{folder}/monitor", pathlib.Path(folder) / "journal"
        scenario = stock.Row({**scenario, "qemu": f"{scenario['qemu']} -qmp unix:{folder}/monitor"
                                                  ",server=on,wait=off"})
        with guest.Guest(kernel, scenario, work / "initramfs.cpio", work) as machine:
            told = truth.parse(truth.split(machine.lines("@frozen")))
            seen = {"truth": told, "audit": ask(program, "audit", target)}
            if is_mended:
                seen["sync"] = ask(program, "sync", target, "--apply", "--journal", journal)
                seen["again"] = ask(program, "audit", target)
            return {**seen, "after": aftermath.watch(machine, scenario, work)}


def blind_of(report):
    """Roots that do not lead to the module, by the lab module's own look."""
    roots = {task["pid"]: int(task["pgd_pa"], 16) for task in report["tasks"]
             if "pgd_pa" in task}
    address = int(report["lab_text"]["va"], 16)
    return {roots[pid] for pid in sight.blind(sight.word("armhf", report), address)}


def verdicts(document):
    """Root -> verdict, of processes."""
    return {int(space["root"], 16): space["known"] for space in document["spaces"]
            if space["kind"] == "process"}


def wrong_repair(seen, blind):
    """What is wrong with what `sync` did, by its own word."""
    made = seen["sync"]["entries"]
    written = {int(entry["root"], 16) for entry in made if entry["end"] == "written"}
    if not blind <= written or any(entry["end"] != "written" for entry in made):
        yield f"sync: written {sorted(written)}, lacking {sorted(blind)}: {made}"
    for root, known in verdicts(seen["again"]).items():
        if known != "coherent":
            yield f"after the repair {root:#x}: {known}"


def wrong_end(seen, scenario, is_mended):
    after = seen["after"]
    if is_mended and after["outcome"] != "survives":
        yield f"it does not survive: {after['outcome']} {after['console']}"
    if is_mended and after["truth"] and blind_of(after["truth"]):
        yield f"some lack it in the end: {blind_of(after['truth'])}"
    if not is_mended and (after["outcome"] != scenario["ending"] or
                          (after["repeated"] or {"times": 0})["times"] < MANY):
        yield f"not one abort after another: {after['outcome']} {after['repeated']}"


def judge(scenario, is_mended, out):
    """told, again, lacks, end, storm and wrong, as lab/mend.py has them."""
    seen = json.loads((out / "seen.json").read_text())
    blind, told = blind_of(seen["truth"]), verdicts(seen["audit"])
    wrong = [f"{root:#x} lacks it: {told.get(root)}" for root in blind
             if told.get(root) != scenario["foretold"]]
    wrong += [f"{root:#x} has it: {known}" for root, known in told.items()
              if root not in blind and known != "coherent"]
    if len(blind) < int(scenario["first"]):
        wrong.append(f"only {sorted(blind)} lack it")
    if is_mended:
        wrong += wrong_repair(seen, blind)
    wrong += wrong_end(seen, scenario, is_mended)
    again = is_mended and ",".join(sorted(set(verdicts(seen["again"]).values())))
    repeated = seen["after"]["repeated"]
    return scenario["foretold"] if not wrong else ",".join(sorted(set(told.values()))), \
        again or None, not is_mended, \
        "lives" if seen["after"]["outcome"] == "survives" else "dies", \
        None if is_mended else f"{repeated and repeated['times']} aborts", wrong
