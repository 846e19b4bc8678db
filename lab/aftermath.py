"""What a guest did after the dump, when the waiter had acted: the truth that a verdict is
held against."""

import re

from . import death, truth

SILENCE = 8  # seconds of QEMU's; a guest that lives has something to say after one
OF_THE_DEAD = 4  # of one that is to die, and is dumped in whatever state
WORDS = re.compile(r"Oops|BUG: |kernel BUG|Kernel panic|PANIC: |double fault|"
                   r"invalid opcode|general protection", re.I)
SHOWN = 8  # lines of the console that are kept as evidence


def expected(scenario):
    """What the scenario says will be found, and be seen to happen."""
    verdict, *whose = scenario["expect"].split(maxsplit=1)
    return {"verdict": verdict, "space": whose[0] if whose else None,
            "rule": scenario["rule"], "outcome": scenario["outcome"],
            "said": [line.strip() for line in scenario["said"].split(";") if line]}


def outcome_of(end, said, console, exceptions):
    """In one or two words, what became of the waiter or of the machine."""
    if end == "ended":
        return "survives" if "after waiter alive" in said else "oops"
    if end == "silent":
        return "hang"
    if exceptions.triple_fault:
        return "triple fault"
    if exceptions.vectors[b"08"]:
        return "double fault"
    if any("Kernel panic" in line for line in console):
        return "panic"
    return "reset"


def watch(machine, scenario, work):
    """Let the machine go on from its dump; return what was seen, as data. One that is to
    be seen dead is dumped once more."""
    before = len(machine.serial.read_bytes())
    said, end = machine.go_on(OF_THE_DEAD if machine.kept else SILENCE)
    state = death.keep(machine, scenario, work) if machine.kept else None
    machine.end()
    log = machine.exceptions
    report = said[said.index("@truth") + 1:] if "@truth" in said else []
    said = said[:said.index("@truth")] if report else said
    console = [line.strip() for line in
               machine.serial.read_bytes()[before:].decode(errors="replace").splitlines()
               if WORDS.search(line)]
    return {"act": scenario["act"], "outcome": outcome_of(end, said, console, log),
            "end": end, "said": said, "console": console[:SHOWN],
            "truth": truth.of_report(report) if report else None, "state": state,
            **log.as_data()}
