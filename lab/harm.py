"""What the bug does to one process, done to a capture: the entry that leads its space to the
kernel's image is cleared. Then a healthy kernel's memory has one thing that must be found."""

from . import elf

# What the processor needs to deliver a page fault, where a process's tables can lack it:
# on x86 since 5.8; AArch64's kernel half is everyone's.
HANDLERS = {"amd64": "asm_exc_page_fault", "i386": "asm_exc_page_fault",
            "armhf": "do_DataAbort", "riscv64": "handle_exception"}


def private_step(steps, shared):
    """The last step on a way that is not init_mm's as well; None where to clear it would
    leave no root (one of PAE's has four entries), or nothing is private."""
    tables = {step["table"] for step in shared}
    own = [step for step in steps if step["table"] not in tables]
    if not own or (own[-1]["entry_name"] == "PDPTE" and own[-1] is steps[0]):
        return None
    return own[-1]


def clear(path, step):
    """Clear an entry, as wide as its digits are; True if the capture has it."""
    size = len(step["entry"].removeprefix("0x")) // 2
    with open(path, "r+b") as core:
        at = elf.offset_of(core, int(step["entry_pa"], 16))
        if at is None:
            return False
        core.seek(at)
        core.write(bytes(size))
    return True
