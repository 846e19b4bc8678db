#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The architecture in docs/add-an-architecture.md is real: it compiles, the library opens a
core of it and walks its tables; and the page names what the structs ask, and nothing else.
argv: the repository, the build directory, the library as an archive, the compiler. TAP."""

import pathlib
import re
import struct
import subprocess
import sys
import tempfile

SOURCE, BUILD, ARCHIVE, COMPILER = (pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]),
                                    sys.argv[3], sys.argv[4:])
sys.path.insert(0, str(SOURCE / "tests/common"))
from archive import libraries, runner, sanitizers  # noqa: E402
from tap import Tap  # noqa: E402

STRUCTS = {"src/arch/arch.h": ["ws_arch"], "src/arch/linux.h": ["ws_arch_linux",
           "ws_linux_layout"], "src/audit/arch.h": ["ws_arch_audit"]}
# Named by the text between the tables.
LEADS = {"on_linux", "audit", "machine_create"}
EM_TOY = 0x7077

DRIVER = r"""
#include <stdio.h>
#include "linux/linux.h"

static void walk(struct ws_system *system, uint64_t root, uint64_t va)
{
	struct ws_trail t;

	ws_walk(ws_system_paging(system), root, va, &t);
	printf("%#lx: end %d, pa %#lx, access %#o\n", (unsigned long)va, t.end,
	       (unsigned long)t.pa, t.end ? 0 : t.access);
}

static void print_registers(const struct ws_cpu *cpu)
{
	enum ws_register_group group;
	const char *name;
	uint64_t value;

	for (unsigned i = 0; (name = ws_cpu_register_at(cpu, i, &group)); i++)
		if (ws_cpu_register(cpu, name, &value))
			printf("%s %d %#lx\n", name, group, (unsigned long)value);
}

int main(int argc, char **argv)
{
	struct ws_context *ctx = ws_context_create();
	struct ws_target_options options = { 0 };
	struct ws_target *target;
	struct ws_system *system;
	uint64_t root = 0;

	if (argc != 2 || ws_target_open(ctx, argv[1], &options, &target) != WS_OK)
		return puts(ws_error(ctx, 0)), 1;
	print_registers(ws_target_cpu(target, 0));
	printf("without a root: %d\n", ws_system_open(target, NULL, &system));
	ws_target_close(target);
	options.has_root = true;
	options.root = 0x1000;
	if (ws_target_open(ctx, argv[1], &options, &target) != WS_OK ||
	    ws_system_open(target, NULL, &system) != WS_OK)
		return puts(ws_error(ctx, 0)), 1;
	printf("%s, tables only %d\n", ws_format_name(ws_system_paging(system)->format),
	       ws_system_layout(system)->tables_only);
	if (ws_system_cpu_root(system, ws_target_cpu(target, 0), &root))
		printf("root %#lx\n", (unsigned long)root);
	walk(system, 0x1000, 0xc0001234);
	walk(system, 0x1000, 0xc0002234);
	walk(system, 0x1000, 0x1234);
	printf("deltas %d %d %d\n", ws_may_be_delta(layouts, 0xc0000000),
	       ws_may_be_delta(layouts, 0xc0400000), ws_may_be_delta(layouts, 0x1000));
	ws_system_close(system);
	ws_target_close(target);
	ws_context_destroy(ctx);
	return 0;
}
"""
EXPECTED = """\
pc 0 0xc0001000
sp 0 0xc0002000
status 1 0x1
tables 1 0x1000
without a root: 4
toy, tables only 1
root 0x1000
0xc0001234: end 0, pa 0x3234, access 07
0xc0002234: end 0, pa 0x3234, access 011
0x1234: end 1, pa 0, access 0
deltas 1 0 0
"""


def core():
    """A core of one processor and four frames: root at 0x1000, table at 0x2000, a page."""
    status = bytes(72) + struct.pack("<5I", 0xc0001000, 0xc0002000, 1, 0x1000, 0)
    note = struct.pack("<3I", 5, len(status), 1) + b"CORE\0\0\0\0" + status
    frames = [bytearray(4096) for _ in range(4)]
    struct.pack_into("<I", frames[1], 4 * (0xc0000000 >> 22), 0x2000 | 1)
    struct.pack_into("<II", frames[2], 4, 0x3000 | 7, 0x3000 | 9)
    headers = 52 + 2 * 32
    at = headers + len(note)
    return b"".join((
        b"\x7fELF\1\1\1" + bytes(9),
        struct.pack("<2H5I6H", 4, EM_TOY, 1, 0, 52, 0, 0, 52, 32, 2, 0, 0, 0),
        struct.pack("<8I", 4, headers, 0, 0, len(note), len(note), 0, 4),
        struct.pack("<8I", 1, at, 0, 0, 4 * 4096, 4 * 4096, 7, 4096), note, *frames))


def with_toy(arches):
    """src/arches.c after step 2."""
    arches = re.sub(r"(extern const struct ws_arch [^;]*);", r"\1, ws_arch_toy;", arches)
    return re.sub(r"(arches\[\] = \{[^}]*&\w+) \}", r"\1, &ws_arch_toy }", arches)


def run(doc, place):
    (place / "toy.c").write_text("".join(re.findall(r"```c\n(.*?)```", doc, re.S)) + DRIVER)
    (place / "arches.c").write_text(with_toy((SOURCE / "src/arches.c").read_text()))
    (place / "toy.core").write_bytes(core())
    made = subprocess.run(
        [*COMPILER, "-std=gnu17", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror",
         "-Wno-missing-field-initializers", *sanitizers(BUILD), "-I", SOURCE / "include", "-I",
         SOURCE / "src", place / "toy.c", place / "arches.c", "-o", place / "toy", ARCHIVE,
         *libraries(BUILD / "meson-private/whosees.pc")],
        capture_output=True, text=True, check=False)
    if made.returncode:
        return made.stderr
    said = subprocess.run([*runner(), place / "toy", place / "toy.core"], capture_output=True,
                          text=True, check=False)
    return said.stdout + said.stderr


def members(header, name):
    """Names of a struct's members, pointers to functions too."""
    body = re.search(rf"^struct {name} \{{\n(.*?)^\}};", header, re.M | re.S)[1]
    body = re.sub(r"/\*.*?\*/", "", body, flags=re.S)
    found = set()
    for statement in body.split(";"):
        function = re.search(r"\(\*(\w+)\)\(", statement)
        if function:
            found.add(function[1])
            continue
        first, *others = statement.split(",")
        names = re.findall(r"(\w+)\s*(?:\[[^]]*\])?\s*$", first.strip())
        found.update(names, (other.strip(" *\n\t") for other in others))
    return found


def check_members(tap, doc):
    asked = set()
    for path, names in STRUCTS.items():
        header = (SOURCE / path).read_text()
        for name in names:
            asked |= members(header, name)
    told = set(LEADS)
    for cell in re.findall(r"^\| (`.*?) \|", doc, re.M):
        told |= set(re.findall(r"`(\w+)`", cell))
    tap.case(f"the page has each of {len(asked)} members, and no other",
             len(asked) > 40 and told == asked,
             f"not on the page: {sorted(asked - told)}, not in the code: {sorted(told - asked)}")


def main():
    doc, tap = (SOURCE / "docs/add-an-architecture.md").read_text(), Tap()
    with tempfile.TemporaryDirectory() as place:
        said = run(doc, pathlib.Path(place))
    tap.case("the documented architecture opens a core, and walks", said == EXPECTED, said)
    check_members(tap, doc)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
