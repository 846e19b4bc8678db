"""The lab module, built for a guest's kernel by the kernel packages' own build system,
which is unpacked in the cache and not installed."""

import shlex
import shutil

from . import packages, util
from .util import HERE, cache_dir, need, run, say

SOURCE = HERE / "module"
# What the compiler of a later release can and that of this machine may not: no module's
# layout hangs on it.
LESS = "CONFIG_DEBUG_INFO_BTF_MODULES=", "CONFIG_CC_HAS_MIN_FUNCTION_ALIGNMENT="


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


def prepare(kernel):
    """What the packages' build system needs to run where it was unpacked."""
    relocate(kernel.headers)
    suite = kernel.conf["suite"]
    if suite != packages.host_suite():
        command, _ = packages.loader(suite, packages.host_arch(), kernel.kbuild)
        lead(kernel.tree / "usr/lib" / kernel.kbuild, command)


def compiler(command):
    """Which to take, and what the other tools' names begin with where it is a cross one."""
    program = command.split()[0]
    prefix = program.removesuffix("gcc")
    return [f"CC={program}"] + ([f"CROSS_COMPILE={prefix}"] if prefix else [])


def build(kernel):
    """Path of whosees_lab.ko for this kernel; cached by source and kernel package."""
    sources = sorted(f for f in SOURCE.iterdir() if f.is_file())
    final = cache_dir() / "built" / util.content_name("module", sources,
                                                      [kernel.tree.name])
    if not final.exists():
        say(f"build the lab module for {kernel.release}")
        prepare(kernel)
        with util.whole_dir(final) as scratch:
            for file in sources:
                shutil.copy(file, scratch)
            run([need("make", "make"), "-C", kernel.headers,
                 f"ARCH={kernel.conf['karch']}", *compiler(kernel.conf["cc"]), *LESS,
                 f"M={scratch}", "modules"],
                hint="apt-get install make gcc libelf1")
    return final / "whosees_lab.ko"
