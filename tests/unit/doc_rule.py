#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The rule in docs/add-a-rule.md is real: it compiles, finds what it is about in the one
space that has it, and nothing in a capture of a real guest. argv: the repository, the
build directory, the library as an archive, the compiler. TAP."""
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(sys.argv[1], "tests/common"))
from archive import libraries, runner, sanitizers  # noqa: E402

SOURCE, BUILD, ARCHIVE, COMPILER = *sys.argv[1:4], sys.argv[4:]
CAPTURE = os.path.join(SOURCE, "tests/captures/686-small.elf")

# A large page of user memory at 0, in the page directory of the process "waiter".
DRIVER = r"""
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

extern const struct ws_family ws_nullpage;

static void audit_it(struct ws_system *system)
{
	struct ws_audit audit = { .ctx = system->ctx, .system = system };

	if (ws_regions_find(system) != WS_OK ||
	    ws_nullpage.run(&audit) != WS_OK)
		puts("failed");
	printf("%zu findings\n", audit.findings.n);
	ws_vec_each(&audit.findings, finding) {
		printf("%s in %s: %s\n", finding->rule->id,
		       system->spaces.v[finding->space].comm, finding->text);
		free(finding->text);
	}
	ws_vec_release(&audit.findings);
}

int main(int argc, char **argv)
{
	struct ws_context *ctx = ws_context_create();
	struct ws_target *target;
	struct ws_system *system;
	const uint8_t *root;

	if (argc != 2 || ws_target_open(ctx, argv[1], NULL, &target) != WS_OK ||
	    ws_system_open(target, NULL, &system) != WS_OK)
		return 1;
	audit_it(system);
	mprotect((void *)target->file.data, target->file.size, PROT_READ | PROT_WRITE);
	ws_vec_each(&system->spaces, space)
		if (!strcmp(space->comm, "waiter") &&
		    ws_target_frame(target, space->root, &root) == WS_READ)
			memcpy((void *)root, "\x87", 1);
	audit_it(system);
	ws_system_close(system);
	ws_target_close(target);
	ws_context_destroy(ctx);
	return 0;
}
"""
EXPECTED = """\
0 findings
1 findings
nullpage-mapped in waiter: user mode has mapped page 0, at frame 0
"""


def main():
    with open(os.path.join(SOURCE, "docs/add-a-rule.md"), encoding="utf-8") as doc:
        block = re.search(r"```c\n(.*?)```", doc.read(), re.S).group(1)
    with tempfile.TemporaryDirectory() as tmp:
        source, program = os.path.join(tmp, "rule.c"), os.path.join(tmp, "rule")
        with open(source, "w", encoding="utf-8") as file:
            file.write(block + DRIVER)
        command = [*COMPILER, "-std=gnu17", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror",
                   *sanitizers(BUILD),
                   "-I", os.path.join(SOURCE, "include"), "-I", os.path.join(SOURCE, "src"),
                   source, "-o", program, ARCHIVE,
                   *libraries(os.path.join(BUILD, "meson-private/whosees.pc"))]
        made = subprocess.run(command, capture_output=True, text=True, check=False)
        said = subprocess.run([*runner(), program, CAPTURE], capture_output=True, text=True,
                              check=False) if not made.returncode else made
    good = not made.returncode and said.stdout == EXPECTED
    print("1..1")
    print(f"{'ok' if good else 'not ok'} 1 - the rule of docs/add-a-rule.md finds page 0")
    if not good:
        for line in (said.stdout + said.stderr).splitlines():
            print(f"# {line}")
    return 0 if good else 1


sys.exit(main())
