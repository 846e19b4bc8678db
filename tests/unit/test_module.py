#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The module's folder: each file is built, its version is the tool's, and what it
shares with its callers is the same for 32-bit and 64-bit ones. argv: the source's folder, compiler."""

import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))
from tap import Tap  # noqa: E402

# Pointers and longs have no place in what 32-bit and 64-bit callers share; and without them
# a struct has the same layout where each member lies at a multiple of its size.
MEMBER = re.compile(r"^\t(?:struct )?(\w+) (\w+)(?:\[(\w+)\])?;", re.M)
SIZES = {"__u64": 8, "__u32": 4, "__s32": 4, "__u8": 1, "char": 1}


def layouts(text):
    """(struct, size, names of members that the compiler would have to pad for)."""
    known = {}
    for name, body in re.findall(r"^struct (\w+) \{\n(.*?)^\};", text, re.M | re.S):
        at, widest, padded = 0, 1, []
        for kind, member, count in MEMBER.findall(body):
            size, align = known.get(kind) or (SIZES[kind], SIZES[kind])
            padded += [member] * (at % align != 0)
            at, widest = at + size * int(count or 1), max(widest, align)
        padded += ["(its end)"] * (at % widest != 0)
        known[name] = at, widest
        yield name, at, padded


def main():
    source, tap = pathlib.Path(sys.argv[1]), Tap()
    module = source / "module"
    kbuild = set(re.findall(r"\w+\.o", (module / "Kbuild").read_text())) - {"whosees.o"}
    files = {path.name.replace(".c", ".o") for path in module.glob("*.c")}
    tap.case("Kbuild builds each file of the module", kbuild == files, kbuild ^ files)

    version = re.search(r"version: '([^']+)'", (source / "meson.build").read_text())[1]
    dkms = re.search(r'PACKAGE_VERSION="(.*)"', (module / "dkms.conf").read_text())[1]
    tap.case("DKMS has the tool's version", version == dkms, f"{version}, {dkms}")

    text = (module / "whosees_uapi.h").read_text()
    found = list(layouts(text))
    tap.case(f"{len(found)} structs have one layout for 32-bit and 64-bit callers",
             len(found) == text.count("\nstruct ") and not any(p for *_, p in found), found)

    program = "#include \"whosees_uapi.h\"\n" + "".join(
        f"_Static_assert(sizeof(struct {name}) == {size}, \"{name}\");\n"
        for name, size, _ in found)
    done = subprocess.run([*sys.argv[2:], "-xc", "-", "-fsyntax-only", "-Wall", "-Werror",
                           "-I", module], input=program, capture_output=True, text=True,
                          check=False)
    tap.case("the compiler sees them as they are counted here", not done.returncode, done.stderr)

    bare = [path.name for path in [*module.glob("*.[ch]"), module / "Kbuild"]
            if "SPDX-License-Identifier: GPL-2.0" not in path.read_text()]
    tap.case("each file says its licence", not bare, bare)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
