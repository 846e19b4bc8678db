"""From a scenario to the files of its directory."""

import configparser
import json
import pathlib
import time

from . import aftermath, death, filtered, guest, initramfs, module_build, packages, \
    rebuilt, translations, truth, util
from .util import HERE, LabError, say

# What the files of a scenario are made by; packages apart, whose newer versions are taken
# when asked for (--refresh) and not before.
SOURCES = "*.py", "guest/init", "guest/herd.c", "guest/bare*.h", "module/*"


def read_conf(name):
    conf = configparser.ConfigParser(interpolation=None)
    conf.read_string((HERE / name).read_text(), name)
    return conf


def read_deaths():
    """Those of deaths.conf, whose sections name several kernels: a section's own words
    come before the kernel's, and these before the file's."""
    conf = configparser.ConfigParser(default_section=None, interpolation=None)
    conf.read_string((HERE / "deaths.conf").read_text(), "deaths.conf")
    of_file, found = dict(conf["DEFAULT"]), {}
    for section in conf.sections():
        if section == "DEFAULT" or section.startswith("on "):
            continue
        for kernel in conf[section].get("kernels", of_file["kernels"]).split():
            on = f"on {kernel}"
            found[f"{section}-{kernel}"] = {
                **of_file, **(conf[on] if on in conf else {}), **conf[section],
                "kernel": kernel}
    return found


def read_scenarios():
    """Those of scenarios.conf, and of the others with what both have as defaults."""
    scenarios = read_conf("scenarios.conf")
    for name in "arches.conf", "verdicts.conf", "storms.conf":
        more = configparser.ConfigParser(scenarios.defaults(), interpolation=None)
        more.read_string((HERE / name).read_text(), name)
        scenarios.read_dict({name: dict(more[name]) for name in more.sections()})
    scenarios.read_dict(read_deaths())
    return scenarios


def made_from(name):
    """One word for all that decides what a scenario's files hold: another word, other
    files."""
    scenario = read_scenarios()[name]
    kernel = read_conf("kernels.conf")[scenario["kernel"]]
    files = sorted(f for pattern in SOURCES for f in HERE.glob(pattern) if f.is_file())
    return util.content_name(name, files, [*scenario.items(), *kernel.items()])


def is_current(name, out):
    """Whether `out` has the files that would be made now."""
    try:
        return (out / "made-from").read_text() == made_from(name)
    except (OSError, KeyError):
        return False


def dump_name(form):
    """dump.elf, dump.kdump (zlib), dump.kdump-lzo …"""
    return "dump." + {"kdump-zlib": "kdump"}.get(form, form)


def write_info(machine, scenario, work):
    """QEMU's own view of each CPU's translations, to hold others against."""
    for what in scenario["info"].split():
        for cpu in range(scenario.getint("cpus")):
            text = machine.monitor(f"info {what}", cpu)
            (work / f"info-{what}.cpu{cpu}.txt").write_text(text)


def write_dumps(machine, scenario, work):
    offered = machine.dump_formats()
    for form in ["elf", *scenario["formats"].split()]:
        if form == "migrate":
            machine.migrate(work / dump_name(form))
        elif form in offered:
            machine.dump(work / dump_name(form), form)
        else:
            say(f"this QEMU writes no {form}: left out")


def check(facts, scenario):
    """The guest did what the scenario asked, by its own word."""
    names = [task["comm"] for task in facts["tasks"] if not task["kernel_thread"]]
    herd = sum(name.startswith("herd-0") for name in names)
    wanted = scenario.getint("first") + scenario.getint("processes")
    if herd != wanted:
        raise LabError(f"the guest has {herd} plain herd processes, not {wanted}: is "
                       "`memory` too small?")
    gone = facts["hidden"]
    if scenario["hide"] and (not gone or gone["now"] != "0x0"):
        raise LabError(f"the hidden entry did not stay hidden: {gone}")


def fetch(scenario, refresh=False):
    """The kernel of a scenario, and the makedumpfile for it, out of the packages."""
    with packages.cache_lock():
        kernel = rebuilt.kernel_of(read_conf("kernels.conf")[scenario["kernel"]], refresh)
        return kernel, filtered.program(kernel.conf) if scenario["filtered"] else None


def capture(name, out, refresh=False):
    """Run a scenario and put its files into the directory `out`."""
    scenarios, kernels = read_scenarios(), read_conf("kernels.conf")
    if name not in scenarios:
        raise LabError(f"no scenario {name} in lab/scenarios.conf: lab/run --list")
    scenario = scenarios[name]
    if scenario.get("kernel") not in kernels:
        raise LabError(f"lab/scenarios.conf: [{name}] wants kernel "
                       f"{scenario.get('kernel')}, which lab/kernels.conf does not have")
    made = made_from(name)
    kernel, makedumpfile = fetch(scenario, refresh)
    with packages.cache_lock():
        lab_module = module_build.build(kernel)
        image = initramfs.build(kernel, lab_module, scenario)
    with util.whole_dir(out) as work:
        facts = guest.insist(name, boot, name, scenario, kernel, image, work)
        if makedumpfile:
            filtered.write(scenario["filtered"].split(), makedumpfile,
                           int(facts["page_offset"], 16), work)
        if scenario["translations"] == "yes":
            translations.write(kernel.conf, facts, work)
        (work / "made-from").write_text(made)
    return pathlib.Path(out)


def boot(name, scenario, kernel, image, work):
    """Boot, wait for the truth, dump, and write it all into `work`; return the truth."""
    (work / "initramfs.cpio").write_bytes(image)
    began = time.monotonic()
    with guest.Guest(kernel, scenario, work / "initramfs.cpio", work) as machine:
        sections = truth.split(machine.lines("@frozen"))
        machine.stop()
        ready = time.monotonic()
        write_info(machine, scenario, work)
        write_dumps(machine, scenario, work)
        after = aftermath.watch(machine, scenario, work) if scenario["act"] else None
    facts = {"scenario": name, "arch": kernel.arch, "flavour": kernel.flavour,
             "release": kernel.release, "package": kernel.tree.name, "cmdline": machine.command_line,
             "memory_mib": scenario.getint("memory"), "first": scenario.getint("first"),
             "outcome": scenario["outcome"], **truth.parse(sections)}
    if scenario["expect"]:
        facts["expected"] = aftermath.expected(scenario)
    if after:
        facts["after"] = after
    check(facts, scenario)
    if scenario["cause"]:
        death.write(facts, scenario, work)
    (work / "truth.json").write_text(json.dumps(facts, indent=1) + "\n")
    if scenario["symbols"] == "yes":
        (work / "kallsyms.txt").write_text("\n".join(sections["kallsyms"]) + "\n")
    for link, target in (("vmlinuz", kernel.vmlinuz), ("config", kernel.config)):
        (work / link).symlink_to(target)
    say(f"{name}: {kernel.release}, {len(facts['tasks'])} tasks, ready in "
        f"{ready - began:.1f} s, dumped in {time.monotonic() - ready:.1f} s")
    return facts
