"""A module of this tree, built for a guest's kernel by the kernel packages' own build system,
which is unpacked in the cache and not installed."""

import re
import shlex
import shutil
import tempfile

from . import packages, util
from .util import HERE, REPO, cache_dir, need, run, say

RELEASES = "buster", "bullseye", "bookworm", "trixie", "forky"
LAB, TOOL = HERE / "module", REPO / "module"  # the lab's own, and the tool's
# What the compiler of a later release can and that of this machine may not: no module's
# layout hangs on it.
LESS = "CONFIG_DEBUG_INFO_BTF_MODULES=", "CONFIG_CC_HAS_MIN_FUNCTION_ALIGNMENT=", \
    "CONFIG_TOOLCHAIN_HAS_ZABHA=", "CONFIG_TOOLCHAIN_HAS_ZACAS="
# An attribute that the compiler does not know is of the headers of a later one.
STRICT = "-Werror", "-Wno-error=attributes"


def relocate(headers):
    """Debian's headers name each other by absolute path: make them find each other where
    they were unpacked. They are built in their own directory, so `..` is /usr/src."""
    makefile = headers / "Makefile"
    text = makefile.read_text()
    if "/usr/src/" in text:
        makefile.write_text(text.replace("/usr/src/", "../"))


def is_program(path):
    with open(path, "rb") as file:
        return file.read(4) == b"\x7fELF"


def lead(tools, command):
    """Put a script in the place of each program in a folder, which runs it by `command`:
    that of a later release than this machine's wants a later C library."""
    words = shlex.join(map(str, command))
    for path in sorted(f for f in tools.rglob("*") if f.is_file() and not f.is_symlink()):
        if is_program(path) and path.suffix != ".elf" and path.stat().st_mode & 0o100:
            program = path.rename(path.with_name(path.name + ".elf"))
            path.write_text(f'#!/bin/sh\nexec {words} --argv0 "$0" '
                            f'{shlex.quote(str(program))} "$@"\n')
            path.chmod(0o755)


def is_later(suite):
    """Than this machine's release. One that has no place among RELEASES is."""
    def place(name):
        name = name.partition("-")[0]
        return RELEASES.index(name) if name in RELEASES else len(RELEASES)
    return place(suite) > place(packages.host_suite())


def prepare(kernel):
    """What the packages' build system needs to run where it was unpacked. An earlier
    release's programs run by this machine's own libraries."""
    relocate(kernel.headers)
    suite = kernel.conf["suite"]
    if is_later(suite):
        command, _ = packages.loader(suite, packages.host_arch(), kernel.kbuild)
        lead(kernel.tree / "usr/lib" / kernel.kbuild, command)


def compiler(command):
    """Which to take, and what the other tools' names begin with where it is a cross one."""
    program = command.split()[0]
    prefix = program.removesuffix("gcc")
    return [f"CC={program}"] + ([f"CROSS_COMPILE={prefix}"] if prefix else [])


def make(kernel, scratch, *words):
    """The kernel's own build of the module in scratch; what it says."""
    return run([need("make", "make"), "-C", kernel.headers, f"ARCH={kernel.conf['karch']}",
                *compiler(kernel.conf["cc"]), *LESS, f"M={scratch}", *words, "modules"],
               hint="apt-get install make gcc libelf1")


def copy(source, scratch):
    for file in source.iterdir():
        if file.is_file():
            shutil.copy(file, scratch)


def check(kernel, checker):
    """What a checker says of each file of the tool's module; which files it was given."""
    prepare(kernel)
    with tempfile.TemporaryDirectory() as scratch:
        copy(TOOL, scratch)
        said = make(kernel, scratch, "C=2", f"CHECK={checker}").replace(scratch, str(TOOL))
    return said, re.findall(r"^ *CHECK +(\S+)", said, re.M)


def build(kernel, source=LAB):
    """Path of the module for this kernel, whosees_lab.ko or whosees.ko; cached by source and
    kernel package. What the compiler warns of in the tool's is an error."""
    name, strict = ("whosees_lab.ko", ()) if source == LAB else ("whosees.ko", STRICT)
    sources = sorted(f for f in source.iterdir() if f.is_file())
    final = cache_dir() / "built" / util.content_name("module", sources,
                                                      [kernel.tree.name, name])
    if not final.exists():
        say(f"build {name} for {kernel.release}")
        prepare(kernel)
        with util.whole_dir(final) as scratch:
            copy(source, scratch)
            make(kernel, scratch, f"KCFLAGS={' '.join(strict)}")
    return final / name
