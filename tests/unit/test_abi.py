#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The public header keeps what docs/abi.md promises: each entry says since when, sections
fit a page, no type has the words of one architecture, and the shared library exports each
function with the version that it names. argv: the source's folder, the project's version,
nm, readelf, and the shared library where one is built."""

import pathlib
import re
import subprocess
import sys

SOURCE = pathlib.Path(sys.argv[1])
sys.path.insert(0, str(SOURCE / "tests/common"))
sys.path.insert(0, str(SOURCE / "src"))
from exports import COMMENT, SINCE, entries, functions, is_declaration  # noqa: E402
from exports import number, script, since  # noqa: E402
from tap import Tap  # noqa: E402

PAGE = 72  # lines of a section
SECTION = re.compile(r"^/\* ---- (\d+)\. (.*?) -+ \*/$", re.M)
CONTENTS = re.compile(r"^ \* +(\d+)\. (\S.*?)  +\S", re.M)
# Words of names: of registers, entry bits and tables of one architecture, and of QEMU.
FOREIGN = {"x86", "i386", "amd64", "arm", "arm64", "riscv", "pae", "cr0", "cr2", "cr3", "cr4",
           "efer", "nx", "nxe", "xd", "pxn", "uxn", "smep", "smap", "maxphyaddr", "tcg", "sdm",
           "idt", "gdt", "tss", "ist", "cpl", "eflags", "esp", "rsp", "pdpte", "ttbr", "satp"}
EXAMPLE = """#pragma GCC visibility push(default)

struct ws_opaque;

/* Words, Since: 0.1 of them. */
struct ws_one {
	int a; /* Since: 0.3 */

	int b;
};
int ws_first(void);

int ws_second(struct ws_one *one,
	      int b);

/* Since: 0.2 */
typedef int ws_fn(void);
static inline int ws_inline(void)
{
	return 1;
}
int ws_third(void);

#pragma GCC visibility pop
"""
SCRIPT = "WHOSEES_0.1 {\nglobal:\n\tws_a;\n\tws_b;\nlocal:\n\t*;\n};\n" \
         "WHOSEES_0.10 {\nglobal:\n\tws_c;\n} WHOSEES_0.1;\n"


def check_reader(tap):
    pieces = [e for e in entries(EXAMPLE) if is_declaration(e)]
    tap.case("entries, their versions and functions are read",
             list(map(since, pieces)) == ["0.1", None, "0.2"] and
             functions(EXAMPLE) == {"ws_first": "0.1", "ws_second": None, "ws_third": "0.2"},
             f"{pieces} {functions(EXAMPLE)}")
    made = script({"ws_b": "0.1", "ws_c": "0.10", "ws_a": "0.1"})
    tap.case("a version script has a node a version, in order", made == SCRIPT, made)
    old = {"ws_a": "0.1", "ws_b": "0.1"}
    tap.case("what a release had is missed, and may not move",
             not broken(old, {**old, "ws_c": "0.2"}) and
             broken(old, {"ws_a": "0.1", "ws_b": "0.2"}) == ["ws_b"] and
             broken(old, {"ws_a": "0.1"}) == ["ws_b"])


def broken(released, now):
    """Functions of a release that are gone, or of another version."""
    return sorted(name for name in released if now.get(name) != released[name])


def check_since(tap, header, version):
    declared = [e for e in entries(header) if is_declaration(e)]
    bare = [e for e in declared if not since(e)]
    tap.case(f"each of {len(declared)} entries says since when", len(declared) > 80 and
             not bare, "\n\n".join(bare))
    later = sorted({v for v in SINCE.findall(header) if number(v) > number(version)[:2]})
    tap.case(f"and none is of a version after {version}, which is being made", not later,
             later)


def check_sections(tap, header):
    begins = [(m[1], m[2], header[:m.start()].count("\n")) for m in SECTION.finditer(header)]
    contents = [m.groups() for m in CONTENTS.finditer(header[:header.index("#ifndef")])]
    tap.case("sections are numbered, and the contents list them",
             [(n, title) for n, title, _ in begins] == contents and
             [int(n) for n, _, _ in begins] == list(range(1, len(begins) + 1)),
             f"{begins}\n{contents}")
    ends = [line for _, _, line in begins[1:]] + [header[:header.index(
        "#pragma GCC visibility pop")].count("\n")]
    long = [f"{n}. {title}: {end - line}" for (n, title, line), end in zip(begins, ends)
            if end - line > PAGE]
    tap.case(f"each of {len(begins)} sections fits a page of {PAGE} lines", not long, long)


def check_words(tap, header):
    names = set(re.findall(r"[A-Za-z_]\w*", COMMENT.sub("", header)))
    foreign = sorted(n for n in names if FOREIGN & set(n.lower().split("_")))
    tap.case(f"none of {len(names)} names has a word of one architecture", not foreign,
             foreign)


def output(*argv):
    return subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=True).stdout


def check_library(tap, header, version, nm, readelf, library):
    rows = [line.split()[-1] for line in output(nm, "-D", "--defined-only",
                                                "--with-symbol-versions", library).splitlines()]
    exported = {row.split("@@")[0]: row.split("@@WHOSEES_")[-1] for row in rows
                if not row.startswith("WHOSEES_")}
    declared = functions(header)
    tap.case("the library exports what the header declares, each since its version",
             len(declared) > 50 and exported == declared,
             f"{sorted(set(exported.items()) ^ set(declared.items()))}")
    soname = re.search(r"\(SONAME\).*\[(.*)\]", output(readelf, "-d", library))
    tap.case("its soname has the major version",
             soname and soname[1] == f"libwhosees.so.{number(version)[0]}", soname)


def check_releases(tap, header):
    now, wrong = functions(header), {}
    for file in sorted((SOURCE / "tests/abi").glob("*.map")):
        released = {name: file.stem for name in re.findall(r"^\t(ws_\w+);", file.read_text(),
                                                           re.M)}
        wrong.update({file.name: broken(released, now)} if broken(released, now) else {})
    tap.case("what a released version exported is exported still", not wrong, wrong)


def main():
    version, nm, readelf = sys.argv[2:5]
    header, tap = (SOURCE / "include/whosees.h").read_text(), Tap()
    check_reader(tap)
    check_since(tap, header, version)
    check_sections(tap, header)
    check_words(tap, header)
    check_releases(tap, header)
    if len(sys.argv) > 5:
        check_library(tap, header, version, nm, readelf, sys.argv[5])
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
