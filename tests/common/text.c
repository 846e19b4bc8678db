/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "text.h"

#include <inttypes.h>

struct ending {
	const struct ws_format *format;
	enum ws_end end;
	unsigned level, page_shift, access;
	uint64_t pa;
};

static const char *const end_words[] = {
	[WS_END_PAGE] = "page",
	[WS_END_HOLE] = "hole",
	[WS_END_MALFORMED] = "malformed",
	[WS_END_ABSENT] = "unreadable",
	[WS_END_NONCANONICAL] = "noncanonical",
};

/* The kernel's rights, or the user's. */
static const char letters[][4] = {
	"---", "r--", "-w-", "rw-", "--x", "r-x", "-wx", "rwx"
};

static void print_page(FILE *out, const struct ending *e)
{
	unsigned unit = e->page_shift / 10;

	fprintf(out, "page %" PRIx64 " %u%c %s/%s", e->pa,
		1u << (e->page_shift - unit * 10), "?KMGT"[unit],
		letters[e->access & WS_KERNEL_ALL], letters[e->access / WS_USER_READ]);
}

static void print_ending(FILE *out, const struct ending *e)
{
	if (e->end == WS_END_PAGE)
		print_page(out, e);
	else if (e->end == WS_END_NONCANONICAL)
		fputs(end_words[e->end], out);
	else
		fprintf(out, "%s at %s", end_words[e->end],
			ws_level_entry_name(e->format, e->level));
}

void print_trail(FILE *out, const struct ws_format *format, const struct ws_trail *trail)
{
	print_ending(out, &(struct ending){ .format = format,
					    .end = trail->end,
					    .level = trail->nsteps - 1u,
					    .page_shift = trail->page_shift,
					    .access = trail->access,
					    .pa = trail->pa });
}

void print_run(FILE *out, const struct ws_format *format, const struct ws_run *run)
{
	fprintf(out, "%" PRIx64 "-%" PRIx64 " ", run->va, run->last);
	print_ending(out, &(struct ending){ .format = format,
					    .end = run->end,
					    .level = run->level,
					    .page_shift = run->page_shift,
					    .access = run->access,
					    .pa = run->pa });
}

void print_flaw(FILE *out, const struct ws_format *format, const struct ws_flaw *flaw)
{
	const char *separator = "bits ";

	for (int high = 63; high >= 0; high--) {
		int low = high;

		if (!(flaw->reserved >> high & 1))
			continue;
		while (low > 0 && flaw->reserved >> (low - 1) & 1)
			low--;
		fprintf(out, high == low ? "%s%d" : "%s%d:%d", separator, high, low);
		separator = ",";
		high = low;
	}
	fprintf(out, " at %s", ws_level_entry_name(format, flaw->level));
}
