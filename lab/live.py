"""A guest that looks at itself: whosees runs in it on its own kernel, and says the same as
of the dump that is taken right after."""

import collections
import json
import pathlib
import re
import subprocess
import time

from . import capture, guest, initramfs, module_build, packages, stock, tool, util
from .util import HERE, LabError

APPLETS = "sh mount insmod rmmod cat grep cut stty true timeout usleep rm".split()
# COM2, or the second port of the card that stands for it (guest.ports()): behind the console
# where that is a 16550 as well.
PORTS = {"amd64": "ttyS1", "i386": "ttyS1", "arm64": "ttyS1", "armhf": "ttyS1",
         "riscv64": "ttyS2"}
COMMANDS = {
    "spaces": "whosees spaces live --json",
    "path": "whosees spaces /proc/kcore --json",
    "modules": "whosees modules live --json",
    "audit": "whosees audit live --json",
}
MEMORY = "grep -E '^(Slab|VmallocUsed):' /proc/meminfo"
# A process is hidden from one of the two voices, looked for, and shown again.
CONTROL = "/sys/kernel/debug/whosees_lab/control"
CONCEALED = {
    "victim": "echo $pid",
    "before": COMMANDS["spaces"],
    "conceal": "echo conceal $pid {conceal} >" + CONTROL,
    "concealed": COMMANDS["spaces"],
    "reveal": "echo reveal >" + CONTROL,
    "after": COMMANDS["spaces"],
}
# What is said of whom the kernel names itself: of all; of who was not found; of who was not named.
AGREE, MISSING, UNNAMED = ("and all were found in memory", "not found in memory: ",
                           "that the kernel itself does not name")
OFF_THE_LIST = "not on the task list"
OWN = "whosees"  # what the process is called that looks
BAD = re.compile(r"BUG:|kernel BUG|Oops|WARNING:|Call Trace|general protection fault|unable to handle|"
                 r"KASAN|possible circular|suspicious RCU|soft lockup|blocked for more")
BOOTED = "as init process"  # what a kernel says of the machine before that is not ours
Answer = collections.namedtuple("Answer", "status text complaints")


def scenarios():
    return capture.read_conf("live.conf")


def commands_of(scenario):
    if "commands" in scenario:
        return scenario["commands"]
    if scenario["watch"]:
        # At its end the rest is quiet: what it leaves behind is counted.
        return {"before": MEMORY,
                "watch": f"timeout {scenario['watch']} whosees watch live --interval 1 --ndjson",
                "after": f"calm; {MEMORY}"}
    if scenario["conceal"]:
        return {name: command.format(**scenario) for name, command in CONCEALED.items()}
    if not scenario["churn"]:
        return COMMANDS
    return {f"audit {n}": COMMANDS["audit"] for n in range(scenario.getint("looks"))}


# ---- the guest ------------------------------------------------------------------------

def root_of(kernel, lab_module, files, scenario, tool_module=None):
    """The guest's root file system; the tool's own module is loaded with the scenario's words."""
    modules = initramfs.module_closure(kernel, scenario["modules"].split())
    cpio = initramfs.Cpio()
    cpio.file("init", (HERE / "guest/look").read_bytes(), 0o755)
    cpio.file("bin/busybox", kernel.busybox.read_bytes(), 0o755)
    for applet in APPLETS:
        cpio.link(f"bin/{applet}", "busybox")
    cpio.file("bin/herd", initramfs.build_herd(kernel).read_bytes(), 0o755)
    for path, file in files.items():
        cpio.file(path, pathlib.Path(file).read_bytes(), 0o755)
    for name, data in modules.items():
        cpio.file(f"modules/{name}.ko", data)
    if lab_module:
        cpio.file("modules/whosees_lab.ko", lab_module.read_bytes())
    if tool_module:
        cpio.file("modules/whosees.ko", tool_module.read_bytes())
    for folder in ("proc", "sys", "dev"):
        cpio.folder(folder)
    for fifo in "go", "done":
        cpio.entry(fifo, initramfs.S_IFIFO | 0o600)
    settings = {"port": f"/dev/{PORTS[kernel.arch]}",
                "modules": " ".join([*modules, *["whosees_lab"][:lab_module is not None]]),
                **{key: scenario[key] for key in
                   ("processes", "hide", "churn", "gate14", "tool")}}
    cpio.file("lab.conf", "".join(f"{key}='{value}'\n"
                                  for key, value in settings.items()).encode())
    cpio.file("commands", "".join(
        f"{name.replace(' ', '-')} {command}\n"
        for name, command in commands_of(scenario).items()).encode())
    return cpio.bytes()


class Machine(guest.Guest):
    """One that speaks on COM2."""

    def said(self, last="@done"):
        """What each command said, by its name, until the guest says `last`."""
        answers, name, lines, complaints = {}, None, [], []
        stream = self._com2.makefile("rb")
        while True:
            line = self._read(stream, self._com2).decode(errors="replace").rstrip("\r\n")
            if line == last:
                return answers
            if line.startswith("@run "):
                name, lines, complaints = line[5:], [], []
            elif line.startswith("@complaint "):
                complaints.append(line[11:])
            elif line.startswith("@status "):
                answers[name] = Answer(int(line[8:]), "\n".join(lines),
                                       " ".join(complaints))
            else:
                lines.append(line)

    def go_on(self):
        """Let a guest that reads a line go on."""
        self._com2.sendall(b"!\n")

    def hear(self, last, silence):
        """All that it says until `last`, for which it then waits; and whether it has "said"
        that, is "gone", or has fallen "silent"."""
        self._com2.settimeout(1)
        heard, used, since = b"", self.processor_seconds(), time.monotonic()
        while last.encode() not in heard:
            try:
                part = self._com2.recv(4096)
            except TimeoutError:
                if self.is_over(silence, used, since):
                    return heard.decode(errors="replace"), "silent"
                continue
            if not part:
                return heard.decode(errors="replace"), "gone"
            heard, used, since = heard + part, self.processor_seconds(), time.monotonic()
        return heard.decode(errors="replace"), "said"


def boot(name, out, build):
    """Boot, and leave in `out` the dump and what the guest said of itself (said.json); it is
    returned as well."""
    scenario = scenarios()[name]
    kernel, _ = capture.fetch(stock.Row(kernel=scenario["kernel"], filtered=""))
    files = tool.files(kernel.arch, kernel.conf["suite"], build)
    with packages.cache_lock():
        lab_module = module_build.build(kernel) \
            if scenario["hide"] or scenario["conceal"] else None
        tool_module = module_build.build(kernel, module_build.TOOL) if scenario["tool"] else None
        image = root_of(kernel, lab_module, files, scenario, tool_module)
    with util.whole_dir(out) as work:
        (work / "initramfs.cpio").write_bytes(image)
        with Machine(kernel, scenario, work / "initramfs.cpio", work) as machine:
            answers = machine.said()
            machine.stop()
            machine.dump(work / "dump.elf", "elf")
        (work / "said.json").write_text(json.dumps(
            {command: answer._asdict() for command, answer in answers.items()}, indent=1))
    return answers


# ---- what it said, beside the dump ----------------------------------------------------

def of_dump(program, command, dump, *words):
    """The same command's document, of a dump."""
    done = subprocess.run([program, command, dump, *words, "--json"], capture_output=True,
                          text=True, check=False)
    if done.returncode > 1:
        raise LabError(f"{program} {command} {dump}: {done.stderr}")
    return json.loads(done.stdout)


def everyone(document):
    """Who counts, but for the process that looked."""
    return {(s["kind"], s["pid"], s["comm"], s["root"]) for s in document["spaces"]
            if s["kind"] in ("init_mm", "process", "unowned") and s["comm"] != OWN}


def found(document):
    return {(f["rule"], f["pid"], f["root"], f["address"], f["last"])
            for f in document["findings"]}


def verdicts(document):
    """By space. Without registers a verdict may be unknown, and what is known stands."""
    return {(s["pid"], s["root"]): s["known"] for s in document["spaces"]
            if s["comm"] != OWN}


def loaded(document):
    return {(m["name"], m["address"], m["size"]) for m in document["modules"]}


# What of two documents has to be equal, by the command.
EQUAL = {"spaces": [everyone], "path": [everyone], "modules": [loaded],
         "audit": [everyone, found, verdicts]}


def differences(answers, program, dump):
    """What the guest said of itself and the dump does not say, or the other way about."""
    documents = {}
    for name, wanted in EQUAL.items():
        command = "spaces" if name == "path" else name
        if command not in documents:
            documents[command] = of_dump(program, command, dump)
        if answers[name].status > 1:
            yield f"{name}: {answers[name].complaints}"
            continue
        live = json.loads(answers[name].text)
        for what in wanted:
            here, there = what(live), what(documents[command])
            if here != there:
                here, there = (dict(x).items() if isinstance(x, dict) else x
                               for x in (here, there))
                yield (f"{name}, {what.__name__}: live alone {sorted(here - there, key=str)}, "
                       f"dump alone {sorted(there - here, key=str)}")


def unrest(answers):
    """What was found where nothing is wrong."""
    for name, answer in answers.items():
        if answer.status:
            yield f"{name}: status {answer.status} {answer.complaints} {answer.text[:2000]}"
        elif any(s["kind"] == "unowned" for s in json.loads(answer.text)["spaces"]):
            yield f"{name}: a space of no known owner"


def kilobytes(answer):
    return {line.split()[0]: int(line.split()[1]) for line in answer.text.splitlines()}


def harm(answers, console, left):
    """What a watched guest has reported or has suffered, where nothing is wrong; `left`
    kilobytes a kernel may have more of afterwards, as caches."""
    lines = [json.loads(line) for line in answers["watch"].text.splitlines()]
    for line in lines:
        if line.get("change") in ("found", "worse", "lost"):
            yield f"{line}"
    looks = [line["note"] for line in lines if " looks, " in line.get("note", "")]
    if answers["watch"].status not in (0, 4) or not looks:
        yield f"watch: status {answers['watch'].status} {answers['watch'].complaints[-500:]}"
    before, after = (kilobytes(answers[when]) for when in ("before", "after"))
    for kind, n in after.items():
        if n > before[kind] + left:
            yield f"{kind} {before[kind]} kB before, {n} kB after"
    yield from (line for line in console.splitlines() if BAD.search(line))
    util.say(f"{', '.join(looks)}; before {before}, after {after}")


def second_voice(answers, names):
    """Where the kernel names its processes itself it names those of memory; `names` is empty
    where it does not name them."""
    for name, answer in answers.items():
        notes = " ".join(json.loads(answer.text)["notes"]) if answer.status < 2 else ""
        if (AGREE in notes) != bool(names) or MISSING in notes or UNNAMED in notes:
            yield f"{name}: of whom the kernel names: {notes}"


def concealment(answers, scenario):
    """A process that is hidden from the list of tasks is found by its memory, and named; one whose
    pid leads to nobody is found, and said not to be named."""
    def notes(name):
        return " ".join(json.loads(answers[name].text)["notes"])

    def is_there(name):
        return any(str(s["pid"]) == victim for s in json.loads(answers[name].text)["spaces"])

    victim = answers["victim"].text.strip()
    for name in CONCEALED:
        if answers[name].status:
            yield f"{name}: status {answers[name].status} {answers[name].complaints}"
            return
    for name in "before", "concealed", "after":
        hidden = scenario["conceal"] if name == "concealed" else None
        said = (is_there(name), AGREE in notes(name), MISSING in notes(name),
                OFF_THE_LIST in notes(name),
                UNNAMED in notes(name) and f"misread: {victim} " in notes(name))
        if said != (True, True, False, hidden == "list", hidden == "pid"):
            yield f"{name}: {victim} {said} {notes(name)}"


def judge(name, answers, program, dump):
    """What is wrong with what a guest has said."""
    scenario = scenarios()[name]
    if scenario["watch"]:
        console = dump.with_name("serial.log").read_text(errors="replace")
        return list(harm(answers, console.partition(BOOTED)[2], scenario.getint("left")))
    if scenario["refused"]:
        return [f"{command}: {answer.status} {answer.complaints}"
                for command, answer in answers.items()
                if answer.status != 3 or scenario["refused"] not in answer.complaints]
    if scenario["conceal"]:
        return list(concealment(answers, scenario))
    wrong = unrest(answers) if scenario["churn"] else differences(answers, program, dump)
    return [*wrong, *second_voice(answers, scenario["names"])]
