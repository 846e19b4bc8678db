"""What QEMU translates, for each address space of a dump and each regime of its kernel:
translations.json, to hold walks of the same tables against."""

import json
import random
import re

from .oracle import Oracle

PAGE, MIB = 0x1000, 1 << 20
RANDOM = 100  # addresses of each kind
# Where the guest's static programs lie, by what their linkers take.
PROGRAM = {"armhf": 0x10000, "arm64": 0x400000, "riscv64": 0x10000}
USER_BITS = {"armhf": 31, "arm64": 47, "riscv64": 38}
VECTORS = 0xffff0000  # of ARM

# TTBCR of LPAE with CONFIG_CPU_TTBR0_PAN (arch/arm/include/asm/uaccess-asm.h): while the
# kernel touches no user memory, TTBR0 is not walked and TTBR1 covers as much as it can.
TTBCR_EAE, TTBCR_A1, TTBCR_EPD0, TTBCR_T0SZ = 1 << 31, 1 << 22, 1 << 7, 7


def numbers(registers):
    return {name: int(value, 16) for name, value in registers.items()}


def regimes(arch, registers):
    """The guest's registers as they were, and as they are in the kernel's other regime."""
    found = {"kernel": registers}
    ttbcr = registers.get("TTBCR", 0)
    if arch == "armhf" and ttbcr & TTBCR_EAE and ttbcr & TTBCR_EPD0:
        user = ttbcr & ~(TTBCR_A1 | TTBCR_EPD0 | TTBCR_T0SZ)
        found["user access"] = registers | {"TTBCR": user}
    return found


def with_root(arch, registers, root):
    """The registers with another root of user memory; without its ASID."""
    if arch == "riscv64":
        return registers | {"satp": registers["satp"] >> 60 << 60 | root // PAGE}
    name = "TTBR0" if arch == "armhf" else "TTBR0_EL1"
    # where short descriptors' tables lie, low bits say how they are read
    low = registers[name] & 0x7f if arch == "armhf" and \
        not registers["TTBCR"] & TTBCR_EAE else 0
    return registers | {name: root | low}


def addresses(arch, facts):
    """Where to ask: the kernel's memory of each kind, the program's, and anywhere."""
    chance = random.Random(facts["scenario"])
    offset = int(facts["page_offset"], 16)
    memory = facts["memory_mib"] * MIB
    found = {int(entry["address"], 16) for entry in facts["entries"]}
    for module in facts["modules"]:
        start = int(module["address"], 16)
        found |= {start + at for at in range(-PAGE, module["size"] + 2 * PAGE, PAGE)}
    found |= {PROGRAM[arch] + at * PAGE for at in range(-1, 24)}
    found |= {offset + at + chance.randrange(MIB) for at in range(0, memory, 16 * MIB)}
    found |= {chance.getrandbits(USER_BITS[arch]) for _ in range(RANDOM)}
    found |= {int(symbol, 16) & -PAGE for symbol in facts["symbols"].values()}
    if arch == "armhf":
        found |= {VECTORS, VECTORS + PAGE, VECTORS + 2 * PAGE}
        found |= {at + chance.randrange(MIB) for at in range(offset - 16 * MIB, 1 << 32, MIB)
                  if not offset <= at < offset + memory}
    else:
        top = (1 << 64) - (1 << USER_BITS[arch] + 1)
        found |= {top | chance.getrandbits(USER_BITS[arch] + 1) for _ in range(RANDOM)}
    return sorted(found)


def ranges(oracle):
    """All that the root maps, where QEMU tells: [va, pa, size, attributes]."""
    return [line.split() for line in oracle.monitor("info mem").splitlines()
            if re.match("[0-9a-f]{16} ", line)]


def view(oracle, name, registers, root, asked):
    oracle.set(registers)
    answers = {address: oracle.translate(address) for address in asked}
    return {"regime": name, "root": hex(root),
            "registers": {n: hex(value) for n, value in registers.items()},
            "mem": ranges(oracle) if "satp" in registers else None,
            "addresses": {hex(address): None if pa is None else hex(pa)
                          for address, pa in answers.items()}}


def write(conf, facts, work):
    """translations.json in `work`, of its dump.elf and the truth."""
    arch, asked = conf["arch"], addresses(conf["arch"], facts)
    registers = numbers(facts["cpus"][0]["registers"])
    roots = {int(task["pgd_pa"], 16) for task in facts["tasks"] if "pgd_pa" in task}
    with Oracle(conf, work / "dump.elf") as oracle:
        views = [view(oracle, name, with_root(arch, regime, root), root, asked)
                 for name, regime in regimes(arch, registers).items()
                 for root in sorted(roots)]
    (work / "translations.json").write_text(json.dumps({"views": views}, indent=0) + "\n")
