/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "manual.h"
#include "reading.h"

#include <string.h>

#define P 0x1u
#define RW 0x2u
#define US 0x4u
#define PS 0x80u
#define XD (UINT64_C(1) << 63)

/* "The physical-address width", at most 52 (4.1.4); 0 stands for the widest. */
static int maxphyaddr(const struct reading *r)
{
	return r->paging->pa_bits ? r->paging->pa_bits : 52;
}

/* Reads the entry at pa; false where the walk ends here. */
static bool fetch(struct reading *r, unsigned level, uint64_t pa, unsigned size,
		  uint64_t *entry)
{
	return read_entry(r, level, pa, size, entry) && *entry & P;
}

/* 4.6.1: "in every paging-structure entry controlling the translation". */
static void grant(struct reading *r, uint64_t entry)
{
	if (!(entry & US))
		r->answer.access &= ~(unsigned)WS_USER_ALL;
	if (!(entry & RW))
		r->answer.access &= ~(unsigned)WS_ACCESS_WRITE;
}

static void grant_xd(struct reading *r, uint64_t entry)
{
	grant(r, entry);
	if (entry & XD)
		r->answer.access &= ~(unsigned)WS_ACCESS_EXECUTE;
}

/* 4.3 32-Bit Paging. */
static void walk_32bit(struct reading *r, uint64_t cr3, bool pse)
{
	uint64_t pde, pte;

	/* Table 4-3: CR3 bits 31:12 are the address of the page directory. */
	if (!fetch(r, 0, (cr3 & bits(31, 12)) | field(r->va, 31, 22) << 2, 4, &pde))
		return;
	grant(r, pde);
	if (pse && pde & PS) {
		/* Table 4-4. M is the minimum of 40 and MAXPHYADDR. */
		int m = maxphyaddr(r) < 40 ? maxphyaddr(r) : 40;

		reserve(r, pde, bits(21, m - 19));
		page(r, 22, (pde & bits(31, 22)) | field(pde, 20, 13) << 32);
		return;
	}
	/* Tables 4-5 and 4-6. */
	if (!fetch(r, 1, (pde & bits(31, 12)) | field(r->va, 21, 12) << 2, 4, &pte))
		return;
	grant(r, pte);
	page(r, 12, pte & bits(31, 12));
}

/*
 * A page directory's and a page table's part of 4.4.2 and 4.5: they differ only in the
 * bits that are reserved in every entry.
 */
static void walk_directory(struct reading *r, unsigned level, uint64_t directory,
			   uint64_t reserved)
{
	uint64_t pde, pte;

	if (!fetch(r, level, directory | field(r->va, 29, 21) << 3, 8, &pde))
		return;
	grant_xd(r, pde);
	if (pde & PS) {
		/* Tables 4-9 and 4-18. */
		reserve(r, pde, reserved | bits(20, 13));
		page(r, 21, pde & bits(51, 21));
		return;
	}
	/* Tables 4-10 and 4-19. */
	reserve(r, pde, reserved);
	if (!fetch(r, level + 1, (pde & bits(51, 12)) | field(r->va, 20, 12) << 3, 8,
		   &pte))
		return;
	/* Tables 4-11 and 4-20. */
	grant_xd(r, pte);
	reserve(r, pte, reserved);
	page(r, 12, pte & bits(51, 12));
}

/* IA32_EFER.NXE = 0 makes bit 63 reserved (every table of 4.4 and 4.5). */
static uint64_t xd_reserved(const struct reading *r)
{
	return r->paging->no_execute ? 0 : XD;
}

/* 4.4 PAE Paging. */
static void walk_pae(struct reading *r, uint64_t cr3)
{
	int m = maxphyaddr(r);
	uint64_t pdpte;

	/* Table 4-7: CR3 bits 31:5. 4.4.1: bits 31:30 choose one of four PDPTEs. */
	if (!fetch(r, 0, (cr3 & bits(31, 5)) | field(r->va, 31, 30) << 3, 8, &pdpte))
		return;
	/* Table 4-8: no R/W, U/S or XD in a PDPTE. */
	reserve(r, pdpte, bits(63, m) | bits(8, 5) | bits(2, 1));
	walk_directory(r, 1, pdpte & bits(51, 12), bits(62, m) | xd_reserved(r));
}

/* 4.5 4-Level Paging and 5-Level Paging. */
static void walk_long(struct reading *r, uint64_t cr3, bool la57)
{
	uint64_t table = cr3 & bits(51, 12), entry;
	uint64_t reserved = bits(51, maxphyaddr(r)) | xd_reserved(r);
	unsigned level = 0;

	if (la57) {
		/* Table 4-14: bit 7 of a PML5E is reserved. */
		if (!fetch(r, level++, table | field(r->va, 56, 48) << 3, 8, &entry))
			return;
		grant_xd(r, entry);
		reserve(r, entry, reserved | PS);
		table = entry & bits(51, 12);
	}
	/* Table 4-15: so is that of a PML4E. */
	if (!fetch(r, level++, table | field(r->va, 47, 39) << 3, 8, &entry))
		return;
	grant_xd(r, entry);
	reserve(r, entry, reserved | PS);
	if (!fetch(r, level++, (entry & bits(51, 12)) | field(r->va, 38, 30) << 3, 8,
		   &entry))
		return;
	grant_xd(r, entry);
	if (entry & PS) {
		/* Table 4-16. */
		reserve(r, entry, reserved | bits(29, 13));
		page(r, 30, entry & bits(51, 30));
		return;
	}
	/* Table 4-17. */
	reserve(r, entry, reserved);
	walk_directory(r, level, entry & bits(51, 12), reserved);
}

static bool manual_x86(struct reading *r, const char *name, uint64_t root)
{
	bool la57 = strcmp(name, "x86_64-la57") == 0;
	bool four = strcmp(name, "x86_64") == 0;

	/* Vol. 1, 3.3.7.1: canonical. */
	if (la57 || four ? !alike_from(r->va, la57 ? 56 : 47) : field(r->va, 63, 32) != 0)
		r->answer.end = WS_END_NONCANONICAL;
	else if (la57 || four)
		walk_long(r, root, la57);
	else if (strcmp(name, "i386-pae") == 0)
		walk_pae(r, root);
	else
		walk_32bit(r, root, strcmp(name, "i386") == 0);
	return true;
}

struct manual_answer manual_walk(const struct ws_paging *paging, uint64_t root,
				 uint64_t va)
{
	static bool (*const manuals[])(struct reading *, const char *, uint64_t) = {
		manual_arm64,
		manual_arm,
		manual_riscv,
		manual_x86,
	};
	struct reading r = {
		.paging = paging,
		.va = va,
		.answer = { .access = WS_ACCESS_ALL },
	};

	for (unsigned i = 0; !manuals[i](&r, ws_format_name(paging->format), root); i++)
		;
	return r.answer;
}
