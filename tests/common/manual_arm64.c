/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Arm ARM (DDI 0487) D8.2 to D8.4, a second time: after its pseudocode, AArch64.S1Walk. */
#include "reading.h"

#include <stdio.h>
#include <string.h>

struct regime {
	unsigned granule; /* TGxSize: its log2 */
	unsigned width;   /* 64 - TxSZ */
	bool ds;          /* TCR.DS: LPA2 */
};

/* "arm64-4k-48" */
static bool regime_of(const char *name, struct regime *regime)
{
	unsigned kib;

	if (sscanf(name, "arm64-%uk-%u", &kib, &regime->width) != 2)
		return false;
	regime->granule = kib == 4 ? 12 : kib == 16 ? 14 : 16;
	regime->ds = regime->width == 52 && kib != 64;
	return true;
}

/* LeafBase() and NextTableBase(): where a descriptor keeps its address. */
static uint64_t base_of(const struct regime *regime, uint64_t descriptor, int low)
{
	if (regime->granule == 16)
		return (descriptor & bits(47, low)) | field(descriptor, 15, 12) << 48;
	if (regime->ds)
		return (descriptor & bits(49, low)) | field(descriptor, 9, 8) << 50;
	return descriptor & bits(47, low);
}

/* What of a descriptor is address bits that this processor does not have. */
static uint64_t oversize(const struct reading *r, const struct regime *regime, int low)
{
	int widest = regime->ds || regime->granule == 16 ? 52 : 48;
	int width = r->paging->pa_bits;
	uint64_t wide = 0;

	if (!width || width >= widest)
		return 0;
	for (int bit = low > width ? low : width; bit < widest; bit++) {
		if (regime->granule == 16 && bit >= 48)
			wide |= bits(bit - 36, bit - 36);
		else if (regime->ds && bit >= 50)
			wide |= bits(bit - 42, bit - 42);
		else
			wide |= bits(bit, bit);
	}
	return wide;
}

/* Table D8-19 and what follows it: where a block may be. */
static bool may_be_block(const struct regime *regime, int level)
{
	switch (regime->granule) {
	case 12:
		return level == 1 || level == 2 || (level == 0 && regime->ds);
	case 14:
		return level == 2 || (level == 1 && regime->ds);
	default:
		return level == 2 || level == 1;
	}
}

/* AArch64.S1DirectBasePermissions(): after the tables' bits were applied to these. */
static void permissions(struct reading *r, unsigned ap, unsigned ap_table, bool uxn,
			bool pxn)
{
	bool user, read_only;

	if (ap_table & 1)
		ap &= ~1u;
	if (ap_table & 2)
		ap |= 2;
	user = ap & 1;
	read_only = ap & 2;
	deny(r, !user, WS_USER_READ | WS_USER_WRITE);
	deny(r, read_only, WS_ACCESS_WRITE);
	deny(r, uxn, WS_USER_EXECUTE);
	deny(r, pxn || (user && !read_only), WS_KERNEL_EXECUTE);
}

static void walk(struct reading *r, const struct regime *regime, uint64_t root)
{
	unsigned stride = regime->granule - 3, ap_table = 0, steps;
	int high = (int)regime->width - 1;
	bool uxn = false, pxn = false;
	uint64_t table;

	/* D8.2: as many levels as it takes; what is left over is the first one's. */
	steps = (regime->width - regime->granule + stride - 1) / stride;
	table = root & bits(regime->ds || regime->granule == 16 ? 51 : 47,
			    high - (int)(regime->granule + (steps - 1) * stride) + 1 + 3);
	for (unsigned step = 0; step < steps; step++) {
		int level = 4 - (int)(steps - step);
		int shift = (int)(regime->granule + (steps - step - 1) * stride);
		uint64_t descriptor;
		bool leaf;

		if (!read_entry(r, step, table + field(r->va, high, shift) * 8, 8,
				&descriptor) ||
		    !field(descriptor, 0, 0))
			return;
		leaf = level == 3 || !field(descriptor, 1, 1);
		if (level == 3 ? !field(descriptor, 1, 1)
			       : leaf && !may_be_block(regime, level)) {
			r->answer.end = WS_END_MALFORMED;
			return;
		}
		reserve(r, descriptor,
			oversize(r, regime, leaf ? shift : (int)regime->granule));
		if (leaf) {
			permissions(r, (unsigned)field(descriptor, 7, 6), ap_table,
				    uxn || field(descriptor, 54, 54),
				    pxn || field(descriptor, 53, 53));
			page(r, (unsigned)shift, base_of(regime, descriptor, shift));
			return;
		}
		ap_table |= (unsigned)field(descriptor, 62, 61);
		uxn |= field(descriptor, 60, 60);
		pxn |= field(descriptor, 59, 59);
		table = base_of(regime, descriptor, (int)regime->granule);
		high = shift - 1;
	}
}

bool manual_arm64(struct reading *r, const char *name, uint64_t root)
{
	struct regime regime;

	if (!regime_of(name, &regime))
		return false;
	/* D8.2.8: bits above the width choose the half, and are all alike. */
	if (alike_from(r->va, (int)regime.width))
		walk(r, &regime, root);
	else
		r->answer.end = WS_END_NONCANONICAL;
	return true;
}
