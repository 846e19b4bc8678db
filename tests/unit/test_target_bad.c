/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Targets that are damaged, hostile or no targets at all: each is refused with the right
 * status and words that name the file, the place in it and what is wrong there.
 */
#include "containers.h"
#include "mk/mk.h"
#include "util/bits.h"
#include "util/cleanup.h"
#include "whosees.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

struct bad {
	const char *name;
	const char *text; /* of the dump */
	enum ws_status status;
	const char *words[4]; /* that the message must have */
	const char *kind;     /* asked for; NULL: probed */
};

/* A load that is as it should be, to stand beside one that is not. */
#define GOOD_LOAD "phdr64 offset=0x1000 paddr=0x1000 filesz=0x1000 memsz=0x1000\n"
#define GOOD_BYTES "at 0x1000\nframes 0x1000 1\n"
#define KDUMP                                                      \
	"kdump64 max_mapnr=16\nat 0x1000\nsub64 max_mapnr_64=16\n" \
	"bits 0x3000 1 2\nat 0x4000\npages zlib 0x1000 2 0x5000\n"
#define FLAT KDUMP "flatten 0+0x2000 0x2000+0x9000\n"

/* clang-format off */
static const struct bad cases[] = {
	/* ---- no known kind ---- */
	{ "text", "text \"hello, world\\n\"", WS_ERR_UNREADABLE,
	  { "none of these", "ELF core, kdump, LiME, AVML, Xen core, VMware snapshot, "
	  "QEMU migration stream, cloud-hypervisor snapshot;" } },
	{ "one byte", "u8 0x7f", WS_ERR_UNREADABLE, { "none of these" } },
	{ "not ELF", "fill 4096 1", WS_ERR_UNREADABLE, { "ELF magic", "offset 0" }, "elf" },
	{ "not LiME", "fill 4096 1", WS_ERR_UNREADABLE, { "LiME magic" }, "lime" },
	{ "not AVML", "fill 4096 1", WS_ERR_UNREADABLE, { "AVML magic" }, "avml" },
	{ "not kdump", "fill 4096 1", WS_ERR_UNREADABLE, { "kdump magic" }, "kdump" },
	{ "no kind", "frames 0 1", WS_ERR_USAGE, { "'tape'" }, "tape" },

	/* ---- the ELF header ---- */
	{ "ELF of 4 bytes", "ehdr64\ncut 4", WS_ERR_UNREADABLE,
	  { "ELF header", "0x10 bytes", "end 0x4", "truncated" } },
	{ "ELF of 63 bytes", "ehdr64\ncut 63", WS_ERR_UNREADABLE,
	  { "ELF header", "0x40 bytes", "end 0x3f", "truncated" } },
	{ "ELF class", "ehdr64 class=3", WS_ERR_MALFORMED, { "class 3", "offset 0x4" } },
	{ "big-endian", "ehdr64 data=2", WS_ERR_UNSUPPORTED,
	  { "encoding 2", "offset 0x5", "little-endian" } },
	{ "executable", "ehdr64 type=2", WS_ERR_UNSUPPORTED,
	  { "type 2", "offset 0x10", "not a core" } },
	{ "MIPS", "ehdr32 machine=8", WS_ERR_UNSUPPORTED,
	  { "of mips or mips64", "machine 8", "offset 0x12", "crash" } },
	{ "s390x", "ehdr64 data=2 machine=0x1600", WS_ERR_UNSUPPORTED,
	  { "of s390x (IBM Z)", "machine 22", "big-endian", "crash" } },
	{ "ppc64", "ehdr64 data=2 machine=0x1500", WS_ERR_UNSUPPORTED,
	  { "of ppc64 or ppc64le", "machine 21", "big-endian", "crash" } },
	{ "ppc64le", "ehdr64 machine=21", WS_ERR_UNSUPPORTED,
	  { "of ppc64 or ppc64le", "machine 21", "little-endian", "crash" } },
	{ "a kernel of loongarch64", "ehdr64 type=2 machine=258", WS_ERR_UNSUPPORTED,
	  { "of loongarch64", "machine 258", "crash" } },
	{ "parisc", "ehdr32 data=2 machine=0x0f00", WS_ERR_UNSUPPORTED,
	  { "of parisc", "machine 15", "no other tool" } },
	{ "no machine", "ehdr64 machine=0x7fff", WS_ERR_UNSUPPORTED,
	  { "machine 32767", "offset 0x12", "i386" } },

	/* ---- program headers ---- */
	{ "no headers", "ehdr64 phnum=0", WS_ERR_MALFORMED,
	  { "without program headers", "offset 0x38" } },
	{ "phnum", "ehdr64 phnum=0xfffe\n" GOOD_LOAD "cut 119", WS_ERR_UNREADABLE,
	  { "65534 program headers", "offset 0x40", "truncated" } },
	{ "phoff", "ehdr64 phoff=0xffffffffffffffff\n" GOOD_LOAD, WS_ERR_UNREADABLE,
	  { "1 program headers", "offset 0xffffffffffffffff", "truncated" } },
	/* ---- segments ---- */
	{ "core cut before its memory", "ehdr64 phnum=2\n" GOOD_LOAD
	  "phdr64 offset=0x2000 paddr=0x4000 filesz=0x2000 memsz=0x2000\n"
	  GOOD_BYTES "frames 0x4000 2\ncut 0x1000",
	  WS_ERR_UNREADABLE,
	  { "cut off at 0x1000 bytes", "first of its memory", "truncated" } },
	{ "segment offset", "ehdr64\nphdr64 offset=0xfffffffffffff000 filesz=0x2000 "
	  "memsz=0x2000", WS_ERR_MALFORMED, { "program header 0", "place in the file wraps" } },
	{ "segment size", "ehdr64\nphdr64 offset=0x78 filesz=0xffffffffffffffff "
	  "memsz=0xffffffffffffffff", WS_ERR_MALFORMED,
	  { "program header 0", "last physical address" } },
	{ "filesz past memsz", "ehdr64\n"
	  "phdr64 offset=0x1000 filesz=0x1000 memsz=0xfff\n" GOOD_BYTES,
	  WS_ERR_MALFORMED,
	  { "program header 0 (physical 0, 0xfff bytes)", "more bytes in the file",
	    "0x1000 bytes there" } },
	{ "contradiction", "ehdr64 phnum=2\n"
	  "phdr64 offset=0x1000 paddr=0x1000 filesz=0x3000 memsz=0x3000\n"
	  "phdr64 offset=0x4000 paddr=0x2000 filesz=0x1000 memsz=0x1000\n"
	  "at 0x1000\nframes 0x1000 3\nframes 0x2000 1\nat 0x4fff\nu8 1",
	  WS_ERR_MALFORMED,
	  { "program header 0 (physical 0x1000, 0x3000 bytes)",
	    "program header 1 (physical 0x2000, 0x1000 bytes)", "different contents" } },
	{ "only empty segments", "ehdr64\nphdr64 paddr=0x1000 memsz=0x1000",
	  WS_ERR_MALFORMED, { "no physical memory" } },
	{ "a process", "ehdr64 phnum=2\n"
	  "phdr64 vaddr=0x400000 offset=0x1000 filesz=0x1000 memsz=0x1000\n"
	  "phdr64 vaddr=0x600000 offset=0x2000 filesz=0x1000 memsz=0x1000\n"
	  "at 0x1000\nframes 0 2", WS_ERR_UNSUPPORTED, { "process", "2 segments" } },

	{ "the core of a process, with a task as old kernels wrote them",
	  "ehdr64 phnum=3\nphdr64 type=4 offset=0x200 filesz=0x1c\n"
	  "phdr64 vaddr=0x400000 offset=0x1000 filesz=0x1000 memsz=0x1000\n"
	  "phdr64 vaddr=0x600000 offset=0x2000 filesz=0x1000 memsz=0x1000\n"
	  "at 0x200\nnhdr descsz=8 type=4\ntext \"CORE\\0\\0\\0\\0\"\nu64 0\n"
	  "at 0x1000\nframes 0 2", WS_ERR_UNSUPPORTED, { "process", "2 segments" } },
	{ "kcore that does not say where memory begins",
	  "ehdr32 phnum=3 machine=40\nphdr32 type=4 offset=0x200 filesz=0x1c\n"
	  "phdr32 vaddr=0xbf000000 offset=0x1000 filesz=0x1000 memsz=0x1000\n"
	  "phdr32 vaddr=0xc0000000 offset=0x2000 filesz=0x1000 memsz=0x1000\n"
	  "at 0x200\nnhdr descsz=8 type=4\ntext \"CORE\\0\\0\\0\\0\"\nu64 0\n"
	  "at 0x1000\nframes 0 2", WS_ERR_UNSUPPORTED,
	  { "/proc/kcore", "physical address 0", "do not say", "LiME" } },
	{ "kcore of nothing but vmalloc",
	  "ehdr64\nphdr64 vaddr=0xffffc90000000000 offset=0x1000 paddr=-1 filesz=0x1000 "
	  "memsz=0x1000\nat 0x1000\nframes 0 1", WS_ERR_MALFORMED,
	  { "no physical memory" } },

	/* ---- Xen ---- */
	{ "Xen without pages", "ehdr64 phnum=0 shnum=1 shoff=64\nshdr64\n", WS_ERR_MALFORMED,
	  { "no section .xen_pages" } },
	{ "Xen without its names", "ehdr64 phnum=0 shnum=1 shoff=64 shstrndx=1\nshdr64\n",
	  WS_ERR_MALFORMED, { "section of names is 1 of 1", "offset 0x3e" } },
	{ "Xen cut in its table", "ehdr64 phnum=0 shnum=2 shoff=64\nshdr64\n",
	  WS_ERR_UNREADABLE, { "table of 2 section headers", "truncated" } },
	{ "Xen PV", "ehdr64 phnum=0 shnum=4 shoff=64 shstrndx=1\nshdr64\n"
	  "shdr64 offset=0x200 size=64\nshdr64 name=1 offset=0x1000 size=0x1000\n"
	  "shdr64 name=12 offset=0x2000 size=16\n"
	  "at 0x200\ntext \"\\0.xen_pages\\0.xen_p2m\\0\"\nat 0x1000\nframes 0x1000 1\n"
	  "u64 1 1\n", WS_ERR_UNSUPPORTED, { "PV domain", "machine frames" } },
	{ "Xen without a list", "ehdr64 phnum=0 shnum=3 shoff=64 shstrndx=1\nshdr64\n"
	  "shdr64 offset=0x200 size=64\nshdr64 name=1 offset=0x1000 size=0x1000\n"
	  "at 0x200\ntext \"\\0.xen_pages\\0\"\nat 0x1000\nframes 0x1000 1\n",
	  WS_ERR_MALFORMED, { "no section .xen_pfn" } },
	{ "Xen core cut before its list", "ehdr64 phnum=0 shoff=64 shnum=4 shstrndx=3\n"
	  "shdr64\nshdr64 name=1 offset=0x1000 size=0x4000 entsize=0x1000\n"
	  "shdr64 name=12 offset=0x5000 size=32 entsize=8\nshdr64 offset=0x200 size=21\n"
	  "at 0x200\ntext \"\\0.xen_pages\\0.xen_pfn\\0\"\nat 0x1000\nframes 0x1000 4\n"
	  "cut 0x3800\n", WS_ERR_UNREADABLE,
	  { "ends at byte 0x3800", "before its list of frames", "2 of 4 pages" } },
	{ "Xen with pages whose place wraps", "ehdr64 phnum=0 shnum=4 shoff=64 shstrndx=1\n"
	  "shdr64\nshdr64 offset=0x200 size=64\nshdr64 name=1 offset=-1 size=0x1000\n"
	  "shdr64 name=12 offset=0x2000 size=8\n"
	  "at 0x200\ntext \"\\0.xen_pages\\0.xen_pfn\\0\"\nat 0x1000\nframes 0x1000 1\n"
	  "u64 1\n", WS_ERR_MALFORMED, { ".xen_pages in the file wraps" } },

	/* ---- VMware ---- */
	{ "VMware of old", "u32 0xbed2bed0 8 0\n", WS_ERR_UNSUPPORTED,
	  { "old form", "0xbed2bed0" } },
	{ "VMware by name", "fill 4096 1", WS_ERR_UNREADABLE, { "no memory in it" }, "vmware" },
	{ "VMware cut in its groups", "u32 0xbed2bed2 8 1\n", WS_ERR_UNREADABLE,
	  { "before it says where memory lies" } },
	{ "VMware cut in its tags", "u32 0xbed2bed2 8 1\ntext \"memory\"\nat 76\nu64 92 0\n"
	  "u8 4 12\ntext \"regionsCou\"\n", WS_ERR_UNREADABLE,
	  { "before it says where memory lies" } },
	{ "VMware with too many regions", "u32 0xbed2bed2 8 1\ntext \"memory\"\nat 76\n"
	  "u64 92 0\nu8 4 12\ntext \"regionsCount\"\nu32 0x100001\nu8 0x3f 6\ntext \"Memory\"\n"
	  "u64 8 8\nu16 0\nu64 0\nu8 0 0\n", WS_ERR_MALFORMED, { "1048577 regions" } },
	{ "VMware with as many as there may be, none told",
	  "u32 0xbed2bed2 8 1\ntext \"memory\"\nat 76\n"
	  "u64 92 0\nu8 4 12\ntext \"regionsCount\"\nu32 0x100000\nu8 0x3f 6\ntext \"Memory\"\n"
	  "u64 8 8\nu16 0\nu64 0\nu8 0 0\n", WS_ERR_MALFORMED, { "region 0", "not all" } },
	{ "VMware with packed memory", "u32 0xbed2bed2 8 1\ntext \"memory\"\nat 76\n"
	  "u64 92 0\nu8 0x3e 6\ntext \"Memory\"\nu64 8 8\nu16 0\nu64 0\nu8 0 0\n",
	  WS_ERR_UNSUPPORTED, { "compressed" } },

	/* ---- QEMU's migration stream ---- */
	{ "migration version", "be32 0x5145564d 2\n", WS_ERR_UNSUPPORTED,
	  { "version 2", "offset 0x4" } },
	{ "migration of 7 bytes", "be32 0x5145564d 3\ncut 7", WS_ERR_UNREADABLE,
	  { "header of a migration stream", "truncated" } },
	{ "migration cut before its memory", QEVM_PC, WS_ERR_UNREADABLE,
	  { "cut off at 0x1a bytes", "first of its memory" } },
	{ "migration with an unknown section", QEVM_PC "u8 9\n", WS_ERR_MALFORMED,
	  { "offset 0x1a", "no section of a known type" } },
	{ "migration with pages of another size", QEVM_PC "u8 5\n"
	  "named \"configuration/target-page-bits\"\nbe32 1 13\n", WS_ERR_MALFORMED,
	  { "not of 4 KiB" } },
	{ "migration with an unknown configuration", QEVM_PC "u8 5\nnamed \"configuration/x\"\n"
	  "be32 1 13\n", WS_ERR_MALFORMED, { "configuration that is not known" } },
	{ "migration with a long type", "be32 0x5145564d 3\nu8 7\nbe32 256\nfill 256 65\n",
	  WS_ERR_MALFORMED, { "machine type with too long a name", "offset 0x9" } },
	{ "migration of a disk first", QEVM_PC "u8 1\nbe32 1\nnamed \"block\"\nbe32 0 1\n",
	  WS_ERR_UNSUPPORTED, { "section block before its memory", "offset 0x2d" } },
	{ "migration without memory", QEVM_PC QEVM_BLOCKS("0xa004", QEVM_BLOCK("pc.ram",
	  "0xa000")) QEVM_LAST("be64 0x200\n") "u8 0\n", WS_ERR_UNSUPPORTED,
	  { "without memory, which went by other connections", "multifd" } },
	{ "migration with a block twice", QEVM_PC QEVM_BLOCKS("0x14004", QEVM_BLOCK("pc.ram",
	  "0xa000") QEVM_BLOCK("pc.ram", "0xa000")), WS_ERR_MALFORMED, { "two blocks of one name" } },
	{ "migration with blocks that are too long", QEVM_PC QEVM_BLOCKS("0xa004",
	  QEVM_BLOCK("pc.ram", "0xb000")), WS_ERR_MALFORMED, { "longer than all together" } },
	{ "migration with a block that is too long", QEVM_PC QEVM_BLOCKS("0xfffffffffffff004",
	  QEVM_BLOCK("pc.ram", "0xfffffffffffff000")), WS_ERR_MALFORMED, { "no machine has" } },
	{ "migration with blocks of no length", QEVM_PC QEVM_BLOCKS("0xa004",
	  QEVM_BLOCK("", "0")), WS_ERR_MALFORMED, { "no machine has" } },
	{ "migration of an unknown machine", QEVM("sun4m") QEVM_BLOCKS("0xa004",
	  QEVM_BLOCK("sun4m.ram", "0xa000")) QEVM_LAST("be64 8\nnamed \"sun4m.ram\"\n"
	  "frames 0 1\n") "u8 0\n", WS_ERR_UNSUPPORTED,
	  { "which of its blocks", "'sun4m'", "sun4m.ram (0xa000 bytes)" } },
	{ "migration whose machine has a hole at a place that is not told", QEVM("")
	  QEVM_BLOCKS("0x100000004", QEVM_BLOCK("pc.ram", "0x100000000"))
	  QEVM_LAST("be64 8\nnamed \"pc.ram\"\nframes 0 1\n") "u8 0\n", WS_ERR_UNSUPPORTED,
	  { "no map of the firmware's", "pc.ram (0x100000000 bytes)" } },
	{ "migration with mapped-ram of another version",
	  QEVM_MAPPED("be32 2\nbe64 0x1000 0x8d 0x100000\n"), WS_ERR_MALFORMED,
	  { "header of mapped-ram" } },
	{ "migration with mapped-ram whose bitmap is behind its pages",
	  QEVM_MAPPED("be32 1\nbe64 0x1000 0x8d 0x8c\n"), WS_ERR_MALFORMED,
	  { "offsets of mapped-ram" } },
	{ "libvirt's header cut", "text \"LibvirtQemudSave\"\nu32 2\n", WS_ERR_UNREADABLE,
	  { "libvirt's header", "truncated" } },
	{ "libvirt's header with a length that lies", "text \"LibvirtQemudSave\"\nu32 2 -1 1 0\n"
	  "at 92\n" QEVM_WITH(QEVM_PAGES), WS_ERR_UNREADABLE,
	  { "header of a migration stream", "offset 0x10000005b" } },
	{ "libvirt's header before something else", "text \"LibvirtQemudSave\"\nu32 2 0 1 0\n"
	  "at 92\nfill 100 1", WS_ERR_UNREADABLE, { "no migration stream", "offset 0x5c" } },
	{ "libvirt's header of what is packed", "text \"LibvirtQemudSave\"\nu32 2 8 1 3\n"
	  "at 100\nfill 100 1", WS_ERR_UNSUPPORTED, { "compressed by xz", "tail -c +101" } },
	{ "libvirt's header of a new format", "text \"LibvirtQemudSave\"\nu32 2 8 1 9\n"
	  "at 100\nfill 100 1", WS_ERR_UNSUPPORTED, { "format 9", "not known" } },

	/* ---- LiME ---- */
	{ "LiME of 31 bytes", "lime\ncut 31", WS_ERR_UNREADABLE,
	  { "LiME header", "end 0x1f", "truncated" } },
	{ "LiME version", "lime version=2\nfill 1 0", WS_ERR_UNSUPPORTED,
	  { "offset 0", "version 2" } },
	{ "LiME end before start", "lime first=0x2000 last=0x1ffe\nframes 0 1",
	  WS_ERR_MALFORMED, { "offset 0", "0x2000..0x1ffe" } },
	{ "LiME everything", "lime first=0 last=0xffffffffffffffff\nframes 0 1",
	  WS_ERR_MALFORMED, { "offset 0", "0xffffffffffffffff" } },
	{ "LiME cut before its memory", "lime first=0x1000 last=0x1fff\n",
	  WS_ERR_UNREADABLE, { "cut off at 0x20 bytes", "truncated" } },
	{ "LiME second magic", "lime last=0xfff\nframes 0 1\nlime magic=1 first=0x1000 "
	  "last=0x1fff\nframes 0x1000 1\nu8 0", WS_ERR_MALFORMED,
	  { "LiME range 0 (physical 0, 0x1000 bytes)", "no LiME magic", "offset 0x1020" } },
	{ "LiME overlap", "lime last=0xfff\nframes 0 1\nlime first=0xff8 last=0x1ff7\n"
	  "frames 0x1000 1", WS_ERR_MALFORMED,
	  { "LiME range 0 (physical 0, 0x1000 bytes)",
	    "LiME range 1 (physical 0xff8, 0x1000 bytes)", "different contents" } },

	/* ---- AVML ---- */
	{ "AVML of 31 bytes", "avml\ncut 31", WS_ERR_UNREADABLE,
	  { "AVML header", "end 0x1f", "truncated" } },
	{ "AVML version", "avml version=3\nfill 1 0", WS_ERR_UNSUPPORTED,
	  { "offset 0", "version 3", "unknown" } },
	{ "AVML end before start", "avml first=0x2000 last=0x1ffe\nfill 1 0",
	  WS_ERR_MALFORMED, { "offset 0", "0x2000..0x1ffe", "makes no sense" } },
	{ "AVML everything", "avml first=0 last=0xffffffffffffffff\nfill 1 0",
	  WS_ERR_MALFORMED, { "makes no sense" } },
	{ "AVML past the last address", "avml first=0 last=0x10000000000000\nfill 1 0",
	  WS_ERR_MALFORMED, { "makes no sense" } },
	{ "AVML within a page", "avml first=0x1008 last=0x1fff\nfill 1 0",
	  WS_ERR_MALFORMED, { "within a page" } },
	{ "AVML cut before its memory", "avml first=0x1000 last=0x1fff\n",
	  WS_ERR_UNREADABLE, { "cut off at 0x2a bytes", "truncated" } },
	{ "AVML with a chunk of nothing", "avml last=0xfff\nschunk type=1 length=4\n",
	  WS_ERR_MALFORMED, { "AVML block 0", "chunk at file offset 0x2a",
			      "length that makes no sense" } },
	{ "AVML with a chunk shorter than its checksum",
	  "avml last=0xfff\nschunk type=1 length=3\n", WS_ERR_MALFORMED,
	  { "length that makes no sense" } },
	{ "AVML overlap", "avml last=0xfff\nsnappy plain 0 1\nlength 32\n"
	  "avml last=0xfff\nsnappy plain 0 1\nlength 32\n", WS_ERR_MALFORMED,
	  { "AVML block 0 (physical 0, 0x1000 bytes)", "the same physical memory" } },

	/* ---- kdump ---- */
	{ "kdump header", "kdump64\ncut 443", WS_ERR_UNREADABLE,
	  { "kdump header", "file of 0x1bb bytes", "truncated" } },
	{ "kdump machine", "kdump64 machine='sparc64'\n", WS_ERR_UNSUPPORTED,
	  { "'sparc64'", "offset 0x110" } },
	{ "kdump block size between", "kdump64 block_size=8192\n", WS_ERR_MALFORMED,
	  { "block size 8192" } },
	{ "kdump block size", "kdump64 block_size=0x20000\n", WS_ERR_MALFORMED,
	  { "block size 131072", "offset 0x1ac" } },
	{ "kdump sub header size", "kdump64 sub_hdr_size=0\n", WS_ERR_MALFORMED,
	  { "kdump header", "sub header" } },
	{ "kdump without sub header", "kdump64\n", WS_ERR_UNREADABLE,
	  { "sub header", "offset 0x1000", "truncated" } },
	{ "kdump sub headers past the end", KDUMP "at 0\nkdump64 max_mapnr=16 "
	  "sub_hdr_size=0xffffffff", WS_ERR_UNREADABLE,
	  { "kdump bitmap", "offset 0x100000001000", "truncated" } },
	{ "kdump bitmap past the end", KDUMP "at 0\nkdump64 bitmap_blocks=0xffffffff",
	  WS_ERR_UNREADABLE, { "kdump bitmap", "truncated" } },
	{ "kdump bitmap past all memory", "kdump64 block_size=0x10000 "
	  "bitmap_blocks=0xffffffff max_mapnr=0xffffffff\nat 0x10000\n"
	  "sub64 max_mapnr_64=0xffffffffffff\n", WS_ERR_UNREADABLE,
	  { "kdump bitmap", "truncated" } },
	{ "kdump without bitmap blocks", "kdump64 bitmap_blocks=0\nat 0x1000\nsub64\n",
	  WS_ERR_MALFORMED, { "no bitmap", "offset 0x1b4" } },
	{ "kdump empty bitmap", "kdump64 max_mapnr=16\nat 0x1000\nsub64 max_mapnr_64=16\n"
	  "at 0x4000\nu8 0", WS_ERR_MALFORMED, { "no physical memory" } },
	{ "kdump bitmap of more than the file", "kdump64 bitmap_blocks=4\nat 0x1000\n"
	  "sub64 max_mapnr_64=0x10000\nat 0x4000\nfill 0x2000 0xaa", WS_ERR_UNREADABLE,
	  { "cut off at 0x6000 bytes", "truncated" } },
	/* Which bit is wrong, neither bitmap shows. */
	{ "kdump with a bit too many", KDUMP "bits 0x3000 3 1\n", WS_ERR_MALFORMED,
	  { "kdump bitmap (file offset 0x3000)", "3 page frames", "2 page descriptors" } },
	{ "kdump with a bit too few", "kdump64 max_mapnr=16\nat 0x1000\n"
	  "sub64 max_mapnr_64=16\nbits 0x3000 2 1\nbits 0x2000 1 3\n"
	  "at 0x4000\npages zlib 0x1000 2 0x5000\n", WS_ERR_MALFORMED,
	  { "kdump bitmap (file offset 0x3000)", "1 page frame,", "2 page descriptors" } },
	{ "kdump without descriptors", KDUMP "cut 0x4000", WS_ERR_UNREADABLE,
	  { "cut off at 0x4000 bytes", "first of its memory", "truncated" } },
	/* With one that is sound the dump would be read. */
	{ "kdump descriptor offsets", KDUMP "at 0x4000\n"
	  "descriptor offset=0xfffffffffffffffe size=2 flags=1\n"
	  "descriptor offset=0xffffffffffffffff size=2 flags=1", WS_ERR_UNREADABLE,
	  { "page descriptor 0 (file offset 0x4000)", "pa 0x1000", "truncated" } },
	{ "kdump descriptor sizes", KDUMP "at 0x4000\n"
	  "descriptor offset=0x5000 size=4097 flags=1\n"
	  "descriptor offset=0x5000 size=0 flags=1", WS_ERR_MALFORMED,
	  { "page descriptor 0 (file offset 0x4000)", "pa 0x1000", "size 0x1001" } },
	{ "kdump codecs", KDUMP "at 0x4000\n"
	  "descriptor offset=0x5000 size=9 flags=0x40\n"
	  "descriptor offset=0x5000 size=4097 flags=1", WS_ERR_UNSUPPORTED,
	  { "page descriptor 0", "flags 0x40", "compressed" } },
	{ "kdump incomplete before its memory", KDUMP "at 0\n"
	  "kdump64 max_mapnr=16 status=8\nat 0x4000\nfill 48 0", WS_ERR_UNREADABLE,
	  { "page descriptor 0", "not written", "incomplete" } },

	/* ---- flattened ---- */
	{ "flat header", FLAT "cut 4095", WS_ERR_UNREADABLE,
	  { "flattened header", "end 0xfff", "truncated" } },
	{ "flat version", "flat version=2", WS_ERR_UNSUPPORTED, { "offset 0x10", "version 2" } },
	{ "flat offset", "flat\nchunk offset=0x8000000000000000 size=1\nu8 0",
	  WS_ERR_UNREADABLE, { "kdump header", "rearranged offset 0" } },
	{ "flat cut in the header", "flat\nchunk offset=0 size=0x7fffffffffffffff\nu8 0",
	  WS_ERR_UNREADABLE, { "kdump header", "rearranged offset 0", "truncated" } },
	{ "flat empty chunk", "flat\nchunk offset=5 size=0\nu64 -1 -1", WS_ERR_UNREADABLE,
	  { "kdump header", "rearranged offset 0" } },
	{ "flat nothing", "flat\nu64 0xffffffffffffffff 0xffffffffffffffff",
	  WS_ERR_UNREADABLE, { "kdump header", "rearranged offset 0" } },
	{ "flat without magic", "flat\nchunk offset=0 size=512\nfill 512 1\n"
	  "u64 0xffffffffffffffff 0", WS_ERR_UNREADABLE,
	  { "kdump magic", "file offset 0x1010" } },
	{ "flat hole", KDUMP "flatten 0+0x3000 0x3001+0x9000", WS_ERR_UNREADABLE,
	  { "kdump bitmap", "rearranged offset 0x3000" } },
};
/* clang-format on */

/* What the library says of a path, which it must refuse with status. */
static void assert_refused(const char *path, const struct ws_target_options *options,
			   enum ws_status status, const char *const *words, size_t nwords)
{
	struct ws_context *ctx = ws_context_create();
	struct ws_target *target;
	enum ws_status got = ws_target_open(ctx, path, options, &target);
	const char *message = ws_error(ctx, 0);

	assert_null(target);
	assert_non_null(message);
	if (got != status)
		fail_msg("status %d, not %d: %s", got, status, message);
	if (status != WS_ERR_USAGE && strncmp(message, path, strlen(path)))
		fail_msg("does not begin with %s: %s", path, message);
	for (size_t i = 0; i < nwords && words[i]; i++)
		if (!strstr(message, words[i]))
			fail_msg("no '%s' in: %s", words[i], message);
	ws_context_destroy(ctx);
}

static void bad_dump(void **state)
{
	const struct bad *bad = *state;
	struct mk mk = { 0 };
	char path[32];
	ws_autoclose int fd = -1;

	assert_true(mk_build(&mk, bad->text));
	fd = mk_file(&mk, path);
	mk_release(&mk);
	assert_refused(path, &(struct ws_target_options){ .kind = bad->kind },
		       bad->status, bad->words, WS_ARRAY_SIZE(bad->words));
}

/* ---- files that are none ---------------------------------------------------------- */

static void empty_file(void **state)
{
	const struct mk nothing = { 0 };
	char path[32];
	ws_autoclose int fd = mk_file(&nothing, path);

	(void)state;
	assert_true(fd >= 0);
	assert_refused(path, NULL, WS_ERR_UNREADABLE, (const char *[]){ "empty" }, 1);
}

static void no_file(void **state)
{
	(void)state;
	assert_refused("/nowhere/dump.elf", NULL, WS_ERR_UNREADABLE,
		       (const char *[]){ strerror(ENOENT) }, 1);
}

static void directory(void **state)
{
	(void)state;
	assert_refused("/", NULL, WS_ERR_UNREADABLE, (const char *[]){ "directory" }, 1);
}

/* It has no end. */
static void device(void **state)
{
	(void)state;
	assert_refused("/dev/zero", NULL, WS_ERR_UNREADABLE,
		       (const char *[]){ "not a regular file" }, 1);
}

/* As nobody, for root may read everything. */
static void forbidden_file(void **state)
{
	char path[] = "/tmp/whosees-XXXXXX";
	ws_autoclose int fd = mkstemp(path);
	uid_t self = geteuid();

	(void)state;
	assert_int_equal(fchmod(fd, 0), 0);
	if (self == 0)
		assert_int_equal(seteuid(65534), 0);
	assert_refused(path, NULL, WS_ERR_UNREADABLE,
		       (const char *[]){ strerror(EACCES) }, 1);
	assert_int_equal(seteuid(self), 0);
	assert_int_equal(unlink(path), 0);
}

static void unknown_format(void **state)
{
	struct mk mk = { 0 };
	char path[32];
	ws_autoclose int fd = -1;

	(void)state;
	assert_true(mk_build(&mk, "frames 0 1"));
	fd = mk_file(&mk, path);
	mk_release(&mk);
	assert_refused(path, &(struct ws_target_options){ .format = "vax" }, WS_ERR_USAGE,
		       (const char *[]){ "'vax'" }, 1);
}

static void pieces_that_are_none(void **state)
{
	static const struct {
		const char *pieces, *word;
	} bad[] = {
		{ "", "three parts" },
		{ "0:1000", "three parts" },
		{ "0:1000:0,", "three parts" },
		{ "0:1000:0:0", "numbers" },
		{ "x:1000:0", "numbers" },
		{ "0:x:0", "no number" },
		{ "0:0:0", "so much memory" },
		{ "3000::0", "ends before it" },
		{ "0:1000:10000000000000", "numbers" },
		{ "0:2000:fffffffffff000", "numbers" },
		{ "0:2000:ffffffffff000", "so much memory" },
		{ "800:1000:0", "inside a page frame" },
		{ "0:1000:800", "inside a page frame" },
	};
	struct mk mk = { 0 };
	char path[32];
	ws_autoclose int fd = -1;

	(void)state;
	assert_true(mk_build(&mk, "frames 0 3"));
	fd = mk_file(&mk, path);
	mk_release(&mk);
	for (size_t i = 0; i < WS_ARRAY_SIZE(bad); i++)
		assert_refused(path,
			       &(struct ws_target_options){ .pieces = bad[i].pieces },
			       WS_ERR_USAGE, (const char *[]){ "piece", bad[i].word }, 2);
	assert_refused(path,
		       &(struct ws_target_options){ .pieces = "0::0", .kind = "elf" },
		       WS_ERR_USAGE, (const char *[]){ "pieces", "elf" }, 2);
}

static const struct CMUnitTest files[] = {
	cmocka_unit_test(empty_file),
	cmocka_unit_test(no_file),
	cmocka_unit_test(directory),
	cmocka_unit_test(device),
	cmocka_unit_test(forbidden_file),
	cmocka_unit_test(unknown_format),
	cmocka_unit_test(pieces_that_are_none),
};

int main(void)
{
	struct CMUnitTest tests[WS_ARRAY_SIZE(files) + WS_ARRAY_SIZE(cases)];

	memcpy(tests, files, sizeof(files));
	for (size_t i = 0; i < WS_ARRAY_SIZE(cases); i++)
		tests[WS_ARRAY_SIZE(files) + i] =
			(struct CMUnitTest){ .name = cases[i].name,
					     .test_func = bad_dump,
					     .initial_state = (void *)&cases[i] };
	return cmocka_run_group_tests_name("bad targets", tests, NULL, NULL);
}
