# SPDX-License-Identifier: LGPL-2.1-or-later
"""The same questions to the programs that people have today, those that are packages: one table,
whose rows stay where whosees loses or somebody cannot answer."""

import collections
import contextlib
import json
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

SOURCE = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(SOURCE))
from lab import capture, guest, qmp  # noqa: E402

DUMP = SOURCE / ".lab/amd64"  # an ELF dump of QEMU's, a vmcore of makedumpfile's, and the guest itself
RUNS = 5
WALKS = 2000  # that one who is asked for one at a time is asked for
PYTHON = "/usr/bin/python3"  # the one that Debian's drgn is a package of
TIMEOUT = 300
MEASURED = re.compile(r"  (.{44}) +([\d.]+) +[\d.]+ +[\d.]+  (\S+)")
ABSENT = re.compile(r"  (.{44}) not measured: (.*)")

Row = collections.namedtuple("Row", "who how remark")
Job = collections.namedtuple("Job", "name unit less rows")
Answer = collections.namedtuple("Answer", "value reason")  # one of the two is None
Figures = collections.namedtuple("Figures", "rows tool")  # what parse() returns; whosees


class Cannot(Exception):
    """Why this program does not answer."""


# ---- what the benchmark programs have measured ---------------------------------------------------

def parse(text):
    """{(section, row): Answer}; a section is a line that says what the lines below it are of. Of rows
    with one name the first counts: faults a second come before the time of a storm."""
    found, section = {}, ""
    for line in text.splitlines():
        measured, absent = MEASURED.match(line), ABSENT.match(line)
        if measured:
            found.setdefault((section, measured[1].strip()), Answer(float(measured[2]), None))
        elif absent:
            found.setdefault((section, absent[1].strip()), Answer(None, absent[2]))
        elif not line.startswith(" "):
            section = line.partition(":")[0]
    return found


def row_of(section, name, scale=1):
    """What a row of the benchmark programs says, times `scale`, or its reciprocal."""
    def ask(figures):
        answer = figures.rows.get((section, name))
        if not answer:
            raise Cannot("was not measured in this run")
        if answer.reason:
            raise Cannot(answer.reason)
        return scale(answer.value) if callable(scale) else scale * answer.value
    return ask


# ---- whole programs ------------------------------------------------------------------------------

def need(program, package):
    if not shutil.which(program):
        raise Cannot(f"{program} is not installed (apt-get install {package})")


def run(*words, **options):
    return subprocess.run([str(word) for word in words], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=TIMEOUT, check=False, **options)


def seconds(*words, statuses=(0,)):
    """The median of some runs."""
    took = []
    for _ in range(RUNS):
        start = time.perf_counter()
        done = run(*words)
        took.append(time.perf_counter() - start)
        if done.returncode not in statuses:
            said = (done.stderr + done.stdout).strip().splitlines() or ["says nothing"]
            raise Cannot(said[-1])
    return sorted(took)[RUNS // 2]


def truth():
    return json.loads((DUMP / "truth.json").read_text())


def module_address():
    return truth()["modules"][0]["address"]


def ask_whosees(figures):
    return seconds(figures.tool, "probe", DUMP / "dump.elf", module_address(), statuses=(0, 1))


# Each root is walked for the address, by the function that drgn's own helpers call; where nothing
# is mapped it raises.
DRGN = """\
import sys, time, drgn, _drgn
prog = drgn.Program()
prog.set_core_dump(sys.argv[1])
address, roots = int(sys.argv[2], 0), [int(word, 0) for word in sys.argv[3:]]
start, seen = time.perf_counter(), 0
for root in roots:
    try:
        _drgn._linux_helper_read_vm(prog, root, address, 8)
        seen += 1
    except drgn.FaultError:
        pass
print(len(roots), seen, time.perf_counter() - start)
"""


def spaces(figures):
    return json.loads(run(figures.tool, "spaces", DUMP / "dump.elf", "--json").stdout)["spaces"]


def roots_for_drgn(figures):
    """By their addresses in the direct map, as a program has them in mm->pgd."""
    first = int(truth()["page_offset"], 16)
    return [hex(first + int(space["root"], 16)) for space in spaces(figures)]


def drgn(figures):
    if run(PYTHON, "-c", "import drgn").returncode:
        raise Cannot("drgn is not installed (apt-get install python3-drgn)")
    return [PYTHON, "-c", DRGN, DUMP / "dump.filtered-elf", module_address(),
            *roots_for_drgn(figures)]


def ask_drgn(figures):
    return seconds(*drgn(figures))


def drgn_walks(figures):
    done = run(*drgn(figures))
    walks, _, took = done.stdout.split()
    return int(walks) / float(took) / 1e6


def ask_crash(_):
    """Its own words; without a namelist it prints how it wants to be called."""
    need("crash", "crash")
    done = run("crash", "-s", DUMP / "vmlinuz", DUMP / "dump.elf")
    said = next((line for line in (done.stdout + done.stderr).splitlines() if line.startswith("crash:")),
                "ends without an answer")
    raise Cannot(f"{said.removeprefix('crash: ').replace(str(DUMP) + '/', '')} "
                 "(it wants a vmlinux with debugging information, and with one walks kernel addresses "
                 "in init_mm's tables alone)")


def ask_gdb(_):
    need("gdb", "gdb")
    done = run("gdb", "-q", "-nx", "-batch", "-ex", f"core-file {DUMP / 'dump.elf'}",
               "-ex", f"x/1gx {module_address()}")
    said = (done.stdout + done.stderr).strip().splitlines()[-1]
    if "Cannot access" not in said:
        raise LookupError(f"gdb has an answer now: {said}")
    raise Cannot("a core of physical memory has no virtual address for it")


# ---- the guest, stopped where its dump was taken ---------------------------------------------------

def guest_command(folder, end):
    scenario = capture.read_scenarios()["amd64"]
    conf = capture.read_conf("kernels.conf")[scenario["kernel"]]
    return [conf["qemu"], "-nodefaults", "-display", "none", "-accel", "tcg", "-S",
            "-machine", conf["machine"], "-cpu", scenario["cpu"] or conf["cpu"],
            "-smp", scenario["cpus"], "-m", scenario["memory"], "-serial", "null",
            "-chardev", "null,id=debug", "-chardev", "null,id=com2", *guest.ports(True),
            *scenario["qemu"].split(), "-incoming", f"exec:cat {DUMP / 'dump.migrate'}",
            "-gdb", f"unix:{folder}/gdb,server=on,wait=off",
            "-chardev", f"socket,id=qmp,fd={end.fileno()}", "-mon", "chardev=qmp,mode=control"]


@contextlib.contextmanager
def stopped_guest():
    """(command, folder): what sends QMP commands, and where the gdbstub's socket is."""
    need("qemu-system-x86_64", "qemu-system-x86")
    ours, theirs = socket.socketpair()
    with tempfile.TemporaryDirectory() as folder, ours, ours.makefile("rwb") as stream:
        with theirs, subprocess.Popen(guest_command(folder, theirs), pass_fds=[theirs.fileno()],
                                      stdin=subprocess.DEVNULL) as process:
            theirs.close()

            def command(name, **arguments):
                return qmp.ask(stream, stream.readline, name, arguments)
            try:
                command("qmp_capabilities")
                end = time.monotonic() + TIMEOUT
                while command("query-status")["status"] == "inmigrate":
                    if time.monotonic() > end:
                        raise Cannot("the guest did not come back from its file")
                    time.sleep(0.1)
                yield command, folder
            finally:
                process.kill()


def monitor_walks(_):
    with stopped_guest() as (command, _):
        start = time.perf_counter()
        for _ in range(WALKS):
            if "gpa:" not in qmp.human(command, f"gva2gpa {module_address()}"):
                raise Cannot("gva2gpa does not find the module")
        return WALKS / (time.perf_counter() - start) / 1e6


GDB = """\
python
import time
inferior = gdb.selected_inferior()
inferior.read_memory({address}, 8)
start = time.perf_counter()
for i in range({walks}):
    inferior.read_memory({address}, 8)
print("took", time.perf_counter() - start)
end
"""


def gdb_walks(_):
    need("gdb", "gdb")
    with stopped_guest() as (_, folder):
        script = pathlib.Path(folder) / "script"
        script.write_text(f"set code-cache off\nset stack-cache off\ntarget remote {folder}/gdb\n" +
                          GDB.format(address=module_address(), walks=WALKS))
        done = run("gdb", "-q", "-nx", "-batch", "-x", script)
    took = re.search(r"took ([\d.]+)", done.stdout)
    if not took:
        raise Cannot((done.stderr + done.stdout).strip().splitlines()[-1])
    return WALKS / float(took[1]) / 1e6


# ---- the table -----------------------------------------------------------------------------------

PROBED = ".lab/amd64/dump.elf"
SIMULATED = "the simulated machine"

JOBS = (
    Job("A dump of {memory_mib} MiB with {roots} roots of page tables: which of them see a module",
        "s", True, (
        Row("whosees probe", ask_whosees, "finds the kernel, its processes and all roots itself"),
        Row("drgn", ask_drgn, "the roots are given to it; of a vmcore with VMCOREINFO"),
        Row("crash", ask_crash, ""),
        Row("gdb", ask_gdb, ""))),
    Job("Walks for a kernel address, each in another space", "million/s", False, (
        Row("whosees, ws_probe()", row_of(PROBED, "ws_probe, cold: million probes/s"),
            "2,000 spaces, 1,000 addresses, the first time"),
        Row("whosees, ws_walk()", row_of(PROBED, "ws_walk with its whole trail, warm",
                                         lambda ns: 1e3 / ns), "one by one, with every entry"),
        Row("libaddrxlat", row_of(PROBED, "libaddrxlat, cold"), "the same roots and addresses"),
        Row("drgn", drgn_walks, "one address, and 8 bytes are read there"),
        Row("QEMU's monitor, gva2gpa", monitor_walks, "in the space that is loaded, and no other"),
        Row("gdb, by QEMU's stub", gdb_walks, "in the space that is loaded; 8 bytes are read there"))),
    Job("A walk of two levels by a simulated processor", "ns", True, (
        Row("whosees", row_of(SIMULATED, "2-level walk, no TLB, 256 MiB"), ""),
        Row("QEMU TCG", row_of(SIMULATED, "QEMU TCG, TLB miss, 256 MiB"),
            "with its TLB's filling and five guest instructions"),
        Row("Unicorn", row_of(SIMULATED, "Unicorn, TLB miss, 256 MiB"), "the same"))),
    Job("A read of a page that the TLB has", "ns", True, (
        Row("whosees", row_of(SIMULATED, "TLB hit, TCG's kind, 4096 pages"), "says where, reads nothing"),
        Row("QEMU TCG", row_of(SIMULATED, "QEMU TCG, 4096 pages"), "with five guest instructions"),
        Row("Unicorn", row_of(SIMULATED, "Unicorn, 4096 pages"), "the same"))),
    Job("Page faults whose handler faults, one in the other", "million/s", False, (
        Row("whosees", row_of(SIMULATED, "nested faults, TCG's TLB"), "alike deliveries a page at a time"),
        Row("whosees, one by one", row_of(SIMULATED, "nested faults one by one, TCG's TLB"), ""),
        Row("QEMU TCG", row_of(SIMULATED, "QEMU TCG"), ""),
        Row("Unicorn", row_of(SIMULATED, "Unicorn"), ""))),
)


def ask(row, figures):
    try:
        return Answer(row.how(figures), None)
    except (Cannot, subprocess.TimeoutExpired) as error:
        return Answer(None, str(error))


def compare(figures):
    """[(job, [(row, Answer)])]; an empty list where there is no dump of the lab's."""
    if not (DUMP / "truth.json").is_file():
        return []
    facts = {"memory_mib": truth()["memory_mib"], "roots": len(spaces(figures))}
    return [(job._replace(name=job.name.format_map(facts)),
             [(row, ask(row, figures)) for row in job.rows]) for job in JOBS]


def number(value):
    return f"{value:.3g}" if value < 1000 else f"{value:,.0f}"


def lines(compared):
    """The table, as Markdown."""
    for job, answers in compared:
        yield f"**{job.name}** ({job.unit}, {'less' if job.less else 'more'} is better)"
        yield ""
        yield f"| | {job.unit} | |"
        yield "|---|---|---|"
        for row, answer in answers:
            if answer.reason:
                yield f"| {row.who} | cannot | {answer.reason} |"
            else:
                yield f"| {row.who} | {number(answer.value)} | {row.remark} |"
        yield ""
