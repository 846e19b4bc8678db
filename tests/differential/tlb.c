/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Prints what one CPU of a dump can translate, as QEMU's monitor prints it of a running
 * machine: `info tlb` (every page with its last entry's bits), `info mem` (merged ranges
 * with the rights that all levels grant). tests/lab/test_tlb.py compares.
 *
 *	tlb DUMP CPU tlb|mem
 */
#include "target/target.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* QEMU's letters, left to right (its target/i386/monitor.c, print_pte). */
static const struct {
	uint64_t bit;
	char letter;
} letters[] = {
	{ UINT64_C(1) << 63, 'X' },
	{ 1 << 8, 'G' },
	{ 1 << 7, 'P' },
	{ 1 << 6, 'D' },
	{ 1 << 5, 'A' },
	{ 1 << 4, 'C' },
	{ 1 << 3, 'T' },
	{ 1 << 2, 'U' },
	{ 1 << 1, 'W' },
};

struct view {
	struct ws_paging paging;
	uint64_t root;
	uint64_t first, last; /* the range that is being gathered for `info mem` */
	unsigned rights;
	bool open;
};

static enum ws_evidence frame(void *opaque, uint64_t pa, const uint8_t **bytes)
{
	return ws_target_frame(opaque, pa, bytes);
}

static void print_page(const struct view *view, uint64_t va)
{
	struct ws_trail trail;
	uint64_t entry;

	ws_walk(&view->paging, view->root, va, &trail);
	if (trail.end != WS_END_PAGE) {
		fprintf(stderr, "tlb: %" PRIx64 " is in a run but does not walk\n", va);
		exit(1);
	}
	entry = trail.step[trail.nsteps - 1].entry;
	if (trail.page_shift == 12)
		entry &= ~UINT64_C(0x80); /* PAT here: QEMU leaves it out */
	printf("%016" PRIx64 ": %016" PRIx64 " ", va, trail.pa);
	for (size_t i = 0; i < sizeof(letters) / sizeof(*letters); i++)
		putchar(entry & letters[i].bit ? letters[i].letter : '-');
	putchar('\n');
}

/* Runs end where pages end here: the range asked for is everything. */
static bool print_pages(void *arg, const struct ws_run *run)
{
	uint64_t size = UINT64_C(1) << run->page_shift;

	for (uint64_t va = run->va;; va += size) {
		print_page(arg, va);
		if (va + (size - 1) == run->last)
			return true;
	}
}

static void flush_range(struct view *view)
{
	if (view->open)
		printf("%016" PRIx64 "-%016" PRIx64 " %016" PRIx64 " %cr%c\n",
		       view->first, view->last + 1, view->last - view->first + 1,
		       view->rights & WS_USER_READ ? 'u' : '-',
		       view->rights & WS_KERNEL_WRITE ? 'w' : '-');
	view->open = false;
}

/* QEMU merges whatever has the same U/S and R/W: page size and XD do not part ranges. */
static bool merge_runs(void *arg, const struct ws_run *run)
{
	struct view *view = arg;
	unsigned rights = run->access & (WS_USER_READ | WS_KERNEL_WRITE);

	if (!view->open || view->last + 1 != run->va || view->rights != rights) {
		flush_range(view);
		view->first = run->va;
		view->rights = rights;
		view->open = true;
	}
	view->last = run->last;
	return true;
}

static int fail(struct ws_context *ctx)
{
	for (unsigned i = 0; ws_error(ctx, i); i++)
		fprintf(stderr, "tlb: %s\n", ws_error(ctx, i));
	return 1;
}

static int print_cpu(struct ws_context *ctx, struct ws_target *target, size_t number,
		     bool merge)
{
	const struct ws_cpu *cpu = ws_target_cpu(target, number);
	struct view view;
	uint64_t root;

	if (!cpu || !ws_cpu_register(cpu, "cr3", &root) || !target->format) {
		fprintf(stderr, "tlb: no control registers of CPU %zu in the dump\n",
			number);
		return 1;
	}
	view = (struct view){
		.paging = { .format = target->format, .frame = frame, .opaque = target },
		.root = root
	};
	if (ws_range(&view.paging, view.root, 0, UINT64_MAX, 0, 0,
		     merge ? merge_runs : print_pages, &view) != WS_OK)
		return fail(ctx);
	if (merge)
		flush_range(&view);
	return 0;
}

int main(int argc, char **argv)
{
	const struct ws_target_options options = { 0 };
	struct ws_context *ctx = ws_context_create();
	struct ws_target *target;
	int failed;

	if (argc != 4 || !ctx) {
		fprintf(stderr, "usage: %s DUMP CPU tlb|mem\n", argv[0]);
		return 2;
	}
	if (ws_target_open(ctx, argv[1], &options, &target) != WS_OK) {
		failed = fail(ctx);
	} else {
		failed = print_cpu(ctx, target, strtoul(argv[2], NULL, 10),
				   strcmp(argv[3], "mem") == 0);
		ws_target_close(target);
	}
	ws_context_destroy(ctx);
	return failed;
}
