/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ARM DDI 0406C, B3.5 (short descriptors) and B3.6 (long ones), a second time. */
#include "reading.h"

#include <string.h>

/* B3.7.1, table B3-8: what AP[2:0] allows with SCTLR.AFE = 0. */
static void access_permissions(struct reading *r, unsigned ap)
{
	static const unsigned allowed[8] = {
		[1] = WS_KERNEL_ALL,
		[2] = WS_KERNEL_ALL | WS_USER_READ | WS_USER_EXECUTE,
		[3] = WS_ACCESS_ALL,
		[5] = WS_KERNEL_READ | WS_KERNEL_EXECUTE,
		[6] = WS_ACCESS_ALL & ~WS_ACCESS_WRITE,
		[7] = WS_ACCESS_ALL & ~WS_ACCESS_WRITE,
	};

	r->answer.access &= allowed[ap];
}

/* B3.5.1, figure B3-4: sections and supersections. */
static void section(struct reading *r, uint64_t descriptor)
{
	unsigned ap =
		(unsigned)(field(descriptor, 15, 15) << 2 | field(descriptor, 11, 10));
	uint64_t high;

	access_permissions(r, ap);
	deny(r, field(descriptor, 4, 4), WS_ACCESS_EXECUTE);
	deny(r, field(descriptor, 0, 0), WS_KERNEL_EXECUTE);
	if (!field(descriptor, 18, 18)) {
		page(r, 20, descriptor & bits(31, 20));
		return;
	}
	/* "PA[35:32] in bits[23:20], PA[39:36] in bits[8:5]" */
	high = field(descriptor, 8, 5) << 4 | field(descriptor, 23, 20);
	if (r->paging->pa_bits && r->paging->pa_bits < 40) {
		uint64_t missing = bits(39, r->paging->pa_bits);

		reserve(r, descriptor,
			field(missing, 35, 32) << 20 | field(missing, 39, 36) << 5 |
				(missing & bits(31, 24)));
	}
	page(r, 24, high << 32 | (descriptor & bits(31, 24)));
}

/* B3.5.1, figure B3-5: large and small pages. */
static void second_level(struct reading *r, uint64_t descriptor)
{
	unsigned ap = (unsigned)(field(descriptor, 9, 9) << 2 | field(descriptor, 5, 4));
	bool small = field(descriptor, 1, 1);

	access_permissions(r, ap);
	deny(r, small ? field(descriptor, 0, 0) : field(descriptor, 15, 15),
	     WS_ACCESS_EXECUTE);
	if (small)
		page(r, 12, descriptor & bits(31, 12));
	else
		page(r, 16, descriptor & bits(31, 16));
}

/* B3.5.5, figures B3-9 to B3-12. */
static void walk_short(struct reading *r, uint64_t root)
{
	uint64_t first, second;

	/* TTBR with TTBCR.N = 0: bits 31:14. */
	if (!read_entry(r, 0, (root & bits(31, 14)) | field(r->va, 31, 20) << 2, 4,
			&first))
		return;
	if (field(first, 1, 0) == 0)
		return;
	if (field(first, 1, 1)) {
		section(r, first);
		return;
	}
	deny(r, field(first, 2, 2), WS_KERNEL_EXECUTE);
	if (!read_entry(r, 1, (first & bits(31, 10)) | field(r->va, 19, 12) << 2, 4,
			&second))
		return;
	if (field(second, 1, 0))
		second_level(r, second);
}

/* B3.6.2: a block's or a page's attributes; B3.7.1, table B3-9. */
static void long_leaf(struct reading *r, uint64_t descriptor, unsigned shift)
{
	uint64_t address = bits(39, (int)shift);

	deny(r, !field(descriptor, 6, 6), WS_USER_ALL);
	deny(r, field(descriptor, 7, 7), WS_ACCESS_WRITE);
	deny(r, field(descriptor, 54, 54), WS_ACCESS_EXECUTE);
	deny(r, field(descriptor, 53, 53), WS_KERNEL_EXECUTE);
	page(r, shift, descriptor & address);
}

/* B3.6.3: hierarchical control. */
static void long_table(struct reading *r, uint64_t descriptor)
{
	deny(r, field(descriptor, 61, 61), WS_USER_ALL);
	deny(r, field(descriptor, 62, 62), WS_ACCESS_WRITE);
	deny(r, field(descriptor, 60, 60), WS_ACCESS_EXECUTE);
	deny(r, field(descriptor, 59, 59), WS_KERNEL_EXECUTE);
}

/* B3.6.6, figures B3-17 to B3-20. */
static void walk_lpae(struct reading *r, uint64_t root)
{
	uint64_t table = root & bits(39, 5);

	for (unsigned level = 1; level <= 3; level++) {
		int shift = 39 - 9 * (int)level;
		uint64_t index = field(r->va, level == 1 ? 31 : shift + 8, shift);
		uint64_t descriptor, wide = bits(47, 40);

		if (!read_entry(r, level - 1, table + index * 8, 8, &descriptor) ||
		    !field(descriptor, 0, 0))
			return;
		if (level == 3 && !field(descriptor, 1, 1)) {
			r->answer.end = WS_END_MALFORMED;
			return;
		}
		if (r->paging->pa_bits && r->paging->pa_bits < 40)
			wide |= bits(39, r->paging->pa_bits) &
				(level < 3 && field(descriptor, 1, 1) ? bits(39, 12)
								      : bits(39, shift));
		reserve(r, descriptor, wide);
		if (level == 3 || !field(descriptor, 1, 1)) {
			long_leaf(r, descriptor, (unsigned)shift);
			return;
		}
		long_table(r, descriptor);
		table = descriptor & bits(39, 12);
	}
}

bool manual_arm(struct reading *r, const char *name, uint64_t root)
{
	bool lpae = strcmp(name, "arm-lpae") == 0;

	if (!lpae && strcmp(name, "arm") != 0)
		return false;
	if (field(r->va, 63, 32))
		r->answer.end = WS_END_NONCANONICAL;
	else if (lpae)
		walk_lpae(r, root);
	else
		walk_short(r, root);
	return true;
}
