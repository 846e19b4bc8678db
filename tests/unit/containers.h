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

#endif
