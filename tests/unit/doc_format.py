#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The format in docs/add-a-format.md is real: it compiles, and it walks. TAP."""
import os
import re
import subprocess
import sys
import tempfile

SOURCE = sys.argv[1]
PAGING = ["walk.c", "range.c", "check.c", "format.c"]

# The root at 0x4000 has four frames; tables at 0x2000 and 0x3000; one page of each size, a
# hole, an address that is too wide, a reserved bit, a page that is not the user's.
DRIVER = r"""
#include <stdio.h>
extern const struct ws_format ws_format_riscv_sv39x4;
static uint64_t memory[8][512];
static enum ws_evidence frame(void *opaque, uint64_t pa, const uint8_t **bytes)
{
	(void)opaque;
	*bytes = pa >> 12 < 8 ? (const uint8_t *)memory[pa >> 12] : NULL;
	return *bytes ? WS_READ : WS_ABSENT;
}
int main(void)
{
	struct ws_paging paging = {.format = &ws_format_riscv_sv39x4, .frame = frame};
	const uint64_t va[] = {0x1234, 0x200abc, 0x40000def, 0x3000, 0x1ffc0000123,
			       0x20000000000, 0x4000, 0x5000};
	struct ws_trail t;
	struct ws_flaw f;

	memory[4][0] = 2 << 10 | 1;
	memory[4][1] = UINT64_C(0x40000) << 10 | 0x1b;
	memory[7][511] = UINT64_C(0x80000) << 10 | 0x13;
	memory[2][0] = 3 << 10 | 1;
	memory[2][1] = UINT64_C(0x200) << 10 | 0x17;
	memory[3][1] = UINT64_C(0x80123) << 10 | 0x1f;
	memory[3][4] = UINT64_C(0x5) << 10 | 0x17 | WS_BIT(58);
	memory[3][5] = UINT64_C(0x5) << 10 | 0x07;
	for (unsigned i = 0; i < 8; i++) {
		ws_walk(&paging, 0x4000, va[i], &t);
		printf("%#lx end=%d pa=%#lx shift=%d access=%#o flaw=%d\n",
		       (unsigned long)va[i], t.end, (unsigned long)t.pa, t.page_shift,
		       t.end ? 0 : t.access, ws_check(&paging, &t, &f));
	}
}
"""
EXPECTED = """\
0x1234 end=0 pa=0x80123234 shift=12 access=077 flaw=0
0x200abc end=0 pa=0x200abc shift=21 access=033 flaw=0
0x40000def end=0 pa=0x40000def shift=30 access=055 flaw=0
0x3000 end=1 pa=0 shift=0 access=0 flaw=0
0x1ffc0000123 end=0 pa=0x80000123 shift=30 access=011 flaw=0
0x20000000000 end=4 pa=0 shift=0 access=0 flaw=0
0x4000 end=0 pa=0x5000 shift=12 access=033 flaw=1
0x5000 end=2 pa=0 shift=0 access=0 flaw=0
"""


def main():
    with open(os.path.join(SOURCE, "docs/add-a-format.md"), encoding="utf-8") as doc:
        block = re.search(r"```c\n(.*?)```", doc.read(), re.S).group(1)
    with tempfile.TemporaryDirectory() as tmp:
        source, program = os.path.join(tmp, "sv39x4.c"), os.path.join(tmp, "sv39x4")
        with open(source, "w", encoding="utf-8") as f:
            f.write(block + DRIVER)
        subprocess.run(
            ["cc", "-std=gnu17", "-Wall", "-Werror", "-I" + os.path.join(SOURCE, "include"),
             "-I" + os.path.join(SOURCE, "src"), "-o", program, source]
            + [os.path.join(SOURCE, "src/paging", name) for name in PAGING], check=True)
        got = subprocess.run([program], check=True, capture_output=True, text=True).stdout
    print("1..1")
    print("ok 1" if got == EXPECTED else "not ok 1", "- the documented format walks")
    if got != EXPECTED:
        print(got, file=sys.stderr)
    return got != EXPECTED


sys.exit(main())
