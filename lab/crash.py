"""contrib/crash in crash itself: what it says of a dump of the lab's, and what whosees says of the
same file."""

import json
import re
import subprocess

from . import packages, util
from .util import LabError, need

TIMEOUT = 600
SPACE = re.compile(r"^ *(\d+) .{20} process +root (0x[0-9a-f]+)$", re.M)
PROBED = re.compile(r"^ *(\d+) .{20} \S+: page 0x[0-9a-f]+$", re.M)
AUDITED = re.compile(r"^(\d+) findings? in (\d+) address spaces$", re.M)


def symbols_of(kernel):
    """The kernel with debugging information, of the package that Debian has beside the kernel's:
    nearly a gigabyte, of which one file is kept."""
    debug = kernel.apt.fetch(f"{kernel.image}-dbg", kernel.arch)
    final = util.cache_dir() / "trees" / debug.stem
    if not final.exists():
        util.say(f"unpack vmlinux of {debug.name}")
        with util.whole_dir(final) as tree, subprocess.Popen(
                [need("dpkg-deb", "dpkg"), "--fsys-tarfile", debug], stdout=subprocess.PIPE) as deb:
            subprocess.run([need("tar", "tar"), "-x", "-C", tree, "--wildcards", "*/boot/vmlinux-*"],
                           stdin=deb.stdout, check=True)
    return packages.one_file(final, "usr/lib/debug/boot/vmlinux-*")


def ask_crash(symbols, dump, extension, *commands):
    """What crash prints, each command's by itself."""
    said = []
    for command in commands:
        done = subprocess.run([need("crash", "crash"), "-s", symbols, dump], text=True,
                              input=f"extend {extension}\n{command}\nquit\n", timeout=TIMEOUT,
                              capture_output=True, check=False)
        if "shared object loaded" not in done.stdout:
            raise LabError(f"crash does not load {extension}:\n{done.stdout}{done.stderr}")
        said.append(done.stdout)
    return said


def ask_tool(tool, command, dump, *words):
    done = subprocess.run([tool, command, dump, *words, "--json"], text=True, capture_output=True,
                          check=False)
    if done.returncode > 1:
        raise LabError(f"whosees {command} {dump}: {done.stderr}")
    return json.loads(done.stdout)


def check(tool, extension, kernel, dump, address):
    """[(what, how many, faults)]"""
    spaces, probed, audited = ask_crash(symbols_of(kernel), dump, extension, "whosees spaces",
                                        f"whosees probe {address:x}", "whosees audit")
    own = {(space["pid"], int(space["root"], 16)) for space in ask_tool(tool, "spaces", dump)["spaces"]
           if space["kind"] == "process"}
    theirs = {(int(pid), int(root, 16)) for pid, root in SPACE.findall(spaces)}
    yield "processes and roots", len(own), [f"{who}" for who in own ^ theirs]
    seen = {int(pid) for pid in PROBED.findall(probed)}
    yield "processes that see a module", len(seen), sorted({pid for pid, _ in own} ^ seen)
    counted = AUDITED.search(audited)
    findings = len(ask_tool(tool, "audit", dump)["findings"])
    yield "findings", findings, [] if counted and int(counted[1]) == findings else \
        [f"crash's session: {counted and counted[0]}"]
