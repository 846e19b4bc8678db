#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Outside the folder of an architecture nobody knows it by name: registers, tables and
bits of one are asked for through src/arch/arch.h. argv: the source's folder."""

import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))
from tap import Tap  # noqa: E402

ARCHITECTURES = ("x86", "arm", "arm64", "riscv")
LIST = "src/arches.c"
NAMES = re.compile(
    r"(?<![a-z0-9])(?:x86|i386|amd64|arm|arm32|arm64|lpae|aarch64|riscv|risc-v|pae|la57"
    r"|cr[0234]|efer|smep|smap|idt|gdt|tss|pdpte?|pml[45]e?|satp|ttbr[01]?|ttbcr|em_386|em_x86_64)(?=\b|_)"
    r"|\bx86_|\bws_format_(?:i386|x86)", re.I)


def without_comments(text):
    return re.sub(r"/\*.*?\*/", " ", text, flags=re.S)


def has_names(path):
    return bool(NAMES.search(without_comments(path.read_text())))


def files(source):
    """All that is outside an architecture's folder and not their list."""
    for folder in ("include", "src", "tools"):
        for file in sorted((source / folder).rglob("*.[ch]")):
            path = file.relative_to(source)
            if path.parts[1] not in ARCHITECTURES and str(path) != LIST:
                yield str(path)


def main():
    source, tap = pathlib.Path(sys.argv[1]), Tap()
    tap.case("names are told from words",
             all(map(NAMES.search, ("X86_P", "cpu->cr3", "&ws_format_i386", "IDT", "em_386",
                                   "CONFIG_CPU_TTBR0_PAN", "ARM32")))
             and not any(map(NAMES.search, ("alarm", "crc3", "charm_", "idtr", "armed"))))
    named = {path for path in files(source) if has_names(source / path)}
    tap.case("no architecture is named outside its folder", not named,
             "\n".join(sorted(named)))
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
