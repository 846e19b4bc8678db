/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * RISC-V Privileged Architecture, "Virtual Address Translation Process" (12.3.2), with
 * Svnapot and Svpbmt, a second time: its steps by their numbers.
 */
#include "reading.h"

#include <stdio.h>
#include <string.h>

struct mode {
	unsigned levels, ptesize, vpn; /* vpn: bits of one virtual page number */
};

static bool mode_of(const char *name, struct mode *mode)
{
	unsigned width;

	if (sscanf(name, "riscv-sv%u", &width) != 1)
		return false;
	*mode = width == 32 ? (struct mode){ 2, 4, 10 }
			    : (struct mode){ (width - 12) / 9, 8, 9 };
	return true;
}

/* Address bits that this processor lacks, where they lie in an entry; low: the lowest. */
static uint64_t oversize(const struct reading *r, const struct mode *mode, int low)
{
	int widest = mode->ptesize == 4 ? 34 : 56, width = r->paging->pa_bits;

	if (!width || width >= widest)
		return 0;
	return bits(widest - 3, (width > low ? width : low) - 2);
}

/* Steps 5 and 7: what the entry allows, and what of it is reserved. */
static void leaf(struct reading *r, const struct mode *mode, uint64_t pte, unsigned i)
{
	bool is_64 = mode->ptesize == 8;
	unsigned shift = 12 + i * mode->vpn;
	uint64_t reserved = is_64 ? bits(58, 54) : 0, ppn;

	deny(r, !field(pte, 1, 1), WS_KERNEL_READ | WS_USER_READ);
	deny(r, !field(pte, 2, 2), WS_ACCESS_WRITE);
	deny(r, !field(pte, 3, 3), WS_ACCESS_EXECUTE);
	deny(r, !field(pte, 4, 4), WS_USER_ALL);
	deny(r, field(pte, 4, 4), WS_KERNEL_EXECUTE);
	if (is_64 && field(pte, 63, 63)) {
		if (i > 0) {
			reserved |= bits(63, 63);
		} else if (field(pte, 13, 10) == 8) {
			shift = 16;
		} else {
			r->answer.end = WS_END_MALFORMED;
			return;
		}
	}
	if (is_64 && field(pte, 62, 61) == 3)
		reserved |= bits(62, 61);
	/* Step 6: a misaligned superpage. */
	if (i > 0)
		reserved |= bits((int)(shift - 12) + 9, 10);
	reserve(r, pte, reserved | oversize(r, mode, (int)shift));
	ppn = field(pte, is_64 ? 53 : 31, 10);
	page(r, shift, (ppn << 12) & ~bits((int)shift - 1, 0));
}

static void walk(struct reading *r, const struct mode *mode, uint64_t root)
{
	bool is_64 = mode->ptesize == 8;
	uint64_t a = root & bits(is_64 ? 55 : 33, 12);

	for (unsigned i = mode->levels; i-- > 0;) {
		int low = 12 + (int)(i * mode->vpn);
		uint64_t va_vpn = field(r->va, low + (int)mode->vpn - 1, low), pte;

		/* Step 2. */
		if (!read_entry(r, mode->levels - 1 - i, a + va_vpn * mode->ptesize,
				mode->ptesize, &pte))
			return;
		/* Step 3. */
		if (!field(pte, 0, 0))
			return;
		r->answer.end = WS_END_MALFORMED;
		if (!field(pte, 1, 1) && field(pte, 2, 2))
			return;
		/* Step 4. */
		if (field(pte, 1, 1) || field(pte, 3, 3)) {
			leaf(r, mode, pte, i);
			return;
		}
		if (i == 0)
			return;
		reserve(r, pte,
			bits(7, 6) | bits(4, 4) |
				(is_64 ? bits(58, 54) | bits(63, 61) : 0) |
				oversize(r, mode, 12));
		a = field(pte, is_64 ? 53 : 31, 10) << 12;
	}
}

bool manual_riscv(struct reading *r, const char *name, uint64_t root)
{
	struct mode mode;

	if (!mode_of(name, &mode))
		return false;
	if (mode.ptesize == 4 ? field(r->va, 63, 32) != 0
			      : !alike_from(r->va, 11 + 9 * (int)mode.levels))
		r->answer.end = WS_END_NONCANONICAL;
	else
		walk(r, &mode, root);
	return true;
}
