#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""src/paging stands alone, and so do the formats of each architecture: they compile with
nothing but the compiler's own headers, for 64 and for 32 bits, and need no symbol from
outside. argv: the source's folder, and the compiler."""

import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))
from tap import Tap  # noqa: E402

FLAGS = ["-std=gnu17", "-ffreestanding", "-nostdlib", "-fno-pic", "-fno-stack-protector",
         "-Wall", "-Wextra", "-Wno-missing-field-initializers", "-Werror"]
# Freestanding code may be compiled into calls of these (GCC manual, "Standards");
# optimised, ours needs not even them.
COMPILER_CALLS = {"memcpy", "memmove", "memset", "memcmp"}
BUILDS = [("-m64", "-O2", set()), ("-m64", "-O0", COMPILER_CALLS), ("-m64", "-Os", set()),
          ("-m32", "-O2", set()), ("-m32", "-O0", COMPILER_CALLS)]


def run(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False)


def undefined(relocatable):
    """Names that the linked whole still asks for."""
    return {line.split()[-1] for line in run("nm", "-u", relocatable).stdout.splitlines()}


def freestanding(source):
    """The paging code, and every architecture's formats: what knows nothing besides."""
    for file in sorted((source / "src").glob("*/*.c")):
        included = set(re.findall(r'#include ["<](.*?)[">]', file.read_text()))
        if file.parent.name == "paging" or \
                included and included <= {"paging/format.h", f"{file.parent.name}/entry.h"}:
            yield file


def build(tap, source, compiler, scratch, bits, level, allowed):
    name = f"src/paging {bits} {level}"
    objects = []
    for file in freestanding(source):
        objects.append(scratch / f"{file.parent.name}-{file.stem}.o")
        made = run(*compiler, bits, level, *FLAGS, "-I", source / "include",
                   "-I", source / "src", "-c", file, "-o", objects[-1])
        if made.returncode:
            tap.case(f"{name} compiles", False, made.stdout)
            return
    tap.case(f"{name} compiles ({len(objects)} files)", len(objects) >= 12)
    whole = scratch / "paging.rel"
    linked = run(*compiler, bits, "-nostdlib", "-r", "-o", whole, *objects)
    if linked.returncode:
        tap.case(f"{name} links", False, linked.stdout)
        return
    missing = undefined(whole) - allowed
    tap.case(f"{name} needs nothing from outside", not missing,
             f"undefined: {' '.join(sorted(missing))}")


def has(compiler, bits, scratch):
    """Whether it compiles for so many: those of most architectures do for one alone."""
    nothing = scratch / "nothing.c"
    nothing.touch()
    return not run(*compiler, bits, "-c", nothing, "-o", scratch / "nothing.o").returncode


def main():
    source, compiler = pathlib.Path(sys.argv[1]), sys.argv[2:]
    tap = Tap()
    for bits, level, allowed in BUILDS:
        with tempfile.TemporaryDirectory() as scratch:
            if has(compiler, bits, pathlib.Path(scratch)):
                build(tap, source, compiler, pathlib.Path(scratch), bits, level, allowed)
            else:
                tap.skip(f"src/paging {bits} {level}", f"{' '.join(compiler)} has no {bits}")
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
