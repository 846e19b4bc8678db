"""A guest whose /dev/whosees is asked everything: what it answers is held against the dump of
the same moment, as whosees reads it, and against QEMU's registers; and calls that have to be
refused against what they came to."""

import collections
import json
import re
import subprocess

from . import capture, elf, guest, initramfs, module_build, packages, stock, tool, util
from .util import HERE, REPO, LabError

SHARED = REPO / "module/whosees_uapi.h", HERE / "guest/device.h"
OWN = "whosees programs random seed closings churn rounds sync stacks left".split()  # words of device.conf's
PAGE, HOLE = "0", "1"  # WHOSEES_END_*
MARKS = 0xe0  # accessed and dirty, which x86 (6:5) and RISC-V (7:6) set meanwhile
BITS32 = "gcc -m32 -isystem /usr/include/x86_64-linux-gnu"
BAD = re.compile(r"BUG:|kernel BUG|Oops|WARNING:|Call Trace|general protection fault|unable to handle")

# Names of device, and how QEMU's `info registers` begins what it has of them.
REGISTERS = {"cr0": r"CR0=([0-9a-f]+)", "cr4": r"CR4=([0-9a-f]+)", "efer": r"EFER=([0-9a-f]+)",
             "gdt.base": r"GDT= +([0-9a-f]+)", "gdt.limit": r"GDT= +[0-9a-f]+ ([0-9a-f]+)",
             "idt.base": r"IDT= +([0-9a-f]+)", "idt.limit": r"IDT= +[0-9a-f]+ ([0-9a-f]+)",
             "tr": r"TR =([0-9a-f]+)", "tr.base": r"TR =[0-9a-f]+ ([0-9a-f]+)",
             "satp": r"satp +([0-9a-f]+)", "stvec": r"stvec +([0-9a-f]+)"}

# Of what is counted (guest/device.sh) as much more may be there afterwards: objects, of which
# each processor keeps some that are free, and kilobytes; of slabs device.conf says how many.
KINDS = {"mm_struct": 60, "filp": 160, "VmallocUsed:": 256}

Finding = collections.namedtuple("Finding", "what count faults")


def scenarios():
    shared = capture.read_conf("scenarios.conf").defaults()
    own = capture.read_conf("device.conf")
    return {name: stock.Row({**shared, **own[name]}) for name in own.sections()}


def image_of(kernel, scenario, more):
    """The guest's root file system, with what it is asked by."""
    lab_module = module_build.build(kernel)
    programs = {"device": kernel.conf["cc"], "device32": BITS32}
    more |= {f"bin/{name}{what}": initramfs.build_program(f"device{what}", programs[name], SHARED)
            for name in scenario["programs"].split() for what in ("", "_sync")}
    more["modules/whosees.ko"] = module_build.build(kernel, module_build.TOOL)
    return initramfs.build(kernel, lab_module, scenario, HERE / "guest/device.sh", more, OWN)


def boot(scenario, out, build):
    """Boot, ask, and leave in `out` the dump of the moment between question and harm, and all
    that was said."""
    kernel, _ = capture.fetch(scenario)
    more = tool.files(kernel.arch, kernel.conf["suite"], build) \
        if scenario["whosees"] == "yes" else {}
    with packages.cache_lock():
        image = image_of(kernel, scenario, more)
    with util.whole_dir(out) as work:
        (work / "initramfs.cpio").write_bytes(image)
        guest.insist(out.name, run, kernel, scenario, work)


def run(kernel, scenario, work):
    with guest.Guest(kernel, scenario, work / "initramfs.cpio", work) as machine:
        lines = list(machine.lines("@frozen"))
        machine.stop()
        machine.dump(work / "dump.elf", "elf")
        for cpu in range(int(scenario["cpus"])):
            (work / f"info-registers.cpu{cpu}.txt").write_text(
                machine.monitor("info registers", cpu))
        machine.release()
        after = list(machine.lines("@end"))
    (work / "said").write_text("\n".join(lines) + "\n")
    (work / "said-after").write_text("\n".join(after) + "\n")


def said(out, file="said"):
    """What the guest said: of each first word the lines, as lists of words."""
    found = collections.defaultdict(list)
    for line in (out / file).read_text().splitlines():
        word, *rest = line.split(" ")
        found[word].append(rest)
    return found


def whosees(program, *words):
    done = subprocess.run([program, *words, "--json"], capture_output=True, text=True, check=False)
    if done.returncode > 1:
        raise LabError(f"whosees {' '.join(map(str, words))}: {done.stderr}")
    return json.loads(done.stdout)


# ---- a stopped guest ----------------------------------------------------------------------


def check_registers(out, asked):
    """Of each processor, as QEMU has it. CR3 has changed since: it is a root, in check_spaces."""
    faults, count = [], 0
    for cpu, name, value in asked["register"]:
        if name not in REGISTERS:
            continue
        text = (out / f"info-registers.cpu{cpu}.txt").read_text()
        wanted = re.search(REGISTERS[name], text)[1]
        count += 1
        if int(wanted, 16) != int(value, 16):
            faults.append(f"CPU {cpu}: {name} {value}, QEMU has {wanted}")
    return Finding("registers as QEMU has them", count, faults)


def check_live(out, asked):
    """What `whosees cpus live` has in the guest: the module's registers, as QEMU has them."""
    faults, count = [], 0
    for line in asked["cpus"]:
        cpu, _, name, value, base, limit, *_ = " ".join(line).split(",")
        for part, got in (("", value), (".base", base), (".limit", limit)):
            pattern = REGISTERS.get(name + part)
            if not pattern or not got:
                continue
            text = (out / f"info-registers.cpu{cpu}.txt").read_text()
            count += 1
            if int(re.search(pattern, text)[1], 16) != int(got, 16):
                faults.append(f"CPU {cpu}: {name}{part} {got}")
    return Finding("registers that whosees has of `live`", count, faults)


def check_spaces(program, out, asked):
    """Root, pid and name of each process: the same set."""
    rows = whosees(program, "spaces", out / "dump.elf")["spaces"]
    wanted = {(int(row["root"], 16), int(pid)) for row in rows if row["kind"] == "process"
              for pid in re.findall(r"\d+", row["owners"])}
    names = {row["pid"]: row["comm"] for row in rows}
    got, faults = set(), []
    for pid, root, _, flags, *comm in asked["space"]:
        if flags == "0":
            got.add((int(root, 16), int(pid)))
        comm = " ".join(comm).replace("\\", r"\\")  # as whosees prints one
        if flags == "0" and names.get(int(pid), comm) != comm:
            faults.append(f"{pid}: {comm}, by the dump {names[int(pid)]}")
    faults += [f"only by the module: {root:x} {pid}" for root, pid in got - wanted]
    faults += [f"only by the dump: {root:x} {pid}" for root, pid in wanted - got]
    return Finding("processes with their roots", len(got & wanted), faults)


def frame_of(entry, is_riscv):
    """Where an entry leads: bits 53:10, or 47:12 (of 32 bits: 31:12); no guest has more."""
    return (entry >> 10 & (1 << 44) - 1) << 12 if is_riscv else entry & 0xfffffffff000


def agrees(row, end, entry, is_riscv):
    """Whether an outcome is what whosees says of the same walk."""
    if end == PAGE and row["page"]:
        size = row["page"]
        return not (frame_of(entry, is_riscv) ^ int(row["pa"], 16)) & ~(size - 1)
    return end == HOLE and row["end"].startswith("hole")


def check_probes(program, out, asked, regime):
    """Every address in every process: page and where, or hole; in the regime in which its own
    tables decide, where a kernel has several."""
    addresses = sorted({f"0x{address}" for _, _, address, *_ in asked["probe"]})
    (out / "addresses").write_text("\n".join(addresses) + "\n")
    rows = whosees(program, "probe", out / "dump.elf", f"@{out / 'addresses'}", "--all",
                   *(["--regime", regime] if regime else []))["rows"]
    wanted = {(int(row["root"], 16), int(row["address"], 16)): row for row in rows}
    is_riscv = any(name == "satp" for _, name, _ in asked["register"])
    faults, holes, count = [], 0, 0
    for pid, root, address, end, level, entry in asked["probe"]:
        row = wanted.get((int(root, 16), int(address, 16)))
        if not row:
            faults.append(f"{pid} {address}: the dump has no such space")
            continue
        count += 1
        holes += end == HOLE
        if not agrees(row, end, int(entry, 16), is_riscv):
            faults.append(f"{pid} {address}: end {end}, level {level}, entry {entry}; "
                          f"whosees: {row['end']} {row['pa']}")
    return Finding(f"probes as whosees has them ({holes} end in a hole)", count, faults)


def check_tables(out, asked):
    """Every table that was read, byte for byte but for what the processor sets."""
    faults, count = [], 0
    word = int(asked["about"][0][1])
    with open(out / "dump.elf", "rb") as core:
        for pid, _, address, level, error, pa, text in asked["table"]:
            if error != "0":
                continue
            got = bytes.fromhex(text)
            core.seek(elf.offset_of(core, int(pa, 16)))
            lies = core.read(len(got))
            count += 1
            if not is_table(got, lies, word):
                faults.append(f"{pid} {address}: the table of level {level} at {pa}")
    return Finding("tables as they lie in the dump", count, faults)


def is_table(got, lies, word):
    """A top-level table may be less than a page: then the rest was not read, and is 0."""
    end = len(got.rstrip(b"\0"))
    for at in range(0, end, word):
        differ = int.from_bytes(got[at:at + word], "little") ^ \
            int.from_bytes(lies[at:at + word], "little")
        if differ & ~MARKS:
            return False
    return True


def check_hidden(asked, hidden):
    """The walk for the first address that was asked for stops sooner in one process, if the
    scenario hides it."""
    address = asked["table"][0][2]
    levels = {pid: level for pid, _, at, _, level, _ in asked["probe"] if at == address}
    blind = {pid for pid, level in levels.items() if level != max(levels.values())}
    return Finding("processes that lack what was hidden", len(blind),
                   [] if len(blind) == bool(hidden) else [f"{sorted(blind)}"])


# ---- who means no good ---------------------------------------------------------------------


def check_refused(after):
    faults = [f"{' '.join(what)}: errno {got}, wanted {wanted}"
              for got, wanted, *what in after["case"] if got != wanted]
    return Finding("calls that came to what they have to", len(after["case"]), faults)


def check_random(after, wanted):
    """As many answers as calls: who would hang or die says none."""
    done = sum(int(n) for _, n in after["random"])
    known = {"0", "2", "3", "7", "14", "22", "25"}
    faults = [f"errno {error}, {n} times" for error, n in after["random"]
              if error not in known]
    if done != wanted:
        faults.append(f"{done} of {wanted} calls")
    return Finding("calls at random", done, faults)


def check_sync_at_random(after, wanted):
    """The same, and what came of each entry of calls that were answered."""
    done = sum(int(n) for _, n in after["random-sync"])
    known = {"0", "7", "14", "22"}, {"0", "2", "3", "11", "16", "22", "35", "95",
                                             "116"}
    faults = [f"{kind} errno {error}, {n} times"
              for kind, errors in zip(("random-sync", "random-entry"), known)
              for error, n in after[kind] if error not in errors]
    faults += [f"{done} of {wanted} calls"] * (done != wanted)
    written = sum(int(n) for error, n in after["random-entry"] if error == "0")
    return Finding(f"calls at random that would write ({written} entries were as wanted)", done,
                   faults)


def check_closing(after):
    faults = [f"{' '.join(line)}" for line in after["closing"] if line[2] != "0"]
    return Finding("calls while another closes", sum(int(n) for line in after["closing"]
                                                     for n in line[:2]), faults)


def check_openers(after):
    wanted = {"nobody": "13", "powerless": "1", "open": "1"}  # EACCES, EPERM
    faults = [f"{who}: errno {line[0]}, wanted {errno}" for who, errno in wanted.items()
              for line in after[who] if line[0] != errno]
    insmod = " ".join(after["insmod"][0])
    if not insmod.startswith("refused"):
        faults.append(f"under lockdown insmod: {insmod}")
    return Finding("openers refused", sum(len(after[who]) for who in wanted), faults)


def check_memory(after, left):
    """Between two counts there were so many processes that held every mm, and so many calls:
    one object lost by each would show."""
    faults, kinds = [], {**KINDS, "Slab:": left}
    counts = [(kind, int(n)) for _, kind, n in after["memory"]]
    half = len(kinds)
    for at in range(0, len(counts), 2 * half):
        for (kind, before), (_, now) in zip(counts[at:at + half], counts[at + half:]):
            if now - before > kinds[kind]:
                faults.append(f"{kind} {before} before, {now} after")
    return Finding("counts of memory that did not grow", len(counts) // 2, faults)


def check_console(out):
    """From the first module on: what a kernel says of the machine at boot is not ours."""
    _, _, text = (out / "serial.log").read_text(errors="replace").partition(
        "whosees_lab: loading out-of-tree module")
    lines = text.splitlines()
    return Finding("lines of the console", len(lines), [line for line in lines
                                                        if BAD.search(line)])


def bar(out):
    """Nanoseconds a walk: the module's by its ioctl, and the kernel's own lookup; None: the
    lab module has none there, or the kernel's clock only ticks."""
    after = said(out, "said-after")
    if not after["lookups"]:
        return None
    spent, n = after["time"][0]
    own, own_n, _ = after["lookups"][0]
    if not int(own, 16):
        return None
    return int(spent, 16) / int(n), int(own, 16) / int(own_n)


def check(program, out, scenario):
    asked, after = said(out), said(out, "said-after")
    programs = len(scenario["programs"].split())
    calls = int(scenario["random"]) * programs
    # QEMU's monitor prints no control registers of ARM's
    arm = any(name.startswith("ttbr") for _, name, _ in asked["register"])
    return [*([] if arm else [check_registers(out, asked)]), check_spaces(program, out, asked),
            check_probes(program, out, asked, scenario["regime"]), check_tables(out, asked),
            *([check_live(out, asked)] if scenario["whosees"] == "yes" else []),
            check_hidden(asked, scenario["hide"]), check_refused(after),
            check_random(after, calls),
            *([check_sync_at_random(after, int(scenario["random"]) // 10 * programs)]
              if scenario["sync"] == "yes" else []), check_closing(after), check_memory(after, int(scenario["left"])), check_openers(after),
            check_console(out)]
