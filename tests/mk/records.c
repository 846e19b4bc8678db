/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Headers as tables, written from the formats' own documents and not from src/: gABI
 * ch. 4 and 5, LiME's README, avml's src/image.rs and snappy's framing_format.txt, VirtualBox's
 * dbgfcorefmt.h, QEMU target/i386/arch_dump.c, makedumpfile's diskdump_mod.h
 * and IMPLEMENTATION.
 */
#include "mk/mk.h"

#include <string.h>

/* clang-format off */
static const struct mk_record records[] = {
	{ "ehdr32", 52, false, {
		{ "magic", 0, 4, 0x464c457f }, { "class", 4, 1, 1 }, { "data", 5, 1, 1 },
		{ "version", 6, 1, 1 }, { "type", 16, 2, 4 }, { "machine", 18, 2, 3 },
		{ "phoff", 28, 4, 52 }, { "shoff", 32, 4, 0 }, { "ehsize", 40, 2, 52 },
		{ "phentsize", 42, 2, 32 }, { "phnum", 44, 2, 1 },
		{ "shentsize", 46, 2, 40 }, { "shnum", 48, 2, 0 } } },
	{ "ehdr64", 64, false, {
		{ "magic", 0, 4, 0x464c457f }, { "class", 4, 1, 2 }, { "data", 5, 1, 1 },
		{ "version", 6, 1, 1 }, { "type", 16, 2, 4 }, { "machine", 18, 2, 62 },
		{ "phoff", 32, 8, 64 }, { "shoff", 40, 8, 0 }, { "ehsize", 52, 2, 64 },
		{ "phentsize", 54, 2, 56 }, { "phnum", 56, 2, 1 },
		{ "shentsize", 58, 2, 64 }, { "shnum", 60, 2, 0 },
		{ "shstrndx", 62, 2, 0 } } },
	/* type 1 is PT_LOAD, 4 is PT_NOTE */
	{ "phdr32", 32, false, {
		{ "type", 0, 4, 1 }, { "offset", 4, 4, 0 }, { "vaddr", 8, 4, 0 },
		{ "paddr", 12, 4, 0 }, { "filesz", 16, 4, 0 }, { "memsz", 20, 4, 0 } } },
	{ "phdr64", 56, false, {
		{ "type", 0, 4, 1 }, { "offset", 8, 8, 0 }, { "vaddr", 16, 8, 0 },
		{ "paddr", 24, 8, 0 }, { "filesz", 32, 8, 0 }, { "memsz", 40, 8, 0 } } },
	{ "shdr32", 40, false, { { "info", 28, 4, 0 } } },
	{ "shdr64", 64, false, {
		{ "name", 0, 4, 0 }, { "type", 4, 4, 1 }, { "offset", 24, 8, 0 },
		{ "size", 32, 8, 0 }, { "info", 44, 4, 0 }, { "entsize", 56, 8, 0 } } },

	{ "nhdr", 12, false, {
		{ "namesz", 0, 4, 5 }, { "descsz", 4, 4, 0 }, { "type", 8, 4, 0 } } },
	{ "qemu", 440, false, {
		{ "version", 0, 4, 1 }, { "size", 4, 4, 440 }, { "rax", 8, 8, 0 },
		{ "rsp", 56, 8, 0 }, { "r8", 72, 8, 0 }, { "r15", 128, 8, 0 },
		{ "rip", 136, 8, 0 }, { "rflags", 144, 8, 0 },
		{ "cs_selector", 152, 4, 0 }, { "cs_limit", 156, 4, 0 },
		{ "cs_flags", 160, 4, 0 }, { "cs_base", 168, 8, 0 },
		{ "tr_base", 336, 8, 0 }, { "gdt_base", 360, 8, 0 },
		{ "idt_base", 384, 8, 0 }, { "cr0", 392, 8, 0 }, { "cr2", 408, 8, 0 },
		{ "cr3", 416, 8, 0 }, { "cr4", 424, 8, 0 } } },
	{ "prstatus32", 144, false, {
		{ "ebx", 72, 4, 0 }, { "ecx", 76, 4, 0 }, { "edx", 80, 4, 0 },
		{ "esi", 84, 4, 0 }, { "edi", 88, 4, 0 }, { "ebp", 92, 4, 0 },
		{ "eax", 96, 4, 0 }, { "eip", 120, 4, 0 }, { "cs", 124, 4, 0 },
		{ "eflags", 128, 4, 0 }, { "esp", 132, 4, 0 }, { "ss", 136, 4, 0 } } },
	{ "prstatus64", 336, false, {
		{ "r15", 112, 8, 0 }, { "rbp", 144, 8, 0 }, { "rbx", 152, 8, 0 },
		{ "r8", 184, 8, 0 }, { "rax", 192, 8, 0 }, { "rcx", 200, 8, 0 },
		{ "rdx", 208, 8, 0 }, { "rsi", 216, 8, 0 }, { "rdi", 224, 8, 0 },
		{ "rip", 240, 8, 0 }, { "cs", 248, 8, 0 }, { "rflags", 256, 8, 0 },
		{ "rsp", 264, 8, 0 }, { "ss", 272, 8, 0 } } },

	{ "prstatus_arm", 148, false, {
		{ "r0", 72, 4, 0 }, { "r1", 76, 4, 0 }, { "r12", 120, 4, 0 },
		{ "sp", 124, 4, 0 }, { "lr", 128, 4, 0 }, { "pc", 132, 4, 0 },
		{ "cpsr", 136, 4, 0 } } },

	{ "vbcore", 24, false, {
		{ "magic", 0, 4, 0xc01ac0de }, { "version", 4, 4, 0x10006 },
		{ "size", 8, 4, 24 }, { "ncpus", 20, 4, 1 } } },
	{ "vbcpu", 496, false, {
		{ "rax", 0, 8, 0 }, { "rip", 112, 8, 0 }, { "rsp", 120, 8, 0 },
		{ "rbp", 128, 8, 0 }, { "rflags", 136, 8, 2 },
		{ "cs_base", 144, 8, 0 }, { "cs_limit", 152, 4, 0 },
		{ "cs_rights", 156, 4, 0 }, { "cs_selector", 160, 2, 0 },
		{ "ss_rights", 276, 4, 0 },
		{ "cr0", 288, 8, 0x80050033 }, { "cr2", 296, 8, 0 }, { "cr3", 304, 8, 0 },
		{ "cr4", 312, 8, 0 }, { "gdt_base", 384, 8, 0 }, { "gdt_limit", 392, 4, 0 },
		{ "idt_base", 400, 8, 0 }, { "idt_limit", 408, 4, 0 },
		{ "tr_base", 440, 8, 0 }, { "tr_selector", 456, 2, 0 },
		{ "efer", 488, 8, 0 } } },

	{ "xen_context", 5168, false, {
		{ "rax", 600, 8, 0 }, { "rip", 648, 8, 0 }, { "cs", 656, 2, 0 },
		{ "rflags", 664, 8, 2 }, { "rsp", 672, 8, 0 },
		{ "cr0", 4984, 8, 0x80050033 }, { "cr2", 5000, 8, 0 },
		{ "cr3", 5008, 8, 0 }, { "cr4", 5016, 8, 0x10 }, { "gs_base", 5152, 8, 0 } } },

	{ "lime", 32, false, {
		{ "magic", 0, 4, 0x4c694d45 }, { "version", 4, 4, 1 },
		{ "first", 8, 8, 0 }, { "last", 16, 8, 0 } } },

	{ "avml", 42, false, {
		{ "magic", 0, 4, 0x4c4d5641 }, { "version", 4, 4, 2 },
		{ "first", 8, 8, 0 }, { "last", 16, 8, 0 }, { "reserved", 24, 8, 0 },
		{ "stream", 32, 4, 0x6ff }, { "sNaP", 36, 4, 0x50614e73 },
		{ "pY", 40, 2, 0x5970 } } },
	{ "schunk", 9, false, {
		{ "type", 0, 1, 0 }, { "length", 1, 3, 0 }, { "sum", 4, 4, 0 },
		{ "unpacked", 8, 1, 0 } } },

	{ "kdump32", 452, false, {
		{ "magic", 0, 8, 0x202020504d55444b }, { "version", 8, 4, 6 },
		{ "machine", 272, 8, 0x36383669 /* "i686" */ },
		{ "taken", 404, 4, 0 }, { "status", 412, 4, 0 }, { "block_size", 416, 4, 4096 }, { "sub_hdr_size", 420, 4, 1 },
		{ "bitmap_blocks", 424, 4, 2 }, { "max_mapnr", 428, 4, 0 } } },
	{ "kdump64", 464, false, {
		{ "magic", 0, 8, 0x202020504d55444b }, { "version", 8, 4, 6 },
		{ "machine", 272, 8, 0x34365f363878 /* "x86_64" */ },
		{ "taken", 408, 8, 0 }, { "status", 424, 4, 0 }, { "block_size", 428, 4, 4096 }, { "sub_hdr_size", 432, 4, 1 },
		{ "bitmap_blocks", 436, 4, 2 }, { "max_mapnr", 440, 4, 0 } } },
	{ "sub32", 80, false, {
		{ "split", 8, 4, 0 }, { "start_pfn", 12, 4, 0 }, { "end_pfn", 16, 4, 0 },
		{ "start_pfn_64", 56, 8, 0 }, { "end_pfn_64", 64, 8, 0 },
		{ "offset_vmcoreinfo", 20, 8, 0 },
		{ "size_vmcoreinfo", 28, 4, 0 }, { "offset_note", 32, 8, 0 },
		{ "size_note", 40, 4, 0 }, { "max_mapnr_64", 72, 8, 0 } } },
	{ "sub64", 104, false, {
		{ "split", 12, 4, 0 }, { "start_pfn", 16, 8, 0 }, { "end_pfn", 24, 8, 0 },
		{ "start_pfn_64", 80, 8, 0 }, { "end_pfn_64", 88, 8, 0 },
		{ "offset_vmcoreinfo", 32, 8, 0 },
		{ "size_vmcoreinfo", 40, 8, 0 }, { "offset_note", 48, 8, 0 },
		{ "size_note", 56, 8, 0 }, { "max_mapnr_64", 96, 8, 0 } } },
	{ "descriptor", 24, false, {
		{ "offset", 0, 8, 0 }, { "size", 8, 4, 0 }, { "flags", 12, 4, 0 } } },

	{ "flat", 4096, true, {
		{ "magic", 0, 8, 0x6d616b6564756d70 }, { "rest", 8, 8, 0x66696c6500000000 },
		{ "type", 16, 8, 1 }, { "version", 24, 8, 1 } } },
	{ "chunk", 16, true, { { "offset", 0, 8, 0 }, { "size", 8, 8, 0 } } },
};
/* clang-format on */

const struct mk_record *mk_record(const char *name)
{
	for (size_t i = 0; i < sizeof(records) / sizeof(*records); i++)
		if (!strcmp(records[i].name, name))
			return &records[i];
	return NULL;
}
