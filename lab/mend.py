"""A guest that is about to die of a fault handler that one process does not see, and whosees in
it: it foretells that, mends it or leaves it; and then the process faults."""

import collections
import json

from . import capture, guest, live, mend_outside, module_build, packages, stock, tool, util
from .live import of_dump
from .util import LabError

VICTIM = "waiter"
SILENCE = 8  # seconds of a processor in which a machine that lives would have said something
AUDIT = {"audit": "whosees audit live --json"}
REPAIR = {"sync": "whosees sync live --apply --journal /journal --json",
          "again": "whosees audit live --json"}
# Where nothing is done: by a module that may only look, and without one
REFUSED = {"refused": "whosees sync live --apply --json",
           "absent": "rmmod whosees; whosees sync live --apply --json"}
WORDS = {"refused": "may only look", "absent": "insmod module/whosees.ko allow_sync=1"}
STRIKE = {"hold": "read -r word <&3",  # until the host has taken a dump
          "strike": "exec 4</done; echo fault >/go; read -r word <&4; echo \"waiter $word\"",
          "rest": "read -r word <&3"}

UNDO = {"undo": "whosees sync live --undo /journal --apply --json",
        "relapse": "whosees audit live --json"}

# told, again: the verdicts on the victim, before and after the repair; lacks: whether the dump
# that was taken next says that it does not see the handler; end: what became of it; storm: its
# nested faults by QEMU's processor, or None; wrong: all that is not as it has to be
Mend = collections.namedtuple("Mend", "told again lacks end storm wrong")


def scenarios():
    return capture.read_conf("mends.conf")


def boot(name, is_mended, out, build):
    """Boot, and leave in `out` the dump from before the fault, and what was seen (seen.json)."""
    if scenarios()[name]["way"] == "qemu":
        mend_outside.boot(scenarios()[name], is_mended, out, build / "tools/whosees")
        return
    done = {"commands": {**AUDIT, **REPAIR, **STRIKE, **UNDO}, "tool": "allow_sync=1"} \
        if is_mended else {"commands": {**AUDIT, **REFUSED, **STRIKE}, "tool": "allow_sync=0"}
    scenario = stock.Row({**scenarios()[name], **done})
    kernel, _ = capture.fetch(stock.Row(kernel=scenario["kernel"], filtered=""))
    files = tool.files(kernel.arch, kernel.conf["suite"], build)
    with packages.cache_lock():
        image = live.root_of(kernel, module_build.build(kernel), files, scenario,
                             module_build.build(kernel, module_build.TOOL))
    with util.whole_dir(out) as work:
        (work / "initramfs.cpio").write_bytes(image)
        seen = guest.insist(out.name, run, kernel, scenario, work)
        (work / "seen.json").write_text(json.dumps(seen, indent=1))


def run(kernel, scenario, work):
    with live.Machine(kernel, scenario, work / "initramfs.cpio", work) as machine:
        answers = machine.said("@run hold")
        machine.stop()
        machine.dump(work / "dump.elf", "elf")
        machine.monitor("log int,cpu_reset")
        machine.command("cont")
        machine.go_on()
        heard, end = machine.hear("@run rest", SILENCE)
        if end == "said":
            machine.go_on()
            answers |= machine.said()
        machine.end()
        return {"answers": {key: answer._asdict() for key, answer in answers.items()},
                "heard": heard.split("\n"), "end": end, **machine.exceptions.as_data()}


# ---- what was seen, beside what had to be ---------------------------------------------

def answer(seen, name):
    """Of a command, its document."""
    said = seen["answers"][name]
    if said["status"] > 1:
        raise LabError(f"{name}: status {said['status']}: {said['complaints']}")
    return json.loads(said["text"])


def victim_of(document):
    return next(space for space in document["spaces"] if space["comm"] == VICTIM)


def others(document):
    """Verdicts on all other processes that are not as they have to be."""
    return [f"{space['comm']}: {space['known']}" for space in document["spaces"]
            if space["kind"] == "process" and space["comm"] != VICTIM and
            space["known"] != "coherent"]


def is_blind(program, dump, pid, what):
    """Whether a process does not see it, by a dump."""
    rows = of_dump(program, "probe", dump, what, "--all")["rows"]
    return not next(row["seen"] for row in rows if row["pid"] == pid)


def wrong_repair(seen):
    """What is wrong with what `sync` said that it did."""
    made = answer(seen, "sync")["entries"]
    if len(made) != 1 or made[0]["comm"] != VICTIM or made[0]["end"] != "written":
        yield f"sync: {made}"
    again = answer(seen, "again")
    if victim_of(again)["known"] != "coherent":
        yield f"after the repair: {victim_of(again)['known']}"
    yield from others(again)


def wrong_refusal(seen):
    """What is wrong with how `sync` refused to."""
    for name, words in WORDS.items():
        said = seen["answers"][name]
        if said["status"] != 3 or words not in said["complaints"]:
            yield f"{name}: status {said['status']}: {said['complaints']}"


def wrong_undo(seen):
    """What is wrong with what was taken back in the end."""
    made = answer(seen, "undo")["entries"]
    if len(made) != 1 or made[0]["end"] != "written":
        yield f"undo: {made}"
    relapse = victim_of(answer(seen, "relapse"))["known"]
    if relapse != victim_of(answer(seen, "audit"))["known"]:
        yield f"when it was taken back: {relapse}"


def wrong_end(seen, scenario, root, is_mended):
    """What is wrong with what became of it."""
    lives = "waiter alive" in seen["heard"]
    if lives != is_mended:
        yield f"{'alive' if lives else 'dead'}: {seen['end']} {seen['heard']}"
    storm = seen["storm"]
    if is_mended and storm:
        yield f"nested faults: {storm['page_faults']}"
    if not is_mended and (not storm or storm["ending"] != scenario["ending"] or
                          int(storm["first"]["cr3"], 16) != int(root, 16)):
        yield f"not the victim's nested faults to a {scenario['ending']}: {storm}"


def judge(name, is_mended, program, out):
    """A Mend of what a guest has left in `out`."""
    scenario, seen = scenarios()[name], json.loads((out / "seen.json").read_text())
    if scenario["way"] == "qemu":
        return Mend(*mend_outside.judge(scenario, is_mended, out))
    told = answer(seen, "audit")
    victim = victim_of(told)
    wrong = others(told)
    if victim["known"] != scenario["foretold"]:
        wrong.append(f"foretold is {victim['known']}")
    wrong += wrong_repair(seen) if is_mended else wrong_refusal(seen)
    lacks = is_blind(program, out / "dump.elf", victim["pid"], scenario["hide"])
    if lacks == is_mended:
        wrong.append(f"by the dump the victim {'lacks' if lacks else 'sees'} the handler")
    wrong += wrong_end(seen, scenario, victim["root"], is_mended)
    if is_mended and "relapse" in seen["answers"]:
        wrong += wrong_undo(seen)
    elif is_mended:
        wrong.append("nothing was taken back")
    storm = seen["storm"] and f"{seen['storm']['page_faults']}, then {seen['storm']['ending']}"
    return Mend(victim["known"], victim_of(answer(seen, "again"))["known"] if is_mended else None,
                lacks, "lives" if "waiter alive" in seen["heard"] else "dies", storm, wrong)
