/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Containers of other machine monitors as texts for mk/mk.h, for tests of all that reads them. */
#ifndef WS_TEST_CONTAINERS_H
#define WS_TEST_CONTAINERS_H

#define XEN(fields, list)                                                           \
	"ehdr64 phnum=0 shoff=64 " fields "\nshdr64\nshdr64 offset=0x200 size=64\n" \
	"shdr64 name=1 offset=0x1000 size=0x4000 entsize=0x1000\n"                  \
	"shdr64 name=12 offset=0x5000 size=32 entsize=8\n"                          \
	"shdr64 name=21 offset=0x6000 size=5168 entsize=5168\n"                     \
	"at 0x200\ntext \"\\0.xen_pages\\0.xen_pfn\\0.xen_prstatus\\0\"\n"          \
	"at 0x1000\nframes 0x1000 2\nframes 0x5000 2\nat 0x5000\nu64 " list         \
	"\nat 0x6000\nxen_context rax=1 rip=2 rsp=3 cr3=0x6000\n"

#define VMTAG(name, len, i, v) "u8 0x44 " len "\ntext \"" name "\"\nu32 " i " " v "\n"
#define VMREGION(i, ppn, page, size)    \
	VMTAG("regionPPN", "9", i, ppn) \
	VMTAG("regionPageNum", "13", i, page) VMTAG("regionSize", "10", i, size)
/* A description with its memory in it. */
#define VMWARE(count, regions)                                                    \
	"u32 0xbed2bed2 8 2\ntext \"cpu\"\nat 76\nu64 172 0\ntext \"memory\"\n"   \
	"at 156\nu64 300 0\nat 172\nu8 0x48 3\ntext \"rip\"\nu32 0\nu64 2\n"      \
	"u8 0x88 4\ntext \"CR64\"\nu32 0 0\nu64 0x80050033\n"                     \
	"u8 0x88 4\ntext \"CR64\"\nu32 0 3\nu64 0x6000\n"                         \
	"u8 0x88 4\ntext \"CR64\"\nu32 0 4\nu64 0x10\nu8 0 0\nat 300\n"           \
	"u8 4 12\ntext \"regionsCount\"\nu32 " count "\n" regions                 \
	"u8 0xbf 6\ntext \"Memory\"\nu32 0 0\nu64 0x3000 0x3000\nu16 2\nu8 1 1\n" \
	"frames 0x1000 1\nframes 0x8000 2\nu8 0 0\n"
#define VMREGIONS VMREGION("0", "1", "0", "1") VMREGION("1", "8", "1", "2")

/* ---- a migration stream ---- */

#define QEVM(type) "be32 0x5145564d 3\nu8 7\ncounted \"" type "\"\n"
#define QEVM_PC QEVM("pc-i440fx-7.2")
#define QEVM_RAM(type, number) "u8 " type "\nbe32 " number "\n"
/* The section of memory as it begins, with the list of blocks. */
#define QEVM_BLOCKS(total, blocks)                                       \
	"u8 1\nbe32 2\nnamed \"ram\"\nbe32 0 4\nbe64 " total "\n" blocks \
	"be64 0x10\n" QEVM_END("2")
#define QEVM_BLOCK(name, len) "named \"" name "\"\nbe64 " len "\n"
#define QEVM_END(number) "u8 0x7e\nbe32 " number "\n"
/* Eight pages, of which four are there: 1, 2, and 8, 9. */
#define QEVM_PAGES                                                                       \
	"be64 0x1008\nnamed \"pc.ram\"\nframes 0x1000 1\nbe64 0x2028\nframes 0x2000 1\n" \
	"be64 0x8028\nframes 0x8000 1\nbe64 0x9028\nframes 0x9000 1\n"
#define QEVM_LAST(pages) QEVM_RAM("3", "2") pages "be64 0x10\n" QEVM_END("2")

#define QEVM_FIELD(name) "{\\\"name\\\":\\\"" name "\\\",\\\"size\\\":4}"
#define QEVM_SEGMENT(name, more)                                                  \
	"{\\\"name\\\":\\\"" name "\\\"," more                                    \
	"\\\"struct\\\":{\\\"fields\\\":[" QEVM_FIELD("selector") "," QEVM_FIELD( \
		"base") "," QEVM_FIELD("limit") "," QEVM_FIELD("flags") "]},\\\"size\\\":16}"
/* An x86 processor of 216 bytes, and a device of a byte before it. */
#define QEVM_LAYOUT                                                                                                                                                                                     \
	"{\\\"page_size\\\":4096,\\\"devices\\\":[{\\\"name\\\":\\\"timer\\\","                                                                                                                         \
	"\\\"instance_id\\\":0,\\\"fields\\\":[{\\\"name\\\":\\\"a\\\",\\\"size\\\":1}]},"                                                                                                              \
	"{\\\"name\\\":\\\"cpu\\\",\\\"instance_id\\\":0,\\\"fields\\\":["                                                                                                                              \
	"{\\\"name\\\":\\\"env.regs\\\",\\\"array_len\\\":8,\\\"size\\\":4}," QEVM_FIELD("env.eip") "," QEVM_FIELD("env.eflags") "," QEVM_SEGMENT("env.segs", "\\\"array_len\\\":6,") "," QEVM_SEGMENT( \
		"env.ldt",                                                                                                                                                                              \
		"") "," QEVM_SEGMENT("env.tr",                                                                                                                                                          \
				     "") "," QEVM_SEGMENT("env.gdt",                                                                                                                                    \
							  "") "," QEVM_SEGMENT("env.idt",                                                                                                               \
									       "") "," QEVM_FIELD("env.cr[0]") "," QEVM_FIELD("env.cr[2]") "," QEVM_FIELD("env.cr[3]") "," QEVM_FIELD("env.cr[4]") "],\\\"subsections\\\":[{\\\"vmsd_name\\\":\\\"cpu/x\\\",\\\"fields\\\":[" QEVM_FIELD("y") "]}]}]}"
#define QEVM_DEVICES                                                                                  \
	"u8 4\nbe32 3\nnamed \"timer\"\nbe32 0 1\nu8 9\n" QEVM_END(                                   \
		"3") "u8 4\nbe32 5\nnamed \"cpu\"\nbe32 0 12\nbe32 1 2 3 4 5 6 7 8 9 0x202\n"         \
		     "be32 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33\n" \
		     "be32 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49\n"                         \
		     "be32 0x80050033 0x1234 0x6000 0x10\n"                                           \
		     "u8 5\nnamed \"cpu/x\"\nbe32 1 77\n" QEVM_END("5")
#define QEVM_TAIL QEVM_DEVICES "u8 0 6\ncounted \"" QEVM_LAYOUT "\"\n"
/*
 * With pages at places of their own, of which that header of a block tells: the bitmap is
 * at 0x8d, the pages are at 0x100000, the stream goes on behind them.
 */
#define QEVM_MAPPED(header)                                                                              \
	QEVM_PC "u8 5\nnamed \"configuration/capabilities\"\nbe32 1 1\n"                                 \
		"named \"mapped-ram\"\nu8 1\nbe32 2\nnamed \"ram\"\nbe32 0 4\nbe64 0xa004\n" QEVM_BLOCK( \
			"pc.ram", "0xa000") header                                                       \
		"at 0x8d\nu8 0xff 3\nat 0x100000\n"                                                      \
		"frames 0 10\nbe64 0x10\n" QEVM_END("2") QEVM_LAST("") QEVM_TAIL
/* All of it, of a machine with ten pages of memory. */
#define QEVM_WITH(pages)                                                               \
	QEVM_PC QEVM_BLOCKS("0xa004", QEVM_BLOCK("pc.ram", "0xa000")) QEVM_LAST(pages) \
		QEVM_TAIL
#define QEVM_ZEROES                                                                  \
	"be64 0x22\nu8 0\nbe64 0x3022\nu8 0\nbe64 0x4022\nu8 0\nbe64 0x5022\nu8 0\n" \
	"be64 0x6022\nu8 0\nbe64 0x7022\nu8 0\n"

#endif
