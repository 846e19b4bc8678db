#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""One name for one thing, as docs/style.md has it: a file's name recurs only where the folder
says which part of one subject it is, and no two headers have a type of one name. argv: the
source's folder."""

import collections
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))
from tap import Tap  # noqa: E402

FOLDERS = ("src", "machine", "tools", "include", "bench", "examples")
ARCHITECTURES = {"x86", "arm", "arm64", "riscv"}
# A subject that has a part in each of these folders, and which.
PARTS = {
    "arch": "what is asked of an architecture: by all, by the audit",
    "autopsy": "the autopsy: the run, and what it asks of an architecture",
    "audit": "the audit, and an architecture's part in it",
    "code": "kernel functions: the model's, and a dump's by name",
    "cpu": "a processor: the simulated one, and one as a dump kept it",
    "encryption": "memory encryption: what discovery does, and what the architecture says",
    "frames": "exception frames: in memory, and what one looks like",
    "gates": "gates of the IDT: the model kernel's, and an audited one's",
    "internal": "what the files of one folder of the machine share",
    "jump": "a jump into another kernel: what an audit asks, and an architecture's",
    "layout": "where a kernel's parts lie: a dump's, and the model's",
    "linux": "Linux: what discovery knows, asks of an architecture, and what the model imitates",
    "linux_layout": "the same of one architecture, and of structs that the model imitates",
    "look": "a look at page tables: the model kernel's, and the scenarios' words for it",
    "machine": "the simulated machine: over a dump, and in a scenario",
    "memory": "simulated memory: physical, and the model kernel's words in it",
    "modules": "modules: a dump's, and the model kernel's",
    "pages": "page frames: a dump's struct page, and the model kernel's books",
    "place": "what lies at an address, and how that is printed",
    "process": "a process: the model kernel's, and the scenarios' words for it",
    "qemu": "QEMU: a running one, and what an architecture's state is in its streams",
    "regime": "a regime: what discovery makes of what the architecture says",
    "script": "scenarios: what others include, and a run of one",
    "scan": "the pass over all memory: how, and what discovery looks for in it",
    "special": "page tables that no task uses: which, what an audit asks, an architecture's",
    "stacks": "kernel stacks: found, and checked in every space",
    "story": "a fault followed to its end, and how that is printed",
    "symbols": "symbols: a dump's, and the model kernel's",
    "text": "text: the format of a report, and what is printed into memory",
    "uses": "what frames are used for: all, and what a fault needs",
    "users_pages": "pages that user mode is meant to see, and an architecture's",
    "whatif": "what-if: who answers for an architecture, and how x86 does",
    "whosees": "the public header, and the program's main()",
    "x86": "the manual's names: of the simulated processor, and of dumps; they share no code",
}


def sources(source):
    for folder in FOLDERS:
        for path in sorted((source / folder).rglob("*.[ch]")):
            yield path.relative_to(source)


def recurring(paths):
    """{subject: its folders}: a .c and a .h of one folder are one, and so are all
    architectures' parts of it."""
    folders = collections.defaultdict(set)
    for path in paths:
        folder = path.parent
        if len(folder.parts) > 1 and folder.parts[1] in ARCHITECTURES:
            folder = pathlib.PurePath("src/ARCHITECTURE", *folder.parts[2:])
        folders[path.stem].add(str(folder))
    return {stem: where for stem, where in folders.items() if len(where) > 1}


def defined(text):
    """Names of structs, enums and unions that a header defines."""
    text = re.sub(r"/\*.*?\*/", " ", text, flags=re.S)
    return re.findall(r"^(?:struct|enum|union) (\w+) \{", text, re.M)


def main():
    source, tap = pathlib.Path(sys.argv[1]), Tap()
    paths = list(sources(source))
    found = recurring(paths)
    tap.case("folders of architectures are one, and .c and .h are",
             recurring(map(pathlib.PurePath, ("src/x86/a.c", "src/arm/a.h", "src/b/a.c", "src/b/a.h",
                                              "src/c/d.c")))
             == {"a": {"src/ARCHITECTURE", "src/b"}})
    new = {stem: sorted(where) for stem, where in found.items() if stem not in PARTS}
    tap.case(f"no file's name recurs, but those of {len(PARTS)} subjects with parts", not new, new)
    gone = sorted(set(PARTS) - set(found))
    tap.case("and each of these does", not gone, f"take off PARTS: {gone}")
    where = collections.defaultdict(set)
    for path in paths:
        if path.suffix == ".h":
            for name in defined((source / path).read_text()):
                where[name].add(str(path))
    twice = {name: sorted(headers) for name, headers in where.items() if len(headers) > 1}
    tap.case(f"none of {len(where)} types in headers has another's name", len(where) > 200 and
             not twice, twice)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
